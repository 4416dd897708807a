"""An estimator and its model, as stages of pipelines of ``pyspark.ml``."""

from __future__ import annotations

import json
from typing import Any

from pyspark import keyword_only
from pyspark.ml import Estimator, Model
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasFeaturesCol, HasLabelCol, HasPredictionCol, HasSeed, HasValidationIndicatorCol
from pyspark.ml.util import DefaultParamsReader, DefaultParamsWriter, MLReadable, MLReader, MLWritable, MLWriter

from amalthea.distribution import workers
from amalthea.distribution.spark.fitting import fit
from amalthea.distribution.spark.prediction import transform
from amalthea.errors import ArgumentError


class _Stage(HasFeaturesCol, HasPredictionCol, MLWritable, MLReadable):
    """Base of the two stages: keeps the model as the bytes of its ``.keras`` file, and saves and loads the stage."""

    _content: bytes | None = None
    custom_objects: dict[str, Any] | None = None

    def write(self) -> MLWriter:
        return _Writer(self)

    @classmethod
    def read(cls) -> MLReader:
        return _Reader(cls)

    @property
    def network(self) -> Any:
        """The model; another object each time."""
        if self._content is None:
            raise ArgumentError("The stage has no model.", cure="network=model")
        return workers.model_of(self._content, self.custom_objects)

    @network.setter
    def network(self, model: Any) -> None:
        workers.check(model, needs_compile=False)
        self._content = workers.model_bytes(model)


class NetworkEstimator(_Stage, Estimator, HasLabelCol, HasSeed, HasValidationIndicatorCol):
    """Trains a model as a stage of a pipeline; see :func:`amalthea.distribution.spark.fit`.

    Args:
        network: Model; built and compiled. Each ``fit`` trains a copy.
        featuresCol, labelCol, predictionCol: str; columns. Default to ``"features"``, ``"label"``, ``"prediction"``.
        validationIndicatorCol: str; a column of booleans, true for rows that validate. Defaults to None.
        numWorkers: int; tasks that train at once. Defaults to 2.
        batchSize: int; rows in a batch of all workers. Defaults to 32.
        epochs: int. Defaults to 1.
        seed: int; seed of the orders of rows. Defaults to 0.
        custom_objects: dict of classes and functions of your own. Defaults to None.
    """

    numWorkers = Param(Params._dummy(), "numWorkers", "tasks that train at once", TypeConverters.toInt)
    batchSize = Param(Params._dummy(), "batchSize", "rows in a batch of all workers", TypeConverters.toInt)
    epochs = Param(Params._dummy(), "epochs", "passes over the rows", TypeConverters.toInt)

    @keyword_only
    def __init__(
        self,
        *,
        network: Any = None,
        featuresCol: str = "features",
        labelCol: str = "label",
        predictionCol: str = "prediction",
        validationIndicatorCol: str | None = None,
        numWorkers: int = 2,
        batchSize: int = 32,
        epochs: int = 1,
        seed: int = 0,
        custom_objects: dict[str, Any] | None = None,
    ):
        super().__init__()
        self._setDefault(numWorkers=2, batchSize=32, epochs=1, seed=0)
        given: dict[str, Any] = {**self._input_kwargs}
        for name in ("network", "custom_objects"):
            if (value := given.pop(name, None)) is not None:
                setattr(self, name, value)
        self._set(**{name: value for name, value in given.items() if value is not None})

    def _fit(self, dataset: Any) -> NetworkModel:
        network = self.network
        has_validation = self.isDefined(self.validationIndicatorCol)
        history = fit(
            network,
            dataset,
            features=self.getFeaturesCol(),
            label=self.getLabelCol(),
            validation=self.getOrDefault(self.validationIndicatorCol) if has_validation else None,
            num_workers=self.getOrDefault(self.numWorkers),
            batch_size=self.getOrDefault(self.batchSize),
            epochs=self.getOrDefault(self.epochs),
            seed=self.getSeed(),
            custom_objects=self.custom_objects,
        )
        made = NetworkModel()
        made.custom_objects, made.history, made.network = self.custom_objects, history.history, network
        return self._copyValues(made)


class NetworkModel(_Stage, Model):
    """A trained model as a stage of a pipeline: it adds a column of predictions.

    Attributes:
        network: Model; a copy of the trained model.
        history: dict from str to list of float; the losses and metrics of the epochs.
    """

    history: dict[str, list[Any]] = {}

    def _transform(self, dataset: Any) -> Any:
        return transform(
            self.network,
            dataset,
            features=self.getFeaturesCol(),
            output=self.getPredictionCol(),
            custom_objects=self.custom_objects,
        )


class _Writer(MLWriter):
    """Metadata as ``pyspark.ml`` writes them, and beside them a Parquet file with the ``.keras`` file."""

    def __init__(self, stage: Any):
        super().__init__()
        self.stage = stage

    def saveImpl(self, path: str) -> None:
        history = json.dumps(getattr(self.stage, "history", {}))
        DefaultParamsWriter.saveMetadata(self.stage, path, self.sparkSession, extraMetadata={"history": history})
        frame = self.sparkSession.createDataFrame([(bytearray(self.stage._content or b""),)], "content binary")
        frame.coalesce(1).write.parquet(f"{path}/network")


class _Reader(MLReader):
    def __init__(self, kind: type):
        super().__init__()
        self.kind = kind

    def load(self, path: str) -> Any:
        metadata = DefaultParamsReader.loadMetadata(path, self.sparkSession)
        stage = self.kind()
        stage._resetUid(metadata["uid"])
        DefaultParamsReader.getAndSetParams(stage, metadata)
        content = bytes(self.sparkSession.read.parquet(f"{path}/network").first()["content"])
        stage._content = content or None
        if isinstance(stage, NetworkModel):
            stage.history = json.loads(metadata["history"])
        return stage
