"""Every public name of ``keras.backend`` of 1.2.2, 2.2.4, 2.3.1 and 2.15 is there, or refused with its reason."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from amalthea.compat import absent, backend
from amalthea.compat import backend as K

NAMES = json.loads((Path(__file__).parents[1] / "oracles/old_keras/stored/backend_names.json").read_text())
ROWS = [(version, name) for version, names in NAMES.items() for name in names]


@pytest.mark.parametrize("version", NAMES)
def test_every_name_is_there_or_refused_with_its_reason(version, keras):
    keras(1 if version[0] == "1" else 2)
    module = importlib.import_module("keras.backend")
    assert len(NAMES[version]) > 150
    for name in NAMES[version]:
        why = absent.reason("backend", name)
        if why:
            with pytest.raises(AttributeError, match="keras.backend has no"):
                getattr(module, name)
            assert not hasattr(backend, name), name
        else:
            assert hasattr(module, name), name


def test_few_names_are_refused():
    missing = {name for _, name in ROWS if absent.reason("backend", name)}
    assert len(missing) < 30 and "ctc_cost" in missing and "ctc_batch_cost" not in missing


# What Keras 2.3.1 and tf_keras 2.15.1 answer.
ANSWERS = {
    "size": (lambda: int(K.eval(K.size(K.variable(np.ones((2, 3)))))), 6),
    "size of no elements": (lambda: int(K.eval(K.size(K.zeros((0, 3))))), 0),
    "size of a symbol": (lambda: K.function([x := K.placeholder((None, 3))], [K.size(x)])([np.ones((4, 3))])[0], 12),
    "is_variable": (lambda: [K.is_variable(x) for x in (K.variable(1.0), np.ones(2))], [True, False]),
    "is_variable of a symbol": (lambda: K.is_variable(K.placeholder((2,))), False),
    "is_symbolic": (lambda: [K.is_symbolic(x) for x in (K.placeholder((2,)), np.ones(2))], [True, False]),
    "dtype_numpy": (lambda: K.dtype_numpy(K.variable(1.0)), np.float32),
    "dtype_numpy of ints": (lambda: K.dtype_numpy(np.arange(2)), np.int64),
    "symbolic": (lambda: K.symbolic(len)([1]) + K.eager(len)([1]), 2),
    "unique_object_name": (lambda: _names({}), ["a_1", "a_2", "a_2", "b", "b_1", "a_1", "c_2"]),
    "convert_inputs_if_ragged": (lambda: K.convert_inputs_if_ragged(3), (3, None)),
    "maybe_convert_to_ragged": (lambda: K.maybe_convert_to_ragged(None, 5, None), 5),
    "py_all": (lambda: (K.py_all([1, 0]), K.py_any([1, 0]), K.py_sum([1, 2])), (False, True, 3)),
}  # fmt: skip


def _names(uids):
    calls = [{"name": "a"}, {"name": "a"}, {"name": "a", "zero_based": True}]
    calls += [{"name": "b", "zero_based": True}] * 2 + [{"name": "a", "namespace": "n"}]
    calls += [{"name": "c", "avoid_names": {"c_1"}}]
    return [K.unique_object_name(name_uid_map=uids, **call) for call in calls]


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_are_those_of_keras(name):
    made, expected = ANSWERS[name]
    assert made() == expected


def test_the_flag_of_old_orders_is_kept():
    K1 = backend.for_era(1)
    K1.set_legacy_weight_ordering(True)
    assert K1.legacy_weight_ordering()
    K1.set_legacy_weight_ordering(False)
