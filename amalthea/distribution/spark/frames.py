"""Data frames of Spark as Arrow's batches in tasks."""

from __future__ import annotations

from typing import Any

from amalthea.data.columns import Columns
from amalthea.errors import ArgumentError, MissingLibraryError, brief


def check_frame(frame: Any, columns: Columns) -> Any:
    """Return the columns of a data frame; vectors of ``pyspark.ml`` as arrays.

    Raises:
        ArgumentError: it is not a data frame of Spark.
        MissingLibraryError: Spark is not installed.
        UnknownNameError: there is no such column.
    """
    try:
        from pyspark.sql import functions
    except ImportError as error:
        raise MissingLibraryError("Spark is not installed.", cure="pip install amalthea[spark]") from error
    if not hasattr(frame, "mapInArrow"):
        raise ArgumentError("The data are a data frame of Spark.", expected="a DataFrame", got=brief(frame))
    columns.check(frame.columns)
    picked = []
    for name in columns.names:
        column, kind = functions.col(f"`{name}`"), type(frame.schema[name].dataType).__name__
        if kind == "VectorUDT":
            from pyspark.ml.functions import vector_to_array

            column = vector_to_array(column, "float32")
        picked.append(column.alias(name))
    return frame.select(*picked)
