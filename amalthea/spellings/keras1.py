"""Layers of Keras 0.3 to 1.2: their classes, arguments and values, as they are called today."""

from __future__ import annotations

from typing import Any

from amalthea.spellings.rows import Config, Spelling

_ORDER = {"th": "channels_first", "tf": "channels_last", "default": None}

COMMON = Spelling(
    arguments={
        "W_constraint": "kernel_constraint",
        "W_regularizer": "kernel_regularizer",
        "U_regularizer": "recurrent_regularizer",
        "atrous_rate": "dilation_rate",
        "b_constraint": "bias_constraint",
        "b_regularizer": "bias_regularizer",
        "bias": "use_bias",
        "border_mode": "padding",
        "cache_enabled": "",
        "custom_name": "",
        "consume_less": "",
        "dim_ordering": "data_format",
        "dropout_U": "recurrent_dropout",
        "dropout_W": "dropout",
        "filter_length": "kernel_size",
        "forget_bias_init": "unit_forget_bias",
        "init": "kernel_initializer",
        "inner_activation": "recurrent_activation",
        "inner_init": "recurrent_initializer",
        "nb_filter": "filters",
        "output_dim": "units",
        "subsample": "strides",
        "subsample_length": "strides",
    },
    values={
        "data_format": _ORDER,
        "unit_forget_bias": {"one": True, "ones": True, "zero": False, "zeros": False},
    },
)


def _merge(name: str, config: Config) -> tuple[str, Config]:
    """A merge layer by its mode: each mode is a class of its own today."""
    mode = config.get("mode", "sum")
    common = {k: config[k] for k in ("name", "trainable") if k in config}
    if mode == "concat":
        return "Concatenate", {**common, "axis": config.get("concat_axis", -1)}
    if mode in ("dot", "cos"):
        return ("Dot" if mode == "dot" else "Cosine"), {**common, "axes": _axes(config.get("dot_axes", -1))}
    return {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum"}.get(mode, str(mode)), common


def _axes(axes: Any) -> Any:
    """``-1`` or ``[1, 2]``; older files have a list of axes for each input."""
    return [a[0] if isinstance(a, (list, tuple)) else a for a in axes] if isinstance(axes, (list, tuple)) else axes


def _batch_normalization(name: str, config: Config) -> tuple[str, Config]:
    mode = config.pop("mode", 0)
    if mode == 1:
        kept = {k: v for k, v in config.items() if k not in ("momentum", "axis")}
        return "SampleNormalization", {**kept, "axis": -1}
    return ("BatchStatisticsNormalization" if mode == 2 else name), config


def _transposed(name: str, config: Config) -> tuple[str, Config]:
    config.pop("output_shape", None)  # it follows from the others
    return name, config


def _wrapped(name: str, config: Config) -> tuple[str, Config]:
    """``TimeDistributedDense`` is a ``Dense``, which works on the last axis today; ``input_length`` is not needed."""
    config.pop("input_length", None)
    return name, config


def _kernel(*parts: str, name: str = "", **more: Any) -> Spelling:
    return Spelling(name, joined={"kernel_size": parts}, **more)


_POOL_1D = {"pool_length": "pool_size", "stride": "strides"}
_EMBEDDING = {
    "init": "embeddings_initializer",
    "output_dim": "output_dim",
    "W_regularizer": "embeddings_regularizer",
    "W_constraint": "embeddings_constraint",
    "dropout": "",
}
_HARD = {"recurrent_activation": "hard_sigmoid"}
_CONSUMED = {"consume_less": "use_cudnn"}  # as an attribute alone, by which get_weights knows that it has three arrays


def _one_kernel(name: str, config: Config) -> tuple[str, Config]:
    gpu = config.pop("use_cudnn", None) == "gpu"
    return name, {**config, **({"use_cudnn": True} if gpu else {})}


LAYERS = {
    "AtrousConvolution1D": Spelling("Conv1D"),
    "AtrousConvolution2D": _kernel("nb_row", "nb_col", name="Conv2D"),
    "AveragePooling1D": Spelling(arguments=_POOL_1D),
    "BatchNormalization": Spelling(
        arguments={
            "beta_init": "beta_initializer",
            "gamma_init": "gamma_initializer",
            "running_std_init": "moving_variance_initializer",
        },
        rest=_batch_normalization,
    ),
    "Bidirectional": Spelling(),
    "ConvLSTM2D": _kernel("nb_row", "nb_col", defaults=_HARD),
    "Convolution1D": Spelling("Conv1D"),
    "Convolution2D": _kernel("nb_row", "nb_col", name="Conv2D"),
    "Convolution3D": _kernel("kernel_dim1", "kernel_dim2", "kernel_dim3", name="Conv3D"),
    "Deconvolution2D": _kernel("nb_row", "nb_col", name="Conv2DTranspose", rest=_transposed),
    "Deconvolution3D": _kernel("kernel_dim1", "kernel_dim2", "kernel_dim3", name="Conv3DTranspose", rest=_transposed),
    "Dropout": Spelling(arguments={"p": "rate"}),
    "Embedding": Spelling(arguments=_EMBEDDING),
    "GaussianDropout": Spelling(arguments={"p": "rate"}),
    "GaussianNoise": Spelling(arguments={"sigma": "stddev"}),
    "GRU": Spelling(arguments=_CONSUMED, defaults={**_HARD, "reset_after": False}, rest=_one_kernel),
    "Highway": Spelling(arguments={"transform_bias": "transform_bias"}),
    "InputLayer": Spelling(arguments={"batch_input_shape": "batch_shape", "input_dtype": "dtype", "trainable": ""}),
    "LeakyReLU": Spelling(arguments={"alpha": "negative_slope"}),
    "LocallyConnected1D": Spelling(),
    "LocallyConnected2D": _kernel("nb_row", "nb_col"),
    "LSTM": Spelling(arguments=_CONSUMED, defaults=_HARD, rest=_one_kernel),
    "MaxPooling1D": Spelling(arguments=_POOL_1D),
    "MaxoutDense": Spelling(),
    "Merge": Spelling(rest=_merge),
    "ParametricSoftplus": Spelling(
        arguments={"alpha_init": "alpha", "beta_init": "beta", "init": "", "weights": ""},
    ),
    "PReLU": Spelling(arguments={"init": "alpha_initializer"}, values={"alpha_initializer": {"zero": "zeros"}}),
    "Reshape": Spelling(arguments={"dims": "target_shape"}),
    "SeparableConvolution2D": _kernel(
        "nb_row",
        "nb_col",
        name="SeparableConv2D",
        arguments={
            "depthwise_regularizer": "depthwise_regularizer",
            "init": "depthwise_initializer",
        },
    ),  # fmt: skip
    "SpatialDropout1D": Spelling(arguments={"p": "rate"}),
    "SpatialDropout2D": Spelling(arguments={"p": "rate"}),
    "SpatialDropout3D": Spelling(arguments={"p": "rate"}),
    "SReLU": Spelling(
        arguments={f"{name}_init": f"{name}_initializer" for name in ("t_left", "a_left", "t_right", "a_right")}
    ),
    "ThresholdedReLU": Spelling("ReLU", arguments={"theta": "threshold"}),
    "TimeDistributedDense": Spelling("Dense", rest=_wrapped),
    "UpSampling1D": Spelling(arguments={"length": "size"}),
}
for _name in (  # of which nothing but common arguments changed
    "Activation ActivityRegularization AveragePooling2D AveragePooling3D Cropping1D Cropping2D Cropping3D Dense ELU "
    "Flatten GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D "
    "GlobalMaxPooling2D GlobalMaxPooling3D Lambda Masking MaxPooling2D MaxPooling3D Permute RepeatVector Reshape "
    "SimpleRNN TimeDistributed UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D"
).split():
    LAYERS.setdefault(_name, Spelling())
for _layer in ("LSTM", "GRU", "SimpleRNN", "ConvLSTM2D"):
    LAYERS[_layer] = LAYERS[_layer]._replace(arguments={"output_length": "", **LAYERS[_layer].arguments})
