"""Native interop: a library's own gradients, arrays and modules, through our layers."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, layers, ops
from amalthea.engine import backends
from tests.arrays import numbers

X = numbers(4, 6, 5)


def networks():
    """By name: a network and what it takes."""
    return {
        "dense": ([layers.Dense(4, "tanh"), layers.LayerNormalization(), layers.Dense(1)], X[:, 0]),
        "convnet": (
            [layers.Conv1D(4, 3, activation="relu"), layers.MaxPooling1D(2), layers.Flatten(), layers.Dense(1)],
            X,
        ),
        "lstm": ([layers.LSTM(4, return_sequences=True), layers.GRU(3), layers.Dense(1)], X),
        "embedding": ([layers.Embedding(9, 4), layers.SimpleRNN(3), layers.Dense(1)], np.arange(12).reshape(4, 3) % 9),
    }


NAMES = list(networks())


@pytest.fixture(autouse=True)
def autograd():
    if "torch" in backends.installed():
        import torch

        with torch.enable_grad():
            yield
    else:
        yield


def made(name):
    amalthea.random.set_random_seed(1)
    parts, x = networks()[name]
    model = Sequential(parts)
    model.build((None, *x.shape[1:]))
    return model, x


def expected(name):
    """The gradients that we take ourselves, in NumPy."""
    with backends.use_backend("numpy"):
        model, x = made(name)
        loss = lambda: ops.mean(ops.square(model(x)))  # noqa: E731
        value, slopes = amalthea.value_and_grad(loss, model.trainable_variables)()
        return float(value), [np.array(g) for g in slopes]


def agree(found, wanted):
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_torch_backward_reaches_our_variables(name):
    torch = pytest.importorskip("torch")
    value, wanted = expected(name)
    with backends.use_backend("torch"):
        model, x = made(name)
        loss = (model(torch.from_numpy(x)) ** 2).mean()
        loss.backward()
        assert loss.item() == pytest.approx(value, rel=1e-5)
        agree([v.value.grad.numpy() for v in model.trainable_variables], wanted)


def test_a_torch_optimizer_and_fit_train_the_same_variables():
    torch = pytest.importorskip("torch")
    with backends.use_backend("torch"):
        model, x = made("dense")
        model.compile("sgd", "mse")
        optimizer = torch.optim.SGD([v.value for v in model.trainable_variables], lr=0.1)
        for _ in range(2):
            before = [v.numpy() for v in model.trainable_variables]
            optimizer.zero_grad()
            (model(torch.from_numpy(x)) ** 2).mean().backward()
            slopes = [v.value.grad.clone().numpy() for v in model.trainable_variables]
            optimizer.step()
            agree([v.numpy() for v in model.trainable_variables], [b - 0.1 * g for b, g in zip(before, slopes)])
            middle = [v.numpy() for v in model.trainable_variables]
            model.train_on_batch(x, np.zeros((4, 1), "float32"))
            assert not np.array_equal(model.trainable_variables[0].numpy(), middle[0])


@pytest.mark.parametrize("name", NAMES)
def test_jax_grad_goes_through_stateless_call(name):
    jax = pytest.importorskip("jax")
    value, wanted = expected(name)
    with backends.use_backend("jax"):
        model, x = made(name)
        trained, others = ([v.value for v in vs] for vs in (model.trainable_variables, model.non_trainable_variables))

        def loss(values, x):
            outputs, _ = model.stateless_call(values, others, x)
            return (outputs**2).mean()

        for function in (jax.value_and_grad(loss), jax.jit(jax.value_and_grad(loss))):
            got, slopes = function(trained, x)
            assert float(got) == pytest.approx(value, rel=1e-5)
            agree(slopes, wanted)
        rows = jax.vmap(lambda row: loss(trained, row[None]))(x)
        assert float(rows.mean()) == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_gradient_tape_watches_our_variables(name):
    tf = pytest.importorskip("tensorflow")
    value, wanted = expected(name)
    with backends.use_backend("tensorflow"):
        model, x = made(name)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(tf.constant(x)) ** 2)
        watched = [v.storage.variable for v in model.trainable_variables]
        assert float(loss) == pytest.approx(value, rel=1e-5)
        agree([tf.convert_to_tensor(g).numpy() for g in tape.gradient(loss, watched)], wanted)


def test_arrays_of_another_library_come_without_a_copy():
    torch, jnp = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")
    on_torch, on_jax, on_numpy = (backends.load(name) for name in ("torch", "jax", "numpy"))
    ours, theirs = jnp.arange(1024, dtype="float32"), torch.arange(1024, dtype=torch.float32)
    assert on_torch.array(ours, "float32").data_ptr() == ours.unsafe_buffer_pointer()
    assert on_jax.array(theirs, "float32").unsafe_buffer_pointer() == theirs.data_ptr()
    assert on_numpy.array(theirs, "float32").ctypes.data == theirs.data_ptr()
