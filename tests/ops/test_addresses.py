"""Addresses of ops: a function that Keras has in ``ops.nn`` or ``ops.numpy`` is found there and in ``ops``."""

from __future__ import annotations

import pytest

from amalthea import ops

NN = """
    average_pool batch_normalization binary_crossentropy categorical_crossentropy celu conv conv_transpose
    depthwise_conv elu gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh layer_normalization leaky_relu
    log_sigmoid log_softmax max_pool moments multi_hot normalize one_hot relu relu6 rms_normalization selu
    separable_conv sigmoid silu soft_shrink softmax softplus softsign sparse_categorical_crossentropy sparse_plus
    sparse_sigmoid sparsemax squareplus swish tanh_shrink threshold
""".split()
NUMPY = "abs add arange argsort bitwise_and clip concatenate cumsum einsum exp floor isnan matmul mean pad sort".split()


@pytest.mark.parametrize("name", NN)
def test_ops_of_networks_have_two_addresses(name):
    assert getattr(ops.nn, name) is getattr(ops, name)


@pytest.mark.parametrize("name", NUMPY)
def test_ops_of_arrays_have_two_addresses(name):
    assert getattr(ops.numpy, name) is getattr(ops, name)
