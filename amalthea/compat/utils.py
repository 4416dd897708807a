"""``keras.utils`` of Keras 1 and 2: helpers that Keras 3 does not have, and the modules that they lived in.

``MODULES`` has ``np_utils``, ``generic_utils``, ``io_utils``, ``data_utils``, ``layer_utils``, ``conv_utils``,
``visualize_util`` and ``vis_utils``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea import config, utils
from amalthea.compat.hdf5_matrix import HDF5Matrix as HDF5Matrix
from amalthea.compat.modules import module
from amalthea.errors import ArgumentError, ShapeError, UnsafeFileError, brief
from amalthea.layers.convolution import Conv1D, Conv2D, Conv2DTranspose, Conv3D, Conv3DTranspose

CONVOLUTIONS = (Conv1D, Conv2D, Conv3D, Conv2DTranspose, Conv3DTranspose)


# ------------------------------------------------------------------------------------------------- arrays


def to_categorical(
    y: Any, num_classes: int | None = None, dtype: Any = "float32", nb_classes: Any = None
) -> np.ndarray:
    """Returns class numbers as one-hot rows.

    Args:
        y: array of whole numbers from 0.
        num_classes: int; number of classes. Defaults to None, one more than the largest number.
        dtype: DTypeLike; dtype of the result. Defaults to ``"float32"``.
        nb_classes: int; Keras 1's word for ``num_classes``. Defaults to None.

    Shapes: (rows,) or (rows, 1) -> (rows, classes)

    Raises:
        ArgumentError: a number is not a class.

    Example:
        >>> from amalthea.compat import utils
        >>> utils.to_categorical([0, 2], nb_classes=3).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    numbers = np.array(y, "int64")
    shape = numbers.shape[:-1] if numbers.ndim > 1 and numbers.shape[-1] == 1 else numbers.shape
    count = nb_classes or num_classes or (int(numbers.max()) + 1 if numbers.size else 0)
    if numbers.size and not (-count <= numbers.min() and numbers.max() < count):
        raise ArgumentError(
            "A number is not a class.", expected=f"0 to {count - 1}", got=f"{numbers.min()} to {numbers.max()}"
        )
    return np.eye(count, dtype=dtype)[numbers.ravel()].reshape((*shape, count))


def to_categorical_of_keras_1(y: Any, nb_classes: int | None = None) -> np.ndarray:
    """Returns class numbers as one-hot rows of float64, one for each element.

    Args:
        y: array of whole numbers from 0.
        nb_classes: int; number of classes. Defaults to None, one more than the largest number.

    Shapes: any shape -> (elements, classes)

    Example:
        >>> from amalthea.compat import utils
        >>> utils.to_categorical_of_keras_1([[0], [1]]).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return to_categorical(np.ravel(y), nb_classes, "float64")


def probas_to_classes(y_pred: Any) -> np.ndarray:
    """Returns the classes of predicted probabilities.

    Args:
        y_pred: array of probabilities.

    Shapes: (rows, classes) or (rows, 1) -> (rows,)

    Example:
        >>> import numpy as np
        >>> from amalthea.compat import utils
        >>> utils.probas_to_classes(np.array([[0.2, 0.8]])).tolist()
        [1]
    """
    y_pred = np.asarray(y_pred)
    if y_pred.ndim > 1 and y_pred.shape[1] > 1:
        return categorical_probas_to_classes(y_pred)
    return (y_pred.reshape(len(y_pred)) > 0.5).astype(int)


def categorical_probas_to_classes(p: Any) -> np.ndarray:
    """Returns the most likely class of each row.

    Args:
        p: array of probabilities.

    Shapes: (rows, classes) -> (rows,)

    Example:
        >>> from amalthea.compat import utils
        >>> utils.categorical_probas_to_classes([[0.2, 0.8]]).tolist()
        [1]
    """
    return np.argmax(p, axis=1)


def accuracy(p: Any, y: Any) -> float:
    """Returns the share of elements that are equal.

    Args:
        p: array of predicted classes.
        y: array of true classes.

    Shapes: (rows,), (rows,) -> ()

    Example:
        >>> from amalthea.compat import utils
        >>> utils.accuracy([1, 0], [1, 1])
        0.5
    """
    return float(np.mean(np.asarray(p) == np.asarray(y)))


def binary_logloss(p: Any, y: Any) -> float:
    """Returns the mean binary cross-entropy.

    Args:
        p: array of probabilities.
        y: array of 0 and 1.

    Shapes: (rows,), (rows,) -> ()

    Example:
        >>> import numpy as np
        >>> from amalthea.compat import utils
        >>> round(utils.binary_logloss(np.array([0.5]), np.array([1])), 3)
        0.693
    """
    p, y = np.clip(p, 1e-15, 1 - 1e-15), np.asarray(y)
    return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))


def multiclass_logloss(p: Any, y: Any) -> float:
    """Returns the mean cross-entropy of classes that are numbered from 1.

    Args:
        p: array of probabilities.
        y: array of classes, from 1.

    Shapes: (rows, classes), (rows,) -> ()

    Example:
        >>> from amalthea.compat import utils
        >>> round(utils.multiclass_logloss([[0.5, 0.5]], [1]), 3)
        0.693
    """
    p, y = np.asarray(p), np.asarray(y)
    return float(-np.mean(np.log(p[np.arange(len(y)), y - 1])))


def slice_arrays(arrays: Any, start: Any = None, stop: int | None = None) -> Any:
    """Returns rows of an array, or of each array of a list: ``slice_X`` in Keras 1.

    Args:
        arrays: array, or list of arrays and None.
        start: int, the first row; or sequence of int, the rows. Defaults to None.
        stop: int; the row after the last. Defaults to None.

    Shapes: (rows, ...) -> (some rows, ...)

    Example:
        >>> import numpy as np
        >>> from amalthea.compat import utils
        >>> utils.slice_arrays([np.arange(4)], 1, 3)[0].tolist()
        [1, 2]
    """
    if isinstance(arrays, list):
        return [slice_arrays(a, start, stop) for a in arrays]
    if arrays is None:
        return None
    chosen = list(start) if hasattr(start, "__len__") else slice(start, stop)
    return arrays[chosen]


slice_X = slice_arrays


# ------------------------------------------------------------------------------------------- convolutions


def convert_kernel(kernel: Any, dim_ordering: str | None = None) -> np.ndarray:
    """Returns a kernel of Theano's, which mirrors it, as one of TensorFlow's, and the other way round.

    Args:
        kernel: array; channels are its last two axes, or the first two for ``dim_ordering="th"``.
        dim_ordering: str; ``"tf"`` or ``"th"``. Defaults to None, ``"tf"``.

    Shapes: (\\*window, in, out) -> the same.

    Raises:
        ShapeError: the kernel has other than 3 to 5 axes.

    Example:
        >>> import numpy as np
        >>> from amalthea.compat import utils
        >>> utils.convert_kernel(np.arange(4.0).reshape(2, 2, 1, 1)).ravel().tolist()
        [3.0, 2.0, 1.0, 0.0]
    """
    kernel = np.asarray(kernel)
    if not 3 <= kernel.ndim <= 5:
        raise ShapeError("A kernel has 3 to 5 axes.", expected="(*window, in, out)", got=kernel.shape)
    first = dim_ordering in ("th", "channels_first")
    return np.flip(kernel, tuple(range(2, kernel.ndim)) if first else tuple(range(kernel.ndim - 2)))


def convert_all_kernels_in_model(model: Any) -> None:
    """Mirrors the kernels of all convolutions of a model: weights of Theano's for TensorFlow, and back.

    Args:
        model: model.

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, layers
        >>> from amalthea.compat import utils
        >>> model = Sequential([layers.Input((4, 1)), layers.Conv1D(1, 2)])
        >>> before = model.get_weights()[0]
        >>> utils.convert_all_kernels_in_model(model)
        >>> bool((model.get_weights()[0] == before[::-1]).all())
        True
    """
    for layer in model._flatten_layers():
        if isinstance(layer, CONVOLUTIONS) and layer.built:
            layer.kernel.assign(convert_kernel(layer.kernel.numpy()))


def conv_output_length(
    input_length: int | None, filter_size: int, border_mode: str, stride: int, dilation: int = 1
) -> int | None:
    """Returns the size of a convolution's output along one axis.

    Args:
        input_length: int or None; size of the input.
        filter_size: int; size of the window.
        border_mode: str; ``"valid"``, ``"same"``, ``"full"`` or ``"causal"``.
        stride: int; step between windows.
        dilation: int; distance of a window's elements. Defaults to 1.

    Raises:
        ArgumentError: the border mode does not exist.

    Example:
        >>> from amalthea.compat import utils
        >>> utils.conv_output_length(10, 3, "valid", 2)
        4
    """
    around = {
        "same": 0,
        "causal": 0,
        "valid": 1 - _wide(filter_size, dilation),
        "full": _wide(filter_size, dilation) - 1,
    }
    if border_mode not in around:
        raise ArgumentError("This border mode does not exist.", expected=", ".join(around), got=repr(border_mode))
    return None if input_length is None else -(-(input_length + around[border_mode]) // stride)


def _wide(size: int, dilation: int) -> int:
    return (size - 1) * dilation + 1


def conv_input_length(output_length: int | None, filter_size: int, border_mode: str, stride: int) -> int | None:
    """Returns the size of a convolution's input along one axis.

    Args:
        output_length: int or None; size of the output.
        filter_size: int; size of the window.
        border_mode: str; ``"valid"``, ``"same"`` or ``"full"``.
        stride: int; step between windows.

    Raises:
        ArgumentError: the border mode does not exist.

    Example:
        >>> from amalthea.compat import utils
        >>> utils.conv_input_length(4, 3, "valid", 2)
        9
    """
    pads = {"same": filter_size // 2, "valid": 0, "full": filter_size - 1}
    if border_mode not in pads:
        raise ArgumentError("This border mode does not exist.", expected=", ".join(pads), got=repr(border_mode))
    return None if output_length is None else (output_length - 1) * stride - 2 * pads[border_mode] + filter_size


# ---------------------------------------------------------------------------------------- models and files


def plot(
    model: Any, to_file: Any = "model.png", show_shapes: bool = False, show_layer_names: bool = True, **options: Any
) -> Any:
    """Draws a model: ``plot_model`` under its name in Keras 1.

    Args:
        model: model.
        to_file: str or path; file of the picture. Defaults to ``"model.png"``.
        show_shapes: bool; whether shapes are shown. Defaults to False.
        show_layer_names: bool; whether names of layers are shown. Defaults to True.
        **options: further arguments of :func:`amalthea.utils.plot_model`.

    Example:
        >>> import pathlib, tempfile
        >>> from amalthea import Sequential, layers
        >>> from amalthea.compat import utils
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.dot"
        >>> _ = utils.plot(Sequential([layers.Input((2,)), layers.Dense(1)]), path)
        >>> path.exists()
        True
    """
    return utils.plot_model(
        model, to_file=to_file, show_shapes=show_shapes, show_layer_names=show_layer_names, **options
    )


def validate_file(fpath: Any, md5_hash: str) -> bool:
    """Returns whether a file has a hash.

    Args:
        fpath: str or path.
        md5_hash: str; MD5 (32 digits) or SHA-256 (64 digits).

    Example:
        >>> import tempfile
        >>> from amalthea.compat import utils
        >>> with tempfile.NamedTemporaryFile() as file:
        ...     utils.validate_file(file.name, "d41d8cd98f00b204e9800998ecf8427e")
        True
    """
    import hashlib

    kind = hashlib.sha256() if len(md5_hash) == 64 else hashlib.md5(usedforsecurity=False)
    with open(os.fspath(fpath), "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            kind.update(block)
    return kind.hexdigest() == md5_hash


def _refused(name: str) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise UnsafeFileError(
            f"{name} carries code in data, which is refused.",
            got=name,
            cure="a function in a module, registered with utils.register_keras_serializable",
        )

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"Refuses Keras's ``{name}``: bytecode in data is code of a stranger."
    return refuse


func_dump, func_load = _refused("func_dump"), _refused("func_load")


def to_list(x: Any, allow_tuple: bool = False) -> list[Any]:
    """Returns a list: the list itself, or one with the value in it.

    Args:
        x: any value.
        allow_tuple: bool; whether a tuple becomes a list. Defaults to False.

    Example:
        >>> from amalthea.compat import utils
        >>> utils.to_list(1), utils.to_list([1])
        ([1], [1])
    """
    return list(x) if isinstance(x, list) or (allow_tuple and isinstance(x, tuple)) else [x]


def normalize_tuple(value: Any, n: int, name: str) -> tuple[int, ...]:
    """Returns ``n`` ints: an int is repeated.

    Args:
        value: int, or sequence of ``n`` ints.
        n: int; how many.
        name: str; name of the argument, for errors.

    Raises:
        ArgumentError: the value is another one.

    Example:
        >>> from amalthea.compat import utils
        >>> utils.normalize_tuple(2, 3, "strides")
        (2, 2, 2)
    """
    found = (value,) * n if isinstance(value, (int, np.integer)) else value
    if (
        not isinstance(found, (list, tuple))
        or len(found) != n
        or not all(isinstance(v, (int, np.integer)) for v in found)
    ):
        raise ArgumentError(f"`{name}` is an int, or {n} of them.", expected=f"{n} ints", got=brief(value))
    return tuple(int(v) for v in found)


def print_summary(model: Any, line_length: int | None = None, positions: Sequence[float] | None = None) -> None:
    """Prints a table of a model's layers.

    Args:
        model: model.
        line_length: int; characters in a line. Defaults to None.
        positions: sequence of float; end of each column. Defaults to None.

    Example:
        >>> from amalthea import Sequential, layers
        >>> from amalthea.compat import utils
        >>> utils.print_summary(Sequential([layers.Input((2,)), layers.Dense(1)], name="m"))  # doctest: +ELLIPSIS
        Model: "m"
        ...
    """
    model.summary(line_length, positions)


def count_params(weights: Any) -> int:
    """Returns the number of elements of variables.

    Args:
        weights: sequence of variables.

    Example:
        >>> from amalthea import Variable
        >>> from amalthea.compat import utils
        >>> utils.count_params([Variable([1.0, 2.0])])
        2
    """
    return sum(int(np.prod(w.shape)) for w in weights)


def normalize_data_format(value: Any) -> str:
    """Returns ``"channels_last"`` or ``"channels_first"``.

    Args:
        value: str, or None for the setting.

    Example:
        >>> from amalthea.compat import utils
        >>> utils.normalize_data_format(None)
        'channels_last'
    """
    return config.standardize_data_format(value)


# ------------------------------------------------------------------------------------------------ modules

_ARRAYS = {
    "accuracy": accuracy, "binary_logloss": binary_logloss, "multiclass_logloss": multiclass_logloss,
    "categorical_probas_to_classes": categorical_probas_to_classes, "probas_to_classes": probas_to_classes,
    "normalize": utils.normalize,
}  # fmt: skip
_CONVOLUTIONS = {
    "convert_kernel": convert_kernel, "conv_output_length": conv_output_length, "conv_input_length": conv_input_length,
    "normalize_tuple": normalize_tuple, "normalize_data_format": normalize_data_format,
}  # fmt: skip
_OBJECTS = {
    "CustomObjectScope": utils.CustomObjectScope, "custom_object_scope": utils.custom_object_scope,
    "get_custom_objects": utils.get_custom_objects, "Progbar": utils.Progbar, "func_dump": func_dump,
    "func_load": func_load, "serialize_keras_object": utils.legacy.serialize_keras_object,
    "deserialize_keras_object": utils.legacy.deserialize_keras_object, "to_list": to_list, "slice_arrays": slice_arrays,
}  # fmt: skip
_CONTENTS: dict[str, dict[str, Any]] = {
    "np_utils": {**_ARRAYS, **_CONVOLUTIONS},
    "conv_utils": _CONVOLUTIONS,
    "generic_utils": _OBJECTS,
    "io_utils": {"HDF5Matrix": HDF5Matrix},
    "data_utils": {"get_file": utils.get_file, "Sequence": utils.Sequence, "validate_file": validate_file},
    "layer_utils": {
        "convert_all_kernels_in_model": convert_all_kernels_in_model, "print_summary": print_summary,
        "count_params": count_params, "get_source_inputs": utils.get_source_inputs,
    },
    "visualize_util": {"plot": plot, "model_to_dot": utils.model_to_dot},
    "vis_utils": {"plot_model": utils.plot_model, "model_to_dot": utils.model_to_dot},
}  # fmt: skip


def modules(era: int) -> dict[str, Any]:
    """Returns the modules of ``keras.utils`` in an era, by name.

    Args:
        era: int; 1 or 2.

    Example:
        >>> from amalthea.compat import utils
        >>> utils.modules(1)["np_utils"].to_categorical([1]).dtype
        dtype('float64')
    """
    chosen = to_categorical_of_keras_1 if era == 1 else to_categorical
    found = {name: {**contents} for name, contents in _CONTENTS.items()}
    found["np_utils"]["to_categorical"] = chosen
    return {
        name: module(f"keras.utils.{name}", contents, f"Keras's ``utils.{name}``.") for name, contents in found.items()
    }


MODULES = modules(2)
