"""What goes wrong: which error it is, what its words say, where it says it happened, and that nothing has changed.

A row is what a person does with a model, the class of the error, words of its message, and words of its places.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from amalthea import Input, Model, Sequential, errors, layers, ops
from amalthea.saving import deserialize_keras_object

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 8)).astype("float32")
CLASS = rng.integers(0, 3, 20)
ONE_HOT = np.eye(3, dtype="float32")[CLASS]
IMAGES = np.zeros((2, 6, 6, 3), "float32")

DENSE = ("Dense", "'head'")
MODEL = ("model 'mlp'",)
LOSS = ("loss of output 'head'", *MODEL)


def mlp(loss: Any = "mse", units: int = 3, compiled: bool = True, **options: Any) -> Sequential:
    body, head = layers.Dense(5, "relu", name="body"), layers.Dense(units, name="head")
    model = Sequential([Input((8,), name="features"), body, head], name="mlp")
    if compiled:
        model.compile("sgd", loss, **options)
    return model


def deferred(**_: Any) -> Sequential:
    return Sequential([layers.Dense(3, name="head")], name="mlp")


def two_inputs() -> Model:
    a, b = Input((8,), name="a"), Input((2,), name="b")
    model = Model([a, b], layers.Dense(3, name="head")(layers.Concatenate()([a, b])), name="mlp")
    model.compile("sgd", "mse")
    return model


class Branch(layers.Layer):
    def call(self, x):
        return x if ops.sum(x) > 0 else -x


class Branching(Model):
    def __init__(self):
        super().__init__(name="mlp")
        self.head = layers.Dense(3, name="head")
        self.branch = Branch(name="branch")

    def call(self, x):
        return self.branch(self.head(x))


def branching() -> Model:
    model = Branching()
    model.compile("sgd", "mse")
    model.head.build((None, 8))
    return model


class Row(NamedTuple):
    id: str
    model: Any
    act: Any
    error: type
    words: tuple[str, ...]
    places: tuple[str, ...] = ()


def fit(x: Any, y: Any = ONE_HOT, **options: Any):
    return lambda model: model.fit(x, y, verbose=0, **options)


def with_loss(loss: str, units: int = 3):
    return lambda: mlp(loss, units)


def uncompiled():
    return mlp(compiled=False)


SHAPES = (
    Row("call_with_other_features", mlp, lambda m: m(X[:, :7]), errors.ShapeError,
        ("'features'", "(batch, 8)", "float32[20, 7]", "Input((7,))"), MODEL),
    Row("fit_with_other_features", mlp, fit(X[:, :7]), errors.ShapeError, ("(batch, 8)", "float32[20, 7]"), MODEL),
    Row("predict_with_other_features", mlp, lambda m: m.predict(X[:, :7], verbose=0), errors.ShapeError,
        ("(batch, 8)", "float32[20, 7]"), MODEL),
    Row("predict_one_row", mlp, lambda m: m.predict(X[0], verbose=0), errors.ShapeError,
        ("float32[8]", "x[None], a batch of one"), MODEL),
    Row("fit_not_flat", mlp, fit(X.reshape(20, 2, 4)), errors.ShapeError, ("x.reshape((-1, 8))",), MODEL),
    Row("dense_met_another_width", mlp, lambda m: m.get_layer("head")(X), errors.ShapeError,
        ("(batch, ..., 5)", "float32[20, 8]", "an input with 5 features"), DENSE),
    Row("convolution_without_channels", mlp, lambda m: layers.Conv2D(4, 3, name="c")(IMAGES[..., 0]), errors.ShapeError,
        ("'c'", "(batch, any, any, any)", "float32[2, 6, 6]", "x[..., None] for channels"), ("'c' (Conv2D)",)),
    Row("convolution_on_too_small_a_picture", mlp, lambda m: layers.Conv2D(4, 7)(IMAGES), errors.ShapeError,
        ("at least 7", "6", "padding='same'"), ("Conv2D",)),
    Row("add_different_shapes", mlp, lambda m: layers.Add()([X, X[:, :3]]), errors.ShapeError,
        ("(20, 8) and (20, 3)",), ("Add",)),
    Row("one_of_two_inputs", two_inputs, fit(X), errors.ArgumentError, ("2 inputs, not 1", "a, b"), MODEL),
    Row("input_not_in_dict", two_inputs, fit({"a": X}), errors.ArgumentError, ("no data for input 'b'",), MODEL),
    Row("second_input_of_another_shape", two_inputs, fit([X, X]), errors.ShapeError,
        ("input 'b'", "(batch, 2)"), MODEL),
)  # fmt: skip

DATA = (
    Row("text_as_data", mlp, fit(np.array([["a", "b"]] * 20)), errors.DataError, ("numbers", "(20, 2)")),
    Row("rows_of_unequal_lengths", mlp, fit([[1.0, 2.0], [1.0]]), errors.DataError, ("pad_sequences",)),
    Row("complex_numbers", mlp, fit(X.astype("complex64")), errors.DataError, ("complex64",)),
    Row("no_rows", mlp, fit(X[:0], ONE_HOT[:0]), errors.DataError, ("not one row", "(0, 8)")),
    Row("predict_no_rows", mlp, lambda m: m.predict(X[:0], verbose=0), errors.DataError, ("not one row",)),
    Row("no_data", mlp, fit(None), errors.DataError, ("x is None",)),
    Row("fewer_labels_than_rows", mlp, fit(X, ONE_HOT[:9]), errors.DataError, ("x: 20", "y: 9")),
    Row("fewer_weights_than_rows", mlp, fit(X, sample_weight=np.ones(3)), errors.DataError, ("sample_weight: 3",)),
    Row("empty_generator", mlp, fit(iter(()), None), errors.DataError, ("not one batch",)),
    Row("labels_beside_a_generator", mlp, fit(iter([(X, ONE_HOT)])), errors.ArgumentError, ("leave y out",)),
    Row("batch_size_of_nothing", mlp, fit(X, batch_size=0), errors.ArgumentError, ("positive int",)),
    Row("class_without_weight", with_loss("sparse_categorical_crossentropy"), fit(X, CLASS, class_weight={0: 1.0}),
        errors.DataError, ("[0, 1, 2]",)),
)  # fmt: skip

VALIDATION = (
    Row("validation_without_labels", mlp, fit(X, validation_data=(X,)), errors.DataError,
        ("no labels",), ("validation data",)),
    Row("validation_of_unequal_lengths", mlp, fit(X, validation_data=(X, ONE_HOT[:9])), errors.DataError, ("y: 9",)),
    Row("validation_with_other_features", mlp, fit(X, validation_data=(X[:, :3], ONE_HOT)), errors.ShapeError,
        ("(batch, 8)",), ("validation data", *MODEL)),
    Row("validation_with_other_labels", mlp, fit(X, validation_data=(X, ONE_HOT[:, :2])), errors.DataError,
        ("labels of shape",), ("validation data", *LOSS)),
    Row("validation_split_of_more_than_all", mlp, fit(X, validation_split=1.5), errors.ArgumentError, ("less than 1",)),
)  # fmt: skip

LABELS = (
    Row("class_numbers_for_categorical", with_loss("categorical_crossentropy"), fit(X, CLASS), errors.DataError,
        ("one-hot", "(batch, 3)", "[20]", "sparse_categorical_crossentropy"), LOSS),
    Row("one_hot_for_sparse", with_loss("sparse_categorical_crossentropy"), fit(X, ONE_HOT), errors.DataError,
        ("class numbers", "look one-hot", "loss='categorical_crossentropy'"), LOSS),
    Row("one_unit_for_sparse", with_loss("sparse_categorical_crossentropy", 1), fit(X, CLASS), errors.DataError,
        ("1 unit", "binary_crossentropy"), LOSS),
    Row("one_unit_for_categorical", with_loss("categorical_crossentropy", 1), fit(X, ONE_HOT), errors.DataError,
        ("1 unit", "3 classes", "Dense(3"), LOSS),
    Row("one_unit_for_one_hot_binary", with_loss("binary_crossentropy", 1), fit(X, ONE_HOT), errors.DataError,
        ("1 unit", "3 classes"), LOSS),
    Row("class_numbers_for_binary", with_loss("binary_crossentropy"), fit(X, CLASS), errors.DataError,
        ("sparse_categorical_crossentropy",), LOSS),
    Row("too_few_columns_for_mse", mlp, fit(X, ONE_HOT[:, :2]), errors.DataError,
        ("(batch, 3)", "float32[20, 2]", "2 units"), LOSS),
    Row("a_class_too_many", with_loss("sparse_categorical_crossentropy"), fit(X, CLASS + 1), errors.DataError,
        ("no class", "from 0 to 2", "4 units"), LOSS),
    Row("classes_below_0", with_loss("sparse_categorical_crossentropy"), fit(X, CLASS - 1), errors.DataError,
        ("from -1 to 1", "ignore_class"), LOSS),
    Row("half_classes", with_loss("sparse_categorical_crossentropy"), fit(X, CLASS + 0.5), errors.DataError,
        ("whole numbers",), LOSS),
    Row("no_labels", mlp, fit(X, None), errors.DataError, ("no labels for output 'head'", "fit(x, y)"), MODEL),
    Row("labels_that_do_not_fit_in_train_on_batch", mlp, lambda m: m.train_on_batch(X, ONE_HOT[:, :2]),
        errors.DataError, ("labels of shape",), LOSS),
    Row("labels_that_do_not_fit_in_evaluate", mlp, lambda m: m.evaluate(X, ONE_HOT[:, :2], verbose=0),
        errors.DataError, ("labels of shape",), LOSS),
)  # fmt: skip

STATES = (
    Row("fit_before_compile", uncompiled, fit(X), errors.NotCompiledError, ("train", "model.compile(")),
    Row("evaluate_before_compile", uncompiled, lambda m: m.evaluate(X, ONE_HOT), errors.NotCompiledError,
        ("evaluate",)),
    Row("train_on_batch_before_compile", uncompiled, lambda m: m.train_on_batch(X, ONE_HOT), errors.NotCompiledError,
        ("train",)),
    Row("test_on_batch_before_compile", uncompiled, lambda m: m.test_on_batch(X, ONE_HOT), errors.NotCompiledError,
        ("evaluate",)),
    Row("fit_without_a_loss", lambda: mlp(None), fit(X), errors.NotCompiledError, ("no loss", "compile(loss=")),
    Row("count_before_build", deferred, lambda m: m.count_params(), errors.NotBuiltError, ("'mlp'", "Input(shape)")),
    Row("save_before_build", deferred, lambda m: m.save("m.keras"), errors.NotBuiltError, ("build(input_shape)",)),
    Row("save_weights_before_build", deferred, lambda m: m.save_weights("m.weights.h5"), errors.NotBuiltError,
        ("build(input_shape)",)),
    Row("load_weights_before_build", deferred, lambda m: m.load_weights("m.weights.h5"), errors.NotBuiltError,
        ("build(input_shape)",)),
    Row("output_shape_before_build", deferred, lambda m: m.output_shape, errors.NotBuiltError, ("build(input_shape)",)),
    Row("kernel_before_build", deferred, lambda m: m.layers[0].kernel, errors.MissingAttributeError,
        ("'head'", "'kernel'", "not built", "build(input_shape)")),
)  # fmt: skip

NAMES = (
    Row("optimizer", mlp, lambda m: m.compile("adma", "mse"), errors.UnknownNameError,
        ("optimizer 'adma'", "'adam'")),
    Row("loss", mlp, lambda m: m.compile("sgd", "categorical_crosentropy"), errors.UnknownNameError,
        ("loss 'categorical_crosentropy'", "'categorical_crossentropy'")),
    Row("metric", mlp, lambda m: m.compile("sgd", "mse", metrics=["acuracy"]), errors.UnknownNameError,
        ("metric 'acuracy'", "'accuracy'")),
    Row("activation", mlp, lambda m: layers.Dense(3, "rellu"), errors.UnknownNameError,
        ("activation 'rellu'", "'relu'")),
    Row("initializer", mlp, lambda m: layers.Dense(3, kernel_initializer="he_norml"), errors.UnknownNameError,
        ("initializer 'he_norml'", "'he_normal'")),
    Row("layer", mlp, lambda m: m.get_layer("haed"), errors.UnknownNameError, ("layer 'haed'", "'head'")),
    Row("class_of_a_layer", mlp,
        lambda m: deserialize_keras_object({"module": "keras.layers", "class_name": "Dens", "config": {}}),
        errors.UnknownNameError, ("keras.layers.Dens",)),
    Row("argument_of_a_layer", mlp, lambda m: layers.Dense(3, activaton="relu"), errors.ArgumentError,
        ("Dense has no argument 'activaton'", "use 'activation'")),
    Row("argument_of_fit", mlp, fit(X, epoch=3), errors.ArgumentError, ("'epoch'", "use 'epochs'")),
    Row("argument_of_compile", mlp, lambda m: m.compile("sgd", "mse", metric="mae"), errors.ArgumentError,
        ("'metric'", "use 'metrics'")),
    Row("output_in_the_losses", lambda: mlp({"tail": "mse"}), fit(X), errors.ArgumentError, ("tail", "head"), MODEL),
)  # fmt: skip

CODE = (
    Row("a_branch_on_a_traced_value", branching, fit(X), errors.TraceError, ("ops.cond", "ops.where", "run_eagerly"),
        ("'branch' (Branch)", *MODEL)),
    Row("inputs_that_are_arrays", mlp, lambda m: Model(X, X), errors.ArgumentError, ("Input(", "float32[20, 8]")),
    Row("an_input_that_is_not_named", mlp, lambda m: Model(Input((8,)), m(Input((8,), name="other"))),
        errors.ArgumentError, ("'other'", "Model(inputs=")),
    Row("a_layer_twice_in_a_row", mlp, lambda m: m.add(layers.Dense(3, name="head")), errors.ArgumentError,
        ("a layer named 'head' already",)),
    Row("what_is_no_layer", mlp, lambda m: m.add(3), errors.ArgumentError, ("Only a layer",)),
    Row("too_few_weights", mlp, lambda m: m.set_weights([X]), errors.ArgumentError, ("expected: 4",)),
    Row("weights_of_other_shapes", mlp, lambda m: m.set_weights([np.ones(w.shape) for w in m.weights[::-1]]),
        errors.ShapeError, ("body/kernel", "(8, 5)", "(3,)")),
)  # fmt: skip

ROWS = [*SHAPES, *DATA, *VALIDATION, *LABELS, *STATES, *NAMES, *CODE]


def state(model: Model) -> list[np.ndarray]:
    """All weights, and the number of updates."""
    return [*model.get_weights(), *(model.optimizer.get_weights()[:1] if model.optimizer is not None else [])]


@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_the_error_names_the_fault_its_place_and_the_cure_and_nothing_has_changed(row):
    model = row.model()
    before = state(model)
    with pytest.raises(row.error) as caught:
        row.act(model)
    sentence, *facts = str(caught.value).splitlines()
    assert sentence.endswith(".") and sentence[0].isupper() or sentence[0] in "'`" or sentence.split()[0].islower()
    assert all(fact.startswith(("  expected: ", "  got:      ", "  try:      ")) for fact in facts)
    for word in row.words:
        assert word in str(caught.value)
    for place in row.places:
        assert place in "\n".join(caught.value.__notes__)
    for found, want in zip(state(model), before, strict=True):
        np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_every_error_is_ours_and_the_builtin_that_fits(row):
    builtin = next(c for c in row.error.__mro__ if c.__module__ == "builtins" and c is not Exception)
    assert issubclass(row.error, errors.AmaltheaError)
    assert issubclass(builtin, (ValueError, TypeError, AttributeError, ArithmeticError))
