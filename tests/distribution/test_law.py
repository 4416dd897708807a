"""The law: the same batch gives the same losses on one process and on many. Ranks are threads here."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import amalthea
from amalthea import Input, Sequential, data, distribution, layers, losses, metrics, ops, optimizers, utils
from amalthea.distribution.communicators import threads
from amalthea.engine import backends, communicator
from amalthea.errors import ArgumentError, DistributionError

pytestmark = pytest.mark.skipif(
    backends.current().name in ("jax", "tensorflow"),
    reason="JAX divides by itself (test_devices.py); TensorFlow calls Python in two threads, which wait for each other",
)
RNG = np.random.default_rng(0)
ROWS = 37
MAKING = threading.Lock()  # names and seeds are of the process


def dense():
    return Sequential([Input((6,)), layers.Dense(8, "relu", kernel_regularizer="l2"), layers.Dense(3, "softmax")])


def normalized():
    net = [layers.Dense(8, "relu"), layers.BatchNormalization(), layers.Dropout(0.3), layers.GaussianNoise(0.1)]
    return Sequential([Input((6,)), *net, layers.Dense(3, "softmax")])


def convolutional():
    net = [layers.Conv2D(4, 3, activation="relu"), layers.BatchNormalization(), layers.MaxPooling2D(), layers.Flatten()]
    return Sequential([Input((8, 8, 2)), *net, layers.Dense(3, "softmax")])


def masked():
    return Sequential(
        [Input((5,)), layers.Embedding(10, 4, mask_zero=True), layers.LSTM(6), layers.Dense(3, "softmax")]
    )


def recurrent():
    net = [layers.Bidirectional(layers.GRU(4, return_sequences=True)), layers.SimpleRNN(4)]
    return Sequential([Input((5, 4)), *net, layers.Dense(3, "softmax")])


def attentive():
    x = Input((5, 8))
    y = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4)(x, x))
    return amalthea.Model(x, layers.Dense(3, "softmax")(layers.GlobalMaxPooling1D()(y)))


def group_normalized():
    net = [
        layers.Conv2D(4, 3),
        layers.GroupNormalization(2),
        layers.SpatialDropout2D(0.2),
        layers.GlobalAveragePooling2D(),
    ]
    return Sequential([Input((8, 8, 2)), *net, layers.UnitNormalization(), layers.Dense(3, "softmax")])


class Losing(layers.Layer):
    def call(self, x):
        self.add_loss(1e-2 * ops.mean(x**2))
        return x


def losing():
    return Sequential([Input((6,)), layers.Dense(4), Losing(), layers.Dense(3, "softmax", activity_regularizer="l1")])


class Own(amalthea.Model):
    def __init__(self):
        super().__init__()
        self.net = Sequential([Input((6,)), layers.Dense(4, "tanh"), layers.Dense(3, "softmax")])
        self.net.build((None, 6))

    def call(self, x):
        return self.net(x)

    def train_step(self, data):
        x, y = data[:2]
        variables = self.trainable_variables
        mean = lambda: ops.mean(losses.sparse_categorical_crossentropy(y, self(x, training=True)))  # noqa: E731
        loss, gradients = amalthea.value_and_grad(mean, variables)()
        self.optimizer.apply(gradients, variables)
        return {"loss": loss, "spread": ops.max(ops.std(x, 0))}


NETWORKS = {f.__name__: f for f in (dense, normalized, convolutional, masked, recurrent, attentive, group_normalized,
                                    losing, Own)}  # fmt: skip


def data_for(model, rows=ROWS):
    if isinstance(model, Own):
        shape = (6,)
    else:
        shape = model.input_shape[1:]
    rng = np.random.default_rng(1)
    is_text = shape == (5,)
    x = rng.integers(0, 10, (rows, 5)).astype("int32") if is_text else rng.normal(size=(rows, *shape)).astype("float32")
    return x, rng.integers(0, 3, rows).astype("int32"), rng.uniform(0.5, 2, rows).astype("float32")


def trained(network, optimizer="adam", metric=("accuracy",), weighted=False, batch_size=8, class_weight=None):
    """A run of the ranks of a group: history, scores, predictions, weights."""

    def run(group):
        with MAKING:
            utils.set_random_seed(100 * group.rank)  # the first rank's is used
            model = network()
            chosen = optimizers.get(optimizer) if isinstance(optimizer, str) else optimizer()
            model.compile(
                chosen, "sparse_categorical_crossentropy", metrics=[m() if callable(m) else m for m in metric]
            )
        x, y, w = data_for(model)
        # The stream of seeds is of the process, so each thread is given its seed; the first rank's is used.
        rows = data.ArrayAdapter(x, y, w if weighted else None, batch_size, True, class_weight, seed=group.rank)
        with distribution.DataParallel().scope():
            history = model.fit(rows, epochs=2, verbose=0, validation_data=(x[:9], y[:9])).history
            scores = model.evaluate(x, y, batch_size=10, verbose=0, return_dict=True)
            return history, scores, model.predict(x, batch_size=16, verbose=0), model.get_weights()

    return run


def hold(run, sizes=(2, 3), tolerance=1e-5):
    (alone,) = threads.run(run, 1)
    for size in sizes:
        ranks = threads.run(run, size)
        for history, scores, predictions, weights in ranks:
            for (name, values), own in zip(alone[0].items(), history.values(), strict=True):  # names are numbered
                np.testing.assert_allclose(own, values, rtol=tolerance, atol=1e-6, err_msg=name)
            for (name, value), own in zip(alone[1].items(), scores.values(), strict=True):
                np.testing.assert_allclose(own, value, rtol=tolerance, atol=1e-6, err_msg=name)
            np.testing.assert_allclose(predictions, alone[2], rtol=1e-3, atol=1e-5)
            for mine, first in zip(weights, ranks[0][3]):
                np.testing.assert_array_equal(mine, first)  # of all ranks


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_trains_to_the_same_losses(name):
    hold(trained(NETWORKS[name]))


@pytest.mark.parametrize("name", ["normalized", "masked"])
def test_weights_of_rows_and_classes_hold(name):
    hold(trained(NETWORKS[name], weighted=True, class_weight={0: 1.0, 1: 2.0, 2: 0.5}))


OPTIMIZERS = {
    "accumulated": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=3),
    "clipped by norm": lambda: optimizers.SGD(0.1, momentum=0.9, clipnorm=0.1),
    "clipped together": lambda: optimizers.SGD(0.1, global_clipnorm=0.1),
    "averaged": lambda: optimizers.RMSprop(0.01, use_ema=True, ema_overwrite_frequency=2),
    "scaled": lambda: optimizers.LossScaleOptimizer(optimizers.SGD(0.1)),
    "factored": lambda: optimizers.Adafactor(0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_optimizers_do_with_gradients_holds(name):
    hold(trained(normalized, OPTIMIZERS[name]), tolerance=2e-5)


METRICS = {
    "top": lambda: metrics.SparseTopKCategoricalAccuracy(2),
    "iou": lambda: metrics.MeanIoU(3, sparse_y_pred=False),
    "crossentropy": metrics.SparseCategoricalCrossentropy,
}


def test_metrics_are_of_all_rows():
    hold(trained(dense, metric=("accuracy", *METRICS.values())))


def test_more_ranks_than_rows_in_the_last_batch():
    hold(trained(normalized, batch_size=12), sizes=(4,))


class Rows(utils.PyDataset):
    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return 5

    def __getitem__(self, i):
        return self.x[i * 8 : (i + 1) * 8], self.y[i * 8 : (i + 1) * 8]


def test_data_sets_and_generators_are_divided_too():
    def run(group):
        with MAKING:
            utils.set_random_seed(group.rank)
            model = dense()
            model.compile("sgd", "sparse_categorical_crossentropy")
        x, y, _ = data_for(model)
        with distribution.DataParallel().scope():
            history = model.fit(Rows(x, y), epochs=2, verbose=0, shuffle=False).history
            scores = model.evaluate(
                ((x[i : i + 5], y[i : i + 5]) for i in range(0, 20, 5)), verbose=0, return_dict=True
            )
            return history, scores, model.predict(x, verbose=0), model.get_weights()

    hold(run)


def test_data_that_are_a_process_s_own_make_one_batch():
    """Three ranks with 5, 4 and 2 batches of their own: those that end go on without rows."""
    x, y, _ = data_for(dense())

    def own(rank, size):
        if size == 1:  # what the ranks' batches are together
            parts = [[batch for batch in own(r, 3)] for r in range(3)]
            for i in range(5):
                there = [part[i] for part in parts if i < len(part)]
                yield tuple(np.concatenate(arrays) for arrays in zip(*there))
            return
        for i in range((5, 4, 2)[rank]):
            rows = slice(10 * rank + 2 * i, 10 * rank + 2 * i + 2)
            yield x[rows], y[rows]

    def run(group):
        with MAKING:
            utils.set_random_seed(0)
            model = dense()
            model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        with distribution.DataParallel(auto_shard_dataset=False).scope():
            history = model.fit(own(group.rank, group.size), verbose=0).history
            return history, {}, model.predict(x, verbose=0), model.get_weights()

    hold(run, sizes=(3,))


def test_batches_one_by_one():
    def run(group):
        with MAKING:
            utils.set_random_seed(0)
            model = normalized()
            model.compile("sgd", "sparse_categorical_crossentropy")
        x, y, w = data_for(model)
        with distribution.DataParallel().scope():
            found = [float(model.train_on_batch(x[:7], y[:7], w[:7])) for _ in range(3)]
            scores = {"loss": model.test_on_batch(x, y)}
            return {"loss": found}, scores, model.predict_on_batch(x), model.get_weights()

    hold(run)


# ------------------------------------------------------------------------------------------ what differs


def test_ranks_with_other_models_are_told_so():
    def run(group):
        with MAKING:
            model = Sequential([Input((6,)), layers.Dense(3 + group.rank), layers.Dense(3, "softmax")])
            model.compile("sgd", "sparse_categorical_crossentropy")
        x, y, _ = data_for(dense())
        told = pytest.raises(DistributionError, match="models of the ranks differ")
        with distribution.DataParallel().scope(), told as caught:
            model.fit(x, y, verbose=0)
        return str(caught.value)

    told = threads.run(run, 2)
    assert told[0] == told[1] and "rank 1" in told[0] and "float32[6, 4]" in told[0]


@pytest.mark.parametrize("what", ["batch size", "activation"])
def test_ranks_with_other_steps_are_told_so(what):
    def run(group):
        with MAKING:
            utils.set_random_seed(0)
            act = "tanh" if what == "activation" and group.rank else "relu"
            model = Sequential([Input((6,)), layers.Dense(4, act), layers.Dense(3, "softmax")])
            model.compile("sgd", "sparse_categorical_crossentropy")
        x, y, _ = data_for(dense())
        size = 8 + 2 * group.rank if what == "batch size" else 8
        told = pytest.raises(DistributionError, match="different steps")
        with distribution.DataParallel().scope(), told as caught:
            model.fit(x, y, batch_size=size, verbose=0)
        return str(caught.value)

    told = threads.run(run, 2)
    assert told[0] == told[1] and "rank 1" in told[0]


def test_an_eager_model_is_refused():
    def run(group):
        with MAKING:
            model = dense()
            model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
        x, y, _ = data_for(dense())
        with distribution.DataParallel().scope(), pytest.raises(ArgumentError, match="is compiled"):
            model.fit(x, y, verbose=0)

    threads.run(run, 2)


def test_the_first_rank_decides_when_to_stop():
    class Stop(amalthea.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = communicator.current().rank == 0 and epoch == 1

    def run(group):
        with MAKING:
            model = dense()
            model.compile("sgd", "sparse_categorical_crossentropy")
        x, y, _ = data_for(dense())
        with distribution.DataParallel().scope():
            return len(model.fit(x, y, epochs=9, verbose=0, callbacks=[Stop()]).epoch)

    assert threads.run(run, 3) == [2, 2, 2]


def test_one_exchange_a_step_where_nothing_needs_more():
    def run(group):
        with MAKING:
            utils.set_random_seed(0)
            model = recurrent()
            model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        x, y, _ = data_for(model, 8)
        sent = []
        whole = group.exchange
        group.exchange = lambda arrays, gathers: (
            sent.append(sum(np.asarray(a).nbytes for a in arrays)),
            whole(arrays, gathers),
        )[1]
        with distribution.DataParallel().scope():
            model.fit(x, y, batch_size=8, verbose=0, epochs=3)
        return sent, 4 * model.count_params()

    for sent, size in threads.run(run, 2):
        assert len(sent) == 3
        assert max(sent) <= size + 100  # the gradients, and a few sums of loss and metrics
