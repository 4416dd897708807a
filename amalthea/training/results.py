"""Metrics of a model and the names of their results."""

from __future__ import annotations

from typing import Any

from amalthea.training.compiled import Outputs
from amalthea.training.names import Names
from amalthea.training.state import State


class Results(State):
    """The part of a model that names, reads and resets its metrics."""

    def get_metrics_result(self) -> dict[str, Any]:
        """Returns the results of all metrics since the last reset, by name.

        Returns:
            A dict of names to tensors, the loss first.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
            >>> model.compile("sgd", "mse", metrics=["mae"])
            >>> _ = model.test_on_batch(np.ones((8, 3)), np.full((8, 1), 2.0))
            >>> {name: float(value) for name, value in model.get_metrics_result().items()}
            {'loss': 4.0, 'mae': 2.0}
        """
        results: dict[str, Any] = {}
        for name, metric in self._named_metrics():
            if not isinstance(metric, str):  # such as "accuracy" before it has seen labels
                results[name] = metric.result()
        parts = [name for name, value in results.items() if isinstance(value, dict)]
        return self._with_parts(results, parts) if parts else results

    def _with_parts(self, results: dict[str, Any], parts: list[str]) -> dict[str, Any]:
        """Results, flat: the keys of a dict among them are names too."""
        free = Names(name for name in results if name not in parts).free
        found: dict[str, Any] = {}
        for name, value in results.items():
            own = {free(key): x for key, x in value.items()} if name in parts else {name: value}
            found.update(own)
            self._directions.update(dict.fromkeys(own, self._directions.get(name)))
        return found

    def _named_metrics(self) -> list[tuple[str, Any]]:
        """Every metric with the name of its result, in the order of results."""
        free, found = Names().free, list[tuple[str, Any]]()
        if self.compiled:
            found.append((free("loss"), self._loss_tracker))
            trackers = self._loss.trackers.values() if self._loss is not None else ()
            found += [(free(tracker.name), tracker) for tracker in trackers]
            for compiled in self._compiled_metrics:
                found += [(free(name, second), metric) for name, second, metric in compiled.named()]
        known = {id(metric) for _, metric in found}
        for metric in self.metrics:
            if id(metric) not in known:
                is_loss = metric.name == "loss" and bool(found)  # a model's own stands for the loss, as in Keras
                found = [(n, metric if is_loss and n == "loss" else m) for n, m in found]
                found += [] if is_loss else [(free(metric.name), metric)]
        self._directions = {name: getattr(metric, "_direction", None) for name, metric in found}
        return found

    def _output_names(self) -> list[str]:
        return []  # a model of symbolic outputs knows them

    def _known_metrics(self) -> list[Any]:
        if not self.compiled:
            return []
        found = [self._loss_tracker, *(self._loss.trackers.values() if self._loss is not None else ())]
        return found + [m for compiled in self._compiled_metrics for m in compiled.metrics]

    @property
    def metrics(self) -> list[Any]:
        """Metrics of the model: those of ``compile``, and those among attributes of the model and its layers."""
        own = super().metrics
        return list({id(m): m for m in [*self._known_metrics(), *own]}.values())

    @property
    def metrics_names(self) -> list[str]:
        """Names of the results of ``evaluate``, in its order; before the first call, those that are known."""
        if self._logged:
            return list(self._logged)
        if self.compiled:
            self._prepare_metrics()
        return [name for name, _ in self._named_metrics()]

    def _prepare_metrics(self, y_pred: Any = None) -> None:
        """Make the metrics of ``compile`` where the outputs are known: those given, or of a functional model."""
        network, losses = getattr(self, "_network", None), self._loss
        y_pred = network.outputs if network is not None else y_pred
        if y_pred is None:
            return
        outputs = Outputs(y_pred, self._output_names())
        if losses is not None and losses.parts is None:
            losses.prepare(outputs)
        for compiled in self._compiled_metrics:
            compiled.prepare(outputs)

    def _direction_of(self, name: str) -> tuple[bool, str | None]:
        """Whether there is a result of that name; and whether larger (``"up"``) or smaller (``"down"``) is better."""
        if name not in self._directions:
            self._named_metrics()
        return name in self._directions, self._directions.get(name)

    def reset_metrics(self) -> None:
        """Resets the state of all metrics, so that their results begin anew.

        ``fit`` does it at the beginning of each epoch.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
            >>> model.compile("sgd", "mse")
            >>> _ = model.test_on_batch(np.ones((8, 3)), np.full((8, 1), 2.0))
            >>> model.reset_metrics()
            >>> float(model.get_metrics_result()["loss"])
            0.0
        """
        for metric in self.metrics:
            metric.reset_state()
