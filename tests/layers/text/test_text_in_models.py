"""Models that read text: fit, evaluate and predict compute layers of text before the compiled step."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from amalthea import Input, Model, Sequential, layers, models, ops
from amalthea.data import PyDataset
from amalthea.engine.transforms import jit
from amalthea.errors import AmaltheaError, ArgumentError, DataError, DtypeError, TraceError
from tests.arrays import numbers

TEXTS = np.array([["the cat"], ["a dog sat"], ["q"], ["the the the"]])
LABELS = np.array([0.0, 1.0, 1.0, 0.0], "float32")


def vectorizer(**options):
    layer = layers.TextVectorization(**options)
    layer.adapt(["the cat sat", "a dog", "the end"])
    return layer


def sequential():
    return Sequential(
        [
            Input((1,), dtype="string"),
            vectorizer(output_sequence_length=4),
            layers.Embedding(20, 3, mask_zero=True),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1),
        ]
    )


def deferred():
    return Sequential([vectorizer(), layers.Embedding(20, 3), layers.GlobalAveragePooling1D(), layers.Dense(1)])


def functional():
    x = Input((1,), dtype="string", name="texts")
    counts = vectorizer(output_mode="count")(x)
    one_hot = layers.Hashing(4, output_mode="one_hot")(x)
    return Model(x, layers.Dense(1)(layers.Concatenate()([counts, one_hot])))


def nested():
    x = Input((1,), dtype="string")
    inner = Sequential([Input((1,), dtype="string"), vectorizer(output_mode="multi_hot")])
    return Model(x, layers.Dense(1)(inner(x)))


class Subclass(Model):
    def __init__(self):
        super().__init__()
        self.vectorizer, self.dense = vectorizer(output_mode="count"), layers.Dense(1)

    def call(self, x):
        return self.dense(self.vectorizer(x))


def eager_subclass():
    model = Subclass()
    model.run_eagerly = True
    return model


MODELS = {f.__name__: f for f in (sequential, deferred, functional, nested)}
every_model = pytest.mark.parametrize("name", MODELS)


class Batches(PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return TEXTS[2 * index : 2 * index + 2], LABELS[2 * index : 2 * index + 2]


class Loader:
    def __iter__(self):
        return (Batches()[i] for i in range(2))


SOURCES = {
    "arrays": lambda: (TEXTS, LABELS),
    "one axis": lambda: (TEXTS[:, 0], LABELS),
    "a list": lambda: (TEXTS.tolist(), LABELS),
    "objects": lambda: (TEXTS.astype(object), LABELS),
    "bytes": lambda: (np.char.encode(TEXTS), LABELS),
    "a loader": lambda: (Loader(), None),
    "a PyDataset": lambda: (Batches(), None),
}


@pytest.mark.parametrize("source", SOURCES)
@every_model
def test_models_of_text_learn_from_every_source(name, source):
    model = MODELS[name]()
    model.compile("adam", "mse", metrics=["mae"])
    x, y = SOURCES[source]()
    options = {} if y is None else {"batch_size": 2}
    before = model.evaluate(x, y, verbose=0, **options)[0]
    history = model.fit(x, y, epochs=3, verbose=0, shuffle=False, **options).history
    assert history["loss"][-1] < before and len(history["mae"]) == 3


@every_model
def test_predictions_are_those_of_a_call(name):
    model = MODELS[name]()
    found = model.predict(TEXTS, batch_size=3, verbose=0)
    np.testing.assert_allclose(found, ops.convert_to_numpy(model(TEXTS)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found, model.predict_on_batch(TEXTS), rtol=1e-5, atol=1e-6)


@every_model
def test_one_batch_trains_as_in_fit(name):
    model = MODELS[name]()
    model.predict(TEXTS, verbose=0)
    other = MODELS[name]()
    other.predict(TEXTS, verbose=0)
    other.set_weights(model.get_weights())
    for one in (model, other):
        one.compile("sgd", "mse")
    loss = model.fit(TEXTS, LABELS, verbose=0).history["loss"][0]
    np.testing.assert_allclose(other.train_on_batch(TEXTS, LABELS), loss, rtol=1e-5)
    np.testing.assert_allclose(other.test_on_batch(TEXTS, LABELS), model.evaluate(TEXTS, LABELS, verbose=0), rtol=1e-5)


@every_model
def test_models_of_text_run_eagerly_too(name):
    model = MODELS[name]()
    model.predict(TEXTS, verbose=0)
    eager = MODELS[name]()
    eager.predict(TEXTS, verbose=0)
    eager.set_weights(model.get_weights())
    model.compile("sgd", "mse")
    eager.compile("sgd", "mse", run_eagerly=True)
    losses = [m.fit(TEXTS, LABELS, epochs=2, verbose=0, shuffle=False).history["loss"] for m in (model, eager)]
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_a_subclass_reads_text_when_it_runs_eagerly():
    model = Subclass()
    model.compile("sgd", "mse", run_eagerly=True)
    losses = model.fit(TEXTS, LABELS, epochs=2, verbose=0).history["loss"]
    assert losses[1] < losses[0]


def test_a_subclass_that_is_compiled_refuses_text_and_the_cure_works():
    model = Subclass()
    model.compile("sgd", "mse")
    with pytest.raises(DataError, match="TextVectorization"):
        model.fit(TEXTS, LABELS, verbose=0)
    counts = ops.convert_to_numpy(model.vectorizer(TEXTS))
    assert Sequential([layers.Dense(1)]).predict(counts, verbose=0).shape == (4, 1)


def test_hashing_of_numbers_in_a_compiled_function_is_refused():
    with pytest.raises(TraceError, match="host"):
        jit(layers.Hashing(4))(np.array([1, 2]))


def test_lookups_of_numbers_are_compiled():
    lookup = layers.IntegerLookup(vocabulary=[4, 7], output_mode="one_hot")
    assert ops.convert_to_numpy(jit(lookup)(np.array([[7], [5]]))).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert Sequential([Input((1,), dtype="int64"), lookup])._network.host_part is None


def test_a_vocabulary_learned_after_a_step_was_compiled_counts():
    lookup = layers.IntegerLookup(vocabulary=[4, 7])
    model = Sequential([Input((1,), dtype="int64"), lookup])
    assert model.predict(np.array([[7]]), verbose=0).tolist() == [[2]]
    lookup.adapt(np.array([7, 7, 4]))
    assert model.predict(np.array([[7]]), verbose=0).tolist() == [[1]]


def test_text_beside_numbers_and_embeddings():
    words, codes, values = Input((1,), dtype="string"), Input((1,), dtype="int32"), Input((2,))
    crossed = layers.HashedCrossing(6, output_mode="one_hot")((words, codes))
    embedded = layers.Flatten()(layers.Embedding(5, 2)(codes))
    model = Model([words, codes, values], layers.Dense(1)(layers.Concatenate()([crossed, embedded, values])))
    model.compile("sgd", "mse")
    data = [TEXTS, np.array([[1], [2], [3], [4]]), numbers(4, 2)]
    assert len(model.fit(data, LABELS, epochs=2, verbose=0).history["loss"]) == 2
    np.testing.assert_allclose(model.predict(data, verbose=0), ops.convert_to_numpy(model(data)), rtol=1e-5, atol=1e-6)
    with pytest.raises(DataError, match="index"):  # the embedding still looks at its own input
        model.fit([TEXTS, np.array([[1], [2], [3], [9]]), numbers(4, 2)], LABELS, verbose=0)


def test_inputs_by_name():
    model = functional()
    np.testing.assert_array_equal(model.predict({"texts": TEXTS}, verbose=0), model.predict(TEXTS, verbose=0))


def test_validation_data_of_text():
    model = functional()
    model.compile("sgd", "mse")
    for options in ({"validation_data": (TEXTS, LABELS)}, {"validation_split": 0.5}):
        assert "val_loss" in model.fit(TEXTS, LABELS, verbose=0, **options).history


@every_model
def test_saved_models_of_text_predict_the_same(name, tmp_path):
    model = MODELS[name]()
    wanted = model.predict(TEXTS, verbose=0)
    model.save(tmp_path / "m.keras")
    np.testing.assert_allclose(models.load_model(tmp_path / "m.keras").predict(TEXTS, verbose=0), wanted, rtol=1e-6)


def test_copies_of_a_layer_keep_its_vocabulary():
    layer = vectorizer()
    assert copy.deepcopy(layer).get_vocabulary() == layer.get_vocabulary()


def test_an_output_of_text_is_refused_and_the_cure_works():
    x = Input((1,), dtype="int64")
    names = layers.StringLookup(vocabulary=["cat", "dog"], invert=True)
    model = Model(x, names(x))
    assert model(np.array([[2]])).tolist() == [["dog"]]
    with pytest.raises(ArgumentError, match="text"):
        model.predict(np.array([[2]]), verbose=0)
    indices = Sequential([Input((1,), dtype="int64"), layers.Identity()]).predict(np.array([[2]]), verbose=0)
    assert names(indices).tolist() == [["dog"]]


def test_a_trained_model_that_reads_text_within_another_is_refused_and_the_cure_works():
    inner = sequential()
    x = Input((1,), dtype="string")
    with pytest.raises(ArgumentError, match="weights to train"):
        Model(x, inner(x)).predict(TEXTS, verbose=0)
    y = x
    for layer in inner.layers:
        y = layer(y)
    np.testing.assert_allclose(Model(x, y).predict(TEXTS, verbose=0), inner.predict(TEXTS, verbose=0), rtol=1e-6)


BAD = {
    "numbers for text": lambda: functional().predict(np.array([[1], [2]]), verbose=0),
    "text for numbers": lambda: Sequential([Input((1,)), layers.Dense(1)]).predict(TEXTS, verbose=0),
    "several texts in a row": lambda: functional().predict(np.array([["a", "b"]]), verbose=0),
    "text as labels": lambda: compiled(functional()).fit(TEXTS, TEXTS, verbose=0),
    "Dense on text": lambda: layers.Dense(1)(Input((1,), dtype="string")),
    "an op on text": lambda: ops.add(Input((1,), dtype="string"), 1),
    "an op on an array of text": lambda: ops.add(np.array(["a"]), 1),
    "a lookup of a symbol of floats": lambda: layers.StringLookup(vocabulary=["a"])(Input((1,))),
    "a vectorization of a symbol of ints": lambda: layers.TextVectorization(vocabulary=["a"])(
        Input((1,), dtype="int32")
    ),
}


def compiled(model):
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("case", BAD)
def test_misuse_has_errors_of_ours(case):
    with pytest.raises(AmaltheaError):
        BAD[case]()


def test_functions_standardize_and_split():
    layer = layers.TextVectorization(
        standardize=np.char.upper, split=lambda texts: [t.split(",") for t in texts], vocabulary=["A", "B"]
    )
    assert ops.convert_to_numpy(layer(["a,b", "b"])).tolist() == [[2, 3], [3, 0]]


def test_shapes_are_told_without_data():
    assert layers.TextVectorization(vocabulary=["a"], output_sequence_length=4).compute_output_shape((None, 1)) == (
        None,
        4,
    )
    assert layers.StringLookup(vocabulary=["a"]).compute_output_shape((None, 3)) == (None, 3)
    assert layers.StringLookup(vocabulary=["a"], output_mode="count").compute_output_shape((None, 3)) == (None, 2)


def test_text_as_numbers_is_an_error_of_dtype():
    with pytest.raises(DtypeError):
        layers.StringLookup(vocabulary=["a"])(np.array([1]))
