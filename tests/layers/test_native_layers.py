"""Layers that hold another library's modules."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, layers, ops, use_backend
from amalthea.engine import backends
from amalthea.errors import ArgumentError, BackendError, ModelFileError, ShapeError, UnknownNameError, UnsafeFileError

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = np.random.default_rng(1).normal(size=(8, 2)).astype("float32")


@pytest.fixture
def torch():
    found = pytest.importorskip("torch")
    with use_backend("torch"), found.enable_grad():
        yield found


@pytest.fixture
def jax():
    found = pytest.importorskip("jax")
    with use_backend("jax"):
        yield found


@pytest.fixture
def flax():
    found = pytest.importorskip("flax.linen")
    with use_backend("jax"):
        yield found


@pytest.fixture
def tf():
    found = pytest.importorskip("tensorflow")
    with use_backend("tensorflow"):
        yield found


def host(x):
    return backends.current().to_numpy(x)


def close(found, wanted, rtol=1e-5, atol=1e-6):
    np.testing.assert_allclose(host(found), wanted, rtol, atol)


# -------------------------------------------------------------------------------------- shared by layers


def trained(layer, steps=4, x=X, y=Y):
    """The losses of a few steps of plain gradient descent, on the whole batch."""
    model = Sequential([Input(x.shape[1:]), layer])
    model.compile(amalthea.optimizers.SGD(0.1), "mse")
    return model, model.fit(x, y, batch_size=len(x), epochs=steps, shuffle=False, verbose=0).history["loss"]


def saved_and_loaded(model, path, **options):
    file = str(path / "model.keras")
    model.save(file)
    with pytest.raises(UnsafeFileError):
        amalthea.models.load_model(file)
    return amalthea.models.load_model(file, safe_mode=False, **options)


@pytest.mark.parametrize("kind", ["torch", "jax", "tensorflow"])
def test_another_backend_is_named_with_the_cure(kind, tmp_path):
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


# ------------------------------------------------------------------------------------------------ torch


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


def test_what_a_torch_module_draws_in_training_comes_from_the_layers_seed(torch):
    def outputs():
        amalthea.random.set_random_seed(3)
        layer = layers.TorchModuleWrapper(torch.nn.Dropout(0.5))
        call = amalthea.jit(lambda x: layer(x, training=True))
        return [host(call(X)) for _ in range(3)]

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


# -------------------------------------------------------------------------------------------------- jax


@amalthea.saving.register_keras_serializable(package="native")
def stateful_call(params, state, rng, inputs, training):
    import jax

    z = inputs @ params["w"] + params["b"]
    if training:
        z = z * jax.random.bernoulli(rng, 0.5, z.shape)
    return z, {"steps": state["steps"] + 1, "mean": 0.9 * state["mean"] + 0.1 * z.mean(0)}


@amalthea.saving.register_keras_serializable(package="native")
def stateful_init(rng, inputs, training):
    import jax

    assert training
    w = jax.random.normal(rng, (inputs.shape[-1], 2))
    return {"w": w, "b": jax.numpy.zeros(2), "kind": "linear"}, {"steps": 0, "mean": jax.numpy.zeros(2)}


def plain_call(params, inputs):
    import jax

    return jax.numpy.tanh(inputs @ params["w"]) @ params["v"]


def plain_params():
    draw = np.random.default_rng(5).normal
    return {"w": draw(size=(3, 4)).astype("float32"), "v": draw(size=(4, 2)).astype("float32")}


def test_a_jax_function_trains_as_in_its_own_loop(jax):
    params, wanted = plain_params(), []
    step = jax.jit(jax.value_and_grad(lambda p: ((plain_call(p, X) - Y) ** 2).mean()))
    for _ in range(4):
        loss, slopes = step(params)
        params = jax.tree.map(lambda p, g: p - 0.1 * g, params, slopes)
        wanted.append(float(loss))
    layer = layers.JaxLayer(plain_call, params=plain_params())
    model, found = trained(layer)
    np.testing.assert_allclose(found, wanted, 1e-5)
    assert layer.state is None
    for key, variable in layer.params.items():
        close(variable.value, params[key])
    close(model.predict(X, verbose=0), plain_call(params, X))
    loss = float(((plain_call(params, X) - Y) ** 2).mean())
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(loss, rel=1e-5)


def test_a_jax_layer_makes_parameters_and_keeps_state(jax):
    layer = layers.JaxLayer(stateful_call, stateful_init, seed=3, name="net")
    assert not layer.built
    model, _ = trained(layer)
    assert [v.name for v in layer.trainable_variables] == ["b", "w"]
    assert [v.name for v in layer.non_trainable_weights] == ["mean", "steps"]
    assert layer.params["w"].path.endswith("net/w") and layer.params["kind"] == "linear"
    assert {v.dtype for v in layer.trainable_variables} == {"float32"}
    assert int(layer.state["steps"]) == 4
    assert model.outputs[0].dtype == "float32"
    assert model.outputs[0].shape == (None, 2)


def test_a_jax_layer_draws_anew_each_step_and_the_same_from_the_same_seed(jax):
    def outputs(seed):
        layer = layers.JaxLayer(
            lambda rng, inputs, training: inputs * jax.random.bernoulli(rng, 0.5, inputs.shape) if training else inputs,
            seed=seed,
        )
        call = amalthea.jit(lambda x: layer(x, training=True))
        close(layer(X), X)
        return [host(call(X)) for _ in range(3)]

    first, again, other = outputs(1), outputs(1), outputs(2)
    np.testing.assert_array_equal(first, again)
    assert len({x.tobytes() for x in [*first, *other]}) == 6


def test_a_jax_layer_takes_and_gives_trees(jax):
    layer = layers.JaxLayer(lambda inputs: {"sum": inputs["a"] + inputs["b"], "both": (inputs["a"], inputs["b"])})
    inputs = {"a": Input((3,), name="a"), "b": Input((3,), name="b")}
    model = Model(inputs, layer(inputs)["sum"])
    close(model.predict({"a": X, "b": X}, verbose=0), 2 * X)


def test_a_jax_layer_does_not_leak_wide_floats(jax):
    wide = layers.JaxLayer(lambda inputs: inputs * jax.numpy.linspace(0, 1, 3))
    assert wide(X).dtype == "float32"
    assert Sequential([Input((3,)), wide]).outputs[0].dtype == "float32"


def test_a_jax_layer_is_made_of_its_config_and_saved(jax, tmp_path):
    layer = layers.JaxLayer(stateful_call, stateful_init, seed=3)
    model, _ = trained(layer)
    assert {"call_fn", "init_fn", "native_serialization_platforms"} <= {*layer.get_config()}
    again = layers.JaxLayer.from_config(layer.get_config())
    assert again.call_fn is stateful_call and again.init_fn is stateful_init
    model.save(str(tmp_path / "a.keras"))
    loaded = amalthea.models.load_model(str(tmp_path / "a.keras"))
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


def test_what_a_jax_layer_cannot_use_is_named(jax):
    with pytest.raises(ArgumentError, match="inputs"):
        layers.JaxLayer(lambda params, x: x, params=1.0)
    with pytest.raises(ArgumentError, match="init_fn"):
        layers.JaxLayer(plain_call)
    bad = layers.JaxLayer(lambda params, state, inputs: (inputs, {}), params={}, state={"n": 0})
    with pytest.raises(ArgumentError, match="state"):
        bad(X)


# ------------------------------------------------------------------------------------------------- flax


def flax_network(flax):
    class Network(flax.Module):
        rate: float = 0.0

        def get_config(self):
            return {"rate": self.rate}

        @classmethod
        def from_config(cls, config):
            return cls(**config)

        @flax.compact
        def __call__(self, inputs, training):
            z = flax.Dense(6)(inputs)
            z = flax.BatchNorm(use_running_average=not training)(z)
            z = flax.Dropout(self.rate, deterministic=not training)(flax.tanh(z))
            self.sow("intermediates", "z", z)
            return flax.Dense(2)(z)

        def halved(self, inputs, training):
            return self(inputs, training) / 2

    return Network


def test_a_flax_module_trains_as_in_its_own_loop(flax):
    import jax

    network = flax_network(flax)()
    variables = network.init(jax.random.key(0), X, True)
    params, stats, wanted = variables["params"], variables["batch_stats"], []

    def loss(params, stats):
        out, new = network.apply({"params": params, "batch_stats": stats}, X, True, mutable=["batch_stats"])
        return ((out - Y) ** 2).mean(), new["batch_stats"]

    for _ in range(4):
        (value, stats), slopes = jax.value_and_grad(loss, has_aux=True)(params, stats)
        params = jax.tree.map(lambda p, g: p - 0.1 * g, params, slopes)
        wanted.append(float(value))
    layer = layers.FlaxLayer(network, variables=variables)
    assert layer.built
    model, found = trained(layer)
    np.testing.assert_allclose(found, wanted, 1e-5)
    close(model.predict(X, verbose=0), network.apply({"params": params, "batch_stats": stats}, X, False), 1e-4, 1e-5)


def test_a_flax_module_makes_its_variables_and_draws_by_the_layers_seed(flax):
    def losses(seed):
        amalthea.random.set_random_seed(0)
        layer = layers.FlaxLayer(flax_network(flax)(0.5), seed=seed)
        return layer, trained(layer)[1]

    layer, first = losses(1)
    assert [v.name for v in layer.trainable_variables][:2] == ["BatchNorm_0/bias", "BatchNorm_0/scale"]
    assert [v.name for v in layer.non_trainable_weights] == [f"batch_stats/BatchNorm_0/{n}" for n in ("mean", "var")]
    assert first == losses(1)[1] != losses(2)[1]


def test_a_flax_module_of_whole_numbers_is_built_on_the_first_data(flax):
    layer = layers.FlaxLayer(flax.Embed(9, 4))
    assert layer(np.array([[1, 2, 3]], "int32")).shape == (1, 3, 4)


def test_another_method_of_a_flax_module_is_called(flax):
    network = flax_network(flax)()
    by = [network.halved, "halved", lambda module, inputs, training: module(inputs, training) / 2]
    made = [layers.FlaxLayer(network, method=method) for method in by]
    whole = layers.FlaxLayer(network)
    whole(X)
    for layer in made:
        layer(X)
        layer.set_weights(whole.get_weights())
        close(layer(X), host(whole(X)) / 2)
    assert made[0].get_config()["method"] == "halved"


def test_a_flax_module_is_saved_and_loaded(flax, tmp_path):
    network = flax_network(flax)
    model, _ = trained(layers.FlaxLayer(network(0.5), method="halved", seed=1))
    model.save(str(tmp_path / "a.keras"))
    again = amalthea.models.load_model(str(tmp_path / "a.keras"), custom_objects={"Network": network})
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


# ------------------------------------------------------------------------------------------- tensorflow


def saved_linear(tf, path):
    """The folder of a SavedModel with the endpoints ``serve`` and ``learn``, which keeps an average."""

    class Linear(tf.Module):
        def __init__(self):
            super().__init__()
            self.kernel = tf.Variable(tf.ones((3, 2)) / 10, name="kernel")
            self.average = tf.Variable(tf.zeros(2), trainable=False, name="average")

        @tf.function(input_signature=[tf.TensorSpec((None, 3))])
        def serve(self, x):
            return tf.tanh(x @ self.kernel) + self.average

        @tf.function(input_signature=[tf.TensorSpec((None, 3))])
        def learn(self, x):
            z = tf.tanh(x @ self.kernel)
            self.average.assign(0.9 * self.average + 0.1 * tf.reduce_mean(z, 0))
            return z

    made = Linear()
    tf.saved_model.save(made, str(path / "saved"), {"other": made.serve.get_concrete_function()})
    return str(path / "saved")


def test_a_saved_model_trains_as_in_its_own_loop(tf, tmp_path):
    theirs = tf.saved_model.load(saved_linear(tf, tmp_path))
    wanted = []
    for _ in range(4):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((theirs.learn(tf.constant(X)) - Y) ** 2)
        theirs.kernel.assign_sub(0.1 * tape.gradient(loss, theirs.kernel))
        wanted.append(float(loss))
    layer = layers.TFSMLayer(str(tmp_path / "saved"), call_training_endpoint="learn", name="net")
    assert layer.built
    assert [v.path for v in layer.trainable_variables] == ["net/kernel"]
    assert [v.path for v in layer.non_trainable_variables] == ["net/average"]
    model, found = trained(layer)
    np.testing.assert_allclose(found, wanted, 1e-5)
    close(layer.weights[0].value, theirs.kernel.numpy())
    close(layer.weights[1].value, theirs.average.numpy())
    close(model.predict(X, verbose=0), theirs.serve(X).numpy())
    assert model.outputs[0].shape == (None, 2)


def test_a_saved_models_signature_is_an_endpoint_too(tf, tmp_path):
    layer = layers.TFSMLayer(saved_linear(tf, tmp_path), call_endpoint="other")
    (found,) = layer(X).values()
    close(found, np.tanh(X @ np.full((3, 2), 0.1)))
    with tf.GradientTape() as tape:
        (found,) = layer(tf.constant(X)).values()
        loss = tf.reduce_sum(found)
    slope = tape.gradient(loss, layer.weights[0].storage.variable)
    close(tf.convert_to_tensor(slope), X.T @ (1 - np.tanh(X @ np.full((3, 2), 0.1)) ** 2))
    with pytest.raises(UnknownNameError, match="other"):
        layers.TFSMLayer(str(tmp_path / "saved"), call_endpoint="nothing")


def test_a_frozen_saved_model_stays_as_it_is(tf, tmp_path):
    layer = layers.TFSMLayer(saved_linear(tf, tmp_path), trainable=False)
    assert not layer.trainable_variables and len(layer.non_trainable_variables) == 2


def test_a_saved_model_is_read_again_by_who_trusts_the_file(tf, tmp_path):
    layer = layers.TFSMLayer(saved_linear(tf, tmp_path), call_training_endpoint="learn")
    with pytest.raises(UnsafeFileError):
        layers.TFSMLayer.from_config(layer.get_config())
    model, _ = trained(layer)
    again = saved_and_loaded(model, tmp_path)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
