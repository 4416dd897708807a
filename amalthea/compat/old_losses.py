"""Losses and metrics of ``compile`` as Keras 1 and 2 computed them, in those eras."""

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.compat import eras
from amalthea.engine.ir.trace import type_of
from amalthea.training.compiled import CompiledLoss, CompiledMetrics, Outputs


class OldLoss(CompiledLoss):
    """Labels of shape ``(rows,)`` are given a second axis, and weights are divided by the share that is not zero."""

    def __call__(self, y: Any, outputs: Outputs, sample_weight: Any) -> Any:
        if eras.era() == 3:
            return super().__call__(y, outputs, sample_weight)
        weights = outputs.matched(sample_weight, "sample_weight")
        return super().__call__(with_second_axes(y, outputs), outputs, [_of_share(w) for w in weights])


class OldMetrics(CompiledMetrics):
    """The same for the labels of metrics; weights apply to no metric of those eras but ``weighted_metrics``."""

    def update(self, y: Any, outputs: Outputs, sample_weight: Any) -> None:
        super().update(y if eras.era() == 3 else with_second_axes(y, outputs), outputs, sample_weight)


def with_second_axes(y: Any, outputs: Outputs) -> list[Any]:
    """Labels of one axis as columns, where the output has two axes or more."""
    return [
        ops.expand_dims(labels, 1)
        if labels is not None and len(type_of(labels).shape) == 1 and len(type_of(output).shape) > 1
        else labels
        for labels, output in zip(outputs.matched(y, "y"), outputs.flat)
    ]


def _of_share(weight: Any) -> Any:
    """The weights over the share of them that is not zero: the mean loss is then one over rows that count."""
    if weight is None:
        return None
    weight = ops.cast(weight, "float32")
    share = ops.mean(ops.cast(ops.not_equal(weight, 0.0), "float32"))
    return ops.divide_no_nan(weight, share)


class Reduction:
    """Names of reductions of losses in Keras 2."""

    AUTO = SUM_OVER_BATCH_SIZE = "sum_over_batch_size"
    NONE = "none"
    SUM = "sum"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """The names."""
        return (cls.AUTO, cls.NONE, cls.SUM)
