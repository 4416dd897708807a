"""Patterns of names: a small part of regular expressions, found in time proportional to pattern and text.

A pattern comes from a configuration, so it may be anybody's; Python's ``re`` can be made to take hours by a few
letters.

=============  ======================================
``dense``      the letters themselves, anywhere
``^  $``       the beginning, the end
``.``          any character
``\\d  \\w``     a digit; a letter, digit or ``_``
``[abc0-9]``   one of these characters; ``[^abc]`` none
``* + ?``      after one of these: any number, one or more, one or none
``|``          either
=============  ======================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from amalthea.errors import ArgumentError, brief

LONGEST = 1000  # letters of a pattern
_CLASSES: dict[str, Callable[[str], bool]] = {"d": str.isdigit, "w": lambda c: c.isalnum() or c == "_"}


class _Piece(NamedTuple):
    fits: Callable[[str], bool]
    may_miss: bool = False  # with ``*`` and ``?``
    repeats: bool = False  # with ``*`` and ``+``


def found(pattern: str, text: str) -> bool:
    """Whether the pattern is in the text.

    Raises:
        ArgumentError: it has groups, or is otherwise no such pattern.

    >>> found("dense", "model/dense_1"), found("^dense", "model/dense_1"), found(r"_\\d+$", "model/dense_1")
    (True, False, True)
    """
    if len(pattern) > LONGEST:
        raise ArgumentError("The pattern is too long.", expected=f"at most {LONGEST} letters", got=brief(pattern))
    return any(_matches(part, text) for part in _alternatives(pattern))


def _alternatives(pattern: str) -> list[str]:
    parts, escaped = [""], False
    for c in pattern:
        if c == "|" and not escaped:
            parts.append("")
        else:
            parts[-1] += c
        escaped = c == "\\" and not escaped
    return parts


def _matches(pattern: str, text: str) -> bool:
    from_start, to_end = pattern.startswith("^"), pattern.endswith("$") and not pattern.endswith("\\$")
    pieces = _pieces(pattern[from_start : len(pattern) - to_end], pattern)
    positions = _past({0}, pieces)  # before which piece a match that has begun may stand
    for c in text:
        if not to_end and len(pieces) in positions:
            return True
        fitting = [i for i in positions if i < len(pieces) and pieces[i].fits(c)]
        after = {i + 1 for i in fitting} | {i for i in fitting if pieces[i].repeats}
        positions = _past(after if from_start else after | {0}, pieces)
    return len(pieces) in positions


def _past(positions: set[int], pieces: list[_Piece]) -> set[int]:
    """The positions, and those that are reached by leaving pieces out."""
    for i, piece in enumerate(pieces):
        if i in positions and piece.may_miss:
            positions.add(i + 1)
    return positions


def _pieces(part: str, whole: str) -> list[_Piece]:
    pieces: list[_Piece] = []
    i = 0
    while i < len(part):
        c = part[i]
        if c in "*+?" and pieces and pieces[-1][1:] == (False, False):
            pieces[-1] = _Piece(pieces[-1].fits, c in "*?", c in "*+")
        elif c in "*+?(){}^$]":
            raise ArgumentError(
                "The pattern has something that patterns of names do not have.",
                expected="letters, ^ $ . [] \\d \\w * + ? |",
                got=f"{brief(c)} in {brief(whole)}",
                cure="a part of the name, such as 'dense'",
            )
        elif c == "[":
            fits, i = _one_of(part, i, whole)
            pieces.append(_Piece(fits))
        elif c == "\\" and i + 1 < len(part):
            i += 1
            pieces.append(_Piece(_CLASSES.get(part[i]) or _is(part[i])))
        else:
            pieces.append(_Piece(_anything if c == "." else _is(c)))
        i += 1
    return pieces


def _anything(letter: str) -> bool:
    return True


def _is(letter: str) -> Callable[[str], bool]:
    return lambda x: x == letter


def _one_of(part: str, start: int, whole: str) -> tuple[Callable[[str], bool], int]:
    """A test for the characters in ``[...]``, and the index of its end."""
    end = part.find("]", start + 2)
    if end < 0:
        raise ArgumentError("A [ in the pattern has no end.", got=brief(whole), cure="\\\\[ for the letter itself")
    inside = part[start + 1 : end]
    none, inside = inside.startswith("^"), inside.removeprefix("^")
    chosen: set[str] = set()
    i = 0
    while i < len(inside):
        if inside[i + 1 : i + 2] == "-" and i + 2 < len(inside):
            chosen |= {chr(n) for n in range(ord(inside[i]), min(ord(inside[i + 2]), ord(inside[i]) + 1000) + 1)}
            i += 3
        else:
            chosen.add(inside[i])
            i += 1
    return lambda c: (c in chosen) is not none, end
