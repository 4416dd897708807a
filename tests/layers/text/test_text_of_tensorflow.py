"""Layers that read text on string tensors of TensorFlow, and inside ``tf.data`` pipelines."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import layers, ops, utils

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


@pytest.mark.parametrize("batched", [True, False])
def test_a_feature_space_learns_from_a_pipeline_and_is_mapped(batched):
    rows = tf.data.Dataset.from_tensor_slices({"age": [1.0, 3.0], "city": ["x", "y"], "zip": [5, 6]})
    kinds = {"age": "float_normalized", "city": "string_categorical", "zip": "integer_hashed"}
    space = utils.FeatureSpace(kinds, crosses=[("city", "zip")], hashing_dim=3, crossing_dim=4)
    space.adapt(rows)
    mapped = (rows.batch(2) if batched else rows).map(space)
    found = np.concatenate([np.atleast_2d(x.numpy()) for x in mapped])
    wanted = space({"age": [1.0, 3.0], "city": ["x", "y"], "zip": [5, 6]})
    np.testing.assert_allclose(found, ops.convert_to_numpy(wanted))
    assert mapped.element_spec.shape.as_list() == ([None, 11] if batched else [11])


def test_data_sets_of_files_and_windows_are_pipelines_too(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.txt").write_text(f"text {name}")
    dataset = utils.text_dataset_from_directory(tmp_path, shuffle=False, verbose=False)
    assert isinstance(dataset, tf.data.Dataset) and dataset.class_names == ["a", "b"] and len(dataset) == 1
    texts, labels = next(iter(dataset))
    assert texts.numpy().tolist() == [b"text a", b"text b"] and labels.numpy().tolist() == [0, 1]
    windows = utils.timeseries_dataset_from_array(np.arange(6.0), None, 2, batch_size=4)
    assert [w.numpy().shape for w in windows] == [(4, 2), (1, 2)]
    left, right = utils.split_dataset(windows.unbatch(), left_size=0.6)
    assert (len(list(left)), len(list(right))) == (3, 2) and isinstance(left, tf.data.Dataset)


def test_a_vocabulary_is_learned_from_a_pipeline():
    layer = layers.TextVectorization()
    layer.adapt(tf.data.Dataset.from_tensor_slices(["a b", "b c"]).batch(1))
    assert layer.get_vocabulary() == ["", "[UNK]", "b", "c", "a"]
    layer.adapt(tf.data.Dataset.from_tensor_slices(["a b", "b c"]).batch(1), steps=1)
    assert layer.get_vocabulary() == ["", "[UNK]", "b", "a"]
