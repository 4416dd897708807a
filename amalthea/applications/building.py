"""Everything that the architectures share: checks of arguments, shapes of inputs, heads, and weights.

An architecture is a function of a family and a row of numbers:

    ResNet50 = variant(_resnet, "ResNet50", "resnet50", Table(...))

The family's function makes a :class:`Plan` of the arguments, computes features from ``plan.inputs``, and ends with
``plan.model(...)``.
"""

from __future__ import annotations

import functools
import inspect
import os
import warnings
from collections.abc import Callable
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from amalthea import config, docstrings, loading
from amalthea.checks import positive_int
from amalthea.engine.types import ShapeLike, TensorLike
from amalthea.errors import ArgumentError, ShapeError, brief, nearest
from amalthea.layers import (
    Conv2D,
    Dense,
    Dropout,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    Input,
    Multiply,
    Reshape,
)
from amalthea.models import Model
from amalthea.operation import remembers
from amalthea.utils.files import get_file
from amalthea.utils.sources import get_source_inputs

P = ParamSpec("P")
Table = TypeVar("Table")

ROOT = "https://storage.googleapis.com/tensorflow/keras-applications/"
CLASSES = 1000  # of ImageNet
MOST_ELEMENTS = 1 << 31  # of the weights of one network
POOLINGS = {"avg": GlobalAveragePooling2D, "max": GlobalMaxPooling2D}

_PARTS = {
    "include_top": """
        include_top: bool; whether the classifier is part of the model. Defaults to True. Without it the output is a
            map of features, or a vector of them with ``pooling``.""",
    "weights": """
        weights: str, path or None; ``"imagenet"``, the default, fetches weights that were trained on ImageNet and
            keeps them in ``~/.keras/models``; a path or URL of a file of weights loads that; None draws new ones.""",
    "input_tensor": """
        input_tensor: symbolic tensor to begin from, or None, the default, which makes a new input.""",
    "input_shape": """
        input_shape: tuple of three int or None; shape of an image without the batch. Defaults to None: the size that
            the architecture was published with, or any size without the classifier.""",
    "pooling": """
        pooling: str or None; without the classifier, ``"avg"`` or ``"max"`` reduces the map of features to a vector.
            Defaults to None, which returns the map.""",
    "classes": """
        classes: int; number of classes. Defaults to 1000, the number with weights of ImageNet.""",
    "classifier_activation": """
        classifier_activation: str, function or None; activation of the classifier. Defaults to ``"softmax"``; None
            gives logits.""",
    "name": """
        name: str; name of the model. Defaults to that of the architecture.""",
}
docstrings.share("architecture options", "\n".join(inspect.cleandoc(text) for text in _PARTS.values()))
docstrings.share(
    "architecture shapes",
    "(batch, height, width, channels) -> (batch, classes); without the classifier (batch, h, w, features), or (batch,\n"
    'features) with ``pooling``. The axis of channels comes first under ``image_data_format`` "channels_first".',
)
docstrings.share(
    "architecture errors",
    """
    ArgumentError: an argument is not one of its values, or weights of ImageNet do not fit the others.
    ShapeError: images of this shape do not fit the architecture.
    DownloadError: the weights cannot be fetched.
    ModelFileError: the file of weights is of another model.
    """,
)


def building_function(function: Callable[P, Model]) -> Callable[P, Model]:
    """Lets a function build one architecture: weights that a file will give are not drawn before.

    The texts that all architectures share are put into its docstring.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def build(*args: P.args, **kwargs: P.kwargs) -> Model:
        given = signature.bind(*args, **kwargs).arguments
        if given.get("weights", "imagenet") is None:
            return function(*args, **kwargs)
        token = loading.reading.set(loading.Plan(MOST_ELEMENTS))
        try:
            return function(*args, **kwargs)
        finally:
            loading.reading.reset(token)

    return docstrings.fill(build)


class File(NamedTuple):
    """A file of weights on the web.

    Args:
        origin: str; URL.
        file_hash: str or None; its MD5 or SHA-256, where one was published.
        kept_as: str or None; name in the cache, if it is not that of the URL.
    """

    origin: str
    file_hash: str | None = None
    kept_as: str | None = None


class Files(NamedTuple):
    """Weights of ImageNet with and without the classifier."""

    whole: File
    without_top: File


def published(pattern: str, whole: str | None = None, without_top: str | None = None, ending: str = "_notop") -> Files:
    """Returns the two files of an architecture.

    Args:
        pattern: str; URL, in which ``{}`` stands for the ending of files without classifiers; a relative one begins at
            the folder of all architectures.
        whole, without_top: str or None; hashes.
        ending: str; the ending.
    """
    address = pattern if "://" in pattern else ROOT + pattern
    return Files(File(address.format(""), whole), File(address.format(ending), without_top))


def variant(
    family: Callable[Concatenate[Table, P], Model], public: str, name: str, summary: str, table: Table
) -> Callable[P, Model]:
    """Returns the function that builds one architecture of a family.

    Args:
        family: function of the table and the arguments of the public function; its docstring is that of each variant,
            in which SUMMARY, PUBLIC and MODEL stand for the three texts below.
        public: str; name of the public function.
        name: str or None; default name of the model.
        summary: str; the first line of the docstring.
        table: numbers of the architecture.
    """
    parameters = list(inspect.signature(family).parameters.values())[1:]
    signature = inspect.Signature(
        [p.replace(default=name) if p.name == "name" else p for p in parameters], return_annotation="Model"
    )

    def build(*args: P.args, **kwargs: P.kwargs) -> Model:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        return family(table, *given.args, **given.kwargs)

    build.__module__, build.__name__, build.__qualname__ = family.__module__, public, public
    build.__doc__ = _docstring(family, {"SUMMARY": summary, "PUBLIC": public, "MODEL": name})
    build.__signature__ = signature
    return building_function(build)


_TEMPLATES: dict[Any, str] = {}  # the docstring of a family, in which words stand for those of a network


def _docstring(family: Callable[..., Any], words: dict[str, str]) -> str:
    """The template with words put in. Its example runs for the first network alone: all would take minutes."""
    is_first = family not in _TEMPLATES
    text = _TEMPLATES.setdefault(family, family.__doc__ or "")
    family.__doc__ = "Builds a network of the family."
    for word, meaning in words.items():
        text = text.replace(word, meaning)
    return text if is_first else "\n".join(f"{x}  # doctest: +SKIP" if ">>>" in x else x for x in text.split("\n"))


class Plan:
    """Checked arguments of an architecture, and the steps that all of them share.

    Args:
        arguments: the arguments of the family's function by name, as ``locals()`` gives them; others are left out.
        files: weights of ImageNet, or None if there are none for these arguments.
        default_size: int; height and width of images, where no shape is given.
        min_size: int; smallest height and width that every stage can halve.
        last_axis: int; 3 or -1, as configurations of the family write the last axis.
        any_size: bool or None; True: the model takes images of any size. Defaults to None, by which models without
            the classifier do.
    """

    def __init__(
        self,
        arguments: dict[str, Any],
        files: Files | None,
        default_size: int,
        min_size: int = 32,
        last_axis: int = 3,
        any_size: bool | None = None,
    ):
        self.include_top, self.weights, self.pooling = (arguments[k] for k in ("include_top", "weights", "pooling"))
        self.classes, self.activation = arguments["classes"], arguments["classifier_activation"]
        self.name: str = arguments["name"]
        self.files = files
        self.any_size = not self.include_top if any_size is None else any_size
        self._check()
        self.channels_first = config.image_data_format() == "channels_first"
        self.axis = 1 if self.channels_first else last_axis
        shape = self._shape(arguments["input_shape"], arguments["input_tensor"], default_size, min_size)
        self.inputs = _begin(arguments["input_tensor"], shape)

    # ------------------------------------------------------------------------------------------- checks

    def _check(self) -> None:
        positive_int(self.classes, "classes", self.name)
        if not isinstance(self.include_top, (bool, int)):
            raise ArgumentError(
                f"`include_top` of {self.name} is True or False.",
                expected="True or False",
                got=brief(self.include_top),
                cure="include_top=False",
            )
        if self.pooling is not None and self.pooling not in tuple(POOLINGS):
            raise ArgumentError(
                f"`pooling` of {self.name} is not known.",
                expected="'avg', 'max' or None",
                got=brief(self.pooling),
                cure=nearest(str(self.pooling), POOLINGS),
            )
        self._check_weights()

    def _check_weights(self) -> None:
        if self.weights is None:
            return
        if self.weights != "imagenet":
            is_path = isinstance(self.weights, (str, os.PathLike))
            if not is_path or not (_is_address(self.weights) or os.path.exists(self.weights)):
                raise ArgumentError(
                    f"`weights` of {self.name} names not a file of weights.",
                    expected="None, 'imagenet', or the path or URL of a file",
                    got=brief(self.weights),
                    cure="weights=None",
                )
            return
        if self.files is None:
            raise ArgumentError(
                f"ImageNet weights of {self.name} do not exist for these arguments.", cure="weights=None"
            )
        if self.include_top and self.classes != CLASSES:
            raise ArgumentError(
                f"The weights of ImageNet for {self.name} have {CLASSES} classes.",
                expected=f"classes={CLASSES}",
                got=self.classes,
                cure="include_top=False and a Dense layer of your own, or weights=None",
            )

    def _shape(self, shape: Any, tensor: Any, size: int, least: int) -> tuple[int | None, ...]:
        """The shape of an image, checked; without one, that of the tensor, or the default."""
        if shape is None and tensor is not None:
            shape = getattr(tensor, "shape", (None,))[1:]
        if shape is None:
            sides = (None, None) if self.any_size else (size, size)
            return self._arranged(*sides, 3)
        shape = _checked_shape(shape, self.name)
        height, width, channels = shape[1:] + shape[:1] if self.channels_first else shape
        if self.weights == "imagenet":
            self._check_published(shape, channels, size)
        elif channels is not None and channels not in (1, 3):
            warnings.warn(f"{self.name} is for images of 1 or 3 channels; this shape has {channels}.", stacklevel=5)
        if any(side is not None and side < least for side in (height, width)):
            raise ShapeError(
                f"The images are too small for {self.name}.",
                expected=f"at least {least} x {least}",
                got=f"input_shape={shape}",
                cure=f"input_shape={self._arranged(least, least, 3)}",
            )
        if not self.any_size and None in shape:
            raise ShapeError(
                f"{self.name} needs images of one size here.",
                expected="three ints",
                got=f"input_shape={shape}",
                cure=f"input_shape={self._arranged(size, size, 3)}",
            )
        return shape

    def _arranged(self, height: int | None, width: int | None, channels: int | None) -> tuple[int | None, ...]:
        return (channels, height, width) if self.channels_first else (height, width, channels)

    def _check_published(self, shape: tuple[int | None, ...], channels: int | None, size: int) -> None:
        expected = self._arranged(size, size, 3)
        if channels != 3 or (self.include_top and shape != expected and not self.any_size):
            raise ShapeError(
                f"The weights of ImageNet for {self.name} are for images of another shape.",
                expected=f"input_shape={expected if self.include_top else self._arranged(None, None, 3)}",
                got=f"input_shape={shape}",
                cure="include_top=False and 3 channels, or weights=None",
            )

    @property
    def height(self) -> int | None:
        """Height of the images; None if it is not known."""
        return self.inputs.shape[2 if self.channels_first else 1]

    # -------------------------------------------------------------------------------------------- steps

    def channels(self, x: Any) -> int:
        """Returns the number of channels of a map of features."""
        return x.shape[self.axis]

    def pooled(self, x: Any, named: bool = False) -> Any:
        """Returns the features of a model without a classifier, pooled as asked for.

        Args:
            x: map of features.
            named: bool; whether the layer is called ``avg_pool`` or ``max_pool``.
        """
        if self.pooling is None:
            return x
        return POOLINGS[self.pooling](name=f"{self.pooling}_pool" if named else None)(x)

    def head(
        self, x: Any, dropout: float = 0.0, named: bool = True, average: str | None = "avg_pool", **options: Any
    ) -> Any:
        """Returns the classes of a map of features, from its mean over space; or the pooled features.

        Args:
            x: map of features.
            dropout: float; share of the means that is dropped in training, by a layer ``top_dropout``.
            named: bool; whether the pooling without a classifier has a name of its own.
            average: str or None; name of the layer of means.
            **options: arguments of the classifier, such as ``kernel_initializer``.
        """
        if not self.include_top:
            return self.pooled(x, named)
        x = GlobalAveragePooling2D(name=average)(x)
        if dropout > 0:
            x = Dropout(dropout, name="top_dropout")(x)
        return self.classified(x, **options)

    def classified(self, x: Any, **options: Any) -> Any:
        """Returns the classes of a vector of features."""
        return Dense(self.classes, activation=self.activation, name="predictions", **options)(x)

    def model(self, outputs: Any) -> Model:
        """Returns the model, with its weights loaded."""
        inputs = get_source_inputs(self.inputs)
        model = Model(inputs[0] if len(inputs) == 1 else inputs, outputs, name=self.name)
        if self.weights is not None:
            model.load_weights(self._file())
        return model

    def _file(self) -> str:
        """The path of the weights; fetched, if they are on the web."""
        if self.weights != "imagenet":
            weights = os.fspath(self.weights)
            return get_file(origin=weights, cache_subdir="models") if _is_address(weights) else weights
        assert self.files is not None
        file = self.files.whole if self.include_top else self.files.without_top
        return get_file(file.kept_as, origin=file.origin, file_hash=file.file_hash, cache_subdir="models")


def _is_address(weights: Any) -> bool:
    return isinstance(weights, str) and weights.startswith(("https://", "http://", "ftp://", "file://"))


def _checked_shape(shape: ShapeLike, name: str) -> tuple[int | None, ...]:
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    plain = all(x is None or (isinstance(x, int) and not isinstance(x, bool) and x > 0) for x in sizes)
    if len(sizes) != 3 or not plain:
        raise ShapeError(
            f"`input_shape` of {name} is the shape of an image, without the batch.",
            expected="three sizes, such as (224, 224, 3)",
            got=brief(shape),
            cure="input_shape=(224, 224, 3)",
        )
    return sizes


def _begin(tensor: TensorLike | None, shape: tuple[int | None, ...]) -> Any:
    """The symbolic tensor from which the features are computed."""
    if tensor is None:
        return Input(shape)
    return tensor if remembers(tensor) else Input(tensor=tensor)


def halving_pad(x: Any, kernel: int, axis: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Returns the zeros around a map of features, before an unpadded convolution of stride 2.

    The windows are centred as in TensorFlow's first files of weights: an even size gets one zero less in front. An
    unknown size counts as even.
    """
    height, width = (x.shape[2], x.shape[3]) if axis == 1 else (x.shape[1], x.shape[2])
    half = kernel // 2
    return tuple((half - (1 if size is None else 1 - size % 2), half) for size in (height, width))  # type: ignore[return-value]


def rounded(filters: float, divisor: int = 8, least: float = 0.9) -> int:
    """Returns a number of filters as the nearest multiple of ``divisor`` that is at least this share of it.

    >>> rounded(44.8), rounded(11.2), rounded(19.2), rounded(19.2, least=0)
    (48, 16, 24, 16)
    """
    multiple = max(divisor, int(filters + divisor / 2) // divisor * divisor)
    return multiple + divisor if multiple < least * filters else multiple


def size_of(shape: Any, sizes: tuple[int, ...], weights: Any = None) -> int:
    """Returns the height of square images if it is one of ``sizes``; else the largest of them.

    Args:
        shape: tuple of three int, or None.
        sizes: tuple of int; sizes of images for which there are weights of ImageNet.
        weights: the argument of the architecture; a warning tells when weights for another size are used.

    >>> size_of((96, 96, 3), (96, 224)), size_of((96, 128, 3), (96, 224)), size_of(None, (96, 224))
    (96, 224, 224)
    """
    sides: tuple[Any, ...] = ()
    if isinstance(shape, (tuple, list)) and len(shape) == 3:
        sides = tuple(shape[1:] if config.image_data_format() == "channels_first" else shape[:2])
        if sides[0] == sides[1] and sides[0] in sizes:
            return sides[0]
    if weights == "imagenet" and sides:
        warnings.warn(
            f"ImageNet weights for images of this size do not exist; those for {max(sizes)} pixels are used.",
            stacklevel=3,
        )
    return max(sizes)


def squeeze_and_excite(x: Any, plan: Plan, filters: int, initializer: Any, name: str) -> Any:
    """Returns a map of features, each weighed by a gate that the means of all compute.

    Args:
        x: map of features.
        plan: plan of the network.
        filters: int; features between the means and the gates.
        initializer: initializer of the two kernels.
        name: str; what the names of the layers begin with.

    Source: Hu et al. 2017, "Squeeze-and-Excitation Networks".
    """
    channels = plan.channels(x)
    gate = GlobalAveragePooling2D(name=f"{name}se_squeeze")(x)
    gate = Reshape((channels, 1, 1) if plan.channels_first else (1, 1, channels), name=f"{name}se_reshape")(gate)
    for part, count, activation in (("reduce", filters, "silu"), ("expand", channels, "sigmoid")):
        gate = Conv2D(
            count, 1, padding="same", activation=activation, kernel_initializer=initializer, name=f"{name}se_{part}"
        )(gate)
    return Multiply(name=f"{name}se_excite")([x, gate])
