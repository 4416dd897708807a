"""Whole numbers into layers: one that computes in floats gives floats, every other leaves values as they are."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import layers, ops, tree
from tests.layers.test_layers import RECORDS, call, made
from tests.thinned import thinned

pytestmark = pytest.mark.filterwarnings("ignore:.*drops the mask of its input")
WHOLE_ARITHMETIC = {"Add", "Subtract", "Multiply", "Dot"}  # as of arrays: bytes wrap, and stay bytes
KEEP_BYTES = {"Resizing"}  # images of bytes stay such, rounded
CASES = [r for r in RECORDS if r["inputs"] and all(x.dtype.kind == "f" for x in r["inputs"])]
CASES = thinned([r for r in CASES if r["class_name"] not in WHOLE_ARITHMETIC], 4)


def _values(record, inputs):
    layer = made(record)
    layer.set_weights([np.reshape(w, v.shape) for w, v in zip(record["weights"], layer.weights)])
    amalthea.utils.set_random_seed(1)
    return [ops.convert_to_numpy(y) for y in tree.flatten(call(layer, record, inputs, record["arguments"]))]


@pytest.mark.parametrize("dtype", ["uint8", "bool"])
@pytest.mark.parametrize("record", CASES, ids=[r["id"] for r in CASES])
def test_whole_numbers_give_what_the_same_floats_give(record, dtype):
    if dtype == "bool" and "bools" in record["exceptions"]:
        pytest.skip(record["exceptions"]["bools"])
    inputs = [np.clip(np.abs(x * 60), 0, 250).astype("uint8") if dtype == "uint8" else x > 0 for x in record["inputs"]]
    found, wanted = _values(record, inputs), _values(record, [x.astype("float32") for x in inputs])
    for got, want in zip(found, wanted, strict=True):
        if dtype == "uint8" and record["class_name"] in KEEP_BYTES:
            assert got.dtype == np.uint8
            np.testing.assert_allclose(got, np.clip(want, 0, 255), atol=0.501)
            continue
        np.testing.assert_allclose(got.astype(want.dtype), want, rtol=1e-4, atol=1e-4)
        if getattr(layers, record["class_name"])._computes_in_floats is True:
            assert got.dtype == want.dtype


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "float64"])
def test_whole_numbers_are_computed_with_in_the_compute_dtype(policy):
    for make in (
        layers.BatchNormalization,
        layers.LayerNormalization,
        lambda **k: layers.AveragePooling1D(2, **k),
        lambda **k: layers.Dense(2, **k),
    ):
        layer = make(dtype=policy)
        assert ops.dtype(layer(np.ones((2, 4, 3), "uint8"))) == layer.compute_dtype
