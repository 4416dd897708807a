"""Pieces of syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Sequence

HELPERS = "__drift__"


def helper(name: str, *args: ast.expr, keywords: Sequence[ast.keyword] = ()) -> ast.Call:
    """A call of a function of :mod:`amalthea.compat.drift.helpers`.

    Args:
        name: str; the function.
        *args: its arguments.
        keywords: its arguments by name. Defaults to none.

    Example:
        >>> ast.unparse(helper("size", ast.Constant(2.0)))
        '__drift__.size(2.0)'
    """
    func = ast.Attribute(ast.Name(HELPERS, ast.Load()), name, ast.Load())
    made = ast.Call(func, list(args), list(keywords))
    if args:
        ast.copy_location(made, args[0])
        ast.copy_location(func, args[0])
        ast.copy_location(func.value, args[0])
    return made


def today(name: str) -> ast.Call:
    """The expression for a full name of today.

    Args:
        name: str; one that begins with a point is in :mod:`amalthea.compat.drift`.

    Example:
        >>> ast.unparse(today("numpy.prod"))
        "__drift__.of('numpy.prod')"
    """
    return helper("of", ast.Constant(name))
