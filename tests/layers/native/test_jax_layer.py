"""JAX functions and Flax modules as layers."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, layers, use_backend
from amalthea.errors import ArgumentError
from tests.layers.native.training import X, Y, close, host, trained


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


def test_arguments_that_a_jax_layer_cannot_use_are_named(jax):
    with pytest.raises(ArgumentError, match="inputs"):
        layers.JaxLayer(lambda params, x: x, params=1.0)
    with pytest.raises(ArgumentError, match="init_fn"):
        layers.JaxLayer(plain_call)
    bad = layers.JaxLayer(lambda params, state, inputs: (inputs, {}), params={}, state={"n": 0})
    with pytest.raises(ArgumentError, match="state"):
        bad(X)


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


def test_a_flax_module_may_be_called_by_another_method(flax):
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
