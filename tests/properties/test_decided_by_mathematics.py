"""Formulas that libraries disagree on in training, computed in NumPy's float64."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import Input, Sequential, layers, ops, optimizers
from tests.arrays import numbers

STEPS = 6


def rmsprop(w, gradient, rate, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    """Hinton, lecture 6e; centered: Graves 2013, equations 38 to 41, with epsilon inside the root."""
    square, mean, moved = (np.zeros_like(w) for _ in range(3))
    for _ in range(STEPS):
        g = gradient(w)
        square = rho * square + (1 - rho) * g * g
        mean = rho * mean + (1 - rho) * g
        below = square - mean**2 if centered else square
        step = rate * g / np.sqrt(below + epsilon)
        moved = momentum * moved + step
        w = w - (moved if momentum else step)
    return w


def ftrl(w, gradient, rate, power=-0.5, start=0.1, l1=0.0, l2=0.0, shrink=0.0, beta=0.0):
    """McMahan et al. 2013, algorithm 1: n and z, and the weights that minimise the regularized sum in closed form."""
    n, z = np.full_like(w, start), np.zeros_like(w)
    for _ in range(STEPS):
        g = gradient(w)
        total = n + g * g
        z = z + g + 2 * shrink * w - (total**-power - n**-power) / rate * w
        n = total
        w = np.where(np.abs(z) <= l1, 0.0, -(z - np.sign(z) * l1) / ((beta + n**-power) / rate + 2 * l2))
    return w


RULES = {
    "RMSprop": (rmsprop, [{}, {"momentum": 0.9}, {"centered": True}, {"rho": 0.5, "epsilon": 1e-3, "momentum": 0.5}]),
    "Ftrl": (
        ftrl,
        [
            {},
            {"l1": 0.01},
            {"l2": 0.02, "beta": 0.1},
            {"shrink": 0.05},
            {"power": -0.3, "l1": 0.005},
            {"power": 0.0, "start": 0.0},
        ],
    ),
}
NAMES = {
    "power": "learning_rate_power",
    "start": "initial_accumulator_value",
    "l1": "l1_regularization_strength",
    "l2": "l2_regularization_strength",
    "shrink": "l2_shrinkage_regularization_strength",
}
CASES = [(name, options) for name, (_, several) in RULES.items() for options in several]


@pytest.mark.parametrize("name, options", CASES, ids=str)
def test_an_optimizer_trains_by_its_formula(name, options):
    rng = np.random.default_rng(0)
    x, y, w = rng.normal(size=(8, 3)), rng.normal(size=(8, 2)), rng.normal(size=(3, 2))
    gradient = lambda w: x.T @ (x @ w - y) * (2 / y.size)  # noqa: E731
    want = RULES[name][0](w, gradient, 0.05, **options)
    model = Sequential([Input((3,)), layers.Dense(2, use_bias=False)])
    model.set_weights([w.astype("float32")])
    renamed = {NAMES.get(k, k): v for k, v in options.items()}
    model.compile(getattr(optimizers, name)(0.05, **renamed), "mse")
    model.fit(x.astype("float32"), y.astype("float32"), batch_size=8, epochs=STEPS, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], want, rtol=2e-4, atol=2e-5)


def spectral(w, u, x, y, rate, rounds):
    """Miyato et al. 2018: the loss of x W / s(W), with s = v W u'; its slope by W, where u and v are constants.

    The kernel is W / s from then on, as Keras's layer says, and the step is taken from there.
    """
    losses = []
    for _ in range(STEPS):
        for _ in range(rounds):
            v = u @ w.T / np.linalg.norm(u @ w.T)
            u = v @ w / np.linalg.norm(v @ w)
        s = (v @ w @ u.T).item()
        error = x @ w / s - y
        by_kernel = x.T @ error * (2 / y.size)
        losses.append(np.mean(error**2))
        slope = by_kernel / s - np.sum(by_kernel * w) / s**2 * (v.T @ u)
        w = w / s - rate * slope
    return w, u, losses


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_kernel_divided_by_its_norm_trains_by_its_formula(rounds):
    """The kernel of evaluation is the trained one: its largest singular value is near 1."""
    rng = np.random.default_rng(0)
    x, y, w, u = (rng.normal(size=s) for s in ((8, 3), (8, 2), (3, 2), (1, 2)))
    want, vector, losses = spectral(w, u, x, y, 0.1, rounds)
    model = Sequential(
        [Input((3,)), layers.SpectralNormalization(layers.Dense(2, use_bias=False), power_iterations=rounds)]
    )
    model.set_weights([w.astype("float32"), u.astype("float32")])
    model.compile(optimizers.SGD(0.1), "mse")
    x, y = x.astype("float32"), y.astype("float32")
    history = model.fit(x, y, batch_size=8, epochs=STEPS, verbose=0).history
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-4)
    np.testing.assert_allclose(model.get_weights()[0], want, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.get_weights()[1], vector, rtol=1e-4, atol=1e-5)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(np.mean((x @ want - y) ** 2), rel=1e-4)


@pytest.mark.parametrize("name", ["Adagrad", "Adadelta", "Adam", "RMSprop", "Adamax", "Nadam", "Ftrl", "Lion", "AdamW"])
@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave"])
def test_a_bidirectional_lstm_stays_finite(name, merge):
    """A slope of exactly zero, and slots that start at zero, are no division of zero by zero."""
    options = {"initial_accumulator_value": 0.0} if name in ("Adagrad", "Ftrl") else {}
    model = Sequential(
        [
            Input((None, 3)),
            layers.Masking(),
            layers.Bidirectional(layers.LSTM(2, activation="relu"), merge_mode=merge),
            layers.Dense(1),
        ]
    )
    model.compile(getattr(optimizers, name)(0.1, **options), "mse")
    x = numbers(6, 4, 3)
    x[0] = x[1, 2:] = 0.0
    model.fit(x, np.ones((6, 1), "float32"), batch_size=2, epochs=4, verbose=0)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert all(np.isfinite(ops.convert_to_numpy(v)).all() for v in model.optimizer.variables)
