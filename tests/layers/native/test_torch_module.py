"""PyTorch modules as layers."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, layers, ops, use_backend
from amalthea.errors import BackendError, ModelFileError, ShapeError
from tests.layers.native.training import X, Y, close, host, saved_and_loaded, saved_linear, trained


@pytest.fixture
def torch():
    found = pytest.importorskip("torch")
    with use_backend("torch"), found.enable_grad():
        yield found


@pytest.mark.parametrize("kind", ["torch", "jax", "tensorflow"])
def test_a_layer_of_another_backend_is_refused_with_the_cure(kind, tmp_path):
    pytest.importorskip(kind)
    if kind == "torch":
        import torch

        layer = layers.TorchModuleWrapper(torch.nn.Linear(3, 2))
    elif kind == "jax":
        layer = layers.JaxLayer(lambda params, inputs: inputs @ params, params=np.ones((3, 2)))
    else:
        import tensorflow as tf

        layer = layers.TFSMLayer(saved_linear(tf, tmp_path))
    with use_backend("numpy"), pytest.raises(BackendError, match=f'use_backend\\("{kind}"\\)'):
        layer(X)


def perceptron(torch):
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 6), torch.nn.BatchNorm1d(6), torch.nn.Tanh(), torch.nn.Linear(6, 2))


def test_a_torch_module_trains_as_in_its_own_loop(torch):
    module = perceptron(torch)
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    wanted = []
    for _ in range(4):
        optimizer.zero_grad()
        loss = ((module(torch.from_numpy(X)) - torch.from_numpy(Y)) ** 2).mean()
        loss.backward()
        optimizer.step()
        wanted.append(loss.item())
    layer = layers.TorchModuleWrapper(perceptron(torch))
    model, found = trained(layer)
    np.testing.assert_allclose(found, wanted, 1e-5)
    ours, theirs = layer.module.state_dict(), module.state_dict()
    assert [*ours] == [*theirs]
    for key in theirs:
        close(ours[key], theirs[key].numpy())
    module.eval()
    with torch.no_grad():
        close(model.predict(X, verbose=0), module(torch.from_numpy(X)).numpy())
    loss = ((module(torch.from_numpy(X)) - torch.from_numpy(Y)) ** 2).mean().item()
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(loss, rel=1e-5)


def test_parameters_are_trained_and_buffers_are_not(torch):
    module = perceptron(torch)
    module[0].weight.requires_grad_(False)
    layer = layers.TorchModuleWrapper(module, name="net")
    assert layer.built
    assert [v.path for v in layer.trainable_variables] == [
        f"net/{n}" for n in "0.bias 1.weight 1.bias 3.weight 3.bias".split()
    ]
    names = "0.weight 1.running_mean 1.running_var 1.num_batches_tracked".split()
    assert [v.path for v in layer.non_trainable_weights] == [f"net/{n}" for n in names]
    before = layer.get_weights()
    trained(layer)
    moved = [not np.array_equal(a, b) for a, b in zip(before, layer.get_weights())]
    assert moved[1:] == [True] * 4 + [False] + [True] * 3  # normalization takes the first bias away


def test_a_bare_call_is_of_the_trained_module_and_changes_nothing(torch):
    module = perceptron(torch)
    layer = layers.TorchModuleWrapper(module)
    before = layer.get_weights()
    module.eval()
    close(layer(X), module(torch.from_numpy(X)).detach().numpy())
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights()))
    layer(X, training=True)
    assert not all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights()))


def test_a_buffer_that_a_torch_module_puts_in_place_of_another_is_kept(torch):
    class Counts(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))
            self.register_buffer("fixed", torch.ones(3))

        def forward(self, x):
            self.calls = self.calls + 1
            return x * self.fixed

    layer = layers.TorchModuleWrapper(Counts())
    call = amalthea.jit(lambda x: layer(x))
    for compute in (layer, call, call):
        close(compute(X), X)
    assert [v.numpy().tolist() for v in layer.weights] == [3.0, [1.0, 1.0, 1.0]]
    assert layer.module.calls == 3.0


def test_autograd_reaches_the_variables_of_a_torch_module(torch):
    layer = layers.TorchModuleWrapper(torch.nn.Linear(3, 2))
    layer(torch.from_numpy(X)).sum().backward()
    close(layer.trainable_variables[0].value.grad, np.tile(X.sum(0), (2, 1)))


def test_a_lazy_torch_module_is_built_on_the_first_data(torch):
    layer = layers.TorchModuleWrapper(
        torch.nn.Sequential(torch.nn.LazyLinear(5), torch.nn.ReLU(), torch.nn.LazyLinear(2))
    )
    assert not layer.built and not layer.weights
    model, losses = trained(layer)
    assert [v.shape for v in layer.weights] == [(5, 3), (5,), (2, 5), (2,)]
    assert losses[-1] < losses[0]


def test_random_numbers_of_a_torch_module_in_training_come_from_the_layers_seed(torch):
    def outputs():
        amalthea.random.set_random_seed(3)
        layer = layers.TorchModuleWrapper(torch.nn.Dropout(0.5))
        call = amalthea.jit(lambda x: layer(x, training=True))
        return [host(call(X)) for _ in range(3)]

    amalthea.random.set_random_seed(3)
    state = torch.random.get_rng_state()
    first, again = outputs(), outputs()
    assert torch.equal(state, torch.random.get_rng_state())
    for a, b in zip(first, again):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], first[1]) and not np.array_equal(first[1], first[2])


def test_the_gradient_is_of_the_same_draw_as_the_value(torch):
    layer = layers.TorchModuleWrapper(torch.nn.Sequential(torch.nn.Linear(3, 4, bias=False), torch.nn.Dropout(0.5)))
    (weight,) = layer.trainable_variables
    step = amalthea.value_and_grad(lambda: ops.sum(layer(X, training=True)), [weight])
    for take in (step, amalthea.jit(step)):
        value, (slope,) = take()
        close(value, (weight.numpy() * host(slope)).sum(), 1e-4, 1e-5)  # what is linear is weight times slope


def test_a_torch_module_takes_and_gives_several(torch):
    class Both(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.nn.Linear(3, 3)

        def forward(self, x, y, z, sign=1.0, flag=False):
            assert flag is True
            return {"sum": self.inner(x) + sign * y, "rest": (z, None)}

    layer = layers.TorchModuleWrapper(Both())
    a, b = Input((3,)), Input((3,))
    outputs = layer(a, b, a, sign=-1.0, flag=True)
    assert outputs["sum"].shape == (None, 3) and outputs["rest"][1] is None
    model = Model([a, b], outputs["sum"])
    inner = layer.module.inner
    close(model.predict([X, X + 1], verbose=0), inner(torch.from_numpy(X)).detach().numpy() - X - 1)


def test_training_reaches_a_torch_module_of_several_inputs(torch):
    class Drops(torch.nn.Module):
        def forward(self, x, y, z):
            return torch.nn.functional.dropout(x + y + z, 0.5, self.training)

    class Around(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.TorchModuleWrapper(Drops())

        def call(self, x):
            return self.inner(x, x, x)

    assert (host(Around()(X, training=True)) == 0).any()
    assert not (host(Around()(X)) == 0).any()


def test_the_output_shape_of_a_torch_module_may_be_told(torch):
    calls = []

    class Halves(torch.nn.Module):
        def forward(self, x):
            calls.append(x)
            return x[:, ::2].sum(1)

    x = Input((None, 3))
    with pytest.raises(ShapeError):
        layers.TorchModuleWrapper(lambda_module(torch, lambda x: x[:, ::2]))(x)
    calls.clear()
    layer = layers.TorchModuleWrapper(Halves(), output_shape=(None, 3))
    assert layer(x).shape == (None, 3) and not calls
    assert layer.compute_output_shape((None, None, 3)) == (None, 3)


def lambda_module(torch, function):
    class Made(torch.nn.Module):
        def forward(self, x):
            return function(x)

    return Made()


def test_shared_torch_parameters_are_one_variable(torch, tmp_path):
    first, second = torch.nn.Linear(3, 3, bias=False), torch.nn.Linear(3, 3, bias=False)
    second.weight = first.weight
    layer = layers.TorchModuleWrapper(torch.nn.Sequential(first, second))
    (weight,) = layer.weights
    close(layer(X), X @ weight.numpy().T @ weight.numpy().T)
    model = Sequential([Input((3,)), layer])
    model.save_weights(str(tmp_path / "a.weights.h5"))
    kept = weight.numpy()
    weight.assign(kept * 2)
    model.load_weights(str(tmp_path / "a.weights.h5"))
    np.testing.assert_array_equal(weight.numpy(), kept)


def test_a_torch_module_is_saved_and_loaded_by_who_trusts_it(torch, tmp_path):
    model, _ = trained(layers.TorchModuleWrapper(perceptron(torch)))
    again = saved_and_loaded(model, tmp_path)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    more = [m.fit(X, Y, batch_size=8, epochs=2, verbose=0).history["loss"] for m in (model, again)]
    np.testing.assert_allclose(more[0], more[1], 1e-6)


def test_weights_of_another_torch_module_are_refused(torch, tmp_path):
    model, _ = trained(layers.TorchModuleWrapper(perceptron(torch)))
    model.save_weights(str(tmp_path / "a.weights.h5"))
    for other in (torch.nn.Linear(3, 2), torch.nn.Sequential(*[*perceptron(torch)][:3], torch.nn.Linear(6, 3))):
        with pytest.raises(ModelFileError):
            Sequential([Input((3,)), layers.TorchModuleWrapper(other)]).load_weights(str(tmp_path / "a.weights.h5"))


def test_a_torch_module_computes_in_the_policys_dtype(torch):
    layer = layers.TorchModuleWrapper(perceptron(torch), dtype="mixed_bfloat16")
    assert layer(X).dtype == torch.bfloat16
    assert all(v.dtype in ("float32", "int64") for v in layer.weights)
    _, losses = trained(layer)
    assert losses[-1] < losses[0]
