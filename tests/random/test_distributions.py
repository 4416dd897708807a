"""Gamma, beta and binomial draws have the moments of their distributions, and are repeated by their seed."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import jit, ops, random
from amalthea.errors import ArgumentError, ShapeError

MANY = (20_000,)
# name: (draw, mean, variance)
ROWS = {
    **{f"gamma {a}": (lambda seed, a=a: random.gamma(MANY, a, seed=seed), a, a) for a in (0.05, 0.7, 1.0, 30.0)},
    **{
        f"beta {a} {b}": (
            lambda seed, a=a, b=b: random.beta(MANY, a, b, seed=seed), a / (a + b), a * b / ((a + b) ** 2 * (a + b + 1))
        )
        for a, b in ((0.05, 0.1), (1.0, 1.0), (5.0, 2.0))
    },
    **{
        f"binomial {n} {p}": (lambda seed, n=n, p=p: random.binomial(MANY, n, p, seed=seed), n * p, n * p * (1 - p))
        for n, p in ((1, 0.3), (16, 0.9), (17, 0.5), (1000, 0.01), (10**6, 0.25))
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_draws_have_the_moments_of_their_distribution(name):
    draw, mean, variance = ROWS[name]
    x = ops.convert_to_numpy(draw(7)).astype("float64")
    assert abs(x.mean() - mean) < 5 * np.sqrt(variance / x.size)
    assert abs(x.var() / variance - 1) < 0.15
    np.testing.assert_array_equal(x, ops.convert_to_numpy(draw(7)))
    assert not np.array_equal(x, ops.convert_to_numpy(draw(8)))


def test_binomial_draws_are_whole_numbers_up_to_their_count():
    counts = np.array([0, 1, 5, 40])
    x = ops.convert_to_numpy(random.binomial((3000, 4), counts, [0.5, 1.0, 0.5, 0.9], seed=1))
    assert x.dtype == "float32" and (x == np.floor(x)).all() and (x >= 0).all() and (x <= counts).all()
    assert (x[:, 1] == 1).all() and set(x[:, 2]) == set(range(6))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_draws_have_the_dtype_that_is_asked_for(dtype):
    for x in (
        random.gamma((3,), 2.0, dtype, 1),
        random.beta((3,), 1.0, 2.0, dtype, 1),
        random.binomial((3,), 9, 0.5, dtype, 1),
    ):
        assert ops.dtype(x) == dtype and np.isfinite(ops.convert_to_numpy(ops.cast(x, "float32"))).all()


def test_parameters_may_be_computed_in_a_compiled_function():
    drawn = jit(lambda a: (random.gamma((5, 2), a, seed=1), random.beta((5, 2), a, 2.0, seed=1)))(np.float32([1, 9]))
    assert [tuple(x.shape) for x in drawn] == [(5, 2), (5, 2)]
    np.testing.assert_allclose(drawn[0], random.gamma((5, 2), [1.0, 9.0], seed=1), rtol=1e-5)


def test_a_generator_gives_others_each_time():
    seeds = random.SeedGenerator(3)
    assert not np.array_equal(*(ops.convert_to_numpy(random.gamma((4,), 1.0, seed=seeds)) for _ in range(2)))


def test_shapes_without_elements():
    assert tuple(random.gamma((2, 0), 1.0, seed=1).shape) == (2, 0)
    assert tuple(random.binomial((0,), 50, 0.5, seed=1).shape) == (0,)


REFUSED = {
    "negative alpha": (lambda: random.gamma((3,), -1.0), ArgumentError),
    "NaN": (lambda: random.gamma((3,), float("nan")), ArgumentError),
    "beta of 0": (lambda: random.beta((3,), 1.0, 0.0), ArgumentError),
    "a probability above 1": (lambda: random.binomial((3,), 5, 1.5), ArgumentError),
    "negative counts": (lambda: random.binomial((3,), [-1, 2, 3], 0.5), ArgumentError),
    "whole numbers": (lambda: random.gamma((3,), 1.0, dtype="int32"), ArgumentError),
    "a shape that does not fit": (lambda: random.gamma((3,), [1.0, 2.0]), ShapeError),
}


@pytest.mark.parametrize("case", REFUSED)
def test_parameters_out_of_range_are_refused(case):
    draw, error = REFUSED[case]
    with pytest.raises(error):
        draw()
