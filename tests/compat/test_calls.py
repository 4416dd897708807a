"""Calls in the spelling of Keras 1 and 2: on the left the call, on the right parts of today's configuration."""

import numpy as np
import pytest

from amalthea import layers as today
from amalthea.compat import calls, eras

L1, L2 = {"class_name": "L1", "config": {"l1": 0.5}}, {"class_name": "L2", "config": {"l2": 0.5}}

# era, module, call as (name, args, kwargs), today's class, parts of its configuration
LAYERS = {
    "Dense": (1, "Dense", (3,), {}, "Dense", {"units": 3, "activation": "linear"}),
    "Dense by place": (1, "Dense", (3, "uniform", "relu"), {}, "Dense", {"units": 3, "activation": "relu"}),
    "output_dim": (1, "Dense", (), {"output_dim": 3, "bias": False}, "Dense", {"units": 3, "use_bias": False}),
    "init": (1, "Dense", (3,), {"init": "zero"}, "Dense", {"kernel_initializer": "Zeros"}),
    "W_regularizer": (1, "Dense", (3,), {"W_regularizer": "l2"}, "Dense", {"kernel_regularizer": "L2"}),
    "b_regularizer": (1, "Dense", (3,), {"b_regularizer": "l2"}, "Dense", {"bias_regularizer": "L2"}),
    "W_constraint": (1, "Dense", (3,), {"W_constraint": "maxnorm"}, "Dense", {"kernel_constraint": "MaxNorm"}),
    "b_constraint": (1, "Dense", (3,), {"b_constraint": "nonneg"}, "Dense", {"bias_constraint": "NonNeg"}),
    "Convolution1D": (
        1, "Convolution1D", (4, 3), {"border_mode": "same", "subsample_length": 2}, "Conv1D",
        {"filters": 4, "kernel_size": (3,), "padding": "same", "strides": (2,)},
    ),
    "nb_filter, filter_length": (
        1, "Convolution1D", (), {"nb_filter": 4, "filter_length": 3}, "Conv1D", {"filters": 4, "kernel_size": (3,)},
    ),
    "Convolution2D": (
        1, "Convolution2D", (4, 3, 2), {"border_mode": "same", "subsample": (2, 1), "dim_ordering": "th"}, "Conv2D",
        {"filters": 4, "kernel_size": (3, 2), "padding": "same", "strides": (2, 1), "data_format": "channels_first"},
    ),
    "nb_row, nb_col": (
        1, "Convolution2D", (), {"nb_filter": 4, "nb_row": 3, "nb_col": 2}, "Conv2D", {"kernel_size": (3, 2)},
    ),
    "Convolution3D": (1, "Convolution3D", (4, 3, 2, 1), {}, "Conv3D", {"kernel_size": (3, 2, 1)}),
    "Conv2D(4, 3, 3) of Keras 1": (1, "Conv2D", (4, 3, 3), {}, "Conv2D", {"kernel_size": (3, 3), "strides": (1, 1)}),
    "Conv2D(4, 3, 3) of Keras 2": (2, "Conv2D", (4, 3, 3), {}, "Conv2D", {"kernel_size": (3, 3), "strides": (1, 1)}),
    "Conv2D(4, 3, 3) of Keras 3": (3, "Conv2D", (4, 3, 3), {}, "Conv2D", {"kernel_size": (3, 3), "strides": (3, 3)}),
    "Conv2D(4, (3, 3), 2) of Keras 2": (2, "Conv2D", (4, (3, 3), 2), {}, "Conv2D", {"strides": (2, 2)}),
    "Convolution2D of Keras 2": (
        2, "Convolution2D", (4, (3, 3)), {"padding": "same"}, "Conv2D", {"kernel_size": (3, 3), "padding": "same"},
    ),
    "words of Keras 1 in Keras 2": (
        2, "Conv2D", (4, (3, 3)), {"border_mode": "same", "subsample": (2, 2)}, "Conv2D",
        {"kernel_size": (3, 3), "padding": "same", "strides": (2, 2)},
    ),
    "words of Keras 1 in Keras 3": (3, "Dense", (), {"output_dim": 3, "init": "one"}, "Dense", {"units": 3}),
    "AtrousConvolution2D": (
        1, "AtrousConvolution2D", (4, 3, 3), {"atrous_rate": (2, 2)}, "Conv2D", {"dilation_rate": (2, 2)},
    ),
    "AtrousConvolution1D": (1, "AtrousConvolution1D", (4, 3), {"atrous_rate": 2}, "Conv1D", {"dilation_rate": (2,)}),
    "SeparableConvolution2D": (
        1, "SeparableConvolution2D", (4, 3, 3), {"depth_multiplier": 2}, "SeparableConv2D", {"depth_multiplier": 2},
    ),
    "Deconvolution2D": (
        1, "Deconvolution2D", (4, 3, 3), {"output_shape": (None, 8, 8, 4), "subsample": (2, 2)}, "Conv2DTranspose",
        {"filters": 4, "kernel_size": (3, 3), "strides": (2, 2)},
    ),
    "LocallyConnected1D": (1, "LocallyConnected1D", (4, 3), {}, "LocallyConnected1D", {"filters": 4}),
    "LocallyConnected2D": (1, "LocallyConnected2D", (4, 3, 3), {}, "LocallyConnected2D", {"kernel_size": (3, 3)}),
    "pool_length": (1, "MaxPooling1D", (), {"pool_length": 3, "stride": 2}, "MaxPooling1D", {"pool_size": (3,)}),
    "MaxPooling2D": (
        1, "MaxPooling2D", (), {"pool_size": (2, 3), "border_mode": "same", "dim_ordering": "th"}, "MaxPooling2D",
        {"pool_size": (2, 3), "padding": "same", "data_format": "channels_first"},
    ),
    "UpSampling1D": (1, "UpSampling1D", (), {"length": 3}, "UpSampling1D", {"size": 3}),
    "Dropout p": (1, "Dropout", (), {"p": 0.3}, "Dropout", {"rate": 0.3}),
    "GaussianDropout p": (1, "GaussianDropout", (), {"p": 0.3}, "GaussianDropout", {"rate": 0.3}),
    "GaussianNoise sigma": (1, "GaussianNoise", (), {"sigma": 0.3}, "GaussianNoise", {"stddev": 0.3}),
    "SpatialDropout2D": (1, "SpatialDropout2D", (0.3, "th"), {}, "SpatialDropout2D", {"data_format": "channels_first"}),
    "Embedding": (
        1, "Embedding", (9, 4), {"dropout": 0.2, "W_regularizer": "l2", "init": "normal"}, "Embedding",
        {"input_dim": 9, "output_dim": 4, "embeddings_initializer": "RandomNormal", "embeddings_regularizer": "L2"},
    ),
    "LSTM": (
        1, "LSTM", (4,), {"inner_init": "normal", "forget_bias_init": "zero", "dropout_W": 0.1, "dropout_U": 0.2,
                          "consume_less": "gpu", "U_regularizer": "l2"}, "LSTM",
        {"units": 4, "recurrent_activation": "keras2_hard_sigmoid", "unit_forget_bias": False, "dropout": 0.1,
         "recurrent_dropout": 0.2, "recurrent_initializer": "RandomNormal", "recurrent_regularizer": "L2"},
    ),
    "inner_activation": (1, "LSTM", (4,), {"inner_activation": "sigmoid"}, "LSTM", {"recurrent_activation": "sigmoid"}),
    "GRU of Keras 1": (
        1, "GRU", (4,), {}, "GRU", {"reset_after": False, "recurrent_activation": "keras2_hard_sigmoid"},
    ),
    "GRU of Keras 2": (
        2, "GRU", (4,), {}, "GRU", {"reset_after": False, "recurrent_activation": "keras2_hard_sigmoid"},
    ),
    "GRU of Keras 3": (3, "GRU", (4,), {}, "GRU", {"reset_after": True, "recurrent_activation": "sigmoid"}),
    "LSTM of Keras 2": (2, "LSTM", (4,), {}, "LSTM", {"recurrent_activation": "keras2_hard_sigmoid"}),
    "hard_sigmoid by name": (2, "Dense", (3, "hard_sigmoid"), {}, "Dense", {"activation": "keras2_hard_sigmoid"}),
    "hard_sigmoid of Keras 3": (3, "Dense", (3, "hard_sigmoid"), {}, "Dense", {"activation": "hard_sigmoid"}),
    "CuDNNLSTM": (2, "CuDNNLSTM", (4,), {"return_sequences": True}, "LSTM",
                  {"units": 4, "recurrent_activation": "sigmoid", "return_sequences": True}),
    "CuDNNGRU": (2, "CuDNNGRU", (4,), {}, "GRU", {"reset_after": True, "recurrent_activation": "sigmoid"}),
    "MaxoutDense in Keras 3": (3, "MaxoutDense", (3,), {}, "MaxoutDense", {"nb_feature": 4}),
    "Merge in Keras 3": (3, "Merge", (), {"mode": "sum"}, "Add", {}),
    "CuDNNLSTM in Keras 3": (3, "CuDNNLSTM", (4,), {}, "LSTM", {"units": 4}),
    "BatchNormalization": (
        1, "BatchNormalization", (), {"epsilon": 1e-4, "beta_init": "one"}, "BatchNormalization",
        {"epsilon": 1e-4, "beta_initializer": "Ones"},
    ),
    "BatchNormalization by place": (1, "BatchNormalization", (1e-4, 0, 1), {}, "BatchNormalization",
                                    {"epsilon": 1e-4, "axis": 1}),
    "BN mode 1": (1, "BatchNormalization", (), {"mode": 1}, "SampleNormalization", {}),
    "BN mode 2": (1, "BatchNormalization", (), {"mode": 2}, "BatchStatisticsNormalization", {}),
    "LeakyReLU of Keras 1": (1, "LeakyReLU", (), {"alpha": 0.1}, "LeakyReLU", {"negative_slope": 0.1}),
    "LeakyReLU by place": (2, "LeakyReLU", (0.1,), {}, "LeakyReLU", {"negative_slope": 0.1}),
    "LeakyReLU of Keras 3 with alpha": (3, "LeakyReLU", (), {"alpha": 0.1}, "LeakyReLU", {"negative_slope": 0.1}),
    "ThresholdedReLU": (1, "ThresholdedReLU", (0.5,), {}, "ReLU", {"threshold": 0.5}),
    "PReLU": (1, "PReLU", (), {"init": "one"}, "PReLU", {"alpha_initializer": "Ones"}),
    "SReLU": (1, "SReLU", (), {"t_left_init": "one"}, "SReLU", {"t_left_initializer": "Ones"}),
    "ParametricSoftplus": (1, "ParametricSoftplus", (0.3,), {}, "ParametricSoftplus", {}),
    "MaxoutDense": (1, "MaxoutDense", (3,), {"nb_feature": 5}, "MaxoutDense", {"nb_feature": 5}),
    "Highway": (1, "Highway", (), {"activation": "tanh"}, "Highway", {"activation": "tanh"}),
    "TimeDistributedDense": (1, "TimeDistributedDense", (3,), {}, "Dense", {"units": 3}),
    "Merge": (1, "Merge", (), {"mode": "concat", "concat_axis": 1}, "Concatenate", {"axis": 1}),
    "ConvLSTM2D": (
        1, "ConvLSTM2D", (4, 3, 3), {"border_mode": "same"}, "ConvLSTM2D",
        {"kernel_size": (3, 3), "padding": "same", "recurrent_activation": "keras2_hard_sigmoid"},
    ),
    "Reshape": (1, "Reshape", (), {"dims": (2, 3)}, "Reshape", {"target_shape": (2, 3)}),
    "SyncBatchNormalization": (2, "SyncBatchNormalization", (), {}, "BatchNormalization", {"synchronized": True}),
}  # fmt: skip


def _value(config, key):
    value = config[key]
    return value["class_name"] if isinstance(value, dict) else tuple(value) if isinstance(value, list) else value


@pytest.mark.parametrize("case", LAYERS)
def test_a_layer_is_called_as_it_was(keras, case):
    era, name, args, kwargs, expected, parts = LAYERS[case]
    made = getattr(keras(era).layers, name)(*args, **kwargs)
    config = made.get_config()
    assert type(made).__name__ == expected
    assert {key: _value(config, key) for key in parts} == parts


OPTIMIZERS = {
    (1, "SGD"): {"learning_rate": 0.01}, (2, "SGD"): {"learning_rate": 0.01}, (3, "SGD"): {"learning_rate": 0.01},
    (1, "Adadelta"): {"learning_rate": 1.0, "epsilon": 1e-8}, (2, "Adadelta"): {"learning_rate": 1.0, "epsilon": 1e-7},
    (3, "Adadelta"): {"learning_rate": 0.001, "epsilon": 1e-7},
    (1, "Adagrad"): {"learning_rate": 0.01, "epsilon": 1e-8}, (2, "Adagrad"): {"learning_rate": 0.01},
    (3, "Adagrad"): {"learning_rate": 0.001},
    (1, "Adamax"): {"learning_rate": 0.002, "epsilon": 1e-8}, (2, "Adamax"): {"learning_rate": 0.002},
    (3, "Adamax"): {"learning_rate": 0.001}, (1, "Nadam"): {"learning_rate": 0.002, "epsilon": 1e-8},
    (2, "Nadam"): {"learning_rate": 0.002}, (3, "Nadam"): {"learning_rate": 0.001},
    (1, "Adam"): {"learning_rate": 0.001, "epsilon": 1e-8}, (2, "Adam"): {"learning_rate": 0.001, "epsilon": 1e-7},
    (1, "RMSprop"): {"learning_rate": 0.001, "epsilon": 1e-8}, (2, "RMSprop"): {"epsilon": 1e-7},
}  # fmt: skip


@pytest.mark.parametrize("era, name", OPTIMIZERS)
def test_an_optimizer_has_the_defaults_of_its_era(keras, era, name):
    config = getattr(keras(era).optimizers, name)().get_config()
    assert {key: pytest.approx(config[key]) for key in OPTIMIZERS[era, name]} == OPTIMIZERS[era, name]


@pytest.mark.parametrize("era, name", OPTIMIZERS)
def test_an_optimizer_by_name_has_the_defaults_of_its_era(keras, era, name):
    model = keras(era).models.Sequential([today.Input((2,)), today.Dense(1)])
    model.compile(name.lower(), "mse")
    config = model.optimizer.get_config()
    assert {key: pytest.approx(config[key]) for key in OPTIMIZERS[era, name]} == OPTIMIZERS[era, name]


@pytest.mark.parametrize("era", (1, 2, 3))
def test_lr_is_the_learning_rate_and_decay_makes_it_smaller_with_each_step(keras, era):
    optimizer = keras(era).optimizers.SGD(lr=0.5, decay=0.1, momentum=0.9, nesterov=True)
    assert optimizer.get_config()["nesterov"] and optimizer._decay_rate == 0.1
    backend = keras(era).backend
    assert backend.get_value(optimizer.lr) == 0.5
    backend.set_value(optimizer.lr, 0.25)
    assert float(optimizer.learning_rate) == 0.25


def test_a_schedule_decay_of_nadam_is_taken(keras):
    assert keras(2).optimizers.Nadam(schedule_decay=0.01).get_config()["learning_rate"] == pytest.approx(0.002)


OBJECTS = {
    "l2": ("regularizers", "l2", (0.5,), {}, "L2", {"l2": 0.5}),
    "l1": ("regularizers", "l1", (), {"l": 0.5}, "L1", {"l1": 0.5}),
    "l1l2": ("regularizers", "l1l2", (), {"l1": 0.5, "l2": 0.1}, "L1L2", {"l1": 0.5, "l2": 0.1}),
    "activity_l1": ("regularizers", "activity_l1", (0.5,), {}, "L1", {"l1": 0.5}),
    "activity_l2": ("regularizers", "activity_l2", (), {"l": 0.5}, "L2", {"l2": 0.5}),
    "WeightRegularizer": ("regularizers", "WeightRegularizer", (), {"l1": 0.5}, "L1L2", {"l1": 0.5}),
    "maxnorm": ("constraints", "maxnorm", (3,), {}, "MaxNorm", {"max_value": 3}),
    "maxnorm m": ("constraints", "maxnorm", (), {"m": 3}, "MaxNorm", {"max_value": 3}),
    "MaxNorm m": ("constraints", "MaxNorm", (), {"m": 3}, "MaxNorm", {"max_value": 3}),
    "nonneg": ("constraints", "nonneg", (), {}, "NonNeg", {}),
    "unitnorm": ("constraints", "unitnorm", (), {"axis": 1}, "UnitNorm", {"axis": 1}),
}


@pytest.mark.parametrize("case", OBJECTS)
def test_regularizers_and_constraints_are_called_as_they_were(keras, case):
    module, name, args, kwargs, expected, parts = OBJECTS[case]
    made = getattr(getattr(keras(1), module), name)(*args, **kwargs)
    assert type(made).__name__ == expected
    assert {key: pytest.approx(made.get_config()[key]) for key in parts} == parts


def test_a_function_of_shape_and_name_is_an_initializer(keras):
    era = keras(1)

    def small(shape, name=None):
        return era.initializations.normal(shape, scale=0.0, name=name)

    layer = era.layers.Dense(2, init=small, input_dim=3)
    assert np.array_equal(era.models.Sequential([layer]).get_weights()[0], np.zeros((3, 2)))


INITIALIZERS = {  # Keras 1's standard deviation of a (200, 100) matrix
    "uniform": 0.05 / 3**0.5, "normal": 0.05, "glorot_uniform": (2 / 300) ** 0.5, "glorot_normal": (2 / 300) ** 0.5,
    "he_normal": (2 / 200) ** 0.5, "he_uniform": (2 / 200) ** 0.5, "lecun_uniform": (1 / 200) ** 0.5,
    "orthogonal": 1.1 / 200**0.5,
}  # fmt: skip


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initial_values_are_spread_as_in_keras_1(keras, name):
    np.random.seed(0)
    era = keras(1)
    layer = era.layers.Dense(100, init=name, input_dim=200)
    kernel = era.models.Sequential([layer]).get_weights()[0]
    assert kernel.std() == pytest.approx(INITIALIZERS[name], rel=0.02)
    is_normal = "normal" in name
    assert (abs(kernel).max() > 2.5 * kernel.std()) == (is_normal or name == "orthogonal")


def test_calls_of_todays_words_are_left_as_they_are(keras):
    keras(3)
    layer = today.Conv2D(4, 3, 2, padding="same", activation=None)
    assert layer.get_config() == {**today.Conv2D(4, 3, 2, padding="same").get_config(), "name": layer.name}


def test_nothing_is_read_when_old_keras_is_not_installed():
    from amalthea import configurable

    assert configurable.respell is None and eras.era() == 3
    assert not hasattr(today.Dense(2), "get_output_at")
    assert calls.kind_of(today.Dense) == "layer"
