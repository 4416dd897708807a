"""Quantizers: floats as integers of 2 to 8 bits with a scale, or of floats of 8; configurations of ``quantize``.

The scale divides, as in Keras: ``floats = integers / scale``.
"""

from __future__ import annotations

import inspect
from typing import Any

from amalthea.configurable import renamed
from amalthea.names import missing_in as _missing_in
from amalthea.quantizers.absolute_maximum import (
    AbsMaxQuantizer,
    Quantizer,
    abs_max_quantize,
    abs_max_quantize_grouped_with_zero_point,
    registry,
)
from amalthea.quantizers.configs import (
    AWQConfig,
    Float8QuantizationConfig,
    GPTQConfig,
    Int4QuantizationConfig,
    Int8QuantizationConfig,
    QuantizationConfig,
)
from amalthea.quantizers.fake_quantization import fake_quant_with_min_max_vars
from amalthea.quantizers.float8 import compute_float8_amax_history, compute_float8_scale, quantize_and_dequantize
from amalthea.quantizers.int4 import pack_int4, unpack_int4


def get(identifier: Any, **kwargs: Any) -> Any:
    """Returns the quantizer, or the configuration of ``quantize``, for a name, config, class or object.

    Args:
        identifier: str, config dict, class, object or None. A name may be spelt as the class (``"AbsMaxQuantizer"``)
            or in lower case (``"abs_max_quantizer"``).
        **kwargs: arguments of the constructor, for a name or class.

    Returns:
        The object; an object is returned unchanged, and None gives None.

    Raises:
        UnknownNameError: no quantizer has this name.
        ArgumentError: the identifier is none of these kinds.

    Example:
        >>> from amalthea import quantizers
        >>> quantizers.get("abs_max_quantizer", axis=0).axis
        (0,)
    """
    if isinstance(identifier, str):
        identifier = registry.find(identifier)
    return identifier(**kwargs) if inspect.isclass(identifier) and kwargs else registry.get(identifier)


serialize, deserialize = renamed(registry.serialize, "initializer"), registry.deserialize

__all__ = [
    "AWQConfig",
    "AbsMaxQuantizer",
    "Float8QuantizationConfig",
    "GPTQConfig",
    "Int4QuantizationConfig",
    "Int8QuantizationConfig",
    "QuantizationConfig",
    "Quantizer",
    "abs_max_quantize",
    "abs_max_quantize_grouped_with_zero_point",
    "compute_float8_amax_history",
    "compute_float8_scale",
    "deserialize",
    "fake_quant_with_min_max_vars",
    "get",
    "pack_int4",
    "quantize_and_dequantize",
    "serialize",
    "unpack_int4",
]

__getattr__ = _missing_in("quantizers")
