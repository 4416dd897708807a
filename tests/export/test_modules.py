"""Models as modules of PyTorch and functions of JAX: the same numbers, and gradients that these libraries compute."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Input, Sequential, layers
from amalthea.errors import ArgumentError, NotBuiltError
from amalthea.export import modules
from tests.samples import MODELS, trained


def rows(x, count):
    return amalthea.tree.map_structure(lambda a: a[:count], x)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_torch_module_gives_what_the_model_predicts(name):
    torch = pytest.importorskip("torch")
    model, x, _ = trained(name)
    module = modules.to_torch_module(model)
    for count in (1, 5):
        given = amalthea.tree.map_structure(lambda a: torch.from_numpy(np.array(a)), rows(x, count))
        found = amalthea.tree.flatten(module(given))
        wanted = amalthea.tree.flatten(model.predict(rows(x, count), verbose=0))
        for got, want in zip(found, wanted, strict=True):
            np.testing.assert_allclose(got.detach().numpy(), want, rtol=1e-4, atol=1e-5)
    trainable = sum(v.numpy().size for v in model.trainable_variables)
    assert sum(p.numel() for p in module.parameters()) == trainable


def test_a_torch_module_is_trained_by_torch_and_the_model_stays():
    torch = pytest.importorskip("torch")
    first = layers.Dense(8, "tanh", name="first")
    model = Sequential([Input((4,)), first, layers.BatchNormalization(), layers.Dense(1)], name="net")
    before = model.get_weights()
    module = modules.to_torch_module(model)
    x = torch.randn(32, 4)
    optimizer = torch.optim.Adam(module.parameters(), 0.05)
    losses = []
    for _ in range(30):
        loss = ((module(x) - x.sum(1, keepdim=True)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.3 * losses[0]
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    assert [n for n, _ in module.named_parameters()][:2] == ["net.first.kernel", "net.first.bias"]


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_function_of_jax_gives_what_the_model_predicts(name):
    jax = pytest.importorskip("jax")
    model, x, _ = trained(name)
    apply, parameters = modules.to_jax(model)
    found = amalthea.tree.flatten(jax.jit(apply)(parameters, rows(x, 5)))
    for got, want in zip(found, amalthea.tree.flatten(model.predict(rows(x, 5), verbose=0)), strict=True):
        np.testing.assert_allclose(np.asarray(got), want, rtol=1e-4, atol=1e-5)


def test_jax_differentiates_the_function():
    jax = pytest.importorskip("jax")
    model = Sequential([Input((4,)), layers.Dense(3, "tanh"), layers.Dense(1)], name="net")
    apply, parameters = modules.to_jax(model)
    x = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    gradients = jax.grad(lambda p: (apply(p, x) ** 2).mean())(parameters)
    out = model.predict(x, verbose=0)
    name = model.trainable_variables[-1].path
    np.testing.assert_allclose(np.asarray(gradients[name]), 2 * out.mean(0), rtol=1e-4)


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_what_has_no_weights_yet_is_refused(library):
    pytest.importorskip(library)
    made = modules.to_jax if library == "jax" else modules.to_torch_module
    with pytest.raises(NotBuiltError):
        made(Sequential([layers.Dense(1)]))
    with pytest.raises(ArgumentError):
        made(layers.Dense(1))
