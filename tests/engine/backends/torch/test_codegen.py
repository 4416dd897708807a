"""PyTorch's generated code: which lines it makes of a graph, and that they compute what the primitives mean."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import layers, ops
from amalthea.engine import backends, transforms
from amalthea.engine.primitives import rnn
from amalthea.engine.primitives.table import numbers

torch = pytest.importorskip("torch")

from amalthea.engine.backends.torch import prepare_graph  # noqa: E402  # there must be a PyTorch
from amalthea.engine.backends.torch.codegen import Writer  # noqa: E402


def source(function, *inputs):
    """The code of a function of arrays."""
    graph, _ = transforms.capture(function, (inputs, {}))
    graph = prepare_graph(graph)
    return Writer(graph, [[], [x for _, x in graph.reads], graph.inputs], ()).source


def agrees(function, *inputs, tolerance=2e-5):
    """PyTorch's compiled results are NumPy's."""
    found = []
    for backend in ("numpy", "torch"):
        with backends.use_backend(backend):
            found.append([ops.convert_to_numpy(x) for x in transforms.jit(function)(*inputs)])
    for want, got in zip(*found, strict=True):
        np.testing.assert_allclose(got, want, tolerance, tolerance)


def squares(x):
    return ops.sum(ops.square(x))


X = numbers(2, 7, 6, 3).astype("float32")
KERNEL = numbers(3, 3, 3, 4, seed=1).astype("float32")


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_both_gradients_of_a_convolution_are_one_line(padding, strides, data_format):
    x = np.moveaxis(X, -1, 1).copy() if data_format == "channels_first" else X

    def slopes(x, kernel):
        return transforms.grad(lambda x, k: squares(ops.conv(x, k, strides, padding, data_format)), (0, 1))(x, kernel)

    text = source(slopes, x, KERNEL)
    assert text.count("= conv_gradients(") == 1
    assert "conv_input_gradient" not in text
    agrees(slopes, x, KERNEL)


def test_one_gradient_of_a_convolution_alone_is_its_own_line():
    def slope(x, kernel):
        return [transforms.grad(lambda k: squares(ops.conv(x, k)))(kernel)]

    assert "conv_gradients" not in source(slope, X, KERNEL)
    agrees(slope, X, KERNEL)


@pytest.mark.parametrize(("pool", "strides"), [(2, 2), (3, 1), (3, 2), ((2, 5), 2)])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_a_pool_tells_its_gradient_the_places(pool, strides, padding):
    def slope(x):
        return [transforms.grad(lambda x: squares(ops.max_pool(x, pool, strides, padding)))(x)]

    text = source(slope, X)
    assert "max_pool_and_indices" in text
    assert "= max_pool_gradient(" not in text
    agrees(slope, X)


def test_a_pool_of_what_is_written_over_has_the_right_gradient():
    """The pool's input is of no use after it, and its memory may be taken: the gradient looks at the places alone."""

    def slope(x):
        return [transforms.grad(lambda x: squares(ops.max_pool(ops.exp(x) * 2.0, 2)))(x)]

    agrees(slope, X)


def test_a_product_its_bias_and_another_shape_are_one_line():
    x, w, bias = numbers(2, 5, 6), numbers(6, 12, seed=1), numbers(3, 4, seed=2)

    def project(x, w, bias):
        return [ops.reshape(ops.matmul(x, w), (2, 5, 3, 4)) + bias]

    text = source(project, *(v.astype("float32") for v in (x, w, bias)))
    assert "addmm" in text
    assert "matmul" not in text
    agrees(project, x, w, bias)


def test_a_bias_of_a_part_of_the_columns_is_added_apart():
    x, w, bias = numbers(2, 5, 6), numbers(6, 12, seed=1), numbers(4, seed=2)

    def project(x, w, bias):
        return [ops.reshape(ops.matmul(x, w), (2, 5, 3, 4)) + bias]

    assert "addmm" not in source(project, x, w, bias)
    agrees(project, x, w, bias)


@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (2, 1, 1, 3), (4, 2, 3, 3)])
@pytest.mark.parametrize("axis", [-1, 1])
def test_a_batch_is_normalized_whatever_its_size(shape, axis):
    x = numbers(*shape).astype("float32")

    def run(x):
        layer = layers.BatchNormalization(axis=axis)
        layer.build(shape)
        return [layer(x, training=True), *(v.value for v in layer.non_trainable_variables)]

    agrees(run, x)


every_recurrence = pytest.mark.parametrize("row", [rnn.lstm, rnn.gru], ids=["lstm", "gru"])


@every_recurrence
def test_a_recurrence_without_a_gradient_is_one_line(row):
    inputs = [x.astype("float32") for x in row.samples[0].inputs]
    text = source(lambda *xs: row(*xs, reverse=True), *inputs)
    assert text.count(f"= {row.name}(") == 1
    assert "scan" not in text


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reverse", [False, True])
def test_an_lstm_and_its_gradient_are_two_lines(dtype, reverse):
    inputs = [x.astype(dtype) for x in rnn.lstm.samples[0].inputs]

    def slopes(*xs):
        def total(*xs):
            outputs, h, c = rnn.lstm(*xs, reverse=reverse)
            return squares(outputs) + ops.sum(h * c)

        return transforms.grad(total, tuple(range(6)))(*xs)

    text = source(slopes, *inputs)
    assert text.count("= lstm_with_workspace(") == text.count("= lstm_backward(") == 1
    agrees(slopes, *inputs)


@every_recurrence
def test_autograd_goes_through_a_recurrence(row):
    inputs = [torch.tensor(x, requires_grad=True) for x in row.samples[0].inputs]
    with backends.use_backend("torch"), torch.enable_grad():
        assert torch.autograd.gradcheck(lambda *xs: row(*xs, reverse=True), inputs)


def test_no_operand_is_overwritten_while_its_view_is_read():
    x, y = numbers(3, 3), numbers(3, 3, seed=1)
    with backends.use_backend("torch"):
        found = transforms.jit(lambda x, y: (lambda p: p - ops.transpose(p))(ops.matmul(x, y)))(x, y)
    np.testing.assert_allclose(found, x @ y - (x @ y).T, 1e-12, 1e-12)
