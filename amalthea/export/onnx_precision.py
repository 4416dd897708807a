"""Half precision and 8-bit integers of an ONNX model, by the tools of its runtime."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from amalthea.export.targets import Options


def converted(model: Any, options: Options) -> Any:
    """Return a model in the precision that is asked for; inputs and outputs keep their dtypes.

    Args:
        model: ModelProto.
        options: ``dtype`` and, for int8, ``calibration``.
    """
    if options.dtype == "float16":
        return _half(model)
    if options.dtype == "int8":
        return _integers(model, options.calibration or ())
    return model


def _half(model: Any) -> Any:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numbers below the least positive half become that
        return convert_float_to_float16(model, keep_io_types=True, disable_shape_infer=False)


def _integers(model: Any, calibration: Sequence[Mapping[str, np.ndarray]]) -> Any:
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        """Typical inputs, one batch at a time, as the quantizer asks for them."""

        rest = iter(calibration)

        def get_next(self) -> Any:
            return next(self.rest, None)

    with tempfile.TemporaryDirectory() as folder:
        source, prepared, result = (os.path.join(folder, f"{name}.onnx") for name in ("float", "prepared", "int8"))
        onnx.save(model, source)
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantize_static(prepared, result, Reader(), quant_format=QuantFormat.QDQ, per_channel=True)
        return onnx.load(result)
