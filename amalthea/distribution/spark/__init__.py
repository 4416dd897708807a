"""Spark trains and applies a model: ``pip install amalthea[spark]``.

    from amalthea.distribution import spark

    history = spark.fit(model, frame, features="pixels", label="digit", num_workers=4, batch_size=256, epochs=5)
    scored = spark.transform(model, frame, features="pixels")

Each worker is a task of a barrier stage, and trains on the rows of its own partition; no row passes through the driver.
"""

from amalthea.distribution.spark.fitting import fit
from amalthea.distribution.spark.prediction import transform

__all__ = ["fit", "transform"]
