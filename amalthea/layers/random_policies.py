"""Random augmentations of images in training, out of a table of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import ops, random
from amalthea.checks import positive_int, positive_number
from amalthea.layers.histograms import AutoContrast, Equalization
from amalthea.layers.image_layer import RandomImage, another_seed, limits, value_limits
from amalthea.layers.random_color import RandomColorDegeneration
from amalthea.layers.random_filtering import RandomSharpness
from amalthea.layers.random_image import RandomRotation, RandomShear, RandomTranslation
from amalthea.layers.random_values import RandomBrightness, RandomContrast, RandomPosterization, Solarization
from amalthea.random import SeedGenerator

# name of the attribute -> class, and its arguments but for those that all share
_COLORS: dict[str, tuple[Any, Any]] = {
    "random_brightness": (RandomBrightness, lambda f: {"factor": f}),
    "random_color_degeneration": (RandomColorDegeneration, lambda f: {"factor": f}),
    "random_contrast": (RandomContrast, lambda f: {"factor": f}),
    "random_sharpness": (RandomSharpness, lambda f: {"factor": f}),
}
_OTHERS: dict[str, tuple[Any, Any]] = {
    "random_shear": (RandomShear, lambda f: {"x_factor": f, "y_factor": f}),
    "random_translation": (RandomTranslation, lambda f: {"height_factor": f, "width_factor": f}),
    "random_rotation": (RandomRotation, lambda f: {"factor": f}),
    "random_posterization": (RandomPosterization, lambda f: {"factor": max(1, int(8 * f[1]))}),
    "solarization": (Solarization, lambda f: {"addition_factor": f, "threshold_factor": f}),
    "auto_contrast": (AutoContrast, lambda _: {}),
    "equalization": (Equalization, lambda _: {}),
}
_MOVING = ("random_shear", "random_translation", "random_rotation")
_NOT_RANDOM = ("auto_contrast", "equalization")


class _Policy(RandomImage):
    """Holds one layer of each kind; a draw holds a draw of each."""

    factor: tuple[float, float]
    value_range: tuple[float, float]
    interpolation: str

    def _make_layers(self, table: dict[str, tuple[Any, Any]]) -> None:
        self._names = tuple(table)
        for number, (name, (cls, arguments)) in enumerate(table.items()):
            options = {"data_format": self.data_format, "dtype": self.dtype_policy}
            if name in _MOVING:
                options["interpolation"] = self.interpolation
                options["bounding_box_format"] = self.bounding_box_format
            else:
                options["value_range"] = self.value_range
            if name not in _NOT_RANDOM:
                options["seed"] = another_seed(self.seed, number)
            setattr(self, name, cls(**arguments(self.factor), **options))

    def _draws(self, images: Any) -> list[Any]:
        return [getattr(self, name)._drawn_if(images, True) for name in self._names]

    def _one_of(self, index: Any, method: str, value: Any, draws: list[Any], *more: Any) -> Any:
        """Applies the layer with a number, which is drawn; none with a number beyond the last."""

        def branch(name: str, drawn: Any) -> Any:
            return lambda x: _like(x, getattr(getattr(self, name), method)(x, drawn, *more))

        branches = [branch(name, drawn) for name, drawn in zip(self._names, draws)]
        return ops.switch(index, [*branches, lambda x: x], value)


def _like(before: Any, after: Any) -> Any:
    """Returns the new values with the dtypes of the old ones."""
    if isinstance(before, dict):
        return {key: _like(before[key], value) for key, value in after.items()}
    return ops.cast(after, ops.dtype(before))


class RandAugment(_Policy):
    """Changes images by a few layers that are drawn in training, each with the same strength.

    The layers are shear, translation, rotation, brightness, colour degeneration, contrast, sharpness, posterization,
    solarization, contrast stretching and histogram equalization. They are drawn for a whole batch.

    Args:
        |value range|
        num_ops: int, at least 1; number of layers that are drawn. Defaults to 2.
        factor: float or ``(lower, upper)``, from 0 to 1; limits of the strength, given to each layer as its factor. A
            number ``f`` means ``(0, f)``. Defaults to 0.5.
        interpolation: str; ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        |seed|
        |data format|
        |image options|

    |random call|

    |image shapes|

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.full((2, 4, 4, 3), 100.0, "float32")
        >>> tuple(layers.RandAugment(seed=1)(x).shape)
        (2, 4, 4, 3)

    Source: Cubuk et al., "RandAugment: Practical automated data augmentation with a reduced search space", 2020.
    """

    _argument_checks = {"num_ops": positive_int}

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        num_ops: int = 2,
        factor: Any = 0.5,
        interpolation: str = "bilinear",
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range, self.num_ops, self.interpolation = value_limits(value_range), num_ops, interpolation
        self.factor = limits(factor, "factor", 0.0)
        self._make_layers({**_OTHERS, **_COLORS})

    def _drawn(self, images: Any) -> Any:
        chosen = random.randint((self.num_ops,), 0, len(self._names), seed=self.generator)
        return [chosen[i] for i in range(self.num_ops)], self._draws(images)

    def _applied(self, method: str, value: Any, drawn: Any, *more: Any) -> Any:
        if drawn is None:
            return value
        for index in drawn[0]:
            value = self._one_of(index, method, value, drawn[1], *more)
        return value

    def _changed(self, images: Any, drawn: Any) -> Any:
        return self._applied("_changed", images, drawn)

    def _masks(self, masks: Any, drawn: Any) -> Any:
        return self._applied("_masks", masks, drawn)

    def _boxes(self, boxes: dict[str, Any], drawn: Any, before: Any, after: Any) -> dict[str, Any]:
        return self._applied("_boxes", boxes, drawn, before, after)


class AugMix(_Policy):
    """Mixes images in training with copies that went through chains of drawn layers.

    ``weight * inputs + (1 - weight) * mixture``; the mixture is a mean of the chains' results. The weight is drawn from
    the beta distribution with both parameters ``alpha``, the weights of the chains from the Dirichlet distribution with
    all parameters ``alpha``; layers and weights are drawn for a whole batch. Masks are mixed like images, boxes are
    left as they are.

    Args:
        |value range|
        num_chains: int, at least 1; number of chains. Defaults to 3.
        chain_depth: int, at least 1; number of layers of a chain; some leave the images as they are. Defaults to 3.
        factor: float or ``(lower, upper)``, from 0 to 1; limits of the strength, given to each layer as its factor. A
            number ``f`` means ``(0, f)``. Defaults to 0.3.
        alpha: float above 0; parameter of the distributions of weights. Defaults to 1.0.
        all_ops: bool; False leaves out brightness, colour degeneration, contrast and sharpness. Defaults to True.
        interpolation: str; ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        |seed|
        |data format|
        |image options|

    |random call|

    |image shapes|

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.full((2, 4, 4, 3), 100.0, "float32")
        >>> tuple(layers.AugMix(num_chains=1, chain_depth=1, seed=1)(x).shape)
        (2, 4, 4, 3)

    Source: Hendrycks et al., "AugMix: A simple data processing method to improve robustness and uncertainty", 2020.
    """

    _argument_checks = {"num_chains": positive_int, "chain_depth": positive_int, "alpha": positive_number}

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: Any = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: str = "bilinear",
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range, self.interpolation = value_limits(value_range), interpolation
        self.num_chains, self.chain_depth, self.alpha, self.all_ops = num_chains, chain_depth, alpha, all_ops
        self.factor = limits(factor, "factor", 0.0)
        self._make_layers({**_OTHERS, **_COLORS} if all_ops else _OTHERS)

    def _drawn(self, images: Any) -> Any:
        shape = (self.num_chains, self.chain_depth)
        shares = random.gamma((self.num_chains,), self.alpha, dtype="float32", seed=self.generator)
        kept = random.beta((), self.alpha, self.alpha, dtype="float32", seed=self.generator)
        chosen = random.randint(shape, 0, len(self._names) + 1, seed=self.generator)
        chains = [
            ([chosen[i, j] for j in range(self.chain_depth)], self._draws(images)) for i in range(self.num_chains)
        ]
        return kept, shares / ops.sum(shares), chains

    def _mixed(self, method: str, value: Any, drawn: Any) -> Any:
        kept, shares, chains = drawn
        mixture = ops.zeros_like(value)
        for number, (chosen, draws) in enumerate(chains):
            copy = value
            for index in chosen:
                copy = self._one_of(index, method, copy, draws)
            mixture = mixture + copy * ops.cast(shares[number], ops.dtype(copy))
        kept = ops.cast(kept, ops.dtype(value))
        return kept * value + (1.0 - kept) * mixture

    def _changed(self, images: Any, drawn: Any) -> Any:
        return ops.clip(self._mixed("_changed", images, drawn), *map(float, self.value_range))

    def _masks(self, masks: Any, drawn: Any) -> Any:
        return masks if drawn is None else self._mixed("_masks", ops.cast(masks, "float32"), drawn)
