"""Ray's workers train to the losses of one process; checkpoints; a run that goes on after a worker has died."""

from __future__ import annotations

import importlib.util
import os

import numpy as np
import pytest

import amalthea
from amalthea import Input, Sequential, data, layers, models, utils
from amalthea.engine import backends
from amalthea.errors import ArgumentError, DistributionError, UnknownNameError
from tests.distribution.launched import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed"),
    pytest.mark.filterwarnings("default"),  # Ray has warnings of its own
]


@pytest.fixture(scope="module", autouse=True)
def cluster():
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")  # it writes a file into the user's folder otherwise
    import ray

    environment = {"env_vars": {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}}
    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, runtime_env=environment)
    yield
    ray.shutdown()


@pytest.fixture
def storage(tmp_path):
    from ray.train import RunConfig

    return RunConfig(storage_path=str(tmp_path / "storage"))


def network():
    utils.set_random_seed(0)
    model = Sequential([Input((6,)), layers.Dense(16, "relu"), layers.BatchNormalization(), layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def rows(count=75):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 6)).astype("float32")
    return x, (x[:, 0] > 0).astype("int64") + (x[:, 1] > 1), rng.uniform(0.5, 2, count).astype("float32")


def hold(history, want, model, one):
    for name, values in want.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
    for ours, theirs in zip(model.get_weights(), one.get_weights()):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)
    assert int(model.optimizer.iterations) == int(one.optimizer.iterations)


@pytest.mark.parametrize(
    "backend", [b for b in ("onnxruntime", "torch", "jax", "tensorflow") if b in backends.installed()]
)
def test_workers_train_to_the_losses_of_one_process(backend, storage):
    from amalthea.distribution import ray as ours

    x, y, w = rows()
    with amalthea.use_backend(backend):
        model, one = network(), network()
        history = ours.fit(model, (x, y, w), batch_size=20, epochs=2, shuffle=False, validation_data=(x[:9], y[:9]),
                           run_config=storage)  # fmt: skip
        want = one.fit(x, y, 20, 2, 0, sample_weight=w, shuffle=False, validation_data=(x[:9], y[:9])).history
        hold(history.history, want, model, one)
    assert history.result.metrics["epoch"] == 1
    with history.result.checkpoint.as_directory() as folder:
        kept = models.load_model(os.path.join(folder, ours.MODEL))
    np.testing.assert_allclose(kept.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


def test_each_worker_reads_its_own_shard(storage):
    import ray

    from amalthea.distribution import ray as ours

    x, y, _ = rows(64)
    dataset = ray.data.from_items([{"x": a.tolist(), "y": int(b)} for a, b in zip(x, y)])
    model, one = network(), network()
    history = ours.fit(model, dataset, features="x", label="y", batch_size=64, epochs=3, run_config=storage).history
    hold(history, one.fit(x, y, 64, 3, 0, shuffle=False).history, model, one)  # one batch has all rows


def test_a_function_makes_the_data_in_each_worker(storage, tmp_path):
    from amalthea.distribution import ray as ours

    x, y, w = rows()
    folder = tmp_path / "files"
    folder.mkdir()
    for i in range(4):
        np.savez(folder / f"{i}.npz", x=x[i::4], y=y[i::4], sample_weight=w[i::4])
    model = network()
    history = ours.fit(model, lambda: data.ShardedFiles(folder, 80), epochs=1, run_config=storage).history
    want = network().fit(x, y, 80, 1, 0, sample_weight=w, shuffle=False).history
    np.testing.assert_allclose(history["loss"], want["loss"], rtol=1e-5)


class Dies(amalthea.callbacks.Callback):
    def __init__(self, mark):
        super().__init__()
        self.mark = mark

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2 and amalthea.engine.communicator.current().rank == 1 and not os.path.exists(self.mark):
            open(self.mark, "w").close()
            os._exit(7)


def test_a_run_goes_on_from_its_last_checkpoint_after_a_worker_died(tmp_path):
    from ray.train import FailureConfig, RunConfig

    from amalthea.distribution import ray as ours

    x, y, _ = rows()
    model, one = network(), network()
    mark = str(tmp_path / "died")
    config = RunConfig(storage_path=str(tmp_path / "storage"), failure_config=FailureConfig(max_failures=1))
    history = ours.fit(model, (x, y), batch_size=20, epochs=4, shuffle=False, callbacks=[Dies(mark)], run_config=config)
    assert os.path.exists(mark)
    hold(history.history, one.fit(x, y, 20, 4, 0, shuffle=False).history, model, one)


def test_what_is_wrong_is_told_in_words(storage):
    import ray

    from amalthea.distribution import ray as ours

    x, y, _ = rows()
    with pytest.raises(ArgumentError, match="cannot be given these data"):
        ours.fit(network(), x)
    with pytest.raises(UnknownNameError, match="no column 'z'"):
        ours.fit(network(), ray.data.range(3), features="z")
    with pytest.raises(ArgumentError, match="epochs"):
        ours.fit(network(), (x, y), epochs=0)
    with pytest.raises(DistributionError, match="worker of Ray failed") as caught:
        ours.fit(network(), (x[:, :5], y), run_config=storage)
    assert "6" in str(caught.value)
