"""Layers that read text on string tensors of TensorFlow, and inside ``tf.data`` pipelines."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import layers, ops

tf = pytest.importorskip("tensorflow")

TEXTS = [["the cat"], ["a dog sat"], ["q"]]
LAYERS = {
    "vectorization": lambda: layers.TextVectorization(vocabulary=["the", "cat"], output_sequence_length=3),
    "vectors": lambda: layers.TextVectorization(vocabulary=["the", "cat"], output_mode="count"),
    "lookup": lambda: layers.StringLookup(vocabulary=["q"]),
    "hashing": lambda: layers.Hashing(4, output_mode="one_hot"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_string_tensors_give_what_arrays_give(name):
    layer = LAYERS[name]()
    wanted = ops.convert_to_numpy(layer(np.array(TEXTS)))
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(tf.constant(TEXTS))), wanted)


@pytest.mark.parametrize("name", LAYERS)
def test_a_pipeline_maps_the_layer(name):
    layer = LAYERS[name]()
    wanted = ops.convert_to_numpy(layer(np.array(TEXTS)))
    dataset = tf.data.Dataset.from_tensor_slices(TEXTS).batch(2).map(layer)
    found = list(dataset)
    np.testing.assert_array_equal(np.concatenate([x.numpy() for x in found]), wanted)
    assert dataset.element_spec.dtype == found[0].dtype and dataset.element_spec.shape.rank == wanted.ndim


def test_a_pipeline_maps_indices_to_texts_and_pairs_to_crosses():
    invert = layers.StringLookup(vocabulary=["é", "b"], invert=True)
    dataset = tf.data.Dataset.from_tensor_slices([1, 2, 9]).batch(3).map(invert)
    assert [t.decode() for t in next(iter(dataset)).numpy()] == ["é", "b", "[UNK]"]
    crossing = layers.HashedCrossing(7)
    pairs = tf.data.Dataset.from_tensor_slices((["a", "b"], [1, 2])).batch(2).map(lambda a, b: crossing((a, b)))
    assert next(iter(pairs)).numpy().tolist() == ops.convert_to_numpy(crossing((["a", "b"], [1, 2]))).tolist()


def test_a_vocabulary_is_learned_from_a_pipeline():
    layer = layers.TextVectorization()
    layer.adapt(tf.data.Dataset.from_tensor_slices(["a b", "b c"]).batch(1))
    assert layer.get_vocabulary() == ["", "[UNK]", "b", "c", "a"]
    layer.adapt(tf.data.Dataset.from_tensor_slices(["a b", "b c"]).batch(1), steps=1)
    assert layer.get_vocabulary() == ["", "[UNK]", "b", "a"]
