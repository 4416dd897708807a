"""Spark trains and applies a model: ``pip install amalthea[spark]``.

    from amalthea.distribution import spark

    history = spark.fit(model, frame, features="pixels", label="digit", num_workers=4, batch_size=256, epochs=5)
    scored = spark.transform(model, frame, features="pixels")

    pipeline = Pipeline(stages=[scaler, spark.NetworkEstimator(network=model, featuresCol="scaled", numWorkers=4)])

Each worker is a task of a barrier stage, and trains on the rows of its own partition; no row passes through the driver.
"""

import importlib
from typing import Any

from amalthea.distribution.spark.fitting import fit
from amalthea.distribution.spark.prediction import transform

_LATE = ("NetworkEstimator", "NetworkModel")  # their bases are Spark's

__all__ = [*_LATE, "fit", "transform"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module 'amalthea.distribution.spark' has no attribute {name!r}")
    return getattr(importlib.import_module("amalthea.distribution.spark.pipeline"), name)
