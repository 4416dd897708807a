"""Training on a barrier stage: all tasks run at once, and can exchange gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from amalthea.callbacks import Callback, History
from amalthea.data import OwnRows
from amalthea.data.columns import Columns, Names
from amalthea.distribution import workers
from amalthea.distribution.spark.frames import check_frame
from amalthea.distribution.workers import Job, Result
from amalthea.engine import backends
from amalthea.errors import ArgumentError, DistributionError


def fit(
    model: Any,
    dataframe: Any,
    *,
    features: Names,
    label: Names,
    num_workers: int = 2,
    batch_size: int = 32,
    epochs: int = 1,
    sample_weight: str | None = None,
    validation: str | None = None,
    shuffle: bool = True,
    seed: int = 0,
    initial_epoch: int = 0,
    verbose: int = 0,
    callbacks: Sequence[Callback] = (),
    custom_objects: Mapping[str, Any] | None = None,
) -> History:
    """Trains a model on a Spark cluster.

    Each of ``num_workers`` tasks trains on one partition of the data frame, which it keeps in memory; a data frame with
    another number of partitions is divided anew. A batch is that of all workers together, so the same batches give the
    same losses on any number of workers. Afterwards the model has the new weights, and its optimizer its state.

    Args:
        model: Model; built and compiled. It is sent as a ``.keras`` file.
        dataframe: DataFrame of Spark.
        features: str, list or dict; the column of the input, several columns that are joined side by side, or for a
            model with several inputs a dict from their names to columns. Columns hold numbers, arrays of one length, or
            vectors of ``pyspark.ml``.
        label: str, list or dict; the columns of the labels.
        num_workers: int; the number of tasks. Defaults to 2.
        batch_size: int; rows in a batch of all workers together. Defaults to 32.
        epochs: int. Defaults to 1.
        sample_weight: str; the column of the rows' weights. Defaults to None.
        validation: str; a column of booleans, true for rows that validate. Defaults to None.
        shuffle: bool; whether each worker has another order of its rows in each epoch. Defaults to True.
        seed: int; seed of the orders. Defaults to 0.
        initial_epoch: int; the epoch to begin with. Defaults to 0.
        verbose: int; what the first worker prints to its log, as in ``Model.fit``. Defaults to 0.
        callbacks: list of callbacks, or a function that makes them in each worker; Spark pickles them. Defaults to ().
        custom_objects: dict of classes and functions of your own; Spark pickles them. Defaults to None.

    Returns:
        The History of the run, which is ``model.history`` too.

    Raises:
        ArgumentError: an argument is not valid, or the cluster has too few slots.
        UnknownNameError: there is no such column.
        DistributionError: a worker failed.
    """
    workers.check(model, num_workers=num_workers, batch_size=batch_size, epochs=epochs)
    columns = Columns(features, label, sample_weight)
    frame = check_frame(dataframe, Columns([*columns.names, *([validation] if validation else [])]))
    check_slots(frame, num_workers)
    if frame.rdd.getNumPartitions() != num_workers:
        frame = frame.repartition(num_workers)
    settings = {"epochs": epochs, "verbose": verbose, "initial_epoch": initial_epoch}
    job = Job(workers.model_bytes(model), backends.current().name, settings, callbacks, custom_objects)
    task = _task(job, columns, validation, batch_size, shuffle, seed)
    result = _ran(frame.mapInArrow(task, "content binary", barrier=True))
    return workers.take_result(model, result)


def check_slots(frame: Any, num_workers: int) -> None:
    """Raise an error where Spark would wait for slots that a local master will never have."""
    context = frame.sparkSession.sparkContext
    if context.master.startswith("local") and context.defaultParallelism < num_workers:
        raise ArgumentError(
            "All workers run at once, and Spark has fewer slots.",
            expected=f"num_workers of {context.defaultParallelism} or less on {context.master}",
            got=num_workers,
        )


def _ran(results: Any) -> Result:
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        rows = results.collect()
    except (PySparkException, Py4JJavaError) as error:
        raise DistributionError("A worker of Spark failed.", got=workers.error_in(str(error))) from error
    return Result.from_bytes(b"".join(bytes(row["content"]) for row in rows))


def _task(job: Job, columns: Columns, validation: str | None, batch_size: int, shuffle: bool, seed: int) -> Any:
    """Return the function of a task: from the partition's batches of Arrow to one batch with the result, or none."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow
        from pyspark import BarrierTaskContext

        context = BarrierTaskContext.get()
        infos, rank = context.getTaskInfos(), context.partitionId()
        host = infos[rank].address.rsplit(":", 1)[0]
        address = context.allGather(workers.free_address(host))[0]
        table = _table([*batches], pyarrow)

        def feed() -> tuple[Any, Any]:
            return _rows(table, columns, validation, batch_size, shuffle, seed)

        result = workers.train(job, feed, address, len(infos), rank)
        if result is not None:
            yield pyarrow.record_batch([pyarrow.array([result.to_bytes()], pyarrow.binary())], ["content"])

    return run


def _table(batches: list[Any], pyarrow: Any) -> Any:
    return pyarrow.Table.from_batches(batches) if batches else None


def _rows(table: Any, columns: Columns, validation: str | None, batch_size: int, shuffle: bool, seed: int) -> Any:
    """Return the batches of training, and of validation or None."""
    if table is None or not table.num_rows:
        nothing = OwnRows([], [], batch_size)
        return nothing, OwnRows([], [], batch_size) if validation else None
    batch = columns.batch(table)
    if validation is None:
        return OwnRows([lambda: batch], [table.num_rows], batch_size, shuffle, seed), None
    held = np.asarray(table.column(validation).to_numpy(), bool)
    parts = [columns.batch(table.filter(mask)) for mask in (~held, held)]
    counts = [int((~held).sum()), int(held.sum())]
    train, test = (lambda: parts[0]), (lambda: parts[1])
    return OwnRows([train], counts[:1], batch_size, shuffle, seed), OwnRows([test], counts[1:], batch_size)
