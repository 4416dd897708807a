"""Training, evaluation and prediction of one batch."""

from __future__ import annotations

from typing import Any

from amalthea import docstrings, tree
from amalthea.engine.ir import versions
from amalthea.engine.ir.trace import on_host
from amalthea.training import before_training, host_batches, indices, loop, shares
from amalthea.training.pure_steps import PureSteps
from amalthea.training.state import on_model_backend


class SingleBatch(PureSteps):
    """The part of a model that runs one batch."""

    @on_model_backend
    @docstrings.fill
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
        reset_metrics: bool = True,
    ) -> Any:
        """Makes one update of the weights from one batch.

        Args:
            |one batch|
            class_weight: dict or None; weight of each class in the loss, by class number. Defaults to None, equal
                weights.
            |results of one batch|

        Shapes:
            |shapes of data|

        Returns:
            Loss and metrics before the update: a list of floats, the loss alone if there are no metrics, or a dict.

        Raises:
            NotCompiledError: the model is not compiled.
            DataError: the data cannot be used, or do not fit the loss.
            ShapeError: the data do not fit the inputs of the model.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
            >>> model.compile("sgd", "mse")
            >>> x, y = np.ones((8, 3)), np.ones((8, 1))
            >>> [round(model.train_on_batch(x, y), 4) for _ in range(2)]
            [1.0, 0.8464]
        """
        self._require_compiled("train")
        weights = class_weight and before_training.class_weights(self, class_weight)
        data = host_batches.batch(self, (x, y, sample_weight), weights)
        self._ensure_built(data)
        before_training.check_batch(self, data)
        return self._reported(self._on_batch("train", data, reset_metrics), return_dict)

    @on_model_backend
    @docstrings.fill
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False, reset_metrics: bool = True
    ) -> Any:
        """Computes the loss and the metrics of one batch, without training.

        Args:
            |one batch|
            |results of one batch|

        Shapes:
            |shapes of data|

        Returns:
            Loss and metrics: a list of floats, the loss alone if there are no metrics, or a dict.

        Raises:
            NotCompiledError: the model is not compiled.
            DataError: the data cannot be used, or do not fit the loss.
            ShapeError: the data do not fit the inputs of the model.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
            >>> model.compile("sgd", "mse")
            >>> model.test_on_batch(np.ones((8, 3)), np.full((8, 1), 2.0))
            4.0
        """
        self._require_compiled("evaluate")
        data = host_batches.batch(self, (x, y, sample_weight))
        self._ensure_built(data)
        before_training.check_batch(self, data)
        return self._reported(self._on_batch("test", data, reset_metrics), return_dict)

    def _on_batch(self, kind: str, data: Any, alone: bool) -> dict[str, Any]:
        results = self._shares.take()
        try:
            if results is None and versions.view() is None:  # by far the most common case
                return loop.as_floats(self._compiled_step(kind, alone)(data))
            with loop.nested(self), shares.with_sums(self, results):
                return loop.as_floats(self._compiled_step(kind, alone)(data))
        finally:
            self._shares.give_back(results)

    def _reported(self, logs: dict[str, Any], as_dict: bool) -> Any:
        self._logged = list(logs)
        return logs if as_dict else _as_list(logs)

    @on_model_backend
    def predict_on_batch(self, x: Any) -> Any:
        """Computes the outputs of the model for one batch.

        Args:
            x: arrays, or lists, tuples and dicts of arrays; inputs of one batch.

        Shapes:
            (rows, ...) for each array of inputs -> (rows, ...) for each output

        Returns:
            NumPy arrays in the nesting of the model's outputs.

        Raises:
            ShapeError: the data do not fit the inputs of the model.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="ones")])
            >>> model.predict_on_batch(np.array([[1.0, 2.0, 3.0]])).tolist()
            [[6.0]]
        """
        data = host_batches.batch(self, (x,))
        self._ensure_built(data)
        indices.check(self, data[0])
        return tree.map_structure(on_host, self._compiled_step("predict")(data))


def _as_list(logs: dict[str, float]) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
