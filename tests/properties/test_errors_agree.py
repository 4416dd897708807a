"""A mistake is told in the same words on every backend: the check is ours, made before a library sees the call.

A row is a call that cannot work. What NumPy's backend says is the reference: the class of the error, and its first
line. Rows of ``OPS`` are called eagerly and compiled.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import amalthea
from amalthea import Input, Sequential, Variable, errors, layers, losses, ops
from amalthea.engine import backends
from tests.backends import every_other

X = np.linspace(-1, 1, 6).astype("float32").reshape(2, 3)
Y = np.linspace(-1, 1, 8).astype("float32").reshape(2, 4)
TRUE = np.array([True, False])
IMAGES = np.zeros((2, 6, 6, 3), "float32")

OPS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "add_of_other_shapes": (ops.add, (X, Y)),
    "matmul_of_other_shapes": (ops.matmul, (X, Y)),
    "matmul_of_a_scalar": (ops.matmul, (np.float32(1), Y)),
    "einsum_of_other_sizes": (lambda x, y: ops.einsum("ij,jk->ik", x, y), (X, Y)),
    "reshape_to_another_size": (lambda x: ops.reshape(x, (4, 2)), (X,)),
    "broadcast_to_another_size": (lambda x: ops.broadcast_to(x, (2, 5)), (X,)),
    "sum_over_no_axis": (lambda x: ops.sum(x, axis=5), (X,)),
    "softmax_over_no_axis": (lambda x: ops.softmax(x, axis=3), (X,)),
    "argmax_over_no_axis": (lambda x: ops.argmax(x, axis=-4), (X,)),
    "expand_at_no_axis": (lambda x: ops.expand_dims(x, 7), (X,)),
    "squeeze_of_a_long_axis": (lambda x: ops.squeeze(x, 1), (X,)),
    "transpose_by_other_axes": (lambda x: ops.transpose(x, (0, 0)), (X,)),
    "concatenate_of_other_shapes": (lambda x, y: ops.concatenate([x, y], axis=0), (X, Y)),
    "stack_of_other_shapes": (lambda x, y: ops.stack([x, y]), (X, Y)),
    "split_into_unequal_parts": (lambda x: ops.split(x, 2, axis=1), (X,)),
    "take_along_by_other_sizes": (lambda x, i: ops.take_along_axis(x, i, axis=1), (X, np.int32([[0], [0], [0]]))),
    "take_along_by_another_rank": (lambda x, i: ops.take_along_axis(x, i, axis=1), (X, np.int32([0, 0]))),
    "branch_by_several": (lambda x: ops.cond(x > 0, lambda: x, lambda: x), (X,)),
    "top_k_of_too_few": (lambda x: ops.top_k(x, 9), (X,)),
    "cast_to_no_dtype": (lambda x: ops.cast(x, "float33"), (X,)),
    "conv_of_other_channels": (ops.conv, (IMAGES, np.zeros((3, 3, 4, 5), "float32"))),
    "conv_of_a_wide_kernel": (ops.conv, (IMAGES, np.zeros((9, 9, 3, 5), "float32"))),
    "pool_of_another_rank": (lambda x: ops.max_pool(x, (2, 2)), (X,)),
    "scan_that_changes_its_carry": (lambda x: ops.scan(lambda c, v: (ops.concatenate([c, c]), v), x[0], x), (X,)),
    "gradient_of_a_matrix": (amalthea.grad(lambda x: x * x), (X,)),
    "gradient_through_while_loop": (
        amalthea.grad(lambda x: ops.sum(ops.while_loop(lambda v: ops.sum(v) < 9.0, lambda v: v + 1.0, x))), (X,)
    ),
    "bits_of_floats": (ops.bitwise_and, (X, X)),
    "shift_of_floats": (ops.left_shift, (X, X)),
    "difference_of_truth_values": (ops.subtract, (TRUE, TRUE)),
    "negative_of_truth_values": (ops.negative, (TRUE,)),
    "largest_of_nothing": (lambda x: ops.max(x[2:], axis=0), (X,)),
    "place_of_the_largest_of_nothing": (lambda x: ops.argmax(x[2:], axis=0), (X,)),
    "slice_wider_than_all": (lambda x: ops.slice(x, (0, 0), (2, 9)), (X,)),
    "repeat_less_than_no_times": (lambda x: ops.broadcast_to(x, (-1, 2, 3)), (X,)),
    "random_numbers_of_negative_size": (lambda x: amalthea.random.normal((-1, 3)) + x, (X,)),
    "update_of_another_rank": (lambda x: ops.slice_update(x, (0, 0), np.zeros((2,), "float32")), (X,)),
    "scatter_of_other_updates": (
        lambda x: ops.scatter_update(x, np.array([[0, 1]], "int32"), np.zeros((3,), "float32")), (X,)
    ),
}  # fmt: skip


def network(units: int = 3, loss: Any = "mse", compiled: bool = True) -> Sequential:
    model = Sequential([Input((3,), name="x"), layers.Dense(units, name="head")], name="network")
    if compiled:
        model.compile("sgd", loss)
    return model


def built(layer: Any, *shape: int) -> Any:
    layer.build(shape)
    return layer


def of_another_trace() -> Any:
    kept: list[Any] = []
    amalthea.jit(lambda x: kept.append(x) or x)(X)
    return amalthea.jit(lambda x: x + kept[0])(X)


def two_branches() -> Any:
    return amalthea.jit(lambda x: ops.cond(ops.sum(x) > 0, lambda: x, lambda: x[0]))(X)


CALLS: dict[str, Callable[[], Any]] = {
    "dense_of_another_width": lambda: built(layers.Dense(2, name="d"), None, 4)(X),
    "convolution_of_another_rank": lambda: layers.Conv2D(2, 3, name="c")(X),
    "convolution_on_a_small_picture": lambda: layers.Conv2D(2, 7, name="c")(IMAGES),
    "recurrence_without_time": lambda: layers.LSTM(2, name="l")(X),
    "normalization_of_other_channels": lambda: built(layers.BatchNormalization(name="b"), None, 4)(X),
    "layer_normalization_of_another_width": lambda: built(layers.LayerNormalization(name="n"), None, 4)(X),
    "concatenation_of_other_shapes": lambda: layers.Concatenate(axis=0, name="c")([X, Y]),
    "reshape_layer_to_another_size": lambda: layers.Reshape((7,), name="r")(X),
    "attention_of_another_rank": lambda: layers.MultiHeadAttention(2, 2, name="a")(X[0], X[0]),
    "loss_of_other_shapes": lambda: losses.MeanSquaredError()(X, Y),
    "loss_of_other_classes": lambda: losses.CategoricalCrossentropy()(X, Y),
    "fit_of_other_features": lambda: network().fit(Y, X, verbose=0),
    "fit_of_other_labels": lambda: network().fit(X, Y, verbose=0),
    "fit_of_unequal_lengths": lambda: network().fit(X, X[:1], verbose=0),
    "fit_of_text": lambda: network().fit(np.array([["a"] * 3] * 2), X, verbose=0),
    "fit_of_a_class_too_many": lambda: network(3, "sparse_categorical_crossentropy").fit(X, [1, 3], verbose=0),
    "fit_before_compile": lambda: network(compiled=False).fit(X, X, verbose=0),
    "predict_of_another_rank": lambda: network().predict(X[0], verbose=0),
    "assign_of_another_shape": lambda: Variable(X).assign(Y),
    "assign_of_another_shape_compiled": lambda: amalthea.jit(Variable(X).assign)(Y),
    "add_of_another_shape": lambda: Variable(X).assign_add(Y),
    "weights_of_other_shapes": lambda: network().set_weights([X, X]),
    "no_such_activation": lambda: layers.Dense(2, "rellu"),
    "no_such_optimizer": lambda: network().compile("adma"),
    "no_such_backend": lambda: backends.set_backend("nmpy"),
    "branch_on_a_traced_value": lambda: amalthea.jit(lambda x: x if ops.sum(x) > 0 else -x)(X),
    "number_of_a_traced_value": lambda: amalthea.jit(lambda x: float(ops.sum(x)))(X),
    "array_of_a_traced_value": lambda: amalthea.jit(lambda x: np.asarray(x))(X),
    "number_of_a_symbol": lambda: float(ops.sum(Input((3,)))),
    "walk_over_a_symbol": lambda: list(Input((3,))),
    "branches_of_different_shapes": two_branches,
    "tensor_of_another_trace": of_another_trace,
}


def told(call: Callable[[], Any], backend: str) -> tuple[type[Exception], str]:
    """The class of the error that a call raises on a backend, and its first line."""
    with backends.use_backend(backend), pytest.raises(Exception) as caught:
        call()
    return type(caught.value), str(caught.value).splitlines()[0]


def called(name: str, compiled: bool) -> Callable[[], Any]:
    function, arrays = OPS[name]
    run = amalthea.jit(lambda *xs: function(*xs)) if compiled else function
    return lambda: run(*arrays)


@functools.cache
def reference(name: str, compiled: bool) -> tuple[type[Exception], str]:
    return told(called(name, compiled), "numpy")


@pytest.mark.parametrize("name", OPS)
def test_an_op_tells_the_same_compiled_as_eager_and_it_is_our_error(name):
    assert reference(name, False) == reference(name, True)
    assert issubclass(reference(name, False)[0], errors.AmaltheaError)


@every_other
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("name", OPS)
def test_an_op_that_cannot_be_says_so_in_the_same_words(name, compiled, backend):
    assert told(called(name, compiled), backend) == reference(name, compiled)


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_cannot_be_is_our_error(name):
    assert issubclass(told(CALLS[name], "numpy")[0], errors.AmaltheaError)


@every_other
@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_cannot_be_says_so_in_the_same_words(name, backend):
    assert told(CALLS[name], backend) == told(CALLS[name], "numpy")
