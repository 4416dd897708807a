"""Predictions as a column of a data frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from amalthea import tree
from amalthea.data.columns import Columns, Names
from amalthea.distribution import workers
from amalthea.distribution.spark.frames import check_frame
from amalthea.engine import backends
from amalthea.errors import ArgumentError


def transform(
    model: Any,
    dataframe: Any,
    *,
    features: Names,
    output: str = "prediction",
    batch_size: int = 256,
    custom_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Returns the data frame with a column of predictions.

    Args:
        model: Model; built. It is sent as a ``.keras`` file, once to each executor.
        dataframe: DataFrame of Spark.
        features: str, list or dict; the columns of the inputs, as in :func:`fit`.
        output: str; the name of the new column: a number where the model gives one for each row, else an array. A model
            with several outputs adds a column for each, ``output_0`` and so on. Defaults to ``"prediction"``.
        batch_size: int; rows that are computed at once. Defaults to 256.
        custom_objects: dict of classes and functions of your own; Spark pickles them. Defaults to None.

    Returns:
        DataFrame; computed when Spark needs it.

    Raises:
        ArgumentError: an argument is not valid, or the frame has the column already.
        UnknownNameError: there is no such column.
    """
    workers.check(model, needs_compile=False, batch_size=batch_size)
    columns = Columns(features)
    check_frame(dataframe, columns)
    shapes = _output_shapes(model)
    names = [output] if len(shapes) == 1 else [f"{output}_{i}" for i in range(len(shapes))]
    for name in names:
        if name in dataframe.columns:
            raise ArgumentError("The data frame has this column already.", got=repr(name), cure='output="score"')
    frame, columns = _with_arrays(dataframe, columns)
    sent = dataframe.sparkSession.sparkContext.broadcast(workers.model_bytes(model))
    task = _task(sent, backends.current().name, columns, names, batch_size, custom_objects, dataframe.columns)
    return frame.mapInArrow(task, _schema(dataframe, names, shapes))


def _output_shapes(model: Any) -> list[tuple[Any, ...]]:
    outputs = getattr(model, "outputs", None)
    if not outputs:
        raise ArgumentError(
            "The outputs of the model are not known before it runs.",
            expected="a Sequential or functional model",
            got=f"a {type(model).__name__}",
        )
    return [tuple(x.shape[1:]) for x in tree.flatten(outputs)]


def _with_arrays(frame: Any, columns: Columns) -> tuple[Any, Columns]:
    """Add arrays beside vectors of ``pyspark.ml``, which Arrow does not have."""
    renamed = {}
    for name in columns.names:
        if type(frame.schema[name].dataType).__name__ == "VectorUDT":
            from pyspark.ml.functions import vector_to_array

            renamed[name] = f"{name} as an array"
            frame = frame.withColumn(renamed[name], vector_to_array(frame[name], "float32"))
    return frame, columns.renamed(renamed)


def _schema(frame: Any, names: list[str], shapes: list[tuple[Any, ...]]) -> Any:
    from pyspark.sql.types import ArrayType, FloatType, StructField, StructType

    fields = [*frame.schema.fields]
    for name, shape in zip(names, shapes):
        kind: Any = FloatType()
        for _ in () if shape == (1,) else shape:
            kind = ArrayType(kind)
        fields.append(StructField(name, kind))
    return StructType(fields)


def _task(
    sent: Any, backend: str, columns: Columns, names: list[str], batch_size: int, custom_objects: Any, kept: list[str]
) -> Callable[[Iterator[Any]], Iterator[Any]]:
    def run(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow

        model = workers.sent_model(sent.value, backend, custom_objects)
        for rows in batches:
            if not rows.num_rows:
                continue
            x = columns.batch(rows)[0]
            found = tree.flatten(model.predict(x, batch_size=batch_size, verbose=0))
            arrays = [as_column(np.asarray(y, "float32")) for y in found]
            own = [rows.column(rows.schema.get_field_index(name)) for name in kept]
            yield pyarrow.RecordBatch.from_arrays([*own, *arrays], [*kept, *names])

    return run


def as_column(values: np.ndarray) -> Any:
    """Return a column of Arrow: numbers where each row has one, else lists, a level for each axis."""
    import pyarrow

    return _column(values.reshape(-1) if values.shape[1:] == (1,) else values, pyarrow)


def _column(values: np.ndarray, pyarrow: Any) -> Any:
    if values.ndim == 1:
        return pyarrow.array(values)
    ends = np.arange(len(values) + 1, dtype="int32") * values.shape[1]
    return pyarrow.ListArray.from_arrays(ends, _column(values.reshape(-1, *values.shape[2:]), pyarrow))
