"""Work of loading: traces of nested models, lookups, and patterns of names."""

from __future__ import annotations

import itertools
import re

import pytest

import amalthea
from amalthea import Input, Model, Sequential, layers, ops
from amalthea.errors import ArgumentError
from amalthea.optimizers import patterns
from tests.saving.archives import with_config


class Counted(layers.Layer):
    calls = 0

    def call(self, x):
        type(self).calls += 1
        return x


def nested(depth, inner):
    """Models within models, each called twice."""
    for i in range(depth):
        x = Input((3,))
        inner = Model(x, inner(inner(x)), name=f"m{i}")
    return inner


def test_a_nested_model_is_traced_once_for_each_type_of_its_inputs(tmp_path):
    x = Input((3,))
    Counted.calls = 0
    made = nested(6, Model(x, Counted()(x)))
    few = Counted.calls
    made = nested(4, made)
    assert Counted.calls - few == 0
    assert few <= 2
    made.save(tmp_path / "m.keras")
    Counted.calls = 0
    amalthea.saving.load_model(tmp_path / "m.keras", custom_objects={"Counted": Counted})
    assert Counted.calls <= 2


def test_a_nested_model_is_traced_anew_for_another_type():
    x = Input((None, 3))
    inner = Model(x, layers.GlobalAveragePooling1D(keepdims=True)(ops.concatenate([x, x], axis=1)))
    shapes = [inner(Input(shape)).shape for shape in ((5, 3), (None, 3), (7, 3))]
    assert shapes == [(None, 1, 3)] * 3
    again = Model(x, layers.ZeroPadding1D(1)(x))
    assert [again(Input(shape)).shape for shape in ((5, 3), (7, 3), (None, 3))] == [
        (None, 7, 3),
        (None, 9, 3),
        (None, None, 3),
    ]
    masked = Model(y := Input((4,)), layers.Embedding(5, 2, mask_zero=True)(y))
    assert all(masked(Input((4,)))._keras_mask is not None for _ in range(2))


@pytest.mark.parametrize("order", ["as written", "reversed"])
def test_the_work_of_loading_grows_with_the_number_of_layers(order, tmp_path):
    """Lookups are counted, not seconds: twice the layers make twice as many, in whatever order they stand."""
    counts = [_lookups(count, order, tmp_path) for count in (20, 40, 80)]
    assert (counts[2] - counts[1]) <= 2.2 * (counts[1] - counts[0])


def _lookups(count, order, folder):
    import sys

    x = first = Input((2,))
    for i in range(count):
        x = layers.Dense(2, use_bias=False, name=f"d{i}")(x)
    file = folder / "m.keras"
    Model(first, x).save(file)
    if order == "reversed":
        with_config(file, lambda config: config["config"]["layers"].reverse())
    lines = 0

    def count_lines(frame, event, argument):
        nonlocal lines
        lines += 1
        return count_lines

    before = sys.gettrace()
    sys.settrace(count_lines)
    try:
        amalthea.saving.load_model(file)
    finally:
        sys.settrace(before)
    return lines


def test_layers_are_added_in_a_time_that_does_not_depend_on_their_number():
    with pytest.raises(ArgumentError, match="named 'a' already"):
        Sequential([layers.Dense(1, name="a"), layers.Dense(1, name="b"), layers.Dense(1, name="a")])
    made = Sequential([layers.Dense(1, name="a")])
    made.pop()
    made.add(layers.Dense(1, name="a"))


PARTS = ["a", "b", ".", "a*", "b+", "a?", ".*", r"\d", r"\w+", "[ab]", "[^a]", "[0-9]*", r"\.", "1"]


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_pattern_finds_what_a_regular_expression_finds(length):
    texts = ["", "a", "ab", "ba1", "aab.b", "1", "b_2a", "....", "bbb1bbb", "cab"]
    chosen = itertools.product(PARTS, repeat=length)
    for parts in itertools.islice(chosen, 0, None, 1 if length < 3 else 7):
        for form in ("{}", "^{}", "{}$", "^{}$", "{}|^1$"):
            pattern = form.format("".join(parts))
            for text in texts:
                assert patterns.found(pattern, text) == bool(re.search(pattern, text)), (pattern, text)


@pytest.mark.parametrize("pattern", ["(a+)+$", "a{2}", "*a", "[a", "a**", "x" * 2000, "(?i)a"])
def test_regular_expressions_beyond_patterns_of_names_are_refused(pattern):
    with pytest.raises(ArgumentError, match=r"pattern"):
        patterns.found(pattern, "a" * 50)


def test_a_pattern_that_repeats_is_found_in_little_time():
    steps = [0]

    class Letter(str):
        def __eq__(self, other):
            steps[0] += 1
            return str(self) == str(other)

        __hash__ = str.__hash__

    text = [Letter("a")] * 200
    assert not patterns.found("a*" * 20 + "b$", text)
    assert steps[0] < 200 * 50


def test_an_optimizer_in_a_file_runs_no_regular_expression(tmp_path):
    made = Sequential([Input((4,)), layers.Dense(5, name="a" * 40)])
    made.compile(amalthea.optimizers.Muon(exclude_layers=["dense"]), "mse")
    made.save(tmp_path / "m.keras")
    with_config(
        tmp_path / "m.keras",
        lambda c: c["compile_config"]["optimizer"]["config"].__setitem__("exclude_layers", ["(a+)+$"]),
    )
    with pytest.raises(ArgumentError, match="pattern"):
        amalthea.saving.load_model(tmp_path / "m.keras")
