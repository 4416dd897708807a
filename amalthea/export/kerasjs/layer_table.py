"""Layers of Keras.js 1.0.3, with the options of each that it computes as Keras does.

Of some layers it has another idea, and those are no rows: its GRU resets before the product only, its
``hard_sigmoid`` has the slope 0.2 of Keras 2, it fails on any model with ``TimeDistributed``, its
``Dot`` knows matrices alone, and it has no masks.
Arrays have no axis of rows: each call takes one.
"""

from __future__ import annotations

import math
from typing import Any

from amalthea.export.tfjs.layer_table import Row, converted

_NAMES = ("linear", "elu", "relu", "selu", "sigmoid", "softmax", "softplus", "softsign", "tanh")
ACTIVATIONS = {name: name for name in _NAMES}
STANDS = {
    "ReLU": {"activation": "relu"},
    "Softmax": {"activation": "softmax"},
    "Identity": {"activation": "linear"},
}  # as an Activation


def _row(kept: str, check: Any = Row._field_defaults["check"], **needed: Any) -> Row:
    return Row(tuple(kept.split()), needed, check)


def _ones(value: Any) -> bool:
    return all(n == 1 for n in (value if isinstance(value, (list, tuple)) else [value]))


def _vector(config: dict[str, Any], shapes: Any) -> str:
    return "" if len(shapes) == 2 else "an input of more than one axis"


def _softmax(config: dict[str, Any], shapes: Any) -> str:
    axis = config.get("axis", -1)
    if config.get("activation", "softmax") != "softmax":
        return ""
    last = axis in (-1, len(shapes) - 1)
    return "" if last and len(shapes) in (2, 3) else "softmax over more than 2 axes, or not over the last"


def _no_softmax(config: dict[str, Any], shapes: Any) -> str:
    if config.get("activation") == "softmax" and len(shapes) > 3:
        return "softmax over more than 2 axes"
    both = not _ones(config.get("strides", 1)) and not _ones(config.get("dilation_rate", 1))
    return "strides with a dilation_rate" if both else _padding(config, shapes)


def _padding(config: dict[str, Any], shapes: Any) -> str:
    return "" if config["padding"] in ("valid", "same") else f"padding={config['padding']!r}"


def _equal_shapes(config: dict[str, Any], shapes: Any) -> str:
    same = isinstance(shapes, list) and all(s == shapes[0] for s in shapes)
    return "" if same else "inputs of several shapes"


def _two(config: dict[str, Any], shapes: Any) -> str:
    return _equal_shapes(config, shapes) or ("" if len(shapes) == 2 else "more than 2 inputs")


def _known(config: dict[str, Any], shapes: Any) -> str:
    return "axis=0" if config["axis"] == 0 else ""


_CONV = "filters kernel_size strides padding dilation_rate activation use_bias data_format"
_POOL = "pool_size strides padding data_format"
_CELL = "units activation use_bias return_sequences go_backwards"
_RNN = {
    "stateful": False, "return_state": False, "unroll": ..., "zero_output_for_mask": ..., "dropout": ...,
    "recurrent_dropout": ...,
}  # fmt: skip
_KINDS = [(kind, n) for kind in ("Max", "Average") for n in (1, 2, 3)]
TABLE: dict[str, Row] = {
    "Dense": _row("units activation use_bias", _vector),
    "Activation": _row("activation", _softmax),
    "ReLU": _row("", max_value=None, negative_slope=0.0, threshold=0.0), "Softmax": _row("", _softmax, axis=...),
    "Dropout": _row("rate", noise_shape=...), "GaussianDropout": _row("rate"), "GaussianNoise": _row("stddev"),
    **{f"SpatialDropout{n}D": _row("rate data_format") for n in (1, 2, 3)},
    "Flatten": _row("", data_format="channels_last"), "Reshape": _row("target_shape"),
    "RepeatVector": _row("n"), "Permute": _row("dims"),
    "Embedding": _row("input_dim output_dim", mask_zero=False, weights=None),
    "ELU": _row("alpha"), "LeakyReLU": _row("negative_slope"), "PReLU": _row("", shared_axes=None),
    **{name: _row("", _equal_shapes) for name in ("Add", "Multiply", "Average", "Maximum", "Minimum")},
    "Identity": _row(""), "Subtract": _row("", _two), "Concatenate": _row("axis", _known),
    "BatchNormalization": _row(
        "axis epsilon center scale", momentum=..., renorm=False, renorm_clipping=..., renorm_momentum=...,
        synchronized=...,
    ),
    **{f"Conv{n}D": _row(_CONV, _no_softmax, groups=1) for n in (1, 2, 3)},
    "Conv2DTranspose": _row(_CONV, _no_softmax, dilation_rate=_ones, groups=1, output_padding=None),
    "SeparableConv2D": _row(f"{_CONV} depth_multiplier", _no_softmax, dilation_rate=_ones),
    **{f"{kind}Pooling{n}D": _row(_POOL) for kind, n in _KINDS},
    **{f"Global{kind}Pooling{n}D": _row("data_format", keepdims=False) for kind, n in _KINDS},
    **{f"ZeroPadding{n}D": _row("padding data_format") for n in (1, 2, 3)},
    **{f"Cropping{n}D": _row("cropping data_format") for n in (1, 2, 3)},
    "UpSampling1D": _row("size"), "UpSampling2D": _row("size data_format", interpolation="nearest"),
    "UpSampling3D": _row("size data_format"),
    "SimpleRNN": _row(_CELL, **_RNN), "LSTM": _row(f"{_CELL} recurrent_activation", unit_forget_bias=..., **_RNN),
    "GRU": _row(f"{_CELL} recurrent_activation", reset_after=False, **_RNN),
}  # fmt: skip
WRAPPERS = ("Bidirectional",)
IN_PLACE = ("LeakyReLU", "ELU", "PReLU", "BatchNormalization")  # on a CPU they overwrite what they read
PASSED_ON = ("Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
             "Flatten", "Permute", "Activation", "InputLayer")  # fmt: skip


def convert(name: str, config: dict[str, Any], shapes: Any) -> tuple[dict[str, Any], str]:
    """Return a layer's configuration for Keras.js, and "" or a reason why it cannot be written."""
    made, reason = converted(name, config, shapes, TABLE, ACTIVATIONS)
    for key in ("dtype", "trainable"):
        made.pop(key, None)
    if name == "Reshape" and not reason:
        made["target_shape"] = _target(made["target_shape"], shapes[1:])
    if name.endswith("1D"):  # of which Keras.js takes numbers, and no lists of one
        made = {k: v[0] if isinstance(v, list) and len(v) == 1 else v for k, v in made.items()}
    return {**made, **STANDS.get(name, {})}, reason


def _target(target: list[int], shape: list[int | None]) -> list[int]:
    """The target shape with -1 found out, where the input's shape is known; other models are refused for theirs."""
    if None in shape or -1 not in target:
        return target
    rest = math.prod(n for n in target if n != -1)
    return [math.prod(shape) // max(rest, 1) if n == -1 else n for n in target]  # type: ignore[arg-type]
