"""All layers, one family per file: ``layers.Dense`` is in ``layers/dense.py``."""

from amalthea.configurable import renamed
from amalthea.layers.activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from amalthea.layers.adaptive_pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
)
from amalthea.layers.attention import AdditiveAttention, Attention
from amalthea.layers.bidirectional import Bidirectional
from amalthea.layers.categories import CategoryEncoding, Discretization
from amalthea.layers.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from amalthea.layers.convolution import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    Convolution1D,
    Convolution1DTranspose,
    Convolution2D,
    Convolution2DTranspose,
    Convolution3D,
    Convolution3DTranspose,
)
from amalthea.layers.dense import Dense
from amalthea.layers.depthwise_convolution import (
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
    SeparableConvolution1D,
    SeparableConvolution2D,
)
from amalthea.layers.dot import Dot, dot
from amalthea.layers.dropout import Dropout, SpatialDropout1D
from amalthea.layers.einsum_dense import EinsumDense
from amalthea.layers.embedding import Embedding
from amalthea.layers.example_normalization import GroupNormalization, RMSNormalization, UnitNormalization
from amalthea.layers.feature_scaling import Normalization, Rescaling
from amalthea.layers.group_query_attention import GroupQueryAttention
from amalthea.layers.gru import GRU, GRUCell
from amalthea.layers.histograms import AutoContrast, ContrastLimitedAdaptiveHistogramEqualization, Equalization
from amalthea.layers.identity import ActivityRegularization, Identity
from amalthea.layers.input_layer import Input, InputLayer
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.lambda_layer import Lambda
from amalthea.layers.layer import Layer, registry
from amalthea.layers.lstm import LSTM, LSTMCell
from amalthea.layers.masking import Masking
from amalthea.layers.max_boxes import MaxNumBoundingBoxes
from amalthea.layers.merging import (
    Add,
    Average,
    Concatenate,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    maximum,
    minimum,
    multiply,
    subtract,
)
from amalthea.layers.mixing import CutMix, MixUp
from amalthea.layers.multi_head_attention import MultiHeadAttention
from amalthea.layers.native.flax_layer import FlaxLayer
from amalthea.layers.native.jax_layer import JaxLayer
from amalthea.layers.native.saved_model import TFSMLayer
from amalthea.layers.native.torch_module import TorchModuleWrapper
from amalthea.layers.noise import AlphaDropout, GaussianDropout, GaussianNoise
from amalthea.layers.normalization import BatchNormalization, LayerNormalization
from amalthea.layers.padding import Cropping1D, Cropping2D, Cropping3D, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D
from amalthea.layers.pipeline import Pipeline
from amalthea.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    AvgPool1D,
    AvgPool2D,
    AvgPool3D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalAvgPool1D,
    GlobalAvgPool2D,
    GlobalAvgPool3D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    GlobalMaxPool3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from amalthea.layers.random_color import (
    RandomColorDegeneration,
    RandomColorJitter,
    RandomGrayscale,
    RandomHue,
    RandomSaturation,
)
from amalthea.layers.random_filtering import RandomErasing, RandomGaussianBlur, RandomSharpness
from amalthea.layers.random_image import (
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from amalthea.layers.random_policies import AugMix, RandAugment
from amalthea.layers.random_values import (
    RandomBrightness,
    RandomContrast,
    RandomInvert,
    RandomPosterization,
    Solarization,
)
from amalthea.layers.random_warping import RandomElasticTransform, RandomPerspective
from amalthea.layers.reshaping import Flatten, Permute, RepeatVector, Reshape
from amalthea.layers.resizing import CenterCrop, Resizing
from amalthea.layers.reversible_embedding import ReversibleEmbedding
from amalthea.layers.rnn import RNN
from amalthea.layers.simple_rnn import SimpleRNN, SimpleRNNCell
from amalthea.layers.spatial_dropout import SpatialDropout2D, SpatialDropout3D
from amalthea.layers.spectral_normalization import SpectralNormalization
from amalthea.layers.spectrogram import MelSpectrogram, STFTSpectrogram
from amalthea.layers.stacked_rnn_cells import StackedRNNCells
from amalthea.layers.text.hashing import HashedCrossing, Hashing
from amalthea.layers.text.integer_lookup import IntegerLookup
from amalthea.layers.text.string_lookup import StringLookup
from amalthea.layers.text.vectorization import TextVectorization
from amalthea.layers.upsampling import UpSampling1D, UpSampling2D, UpSampling3D
from amalthea.layers.wrapper import TimeDistributed, Wrapper
from amalthea.names import missing_in as _missing_in

get, serialize, deserialize = registry.get, renamed(registry.serialize, "layer"), registry.deserialize

__all__ = [
    "Activation",
    "ActivityRegularization",
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "Add",
    "AdditiveAttention",
    "AlphaDropout",
    "Attention",
    "AugMix",
    "AutoContrast",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "BatchNormalization",
    "Bidirectional",
    "CategoryEncoding",
    "CenterCrop",
    "Concatenate",
    "ContrastLimitedAdaptiveHistogramEqualization",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "Convolution1D",
    "Convolution1DTranspose",
    "Convolution2D",
    "Convolution2DTranspose",
    "Convolution3D",
    "Convolution3DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "CutMix",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Discretization",
    "Dot",
    "Dropout",
    "ELU",
    "EinsumDense",
    "Embedding",
    "Equalization",
    "Flatten",
    "FlaxLayer",
    "GRU",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "GroupQueryAttention",
    "HashedCrossing",
    "Hashing",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "JaxLayer",
    "IntegerLookup",
    "LSTM",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxNumBoundingBoxes",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Maximum",
    "MelSpectrogram",
    "Minimum",
    "MixUp",
    "MultiHeadAttention",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "Pipeline",
    "RMSNormalization",
    "RNN",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "ReversibleEmbedding",
    "STFTSpectrogram",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "Solarization",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "SpectralNormalization",
    "StackedRNNCells",
    "StringLookup",
    "Subtract",
    "TFSMLayer",
    "TextVectorization",
    "TimeDistributed",
    "TorchModuleWrapper",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "Wrapper",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "get",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]

__getattr__ = _missing_in("layers")
