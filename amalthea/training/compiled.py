"""What ``compile`` was given, matched to the outputs of the model: losses and metrics for each."""

# Values of Any are sorted with isinstance(), which leaves their items unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import losses as losses_module
from amalthea import metrics as metrics_module
from amalthea import ops, tree
from amalthea.errors import ArgumentError, DataError, placed
from amalthea.losses.loss import LossFunctionWrapper
from amalthea.tensor import type_of


def by_output(value: Any, names: Sequence[str], count: int, what: str) -> list[Any]:
    """One entry for each output: from a dict by name, a list by place, or one for all."""
    if isinstance(value, dict):
        unknown = [key for key in value if key not in names]
        if unknown:
            raise ArgumentError(
                f"`{what}` names an output that the model does not have.", expected=", ".join(names), got=unknown[0]
            )
        return [value.get(name) for name in names]
    if isinstance(value, (list, tuple)):
        if len(value) != count:
            raise ArgumentError(
                f"`{what}` has another length than the model's outputs.", expected=count, got=len(value)
            )
        return list(value)
    return [value] * count


class Outputs:
    """The predictions of a model as a flat list with names.

    Args:
        y_pred: predictions in any nesting.
        names: names that the model itself knows.
    """

    def __init__(self, y_pred: Any, names: Sequence[str]):
        self.flat = tree.flatten(y_pred)
        if isinstance(y_pred, dict):
            self.names: list[str] = sorted(y_pred)
        elif len(names) == len(self.flat):
            self.names = _different(names)
        else:
            self.names = [f"output_{i}" if len(self.flat) > 1 else "output" for i in range(len(self.flat))]

    def matched(self, values: Any, what: str) -> list[Any]:
        """Labels or weights for each output; None where there are none."""
        if values is None:
            return [None] * len(self.flat)
        if isinstance(values, dict):
            return by_output(values, self.names, len(self.flat), what)
        flat = tree.flatten(values)
        if len(flat) == 1 and len(self.flat) > 1 and what == "sample_weight":
            return flat * len(self.flat)
        if len(flat) != len(self.flat):
            raise DataError(f"`{what}` is not one for each output.", expected=len(self.flat), got=len(flat))
        return flat


def _different(names: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    result: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}_{seen[name] - 1}")
    return result


class CompiledLoss:
    """The losses of all outputs, weighted and added up."""

    def __init__(self, loss: Any, loss_weights: Any):
        self.loss, self.loss_weights = loss, loss_weights
        self.parts: list[tuple[Any, float]] | None = None
        self.trackers: dict[str, Any] = {}
        for name in tree.flatten(loss):
            _resolved(name)  # so that a misspelt name is found at once

    def _build(self, outputs: Outputs) -> None:
        count = len(outputs.flat)
        chosen = [_resolved(x) for x in by_output(self.loss, outputs.names, count, "loss")]
        weights = by_output(self.loss_weights, outputs.names, count, "loss_weights")
        self.parts = [(loss, 1.0 if w is None else float(w)) for loss, w in zip(chosen, weights)]
        if sum(loss is not None for loss in chosen) > 1:
            self.trackers = {
                name: metrics_module.Mean(name=f"{name}_loss")
                for name, loss in zip(outputs.names, chosen)
                if loss is not None
            }

    def check_values(self, y: Any, outputs: Outputs) -> None:
        """:class:`DataError` if labels cannot be meant for these outputs, seen before anything is trained."""
        losses = [_resolved(x) for x in by_output(self.loss, outputs.names, len(outputs.flat), "loss")]
        for name, loss, labels, output in zip(outputs.names, losses, outputs.matched(y, "y"), outputs.flat):
            if loss is None or labels is None:
                continue
            with placed(f"in the loss of output '{name}'"):
                loss.check(type_of(labels), output.type)
                loss.check_values(labels, output.type)

    def __call__(self, y: Any, outputs: Outputs, sample_weight: Any) -> Any:
        if self.parts is None:
            self._build(outputs)
        total = None
        rows = zip(
            outputs.names, outputs.matched(y, "y"), outputs.flat, outputs.matched(sample_weight, "sample_weight")
        )
        for (name, labels, predictions, weight), (loss, factor) in zip(rows, self.parts or ()):
            if loss is None:
                continue
            if labels is None:
                raise DataError(
                    f"There are no labels for output '{name}'.", cure="fit(x, y), or loss=None for that output"
                )
            with placed(f"in the loss of output '{name}'"):
                value = loss(labels, predictions, weight)
            if name in self.trackers:
                self.trackers[name].update_state(value, ops.shape(predictions)[0])
            weighted = value if factor == 1.0 else ops.multiply(value, factor)
            total = weighted if total is None else ops.add(total, weighted)
        return total


def _resolved(loss: Any) -> Any:
    """A loss object: of a name, a plain function, or itself."""
    loss = losses_module.get(loss)
    if loss is None or isinstance(loss, losses_module.Loss):
        return loss
    return LossFunctionWrapper(loss, name=getattr(loss, "__name__", "loss"))


class CompiledMetrics:
    """The metrics of all outputs."""

    def __init__(self, metrics: Any, weighted: bool):
        self.given, self.weighted = metrics, weighted
        self.parts: list[list[Any]] | None = None
        self.names: list[list[str]] = []
        for name in tree.flatten(metrics):
            if isinstance(name, str) and name.lower() not in _BY_LABELS:
                metrics_module.registry.find(name)  # so that a misspelt name is found at once

    def _build(self, y: list[Any], outputs: Outputs) -> None:
        lists = self._lists(outputs)
        several = len(outputs.flat) > 1
        self.parts, self.names = [], []
        for given, labels, predictions, output in zip(lists, y, outputs.flat, outputs.names):
            made = [_metric(m, labels, predictions) for m in given if m is not None]
            self.parts.append(made)
            self.names.append([f"{output}_{m.name}" if several else m.name for m in made])

    def _lists(self, outputs: Outputs) -> list[list[Any]]:
        given, count = self.given, len(outputs.flat)
        if given is None:
            return [[] for _ in range(count)]
        if isinstance(given, dict):
            rows = by_output(given, outputs.names, count, "metrics")
        elif isinstance(given, (list, tuple)) and count > 1 and len(given) == count:
            rows = list(given)
        elif count > 1 and isinstance(given, (list, tuple)):
            rows = [list(given)] * count if len(given) != count else list(given)
        else:
            rows = [given] * count
        return [list(r) if isinstance(r, (list, tuple)) else [] if r is None else [r] for r in rows]

    def update(self, y: Any, outputs: Outputs, sample_weight: Any) -> None:
        labels = outputs.matched(y, "y")
        if self.parts is None:
            self._build(labels, outputs)
        weights = outputs.matched(sample_weight, "sample_weight") if self.weighted else [None] * len(labels)
        for made, label, predictions, weight in zip(self.parts or (), labels, outputs.flat, weights):
            for metric in made:
                metric.update_state(label, predictions, sample_weight=weight)

    def results(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for made, names in zip(self.parts or (), self.names):
            for metric, name in zip(made, names):
                value = metric.result()
                found.update(value if isinstance(value, dict) else {name: value})
        return found

    @property
    def metrics(self) -> list[Any]:
        return [metric for made in self.parts or () for metric in made]


_BY_LABELS = ("accuracy", "acc", "crossentropy", "ce")


def _metric(metric: Any, labels: Any, predictions: Any) -> Any:
    """A metric object; "accuracy" and "crossentropy" are chosen by the labels."""
    if isinstance(metric, str) and metric.lower() in _BY_LABELS:
        choose = metrics_module.accuracy_for if "acc" in metric.lower() else metrics_module.crossentropy_for
        made = choose(type_of(labels), type_of(predictions))
        made = made if isinstance(made, metrics_module.Metric) else made()
        made.name = metric
        return made
    made = metrics_module.get(metric)
    if isinstance(made, metrics_module.Metric):
        if isinstance(metric, str) and metric.islower():
            made.name = metric  # logs are called what the user called them
        return made
    name = metric if isinstance(metric, str) else getattr(made, "__name__", type(made).__name__)
    return metrics_module.MeanMetricWrapper(made, name=name)
