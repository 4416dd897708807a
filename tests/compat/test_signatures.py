"""Positional arguments of old versions mean what they meant: against the signatures of the real packages."""

import ast
import inspect
import json
from pathlib import Path

import pytest

from amalthea import layers, optimizers
from amalthea.layers import legacy
from amalthea.spellings import keras1, keras2
from amalthea.spellings.signatures import signatures

SURFACE = json.loads((Path(__file__).parents[1] / "oracles/old_keras/stored/surface.json").read_text())
TABLES = {1: (keras1.LAYERS, keras1.COMMON), 2: (keras2.LAYERS, keras2.COMMON)}
ROWS = [
    (era, name, text)
    for era, version in ((1, "1.2.2"), (2, "2.2.4"))
    for name, text in SURFACE[version]["signatures"].items()
    if (name in TABLES[era][0] and name != "Identity") or (hasattr(optimizers, name) and name != "Optimizer")
]


def _parsed(text):
    call = ast.parse(f"def f({text}): pass").body[0].args
    names = [a.arg for a in call.args]
    values = [ast.literal_eval(d) for d in call.defaults]
    return names, dict(zip(names[len(names) - len(values) :], values))


@pytest.mark.parametrize("era, name, text", ROWS, ids=[f"{era} {name}" for era, name, _ in ROWS])
def test_arguments_have_the_order_of_the_version(era, name, text):
    names, _ = _parsed(text)
    own = signatures(era).get(name)
    if own is not None:
        assert list(own.arguments[: len(names)]) == names[: len(own.arguments)]
        return
    cls = getattr(layers, name, None) or getattr(legacy, name, None) or getattr(optimizers, name)
    today = list(inspect.signature(cls.__init__).parameters)[1:]
    table, common = TABLES[era]
    renames = {**common.arguments, **table[name].arguments} if name in table else {}
    expected = [renames.get(n, n) for n in names]
    expected = [n for n in expected if n not in ("activity_regularizer", "input_length", "implementation")]
    kept = [n for n in today if n not in ("activity_regularizer",)][: len(expected)]
    assert kept == expected


@pytest.mark.parametrize("era, name, text", ROWS, ids=[f"{era} {name}" for era, name, _ in ROWS])
def test_defaults_are_those_of_the_version(era, name, text):
    own = signatures(era).get(name)
    _, theirs = _parsed(text)
    for argument, value in (own.defaults if own is not None else {}).items():
        if theirs.get(argument) is None:
            assert value in (None, "linear", 1e-7), argument  # epsilon=None was K.epsilon()
        else:
            assert value == theirs[argument], argument
