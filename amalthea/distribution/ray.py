"""Ray trains a model: ``pip install amalthea[ray]``.

    from amalthea.distribution import ray

    history = ray.fit(model, (x, y), num_workers=4, batch_size=256, epochs=5)
    history = ray.fit(model, ray.data.read_parquet("s3://..."), features="pixels", label="digit", num_workers=4)

Workers join by this library's own means on every backend, JAX included. A checkpoint is reported after each epoch, from
which the run goes on after a failure, if Ray's ``FailureConfig`` asks for that.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from amalthea import writing
from amalthea.callbacks import Callback, History
from amalthea.data.columns import Columns, Names
from amalthea.distribution import workers
from amalthea.distribution.workers import Job
from amalthea.engine import backends, communicator
from amalthea.engine.communicator import split
from amalthea.errors import ArgumentError, DataError, DistributionError, MissingLibraryError

MODEL, HISTORY = "model.keras", "history.json"  # the files of a checkpoint


def fit(model: Any, data: Any, **kwargs: Any) -> History:
    """Trains a model on Ray's workers, and gives it the new weights.

    Args:
        model: Model; built and compiled. It is sent as a ``.keras`` file.
        data: as in :func:`trainer`.
        **kwargs: further arguments of :func:`trainer`.

    Returns:
        The History of the run, which is ``model.history`` too. Its ``result`` is Ray's ``Result``.

    Raises:
        ArgumentError: an argument is not valid.
        DistributionError: a worker failed.
    """
    made = trainer(model, data, **kwargs)
    from ray.train import TrainingFailedError

    try:
        result = made.fit()
    except TrainingFailedError as error:
        raise DistributionError("A worker of Ray failed.", got=workers.error_in(str(error))) from error
    with result.checkpoint.as_directory() as folder:
        trained = workers.model_of(_content(folder, MODEL), kwargs.get("custom_objects"))
        past = json.loads(_content(folder, HISTORY))
    history = workers.take_result(model, workers.Result(workers.weights_bytes(trained), past))
    history.result = result
    return history


def trainer(
    model: Any,
    data: Any,
    *,
    features: Names = None,
    label: Names = None,
    sample_weight: str | None = None,
    validation_data: Any = None,
    num_workers: int = 2,
    batch_size: int = 32,
    epochs: int = 1,
    shuffle: bool = True,
    verbose: int = 0,
    callbacks: Sequence[Callback] = (),
    custom_objects: Mapping[str, Any] | None = None,
    scaling_config: Any = None,
    run_config: Any = None,
) -> Any:
    """Returns a ``DataParallelTrainer`` of Ray, whose ``fit()`` trains the model and returns Ray's ``Result``.

    Its checkpoints hold ``model.keras``. The model itself stays as it is.

    Args:
        model: Model; built and compiled.
        data: ``(x, y)`` or ``(x, y, sample_weight)`` of arrays, which all workers get, each taking its rows of a batch;
            a data set of ``ray.data``, of which each worker reads its own shard; or a function without arguments that
            returns the data in each worker, such as ``lambda: data.ShardedFiles(folder)``.
        features, label, sample_weight: columns of a data set: str, list or dict as in
            :func:`amalthea.distribution.spark.fit`. Default to None.
        validation_data: as ``data``. Defaults to None.
        num_workers: int; the number of workers. Defaults to 2.
        batch_size: int; rows in a batch of all workers together. Defaults to 32.
        epochs: int. Defaults to 1.
        shuffle: bool; whether each epoch has another order of arrays. A data set keeps its own: ``random_shuffle``.
            Defaults to True.
        verbose: int; what the first worker prints. Defaults to 0.
        callbacks: list of callbacks, or a function that makes them in each worker; Ray pickles them. Defaults to ().
        custom_objects: dict of classes and functions of your own; Ray pickles them. Defaults to None.
        scaling_config: ``ray.train.ScalingConfig``, instead of ``num_workers``. Defaults to None.
        run_config: ``ray.train.RunConfig``: storage, failures, checkpoints. Defaults to None.

    Raises:
        ArgumentError: an argument is not valid.
        UnknownNameError: a data set has no such column.
        MissingLibraryError: Ray is not installed.
    """
    try:
        from ray.train import ScalingConfig
        from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer
    except ImportError as error:
        raise MissingLibraryError("Ray is not installed.", cure="pip install amalthea[ray]") from error
    workers.check(model, num_workers=num_workers, batch_size=batch_size, epochs=epochs)
    columns = Columns(features, label, sample_weight)
    sources = {name: x for name, x in (("train", data), ("validation", validation_data)) if x is not None}
    datasets = {name: x for name, x in sources.items() if _is_dataset(x)}
    for dataset in datasets.values():
        columns.check(dataset.schema().names)
    settings = {"epochs": epochs, "verbose": verbose, "shuffle": shuffle, "batch_size": batch_size}
    job = Job(workers.model_bytes(model), backends.current().name, settings, callbacks, custom_objects)
    held = {name: _held(x) for name, x in sources.items() if name not in datasets}
    return DataParallelTrainer(
        _loop(job, held, [*datasets], columns, batch_size),
        scaling_config=scaling_config or ScalingConfig(num_workers=num_workers),
        run_config=run_config,
        datasets=datasets,
    )


def _is_dataset(data: Any) -> bool:
    return hasattr(data, "iter_batches") and hasattr(data, "schema")


def _held(data: Any) -> Any:
    """Return arrays as a reference to Ray's store, which a machine copies once."""
    if callable(data):
        return data
    if not isinstance(data, (tuple, list)) or not 1 <= len(data) <= 3:
        raise ArgumentError(
            "Workers of Ray cannot be given these data.",
            expected="(x, y), a data set of ray.data, or a function that returns the data",
            got=f"a {type(data).__name__}",
        )
    import ray

    return ray.put(tuple(data))


def _loop(job: Job, held: Mapping[str, Any], datasets: Sequence[str], columns: Columns, batch_size: int) -> Any:
    """Return the function of a worker."""

    def run() -> None:
        import ray
        from ray.train import get_context
        from ray.train.collective import broadcast_from_rank_zero

        context = get_context()
        size, rank = context.get_world_size(), context.get_world_rank()
        address = broadcast_from_rank_zero(workers.free_address(ray.util.get_node_ip_address()))
        now, past = _resumed(job)
        workers.train(
            now,
            lambda: _data(held, datasets, columns, batch_size),
            address,
            size,
            rank,
            lambda model: [Report(past)],
        )

    return run


def _data(held: Mapping[str, Any], datasets: Sequence[str], columns: Columns, batch_size: int) -> tuple[Any, Any]:
    """Return the data of training and of validation, in the group of workers."""
    import ray

    found: dict[str, Any] = {"validation": None}
    for name, source in held.items():
        found[name] = source() if callable(source) else ray.get(source)
    for name in datasets:
        found[name] = Shard(ray.train.get_dataset_shard(name), columns, batch_size)
    return found["train"], found["validation"]


class Shard:
    """The batches of this worker's shard of a data set; each iteration is an epoch.

    Args:
        shard: iterator of ``ray.data``.
        columns: Columns.
        batch_size: int; rows in a batch of all workers.
    """

    is_own_part = True

    def __init__(self, shard: Any, columns: Columns, batch_size: int):
        group = communicator.current()
        self.shard, self.columns, self.rows = shard, columns, split(batch_size, group.size)[group.rank]

    def __iter__(self) -> Iterator[Any]:
        for batch in self.shard.iter_batches(batch_size=self.rows, batch_format="numpy"):
            yield self.columns.batch({name: _stacked(values, name) for name, values in batch.items()})


def _stacked(values: np.ndarray, name: str) -> np.ndarray:
    """Return a column whose elements are lists as one array."""
    if values.dtype != object or not len(values) or isinstance(values[0], str):
        return values
    try:
        return np.stack(values)
    except (ValueError, TypeError) as error:
        raise DataError(f"The column {name!r} cannot become an array: {error}.") from error


class Report(Callback):
    """Reports the logs of each epoch to Ray, from the first worker with a checkpoint.

    Args:
        past: dict from str to list; the history of the epochs before this run.
    """

    def __init__(self, past: Mapping[str, list[Any]]):
        super().__init__()
        self.past = {name: [*values] for name, values in past.items()}

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        from ray import train

        plain = {name: np.asarray(value).tolist() for name, value in (logs or {}).items()}
        for name, value in plain.items():
            self.past.setdefault(name, []).append(value)
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = None
            if communicator.current().rank == 0:
                writing.write(os.path.join(folder, MODEL), workers.model_bytes(self.model))
                writing.write(os.path.join(folder, HISTORY), json.dumps(self.past).encode())
                checkpoint = train.Checkpoint.from_directory(folder)
            train.report({"epoch": epoch, **plain}, checkpoint=checkpoint)


def _resumed(job: Job) -> tuple[Job, dict[str, list[Any]]]:
    """Return the job as it goes on from Ray's last checkpoint, and the history before."""
    from ray import train

    checkpoint = train.get_checkpoint()
    if checkpoint is None:
        return job, {}
    with checkpoint.as_directory() as folder:
        content, past = _content(folder, MODEL), json.loads(_content(folder, HISTORY))
    first = max((len(values) for values in past.values()), default=0)
    return job._replace(model=content, settings={**job.settings, "initial_epoch": first}), past


def _content(folder: str, name: str) -> bytes:
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()
