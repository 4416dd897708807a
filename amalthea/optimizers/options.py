"""The options that every optimizer has: clipping, weight decay, averaging, scaling and accumulation of gradients.

They are written once, here. ``Adam(beta_1=0.9, **common)`` shows them in its signature all the same, because
:func:`with_common_options` puts them there.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from amalthea import ops
from amalthea.checks import non_negative_number
from amalthea.engine import dtypes
from amalthea.errors import ArgumentError, nearest

COMMON: dict[str, Any] = {
    "weight_decay": None,
    "clipnorm": None,
    "clipvalue": None,
    "global_clipnorm": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
    "name": None,
}
_WITHOUT_EFFECT = ("jit_compile", "is_legacy_optimizer")  # Keras 2 wrote them into files


def with_common_options(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor ``(self, own..., **common)`` whose signature names every common option after its own."""
    *own, rest = inspect.signature(init).parameters.values()
    if rest.name != "common" or rest.kind is not rest.VAR_KEYWORD:
        return init
    named = {p.name for p in own}
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    common = [inspect.Parameter(n, kind, default=d) for n, d in COMMON.items() if n not in named]
    signature = inspect.Signature([*own, *common, rest.replace(name="kwargs")])

    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        beyond = dict(zip([p.name for p in common], args[len(own) - 1 :]))
        init(self, *args[: len(own) - 1], **beyond, **kwargs)

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__


def take_legacy(optimizer: str, learning_rate: Any, kwargs: dict[str, Any]) -> tuple[Any, float]:
    """The learning rate and its decay, by the older spellings too; an error for any other argument.

    With ``decay``, as in Keras 1 and 2, the rate of an update is ``learning_rate / (1 + decay * iterations)``, and
    ``learning_rate`` may be set all the same.
    """
    learning_rate = kwargs.pop("lr", learning_rate)
    decay = kwargs.pop("decay", 0.0)
    for name in _WITHOUT_EFFECT:
        kwargs.pop(name, None)
    if kwargs:
        name = next(iter(kwargs))
        raise ArgumentError(f"{optimizer} has no argument '{name}'.", got=name, cure=nearest(name, COMMON))
    non_negative_number(decay or 0.0, "decay", optimizer)
    if isinstance(learning_rate, dict):
        found: dict[str, Any] = learning_rate.get("config") or {}
    else:
        found = getattr(learning_rate, "__dict__", {})
    if found.get("name") == _DECAY and "decay_rate" in found:
        return found["initial_learning_rate"], found["decay_rate"]
    return learning_rate, decay or 0.0


_DECAY = "decay"  # name of a schedule in a file that stands for `decay=` of Keras 1 and 2


def with_decay(learning_rate: Any, decay: float) -> Any:
    """The learning rate as it is written to a file: with `decay=`, as the schedule that Keras 3 reads."""
    if not decay:
        return learning_rate
    from amalthea.optimizers.schedules import InverseTimeDecay

    return InverseTimeDecay(learning_rate, decay_steps=1, decay_rate=decay, name=_DECAY)


def check_options(optimizer: Any) -> None:
    """:class:`ArgumentError` for options that cannot be meant."""
    clips = {name: getattr(optimizer, name) for name in ("clipnorm", "clipvalue", "global_clipnorm")}
    given = [name for name, value in clips.items() if value is not None]
    if len(given) > 1:
        raise ArgumentError("Gradients are clipped in one way.", expected="one of " + ", ".join(clips), got=given)


# -------------------------------------------------------------------------------------------- gradients


def present(grads: Sequence[Any], variables: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """The gradients that there are, with their variables; a warning if some are missing, an error if all are."""
    missing = [v.path for g, v in zip(grads, variables) if g is None]
    if len(missing) == len(grads):
        raise ArgumentError("No gradients provided for any variable.", cure="a loss that depends on the weights")
    if missing:
        names = ", ".join(missing[:5])
        warnings.warn(f"Some variables do not affect the loss, and keep their values: {names}", stacklevel=4)
    found = [(g, v) for g, v in zip(grads, variables) if g is not None]
    return [g for g, _ in found], [v for _, v in found]


def clip(optimizer: Any, grads: list[Any]) -> list[Any]:
    """Gradients clipped as the options say."""
    if optimizer.clipvalue is not None:
        return [ops.clip(g, -optimizer.clipvalue, optimizer.clipvalue) for g in grads]
    if optimizer.clipnorm is not None:
        return [_shortened(g, norm(g), optimizer.clipnorm) for g in grads]
    if optimizer.global_clipnorm is not None:
        squares = [ops.sum(ops.square(ops.cast(g, dtypes.at_least_single(dtypes.name_of(g))))) for g in grads]
        together = ops.sqrt(sum(squares[1:], squares[0]))
        return [_shortened(g, together, optimizer.global_clipnorm) for g in grads]
    return grads


def norm(x: Any) -> Any:
    """The Euclidean norm of all the elements, in float32 at least."""
    return ops.sqrt(ops.sum(ops.square(ops.cast(x, dtypes.at_least_single(dtypes.name_of(x))))))


def _shortened(g: Any, length: Any, most: float) -> Any:
    return ops.cast(g, length.dtype) * (most / ops.maximum(length, most))
