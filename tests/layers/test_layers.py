"""Every layer against the numbers of real Keras: outputs, masks, state, gradients, configuration, shapes."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import amalthea
from amalthea import ops, tree
from amalthea.engine import transforms
from amalthea.engine.ir.masks import mask_of, set_mask
from amalthea.engine.ir.trace import as_tensor
from amalthea.engine.passes.gradient import backward
from amalthea.engine.primitives import control
from tests.oracles.build import construct
from tests.oracles.draws import cotangent
from tests.oracles.read import held

RECORDS = held("layers")
IDS = [r["id"] for r in RECORDS]
# Float32 on two libraries: sums of a few dozen products in another order.
CLOSE = {"rtol": 2e-4, "atol": 2e-5}

pytestmark = pytest.mark.filterwarnings("ignore:.*drops the mask of its input")
every_record = pytest.mark.parametrize("record", RECORDS, ids=IDS)


def made(record):
    """The layer of a record, built on its inputs, with the stored weights."""
    layer = construct(amalthea, "layers", record["class_name"], record["config"])
    call(layer, record, record["inputs"], record["arguments"], setting_up=True)
    # Scalar weights are stored with the shape (1,).
    layer.set_weights([np.reshape(w, fact["shape"]) for w, fact in zip(record["weights"], record["weight_facts"])])
    if hasattr(layer, "reset_state") and getattr(layer, "stateful", False):
        layer.reset_state()
    return layer


def call(layer, record, inputs, arguments, setting_up=False):
    if record["masks"]:
        inputs = [ops.copy(x) if not hasattr(x, "type") else x for x in inputs]
        for x, mask in zip(inputs, record["masks"]):
            set_mask(x, mask)
    args = [list(inputs)] if record["gather"] == "list" else list(inputs)
    options = {k: v for k, v in record["call"].items() if not (setting_up and k == "training")}
    return layer(*args, **arguments, **options)


def differentiated(layer, record):
    """Outputs and all gradients of their weighted sum, in one compiled function."""
    floats = [i for i, x in enumerate(record["inputs"]) if x.dtype.kind == "f"]
    names = [k for k, v in record["arguments"].items() if getattr(v, "dtype", np.dtype(bool)).kind == "f"]

    def total(chosen, named):
        inputs = list(record["inputs"])
        for i, x in zip(floats, chosen):
            inputs[i] = x
        outputs = tree.flatten(call(layer, record, inputs, {**record["arguments"], **named}))
        weighted = [ops.multiply(y, cotangent(tuple(y.shape), i)) for i, y in enumerate(outputs) if _is_float(y)]
        parts = map(ops.sum, weighted)
        return as_tensor(functools.reduce(ops.add, parts, np.float32(0))), outputs

    def all_gradients(chosen, named):
        chosen = [control.identity(x) for x in chosen]
        by = [v.value for v in layer.trainable_variables]
        loss, outputs = total(chosen, named)
        gradients = backward([loss], [np.float32(1)], [*by, *chosen])
        return outputs, gradients[: len(by)], gradients[len(by) :]

    return transforms.jit(all_gradients)(
        [record["inputs"][i] for i in floats], {k: record["arguments"][k] for k in names}
    ), floats


def _is_float(x):
    return ops.dtype(x).startswith(("float", "bfloat"))


@every_record
def test_outputs_state_and_gradients_are_those_of_keras(record):
    layer = made(record)
    for earlier in record["earlier_outputs"]:
        found = tree.flatten(call(layer, record, record["inputs"], record["arguments"]))
        for a, b in zip(found, earlier, strict=True):
            np.testing.assert_allclose(ops.convert_to_numpy(a), b, **CLOSE)
    if not record["traced"]:
        found = tree.flatten(call(layer, record, record["inputs"], record["arguments"]))
        for a, b in zip(found, record["outputs"], strict=True):
            np.testing.assert_allclose(ops.convert_to_numpy(a), b, **CLOSE)
        return
    found, floats = differentiated(layer, record)
    outputs, by_weights, by_inputs = tree.map_structure(ops.convert_to_numpy, found)
    for a, b in zip(outputs, record["outputs"], strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, **CLOSE)
    for g, i in zip(by_inputs, floats, strict=True):
        np.testing.assert_allclose(g, record["input_gradients"][i], **CLOSE)
    wanted = [g for g in record["weight_gradients"] if g is not None]
    for g, want in zip(by_weights, wanted, strict=True):
        np.testing.assert_allclose(g, np.reshape(want, g.shape), **CLOSE)
    after = record["weights_after"] or (record["weights"] if record["calls"] == 1 else [])
    for variable, want in zip(layer.weights, after) if "weights_after" not in record["exceptions"] else ():
        np.testing.assert_allclose(variable.numpy(), want, **CLOSE)


@every_record
def test_eager_gives_what_compiled_gives(record):
    layer = made(record)
    for _ in range(record["calls"]):
        eager = tree.flatten(call(layer, record, record["inputs"], record["arguments"]))
    for a, b in zip(eager, record["outputs"], strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(a), b, **CLOSE)


@every_record
def test_the_output_mask_is_that_of_keras(record):
    layer = made(record)
    inputs = [np.array(x) for x in record["inputs"]]
    output = tree.flatten(call(layer, record, inputs, record["arguments"]))[0]
    want = record["output_mask"]
    if (
        want is None
        or "output_mask" in record["exceptions"]
        or isinstance(want, (list, dict))
        or not record["masks"]
        and "Embedding" not in record["class_name"]
    ):
        return
    found = mask_of(output)
    assert found is not None
    np.testing.assert_array_equal(np.asarray(found), want)


@every_record
def test_the_config_is_that_of_keras_and_makes_the_layer_again(record):
    layer = made(record)
    config = layer.get_config()
    later = {"quantization_config", "lora_rank", "lora_alpha"}
    for key, value in record["get_config"].items():
        if key != "name" and key not in later:
            assert key in config, key
            assert _plain(config[key]) == _plain(value), key
    again = type(layer).from_config(config)
    assert again.get_config() == config


def _plain(value):
    """Names that a process counts up are left out."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if k not in ("name", "build_config", "shared_object_id")}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


@every_record
def test_the_shape_for_an_unknown_batch_is_that_of_keras(record):
    if "output_shape" in record["exceptions"]:
        pytest.skip(record["exceptions"]["output_shape"])
    layer = made(record)
    shapes = [(None, *x.shape[1:]) for x in record["inputs"]]
    found = layer.compute_output_shape(*([shapes] if record["gather"] == "list" else shapes))
    assert _plain(found) == _plain(record["output_shape"])


@every_record
def test_weights_have_the_names_and_order_of_keras(record):
    layer = made(record)
    assert [v.name for v in layer.weights] == [w["name"] for w in record["weight_facts"]]
    assert [tuple(v.shape) for v in layer.weights] == [tuple(w["shape"]) for w in record["weight_facts"]]
    trained = {id(v) for v in layer.trainable_weights}
    assert [id(v) in trained for v in layer.weights] == [w["trainable"] for w in record["weight_facts"]]


def _one_of_a_kind():
    """The first record of each layer and rank of input; none that learns from what the rows have in common."""
    chosen = {}
    for record in RECORDS:
        ranks = tuple(x.ndim for x in record["inputs"])
        learns = record["class_name"] == "BatchNormalization" and record["call"].get("training")
        if not record["config"].get("stateful") and min(ranks, default=0) > 1 and not learns:
            chosen.setdefault((record["class_name"], *ranks), record)
    return list(chosen.values())


@pytest.mark.parametrize("record", _one_of_a_kind(), ids=lambda record: record["id"])
def test_a_batch_of_no_rows_passes(record):
    layer, rows = made(record), len(record["inputs"][0])
    empty = {**record, **{k: tree.map_structure(lambda x: _no_rows(x, rows), record[k]) for k in ("inputs", "masks")}}
    arguments = tree.map_structure(lambda x: _no_rows(x, rows), record["arguments"])
    eager = tree.flatten(call(layer, empty, empty["inputs"], arguments))
    compiled = tree.flatten(
        transforms.jit(lambda xs: call(layer, {**empty, "masks": None}, xs, arguments))(empty["inputs"])
    )
    for found in (eager, compiled):
        for a, b in zip(found, record["outputs"], strict=True):
            shape = np.shape(b)
            assert tuple(a.shape) == ((0, *shape[1:]) if shape[:1] == (rows,) else shape)


@pytest.mark.parametrize("record", [r for r in _one_of_a_kind() if r["traced"]], ids=lambda record: record["id"])
def test_a_batch_of_no_rows_has_gradients(record):
    layer, rows = made(record), len(record["inputs"][0])
    empty = {**record, "masks": None}
    empty["inputs"] = [_no_rows(x, rows) for x in record["inputs"]]
    empty["arguments"] = tree.map_structure(lambda x: _no_rows(x, rows), record["arguments"])
    (_, by_weights, _), _ = differentiated(layer, empty)
    for gradient, variable in zip(by_weights, layer.trainable_variables, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(gradient), np.zeros(variable.shape))


def _no_rows(x, rows):
    return x[:0] if np.ndim(x) and len(x) == rows else x
