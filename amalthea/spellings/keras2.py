"""Layers of Keras 2.0 to 2.15: their classes, arguments and values, as they are called today."""

from __future__ import annotations

from typing import Any

from amalthea.spellings.rows import Config, Spelling


def _dtype(value: Any) -> Any:
    """A policy of Keras 2 is a dtype by its name."""
    if isinstance(value, dict) and value.get("class_name") in ("Policy", "PolicyV1"):
        name = value.get("config", {}).get("name")
        return None if name == "_infer" else name
    return value


COMMON = Spelling(
    arguments={"dynamic": "", "implementation": "", "time_major": "", "experimental_run_tf_function": ""},
    values={"dtype": _dtype},
)


def _one(value: Any) -> Any:
    return value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value


def _padding(name: str, config: Config) -> tuple[str, Config]:
    """Layers of one kernel take no arguments of two."""
    for key in ("kernel_initializer", "kernel_regularizer", "kernel_constraint", "groups"):
        config.pop(key, None)
    return name, config


def _cudnn(name: str, config: Config) -> tuple[str, Config]:
    sigmoid = {"recurrent_activation": "sigmoid", "activation": "tanh"}
    return name, {**config, **sigmoid, **({"reset_after": True} if name == "GRU" else {})}


def _attention(name: str, config: Config) -> tuple[str, Config]:
    for key in ("query_shape", "key_shape", "value_shape"):
        config.pop(key, None)
    return name, config


def _old_relu(name: str, config: Config) -> tuple[str, Config]:
    config.setdefault("threshold", 0.0)
    return name, config


_RECURRENT = {"recurrent_activation": "hard_sigmoid"}
_SEPARABLE = Spelling(rest=_padding)
_LOOKUP = Spelling(
    arguments={"has_input_vocabulary": ""}, values={"dtype": lambda value: None if value == "string" else value}
)  # the dtype was that of the input

LAYERS = {
    "AlphaDropout": Spelling(arguments={"noise_shape": "noise_shape"}),
    "Attention": Spelling(),
    "BatchNormalization": Spelling(
        arguments={"fused": "", "renorm": "", "renorm_clipping": "", "renorm_momentum": "", "virtual_batch_size": ""},
        values={"axis": _one},
    ),
    "CuDNNGRU": Spelling("GRU", rest=_cudnn),
    "CuDNNLSTM": Spelling("LSTM", rest=_cudnn),
    "DepthwiseConv1D": Spelling(
        rest=lambda name, config: _padding(name, {k: v for k, v in config.items() if k != "filters"})
    ),
    "DepthwiseConv2D": Spelling(
        rest=lambda name, config: _padding(name, {k: v for k, v in config.items() if k != "filters"})
    ),
    "Embedding": Spelling(arguments={"sparse": ""}),
    "GRU": Spelling(defaults={**_RECURRENT, "reset_after": False}),
    "GRUCell": Spelling(defaults={**_RECURRENT, "reset_after": False}),
    "InputLayer": Spelling(arguments={"batch_input_shape": "batch_shape", "type_spec": "", "trainable": ""}),
    "LayerNormalization": Spelling(values={"axis": _one}, arguments={"experimental": ""}),
    "LeakyReLU": Spelling(arguments={"alpha": "negative_slope"}),
    "LSTM": Spelling(defaults=_RECURRENT),
    "LSTMCell": Spelling(defaults=_RECURRENT),
    "MultiHeadAttention": Spelling(rest=_attention),
    "Normalization": Spelling(values={"axis": _one}),
    "RandomFlip": Spelling(),
    "ReLU": Spelling(rest=_old_relu),
    "SeparableConv1D": _SEPARABLE,
    "SeparableConv2D": _SEPARABLE,
    "IntegerLookup": _LOOKUP,
    "StringLookup": _LOOKUP,
    "TextVectorization": _LOOKUP,
    "SyncBatchNormalization": Spelling("BatchNormalization", defaults={"synchronized": True}),
    "ThresholdedReLU": Spelling("ReLU", arguments={"theta": "threshold"}),
}
for _old, _new in {
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "GRUV1": "GRU",
    "GRUV2": "GRU",
    "LSTMV1": "LSTM",
    "LSTMV2": "LSTM",
    "DenseFeaturesV2": "DenseFeatures",
}.items():
    LAYERS[_old] = LAYERS.get(_new, Spelling())._replace(name=_new)
for _name in ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"):
    LAYERS[_name] = Spelling(arguments={"groups": ""})
for _kind in ("Convolution1D", "Convolution2D", "Convolution3D", "SeparableConvolution1D", "SeparableConvolution2D"):
    LAYERS[_kind] = LAYERS.get(_kind.replace("olution", ""), Spelling())._replace(name=_kind.replace("olution", ""))
for _kind, _name in {"Deconvolution2D": "Conv2DTranspose", "Deconvolution3D": "Conv3DTranspose"}.items():
    LAYERS[_kind] = Spelling(_name)
for _name in (  # of which nothing but common arguments changed
    "Activation ActivityRegularization Add AdditiveAttention Average AveragePooling1D AveragePooling2D "
    "AveragePooling3D Bidirectional CategoryEncoding CenterCrop Concatenate Conv1D Conv1DTranspose Conv2D "
    "Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Cropping1D Cropping2D Cropping3D Dense "
    "Discretization Dot Dropout ELU EinsumDense Flatten GaussianDropout GaussianNoise GlobalAveragePooling1D "
    "GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D "
    "GroupNormalization HashedCrossing Hashing Identity IntegerLookup Lambda LocallyConnected1D LocallyConnected2D "
    "Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum Multiply PReLU Permute RNN RandomBrightness "
    "RandomContrast RandomCrop RandomHeight RandomRotation RandomTranslation RandomWidth RandomZoom RepeatVector "
    "Rescaling Reshape Resizing SimpleRNN SimpleRNNCell Softmax SpatialDropout1D SpatialDropout2D SpatialDropout3D "
    "SpectralNormalization StackedRNNCells StringLookup Subtract TextVectorization TimeDistributed "
    "UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D"
).split():
    LAYERS.setdefault(_name, Spelling())
for _name in ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"):
    LAYERS[_name] = Spelling(defaults=_RECURRENT)
