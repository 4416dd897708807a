"""Edges of ops: arguments that are refused, and results that are easily wrong by one step."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import layers, ops, random
from amalthea.errors import AmaltheaError

A = np.arange(24.0).reshape(3, 2, 4).astype("float32")
SQUARE = np.arange(18.0).reshape(3, 3, 2).astype("float32")

REFUSED = {
    "conv_transpose with an unknown padding": lambda: ops.conv_transpose(
        np.ones((1, 4, 2), "float32"), np.ones((2, 3, 2), "float32"), padding="causal"
    ),
    "pad with an unknown mode": lambda: ops.pad(A, 1, mode="mean"),
    "tensordot of axes whose sizes agree in their product alone": lambda: ops.tensordot(
        np.ones((3, 4), "float32"), np.ones((4, 3), "float32"), 2
    ),
    "einsum of one letter for two sizes": lambda: ops.einsum("ii->i", np.ones((2, 3), "float32")),
    "dropout of everything by noise": lambda: layers.GaussianDropout(1.0),
    "alpha dropout of everything": lambda: layers.AlphaDropout(1.0),
    "strides and dilation of ConvLSTM": lambda: layers.ConvLSTM1D(2, 3, strides=2, dilation_rate=2),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_arguments_are_refused(case):
    with pytest.raises(AmaltheaError):
        REFUSED[case]()


EINSUM = {
    "diagonal": ("ii->i", A[:, 0, :3]),
    "trace": ("ii", A[:, 0, :3]),
    "diagonal of a batch": ("bii->bi", np.moveaxis(SQUARE, -1, 0)),
    "diagonal in front": ("iij->ij", SQUARE),
    "diagonal summed": ("iij->j", SQUARE),
    "three times": ("iii->i", np.arange(27.0).reshape(3, 3, 3).astype("float32")),
    "with another operand": ("iij,j->i", SQUARE, np.float32([1, 2])),
}


@pytest.mark.parametrize("case", EINSUM)
def test_einsum_takes_diagonals(case):
    subscripts, *operands = EINSUM[case]
    np.testing.assert_allclose(np.asarray(ops.einsum(subscripts, *operands)), np.einsum(subscripts, *operands))


AXES = {"list": [0, 2], "tuple": (0, 2), "range": range(0, 3, 2), "array": np.array([0, 2])}


@pytest.mark.parametrize("kind", AXES)
def test_axes_may_be_any_sequence(kind):
    np.testing.assert_allclose(np.asarray(ops.sum(A, axis=AXES[kind])), A.sum((0, 2)))


def test_shifts_may_be_an_array():
    rolled = ops.roll(A, np.array([1, 2]), axis=(0, 2))
    np.testing.assert_array_equal(np.asarray(rolled), np.roll(A, (1, 2), (0, 2)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-3.0, 5.0), (1.0, 1.25)])
def test_uniform_numbers_are_below_their_bound(dtype, bounds):
    low, high = bounds
    drawn = np.asarray(ops.cast(random.uniform((100_000,), low, high, dtype=dtype, seed=1), "float64"))
    assert low <= drawn.min() and drawn.max() < high


def test_a_shape_may_be_a_single_size():
    assert tuple(random.normal(5, seed=0).shape) == (5,)


def test_restoring_forgets_a_generator_that_was_not_there():
    random.set_random_seed(3)
    state = random.random_state()
    first = np.asarray(random.uniform((4,)))
    random.restore_random_state(state)
    np.testing.assert_array_equal(np.asarray(random.uniform((4,))), first)


def test_a_copy_does_not_follow_its_variable():
    variable = amalthea.Variable(np.float32([1, 2]))
    copied = ops.copy(variable)
    variable.assign(np.float32([5, 6]))
    np.testing.assert_array_equal(ops.convert_to_numpy(copied), [1, 2])


def test_a_prediction_of_nan_is_not_among_the_best():
    scores = np.float32([[np.nan, 1, 2], [0, 3, 1]])
    assert np.asarray(ops.in_top_k([0, 1], scores, k=3)).tolist() == [False, True]


@pytest.mark.parametrize("axis", [-1, 2, 1, 0])
def test_multi_hot_puts_its_axis_anywhere(axis):
    hot = np.asarray(ops.multi_hot([[0, 2], [1, 1]], num_classes=3, axis=axis))
    wanted = np.float32([[1, 0, 1], [0, 1, 0]])
    np.testing.assert_array_equal(hot, wanted.T if axis == 0 else wanted)


def test_a_symbolic_range_rounds_up():
    @amalthea.jit
    def steps(x):
        return ops.arange(0, ops.shape(x)[0], 2)

    assert np.asarray(steps(np.zeros((5, 1), "float32"))).tolist() == [0, 2, 4]
    tensor = amalthea.Input(batch_shape=(None, 1))
    assert ops.arange(0, tensor.type.shape[0], 2).type.shape[0] == -((0 - tensor.type.shape[0]) // 2)
