"""Kinds of objects that each parameter of a configuration takes, for every class, parameter and name."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pytest

import amalthea
from amalthea import activations, layers, loading, losses, metrics, ops, utils
from amalthea.configurable import FAMILIES, deserialize, fits, serialize
from amalthea.custom_objects import CUSTOM, register_keras_serializable
from amalthea.errors import AmaltheaError, UnknownNameError, UnsafeFileError
from amalthea.saving import deserialize_keras_object
from tests.samples import trained
from tests.saving.archives import with_config

CLASSES = sorted(
    {
        (family, name)
        for family, registry in FAMILIES.items()
        for name, x in registry.names.items()
        if inspect.isclass(x)
    }
)
FUNCTIONS = {f for registry in FAMILIES.values() for f in registry.names.values() if inspect.isfunction(f)}
SLOTS = sorted(
    {
        (cls.__name__, parameter)
        for registry in FAMILIES.values()
        for cls in {x for x in registry.names.values() if inspect.isclass(x)}
        for parameter in inspect.signature(cls).parameters
        if cls._tables_for(parameter)
    }
)


def slots_that_take_functions():
    return {parameter for _, parameter in SLOTS if set(loading.slot_of(parameter)) & {"activations", "losses"}}


def spellings(name, module):
    """All forms of a configuration that names an object."""
    yield {"class_name": "function", "config": name}
    yield {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}
    yield {"module": module, "class_name": "function", "config": name, "registered_name": name}
    yield {"module": "keras.layers", "class_name": "function", "config": name}


@pytest.mark.parametrize("family, name", CLASSES)
def test_no_way_of_naming_a_function_gives_a_class(family, name):
    module = next(iter(FAMILIES[family].modules.values()))
    for data in spellings(name, module):
        for tables in [None, *(loading.slot_of(slot) for slot in slots_that_take_functions())]:
            try:
                found = deserialize(data, tables)
            except UnknownNameError:
                continue
            assert inspect.isfunction(found) and found in FUNCTIONS, "a function of that name, such as 'poisson'"


PUBLIC = sorted(name for name in dir(ops) if inspect.isfunction(getattr(ops, name)) and name not in vars(activations))


@pytest.mark.parametrize("slot", sorted(slots_that_take_functions()))
def test_no_op_stands_for_a_function(slot):
    allowed = {name for table in ("activations", "losses") for name in FAMILIES[table].names}
    for name in PUBLIC:
        for module in ("keras.ops", "keras.src.ops.numpy", "amalthea.ops", "builtins", None):
            if name in allowed:
                continue
            with pytest.raises(UnknownNameError):
                deserialize({"module": module, "class_name": "function", "config": name}, loading.slot_of(slot))


def config_of(family):
    """A configuration of some object of the family."""
    made = {
        "activation layers": lambda: layers.ReLU(),
        "constraints": lambda: amalthea.constraints.NonNeg(),
        "distillation": lambda: amalthea.distillation.LogitsDistillation(),
        "dtype_policies": lambda: amalthea.DTypePolicy("float32"),
        "initializers": lambda: amalthea.initializers.Zeros(),
        "layers": lambda: layers.Dense(1),
        "losses": lambda: losses.MeanSquaredError(),
        "metrics": lambda: metrics.Mean(),
        "optimizers": lambda: amalthea.optimizers.SGD(),
        "optimizers.schedules": lambda: amalthea.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5),
        "quantizers": lambda: amalthea.quantizers.AbsMaxQuantizer(),
        "random": lambda: amalthea.random.SeedGenerator(1),
        "regularizers": lambda: amalthea.regularizers.L2(),
        "utils": lambda: utils.FeatureSpace.cross(("a", "b"), 2),
    }
    return serialize(made[family]())


OBJECTS = [family for family in FAMILIES if family != "activations"]


@pytest.mark.parametrize("family", OBJECTS)
@pytest.mark.parametrize("parameter", sorted({parameter for _, parameter in SLOTS} | {"units", "axis", "name"}))
def test_a_slot_takes_objects_of_its_tables_alone(parameter, family):
    """Named in Keras 3's way, and in Keras 2's, without a module."""
    tables, config = loading.slot_of(parameter), config_of(family)
    for data in (config, {key: config[key] for key in ("class_name", "config")}):
        if family in tables or (family == "activation layers" and "layers" in tables):
            assert type(deserialize(data, tables)).__name__ == config["class_name"]
            continue
        with pytest.raises(UnknownNameError):
            deserialize(data, tables)


@pytest.mark.parametrize("cls, parameter", SLOTS)
def test_a_parameter_that_takes_objects_is_read_from_its_tables(cls, parameter):
    """Every class asks for its slot when it is read: an object of another table is refused in each."""
    kind = next(x for r in FAMILIES.values() for x in r.names.values() if inspect.isclass(x) and x.__name__ == cls)
    family = next(f for f in OBJECTS if f not in kind._tables_for(parameter) and f != "activation layers")
    with pytest.raises(AmaltheaError):
        deserialize(
            {"module": kind._registry.modules[kind], "class_name": cls, "config": {parameter: config_of(family)}}
        )


# ------------------------------------------------------------------------------------ whole files that attack


def layer(kind, **config):
    return {"module": "keras.layers", "class_name": kind, "config": config}


def lambda_of(function, **more):
    return layer("Lambda", name="f", function=function, **more)


def in_layer(config):
    return lambda whole: whole["config"]["layers"].__setitem__(1, config)


FUNCTION = {"class_name": "function", "module": "keras.layers", "config": "TFSMLayer", "registered_name": "TFSMLayer"}
TFSM = layer("TFSMLayer", filepath="/tmp/harm", name="x")


def compiled_with(key, value):
    return lambda whole: whole["compile_config"].__setitem__(key, value)


def wrapped(module, kind, function):
    return {"module": module, "class_name": kind, "config": {"fn": function}}


ATTACKS = {
    "a class for a function": in_layer(lambda_of(FUNCTION)),
    "a class by its name": in_layer(lambda_of("TFSMLayer")),
    "a layer for a function": in_layer(lambda_of(TFSM)),
    "a class as a mask": in_layer(lambda_of("relu", mask=FUNCTION)),
    "a class as an activation": in_layer(layer("Dense", units=5, activation=FUNCTION)),
    "a layer as an activation": in_layer(layer("Dense", units=5, activation=TFSM)),
    "a lambda as an activation": in_layer(layer("Dense", units=5, activation=lambda_of("relu"))),
    "a layer as an initializer": in_layer(layer("Dense", units=5, kernel_initializer=TFSM)),
    "a layer for a seed": in_layer(layer("Dropout", rate=0.5, seed=TFSM)),
    "a layer for a number": in_layer(layer("Dense", units=TFSM)),
    "a saved model": in_layer(TFSM),
    "a saved model in a wrapper": in_layer(layer("TimeDistributed", layer=TFSM)),
    "a torch module": in_layer(layer("TorchModuleWrapper", module="AAAA")),
    "a class as a loss": compiled_with("loss", FUNCTION),
    "a layer as a metric": compiled_with("metrics", [[TFSM]]),
    "a layer as an optimizer": compiled_with("optimizer", TFSM),
    "a class in a loss": compiled_with("loss", wrapped("keras.losses", "LossFunctionWrapper", FUNCTION)),
    "a name in a metric": compiled_with("metrics", [wrapped("keras.metrics", "MeanMetricWrapper", "TFSMLayer")]),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    file = tmp_path_factory.mktemp("saved") / "model.keras"
    trained("sequential")[0].save(file)
    return file.read_bytes()


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_file_that_would_run_code_is_refused(attack, saved, tmp_path, monkeypatch):
    path = tmp_path / "model.keras"
    path.write_bytes(saved)
    made = []
    monkeypatch.setattr(layers.TFSMLayer, "__init__", lambda self, *args, **kwargs: made.append((args, kwargs)))
    with_config(path, ATTACKS[attack])
    with pytest.raises(AmaltheaError) as caught:
        amalthea.saving.load_model(path)
    assert isinstance(caught.value, (UnknownNameError, UnsafeFileError)), caught.value
    assert made == []


# --------------------------------------------------------------------------------- one's own and Keras's own


@pytest.fixture
def own_dense():
    """A class of a user's that is called as one of Keras's."""
    before = dict(CUSTOM)
    CUSTOM.clear()

    @register_keras_serializable()
    class Dense(layers.Layer):
        def __init__(self, units=1, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        def build(self, input_shape):
            self.w = self.add_weight((input_shape[-1], self.units), "zeros")

        def call(self, x):
            return ops.matmul(x, self.w)

    assert {"Custom>Dense": Dense} == CUSTOM
    yield Dense
    CUSTOM.clear()
    CUSTOM.update(before)


def test_a_class_of_ones_own_and_keras_own_of_one_name_are_two(own_dense):
    own, keras = own_dense(3), layers.Dense(3)
    assert type(deserialize_keras_object(serialize(own))) is own_dense
    assert type(deserialize_keras_object(serialize(keras))) is layers.Dense
    for wrapped in (own, keras):
        made = deserialize_keras_object(serialize(layers.TimeDistributed(wrapped)))
        assert type(made.layer) is type(wrapped)


def test_a_class_of_ones_own_that_is_not_there_is_not_replaced_by_keras_own(own_dense):
    data = serialize(own_dense(3))
    CUSTOM.clear()
    for where in (None, ("layers",)):
        with pytest.raises(UnknownNameError, match="Dense"):
            deserialize(data, where)
    with amalthea.saving.CustomObjectScope({"Dense": own_dense}):
        assert type(deserialize(data)) is own_dense


def test_a_class_that_was_passed_but_not_registered_comes_back_as_itself():
    class Dense(layers.Dense):
        pass

    data = json.loads(json.dumps(serialize(Dense(2))))
    assert type(deserialize_keras_object(data, {"Dense": Dense})) is Dense
    with pytest.raises(UnknownNameError):
        deserialize_keras_object(data)


def test_one_file_may_hold_both(own_dense, tmp_path):
    model = amalthea.Sequential([layers.Input((2,)), layers.Dense(3), own_dense(4, name="own")])
    model.save(tmp_path / "m.keras")
    found = amalthea.saving.load_model(tmp_path / "m.keras")
    assert [type(layer) for layer in found.layers] == [layers.Dense, own_dense]


def test_a_registered_object_stands_only_where_it_fits(own_dense):
    @register_keras_serializable("mine")
    def twice(x):
        return 2 * x

    name = {"module": "builtins", "class_name": "function", "config": "mine>twice", "registered_name": "function"}
    assert deserialize(name, ("activations",)) is twice and activations.get("mine>twice") is twice
    for tables in (("layers",), ("optimizers",), ("dtype_policies",), ()):
        with pytest.raises(UnknownNameError):
            deserialize(name, tables)
    for table in ("initializers", "activations", "optimizers", "losses"):
        assert not fits(own_dense, (table,))
        with pytest.raises(UnknownNameError):
            FAMILIES[table].find("Custom>Dense")


def test_a_layer_that_is_only_a_function_may_be_an_activation():
    dense = layers.Dense(2, activation=layers.LeakyReLU(0.3), name="d")
    found = deserialize_keras_object(serialize(dense))
    x = np.float32([[1, -1]])
    dense.build((None, 2))
    found.build((None, 2))
    found.set_weights(dense.get_weights())
    np.testing.assert_array_equal(found(x), dense(x))


def test_a_lambda_of_one_of_our_functions_needs_no_code():
    layer = layers.Lambda(activations.tanh, name="f")
    found = deserialize_keras_object(serialize(layer), safe_mode=True)
    assert found.function is activations.tanh
