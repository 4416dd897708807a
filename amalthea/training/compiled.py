"""Losses and metrics of ``compile``, matched to the outputs of the model."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from amalthea import losses as losses_module
from amalthea import metrics as metrics_module
from amalthea import ops, tree
from amalthea.checks import takes
from amalthea.configurable import snake_case
from amalthea.engine.ir.trace import type_of
from amalthea.errors import ArgumentError, DataError, located
from amalthea.losses.loss import LossFunctionWrapper
from amalthea.metrics.metric import copy_of
from amalthea.ops.user_functions import call_or_native
from amalthea.training.names import Names


def by_output(value: Any, names: Sequence[str], count: int, what: str) -> list[Any]:
    """One entry for each output: from a dict by name, a list by position, or one for all."""
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
            free = Names().free
            self.names = [free(name) for name in names]
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


class CompiledLoss:
    """The losses of all outputs, weighted and added up."""

    def __init__(self, loss: Any, loss_weights: Any):
        self.loss, self.loss_weights = loss, loss_weights
        self.parts: list[tuple[Any, float]] | None = None
        self.trackers: dict[str, Any] = {}
        self.only_check: Any = None  # of the values of labels, where there is one output
        for name in tree.flatten(loss):
            _resolved(name)  # so that a misspelt name is found at once

    def prepare(self, outputs: Outputs) -> None:
        """Find the loss of each output; with several, each is tracked by itself."""
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
            for tracker in self.trackers.values():
                tracker._direction = "down"

    @functools.cached_property
    def checks_values(self) -> bool:
        """Whether any loss looks at the values of labels."""
        return any(
            type(_resolved(x))._check_values is not losses_module.Loss._check_values for x in tree.flatten(self.loss)
        )

    def single(self) -> Any:
        """The loss, if there is one only."""
        found = tree.flatten(self.loss)
        return _resolved(found[0]) if len(found) == 1 else None

    def check_values(self, y: Any, outputs: Outputs) -> None:
        """:class:`DataError` if labels cannot be meant for these outputs, seen before anything is trained."""
        losses = [_resolved(x) for x in by_output(self.loss, outputs.names, len(outputs.flat), "loss")]
        if len(losses) == 1 and losses[0] is not None:
            self.only_check = functools.partial(losses[0]._check_values, y_pred=outputs.flat[0].type)
        for name, loss, labels, output in zip(outputs.names, losses, outputs.matched(y, "y"), outputs.flat):
            if loss is None or labels is None:
                continue
            with located(f"in the loss of output '{name}'"):
                loss._check_types(type_of(labels), output.type)
                loss._check_values(labels, output.type)

    def __call__(self, y: Any, outputs: Outputs, sample_weight: Any) -> Any:
        if self.parts is None:
            self.prepare(outputs)
        total, counts = None, []
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
            with located(f"in the loss of output '{name}'"):
                value, count = _value_and_count(loss, labels, predictions, weight)
            counts.append(ops.shape(predictions)[0] if count is None else count)
            if name in self.trackers:
                self.trackers[name].update_state(value, counts[-1])
            value = value if factor == 1.0 else ops.multiply(value, factor)
            total = value if total is None else ops.add(total, value)
        _tell(counts)
        return total


_counted: ContextVar[list[Any] | None] = ContextVar("counted", default=None)


@contextmanager
def counting() -> Generator[list[Any]]:
    """A list that holds, after a loss was computed, over how many values it is a mean (see ``losses.loss.reduced``).

    With several losses it is the sum of their numbers, so that with different masks a mean over several batches is
    near to the mean over all of them together, and not equal to it.
    """
    found: list[Any] = []
    token = _counted.set(found)
    try:
        yield found
    finally:
        _counted.reset(token)


def _tell(counts: list[Any]) -> None:
    found = _counted.get()
    if found is not None and counts:
        found.append(functools.reduce(ops.add, counts) if len(counts) > 1 else counts[0])


def _value_and_count(loss: Any, labels: Any, predictions: Any, weight: Any) -> tuple[Any, Any]:
    if type(loss).__call__ is losses_module.Loss.__call__:
        return loss._with_count(labels, predictions, weight)
    return loss(labels, predictions, weight), None


def _resolved(loss: Any) -> Any:
    """A loss object: of a name, a plain function, or itself."""
    loss = losses_module.get(loss)
    if loss is None or isinstance(loss, losses_module.Loss):
        return loss
    takes(loss, ("y_true", "y_pred"), "loss", "compile")
    return LossFunctionWrapper(loss, name=getattr(loss, "__name__", "loss"))


class CompiledMetrics:
    """The metrics of all outputs.

    Args:
        metrics: names, functions or metrics, for all outputs or (list, dict) for each.
        weighted: whether sample weights apply.
        seen: metric objects that were met so far; one that is met again is copied.
    """

    def __init__(self, metrics: Any, weighted: bool, seen: set[int] | None = None):
        self.given, self.weighted = metrics, weighted
        self._seen = set[int]() if seen is None else seen
        self.parts: list[list[Any]] | None = None
        self._outputs: list[str] = []
        for name in tree.flatten(metrics):
            if isinstance(name, str) and name.lower() not in _BY_LABELS:
                metrics_module.registry.find(name)  # so that a misspelt name is found at once
            elif inspect.isfunction(name):
                takes(name, ("y_true", "y_pred"), "metrics", "compile")

    def prepare(self, outputs: Outputs) -> None:
        """Make the metrics; those that the labels choose wait as names."""
        if self.parts is None:
            self._outputs = outputs.names
            self.parts = [[self._made(m) for m in given if m is not None] for given in self._lists(outputs)]

    def _made(self, given: Any) -> Any:
        metric = given if _waits_for_labels(given) else _metric(given)
        if isinstance(metric, metrics_module.Metric):
            metric = copy_of(metric) if id(metric) in self._seen else metric
            self._seen.add(id(metric))
        return metric

    def _lists(self, outputs: Outputs) -> list[list[Any]]:
        return self._rows(len(outputs.flat), outputs.names)

    def _rows(self, count: int, names: Sequence[str]) -> list[list[Any]]:
        given = self.given
        if given is None:
            return [[] for _ in range(count)]
        if isinstance(given, dict):
            rows = by_output(given, names, count, "metrics")
        elif isinstance(given, (list, tuple)) and count > 1 and len(given) == count:
            rows = list(given)
        else:
            rows = [given] * count
        return [list(r) if isinstance(r, (list, tuple)) else [] if r is None else [r] for r in rows]

    def update(self, y: Any, outputs: Outputs, sample_weight: Any) -> None:
        labels = outputs.matched(y, "y")
        self.prepare(outputs)
        weights = outputs.matched(sample_weight, "sample_weight") if self.weighted else [None] * len(labels)
        for made, label, predictions, weight in zip(self.parts or (), labels, outputs.flat, weights):
            for i, metric in enumerate(made):
                if isinstance(metric, str):
                    metric = made[i] = _chosen_by_labels(metric, label, predictions)
                variables = lambda metric=metric: metric.variables  # noqa: E731
                call_or_native(metric.update_state, label, predictions, sample_weight=weight, variables=variables)

    def named(self) -> Iterator[tuple[str, str | None, Any]]:
        """For each metric its name, another one that Keras gives to weighted ones if that is taken, and itself."""
        several = len(self._outputs) > 1
        for output, made in zip(self._outputs, self.parts or ()):
            before = f"{output}_" if several else ""
            for metric in made:
                name = metric if isinstance(metric, str) else metric.name
                yield f"{before}{name}", f"{before}weighted_{name}" if self.weighted else None, metric

    def saved(self, loss: Any) -> Any:
        """The metrics as written to a file: "crossentropy", which Keras cannot read, as the metric it stands for.

        Args:
            loss: of the model, which tells where no labels were seen yet.
        """
        if not any(_is_crossentropy(name) for name in tree.flatten(self.given)):
            return self.given
        if any(isinstance(metric, str) for made in self.parts or [["unseen"]] for metric in made):
            names = [getattr(x, "__name__", x if isinstance(x, str) else type(x).__name__) for x in tree.flatten(loss)]
            return tree.map_structure(
                lambda m: _crossentropy_beside(m, names) if _is_crossentropy(m) else m, self.given
            )
        rows = [
            [
                metric if _is_crossentropy(name) else name
                for name, metric in zip([m for m in given if m is not None], made)
            ]
            for given, made in zip(self._rows(len(self._outputs), self._outputs), self.parts or ())
        ]
        if isinstance(self.given, dict):
            return dict(zip(self._outputs, rows))
        return rows if len(rows) > 1 else rows[0]

    @property
    def metrics(self) -> list[Any]:
        return [metric for made in self.parts or () for metric in made if not isinstance(metric, str)]


_BY_LABELS = ("accuracy", "acc", "crossentropy", "ce")


def _is_crossentropy(metric: Any) -> bool:
    return isinstance(metric, str) and metric.lower() in ("crossentropy", "ce")


def _crossentropy_beside(name: str, losses: Sequence[str]) -> Any:
    """The crossentropy of the kind of the losses; the name where they do not tell."""
    kinds = {stem for loss in losses for stem in ("sparse", "binary", "bce", "categorical") if stem in loss.lower()}
    for stems, kind in (
        ({"sparse", "categorical"}, metrics_module.SparseCategoricalCrossentropy),
        ({"binary"}, metrics_module.BinaryCrossentropy),
        ({"bce"}, metrics_module.BinaryCrossentropy),
        ({"categorical"}, metrics_module.CategoricalCrossentropy),
    ):
        if kinds == stems:
            return kind(name=name)
    return name


def _waits_for_labels(metric: Any) -> bool:
    return isinstance(metric, str) and metric.lower() in _BY_LABELS


def _chosen_by_labels(name: str, labels: Any, predictions: Any) -> Any:
    """The metric that "accuracy" or "crossentropy" means for such labels."""
    choose = metrics_module.accuracy_for if "acc" in name.lower() else metrics_module.crossentropy_for
    made = choose(type_of(labels), type_of(predictions))()
    made.name = name
    return made


def _metric(metric: Any) -> Any:
    """A metric object: of a name, a function, or itself."""
    made = metrics_module.get(metric)
    if isinstance(made, metrics_module.Metric):
        if isinstance(metric, str):  # logs are called what the user called them, a class as if it were the first
            made.name = metric if metric.islower() else snake_case(metric)
        return made
    name = metric if isinstance(metric, str) else getattr(made, "__name__", None) or _name_of_object(made)
    return metrics_module.MeanMetricWrapper(made, name=name)


def _name_of_object(made: Any) -> str:
    return made.name if isinstance(made, losses_module.Loss) else snake_case(type(made).__name__)
