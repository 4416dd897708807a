"""``FeatureSpace``: every kind of feature, modes, crosses, models, and files of Keras and of ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from amalthea import Model, layers, models, ops, tree, utils
from amalthea.data import Dataset
from amalthea.errors import AmaltheaError

TABLE = {
    "f": [0.0, 1.0, 2.0],
    "n": [1.0, 2.0, 3.0],
    "r": [1.0, 2.0, 3.0],
    "d": [0.1, 0.2, 0.3],
    "ic": [1, 2, 2],
    "sc": ["a", "b", "b"],
    "ih": [5, 6, 7],
    "sh": ["x", "y", "z"],
}
# What Keras 3.15.1 gives for this table.
ANSWERS = {
    "f": [[0.0], [1.0], [2.0]],
    "n": [[-1.2247448], [0.0], [1.2247448]],
    "r": [[3.0], [5.0], [7.0]],
    "d": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    "ic": [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]],
    "sc": [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]],
    "ih": [[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]],
    "sh": [[2], [1], [1]],
    "sc_X_ic": np.eye(8)[[3, 1, 1]].tolist(),
}
KERAS_FILE = Path(__file__).parents[1] / "saving" / "keras_files" / "text" / "feature_space.keras"


def space(output_mode="dict", **changes):
    kind = utils.FeatureSpace
    features = {
        "f": "float",
        "n": kind.float_normalized(),
        "r": kind.float_rescaled(2.0, 1.0),
        "d": kind.float_discretized(3, bin_boundaries=[0.15, 0.25]),
        "ic": "integer_categorical",
        "sc": "string_categorical",
        "ih": kind.integer_hashed(4),
        "sh": kind.string_hashed(4, output_mode="int" if output_mode == "dict" else "one_hot"),
    }
    made = kind({**features, **changes}, output_mode=output_mode, crosses=[("sc", "ic")], crossing_dim=8)
    made.adapt(TABLE)
    return made


def hold(found, wanted=ANSWERS):
    assert list(found) == [*sorted(TABLE), "sc_X_ic"]
    for name, value in found.items():
        np.testing.assert_allclose(ops.convert_to_numpy(value), wanted[name], rtol=1e-5, atol=1e-6)


def rows(**options):
    columns = {name: np.array(values) for name, values in TABLE.items()}
    return Dataset.from_tensor_slices(columns)


SOURCES = {"a dict": lambda: TABLE, "single rows": rows, "batches": lambda: rows().batch(2)}


@pytest.mark.parametrize("source", SOURCES)
def test_features_are_encoded_as_in_keras(source):
    made = space()
    made.adapt(SOURCES[source]())
    hold(made(TABLE))


def test_one_row_gives_one_vector():
    found = space()({name: values[1] for name, values in TABLE.items()})
    assert all(tuple(v.shape) == np.shape(ANSWERS[k])[1:] for k, v in found.items())


def test_all_features_are_one_vector_in_the_order_of_their_names():
    made = space("concat")
    found = ops.convert_to_numpy(made(TABLE))
    encoded = [
        np.eye(4)[[2, 1, 1]] if name == "sh" else np.array(ANSWERS[name]) for name in [*sorted(TABLE), "sc_X_ic"]
    ]
    np.testing.assert_allclose(found, np.concatenate(encoded, axis=1), rtol=1e-5, atol=1e-6)
    mapped = rows().batch(3).map(made)
    np.testing.assert_array_equal(ops.convert_to_numpy(next(iter(mapped))), found)


def test_a_model_begins_with_its_features(tmp_path):
    made = space("concat")
    model = Model(made.get_inputs(), layers.Dense(1)(made.get_encoded_features()))
    model.compile("sgd", "mse")
    columns = {name: np.array(values) for name, values in TABLE.items()}
    assert len(model.fit(columns, np.ones(3), epochs=2, verbose=0).history["loss"]) == 2
    wanted = model.predict(columns, verbose=0)
    model.save(tmp_path / "m.keras")
    np.testing.assert_allclose(models.load_model(tmp_path / "m.keras").predict(columns, verbose=0), wanted, rtol=1e-6)


def test_it_is_saved_and_loaded(tmp_path):
    space().save(tmp_path / "space.keras")
    hold(models.load_model(tmp_path / "space.keras")(TABLE))


def test_a_file_of_keras_is_read():
    wanted = {**ANSWERS, "d": np.eye(32)[[1, 2, 2]].tolist()}  # Keras learned other ranges
    hold(models.load_model(KERAS_FILE)(TABLE), wanted)


def test_a_layer_of_ones_own_is_a_feature():
    feature = utils.FeatureSpace.feature("float32", layers.Rescaling(10.0), "float")
    made = utils.FeatureSpace({"x": feature}, output_mode="dict")
    assert tree.map_structure(lambda x: ops.convert_to_numpy(x).tolist(), made({"x": [1.0, 2.0]})) == {
        "x": [[10], [20]]
    }


KIND = utils.FeatureSpace
BAD = {
    "no features": lambda: KIND({}),
    "an unknown kind": lambda: KIND({"a": "string_categoric"}),
    "a cross of unknown features": lambda: KIND({"a": "float"}, crosses=[("a", "b")]),
    "a cross of one": lambda: KIND({"a": "string_hashed"}, crosses=[("a",)]),
    "an unknown mode": lambda: KIND({"a": "float"}, output_mode="list"),
    "an unknown mode of a feature": lambda: KIND.integer_hashed(3, output_mode="x"),
    "an unknown mode of a cross": lambda: KIND.cross(("a", "b"), 3, output_mode="count"),
    "indices in one vector": lambda: KIND({"a": KIND.string_hashed(3, output_mode="int")}),
    "no bins": lambda: KIND({"a": "float"}, hashing_dim=0),
    "a column that is missing": lambda: KIND({"a": "float"})({"b": [1.0]}),
    "no columns": lambda: KIND({"a": "float"})([1.0]),
    "nothing learned": lambda: KIND({"a": "string_categorical"})({"a": ["x"]}),
    "numbers for text": lambda: KIND({"a": "string_hashed"})({"a": [1, 2]}),
    "one-hot of a layer without a size": lambda: KIND({"a": KIND.feature("float32", layers.Identity(), "one_hot")})(
        {"a": [1.0]}
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_have_errors_of_ours(case):
    with pytest.raises(AmaltheaError):
        BAD[case]()
