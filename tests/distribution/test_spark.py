"""Spark's workers train to the losses of one process on the same batches; stages of pipelines; errors in words."""

from __future__ import annotations

import importlib.util
import os
import sys

import numpy as np
import pytest

import amalthea
from amalthea import Input, Sequential, layers, utils
from amalthea.data.arrays import epoch_generator
from amalthea.engine import backends
from amalthea.engine.communicator import split
from amalthea.errors import ArgumentError, DistributionError, NotBuiltError, NotCompiledError, UnknownNameError
from tests.distribution.launched import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="pyspark is not installed"),
    pytest.mark.filterwarnings("default"),  # Spark has warnings of its own
]
MASTERS = ("local[2]", "local-cluster[2,1,1024]")


def session(master):
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.executorEnv.PYTHONPATH": str(ROOT),
        "spark.executorEnv.OMP_NUM_THREADS": "1",
    }
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(master)
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


@pytest.fixture(scope="module", params=MASTERS)
def spark(request):
    found = session(request.param)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def local():
    found = session(MASTERS[0])
    yield found
    found.stop()


def network(norm=True):
    utils.set_random_seed(0)
    net = [layers.Dense(16, "relu"), *([layers.BatchNormalization()] if norm else []), layers.Dense(3, "softmax")]
    model = Sequential([Input((6,)), *net])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"])
    return model


def rows(count, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 6)).astype("float32")
    return x, (x[:, 0] > 0).astype("int64") + (x[:, 1] > 1), rng.uniform(0.5, 2, count).astype("float32")


def frame_of(spark, counts):
    """A data frame whose partitions have these rows."""
    ranks = np.repeat(np.arange(len(counts)), counts)
    numbers = [(int(r), i) for i, r in enumerate(ranks)]
    x, y, w = rows(sum(counts))
    whole = [(x[i].tolist(), int(y[i]), float(w[i])) for _, i in numbers]
    parts = spark.sparkContext.parallelize(range(len(counts)), len(counts))
    starts = np.concatenate([[0], np.cumsum(counts)]).tolist()
    own = parts.flatMap(lambda rank: whole[starts[rank] : starts[rank + 1]])
    return spark.createDataFrame(own, "x array<float>, y long, w float")


class Together(utils.PyDataset):
    """The batches of all ranks, joined, in one process."""

    def __init__(self, counts, batch_size, shuffle, seed=0):
        super().__init__()
        self.counts, self.shares = counts, split(batch_size, len(counts))
        self.shuffle, self.seed, self.epoch = shuffle, seed, 0

    def __len__(self):
        return max(-(-n // share) for n, share in zip(self.counts, self.shares))

    def __getitem__(self, step):
        data, starts, found = rows(sum(self.counts)), np.cumsum([0, *self.counts]), []
        for rank, (count, share) in enumerate(zip(self.counts, self.shares)):
            order = np.arange(count)
            if self.shuffle:
                generator = epoch_generator(self.seed + (rank << 32), self.epoch)
                generator.permutation(1)  # of the chunks
                order = generator.permutation(count)
            found.append(starts[rank] + order[step * share : (step + 1) * share])
        return tuple(column[np.concatenate(found)] for column in data)

    def on_epoch_end(self):
        self.epoch += 1


def alone(model, counts, batch_size, epochs, shuffle=False):
    feed = Together(counts, batch_size, shuffle)
    return model.fit(feed, epochs=epochs, shuffle=False, verbose=0)


def hold(got, want, of_got, of_want):
    for name, values in want.history.items():
        np.testing.assert_allclose(got.history[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
    for ours, theirs in zip(of_got.get_weights(), of_want.get_weights()):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_workers_train_to_the_losses_of_one_process(spark):
    from amalthea.distribution import spark as ours

    for counts, shuffle in (((60, 60), True), ((53, 24), True), ((30, 0), False)):
        model, one = network(), network()
        frame = frame_of(spark, counts)
        got = ours.fit(
            model, frame, features="x", label="y", sample_weight="w", batch_size=21, epochs=3, shuffle=shuffle
        )
        want = alone(one, counts, 21, 3, shuffle)
        hold(got, want, model, one)
        assert got is model.history and int(model.optimizer.iterations) == int(one.optimizer.iterations)
    scored = ours.transform(model, frame, features="x").orderBy("w").toPandas()
    own = model.predict(np.stack(scored["x"]).astype("float32"), verbose=0)
    np.testing.assert_allclose(np.stack(scored["prediction"]), own, rtol=1e-5, atol=1e-6)


def test_a_second_fit_goes_on_where_the_first_ended(local):
    from amalthea.distribution import spark as ours

    model, one = network(), network()
    frame = frame_of(local, (20, 20))
    for _ in range(2):
        got = ours.fit(model, frame, features="x", label="y", sample_weight="w", batch_size=10, shuffle=False)
        want = alone(one, (20, 20), 10, 1)
    hold(got, want, model, one)


def test_a_column_chooses_the_rows_that_validate(local):
    from pyspark.sql import functions

    from amalthea.distribution import spark as ours

    model = network()
    frame = frame_of(local, (30, 30)).withColumn("held", functions.col("w") > 1.4)
    got = ours.fit(model, frame, features="x", label="y", validation="held", batch_size=8, epochs=2).history
    x, y, w = rows(60)
    want = model.evaluate(x[w > 1.4], y[w > 1.4], verbose=0, return_dict=True)
    np.testing.assert_allclose(got["val_loss"][-1], want["loss"], rtol=1e-5)
    np.testing.assert_allclose(got["val_accuracy"][-1], want["accuracy"], rtol=1e-5)


def test_stages_of_a_pipeline_are_saved_and_loaded(local, tmp_path):
    from pyspark.ml import Pipeline, PipelineModel
    from pyspark.ml.feature import StandardScaler, VectorAssembler

    from amalthea.distribution import spark as ours

    x, y, _ = rows(60)
    frame = local.createDataFrame([(*map(float, r), int(k)) for r, k in zip(x, y)], "a float, b float, c float, "
                                  "d float, e float, f float, label int").repartition(2)  # fmt: skip
    estimator = ours.NetworkEstimator(network=network(), featuresCol="scaled", batchSize=10, epochs=2)
    stages = [
        VectorAssembler(inputCols=[*"abcdef"], outputCol="all"),
        StandardScaler(inputCol="all", outputCol="scaled"),
    ]
    pipeline = Pipeline(stages=[*stages, estimator])
    pipeline.save(str(tmp_path / "pipeline"))
    fitted = Pipeline.load(str(tmp_path / "pipeline")).fit(frame)
    fitted.save(str(tmp_path / "fitted"))
    again = PipelineModel.load(str(tmp_path / "fitted"))
    assert len(again.stages[-1].history["loss"]) == 2
    scored = [np.stack(m.transform(frame).orderBy("a").toPandas()["prediction"]) for m in (fitted, again)]
    np.testing.assert_array_equal(*scored)
    assert scored[0].shape == (60, 3) and np.allclose(scored[0].sum(1), 1)


class Doubled(layers.Layer):
    def call(self, x):
        return 2.0 * x


def test_classes_of_the_user_travel_where_they_are_passed(local):
    from amalthea.distribution import spark as ours

    model = Sequential([Input((6,)), Doubled(), layers.Dense(1)])
    model.compile("sgd", "mse")
    kept = {"Doubled": Doubled}
    frame = frame_of(local, (20, 20))
    ours.fit(model, frame, features="x", label="w", custom_objects=kept)
    first = ours.transform(model, frame, features="x", custom_objects=kept, output="found").first()
    assert isinstance(first["found"], float)  # one number for each row is no list
    with pytest.raises(DistributionError, match="worker of Spark failed") as caught:
        ours.fit(model, frame, features="x", label="w")
    assert "Doubled" in str(caught.value)


def test_what_is_wrong_is_told_before_a_worker_starts(local):
    from amalthea.distribution import spark as ours

    frame = frame_of(local, (4, 4))
    cases = [
        (UnknownNameError, "no column", network(), {"features": "X"}),
        (ArgumentError, "fewer places", network(), {"num_workers": 3}),
        (ArgumentError, "num_workers", network(), {"num_workers": 0}),
        (ArgumentError, "batch_size", network(), {"batch_size": -1}),
        (ArgumentError, "Workers train a model", "net", {}),
        (NotBuiltError, "no weights yet", Sequential([layers.Dense(1)]), {}),
        (NotCompiledError, "compiled", Sequential([Input((6,)), layers.Dense(1)]), {}),
    ]
    for kind, words, model, given in cases:
        with pytest.raises(kind, match=words):
            ours.fit(model, frame, **{"features": "x", "label": "y", **given})
    with pytest.raises(ArgumentError, match="data frame of Spark"):
        ours.fit(network(), rows(3), features="x", label="y")
    with pytest.raises(ArgumentError, match="this column already"):
        ours.transform(network(), frame, features="x", output="y")


def test_what_is_wrong_in_a_worker_is_told_by_the_driver(local):
    from amalthea.distribution import spark as ours

    frame = local.createDataFrame([([1.0, 2.0], 1), (None, 0)], "x array<float>, y long")
    with pytest.raises(DistributionError, match="Values are missing in the column 'x'"):
        ours.fit(network(), frame, features="x", label="y")
    assert amalthea.engine.communicator.current().size == 1


@pytest.mark.parametrize("backend", [b for b in ("torch", "jax", "tensorflow") if b in backends.installed()])
def test_every_backend_trains_in_workers_that_are_used_again(local, backend):
    from amalthea.distribution import spark as ours

    counts = (24, 24)
    frame = frame_of(local, counts)
    with amalthea.use_backend(backend):
        for _ in range(2):
            model, one = network(), network()
            got = ours.fit(model, frame, features="x", label="y", sample_weight="w", batch_size=8, epochs=2,
                           shuffle=False)  # fmt: skip
            hold(got, alone(one, counts, 8, 2), model, one)
