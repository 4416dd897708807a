"""Weights of layers as Keras 1 and 2 kept them, in the order and layout of today.

    Keras 1 LSTM     12 arrays: kernel, recurrent kernel and bias of the input gate, candidate, forget, output gate
    Keras 1 conv     (filters, channels, rows, columns) with dim_ordering="th"; on Theano every kernel is flipped
    CuDNN layers     gates transposed, and two biases

A group in a file holds the weights of one layer. Those of a model or wrapper are of all layers inside: the trainable
ones of each, then the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from amalthea.errors import ModelFileError, visible
from amalthea.layers import Bidirectional, Wrapper
from amalthea.models import Model

Arrays = list[np.ndarray]


class Origin(NamedTuple):
    """Where a file comes from.

    Args:
        era: int; first number of the Keras version, 1 for 0.x.
        backend: str; the library that Keras computed with.
        version: str; the whole version.
    """

    era: int = 3
    backend: str = ""
    version: str = ""


class Piece(NamedTuple):
    """A layer inside a group, the names of its trainable weights in the file, and its new values."""

    layer: Any
    trainable_names: list[str]
    values: Arrays


def leaves(layer: Any) -> list[Any]:
    """The layers with weights of their own inside a layer of a file, in the file's order."""
    if isinstance(layer, Model):
        return [leaf for inner in layer.layers for leaf in leaves(inner)]
    if isinstance(layer, Bidirectional):
        return [layer.forward_layer, layer.backward_layer]
    return leaves(layer.layer) if isinstance(layer, Wrapper) and not layer._own_variables() else [layer]


def weights_of(layer: Any) -> list[Any]:
    """The weights of a layer, trainable ones first, whether it is frozen or not."""
    found = layer.weights
    return [v for v in found if v.trainable] + [v for v in found if not v.trainable]


def fit(
    layer: Any, name: str, names: list[str], values: Arrays, origin: Origin, inside: list[Any] | None = None
) -> list[Piece]:
    """The values of a group, shared out to the layers inside and converted.

    Args:
        layer: the layer of the group.
        name: str; its name in the file.
        names: list of str; those of the values.
        values: list of arrays.
        origin: where the file comes from.
        inside: the layers with weights, in the order of the file. Defaults to None, :func:`leaves` of the layer.

    Raises:
        ModelFileError: they are more or fewer than the layers need, or of other shapes.
    """
    inside = [leaf for leaf in (leaves(layer) if inside is None else inside) if leaf.weights]
    failure: ModelFileError | None = None
    for counts in _counts(inside, origin):
        if sum(trained + other for trained, other in counts) != len(values):
            continue
        for order in (_layer_by_layer,) if origin.version.startswith("0.") else (_trainable_first, _layer_by_layer):
            indices = order(inside, counts)
            pieces = [
                Piece(leaf, [names[i] for i in own[: counts[k][0]]], convert(leaf, [values[i] for i in own], origin))
                for k, (leaf, own) in enumerate(zip(inside, indices))
            ]
            wrong = _misfit(pieces)
            if wrong is None:
                return pieces
            failure = failure or wrong
    raise failure or ModelFileError(
        f"The layer '{visible(name)}' of the file has another number of weights.",
        expected=sum(len(leaf.weights) for leaf in inside),
        got=len(values),
    )


def _counts(inside: Sequence[Any], origin: Origin) -> list[list[tuple[int, int]]]:
    """How many weights, trainable and others, a file may have for each layer: the possible lists."""
    today = [_count(leaf) for leaf in inside]
    if origin.era != 1:
        return [today]
    split = [(_SPLIT.get(type(leaf).__name__, n[0]), n[1]) for leaf, n in zip(inside, today)]
    return [split, today]


_SPLIT = {"LSTM": 12, "GRU": 9, "ConvLSTM2D": 12}


def _count(layer: Any) -> tuple[int, int]:
    trained = sum(v.trainable for v in layer.weights)
    return trained, len(layer.weights) - trained


def _trainable_first(inside: Sequence[Any], counts: list[tuple[int, int]]) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in inside]
    at = 0
    for part in (0, 1):
        for own, leaf, count in zip(found, inside, counts):
            moved = not leaf.trainable  # the weights of a frozen layer stand among those that are not trained
            size = (sum(count) if part else 0) if moved else count[part]
            own += range(at, at + size)
            at += size
    return found


def _layer_by_layer(inside: Sequence[Any], counts: list[tuple[int, int]]) -> list[list[int]]:
    found, at = [], 0
    for count in counts:
        found.append(list(range(at, at + sum(count))))
        at += sum(count)
    return found


def _misfit(pieces: list[Piece]) -> ModelFileError | None:
    for piece in pieces:
        for variable, value in zip(weights_of(piece.layer), piece.values):
            if tuple(variable.shape) != value.shape:
                return ModelFileError(
                    f"The value '{visible(variable.path or variable.name)}' of the file has another shape.",
                    expected=tuple(variable.shape),
                    got=value.shape,
                    cure="skip_mismatch=True leaves out what does not fit",
                )
    return None


# ------------------------------------------------------------------------------------------ conversions


def convert(layer: Any, values: Arrays, origin: Origin) -> Arrays:
    """The values of a layer's weights, or of a slot of its trainable ones, as they are today."""
    change = next((_CHANGES[c.__name__] for c in type(layer).__mro__ if c.__name__ in _CHANGES), None)
    if change is None or not values or origin.era == 3:
        return values
    try:
        return change(layer, list(values), origin)
    except (ValueError, IndexError) as error:
        raise ModelFileError(
            f"The weights of '{visible(layer.name)}' in the file have other shapes than such a layer's ({error}).",
            got=[v.shape for v in values],
        ) from None


def _convolution(layer: Any, values: Arrays, origin: Origin) -> Arrays:
    rank, first = layer._rank, layer.data_format == "channels_first"
    kernel = values[0]
    if kernel.ndim == rank + 2 or (origin.era == 1 and rank == 1 and kernel.ndim == 4):
        values[0] = _flipped(_kernel_of_1(kernel, layer, first) if origin.era == 1 else kernel, rank, origin)
    return values


def _kernel_of_1(kernel: np.ndarray, layer: Any, first: bool) -> np.ndarray:
    """``(*space, in, out)`` from Keras 1's layout. A kernel along one axis had a second one, of size 1."""
    transposed, rank = "Transpose" in type(layer).__name__, layer._rank
    if rank == 1:
        wanted = (*layer.kernel_size, 1)
        ahead = kernel.shape[:2] == wanted and kernel.shape[3] == layer.filters
        kernel = kernel if ahead else np.transpose(kernel, (2, 3, 1, 0))
        return kernel[:, 0]
    if not first:
        return np.swapaxes(kernel, -1, -2) if transposed else kernel
    space = tuple(range(2, 2 + rank))
    return np.transpose(kernel, (*space, 0, 1) if transposed else (*space, 1, 0))


def _flipped(kernel: np.ndarray, rank: int, origin: Origin) -> np.ndarray:
    """Theano convolved, and turned the kernel for it; all others correlate."""
    return np.flip(kernel, tuple(range(rank))) if origin.backend == "theano" else kernel


def _gates(values: Arrays, order: Sequence[int]) -> Arrays:
    """Kernel, recurrent kernel and bias from three arrays for each gate, with the gates in this order."""
    return [np.concatenate([values[3 * gate + part] for gate in order], axis=-1) for part in range(3)]


def _lstm(layer: Any, values: Arrays, origin: Origin) -> Arrays:
    if len(values) == 12:
        return _gates(values, (0, 2, 1, 3))  # input, candidate, forget, output
    if values[-1].shape == (8 * layer.cell.units,):
        return [*_cudnn(values, 4), values[2].reshape(2, -1).sum(0)]
    return values


def _gru(layer: Any, values: Arrays, origin: Origin) -> Arrays:
    if len(values) == 9:
        return _gates(values, (0, 1, 2))
    if values[-1].shape == (6 * layer.cell.units,):
        return [*_cudnn(values, 3), values[2].reshape(2, -1)]
    return values


def _cudnn(values: Arrays, gates: int) -> Arrays:
    kernel = [part.T.reshape(part.shape, order="F") for part in np.split(values[0], gates, axis=1)]
    recurrent = [part.T for part in np.split(values[1], gates, axis=1)]
    return [np.concatenate(kernel, axis=1), np.concatenate(recurrent, axis=1)]


def _conv_lstm(layer: Any, values: Arrays, origin: Origin) -> Arrays:
    first, rank = layer.cell.data_format == "channels_first", 2
    if len(values) == 12:
        turned = [np.transpose(v, (2, 3, 1, 0)) if first and v.ndim == 4 else v for v in values]
        values = _gates(turned, (0, 2, 1, 3))
    return [_flipped(v, rank, origin) if v.ndim == rank + 2 else v for v in values]


def _local(layer: Any, values: Arrays, origin: Origin) -> Arrays:
    """Today's ``(positions, elements of a patch, filters)`` from the kernels of the other implementations.

    implementation=2    a dense kernel from the whole input to the whole output, of which patches count
    implementation=3    the elements of all patches in one row, sorted by output and then by input
    """
    shape, first = tuple(layer.kernel.shape), layer.data_format == "channels_first"
    positions, elements, filters = shape
    if values[0].ndim == 1:
        outputs = (filters, positions, elements) if first else (positions, filters, elements)
        values[0] = values[0].reshape(outputs).transpose((1, 2, 0) if first else (0, 2, 1))
    elif values[0].ndim > 3:
        values[0] = _of_patches(layer, values[0], first).reshape(shape)
    if origin.era == 2 and first and len(values) > 1:  # Keras 2 added a bias whose numbers were in this order
        values[1] = np.moveaxis(values[1].reshape(filters, *layer._positions), 0, -1)
    return values


def _of_patches(layer: Any, kernel: np.ndarray, first: bool) -> np.ndarray:
    """The part of a dense kernel that each patch of the input has, position by position."""
    rank = layer._rank
    size, strides = ((n,) * rank if isinstance(n, int) else tuple(n) for n in (layer.kernel_size, layer.strides))
    everything = (slice(None),)
    found = []
    for place in np.ndindex(*layer._positions):
        window = tuple(slice(p * s, p * s + k) for p, s, k in zip(place, strides, size))
        inputs = everything + window if first else window + everything
        outputs = everything + place if first else place + everything
        found.append(kernel[inputs + outputs])
    return np.stack(found)


def _local_2d(layer: Any, values: Arrays, origin: Origin) -> Arrays:
    values = _local(layer, values, origin)
    if origin.era == 1 and layer.data_format == "channels_first" and len(values) > 1:
        values[1] = np.moveaxis(values[1], 0, -1)
    return values


def _highway(layer: Any, values: Arrays, origin: Origin) -> Arrays:
    """Before Keras 1.2 each kernel stood beside its bias."""
    return [values[i] for i in (0, 2, 1, 3)] if len(values) == 4 and values[1].ndim == 1 else values


def _batch_normalization(layer: Any, values: Arrays, origin: Origin) -> Arrays:
    if origin.version.startswith("0.") and len(values) == 4:
        values[3] = np.square(values[3] + layer.epsilon) - layer.epsilon  # it divided by deviation + epsilon
    return values


_CHANGES: dict[str, Callable[[Any, Arrays, Origin], Arrays]] = {
    "BatchNormalization": _batch_normalization,
    "Conv1D": _convolution,
    "Conv2D": _convolution,
    "Conv2DTranspose": _convolution,
    "Conv3D": _convolution,
    "Conv3DTranspose": _convolution,
    "ConvLSTM2D": _conv_lstm,
    "GRU": _gru,
    "Highway": _highway,
    "LSTM": _lstm,
    "LocallyConnected1D": _local,
    "LocallyConnected2D": _local_2d,
}
