"""Contracts of base classes that scripts rely on: configurations of subclasses, summaries, seeds, missing names."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, initializers, layers, losses, metrics, optimizers, utils
from amalthea.engine import backends
from amalthea.errors import ShapeError


def with_config(base, **options):
    """A class of a user's that adds ``units`` to the configuration of its base."""

    class Own(base):
        def __init__(self, units, **kwargs):
            super().__init__(**{**options, **kwargs})
            self.units = units

        def get_config(self):
            return dict(units=self.units, **super().get_config())

    return Own


BASES = {
    "layer": (layers.Layer, {}, {"name", "trainable", "dtype"}),
    "model": (Model, {}, {"name", "trainable", "dtype"}),
    "loss": (losses.Loss, {}, {"name", "reduction", "dtype"}),
    "metric": (metrics.Metric, {}, {"name", "dtype"}),
    "optimizer": (optimizers.Optimizer, {"learning_rate": 0.1}, None),
    "initializer": (initializers.Initializer, {}, set()),
    "constraint": (amalthea.constraints.Constraint, {}, set()),
}


@pytest.mark.parametrize("name", [*BASES])
def test_the_base_configuration_leaves_out_what_a_subclass_writes(name):
    base, options, wanted = BASES[name]
    thing = with_config(base, **options)(3)
    config = thing.get_config()
    assert config["units"] == 3 and (wanted is None or set(config) == {"units", *wanted})
    again = type(thing).from_config(config)
    assert again.units == 3 and again.get_config() == config


def test_a_subclass_of_a_layer_gets_that_layers_configuration():
    class Wider(layers.Dense):
        def __init__(self, extra, units=5, **kwargs):
            super().__init__(units, **kwargs)
            self.extra = extra

        def get_config(self):
            return {**super().get_config(), "extra": self.extra}

    class Fixed(layers.Dense):
        def __init__(self, extra):
            super().__init__(5, activation="relu")
            self.extra = extra

        def get_config(self):
            return dict(extra=self.extra, **super().get_config())

    config = Wider(7, units=4, activation="tanh").get_config()
    assert (config["units"], config["activation"], config["extra"]) == (4, "tanh", 7)
    assert Wider.from_config(config).units == 4
    config = Fixed(1).get_config()
    assert (config["units"], config["activation"], config["use_bias"]) == (5, "relu", True)


def test_a_plain_class_needs_to_write_no_configuration():
    class Plain(layers.Layer):
        def __init__(self, units, scale=2.0, **kwargs):
            super().__init__(**kwargs)
            self.units, self.scale = units, scale

    class Below(with_config(layers.Layer)):
        def __init__(self, units, more=1, **kwargs):
            super().__init__(units, **kwargs)
            self.more = more

    assert Plain.from_config(Plain(3, scale=4.0).get_config()).scale == 4.0
    assert Below.from_config(Below(3, more=8).get_config()).more == 8


def test_a_model_is_made_from_its_configuration_with_custom_objects():
    class Inner(layers.Layer):
        pass

    class Outer(Model):
        def __init__(self, inner, **kwargs):
            super().__init__(**kwargs)
            self.inner = inner

    config = Outer(Inner(name="mine")).get_config()
    assert Outer.from_config(config, custom_objects={"Inner": Inner}).inner.name == "mine"


# ------------------------------------------------------------------------------------------------------- summaries


def lines(model, **options):
    found = []
    model.summary(print_fn=lambda text: found.extend(text.splitlines()), **options)
    return found


def sequential():
    return Sequential([layers.Dense(3, name="a"), layers.Dense(2, name="b")], name="m")


def added():
    model = Sequential(name="m")
    model.add(layers.Input((4,)))
    model.add(layers.Dense(3, name="a"))
    model.add(layers.Dense(2, name="b"))
    return model


def built():
    model = sequential()
    model.build((None, 4))
    return model


class Own(Model):
    def __init__(self):
        super().__init__(name="m")
        self.a, self.b = layers.Dense(3, name="a"), layers.Dense(2, name="b")

    def call(self, x):
        return self.b(self.a(x))


def called():
    model = Own()
    model(np.ones((2, 4), "float32"))
    return model


@pytest.mark.parametrize("make", [added, built, called])
def test_a_summary_shows_the_shape_and_the_weights_of_every_layer(make):
    found = "\n".join(lines(make()))
    assert 'Model: "m"' in found and "?" not in found
    for text in ("a (Dense)", "b (Dense)", "3)", "2)", "15", " 8 ", "Total params: 23 (92.00 B)"):
        assert text in found
    for word in ("Trainable params: 23", "Non-trainable params: 0", "Output Shape", "Param #"):
        assert word in found


@pytest.mark.parametrize("make", [sequential, Own])
def test_a_model_without_weights_has_a_summary(make):
    found = "\n".join(lines(make()))
    assert found.count("0 (unbuilt)") == 2 and "Total params: 0" in found


def test_a_summary_of_branches_shows_where_layers_are_connected():
    x = Input((4,), name="x")
    model = Model(x, layers.Add(name="sum")([layers.Dense(2, name="a")(x), layers.Dense(2, name="b")(x)]))
    row = next(line for line in lines(model) if "sum (Add)" in line)
    assert "a[0], b[0]" in row
    assert not any("Connected to" in line for line in lines(added()))


# ------------------------------------------------------------------------------------------------------------ names


def test_functional_models_are_named_as_kerass_are():
    def made():
        x = Input((4,))
        return Model(x, layers.Dense(1)(x))

    assert made().name.startswith("functional") and Own.__init__ and type(made()) is Model


def test_a_fixed_batch_size_is_named_as_the_cause():
    x = Input((4,), batch_size=8)
    with pytest.raises(ShapeError, match="batch_size=8"):
        Model(x, layers.Dense(1)(x))(np.ones((3, 4), "float32"))


MISSING = {
    "layers.ThresholdedReLU": r"Keras 3 dropped it; use layers.ReLU\(threshold=theta\)",
    "layers.Desne": "use 'Dense'",
    "optimizers.Adm": "use 'Adam",
    "Sequental": "use 'Sequential'",
}


@pytest.mark.parametrize("path", [*MISSING])
def test_a_missing_name_says_what_replaces_it(path):
    *rooms, name = path.split(".")
    room = getattr(amalthea, rooms[0]) if rooms else amalthea
    with pytest.raises(AttributeError, match=MISSING[path]):
        getattr(room, name)
    assert not hasattr(room, "_private_name")


@pytest.mark.parametrize("name", ["torch", "tensorflow"])
def test_the_seed_seeds_the_libraries_too(name):
    library = pytest.importorskip(name)
    backends.load(name)
    draws = []
    for seed in (3, 3, 4):
        utils.set_random_seed(seed)
        drawn = library.rand(3) if name == "torch" else library.random.uniform((3,))
        draws.append(np.asarray(drawn).tolist())
    assert draws[0] == draws[1] != draws[2]
