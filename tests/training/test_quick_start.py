"""The quick start of Keras's own page, and what ``fit`` does with its arguments."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea.layers import Dense
from amalthea.models import Sequential

CLASSES = 10


def digits(rows, seed=0):
    """Ten blobs in 100 dimensions, and their one-hot classes."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(7).normal(size=(CLASSES, 100))
    labels = rng.integers(0, CLASSES, rows)
    x = (centres[labels] + rng.normal(size=(rows, 100))).astype("float32")
    return x, np.eye(CLASSES, dtype="float32")[labels]


@pytest.mark.parametrize("backend", ["onnxruntime", "numpy"])
def test_the_quick_start_of_keras_runs_word_for_word(backend, capsys):
    x_train, y_train = digits(500)
    x_test, y_test = digits(200, seed=1)
    x_batch, y_batch = x_train[:32], y_train[:32]
    with amalthea.use_backend(backend):
        model = Sequential()
        model.add(Dense(units=64, activation="relu", input_dim=100))
        model.add(Dense(units=10, activation="softmax"))
        model.compile(loss="categorical_crossentropy", optimizer="sgd", metrics=["accuracy"])
        model.compile(
            loss=amalthea.losses.categorical_crossentropy,
            optimizer=amalthea.optimizers.SGD(lr=0.01, momentum=0.9, nesterov=True),
        )
        model.fit(x_train, y_train, epochs=5, batch_size=32)
        model.train_on_batch(x_batch, y_batch)
        loss_and_metrics = model.evaluate(x_test, y_test, batch_size=128)
        classes = model.predict(x_test, batch_size=128)
    assert loss_and_metrics < 0.3
    assert np.mean(classes.argmax(-1) == y_test.argmax(-1)) > 0.9
    np.testing.assert_allclose(classes.sum(-1), 1, rtol=1e-5)
    assert "Epoch 5/5" in capsys.readouterr().out


def small_model(**options):
    amalthea.utils.set_random_seed(3)
    model = Sequential([amalthea.Input((100,)), Dense(10, activation="softmax")])
    model.compile(**{"loss": "categorical_crossentropy", "optimizer": "sgd", "metrics": ["accuracy"], **options})
    return model


def curve(model, *args, **options):
    return model.fit(*args, **{"verbose": 0, "epochs": 2, **options}).history


def test_fit_gives_the_history_and_keeps_it_on_the_model():
    model = small_model()
    history = model.fit(*digits(64), epochs=3, verbose=0)
    assert history is model.history
    assert history.epoch == [0, 1, 2]
    assert set(history.history) == {"loss", "accuracy"}
    assert [len(values) for values in history.history.values()] == [3, 3]
    assert history.params["epochs"] == 3


@pytest.mark.parametrize("verbose, has", [(0, []), (1, ["Epoch 1/2", "2/2", "loss"]), (2, ["Epoch 1/2", "loss"])])
def test_each_verbosity_says_what_it_should(verbose, has, capsys):
    small_model().fit(*digits(64), epochs=2, verbose=verbose)
    said = capsys.readouterr().out
    assert bool(said) == bool(has)
    assert all(part in said for part in has)


def test_the_summary_names_layers_shapes_and_parameters(capsys):
    model = small_model()
    model.summary()
    said = capsys.readouterr().out
    assert model.name in said and "(None, 10)" in said and "1,010" in said


def test_the_summary_can_be_given_to_a_function():
    lines = []
    small_model().summary(print_fn=lambda line, **_: lines.append(line))
    assert "1,010" in "\n".join(lines)


def test_a_validation_split_is_the_last_share_of_the_rows():
    x, y = digits(100)
    split = curve(small_model(), x, y, validation_split=0.2, shuffle=False)
    apart = curve(small_model(), x[:80], y[:80], validation_data=(x[80:], y[80:]), shuffle=False)
    assert set(split) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert split == apart


def test_validation_happens_as_often_as_it_is_asked_for():
    x, y = digits(64)
    found = curve(small_model(), x, y, epochs=4, validation_data=(x, y), validation_freq=2)
    assert len(found["loss"]) == 4
    assert len(found["val_loss"]) == 2


def test_validation_leaves_the_weights_alone():
    x, y = digits(64)
    with_it, without = small_model(), small_model()
    curve(with_it, x, y, validation_data=digits(50, seed=5), shuffle=False)
    curve(without, x, y, shuffle=False)
    for found, want in zip(with_it.get_weights(), without.get_weights(), strict=True):
        np.testing.assert_array_equal(found, want)


def test_the_same_seed_gives_the_same_run():
    x, y = digits(100)
    assert curve(small_model(), x, y) == curve(small_model(), x, y)
    other = small_model()
    amalthea.utils.set_random_seed(4)
    assert curve(other, x, y) != curve(small_model(), x, y)


def orders_of(shuffle, epochs=2):
    """The rows of each epoch in the order in which a step saw them."""
    seen: list[list[float]] = []

    class Spy(amalthea.Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(1)

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            seen[-1].extend(np.asarray(data[0])[:, 0].tolist())
            return super().train_step(data)

    class Mark(amalthea.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append([])

    amalthea.utils.set_random_seed(0)
    model = Spy()
    model.compile("sgd", "mse", run_eagerly=True)
    rows = np.arange(20, dtype="float32")[:, None] / 20
    model.fit(rows, rows, batch_size=4, epochs=epochs, shuffle=shuffle, verbose=0, callbacks=[Mark()])
    return [np.round(np.array(epoch) * 20).astype(int).tolist() for epoch in seen]


def test_every_epoch_has_an_order_of_its_own_and_the_seed_brings_it_back():
    first, second = orders_of(shuffle=True)
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second and first != list(range(20))
    assert orders_of(shuffle=True) == [first, second]


def test_rows_without_shuffling_come_as_they_are():
    assert orders_of(shuffle=False) == [list(range(20))] * 2


def test_class_weights_are_sample_weights():
    x, y = digits(64)
    factors = {i: 1.0 + i for i in range(CLASSES)}
    rows = np.array([factors[c] for c in y.argmax(-1)], "float32")
    by_class = curve(small_model(), x, y, class_weight=factors)
    by_row = curve(small_model(), x, y, sample_weight=rows)
    np.testing.assert_allclose(by_class["loss"], by_row["loss"], rtol=1e-6)
    assert by_class["loss"] != curve(small_model(), x, y)["loss"]


def test_rows_of_weight_zero_teach_nothing():
    x, y = digits(64)
    spoilt = np.concatenate([x, 100 * x]), np.concatenate([y, y[::-1]])
    weight = np.repeat([1.0, 0.0], 64).astype("float32")
    model, want = small_model(), small_model()
    model.fit(*spoilt, sample_weight=weight, batch_size=128, shuffle=False, verbose=0)
    want.fit(x, y, batch_size=64, sample_weight=np.full(64, 0.5, "float32"), shuffle=False, verbose=0)
    for found, wanted in zip(model.get_weights(), want.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_train_on_batch_is_a_step_of_fit():
    x, y = digits(64)
    by_fit, by_hand = small_model(), small_model()
    history = curve(by_fit, x, y, epochs=1, shuffle=False)
    steps = [by_hand.train_on_batch(x[start : start + 32], y[start : start + 32]) for start in (0, 32)]
    loss, accuracy = np.mean(steps, axis=0)  # each gives the results of its own batch
    assert loss == pytest.approx(history["loss"][0], rel=1e-6)
    assert accuracy == pytest.approx(history["accuracy"][0])
    for found, want in zip(by_hand.get_weights(), by_fit.get_weights(), strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-6)


def test_evaluate_weighs_a_partial_last_batch_by_its_rows():
    x, y = digits(50)
    model = small_model()
    whole = model.evaluate(x, y, batch_size=50, verbose=0)
    parts = model.evaluate(x, y, batch_size=32, verbose=0)
    np.testing.assert_allclose(parts, whole, rtol=1e-5)
    named = model.evaluate(x, y, verbose=0, return_dict=True)
    assert list(named) == ["loss", "accuracy"]
