"""Window functions of signal processing. Their length is a Python int, so they are computed once, on the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from amalthea import checks, config, docstrings
from amalthea.engine import dtypes
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import native
from amalthea.engine.types import TensorLike
from amalthea.errors import TraceError
from amalthea.ops.base import op, value_of

docstrings.share(
    "window length",
    "x: int, or an array with one whole number; length of the window. Below 1 the window does not have elements.",
)


def _window(function: Callable[..., Any], x: Any, *shape: float) -> Any:
    if isinstance(x, Tensor):
        raise TraceError("The length of a window must be known when a graph is built.", got=x, cure="a Python int")
    length = np.asarray(value_of(x))
    length = length.item() if length.size == 1 else length
    checks.integer(length, "x", f"ops.{function.__name__}")
    return native(function(length, *shape).astype(dtypes.to_numpy(config.floatx())))


@op
def bartlett(x: TensorLike) -> Any:
    """Makes a Bartlett window: a triangle from 0 over 1 to 0.

    Args:
        |window length|

    Shapes:
        () -> (x,)

    Raises:
        ArgumentError: the length is not a whole number.
        TraceError: the length is symbolic.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.bartlett(5)).tolist()
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return _window(np.bartlett, x)


@op
def blackman(x: TensorLike) -> Any:
    """Makes a Blackman window: ``0.42 - 0.5 * cos(t) + 0.08 * cos(2 * t)`` for ``t`` from 0 to ``2 * pi``.

    Args:
        |window length|

    Shapes:
        () -> (x,)

    Raises:
        ArgumentError: the length is not a whole number.
        TraceError: the length is symbolic.

    Example:
        >>> from amalthea import ops
        >>> [round(float(v), 2) + 0.0 for v in ops.blackman(5)]
        [0.0, 0.34, 1.0, 0.34, 0.0]
    """
    return _window(np.blackman, x)


@op
def hamming(x: TensorLike) -> Any:
    """Makes a Hamming window: ``0.54 - 0.46 * cos(t)`` for ``t`` from 0 to ``2 * pi``.

    Args:
        |window length|

    Shapes:
        () -> (x,)

    Raises:
        ArgumentError: the length is not a whole number.
        TraceError: the length is symbolic.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.hamming(5)).tolist()
        [0.08, 0.54, 1.0, 0.54, 0.08]
    """
    return _window(np.hamming, x)


@op
def hanning(x: TensorLike) -> Any:
    """Makes a Hann window: ``0.5 - 0.5 * cos(t)`` for ``t`` from 0 to ``2 * pi``.

    Args:
        |window length|

    Shapes:
        () -> (x,)

    Raises:
        ArgumentError: the length is not a whole number.
        TraceError: the length is symbolic.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.hanning(5)).tolist()
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return _window(np.hanning, x)


@op
def kaiser(x: TensorLike, beta: float) -> Any:
    """Makes a Kaiser window: ``i0(beta * sqrt(1 - t ** 2)) / i0(beta)`` for ``t`` from -1 to 1.

    Args:
        |window length|
        beta: float; shape of the window. 0 gives a rectangle, larger numbers a narrower peak.

    Shapes:
        () -> (x,)

    Raises:
        ArgumentError: the length is not a whole number, or ``beta`` is not a finite number.
        TraceError: the length is symbolic.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.kaiser(4, 5.0)).tolist()
        [0.0367, 0.7753, 0.7753, 0.0367]
    """
    return _window(np.kaiser, x, float(checks.finite_number(beta, "beta", "ops.kaiser")))
