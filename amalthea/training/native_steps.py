"""Steps of a user's with gradients of the backend's own library, as Keras's guides write them.

A ``train_step`` that calls ``loss.backward()`` or a gradient tape runs eagerly. One that is a pure function of all
values, ``train_step(self, state, data)``, is one native call of the compiled step.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from amalthea import ops, tree
from amalthea.engine import transforms
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.ir.trace import type_of
from amalthea.errors import AmaltheaError, NoArrayError
from amalthea.text import is_text


class CompiledOrEager:
    """A step that is compiled if it can be traced, and runs eagerly on the library's arrays if it cannot.

    A step of its own that calls ``loss.backward()`` or a gradient tape fails while it is traced, and before it has
    changed anything.

    Args:
        function: callable; the step, a function of a batch.
        eager: callable; the same step for concrete arrays.
    """

    def __init__(self, function: Callable[[Any], Any], eager: Callable[[Any], Any]):
        self.compiled = transforms.jit(function)
        self.eager = eager
        self.runs_eagerly = False

    def __call__(self, data: Any) -> Any:
        if not self.runs_eagerly:
            try:
                return self.compiled(data)
            except Exception as error:
                if isinstance(error, AmaltheaError) and not isinstance(error, NoArrayError):
                    raise
                result = self._tried_eagerly(data, error)
            self.runs_eagerly = True
            return result
        return self.eager(as_native(data))

    def _tried_eagerly(self, data: Any, error: Exception) -> Any:
        try:
            return self.eager(as_native(data))
        except Exception as again:
            raise again from error


def as_native(data: Any) -> Any:
    """Returns a batch with NumPy arrays as the backend's arrays; text stays on the host."""

    def converted(x: Any) -> Any:
        return runtime.array(x, type_of(x).dtype) if isinstance(x, np.ndarray) and not is_text(x) else x

    return tree.map_structure(converted, data)


@cache
def takes_state(step: Callable[..., Any]) -> bool:
    """Returns whether a step is written as a pure function: ``train_step(self, state, data)``."""
    return [*inspect.signature(step).parameters][1:3] == ["state", "data"]


def with_state(model: Any, kind: str) -> Callable[[Any], Any]:
    """Returns a step of a batch from a pure step of ``(state, data)``, as one native call.

    The state of ``train_step`` is ``(trainable variables, non-trainable variables, optimizer's variables, metrics'
    variables)``, that of ``test_step`` has no optimizer, and that of ``predict_step`` the first two.
    """
    step = getattr(model, f"{kind}_step")

    def run(data: Any) -> Any:
        groups = [model.trainable_variables, model.non_trainable_variables]
        if kind == "train":
            groups.append(model.optimizer.variables)
        if kind != "predict":
            groups.append(model.metrics_variables)
        values = tuple([v.value for v in group] for group in groups)
        logs, after = ops.native_call(step, values, data)
        new = (after,) if kind == "predict" else after
        for group, found in zip(groups[1:] if kind == "predict" else groups, new, strict=True):
            for variable, value in zip(group, found, strict=True):
                variable.assign(value)
        return logs

    return run
