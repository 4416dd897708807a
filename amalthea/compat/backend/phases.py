"""The learning phase: whether layers run as in training, as a symbolic number of the graph."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np

from amalthea import ops
from amalthea.compat.backend.symbols import is_at_top, recorded
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.errors import ArgumentError
from amalthea.layers import calling
from amalthea.operation import Call, Operation, remembers


class LearningPhase(Operation):
    """The learning phase of the run around it: 1 in training, else 0."""

    def call(self) -> Any:
        return ops.convert_to_tensor(np.int32(current_phase()))


class _State:
    fixed: int | None = None
    tensor: Tensor | None = None


def current_phase() -> int:
    """Returns 1 if the call around is one in training, else 0; outside, the phase that was set."""
    training = calling.training_around()
    return int(bool(_State.fixed if training is None else training))


def learning_phase() -> Any:
    """Returns the learning phase: a symbolic tensor, or 0 or 1 inside a model's call and after it was set.

    Example:
        >>> from amalthea.compat import backend as K
        >>> x = K.placeholder(ndim=1)
        >>> double_in_training = K.function([x, K.learning_phase()], [K.in_train_phase(x * 2, x)])
        >>> double_in_training([[3.0], 1])[0].tolist(), double_in_training([[3.0], 0])[0].tolist()
        ([6.0], [3.0])
    """
    if _State.fixed is not None or not is_at_top():
        return current_phase()
    if _State.tensor is None:
        _State.tensor = Tensor(Type((), "int32"), name="learning_phase")
        Call(LearningPhase("learning_phase"), (), {}, _State.tensor)
    return _State.tensor


symbolic_learning_phase = learning_phase


def is_learning_phase(x: Any) -> bool:
    """Returns whether a value is the symbolic learning phase."""
    return remembers(x) and isinstance(x.history.call.operation, LearningPhase)


def set_learning_phase(value: Any) -> None:
    """Fixes the learning phase of functions that are not given it.

    ``fit`` trains, and ``evaluate`` and ``predict`` do not, whatever is set here.

    Args:
        value: 0 or 1.

    Raises:
        ArgumentError: the value is another one.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.set_learning_phase(1)
        >>> K.learning_phase()
        1
        >>> K.clear_session()
    """
    if value not in (0, 1):
        raise ArgumentError("The learning phase is 0 or 1.", expected="0 or 1", got=repr(value))
    _State.fixed = int(value)


def forget_learning_phase() -> None:
    """Makes the learning phase symbolic again."""
    _State.fixed = None


def global_learning_phase_is_set() -> bool:
    """Returns whether :func:`set_learning_phase` was called.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.global_learning_phase_is_set()
        False
    """
    return _State.fixed is not None


@contextmanager
def learning_phase_scope(value: int) -> Generator[None, None, None]:
    """Fixes the learning phase inside a ``with`` block.

    Args:
        value: 0 or 1.

    Example:
        >>> from amalthea.compat import backend as K
        >>> with K.learning_phase_scope(1):
        ...     K.learning_phase()
        1
    """
    before = _State.fixed
    set_learning_phase(value)
    try:
        yield
    finally:
        _State.fixed = before


def _branch(x: Any) -> Any:
    return x() if callable(x) and not hasattr(x, "shape") else x


@recorded
def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """Returns one value in training, another otherwise.

    Args:
        x: tensor, or function that returns one; the value in training.
        alt: tensor or function; the value otherwise.
        training: bool, 0, 1 or scalar tensor; the phase. Defaults to None, that of the call around.

    Shapes: two values of one shape -> that shape.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.in_train_phase(K.variable(1.0), K.variable(2.0))).tolist()
        2.0
    """
    phase = current_phase() if training is None or is_learning_phase(training) else training
    if isinstance(phase, Tensor):
        return ops.where(ops.cast(phase, "bool"), _branch(x), _branch(alt))
    return ops.convert_to_tensor(_branch(x) if int(phase) else _branch(alt))


@recorded
def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """Returns one value outside of training, another in training.

    Args:
        x: tensor, or function that returns one; the value outside of training.
        alt: tensor or function; the value in training.
        training: bool, 0, 1 or scalar tensor; the phase. Defaults to None, that of the call around.

    Shapes: two values of one shape -> that shape.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.in_test_phase(K.variable(1.0), K.variable(2.0))).tolist()
        1.0
    """
    return in_train_phase(alt, x, training)
