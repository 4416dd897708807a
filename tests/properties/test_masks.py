"""Masks: what counts does not depend on what is padded, for every layer, nested model and elementwise op."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, jit, layers, ops, tree
from amalthea.engine.ir.masks import mask_of
from tests.arrays import numbers
from tests.layers.test_layers import RECORDS, call, made
from tests.thinned import thinned

pytestmark = pytest.mark.filterwarnings("ignore:.*drops the mask of its input")
PADDINGS = {  # which of the steps count, for each row
    "right": lambda rows, steps: np.arange(steps) < 1 + np.arange(rows)[:, None] % steps,
    "left": lambda rows, steps: np.arange(steps) >= np.arange(rows)[:, None] % steps,
    "between": lambda rows, steps: (np.arange(steps) + np.arange(rows)[:, None]) % 2 == 0,
    "whole rows": lambda rows, steps: np.broadcast_to(np.arange(rows)[:, None] % 2 == 0, (rows, steps)),
}


def _takes_masks(record):
    kind = getattr(layers, record["class_name"])
    sequences = record["inputs"] and all(x.ndim >= 3 and x.dtype.kind == "f" for x in record["inputs"])
    return sequences and getattr(kind, "supports_masking", False) and "padding" not in record["exceptions"]


SEQUENCES = [r for r in RECORDS if _takes_masks(r) and not r["config"].get("stateful") and not r["arguments"]]


def _refilled(x, mask, seed, channels_first):
    """Other values where nothing counts."""
    other = np.random.default_rng(seed).normal(size=x.shape).astype(x.dtype) * 3
    column = mask[:, None] if channels_first else mask.reshape(mask.shape + (1,) * (x.ndim - 2))
    return np.where(column, x, other)


def _outputs(layer, record, inputs, masks, compiled):
    carry = []

    def run(*values):
        amalthea.utils.set_random_seed(3)
        outputs = tree.flatten(call(layer, {**record, "masks": list(masks)}, list(values), {}))
        carry[:] = [mask_of(y) is not None for y in outputs]
        return outputs, [mask_of(y) for y in outputs if mask_of(y) is not None]

    outputs, found = tree.map_structure(ops.convert_to_numpy, jit(run)(*inputs) if compiled else run(*inputs))
    found = iter(found)
    return [(y, next(found) if carries else None) for y, carries in zip(outputs, carry)]


CASES = thinned([(record, padding) for record in SEQUENCES for padding in PADDINGS], 5)


@pytest.mark.parametrize(("record", "padding"), CASES, ids=[f"{r['id']}-{padding}" for r, padding in CASES])
def test_outputs_at_steps_that_count_do_not_depend_on_padding(record, padding):
    inputs = [np.concatenate([x, x[::-1] * 0.5]) for x in record["inputs"]]
    first = record["config"].get("data_format") == "channels_first"
    masks = [PADDINGS[padding](x.shape[0], x.shape[2 if first else 1]) for x in inputs]
    if padding != "whole rows":
        masks = [np.roll(mask, i, axis=0) for i, mask in enumerate(masks)]  # each input is padded in its own way
    results = []
    for seed in (1, 2):
        filled = [_refilled(x, mask, seed, first) for x, mask in zip(inputs, masks)]
        results.append(_outputs(made(record), record, filled, masks, compiled=seed == 2))
    for (a, mask), (b, other) in zip(*results):
        if mask is None:
            assert other is None
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
            continue
        np.testing.assert_array_equal(mask, other)
        np.testing.assert_allclose(a[mask], b[mask], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "function", [lambda x: x * 2.0, lambda x: ops.tanh(x) + 1, lambda x: ops.where(x > 0, x, 0.1 * x)]
)
def test_an_elementwise_op_between_layers_keeps_the_mask(function):
    ids = np.array([[1, 2, 0, 0], [3, 0, 0, 0]])
    embed, read = layers.Embedding(5, 3, mask_zero=True), layers.LSTM(2)
    symbol = Input((4,), dtype="int32")
    model = Model(symbol, read(function(embed(symbol))))
    short = Model(
        symbol, layers.LSTM(2, weights=read.get_weights())(function(embed(symbol)), mask=ops.not_equal(symbol, 0))
    )
    np.testing.assert_allclose(model.predict(ids, verbose=0), short.predict(ids, verbose=0), rtol=1e-5)


def test_an_elementwise_op_on_arrays_keeps_the_mask():
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    vectors = layers.Embedding(5, 3, mask_zero=True)(ids)
    for output in (ops.tanh(vectors), ops.multiply(vectors, 2), ops.add(vectors, np.ones((2, 3, 3), "float32"))):
        np.testing.assert_array_equal(np.asarray(mask_of(output)), ids != 0)
    both = ops.add(vectors, layers.Embedding(5, 3, mask_zero=True)(np.array([[0, 2, 1], [3, 0, 0]])))
    np.testing.assert_array_equal(np.asarray(mask_of(both)), [[False, True, False], [True, False, False]])
    assert mask_of(ops.transpose(vectors, (1, 0, 2))) is None


def test_an_op_on_the_features_of_each_step_keeps_the_mask():
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    vectors = layers.Embedding(5, 4, mask_zero=True)(ids)
    for output in (
        ops.softmax(vectors, axis=-1),
        ops.matmul(vectors, np.ones((4, 2), "float32")),
        ops.concatenate([vectors, ops.tanh(vectors)], axis=-1),
    ):
        np.testing.assert_array_equal(np.asarray(mask_of(output)), ids != 0)
    for output in (
        ops.softmax(vectors, axis=1),
        ops.concatenate([vectors, vectors], axis=1),
        ops.mean(vectors, axis=1),
    ):
        assert mask_of(output) is None


def test_an_op_of_a_model_that_drops_the_mask_says_so():
    symbol = Input((4,), dtype="int32")
    vectors = layers.Embedding(5, 3, mask_zero=True)(symbol)
    with pytest.warns(UserWarning, match="ops.mean drops the mask of its input"):
        ops.mean(vectors, axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ops.softmax(ops.matmul(vectors + vectors, np.ones((3, 2), "float32")))


def _models():
    def sequential():
        return Sequential([layers.Input((3, 2)), layers.LSTM(2)])

    def unbuilt():
        return Sequential([layers.LSTM(2)])

    def functional():
        x = Input((3, 2))
        return Model(x, layers.LSTM(2)(x))

    def nested():
        x = Input((3, 2))
        return Model(x, functional()(x))

    def of_a_dictionary():
        x = {"a": Input((3, 2), name="a")}
        return Model(x, layers.LSTM(2)(x["a"]))

    return {f.__name__: f for f in (sequential, unbuilt, functional, nested, of_a_dictionary)}


@pytest.mark.parametrize("name", _models())
def test_a_mask_given_to_a_model_is_that_of_its_input(name):
    model = _models()[name]()
    x = numbers(2, 3, 2)
    mask = np.array([[True, True, False], [True, False, False]])
    given = (lambda v: {"a": v}) if name == "of_a_dictionary" else (lambda v: v)
    model(given(x))
    read = layers.LSTM(2, weights=model.get_weights())
    want = ops.convert_to_numpy(read(x, mask=mask))
    for function in (
        lambda: model(given(x), mask=given(mask)),
        lambda: jit(lambda v: model(v, mask=given(mask)))(given(x)),
    ):
        np.testing.assert_allclose(ops.convert_to_numpy(function()), want, rtol=1e-5, atol=1e-6)
    plain = ops.convert_to_numpy(read(x))
    np.testing.assert_allclose(ops.convert_to_numpy(model(given(x))), plain, rtol=1e-5, atol=1e-6)  # x carries none now


class TenTimes(layers.Layer):
    """A cell whose output is not a state, and is larger."""

    state_size = 1

    def call(self, inputs, states):
        return ops.concatenate([inputs * 10, states[0]], axis=-1), [states[0] + 1]


@pytest.mark.parametrize(
    "options", [{}, {"unroll": True}, {"go_backwards": True}, {"zero_output_for_mask": True}], ids=str
)
@pytest.mark.parametrize("sequences", [True, False])
def test_padding_repeats_the_output_of_any_cell(sequences, options):
    x = np.arange(1, 9, dtype="float32").reshape(2, 4, 1)
    mask = np.array([[False, True, True, False], [True, False, True, False]])
    layer = layers.RNN(TenTimes(), return_sequences=sequences, return_state=True, **options)
    output, state = layer(x, mask=mask)
    want, count = np.zeros((2, 4, 2)), np.zeros(2)
    order = range(4)[::-1] if options.get("go_backwards") else range(4)
    for row in range(2):
        before = np.zeros(2)
        for place, t in enumerate(order):
            if mask[row, t]:
                before = np.array([x[row, t, 0] * 10, count[row]])
                count[row] += 1
            want[row, place] = before if mask[row, t] or "zero_output_for_mask" not in options else 0
    np.testing.assert_allclose(ops.convert_to_numpy(output), want if sequences else want[:, -1])
    np.testing.assert_allclose(ops.convert_to_numpy(state)[:, 0], count)


class Doubled(layers.GRUCell):
    """A known cell whose call is another."""

    def call(self, inputs, states, training=False):
        output, new = super().call(inputs, states, training)
        return output * 2, new


def test_a_cell_that_overrides_call_is_run_by_it():
    x = numbers(2, 4, 3)
    own, plain = layers.RNN(Doubled(2), return_sequences=True), layers.RNN(layers.GRUCell(2), return_sequences=True)
    own(x), plain(x)
    plain.set_weights(own.get_weights())
    np.testing.assert_allclose(ops.convert_to_numpy(own(x)), 2 * ops.convert_to_numpy(plain(x)), rtol=1e-5, atol=1e-6)


def test_a_layer_that_drops_a_mask_says_so():
    with pytest.warns(UserWarning, match="drops the mask"):
        layers.Conv1D(2, 2)(layers.Embedding(5, 3, mask_zero=True)(np.array([[1, 2, 0]])))


def test_words_of_padded_sentences_are_read_without_their_padding():
    ids = np.array([[[1, 2, 0], [3, 0, 0], [0, 0, 0]]])
    embed, read, last = layers.Embedding(5, 2, mask_zero=True), layers.LSTM(3), layers.LSTM(2)
    symbol = Input((3, 3), dtype="int32")
    vectors = layers.TimeDistributed(embed)(symbol)
    sentences = layers.TimeDistributed(read)(vectors)
    model = Model(symbol, [sentences, last(sentences)])
    each, whole = model.predict(ids, verbose=0)
    for row, length in enumerate([2, 1]):
        want = read(embed(ids[0, row : row + 1, :length]))
        np.testing.assert_allclose(each[0, row], ops.convert_to_numpy(want)[0], rtol=1e-5)
    np.testing.assert_allclose(whole, ops.convert_to_numpy(last(each[:, :2])), rtol=1e-5)


MERGES = [
    layers.Add,
    layers.Subtract,
    layers.Multiply,
    layers.Average,
    layers.Maximum,
    layers.Minimum,
    layers.Concatenate,
]


@pytest.mark.parametrize("kind", MERGES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("masked_first", [True, False])
def test_an_input_without_a_mask_leaves_the_mask_of_the_other(kind, masked_first):
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    pair = [layers.Embedding(5, 3, mask_zero=True)(ids), np.ones((2, 3, 3), "float32")]
    found = mask_of(kind()(pair if masked_first else pair[::-1]))
    np.testing.assert_array_equal(np.asarray(found), ids != 0)


def test_sequences_joined_in_time_have_their_masks_joined():
    ids = np.array([[1, 2, 0]])
    vectors = layers.Embedding(5, 3, mask_zero=True)(ids)
    found = mask_of(layers.Concatenate(axis=1)([vectors, np.ones((1, 2, 3), "float32"), vectors]))
    np.testing.assert_array_equal(np.asarray(found), [[True, True, False, True, True, True, True, False]])
