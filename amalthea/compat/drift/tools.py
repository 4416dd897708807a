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
    func = helper_name(name)
    made = ast.Call(func, list(args), list(keywords))
    if args:
        ast.copy_location(made, args[0])
        ast.copy_location(func, args[0])
        ast.copy_location(func.value, args[0])
    return made


def helper_name(name: str) -> ast.Attribute:
    """The expression for a function of :mod:`amalthea.compat.drift.helpers`.

    Args:
        name: str; the function.

    Example:
        >>> ast.unparse(helper_name("size"))
        '__drift__.size'
    """
    return ast.Attribute(ast.Name(HELPERS, ast.Load()), name, ast.Load())


def today(name: str) -> ast.Call:
    """The expression for a full name of today.

    Args:
        name: str; one that begins with a point is in :mod:`amalthea.compat.drift`.

    Example:
        >>> ast.unparse(today("numpy.prod"))
        "__drift__.of('numpy.prod')"
    """
    return helper("of", ast.Constant(name))


def as_key(node: ast.expr) -> ast.expr:
    """The key of a subscript as an expression of its own.

    Args:
        node: what stands between the brackets.

    Example:
        >>> ast.unparse(as_key(ast.parse("x[1:n, 2]", mode="eval").body.slice))
        "(__drift__.of('builtins.slice')(1, n, None), 2)"
    """
    if isinstance(node, ast.Tuple):
        return ast.copy_location(ast.Tuple([as_key(e) for e in node.elts], ast.Load()), node)
    if isinstance(node, ast.Slice):
        bounds: list[ast.expr] = [b or ast.Constant(None) for b in (node.lower, node.upper, node.step)]
        return ast.copy_location(ast.Call(today("builtins.slice"), bounds, []), node)
    return node
