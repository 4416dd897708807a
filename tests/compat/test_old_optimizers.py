"""Rules of optimizers in eras 1 and 2, written again in NumPy: where epsilon stands, and how Nadam's momentum grows."""

import numpy as np
import pytest

from amalthea import Variable

GRADIENTS = [1e-6, 3e-5, -2e-7, 4.0, 0.0]
STEPS = 3
EPSILON = {1: 1e-8, 2: 1e-7}


def rmsprop(g, epsilon):
    squares = 0.0
    for _ in range(STEPS):
        squares = 0.9 * squares + 0.1 * g**2
        yield 0.001 * g / (np.sqrt(squares) + epsilon)


def adagrad(g, epsilon):
    for step in range(1, STEPS + 1):
        yield 0.01 * g / (np.sqrt(step * g**2) + epsilon)


def nadam(g, epsilon):
    product, m, v = 1.0, 0.0, 0.0
    for t in range(1, STEPS + 1):
        now, later = (0.9 * (1 - 0.5 * 0.96 ** (step * 0.004)) for step in (t, t + 1))
        product *= now
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        mean = (1 - now) * g / (1 - product) + later * m / (1 - product * later)
        yield 0.002 * mean / (np.sqrt(v / (1 - 0.999**t)) + epsilon)


@pytest.mark.parametrize("era", (1, 2))
@pytest.mark.parametrize("name, rule", [("RMSprop", rmsprop), ("Adagrad", adagrad), ("Nadam", nadam)])
def test_steps_are_those_of_the_era(keras, era, name, rule):
    weight, optimizer = Variable(np.zeros(5, "float32")), getattr(keras(era).optimizers, name)()
    for _ in range(STEPS):
        optimizer.apply([np.array(GRADIENTS, "float32")], [weight])
    expected = -sum(rule(np.array(GRADIENTS), EPSILON[era]))
    np.testing.assert_allclose(weight.numpy(), expected, rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize("name", ("RMSprop", "Adagrad", "Nadam"))
def test_era_3_has_todays_rules(keras, name):
    def steps(make):
        weight = Variable(np.zeros(5, "float32"))
        make().apply([np.array(GRADIENTS, "float32")], [weight])
        return weight.numpy()

    from amalthea import optimizers

    before = steps(getattr(optimizers, name))
    np.testing.assert_array_equal(steps(getattr(keras(3).optimizers, name)), before)
