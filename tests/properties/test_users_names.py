"""Attributes of a user's subclass never meet ours: ours begin with an underscore, or are names that Keras has too.

The names that we keep are found by introspection (bodies of classes, assignments in their sources, attributes of used
objects), and Keras's by ``tests/oracles/stored/attributes.json``, so a new public attribute of ours fails here.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap

import numpy as np
import pytest

import amalthea
from amalthea import (
    Input,
    Model,
    Sequential,
    callbacks,
    constraints,
    dtype_policies,
    initializers,
    layers,
    losses,
    metrics,
    ops,
    optimizers,
    regularizers,
    utils,
)  # fmt: skip
from amalthea.optimizers import schedules
from amalthea.saving import load_model
from tests.oracles.read import load

KERAS = {record["id"]: record for record in load("attributes")}
ROOTS = (
    layers.Layer, callbacks.Callback, metrics.Metric, losses.Loss, optimizers.Optimizer, schedules.LearningRateSchedule,
    initializers.Initializer, regularizers.Regularizer, constraints.Constraint, utils.PyDataset,
    dtype_policies.DTypePolicy,
)  # fmt: skip
MODULES = (
    amalthea, layers, callbacks, metrics, losses, optimizers, schedules, initializers, regularizers, constraints, utils,
    dtype_policies,
)  # fmt: skip
PUBLIC = sorted(
    {
        thing
        for module in MODULES
        for thing in (getattr(module, name) for name in dir(module) if not name.startswith("_"))
        if inspect.isclass(thing) and issubclass(thing, ROOTS)
    },
    key=lambda cls: (cls.__name__, cls.__module__),
)

# What Keras does not have, documented for those who subclass the class.
HOOKS = {
    Model: {"to"},
    callbacks.Callback: {"resume_state", "resume_from"},
    callbacks.CallbackList: {
        "append",
        "first_epoch",
        "has_train_batch_hooks",
        "has_test_batch_hooks",
        "has_predict_batch_hooks",
    },
    optimizers.Optimizer: {"rule", "slot_groups", "lr", "get_weights"},  # the last two are of Keras 1 and 2
}
# Keras has these on functional models alone, so a subclass of Model with a call of its own may take them.
OF_FUNCTIONAL = {"inputs", "outputs", "input_shape", "output_shape", "input_names", "output_names"}
# Names that a user's class may well have, most of which once were ours.
ORDINARY = """
    network step several pace place freezings stack calls groups slots registry rank gates rate noise draw state
    state_sizes
    library strength matrix counted check location position index config data batch epoch size values kind names run
    scores project merge finish rates mean count total watched worst improves accumulates decay steps sources
    computes_in_floats argument_checks config_slots not_in_config step_grouping multi_step trainable_version
""".split()
X, Y = np.arange(12, dtype="float32").reshape(4, 3) / 12, np.ones((4, 3), "float32")


def keras_names(cls):
    """The public names of Keras's class of the same name, or of the nearest base that Keras has."""
    record = next(record for record in map(_of_keras, cls.__mro__) if record)
    return {name for key in (record["id"], *record["bases"]) for name in KERAS[key]["names"]}


def _of_keras(cls):
    """The record of Keras's class of the same name, in the package of the same name if there are several."""
    found = {key: KERAS[key] for key in KERAS if key.split(".")[1] == cls.__name__ and not key.startswith("backend.")}
    family = cls.__module__.split(".")[1] if "." in cls.__module__ else ""
    return found.get(f"{family}.{cls.__name__}", next(iter(found.values()), None))


def own_names(cls):
    """The public names in the bodies of our classes, and those that their methods assign on ``self``."""
    return {name for base in cls.__mro__ if base.__module__.startswith("amalthea.") for name in _names_in(base)}


@functools.cache
def _names_in(cls):
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    stores = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)]
    found = {*vars(cls), *(node.attr for node in stores if ast.unparse(node.value) == "self")}
    return {name for name in found if not name.startswith("_")}


def allowed(cls):
    """Names that may be ours: Keras's, arguments of constructors, and documented hooks."""
    arguments = {name for base in cls.__mro__ for name in inspect.signature(base.__init__).parameters}
    hooks = {name for base in cls.__mro__ for name in HOOKS.get(base, ())}
    return keras_names(cls) | arguments | hooks | (OF_FUNCTIONAL if issubclass(cls, Model) else set())


@pytest.mark.parametrize("cls", PUBLIC, ids=lambda cls: f"{cls.__module__.split('.')[1]}-{cls.__name__}")
def test_a_class_has_no_public_name_that_keras_does_not_have(cls):
    assert own_names(cls) - allowed(cls) == set()


# ------------------------------------------------------------------------------ a user's class at work


class User:
    """Makes subclasses with attributes of a user's, and keeps the objects of them."""

    def __init__(self, names, way):
        self.names, self.way, self.classes, self.objects = names, way, {}, []

    def subclass(self, base, **body):
        """A subclass of ``base`` that has every name, as an attribute of the object or of the class."""
        values = {name: f"my {name}" for name in self.names if name not in HOOKED(base) | keras_names(base)}
        user = self

        @functools.wraps(base.__init__)
        def __init__(self, *args, **kwargs):
            base.__init__(self, *args, **kwargs)
            if user.way == "object":
                for name, value in values.items():
                    setattr(self, name, value)
            user.objects.append((self, values))

        name = f"My{base.__name__}"
        of_class = values if user.way == "class" else {}
        self.classes[name] = type(base)(name, (base,), {**body, **of_class, "__init__": __init__})
        return self.classes[name]

    def check(self):
        for thing, values in self.objects:
            assert {name: getattr(thing, name) for name in values} == values


def HOOKED(base):
    arguments = set(inspect.signature(base.__init__).parameters)
    return arguments | {name for above in base.__mro__ for name in HOOKS.get(above, ())}


def fit_and_load(user, model, folder, x=X, y=Y, optimizer="sgd", loss="mse", metrics=None, callbacks=()):
    """Trains, evaluates, saves and loads the model; the loaded one predicts the same and trains on."""
    model.compile(optimizer, loss, metrics=metrics)
    data = (x,) if y is None else (x, y)
    model.fit(*data, epochs=2, verbose=0, callbacks=list(callbacks))
    model.fit(*data, verbose=0, steps_per_epoch=1)
    model.evaluate(*data, verbose=0)
    inputs = x[0][0] if y is None else x
    want = model.predict(inputs, verbose=0)
    model.train_on_batch(*(x[0] if y is None else data))
    want = model.predict(inputs, verbose=0)
    model.summary(print_fn=lambda text: None)
    model.save(folder / "model.keras")
    loaded = load_model(folder / "model.keras", custom_objects=user.classes)
    np.testing.assert_allclose(loaded.predict(inputs, verbose=0), want, rtol=1e-6)
    loaded.fit(*data, verbose=0)
    user.check()


def dense_model(user, folder):
    def call(self, x):
        return self.dense(x)

    made = user.subclass(Model, call=call)()
    made.dense = layers.Dense(3)
    own = user.subclass(Model, call=call, build=lambda self, shape: setattr(self, "dense", layers.Dense(3)))
    fit_and_load(user, own(), folder)


def sequential(user, folder):
    model = user.subclass(Sequential)()
    for layer in (Input((3,)), layers.Dense(4), layers.Dropout(0.5), layers.Dense(3)):
        model.add(layer)
    fit_and_load(user, model, folder)


def functional(user, folder):
    x = Input((3,))
    model = user.subclass(Model)(inputs=x, outputs=layers.Dense(3)(x))
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    user.check()


def layer(base, *args, shape=(3,), **body):
    """A function that trains a model around a user's layer, twice: in a list, and called on symbols."""

    def use(user, folder):
        kind = user.subclass(base, **body)
        given = [arg(user) if inspect.isfunction(arg) else arg for arg in args]
        inside = [layers.Reshape(shape), kind(*given), layers.Flatten(), layers.Dense(3)]
        fit_and_load(user, Sequential([Input((3,)), *inside]), folder)

    return use


def in_compile(base, argument, make=lambda kind: kind(), **body):
    """A function that trains a model with a user's loss, metric or optimizer."""

    def use(user, folder):
        model = Sequential([Input((3,)), layers.Dense(3)])
        made = make(user.subclass(base, **body))
        fit_and_load(user, model, folder, **{argument: [made] if argument in ("metrics", "callbacks") else made})

    return use


def in_layer(base, argument, make=lambda kind: kind(), **body):
    """A function that trains a model with a user's initializer, regularizer, constraint or policy in a layer."""

    def use(user, folder):
        made = make(user.subclass(base, **body))
        fit_and_load(user, Sequential([Input((3,)), layers.Dense(3, **{argument: made})]), folder)

    return use


def in_data(user, folder):
    body = {"__len__": lambda self: 2, "__getitem__": lambda self, i: (X[2 * i : 2 * i + 2], Y[2 * i : 2 * i + 2])}
    made = user.subclass(utils.PyDataset, **body)()
    fit_and_load(user, Sequential([Input((3,)), layers.Dense(3)]), folder, made, None)


def double(self, x, **kwargs):
    return x * 2


def cells(user):
    return [user.subclass(layers.LSTMCell)(2), user.subclass(layers.GRUCell)(2), user.subclass(layers.SimpleRNNCell)(2)]


class Total(metrics.Metric):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.value = self.add_variable((), name="value")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.value.assign_add(ops.sum(y_pred))

    def result(self):
        return self.value + 0.0


USES = {
    "Model": dense_model,
    "Sequential": sequential,
    "functional model": functional,
    "Layer": layer(layers.Layer, call=double),
    "Dense": layer(layers.Dense, 3),
    "Wrapper": layer(layers.Wrapper, layers.Dense(3), call=lambda self, x: self.layer(x)),
    "TimeDistributed": layer(layers.TimeDistributed, layers.Dense(2), shape=(3, 1)),
    "Bidirectional": layer(layers.Bidirectional, layers.LSTM(2), shape=(3, 1)),
    "RNN": layer(layers.RNN, cells, shape=(3, 1)),
    "LSTM": layer(layers.LSTM, 2, shape=(3, 1)),
    "GRU": layer(layers.GRU, 2, shape=(3, 1)),
    "SimpleRNN": layer(layers.SimpleRNN, 2, shape=(3, 1)),
    "Conv1D": layer(layers.Conv1D, 2, 2, shape=(3, 1)),
    "BatchNormalization": layer(layers.BatchNormalization),
    "Embedding": layer(layers.Embedding, 4, 2),
    "Dropout": layer(layers.Dropout, 0.5),
    "Callback": in_compile(callbacks.Callback, "callbacks", on_epoch_end=lambda self, epoch, logs=None: None),
    "EarlyStopping": in_compile(callbacks.EarlyStopping, "callbacks", lambda kind: kind("loss")),
    "Metric": in_compile(Total, "metrics"),
    "Mean": in_compile(metrics.MeanSquaredError, "metrics"),
    "Loss": in_compile(losses.Loss, "loss", call=lambda self, y, p: ops.mean((y - p) ** 2, axis=-1)),
    "MeanSquaredError": in_compile(losses.MeanSquaredError, "loss"),
    "Optimizer": in_compile(
        optimizers.Optimizer, "optimizer", lambda kind: kind(0.1), rule=lambda self, g, value, rate: (value - g * rate,)
    ),
    "Adam": in_compile(optimizers.Adam, "optimizer"),
    "SGD": in_compile(optimizers.SGD, "optimizer", lambda kind: kind(momentum=0.9, gradient_accumulation_steps=2)),
    "LearningRateSchedule": in_compile(
        schedules.LearningRateSchedule, "optimizer", lambda kind: optimizers.SGD(kind()),
        __call__=lambda self, step: 0.1, get_config=lambda self: {},
    ),
    "Initializer": in_layer(
        initializers.Initializer, "kernel_initializer", __call__=lambda self, shape, dtype=None, **_: ops.ones(shape)
    ),
    "GlorotUniform": in_layer(initializers.GlorotUniform, "kernel_initializer"),
    "Regularizer": in_layer(regularizers.Regularizer, "kernel_regularizer", __call__=lambda self, w: ops.sum(w * w)),
    "Constraint": in_layer(constraints.Constraint, "kernel_constraint", __call__=lambda self, w: w * 1.0),
    "DTypePolicy": in_layer(dtype_policies.DTypePolicy, "dtype", lambda kind: kind("mixed_bfloat16")),
    "PyDataset": in_data,
}  # fmt: skip


def names_to_take():
    """Ordinary names, and every public name of ours that Keras does not have (which the first test finds too)."""
    return sorted({*ORDINARY, *OF_FUNCTIONAL, *(name for cls in PUBLIC for name in own_names(cls) - allowed(cls))})


@pytest.mark.parametrize("way", ["object", "class"])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_subclass_may_have_any_name_that_keras_leaves_free(use, way, tmp_path):
    if use is functional and way == "class":
        pytest.skip("the names of a functional model are Keras's")
    names = [name for name in names_to_take() if use is not functional or name not in OF_FUNCTIONAL]
    try:
        use(User(names, way), tmp_path)
    except Exception:
        broken = [name for name in names if _breaks(use, name, way, tmp_path / name)]
        assert broken == []
        raise


def _breaks(use, name, way, folder):
    folder.mkdir()
    try:
        use(User([name], way), folder)
    except Exception:
        return True
    return False


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_an_object_that_was_used_has_no_public_attribute_that_keras_does_not_have(use, tmp_path):
    user = User([], "object")
    use(user, tmp_path)
    for thing, _ in user.objects:
        base = type(thing).__mro__[1]
        extra = {name for name in vars(thing) if not name.startswith("_")} - allowed(base)
        assert extra <= {"dense", "value"}, base  # which this file sets


def test_layers_under_any_name_are_trained_and_saved(tmp_path):
    names = [name for name in names_to_take() if name not in keras_names(Model)]

    class Held(Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            for name in names:
                setattr(self, name, layers.Dense(3, kernel_initializer="identity"))

        def call(self, x):
            for name in names:
                x = getattr(self, name)(x)
            return x

    model = Held()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert len(model.trainable_variables) == 2 * len(names)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras", custom_objects={"Held": Held})
    np.testing.assert_allclose(loaded.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-6)
