"""Optimizers and schedules make Keras's steps, keep state in its order, and come back from their configuration."""

import inspect

import numpy as np
import pytest

from amalthea import Variable, jit, ops, optimizers, value_and_grad
from amalthea.errors import AmaltheaError, ArgumentError, UnknownNameError
from amalthea.optimizers import SGD, Adam, Optimizer, schedules
from tests.oracles.read import held, load

RECORDS = load("optimizers")
ids = [r["id"] for r in RECORDS]
SCHEDULES = load("schedules")
KERAS = held("optimizers")
PLAIN = [r for r in RECORDS if r["id"].endswith("/plain")]
NAMES = ("kernel", "bias")


def make(record):
    return optimizers.deserialize({"class_name": record["class_name"], "config": record["config"]})


def parameters(record):
    return [Variable(value, name=name) for value, name in zip(record["parameters"], NAMES)]


def rate_of(optimizer):
    return float(np.asarray(optimizer.learning_rate))


def run(record, optimizer=None):
    optimizer, variables = optimizer or make(record), parameters(record)
    optimizer.build(variables)
    steps, rates = [], []
    for gradients in record["gradients"]:
        rates.append(rate_of(optimizer))
        optimizer.apply(gradients, variables)
        steps.append([v.numpy() for v in variables])
    return optimizer, variables, steps, rates


@pytest.mark.parametrize("record", KERAS, ids=[r["id"] for r in KERAS])
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value):RuntimeWarning")
def test_every_step_is_keras_step(record):
    optimizer, variables, steps, rates = run(record)
    for mine, keras in zip(steps, record["steps"]):
        for value, expected in zip(mine, keras):
            np.testing.assert_allclose(value, expected, rtol=2e-5, atol=3e-6)
    np.testing.assert_allclose(rates, record["learning_rates"], rtol=1e-6)
    if record["finalized"]:
        optimizer.finalize_variable_values(variables)
        for variable, expected in zip(variables, record["finalized"]):
            np.testing.assert_allclose(variable.numpy(), expected, rtol=2e-5, atol=3e-6)


@pytest.mark.parametrize("record", KERAS, ids=[r["id"] for r in KERAS])
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value):RuntimeWarning")
def test_the_state_lies_in_keras_order_with_its_values(record):
    state = [v for v in run(record)[0].variables if v.name != "accumulated_weight"]  # not in Keras; the last one
    ending = [(v.path.split("/")[-1], list(v.shape), v.dtype) for v in state]
    assert ending == [(v["path"].split("/")[-1], v["shape"], v["dtype"]) for v in record["variables"]]
    for variable, expected in zip(state, record["variables"]):
        value = np.reshape(expected["value"], variable.shape)
        np.testing.assert_allclose(variable.numpy(), value, rtol=5e-5, atol=5e-6, err_msg=variable.path)


@pytest.mark.parametrize("record", RECORDS, ids=ids)
def test_every_config_is_keras_config_and_makes_the_optimizer_again(record):
    optimizer = make(record)
    config = optimizer.get_config()
    assert without_names(config) == without_names(record["get_config"])
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert type(again) is type(optimizer) and again.get_config() == config


def without_names(config):
    """(Names of optimizers are numbered through a process.)"""
    if not isinstance(config, dict):
        return config
    is_schedule = "decay_steps" in config or "boundaries" in config
    return {k: without_names(v) for k, v in config.items() if k != "name" or is_schedule}


@pytest.mark.parametrize("record", SCHEDULES, ids=[r["id"] for r in SCHEDULES])
def test_every_schedule_gives_keras_rates_and_config(record):
    schedule = getattr(schedules, record["class_name"])(**record["config"])
    rates = [float(schedule(step)) for step in record["inputs"][0]]
    np.testing.assert_allclose(rates, record["output"], rtol=1e-5, atol=1e-9)
    assert schedule.get_config() == record["get_config"]
    assert schedules.deserialize(schedules.serialize(schedule)).get_config() == record["get_config"]


@pytest.mark.parametrize("record", KERAS, ids=[r["id"] for r in KERAS])
def test_a_compiled_step_is_keras_step(record):
    optimizer, variables = make(record), parameters(record)
    optimizer.build(variables)

    @jit
    def step(*gradients):
        def loss():  # whose gradients are these
            return sum(ops.sum(ops.where(g == 0, 0.0, v.value * g)) for v, g in zip(variables, gradients))

        value, slopes = value_and_grad(loss, wrt=variables)()
        optimizer.apply(slopes, variables)
        return value

    for gradients, after in zip(record["gradients"], record["steps"]):
        step(*gradients)
        for variable, value in zip(variables, after):
            np.testing.assert_allclose(variable.numpy(), value, rtol=2e-5, atol=3e-6)
    assert not record["finalized"] or not optimizer.finalize_variable_values(variables)


@pytest.mark.parametrize("record", PLAIN, ids=[r["class_name"] for r in PLAIN])
def test_a_stateless_step_changes_nothing_and_gives_the_same(record):
    optimizer, variables = make(record), parameters(record)
    optimizer.build(variables)
    before = [v.numpy() for v in optimizer.variables]
    new, state = optimizer.stateless_apply(before, record["gradients"][0], [v.numpy() for v in variables])
    for value, expected in zip(new, record["steps"][0]):
        np.testing.assert_allclose(value, expected, rtol=2e-5, atol=3e-6)
    for variable, value in zip(variables, record["parameters"]):
        np.testing.assert_array_equal(variable.numpy(), value)
    assert int(state[0]) == 1 and int(optimizer.variables[0].numpy()) == 0


@pytest.mark.parametrize("record", PLAIN, ids=[r["class_name"] for r in PLAIN])
def test_state_that_is_saved_and_loaded_goes_on_alike(record):
    half = {**record, "gradients": record["gradients"][:2]}
    first, variables, *_ = run(half)
    store = {}
    first.save_own_variables(store)
    second = make(record)
    second.build(variables)
    second.load_own_variables(store)
    for gradients, expected in zip(record["gradients"][2:], record["steps"][2:]):
        second.apply(gradients, variables)
        for variable, value in zip(variables, expected):
            np.testing.assert_allclose(variable.numpy(), value, rtol=2e-5, atol=3e-6)
    with pytest.warns(UserWarning, match="was not loaded"):
        second.load_own_variables({"0": 1})


def test_names_give_optimizers():
    for name in ("sgd", "SGD", "adam", "AdamW", "adamw", "rmsprop", "RMSprop", "lion"):
        assert type(optimizers.get(name)).__name__.lower() == name.lower()
    with pytest.raises(UnknownNameError, match="use '(?i:adam)"):
        optimizers.get("adamm")


def test_older_spellings_are_understood():
    assert rate_of(SGD(lr=0.25)) == 0.25
    optimizer = SGD(lr=0.1, decay=0.5, momentum=0.9, nesterov=True)
    assert isinstance(optimizer.get_config()["learning_rate"], dict)
    assert rate_of(optimizer) == np.float32(0.1)
    with pytest.raises(ArgumentError, match="momentm"):
        SGD(momentm=0.9)


def test_configurations_of_older_files_are_read():
    first = {"name": "SGD", "lr": 0.25, "decay": 0.0, "momentum": 0.9, "nesterov": True}
    assert rate_of(optimizers.get({"class_name": "SGD", "config": first})) == 0.25
    falling = {"initial_learning_rate": 0.5, "decay_steps": 10, "decay_rate": 0.5}
    second = {
        "name": "Adam",
        "learning_rate": {"class_name": "ExponentialDecay", "config": falling},
        "jit_compile": False,
        "is_legacy_optimizer": False,
        "amsgrad": False,
    }
    optimizer = optimizers.get({"class_name": "Adam", "config": second})
    assert rate_of(optimizer) == 0.5 and optimizer.name == "Adam"


def test_slots_may_be_made_in_the_first_compiled_step():
    for name in ("Adam", "Nadam", "Adafactor", "ScheduleFreeAdamW", "Muon"):
        optimizer, w = optimizers.get(name), Variable(np.ones((3, 2)), name="w")
        step = jit(lambda g, o=optimizer, w=w: o.apply([g], [w]))
        for _ in range(2):
            step(np.ones((3, 2), "float32"))
        assert int(optimizer.iterations.numpy()) == 2 and (w.numpy() < 1).all(), name


def test_the_learning_rate_is_set_and_read():
    optimizer = Adam(0.1)
    optimizer.learning_rate = 0.5
    assert rate_of(optimizer) == 0.5 and optimizer.get_config()["learning_rate"] == 0.5
    scheduled = Adam(schedules.ExponentialDecay(0.1, 10, 0.5))
    with pytest.raises(ArgumentError, match="schedule"):
        scheduled.learning_rate = 0.1
    called = SGD(lambda: 0.25)
    w = Variable([1.0])
    called.apply([np.float32([1.0])], [w])
    assert w.numpy() == 0.75


def test_options_that_cannot_be_meant_are_refused():
    for options in ({"clipnorm": 1.0, "clipvalue": 1.0}, {"clipnorm": -1.0}, {"gradient_accumulation_steps": 1}):
        with pytest.raises(ArgumentError):
            SGD(**options)
    with pytest.raises(ArgumentError, match="momentum"):
        SGD(momentum=2.0)


def test_missing_gradients_are_told():
    v, w = Variable([1.0], name="v"), Variable([1.0], name="w")
    with pytest.raises(AmaltheaError, match="No gradients"):
        SGD().apply([None, None], [v, w])
    with pytest.warns(UserWarning, match="w"):
        SGD(0.5).apply([np.float32([1.0]), None], [v, w])
    assert v.numpy() == 0.5 and w.numpy() == 1.0


def test_a_constraint_holds_after_every_step():
    w = Variable([1.0])
    w.constraint = lambda x: ops.maximum(x, 0.9)
    SGD(1.0).apply([np.float32([1.0])], [w])
    assert w.numpy() == np.float32(0.9)


def test_a_gradient_may_be_the_new_value():
    v, w = Variable([1.0]), Variable([1.0])
    w.overwrite_with_gradient = True
    SGD(1.0).apply([np.float32([0.5]), np.float32([7.0])], [v, w])
    assert v.numpy() == 0.5 and w.numpy() == 7.0


def test_excluded_variables_do_not_decay():
    v, w, b = (Variable([1.0], name=name) for name in ("kernel", "other", "bias"))
    optimizer = SGD(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=[w], var_names=["bi.s"])
    optimizer.apply([np.float32([0.0])] * 3, [v, w, b])
    assert v.numpy() == np.float32(0.95) and w.numpy() == 1.0 and b.numpy() == 1.0


def test_a_user_writes_an_optimizer_in_keras_manner():
    class Heavy(Optimizer):
        def __init__(self, learning_rate=0.1, mass=0.5, **kwargs):
            super().__init__(learning_rate, **kwargs)
            self.mass = mass

        def build(self, variables):
            if self.built:
                return
            super().build(variables)
            self.speeds = [self.add_variable_from_reference(v, name="speed") for v in variables]

        def update_step(self, gradient, variable, learning_rate):
            speed = self.speeds[0]
            speed.assign(speed * self.mass - gradient * learning_rate)
            variable.assign_add(speed)

        def get_config(self):
            return {**super().get_config(), "mass": self.mass}

    optimizer, w = Heavy(name="heavy"), Variable([1.0], name="w")
    for _ in range(2):
        optimizer.apply([np.float32([1.0])], [w])
    np.testing.assert_allclose(w.numpy(), 0.75)
    assert [v.path for v in optimizer.variables] == ["heavy/iteration", "heavy/learning_rate", "heavy/w_speed"]
    assert Heavy.from_config(optimizer.get_config()).mass == 0.5


def test_apply_gradients_takes_pairs():
    w = Variable([1.0])
    SGD(0.5).apply_gradients([(np.float32([1.0]), w)])
    assert w.numpy() == 0.5


WRAPPERS = ("LossScaleOptimizer", "MultiOptimizer", "OptimizerMap")  # which leave updates to others


@pytest.mark.parametrize("name", [n for n in optimizers.__all__ if inspect.isclass(getattr(optimizers, n))])
def test_every_signature_names_the_common_options(name):
    options = set(inspect.signature(getattr(optimizers, name)).parameters)
    assert name in WRAPPERS or {"clipnorm", "use_ema", "gradient_accumulation_steps", "name"} <= options


def test_half_precision_weights_are_trained():
    for name in ("SGD", "Adam", "RMSprop", "Adagrad", "Nadam", "Lamb", "Adafactor"):
        w = Variable(np.ones((2, 2), "float16"))
        optimizers.get(name).apply([np.ones((2, 2), "float16")], [w])
        assert w.dtype == "float16" and np.isfinite(w.numpy()).all() and (w.numpy() < 1).all(), name
