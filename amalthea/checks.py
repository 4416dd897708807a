"""The vocabulary of checks of arguments: one sentence for each kind of value that may be asked for.

    positive_int(units, "units", "Dense")        # the value, or ArgumentError
    optional(share)(momentum, "momentum", "SGD")

A class whose constructor takes arguments of these kinds names them in a table, and :func:`guard` holds every
constructor against it before it runs, whoever calls it:

    _argument_checks = {"units": positive_int, "dropout": share}

A parameter whose default is None takes None. Numbers of NumPy count as numbers; bools and text do not.
"""

from __future__ import annotations

import functools
import inspect
import math
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from amalthea.errors import ArgumentError, brief


class Check:
    """A kind of value.

    Args:
        kind: what a value of it is called in a sentence, such as ``"a positive int"``.
        expected: its range, such as ``"1, 2, ..."``.
        accepts: whether a value is of it.
        example: such a value, for the cure.

    >>> positive_int(3, "units", "Dense")
    3
    >>> positive_int("3", "units", "Dense")
    Traceback (most recent call last):
    amalthea.errors.ArgumentError: `units` of Dense is a positive int.
      expected: 1, 2, ...
      got:      '3'
      try:      units=1
    """

    def __init__(self, kind: str, expected: str, accepts: Callable[[Any], bool], example: str):
        self.kind, self.expected, self.accepts, self.example = kind, expected, accepts, example

    def __call__(self, value: Any, name: str, owner: str) -> Any:
        """The value, or :class:`ArgumentError` that names the argument and whose it is."""
        if not self.accepts(value):
            raise ArgumentError(
                f"`{name}` of {owner} is {self.kind}.",
                expected=self.expected,
                got=brief(value),
                cure=f"{name}={self.example}",
            )
        return value


def as_number(value: Any) -> float | None:
    """A real number as a float; None for anything else, such as bools, text and complex numbers.

    >>> as_number(np.float32(0.5)), as_number(True), as_number("1")
    (0.5, None, None)
    """
    if isinstance(value, (bool, np.bool_)):
        return None
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, (str, bytes)) or getattr(value, "shape", None) != ():
        return None
    try:
        array = np.asarray(value)
    except Exception:  # a symbol, or a tensor of a device that does not give its values
        return None
    return float(array) if array.dtype.kind in "iuf" or array.dtype.name == "bfloat16" else None


def are_indices(numbers: np.ndarray, count: int) -> bool:
    """Whether all elements of a signed integer array are from 0 to ``count - 1``, found in one pass.

    >>> are_indices(np.array([0, 2]), 3), are_indices(np.array([0, -1]), 3)
    (True, False)
    """
    unsigned: Any = numbers.view(numbers.dtype.str.replace("i", "u"))
    return int(unsigned.max(initial=0)) < count  # negative elements are large as unsigned ones


def _is_int(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _int(kind: str, least: float) -> Check:
    expected = "..., -1, 0, 1, ..." if least == -math.inf else f"{least:g}, {least + 1:g}, ..."
    return Check(kind, expected, lambda v: _is_int(v) and v >= least, "1" if least <= 1 else f"{least:g}")


def _number(kind: str, expected: str, accepts: Callable[[float], bool], example: str) -> Check:
    def is_one(value: Any) -> bool:
        number = as_number(value)
        return number is not None and accepts(number)

    return Check(kind, expected, is_one, example)


integer = _int("an int", -math.inf)
non_negative_int = _int("an int that is not negative", 0)
positive_int = _int("a positive int", 1)
two_or_more = _int("an int of 2 or more", 2)
any_number = _number("a number", "a number, not NaN", lambda v: not math.isnan(v), "0.0")
finite_number = _number("a finite number", "a number, not NaN or infinity", math.isfinite, "0.0")
non_negative_number = _number("a finite number that is not negative", "0 or more", lambda v: 0 <= v < math.inf, "0.0")
positive_number = _number("a finite positive number", "more than 0", lambda v: 0 < v < math.inf, "1.0")
non_positive_number = _number("a finite number that is not positive", "0 or less", lambda v: -math.inf < v <= 0, "-0.5")
positive_or_infinite = _number("a positive number", "more than 0", lambda v: v > 0, "1.0")
share = _number("a fraction", "0 to 1", lambda v: 0 <= v <= 1, "0.5")
share_below_one = _number("a fraction below 1", "0 or more, less than 1", lambda v: 0 <= v < 1, "0.5")


def at_least_int(least: int) -> Check:
    """Ints from ``least`` on."""
    return _int(f"an int of {least} or more", least)


def optional(check: Check) -> Check:
    """None too.

    >>> optional(share)(None, "rate", "Dropout")
    """
    return Check(
        f"{check.kind}, or None", f"{check.expected}, or None", lambda v: v is None or check.accepts(v), check.example
    )


def either(check: Check, *words: Any) -> Check:
    """One of these words (or other constants) too.

    >>> either(positive_int, "epoch")("epoch", "save_freq", "ModelCheckpoint")
    'epoch'
    """
    said = " or ".join(map(repr, words))
    return Check(
        f"{check.kind}, or {said}",
        f"{check.expected}, or {said}",
        lambda v: any(type(v) is type(word) and v == word for word in words) or check.accepts(v),
        check.example,
    )


def one_of(*words: str) -> Check:
    """One of these words.

    >>> one_of("min", "max")("max", "mode", "EarlyStopping")
    'max'
    """
    expected = ", ".join(map(repr, words))
    return Check(f"one of {expected}", expected, lambda v: isinstance(v, str) and v in words, repr(words[0]))


def one_or_several(check: Check) -> Check:
    """One value, or a list or tuple of at least one.

    >>> one_or_several(integer)([1, 2], "axis", "LayerNormalization")
    [1, 2]
    """

    def accepts(value: Any) -> bool:
        return (
            bool(value) and all(map(check.accepts, value)) if isinstance(value, (list, tuple)) else check.accepts(value)
        )

    return Check(f"{check.kind}, or a list of them", check.expected, accepts, check.example)


def numbers_or_arrays(check: Check) -> Check:
    """A number, or an array (or nested list) of numbers.

    >>> numbers_or_arrays(finite_number)([1, 2.5], "scale", "Rescaling")
    [1, 2.5]
    """

    def accepts(value: Any) -> bool:
        if check.accepts(value):
            return True
        if isinstance(value, (list, tuple)):
            return bool(value) and all(map(accepts, value))
        return getattr(value, "ndim", 0) > 0 and all(map(check.accepts, np.asarray(value).ravel()))

    return Check(f"{check.kind}, or an array of them", check.expected, accepts, check.example)


def several(check: Check) -> Check:
    """A list, tuple or one-dimensional array.

    >>> several(share)([0.5, 1.0], "shares", "f")
    [0.5, 1.0]
    """

    def accepts(value: Any) -> bool:
        is_sequence = isinstance(value, (list, tuple)) or getattr(value, "ndim", None) == 1
        return is_sequence and all(map(check.accepts, value))

    return Check(f"a list, each item {check.kind}", f"[{check.expected}]", accepts, f"[{check.example}]")


def axes_within(axes: Any, rank: int, owner: str, name: str = "axis") -> None:
    """:class:`ArgumentError` for an axis (or one of several) that a value of ``rank`` axes does not have.

    >>> axes_within(-1, 2, "Softmax")
    """
    for axis in axes if isinstance(axes, (list, tuple)) else (axes,):
        if axis is not None and not -rank <= axis < rank:
            raise ArgumentError(
                f"`{name}` of {owner} is an axis that its input does not have.",
                expected=f"{-rank} to {rank - 1}, for an input of {rank} axes" if rank else "an input with axes",
                got=axis,
                cure=f"{name}=-1" if rank else "",
            )


def check_all(owner: str, table: Mapping[str, Check], values: Mapping[str, Any]) -> None:
    """Hold each value against the check of its name, if there is one."""
    for name, check in table.items():
        if name in values:
            check(values[name], name, owner)


def takes(function: Any, wanted: Sequence[str], name: str, owner: str) -> None:
    """:class:`ArgumentError` for a callable that cannot be called with as many arguments.

    >>> takes(lambda y_true, y_pred: 0, ("y_true", "y_pred"), "loss", "compile")
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a function without a signature, written in C
        return
    try:
        signature.bind(*wanted)
    except TypeError:
        raise ArgumentError(
            f"`{name}` of {owner} is called with {len(wanted)} arguments, which this function does not take.",
            expected=f"f({', '.join(wanted)})",
            got=f"{getattr(function, '__name__', type(function).__name__)}{signature}",
            cure=f"def f({', '.join(wanted)}): ...",
        ) from None


# ------------------------------------------------------------------------------------- constructors


def guard(cls: type) -> None:
    """Let the constructor that a class defines hold its arguments against ``_argument_checks`` before it runs."""
    init = cls.__dict__.get("__init__")
    if init is None:
        return
    table: dict[str, Check] = {}
    for base in reversed(cls.__mro__):
        table.update(base.__dict__.get("_argument_checks", {}))
    parameters = list(inspect.signature(init).parameters.values())[1:]
    found = {p.name: _with_default(table[p.name], p.default) for p in parameters if p.name in table}
    if found:
        cls.__init__ = _guarded(init, found, [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD])


def _with_default(check: Check, default: Any) -> Check:
    return optional(check) if default is None else check


def _guarded(init: Callable[..., None], table: dict[str, Check], positional: Iterable[str]) -> Callable[..., None]:
    positional = tuple(positional)

    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        for name, value in (*zip(positional, args), *kwargs.items()):
            if name in table:
                table[name](value, name, type(self).__name__)
        init(self, *args, **kwargs)

    return __init__
