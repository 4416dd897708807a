"""Bad input: every number that a public constructor or method takes is held against its kind before anything changes.

Arguments are found from signatures, by name; a value that is bad elsewhere and meaningful here is a row below.
"""

from __future__ import annotations

import inspect
import math
import re

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, callbacks, initializers, layers, ops, optimizers
from amalthea.errors import AmaltheaError, ArgumentError, DataError
from amalthea.optimizers import schedules

BAD = {"negative": -3, "NaN": math.nan, "infinite": math.inf, "text": "1", "bool": True, "None": None}
# Constructor arguments that are numbers (or several), found by these names in the signatures.
NUMERIC = re.compile(
    r"(adam_)?beta(_1|_2|_2_decay)?|(ema_|renorm_)?momentum|rho|epsilon(_1|_2)?|(adam_)?weight_decay|clip\w+|"
    r"global_clipnorm|gradient_accumulation_steps|ema_overwrite_frequency|loss_scale_factor|initial_\w+(?<!_graph)|"
    r"l1|l2|l[12]_\w+strength|learning_rate|learning_rate_power|muon_[abc]|ns_steps|adam_lr_ratio|rms_rate|"
    r"dynamic_growth_steps|(first_)?(decay|warmup)_steps|decay_rate|end_learning_rate|power|[tm]_mul|warmup_target|"
    r"alpha|patience|cooldown|min_delta|min_lr|factor|baseline|start_from_epoch|save_freq|units|filters|kernel_size|"
    r"strides|dilation_rate|pool_size|groups|depth_multiplier|input_dim|output_dim|rate|dropout|recurrent_dropout|"
    r"axis|axes|stddev|negative_slope|max_value|threshold|n|size|height|width|bins|num_\w+|key_dim|value_dim|head_dim|"
    r"sliding_window|power_iterations|frame_length|frame_step|fft_length|sequence_\w+|sampling_rate|m\w+_freq|top_db|"
    r"mag_exp|min_power|ref_power|mask_value|logit_soft_cap|output_size|shared_axes|attention_axes|batch_size|"
    r"height_factor|width_factor|fill_value|offset|cropping"
)
# "class: argument: value", as patterns, and why it means something.
MEANINGFUL = {
    r".*: (axis|axes|shared_axes|attention_axes): negative": "axes count from the end; the rank is met later",
    r".*: (muon_[abc]|min_delta|fill_value|offset): negative": "any finite number; of min_delta its size counts",
    r"ELU: alpha: negative": "any finite number",
    r"Adafactor: beta_2_decay: negative": "a power that falls",
    r"Ftrl: learning_rate_power: negative": "a power that falls",
    r".*: (baseline|initial_value_threshold): (negative|infinite)": "a metric may have any value but NaN",
    r"Hashing: mask_value: (negative|text)": "a value of the data, which may be text",
    r"Masking: mask_value: (negative|infinite)": "a value of the data",
    r".*: (clip\w*|global_clipnorm): infinite": "no limit",
    r"ContrastLimited\w*: clip_limit: negative": "no limit",
    r"Muon: (adam_weight_decay|weight_decay|rms_rate): None": "none",
    r"AdamW: weight_decay: None": "none",
    r"Normalization: axis: None": "one mean for all",
}
NEEDED = {  # what a constructor needs beside the argument that is tried
    "directory": lambda: "checkpoints",
    "optimizer_map": lambda: optimizers.OptimizerMap(optimizers.SGD()),
    "layer": lambda: layers.Dense(2), "cell": lambda: layers.LSTMCell(2), "cells": lambda: [layers.LSTMCell(2)],
    "equation": lambda: "ab,bc->ac", "output_shape": lambda: 2,
    "function": lambda: ops.abs, "activation": lambda: "relu",
    "inner_optimizer": lambda: "sgd", "filepath": lambda: "m.keras", "backup_dir": lambda: "b", "filename": lambda: "f",
    "schedule": lambda: float, "boundaries": lambda: [1], "values": lambda: [0.1, 0.2], "target_shape": lambda: (2,),
    "dims": lambda: (1,), "seed": lambda: None, "rate": lambda: 0.5, "factor": lambda: 0.5, "scale": lambda: 1.0,
    "height_factor": lambda: 0.5, "width_factor": lambda: 0.5,
    "stddev": lambda: 0.5, "decay_rate": lambda: 0.5, "initial_learning_rate": lambda: 0.5,
}  # fmt: skip
FOREIGN = ("FlaxLayer", "JaxLayer", "TorchModuleWrapper", "TFSMLayer", "InputSpec", "CallbackList", "RemoteMonitor")


def _classes():
    for room, root in (
        (optimizers, optimizers.Optimizer),
        (schedules, schedules.LearningRateSchedule),
        (callbacks, callbacks.Callback),
        (layers, layers.Layer),
    ):
        names = getattr(room, "__all__", None) or dir(room)
        found = {getattr(room, name) for name in names if isinstance(getattr(room, name), type)}
        yield from sorted(
            (c for c in found if issubclass(c, root) and c.__name__ not in FOREIGN), key=lambda c: c.__name__
        )


def _numeric(cls):
    for p in list(inspect.signature(cls.__init__).parameters.values())[1:]:
        is_flag = isinstance(p.default, bool)
        if (
            NUMERIC.fullmatch(p.name)
            and not is_flag
            and not p.name.endswith(("initializer", "regularizer", "constraint"))
        ):
            yield p


CASES = [
    (cls, p.name, kind)
    for cls in _classes()
    for p in _numeric(cls)
    for kind in BAD
    if kind != "None" or p.default is not None
]


def _others(cls, tried):
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    needed = [p for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD and p.name != tried]
    return {p.name: NEEDED.get(p.name, lambda: 2)() for p in needed}


def _ids(case):
    return f"{case[0].__name__}: {case[1]}: {case[2]}"


@pytest.mark.parametrize("case", CASES, ids=_ids)
def test_a_number_that_cannot_be_meant_is_refused_by_every_constructor(case):
    cls, name, kind = case
    others = _others(cls, name)
    if any(re.fullmatch(pattern, _ids(case)) for pattern in MEANINGFUL):
        cls(**others, **{name: BAD[kind]})
        return
    with pytest.raises(AmaltheaError) as raised:
        cls(**others, **{name: BAD[kind]})
    assert name in str(raised.value) or cls.__name__ in str(raised.value)


@pytest.mark.parametrize("cls", list(dict.fromkeys(case[0] for case in CASES)), ids=lambda c: c.__name__)
def test_defaults_and_numbers_of_numpy_are_taken(cls):
    if cls in (
        optimizers.Optimizer,
        layers.Discretization,
        layers.CategoryEncoding,
        layers.InputLayer,
        layers.RandomPosterization,
    ):
        return
    cls(**{k: np.int64(v) if type(v) is int else v for k, v in _others(cls, None).items()})


def test_every_value_that_is_listed_as_meaningful_is_tried():
    assert [p for p in MEANINGFUL if not any(re.fullmatch(p, _ids(case)) for case in CASES)] == []


def test_a_subclass_of_your_own_is_held_too():
    class Mine(layers.Dropout):
        def __init__(self):
            super().__init__(rate=1.5)

    with pytest.raises(ArgumentError, match="`rate` of Mine"):
        Mine()


# ------------------------------------------------------------------------------------------------ models


def _model():
    amalthea.utils.set_random_seed(0)
    model = Sequential([Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


X, Y = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")
NOT_COUNTS = (-1, 2.5, "3", True, math.nan)
FIT = {
    **dict.fromkeys(("epochs", "initial_epoch"), (*NOT_COUNTS, None)),
    **dict.fromkeys(("batch_size", "steps_per_epoch", "validation_steps", "validation_batch_size"), (*NOT_COUNTS, 0)),
    "validation_split": ("0.1", 1.0, -0.1, math.nan, True),
    "validation_freq": (0, -1, "1", True, 1.5, [0], None),
    "verbose": ("1", -1, 1.5, None),
    "pad_to_multiple": (0, -1, "2"),
    "class_weight": ([1, 2], {0: "a"}, {0: -1.0}, {0: math.nan}, {"a": 1.0}, "balanced"),
    "callbacks": (3,),
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in FIT.items() for v in values], ids=str)
def test_fit_refuses_before_anything_changes(name, value):
    model = _model()
    before = [w.copy() for w in model.get_weights()]
    with pytest.raises(AmaltheaError):
        model.fit(
            X, Y, **{"verbose": 0, "validation_data": None if name == "validation_split" else (X, Y), name: value}
        )
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    assert model.optimizer.iterations.numpy() == 0


@pytest.mark.parametrize("verb", ["evaluate", "predict"])
@pytest.mark.parametrize(
    ("name", "value"), [(n, v) for n in ("batch_size", "steps") for v in (*NOT_COUNTS, 0)], ids=str
)
def test_evaluate_and_predict_refuse_too(verb, name, value):
    with pytest.raises(AmaltheaError):
        getattr(_model(), verb)(X, verbose=0, **{name: value})


def test_numbers_that_keras_accepts_are_accepted():
    model = _model()
    before = model.get_weights()
    model.fit(X, Y, epochs=0, verbose=False)
    assert np.array_equal(before[0], model.get_weights()[0])
    model.fit(X, Y, np.int64(4), epochs=np.int64(2), validation_data=(X, Y), validation_freq=[1, 2], verbose=0)
    model.fit(X, Y, class_weight={1: 2}, initial_epoch=3, verbose=0)
    assert layers.BatchNormalization(momentum=1).momentum == 1 and layers.LayerNormalization(axis=[1, 2]).axis == [1, 2]
    assert float(optimizers.SGD(0, momentum=1).learning_rate.numpy()) == 0
    assert Input(np.int64(3)).shape == (None, 3) and Input(()).shape == (None,)


@pytest.mark.parametrize("value", [0, -1, "2", 1.5, True])
def test_steps_per_execution_is_a_positive_number_of_batches(value):
    with pytest.raises(ArgumentError, match="steps_per_execution"):
        _model().compile("sgd", "mse", steps_per_execution=value)


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, "0.1", True, None])
def test_the_learning_rate_is_checked_when_it_is_set(value):
    optimizer = optimizers.Adam(0.1)
    with pytest.raises(ArgumentError, match="learning_rate"):
        optimizer.learning_rate = value
    assert float(optimizer.learning_rate.numpy()) == np.float32(0.1)


@pytest.mark.parametrize("shape", [(-4,), ("4",), (2.5,), (True,), "4", 2.5, ((3,),)], ids=str)
def test_an_input_has_sizes(shape):
    for make in (lambda: Input(shape), lambda: layers.InputLayer(batch_shape=shape)):
        with pytest.raises(ArgumentError, match="shape"):
            make()


ON_AXES = [
    layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization, layers.RMSNormalization,
    layers.UnitNormalization, layers.Softmax, layers.Normalization, layers.Concatenate,
]  # fmt: skip


@pytest.mark.parametrize("cls", ON_AXES, ids=lambda c: c.__name__)
@pytest.mark.parametrize("axis", [2, -3, 9])
def test_an_axis_that_the_input_does_not_have_is_told(cls, axis):
    layer = cls(axis=axis)
    x = [np.ones((2, 4), "float32")] * 2 if cls is layers.Concatenate else np.ones((2, 4), "float32")
    with pytest.raises(ArgumentError, match=f"`axis` of '{layer.name}'"):
        layer(x)


def test_a_loss_or_metric_of_one_argument_is_told_by_compile():
    for options in ({"loss": lambda y: y}, {"loss": "mse", "metrics": [lambda y: y]}):
        with pytest.raises(ArgumentError, match="2 arguments"):
            _model().compile("sgd", **options)


class Caller(Model):
    def call(self, x):
        return self(x)


def _cycle():
    outer, inner = Sequential(), Sequential([layers.Dense(2)])
    outer.add(inner)
    inner.add(outer)


HOLDING = {"itself": lambda: (m := Sequential()).add(m), "a cycle": _cycle, "its own call": lambda: Caller()(X)}


@pytest.mark.parametrize("name", HOLDING)
def test_a_model_that_holds_itself_is_told(name):
    with pytest.raises(ArgumentError, match="hold itself|deeper"):
        HOLDING[name]()


# -------------------------------------------------------------------------------------------- embeddings


def _embedding(inner=False):
    stack = [Input((3,), dtype="int32"), layers.Embedding(5, 2, name="words"), layers.Flatten(), layers.Dense(1)]
    model = Sequential([Input((3,), dtype="int32"), Sequential(stack)] if inner else stack)
    model.compile("sgd", "mse")
    return model


ONE = np.ones((2, 1), "float32")
READERS = {
    "fit": lambda m, x: m.fit(x, ONE, verbose=0),
    "validation": lambda m, x: m.fit(x * 0, ONE, validation_data=(x, ONE), verbose=0),
    "a data set": lambda m, x: m.fit([(x * 0, ONE), (x, ONE)].__iter__(), steps_per_epoch=2, verbose=0),
    "evaluate": lambda m, x: m.evaluate(x, ONE, verbose=0),
    "predict": lambda m, x: m.predict(x, verbose=0),
    "train_on_batch": lambda m, x: m.train_on_batch(x, ONE),
    "test_on_batch": lambda m, x: m.test_on_batch(x, ONE),
    "predict_on_batch": lambda m, x: m.predict_on_batch(x),
    "call": lambda m, x: m(x),
}


@pytest.mark.parametrize("index", [-1, 5])
@pytest.mark.parametrize("inner", [False, True], ids=["direct", "inner"])
@pytest.mark.parametrize("name", READERS)
def test_an_index_without_a_row_is_told_on_the_host(name, inner, index):
    x = np.array([[0, 1, 2], [0, index, 1]], "int32")
    with pytest.raises(DataError, match=rf"'words' .* index {index}\."):
        READERS[name](_embedding(inner), x)


def test_an_index_made_within_a_model_reads_the_nearest_row():
    layer = layers.Embedding(5, 2, initializers.RandomNormal(seed=1))
    words = Input((3,), dtype="int32")
    model = Model(words, layer(ops.multiply(words, 10)))
    found = model.predict(np.array([[-1, 0, 1]]), verbose=0)
    np.testing.assert_array_equal(found[0], layer.get_weights()[0][[0, 0, 4]])
