"""Integers of 8 bits, by the quantizer that comes with the runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from amalthea.errors import ExportError

_FLOAT, _INT32, _INT8 = (np.dtype(name).num for name in ("float32", "int32", "int8"))


def quantized(data: bytes, names: Sequence[str], batches: Sequence[Mapping[str, np.ndarray]]) -> bytes:
    """Return a file whose weights and activations are integers, in ranges that typical inputs show.

    Inputs and outputs stay floats; an operator without kernels for integers stays one of floats.

    Args:
        data: the file of floats.
        names: names of the inputs in order.
        batches: typical inputs by name.

    Raises:
        ExportError: the runtime cannot quantize the model.
    """
    from ai_edge_litert._pywrap_tensorflow_lite_calibration_wrapper import CalibrationWrapper

    wrapper = CalibrationWrapper(data, [], [])
    try:
        wrapper.Prepare([list(batches[0][name].shape) for name in names])
        for batch in batches:
            if len(batch[names[0]]) == len(batches[0][names[0]]):  # all batches have one size
                wrapper.FeedTensor([np.ascontiguousarray(batch[name]) for name in names])
        return bytes(wrapper.QuantizeModel(_FLOAT, _FLOAT, True, _INT8, _INT32, False, False))
    except (RuntimeError, ValueError) as error:
        raise ExportError("LiteRT cannot quantize this model.", got=str(error).splitlines()[0]) from error
