"""All layers, one family a file. ``layers.Dense`` lives in ``layers/dense.py``."""

import importlib

from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer

# Each family's file and the public names in it.
_FAMILIES = {
    "activation": "Activation ELU LeakyReLU PReLU ReLU Softmax",
    "adaptive_pooling": (
        "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D "
        "AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D"
    ),
    "attention": "AdditiveAttention Attention",
    "bidirectional": "Bidirectional",
    "categories": "CategoryEncoding Discretization",
    "conv_lstm": "ConvLSTM1D ConvLSTM2D ConvLSTM3D",
    "convolution": (
        "Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose Convolution1D Convolution1DTranspose "
        "Convolution2D Convolution2DTranspose Convolution3D Convolution3DTranspose"
    ),
    "dense": "Dense",
    "depthwise_convolution": (
        "DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D"
    ),
    "dot": "Dot dot",
    "dropout": "Dropout SpatialDropout1D",
    "einsum_dense": "EinsumDense",
    "embedding": "Embedding",
    "example_normalization": "GroupNormalization RMSNormalization UnitNormalization",
    "feature_scaling": "Normalization Rescaling",
    "group_query_attention": "GroupQueryAttention",
    "gru": "GRU GRUCell",
    "identity": "ActivityRegularization Identity",
    "input_layer": "Input InputLayer",
    "lambda_layer": "Lambda",
    "lstm": "LSTM LSTMCell",
    "masking": "Masking",
    "merging": (
        "Add Average Concatenate Maximum Minimum Multiply Subtract "
        "add average concatenate maximum minimum multiply subtract"
    ),
    "multi_head_attention": "MultiHeadAttention",
    "noise": "AlphaDropout GaussianDropout GaussianNoise",
    "normalization": "BatchNormalization LayerNormalization",
    "padding": "Cropping1D Cropping2D Cropping3D ZeroPadding1D ZeroPadding2D ZeroPadding3D",
    "pooling": (
        "AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D "
        "GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D "
        "GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D "
        "GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D "
        "MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D"
    ),
    "random_color": "AutoContrast Equalization RandomBrightness RandomContrast RandomErasing",
    "random_image": "RandomCrop RandomFlip RandomRotation RandomTranslation RandomZoom",
    "reshaping": "Flatten Permute RepeatVector Reshape",
    "resizing": "CenterCrop Resizing",
    "reversible_embedding": "ReversibleEmbedding",
    "rnn": "RNN",
    "simple_rnn": "SimpleRNN SimpleRNNCell",
    "spatial_dropout": "SpatialDropout2D SpatialDropout3D",
    "spectral_normalization": "SpectralNormalization",
    "spectrogram": "MelSpectrogram STFTSpectrogram",
    "stacked_rnn_cells": "StackedRNNCells",
    "upsampling": "UpSampling1D UpSampling2D UpSampling3D",
    "wrapper": "TimeDistributed Wrapper",
}

__all__ = ["InputSpec", "Layer"]
for _module, _names in _FAMILIES.items():
    for _name in _names.split():
        globals()[_name] = getattr(importlib.import_module(f"amalthea.layers.{_module}"), _name)
        __all__ += [_name]
