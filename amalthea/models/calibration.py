"""Quantization of blocks of a model in turn, by the inputs that their kernels meet in calibration data."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from amalthea import ops
from amalthea.engine.transforms import jit
from amalthea.errors import ArgumentError, NotFiniteError
from amalthea.layers.layer import Layer
from amalthea.quantizers.calibrated_variables import ObservedVariable

ROWS = 16  # examples in a batch


def quantize_blocks(model: Any, config: Any, chosen: Callable[[Any], bool]) -> None:
    """Quantizes the chosen layers of each block, with the outputs of the quantized blocks before it as its inputs.

    An error leaves every layer as it was.

    Args:
        model: Model.
        config: GPTQConfig or AWQConfig, with its data.
        chosen: function that tells whether a layer is quantized.
    """
    first, blocks = _structure(model, config)
    values = _batches(config)
    found = [[layer for layer in _layers_of(block) if layer._kernels() and chosen(layer)] for block in blocks]
    with _restoring([layer for layers in found for layer in layers]):
        for layer in first:
            values = _outputs(layer, values)
        for block, layers in zip(blocks, found):
            _quantize(layers, _observe(block, layers, values), config)
            if block is not blocks[-1]:
                values = _outputs(block, values)
    if not any(layer._is_adapted for layers in found for layer in layers):
        warnings.warn(f"Model '{model.name}' has no layer to quantize among those that were asked for.", stacklevel=3)


def _layers_of(block: Any) -> list[Any]:
    return [layer for layer in block._flatten_layers() if layer.built and not layer._is_adapted]


# ------------------------------------------------------------------------------------------------ data


def _structure(model: Any, config: Any) -> tuple[list[Any], list[Any]]:
    """Returns the layers before the blocks, and the blocks; a Sequential's layers, or the model itself, by default."""
    given = config.quantization_layer_structure
    given = model.get_quantization_layer_structure(config.mode) if given is None else given
    if given is None:
        return [], model._calibrated_blocks()
    parts = ("pre_block_layers", "sequential_blocks")
    first, blocks = (list(given.get(part) or []) if isinstance(given, dict) else [] for part in parts)
    if not blocks or not all(isinstance(each, Layer) for each in [*first, *blocks]):
        raise ArgumentError(
            "The structure of a model for quantization is a dict of lists of layers.",
            expected='{"pre_block_layers": [layer, ...], "sequential_blocks": [layer, ...]}',
            got=repr(given),
        )
    return first, blocks


def _batches(config: Any) -> list[Any]:
    """Returns the calibration data: windows of tokens, or the examples themselves if they are floats."""
    examples = _examples(config)
    return [examples[i : i + ROWS] for i in range(0, len(examples), ROWS)]


def _examples(config: Any) -> np.ndarray:
    kind, data = type(config).__name__, config.dataset
    if data is None or isinstance(data, (str, bytes)) or not hasattr(data, "__iter__"):
        raise ArgumentError(
            f"`{config.mode}` looks at examples: `dataset` of {kind} holds them.",
            expected="list of texts, of arrays of tokens, or of arrays of floats",
            got=repr(data),
            cure=f"quantize(config={kind}(dataset, tokenizer))",
        )
    items = list(config.dataset)
    if not items:
        raise ArgumentError(f"`dataset` of {kind} is empty.", expected="an example or more")
    if any(isinstance(item, str) for item in items):
        return _windows([_tokens(config, text) for text in items], config)
    arrays = [_array(item) for item in items]
    if all(np.issubdtype(array.dtype, np.integer) for array in arrays):
        return _windows(arrays, config)
    if len({array.shape for array in arrays}) > 1 or not all(np.issubdtype(x.dtype, np.floating) for x in arrays):
        raise ArgumentError(
            f"The examples of `dataset` of {kind} differ.",
            expected="texts, integers, or floats of one shape",
            got=", ".join(sorted({f"{array.dtype}{list(array.shape)}" for array in arrays})[:5]),
        )
    return np.stack(arrays[: config.num_samples])


def _tokens(config: Any, text: Any) -> np.ndarray:
    """Returns the tokens of a text."""
    tokenize = getattr(config.tokenizer, "tokenize", config.tokenizer)
    if not callable(tokenize) or not isinstance(text, str):
        raise ArgumentError(
            f"Texts in `dataset` of {type(config).__name__} need a tokenizer, and all examples are texts.",
            expected="a function from text to tokens, or an object with `tokenize`",
            got=f"tokenizer={config.tokenizer!r}, and an example of type {type(text).__name__}",
        )
    found = _array(tokenize(text))
    if not np.issubdtype(found.dtype, np.integer) and found.size:
        raise ArgumentError("The tokenizer gives no whole numbers.", expected="int tokens", got=str(found.dtype))
    return found


def _array(x: Any) -> np.ndarray:
    try:
        return np.asarray(x if isinstance(x, (list, tuple, np.ndarray)) else ops.convert_to_numpy(x))
    except (ValueError, TypeError):
        raise ArgumentError(
            "An example of a calibration is not an array.", expected="numbers of one nesting", got=repr(x)
        ) from None


def _windows(pieces: Sequence[np.ndarray], config: Any) -> np.ndarray:
    """Returns ``num_samples`` windows of ``sequence_length`` tokens, evenly spread; few tokens are repeated."""
    tokens = np.concatenate([piece.reshape(-1) for piece in pieces]).astype("int32")
    if not tokens.size:
        raise ArgumentError(f"`dataset` of {type(config).__name__} has no tokens.", expected="a token or more")
    length, count = config.sequence_length, config.num_samples
    tokens = np.tile(tokens, max(1, -(-length * count // tokens.size)))
    starts = np.arange(count) * max(1, (tokens.size - length + 1) // count) % (tokens.size - length + 1)
    return tokens[starts[:, None] + np.arange(length)]


# ----------------------------------------------------------------------------------------------- blocks


def _outputs(layer: Any, values: list[Any]) -> list[Any]:
    """Returns the outputs of a layer for each batch; the first of several."""
    compiled = jit(lambda x: layer(x))
    found = [compiled(x) for x in values]
    return [x[0] if isinstance(x, (list, tuple)) else x for x in found]


def _observe(block: Any, layers: list[Any], values: list[Any]) -> dict[int, Any]:
    """Returns the statistics of the inputs of kernels, by the id of the kernel; of those that met any."""
    observed = [ObservedVariable(kernel, layer._input_axes(kernel)) for layer in layers for kernel in layer._kernels()]
    if not observed:
        return {}

    def moments(x: Any) -> Any:
        for each in observed:
            each.begin()
        block(x)
        return [(each.met(), each.count()) for each in observed]

    with _in_place_of_kernels(layers, observed):
        compiled = jit(moments)
        for x in values:
            for each, (met, count) in zip(observed, compiled(x)):
                if met is not None:
                    gram, magnitudes = (np.asarray(ops.convert_to_numpy(moment), "float64") for moment in met)
                    each.statistics.add(gram, magnitudes, count)
    return {id(each._weight): each.statistics for each in observed if each.statistics.count}


@contextmanager
def _in_place_of_kernels(layers: list[Any], observed: list[ObservedVariable]) -> Iterator[None]:
    """Puts observed variables into the attributes of their weights while the block runs."""
    by_weight = {id(each._weight): each for each in observed}
    with _restoring(layers, always=True):
        for layer in layers:
            for name, value in list(vars(layer).items()):
                if id(value) in by_weight:
                    vars(layer)[name] = by_weight[id(value)]
        yield


def _quantize(layers: list[Any], seen: dict[int, Any], config: Any) -> None:
    """Quantizes the layers whose kernels all met inputs, and warns of others."""
    missed = [layer for layer in layers if any(id(kernel) not in seen for kernel in layer._kernels())]
    if missed:
        warnings.warn(
            f"Not quantized, because no product of a kernel with inputs was seen: {', '.join(x.name for x in missed)}.",
            stacklevel=4,
        )
    for layer in layers:
        if not any(layer is x for x in missed):
            for kernel in layer._kernels():
                if not np.isfinite(seen[id(kernel)].gram).all():
                    raise NotFiniteError(f"The inputs of layer '{layer.name}' are not finite in calibration.")
            layer._quantize(config, seen)


@contextmanager
def _restoring(layers: list[Any], always: bool = False) -> Iterator[None]:
    """Gives layers back the attributes that they have now, if an error leaves the block, or always."""
    before = [(layer, {**vars(layer), "_own": list(layer._own)}) for layer in layers]
    is_whole = False
    try:
        yield
        is_whole = not always
    finally:
        if not is_whole:
            for layer, attributes in before:
                vars(layer).clear()
                vars(layer).update(attributes)
            Layer._structure_version += 1
