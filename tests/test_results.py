"""Results of training: names that fit, values of the run alone, what compile saw, and data that cannot be meant."""

from __future__ import annotations

import csv
import inspect
import warnings

import numpy as np
import pytest

from amalthea import Input, Model, Sequential, callbacks, layers, losses, metrics, ops, optimizers
from amalthea.engine import backends
from amalthea.errors import ArgumentError, DataError
from tests.samples import numbers

ONES, ZEROS = np.ones((8, 1), "float32"), np.zeros((8, 1), "float32")
every_backend = pytest.mark.parametrize("backend", backends.complete())


def through(units=1):
    return Sequential([Input((units,)), layers.Activation("linear")])


def heads(*names):
    x = Input((1,))
    return Model(x, [layers.Activation("linear", name=name)(x) for name in names])


def shared_head():
    """Two outputs of one layer, whose names are the same."""
    x, head = Input((1,)), layers.Activation("linear", name="head")
    return Model(x, [head(x), head(x * 2.0)])


class Subclassed(Model):
    def call(self, x):
        return {"left": x * 1.0, "right": x * 2.0}


def distance(y, p):
    return ops.abs(y - p)


class Parts(metrics.Metric):
    """A metric of several results."""

    def __init__(self, name="parts", **kwargs):
        super().__init__(name=name, **kwargs)
        self.seen = metrics.Mean()

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.seen.update_state(y_pred)

    def result(self):
        return {"mean": self.seen.result(), "loss": self.seen.result() + 1.0}


SHARED = metrics.MeanAbsoluteError(name="off")
LIST = [metrics.MeanAbsoluteError(name="off"), "mse"]
NAMED = {
    # name: model, options of compile, the names of the results
    "one": (through, {"metrics": ["mae"]}, "loss mae"),
    "plain and weighted": (through, {"metrics": ["mae"], "weighted_metrics": ["mae"]}, "loss mae weighted_mae"),
    "thrice": (through, {"metrics": ["mae", "mae"], "weighted_metrics": ["mae", "mae"]},
               "loss mae mae_1 weighted_mae weighted_mae_1"),
    "two thresholds": (through, {"metrics": [metrics.BinaryAccuracy(threshold=t) for t in (0.1, 2.0)]},
                       "loss binary_accuracy binary_accuracy_1"),
    "two lambdas": (through, {"metrics": [lambda y, p: y - p, lambda y, p: p - y]}, "loss <lambda> <lambda>_1"),
    "a name that is taken": (through, {"metrics": [Parts()]}, "loss mean loss_1"),
    "accuracy": (through, {"metrics": ["accuracy"], "weighted_metrics": ["accuracy"]},
                 "loss accuracy weighted_accuracy"),
    "a loss as a metric": (through, {"metrics": [losses.Huber(), distance]}, "loss huber_loss distance"),
    "two heads": (lambda: heads("left", "right"), {"metrics": {"left": ["mae"], "right": ["mae"]}},
                  "loss left_loss right_loss left_mae right_mae"),
    "weighted heads": (lambda: heads("left", "right"),
                       {"metrics": [["mae"], ["mae"]], "weighted_metrics": ["mse", "mae"]},
                       "loss left_loss right_loss left_mae right_mae left_mse right_weighted_mae"),
    "one list for two heads": (lambda: heads("left", "right"), {"metrics": {"left": LIST, "right": LIST}},
                               "loss left_loss right_loss left_off left_mse right_off right_mse"),
    "one object for two heads": (lambda: heads("left", "right"), {"metrics": [SHARED]},
                                 "loss left_loss right_loss left_off right_off"),
    "heads of one name": (shared_head, {"metrics": ["mae"]}, "loss head_loss head_1_loss head_mae head_1_mae"),
    "names that meet": (lambda: heads("a", "a_mae"), {"metrics": ["mae"]},
                        "loss a_loss a_mae_loss a_mae a_mae_mae"),
    "a subclassed model": (Subclassed, {"metrics": {"left": ["mae"], "right": ["mae"]}},
                           "loss left_loss right_loss left_mae right_mae"),
}  # fmt: skip


def data_for(model):
    """Labels 0, and 11 for a second output."""
    labels = {"left": ZEROS, "right": ZEROS + 11} if isinstance(model, Subclassed) else ZEROS
    if not isinstance(model, Subclassed) and len(model.outputs) == 2:
        labels = [ZEROS, ZEROS + 11]
    return ONES, labels


@pytest.mark.parametrize("case", NAMED)
def test_results_have_names_of_their_own_that_fit(case, tmp_path, capsys):
    make, options, names = NAMED[case]
    model = make()
    model.compile("sgd", "mse", **options)
    if not isinstance(model, Subclassed) and case != "a name that is taken":
        assert model.metrics_names == names.split()  # before anything ran
    x, y = data_for(model)
    values = model.evaluate(x, y, verbose=0)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    assert list(logs) == model.metrics_names == names.split()
    assert list(logs.values()) == list(values)
    log = tmp_path / "log.csv"
    history = model.fit(
        x, y, validation_data=(x, y), verbose=2, callbacks=[callbacks.CSVLogger(log)], batch_size=4
    ).history
    both = [*names.split(), *(f"val_{name}" for name in names.split())]
    assert sorted(history) == sorted(both)
    assert next(csv.reader(log.read_text().splitlines())) == ["epoch", *sorted(both)]
    shown = capsys.readouterr().out
    assert all(f" - {name}: " in shown for name in both)
    assert list(model.train_on_batch(x, y, return_dict=True)) == list(model.test_on_batch(x, y, return_dict=True))
    assert list(logs) == names.split() and model.metrics_names == names.split()


def test_results_of_one_name_are_each_their_own():
    model = through()
    model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mae"])
    x, weight = np.float32([[1], [3]]), np.float32([1, 0])
    logs = model.evaluate(x, np.zeros((2, 1)), sample_weight=weight, verbose=0, return_dict=True)
    assert (logs["mae"], logs["weighted_mae"]) == (2, 1)


@pytest.mark.parametrize("given", ["object", "list", "rows"])
def test_a_shared_metric_watches_each_head_by_itself(given):
    metric = metrics.MeanAbsoluteError(name="off")
    shared = {"object": {"left": metric, "right": metric}, "list": [metric, "mse", "mape"], "rows": [[metric]] * 2}[
        given
    ]
    model = heads("left", "right")
    model.compile("sgd", "mse", metrics=shared)
    for _ in range(2):
        logs = model.evaluate(*data_for(model), verbose=0, return_dict=True)
        assert (logs["left_off"], logs["right_off"]) == (1, 10)
    assert float(metric.result()) == 1  # the object itself is that of the first


def test_a_metric_of_the_models_own_called_loss_stands_for_the_loss():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.tracker = metrics.Mean(name="loss")

        def call(self, x):
            return x

        def test_step(self, data):
            self.tracker.update_state(7.0)
            return self.get_metrics_result()

    model = Own()
    model.compile(loss="mse")
    assert model.evaluate(ONES, ZEROS, verbose=0, return_dict=True) == {"loss": 7}


# --------------------------------------------------------------------------- results of a run are its own


class Look(callbacks.Callback):
    """Does something with the model in the midst of a run."""

    def __init__(self, what):
        super().__init__()
        self.what = what

    def on_train_batch_end(self, batch, logs=None):
        self.what(self.model)

    on_test_batch_end = on_train_batch_end


FAR = np.full((4, 1), 100, "float32"), np.zeros((4, 1), "float32")
POLLS = {
    "evaluate": lambda m: m.evaluate(*FAR, verbose=0),
    "evaluate by batches": lambda m: m.evaluate(*FAR, batch_size=1, verbose=0),
    "predict": lambda m: m.predict(FAR[0], verbose=0),
    "train_on_batch": lambda m: m.train_on_batch(*FAR),
    "test_on_batch": lambda m: m.test_on_batch(*FAR),
    "running test_on_batch": lambda m: m.test_on_batch(*FAR, reset_metrics=False),
    "fit": lambda m: m.fit(*FAR, verbose=0),
    "reads": lambda m: [metric.result() for metric in m.metrics],
}


@every_backend
@pytest.mark.parametrize("look", POLLS)
def test_what_a_callback_does_leaves_the_results_of_the_run(look, backend):
    with backends.use_backend(backend):
        model = Sequential([Input((1,)), layers.Dense(1, kernel_initializer="ones")])
        model.compile(optimizers.SGD(0.0), "mse", metrics=["mae", metrics.F1Score(average="macro", threshold=0.5)])
        x = np.float32([[1], [1], [5], [5]])
        run = {"batch_size": 2, "shuffle": False, "verbose": 0}
        wanted = model.fit(x, x * 0, validation_data=(x, x * 0), **run).history
        history = model.fit(x, x * 0, validation_data=(x, x * 0), callbacks=[Look(POLLS[look])], **run)
        assert history.history == wanted and wanted["loss"] == [13] and history.epoch == [0]
        scores = model.evaluate(x, x * 0, batch_size=2, verbose=0, callbacks=[Look(POLLS[look])])
        np.testing.assert_allclose(scores[:2], [13, 3])
        assert model.metrics_names == ["loss", "mae", "f1_score"]


@every_backend
@pytest.mark.parametrize("eager", [False, True])
def test_on_batch_gives_the_results_of_that_batch(backend, eager):
    with backends.use_backend(backend):
        model = through()
        made_late = metrics.F1Score(average=None, threshold=0.5)  # its variables are made by the first batch
        model.compile(optimizers.SGD(0.0), "mse", metrics=["mae", made_late], run_eagerly=eager)
        low, high = np.full((2, 1), 1, "float32"), np.full((2, 1), 3, "float32")
        for verb in (model.train_on_batch, model.test_on_batch):
            for x, error in ((low, 1), (high, 3), (low, 1)):
                loss, mae, _ = verb(x, x * 0)
                assert (float(loss), float(mae)) == (error**2, error)
            assert verb(high, high * 0, reset_metrics=False)[1] == 2  # with the one before
    ones = np.ones((2, 1), "float32")
    assert model.test_on_batch(ones, ones, return_dict=True)["f1_score"] == 1


def test_metrics_in_containers_are_reset_with_the_others():
    class Holder(layers.Layer):
        def __init__(self):
            super().__init__()
            self.deep = {"rows": [(metrics.Mean(name="deep"),)]}

        def call(self, x):
            self.deep["rows"][0][0].update_state(x)
            return x

    model = Sequential([Input((1,)), Holder()])
    model.compile(optimizers.SGD(0.0), "mse")
    history = model.fit(np.float32([[1], [3]]), np.zeros((2, 1)), epochs=2, verbose=0).history
    assert history["deep"] == [2, 2]


# ------------------------------------------------------------------------------- what compile saw holds


def judge_and_maker(**options):
    judge = Sequential(
        [Input((2,)), layers.Dense(3), layers.BatchNormalization(), Sequential([layers.Dense(1)], name="deep")]
    )
    judge.compile(optimizers.SGD(0.1), "mse", **options)
    judge.trainable = False
    maker = Sequential([Input((3,)), layers.Dense(2)])
    z = Input((3,))
    both = Model(z, judge(maker(z)))
    both.compile(optimizers.SGD(0.1), "mse", **options)
    return judge, maker, both


def changed(model, verb, *data):
    before = model.get_weights()
    verb(*data)
    return [bool((a != b).any()) for a, b in zip(before, model.get_weights(), strict=True)]


@every_backend
@pytest.mark.parametrize("eager", [False, True])
def test_a_discriminator_frozen_in_a_second_model_learns_by_itself(backend, eager):
    with backends.use_backend(backend):
        judge, maker, both = judge_and_maker(run_eagerly=eager)
        x, z, y = numbers(6, 2), numbers(6, 3), np.ones((6, 1), "float32")
        for i in range(2):
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                assert all(changed(judge, judge.train_on_batch, x, y))  # the moving averages too
            assert len(said) == (i == 0) and (i or "compile" in str(said[0].message))
            assert not any(changed(judge, both.train_on_batch, z, y))
            assert all(changed(maker, both.train_on_batch, z, y))
        assert judge.trainable_variables == [] and not judge.layers[-1].layers[0].trainable
        judge.compile(optimizers.SGD(0.1), "mse")
        assert not any(changed(judge, judge.train_on_batch, x, y))


def test_freezing_a_layer_deep_inside_is_said_once_and_counts_from_the_next_compile_on():
    inner = Sequential([layers.Dense(2), layers.Dense(2)])
    model = Sequential([Input((3,)), inner, layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = numbers(4, 3), numbers(4, 1)
    inner.layers[1].trainable = False
    with pytest.warns(UserWarning, match=r"'dense.*compile"):
        assert all(changed(model, model.train_on_batch, x, y)[::2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(x, y, verbose=0)
        inner.layers[1].trainable = True
        model.fit(x, y, verbose=0)
        inner.layers[1].trainable = False
        model.compile("sgd", "mse")
        assert changed(model, model.train_on_batch, x, y)[::2] == [True, False, True]


def test_a_layer_added_after_compile_is_what_it_is():
    model = Sequential([Input((3,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.add(layers.Dense(2, trainable=False))
    x, y = numbers(4, 3), numbers(4, 2)
    assert changed(model, model.train_on_batch, x, y)[::2] == [True, False]


# ----------------------------------------------------------------------------- which direction is better

SCORES = {name: getattr(metrics, name) for name in metrics.__all__ if inspect.isclass(getattr(metrics, name))}


def watcher(model, monitor, **options):
    callback = callbacks.EarlyStopping(monitor, **options)
    callback.set_model(model)
    return callback


def test_auto_mode_asks_the_metric_that_the_name_belongs_to():
    model = heads("loss_head", "right")
    model.compile(
        "sgd", "mse", metrics=[["mae", "accuracy", metrics.CosineSimilarity(name="gloss")], [losses.cosine_similarity]],
        weighted_metrics=[["accuracy"], []],
    )  # fmt: skip
    wanted = {
        "loss": "min", "loss_head_loss": "min", "loss_head_mae": "min", "loss_head_accuracy": "max",
        "loss_head_gloss": "max", "right_cosine_similarity": "min", "loss_head_weighted_accuracy": "max",
    }  # fmt: skip
    model.evaluate(*data_for(model), verbose=0)
    assert set(model.metrics_names) == {*wanted, "right_loss"}
    for name, mode in wanted.items():
        for prefix in ("", "val_"):
            assert watcher(model, prefix + name).larger_is_better() is (mode == "max"), name


@pytest.mark.parametrize("name", [n for n in SCORES if metrics.direction_of(SCORES[n])])
def test_auto_mode_knows_every_built_in_metric(name):
    from tests.test_exact_sums import make

    model = through()
    metric = make(name)
    model.compile("sgd", "mse", metrics=[metric])
    assert watcher(model, f"val_{metric.name}").larger_is_better() is (metric._direction == "up")


def test_a_direction_that_nobody_knows_is_asked_for():
    model = through()
    model.compile("sgd", "mse", metrics=[distance, metrics.Mean(name="accuracy_like")])
    model._prepare_metrics()
    for name in ("distance", "accuracy_like", "learning_rate", "glossy"):
        with pytest.raises(ArgumentError, match="mode='max'"):
            watcher(model, name).larger_is_better()


BY_NAME = {
    "val_gloss_accuracy": "max", "maker_loss": "min", "val_my_auc": "max", "left_mae_1": "min",
    "head_mean_io_u": "max", "top_k_categorical_accuracy": "max", "val_left_f1_score_2": "max",
}  # fmt: skip


@pytest.mark.parametrize("name", BY_NAME)
def test_names_that_no_metric_of_the_model_has_are_read_from_their_end(name):
    model = through()
    model.compile("sgd", "mse")
    assert watcher(model, name).larger_is_better() is (BY_NAME[name] == "max")


NAN = float("nan")


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("kind", [callbacks.EarlyStopping, callbacks.ReduceLROnPlateau, callbacks.ModelCheckpoint])
def test_nan_is_never_best_and_everything_is_better(kind, mode, tmp_path):
    options = {"filepath": str(tmp_path / "m.keras")} if kind is callbacks.ModelCheckpoint else {}
    callback = kind(**options, monitor="v", mode=mode)
    assert not callback.improves(NAN, None) and not callback.improves(NAN, 1.0)
    assert callback.improves(1.0, NAN) and callback.improves(1.0, None)


def test_a_first_epoch_of_nan_is_not_kept_reduces_no_rate_and_stops_nothing(tmp_path):
    model = Sequential([Input((1,)), layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse")
    path = str(tmp_path / "best.weights.h5")
    watching = [
        callbacks.EarlyStopping("v", mode="min", patience=2, restore_best_weights=True),
        callbacks.ModelCheckpoint(path, "v", mode="min", save_best_only=True, save_weights_only=True),
        callbacks.ReduceLROnPlateau("v", mode="min", patience=2),
    ]
    calls = callbacks.CallbackList(watching, model=model)
    calls.on_train_begin()
    for epoch, value in enumerate([NAN, 3.0, 2.0, NAN, 1.0, NAN]):
        model.set_weights([np.full((1, 1), float(epoch))])
        calls.on_epoch_begin(epoch)
        calls.on_epoch_end(epoch, {"v": value})
        assert not model.stop_training
    calls.on_train_end()
    assert model.get_weights()[0] == 4 and float(model.optimizer.learning_rate) == np.float32(0.01)
    model.load_weights(path)
    assert model.get_weights()[0] == 4


def test_a_result_of_several_numbers_cannot_be_watched():
    model = through()
    model.compile("sgd", "mse", metrics=[metrics.F1Score()])
    with pytest.raises(ArgumentError, match="macro"):
        watcher(model, "f1_score").on_epoch_end(0, {"f1_score": np.ones(3)})


# ------------------------------------------------------------------------------- weights of classes


def steps(units, activation, loss):
    model = Sequential([Input((2, units)), layers.Activation(activation)])
    model.compile("sgd", loss)
    return model


WEIGHTS = {0: 1.0, 1: 5.0, 2: 3.0}
CLASSES = np.array([[1, 1], [1, 2]])
STEPS = {
    "class numbers": (3, "sparse_categorical_crossentropy", CLASSES, CLASSES),
    "class numbers that look one-hot": (2, "sparse_categorical_crossentropy", np.eye(2, dtype=int), np.eye(2)),
    "a column of them": (3, "sparse_categorical_crossentropy", CLASSES[..., None], CLASSES),
    "one-hot": (3, "categorical_crossentropy", np.eye(3)[CLASSES], CLASSES),
}


@pytest.mark.parametrize("case", STEPS)
@pytest.mark.parametrize("weight", [None, [2.0, 0.5], [[2.0, 1.0], [0.5, 1.0]]])
def test_each_step_counts_by_the_weight_of_its_class(case, weight):
    units, loss, labels, classes = STEPS[case]
    model = steps(units, "softmax", loss)
    x = numbers(2, 2, units)
    p = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
    own = -np.log(np.take_along_axis(p, classes.astype(int)[..., None], -1))[..., 0]
    rows = np.ones((2, 1)) if weight is None else np.reshape(weight, (2, -1))
    wanted = np.mean(own * np.vectorize(WEIGHTS.get)(classes) * rows)
    given = None if weight is None else np.float32(weight)
    run = {"sample_weight": given, "class_weight": WEIGHTS}
    assert model.fit(x, labels, verbose=0, **run).history["loss"][0] == pytest.approx(wanted, rel=1e-5)
    assert model.train_on_batch(x, labels, **run) == pytest.approx(wanted, rel=1e-5)


def test_class_weights_of_labels_that_are_no_classes_are_refused():
    model = steps(3, "sigmoid", "binary_crossentropy")
    with pytest.raises(DataError, match="one-hot"):
        model.fit(np.zeros((2, 2, 3)), np.ones((2, 2, 3)), class_weight=WEIGHTS, verbose=0)
    model = Sequential([Input((2,)), layers.Reshape((2, 1)), layers.Activation("sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    y = np.array([[0, 1], [1, 0]])  # steps, by the model's output
    assert model.fit(np.zeros((2, 2)), y, class_weight=WEIGHTS, verbose=0).history["loss"][0] == pytest.approx(
        np.log(2) * 3, rel=1e-5
    )


# ----------------------------------------------------------------------------- data that cannot be meant


def classifier(loss, units=3):
    model = Sequential([Input((2,)), layers.Dense(units, "softmax" if units > 1 else "sigmoid")])
    model.compile("sgd", loss)
    return model


class Own(Model):
    """Without symbolic outputs."""

    def __init__(self, units):
        super().__init__()
        self.head = layers.Dense(units, "softmax" if units > 1 else "sigmoid")

    def call(self, x):
        return self.head(x)


def subclassed(loss, units=3):
    model = Own(units)
    model.compile("sgd", loss)
    return model


X = numbers(40, 2)
GOOD = np.arange(40) % 2
BAD_LABELS = {
    # name: loss, units, a label that cannot be meant, what the error says to do
    "1 and 2": ("binary_crossentropy", 1, 2, "y"),
    "-1 and 1": ("binary_crossentropy", 1, -1, r"\(y \+ 1\) / 2"),
    "focal": (losses.BinaryFocalCrossentropy(), 1, 7, "sparse"),
    "hinge": ("hinge", 1, 2, "y"),
    "squared hinge": ("squared_hinge", 1, -3, "y"),
    "too large": ("sparse_categorical_crossentropy", 3, 3, "4 units"),
    "negative": ("sparse_categorical_crossentropy", 3, -1, "begin at 0"),
    "NaN": ("mse", 1, np.nan, "nan_to_num"),
    "infinity": ("binary_crossentropy", 1, np.inf, "nan_to_num"),
    "NaN among classes": ("sparse_categorical_crossentropy", 3, np.nan, "nan_to_num"),
}


@pytest.mark.parametrize("make", [classifier, subclassed])
@pytest.mark.parametrize("case", BAD_LABELS)
def test_a_label_that_cannot_be_meant_is_found_wherever_it_stands(case, make):
    """In the last batch of arrays, in a later batch of a generator, in validation data, in evaluate, in one batch."""
    loss, units, label, cure = BAD_LABELS[case]
    bad = GOOD.astype("float32" if isinstance(label, float) else "int64")
    bad[-1] = label

    def batches():
        yield from ((X[i : i + 8], bad[i : i + 8]) for i in range(0, 40, 8))

    ways = {
        "fit": lambda m: m.fit(X, bad, batch_size=8, shuffle=False, verbose=0),
        "validation": lambda m: m.fit(X, GOOD, validation_data=(X, bad), verbose=0),
        "evaluate": lambda m: m.evaluate(X, bad, verbose=0),
        "train_on_batch": lambda m: m.train_on_batch(X, bad),
        "test_on_batch": lambda m: m.test_on_batch(X, bad),
    }
    for name, way in ways.items():
        model = make(loss, units)
        model(X[:2])
        before = model.get_weights()
        with pytest.raises(DataError, match=cure):
            way(model)
        assert all(map(np.array_equal, before, model.get_weights())), name
    for way in ("fit", "evaluate") if case in ("1 and 2", "too large") else ():
        with pytest.raises(DataError, match=cure):
            getattr(make(loss, units), way)(batches(), verbose=0)


def test_labels_one_and_two_are_told_to_begin_at_zero():
    with pytest.raises(DataError, match="y - 1"):
        classifier("binary_crossentropy", 1).fit(X, GOOD + 1, verbose=0)


def test_soft_labels_and_labels_of_a_loss_of_ones_own_are_free():
    classifier("binary_crossentropy", 1).fit(X, GOOD * 0.9 + 0.05, verbose=0)
    odd = np.where(GOOD == 1, np.nan, -7.0).astype("float32")
    model = classifier(lambda y, p: ops.where(ops.isnan(y), 0.0, ops.mean(p, axis=-1)), 1)
    model.fit(X, odd, verbose=0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("nest", [False, True])
def test_inputs_that_are_not_finite_are_refused_before_training(value, nest):
    bad = X.copy()
    bad[17, 1] = value
    inputs = {"a": Input((2,), name="a"), "b": Input((2,), name="b")} if nest else Input((2,))
    joined = layers.Concatenate()([inputs["a"], inputs["b"]]) if nest else inputs
    model = Model(inputs, layers.Dense(1)(joined))
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.raises(DataError, match="row 17"):
        model.fit({"a": X, "b": bad} if nest else bad, GOOD, verbose=0)
    assert all(map(np.array_equal, before, model.get_weights()))
    with pytest.raises(DataError, match="row 17"):
        model.evaluate({"a": X, "b": bad} if nest else bad, GOOD, verbose=0)


def test_a_model_that_replaces_missing_values_may_be_given_nan():
    bad = X.copy()
    bad[3] = np.nan
    model = Sequential([Input((2,)), layers.Lambda(lambda x: ops.where(ops.isnan(x), 0.0, x)), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(bad, GOOD, verbose=0).history["loss"][0])


def test_large_numbers_are_finite():
    model = Sequential([Input((2,)), layers.Rescaling(1e-37), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.full((40, 2), 2e37, "float32"), GOOD, verbose=0)  # their sum is infinite


@pytest.mark.parametrize("part", ["x", "y"])
def test_complex_numbers_are_refused(part):
    x, y = (X + 1j, GOOD) if part == "x" else (X, GOOD + 1j)
    for verb in (classifier("mse", 1).fit, classifier("mse", 1).evaluate):
        with pytest.raises(DataError, match=f"{part} does not hold numbers"):
            verb(x, y, verbose=0)


def test_rows_that_do_not_fit_the_batches_of_the_input_are_told_before_training():
    model = Sequential([Input(batch_shape=(16, 2)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X[:32], GOOD[:32], verbose=0)  # by 16, unless told otherwise
    assert model.predict(X[:32], verbose=0).shape == (32, 1)
    before = model.get_weights()
    for verb, options in ((model.fit, {}), (model.evaluate, {}), (model.fit, {"batch_size": 8})):
        with pytest.raises(ArgumentError, match=r"x\[:32\]"):
            verb(X, GOOD, verbose=0, **options)
    with pytest.raises(ArgumentError, match="16 rows"):
        model.fit(X[:32], GOOD[:32], validation_data=(X[:3], GOOD[:3]), verbose=0)
    with pytest.raises(ArgumentError, match="batch_shape"):
        model.predict(X[:3], verbose=0)
    assert all(map(np.array_equal, before, model.get_weights()))
