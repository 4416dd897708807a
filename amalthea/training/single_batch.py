"""Training, evaluation and prediction of one batch."""

from __future__ import annotations

from typing import Any

from amalthea import tree, versions
from amalthea.data import to_batch
from amalthea.tensor import on_host
from amalthea.training import before_training, indices, loop, shares
from amalthea.training.compiling import Compiling
from amalthea.training.state import at_home


class SingleBatch(Compiling):
    """The part of a model that runs one batch."""

    @at_home
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
        reset_metrics: bool = True,
    ) -> Any:
        """One update from these rows; the loss and the metrics of these rows.

        Args:
            x, y, sample_weight, class_weight: as in :meth:`fit`, for one batch.
            return_dict: whether results are given by name, in place of a list (or one number).
            reset_metrics: False gives results over all batches since the last reset, as Keras 3 always does.
        """
        self.require_compiled("train")
        data = to_batch((x, y, sample_weight), class_weight and before_training.class_weights(self, class_weight))
        self.ensure_built(data)
        before_training.check_batch(self, data)
        return self._reported(self._on_batch("train", data, reset_metrics), return_dict)

    @at_home
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False, reset_metrics: bool = True
    ) -> Any:
        """Loss and metrics of these rows. (For the arguments, see :meth:`train_on_batch`.)"""
        self.require_compiled("evaluate")
        data = to_batch((x, y, sample_weight))
        self.ensure_built(data)
        before_training.check_batch(self, data)
        return self._reported(self._on_batch("test", data, reset_metrics), return_dict)

    def _on_batch(self, kind: str, data: Any, alone: bool) -> dict[str, Any]:
        results = self._shares.take()
        try:
            if results is None and versions.view() is None:  # by far the most common case
                return loop.as_floats(self.step(kind, alone)(data))
            with loop.nested(self), shares.with_sums(self, results):
                return loop.as_floats(self.step(kind, alone)(data))
        finally:
            self._shares.give_back(results)

    def _reported(self, logs: dict[str, Any], as_dict: bool) -> Any:
        self._logged = list(logs)
        return logs if as_dict else _as_list(logs)

    @at_home
    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for these rows, as NumPy arrays."""
        data = to_batch((x,))
        self.ensure_built(data)
        indices.check(self, data[0])
        return tree.map_structure(on_host, self.step("predict")(data))


def _as_list(logs: dict[str, float]) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
