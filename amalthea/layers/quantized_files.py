"""Quantized values in files: how a layer was quantized, told from its values, and zero points that Keras left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import quantizers
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ModelFileError


def config_for(store: Any, own: Sequence[Variable], kernels: Sequence[Variable], axes: Sequence[int]) -> Any:
    """Returns the configuration with which a layer has the values of a store, or None for a layer of floats.

    Args:
        store: mapping from numbers, as strings, to arrays.
        own: sequence of Variable; variables of the layer in floats.
        kernels: sequence of Variable; those that are quantized.
        axes: sequence of ints; axes of inputs of the first kernel.
    """
    count = len(store.keys())
    extra, others = count - len(own), len(own) - len(kernels)
    if extra == 6 * len(kernels) and not store[str(len(own))].shape:
        return quantizers.Float8QuantizationConfig()
    if (
        count > others
        and (count - others) % len(kernels) == 0
        and (count - others) // len(kernels) in (3, 4, 5)
        and store[str(others)].dtype == np.uint8
    ):
        return _calibrated(store, others, (count - others) // len(kernels), kernels[0], axes)
    if extra not in (len(kernels), 3 * len(kernels)):
        return None
    codes = store[str(next(i for i, v in enumerate(own) if v is kernels[0]))]
    if codes.dtype != np.int8:
        return None
    if extra == len(kernels):
        is_int8 = tuple(codes.shape) == tuple(kernels[0].shape)
        return quantizers.Int8QuantizationConfig() if is_int8 else quantizers.Int4QuantizationConfig(block_size=None)
    return quantizers.Int4QuantizationConfig(block_size=_group_size(store[str(count - 1)]) or 1)


def _group_size(groups: Any) -> int:
    """Returns the size of the first group; the files of Keras have fractions."""
    return int(np.sum(np.floor(np.asarray(groups)) == 0))


def _calibrated(store: Any, first: int, count: int, kernel: Variable, axes: Sequence[int]) -> Any:
    """Returns the configuration of GPTQ or AWQ with which a kernel has these values."""
    codes, scale = store[str(first)], store[str(first + 1)]
    has_zeros = store[str(first + 2)].dtype == np.uint8
    group_size = -1 if scale.shape[-1:] == (1,) else _group_size(store[str(first + count - 1)]) or -1
    if count - has_zeros == 4:
        return quantizers.AWQConfig(None, None, group_size=group_size)
    outputs = int(np.prod([size for i, size in enumerate(kernel.shape) if i not in axes]))
    is_whole = codes.shape[0] == outputs and (outputs > 1 or np.max(np.asarray(codes), initial=0) > 15)
    return quantizers.GPTQConfig(None, None, weight_bits=8 if is_whole else 4, group_size=group_size)


def with_zero_points(store: Any, variables: Sequence[Variable], kernel: Any, name: str) -> dict[str, Any]:
    """Returns a store with the zero points of a kernel, which Keras 3.15 leaves out of files of GPTQ and AWQ.

    Args:
        store: mapping from numbers, as strings, to arrays; one less than variables.
        variables: sequence of Variable; those that a file holds.
        kernel: CalibratedVariable; its integers, scale and zero point are among them.
        name: str; name of the layer.

    Raises:
        ModelFileError: the zero points do not follow from the configuration.
    """
    values = [store[str(i)] for i in range(len(store.keys()))]
    index = next(i for i, v in enumerate(variables) if v is kernel._zero)
    if not kernel._grid.symmetric:
        raise ModelFileError(
            f"The file has no zero points for layer '{name}': Keras 3.15 leaves those of GPTQ and AWQ out.",
            expected=f"{len(variables)} values",
            got=f"{len(values)} values",
            cure="quantize the model again here; or in Keras with GPTQ and symmetric=True, whose zero points are known",
        )
    zeros = np.full(kernel._zero.shape, 2 ** (kernel._grid.bits - 1), "uint8")
    return {str(i): value for i, value in enumerate([*values[:index], zeros, *values[index:]])}
