"""Layers of TensorFlow.js, with the options of each that it computes as Keras does.

A row is the options that are written, and those that have to be at their default; initializers, constraints and
regularizers concern training, and are left out. What TensorFlow.js computes in another way is not in the table: its
``Resizing`` aligns the corners, ``Dot`` and ``Masking`` treat ranks and masks in their own way, ``Conv3DTranspose`` and
``MaxPooling3D`` are wrong on its wasm backend, its GRU resets before the product only, its ``hard_sigmoid`` is that of
Keras 2, depthwise kernels are not dilated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

ACTIVATIONS = {
    **{name: name for name in ("linear", "elu", "relu", "relu6", "selu", "sigmoid", "softmax", "softplus", "softsign")},
    **{name: name for name in ("tanh", "log_softmax", "mish")}, "silu": "swish", "swish": "swish",
}  # fmt: skip
_TRAINING = {"name", "trainable", "dtype", "seed", "quantization_config", "lora_rank", "lora_alpha"}
_TRAINING_ENDS = ("_initializer", "_constraint", "_regularizer")
_LAST = "channels_last"


class Row(NamedTuple):
    """A layer of TensorFlow.js.

    Args:
        kept: names of options that are written.
        needed: value of each option that TensorFlow.js does not have.
        check: function of the configuration and the shapes of the inputs to a reason against the layer, or "".
    """

    kept: tuple[str, ...]
    needed: dict[str, Any]
    check: Callable[[dict[str, Any], Any], str] = lambda config, shapes: ""


def _row(kept: str, check: Any = Row._field_defaults["check"], **needed: Any) -> Row:
    return Row(tuple(kept.split()), needed, check)


def _ones(value: Any) -> bool:
    return all(n == 1 for n in (value if isinstance(value, (list, tuple)) else [value]))


def _no_stride_with_dilation(config: dict[str, Any], shapes: Any) -> str:
    both = not _ones(config.get("strides", 1)) and not _ones(config.get("dilation_rate", 1))
    return "strides with a dilation_rate" if both else ""


def _not_causal(config: dict[str, Any], shapes: Any) -> str:
    return "padding='causal'" if config["padding"] == "causal" else _no_stride_with_dilation(config, shapes)


def _three_axes(config: dict[str, Any], shapes: Any) -> str:
    return "" if len(shapes) >= 3 else "an input of fewer than 3 axes"


def _equal_shapes(config: dict[str, Any], shapes: Any) -> str:
    same = isinstance(shapes, list) and all(s == shapes[0] for s in shapes)
    return "" if same else "inputs of several shapes"


def _few_axes(config: dict[str, Any], shapes: Any) -> str:
    last = config.get("axis", -1) in (-1, len(shapes) - 1)
    return "" if len(shapes) <= 4 and last else "an axis that is not the last, or of more than 4"


def _over_last(config: dict[str, Any], shapes: Any) -> str:
    axis = config.get("axis", -1)
    return "" if axis in (-1, [-1], len(shapes) - 1, [len(shapes) - 1]) else "an axis that is not the last"


_CONV = "filters kernel_size strides padding dilation_rate activation use_bias data_format"
_DEPTHWISE = "kernel_size strides padding depth_multiplier dilation_rate activation use_bias data_format"
_POOL = "pool_size strides padding data_format"
_CELL = "units activation use_bias dropout recurrent_dropout return_sequences return_state go_backwards"
_RNN = {"stateful": False, "unroll": ..., "zero_output_for_mask": ...}
TABLE: dict[str, Row] = {
    "Dense": _row("units activation use_bias"),
    "Activation": _row("activation"),
    "Dropout": _row("rate", noise_shape=None), "GaussianDropout": _row("rate"), "GaussianNoise": _row("stddev"),
    "AlphaDropout": _row("rate", noise_shape=None), "SpatialDropout1D": _row("rate"),
    "Flatten": _row("data_format", _three_axes), "Reshape": _row("target_shape"), 
    "RepeatVector": _row("n"), "Permute": _row("dims"),
    "Embedding": _row("input_dim output_dim", mask_zero=False, weights=None),
    "ReLU": _row("max_value", negative_slope=0.0, threshold=0.0), "ELU": _row("alpha", alpha=1.0),
    "LeakyReLU": _row("negative_slope"), "PReLU": _row("shared_axes"), "Softmax": _row("axis", _over_last),
    "Add": _row("", _equal_shapes), "Multiply": _row("", _equal_shapes), "Average": _row("", _equal_shapes),
    "Maximum": _row("", _equal_shapes), "Minimum": _row("", _equal_shapes), "Concatenate": _row("axis"),
    "BatchNormalization": _row(
        "axis momentum epsilon center scale", _few_axes, renorm=False, renorm_clipping=..., renorm_momentum=...,
        synchronized=False,
    ),
    "LayerNormalization": _row("axis epsilon center scale", _over_last, rms_scaling=False),
    **{f"Conv{n}D": _row(_CONV, _not_causal, groups=1) for n in (1, 2, 3)},
    "Conv2DTranspose": _row(_CONV, dilation_rate=_ones, groups=1, output_padding=None),
    "DepthwiseConv2D": _row(_DEPTHWISE, dilation_rate=_ones),
    "SeparableConv2D": _row(f"filters {_DEPTHWISE}", dilation_rate=_ones),
    **{f"{kind}Pooling{n}D": _row(_POOL) for kind in ("Max", "Average") for n in (1, 2)},
    "AveragePooling3D": _row(_POOL),
    **{f"Global{kind}Pooling{n}D": _row("data_format", keepdims=False) for kind in ("Max", "Average") for n in (1, 2)},
    "ZeroPadding2D": _row("padding data_format"), "Cropping2D": _row("cropping data_format"),
    "UpSampling2D": _row("size data_format interpolation", interpolation="nearest"),
    "SimpleRNN": _row(_CELL, **_RNN),
    "LSTM": _row(f"{_CELL} recurrent_activation unit_forget_bias", **_RNN),
    "GRU": _row(f"{_CELL} recurrent_activation reset_after", reset_after=False, **_RNN),
    "ConvLSTM2D": _row(
        f"{_CONV} recurrent_activation unit_forget_bias {_CELL.replace('units', '')}", **_RNN, dilation_rate=_ones
    ),
    "Rescaling": _row("scale offset"),
}  # fmt: skip
_RENAMED = {"negative_slope": "alpha"}


def converted(
    name: str, config: dict[str, Any], shapes: Any, table: Mapping[str, Row] = TABLE,
    activations: Mapping[str, str] = ACTIVATIONS,
) -> tuple[dict[str, Any], str]:  # fmt: skip
    """Return a layer's configuration in the form of Keras 2, and "" or a reason why it cannot be written.

    Args:
        name: str; the layer's class.
        config: its configuration of today.
        shapes: shape of its input, or list of shapes.
        table: layers that the runtime has; those of TensorFlow.js by default.
        activations: names of its activations by ours.
    """
    if name not in table:
        return {}, "no such layer"
    row = table[name]
    made = {"dtype": "float32", **{key: config[key] for key in ("name", "trainable") if key in config}}
    for key, value in config.items():
        if key in row.needed and not _is(value, row.needed[key]):
            return {}, f"{key}={value!r}"
        if key == "data_format" and value != _LAST:
            return {}, f"data_format={value!r}"
        if key in row.kept:
            made[_RENAMED.get(key, key)] = value
        elif key not in row.needed and key not in _TRAINING and not key.endswith(_TRAINING_ENDS):
            return {}, f"{key}={value!r}"
    for key in ("activation", "recurrent_activation"):
        if key in made and not (isinstance(made[key], str) and made[key] in activations):
            return {}, f"{key}={made[key]!r}"
        if key in made:
            made[key] = activations[made[key]]
    return made, row.check(config, shapes)


def _is(value: Any, needed: Any) -> bool:
    return needed is ... or bool(needed(value) if callable(needed) else value == needed)
