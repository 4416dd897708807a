"""``keras.initializations`` of Keras 1: functions of ``(shape, name)`` that return variables of ``K``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea import initializers
from amalthea.compat import backend
from amalthea.compat.modules import module
from amalthea.spellings import modern_value

NAMES = ("uniform", "normal", "lecun_uniform", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform",
         "orthogonal", "identity", "zero", "one")  # fmt: skip
_SCALES = {
    "uniform": lambda scale: initializers.RandomUniform(-scale, scale),
    "normal": lambda scale: initializers.RandomNormal(0.0, scale),
    "orthogonal": initializers.Orthogonal,
    "identity": initializers.Identity,
}


def _function(name: str) -> Callable[..., Any]:
    def function(shape: Any, scale: float | None = None, name: str | None = None, dim_ordering: str = "tf") -> Any:
        made = _today(known) if scale is None or known not in _SCALES else _SCALES[known](scale)
        return backend.variable(made(tuple(shape)), name=name)

    known = name
    function.__name__ = name
    function.__doc__ = f"A variable of initial values ``{name}``."
    return function


def _today(name: str) -> Any:
    return initializers.get(modern_value("initializer", name, 1))


def get(identifier: Any, **kwargs: Any) -> Any:
    """The function of a name; a function as it is.

    Args:
        identifier: str or callable.
        **kwargs: arguments that the function is given.

    Example:
        >>> get("one")((2,), name="b").numpy().tolist()
        [1.0, 1.0]
    """
    if callable(identifier):
        return identifier
    found = CONTENTS[identifier] if identifier in CONTENTS else getattr(MODULE, str(identifier))
    return (lambda shape, name=None: found(shape, name=name, **kwargs)) if kwargs else found


def get_fans(shape: Any, dim_ordering: str = "tf") -> tuple[int, int]:
    """Fan in and fan out of a weight; with ``"th"`` the axes are (out, in, window).

    Args:
        shape: tuple of ints.
        dim_ordering: str. Defaults to ``"tf"``.
    """
    is_first = dim_ordering == "th" and len(shape) > 2
    axes = {"input_axes": (1,), "output_axes": (0,)} if is_first else {}
    found = initializers.compute_fans(tuple(shape), **axes)
    return int(found[0]), int(found[1])


CONTENTS: dict[str, Any] = {**{name: _function(name) for name in NAMES}, "get": get, "get_fans": get_fans}
MODULE = module("keras.initializations", CONTENTS, "Initial values of Keras 1.")
