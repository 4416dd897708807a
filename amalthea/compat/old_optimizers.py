"""Rules of optimizers that differed in Keras 1 and 2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea import ops
from amalthea.compat import eras
from amalthea.compat.attaching import attach, detach
from amalthea.optimizers import Adagrad, Nadam, RMSprop

SCHEDULE_DECAY = 0.004  # how fast Nadam's momentum grew to beta_1


def install() -> None:
    """Gives optimizers the rules of old, while the era is one of old."""
    if "_root" not in vars(RMSprop):
        for cls in (RMSprop, Adagrad):
            attach(cls, {"_root": _in_old_eras(_root, cls._root)})
        attach(Nadam, {"_momentum_at": _in_old_eras(_momentum_at, Nadam._momentum_at)})


def uninstall() -> None:
    """Takes them back."""
    detach(RMSprop, Adagrad, Nadam)


def _in_old_eras(old: Callable[..., Any], today: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, x: (old if eras.era() < 3 else today)(self, x)


def _root(self: Any, squares: Any) -> Any:
    """The root of squares, with epsilon added outside of it: 1000 times as small a number beside small gradients."""
    return ops.sqrt(squares) + self.epsilon


def _momentum_at(self: Any, step: Any) -> Any:
    return (1.0 - ops.power(0.96, step * SCHEDULE_DECAY) * 0.5) * self.beta_1
