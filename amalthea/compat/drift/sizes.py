"""Floats where a whole number is meant, such as ``np.zeros(n / 2)`` and ``x[: 0.8 * n]``, which older NumPy took."""

from __future__ import annotations

import ast
from typing import Any

from amalthea.compat.drift import tables
from amalthea.compat.drift.names import Names
from amalthea.compat.drift.tools import helper

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.Div, ast.Pow)


def sized(parsed: ast.Module, names: Names) -> ast.Module:
    """The script with sizes that are whole numbers.

    Args:
        parsed: the script.
        names: Names of the script.

    Example:
        >>> from amalthea.compat.drift.names import names_of
        >>> tree = ast.parse("import numpy as np\\nhalf = n / 2\\nx[:half], y[3], np.zeros(n), range(half)")
        >>> print(ast.unparse(sized(tree, names_of(tree))).splitlines()[-1])
        (x[:__drift__.size(half)], y[3], np.zeros(__drift__.size(n)), range(__drift__.size(half)))
    """
    return _Sizes(names, _floats(parsed)).visit(parsed)


def _floats(parsed: ast.Module) -> set[str]:
    """Variables and attributes that are assigned a float somewhere, by what is written."""
    found: set[str] = set()
    assigned = [node for node in ast.walk(parsed) if isinstance(node, ast.Assign)]
    before = -1
    while before != len(found):
        before = len(found)
        for node in assigned:
            if _is_float(node.value, found):
                found |= {ast.unparse(t) for t in node.targets if isinstance(t, (ast.Name, ast.Attribute))}
    return found


def _is_float(node: ast.expr | None, floats: set[str]) -> bool:
    """Whether an expression may be a float, by what is written: a division, a constant, a variable with one."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, _ARITHMETIC):
        return isinstance(node.op, ast.Div) or _is_float(node.left, floats) or _is_float(node.right, floats)
    if isinstance(node, ast.UnaryOp):
        return _is_float(node.operand, floats)
    if isinstance(node, (ast.Tuple, ast.List)):
        return any(_is_float(e, floats) for e in node.elts)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float)
    return isinstance(node, (ast.Name, ast.Attribute)) and ast.unparse(node) in floats


class _Sizes(ast.NodeTransformer):
    def __init__(self, names: Names, floats: set[str]):
        self.names, self.floats = names, floats

    def _whole(self, node: Any) -> Any:
        return helper("size", node) if _is_float(node, self.floats) else node

    def visit_Slice(self, node: ast.Slice) -> Any:
        """The bounds of a slice."""
        self.generic_visit(node)
        node.lower, node.upper, node.step = self._whole(node.lower), self._whole(node.upper), self._whole(node.step)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        """An index, unless the container turns out to be a dict."""
        is_float = _is_float(node.slice, self.floats) and not isinstance(node.slice, ast.Tuple)
        self.generic_visit(node)
        if isinstance(node.slice, ast.Tuple):
            node.slice.elts = [self._whole(e) for e in node.slice.elts]
        if is_float and isinstance(node.ctx, ast.Load):
            return ast.copy_location(helper("item", node.value, node.slice), node)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        """``[0] * (n / 2)``."""
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult):
            if _is_sequence(node.left):
                node.right = self._whole(node.right)
            elif _is_sequence(node.right):
                node.left = self._whole(node.left)
        return node

    def visit_Call(self, node: ast.Call) -> Any:
        """Arguments that are sizes: of NumPy's functions by the table, of others if they may be floats."""
        func = node.func
        full = self._full(func)
        change = "size" if full in tables.SHAPES else "count"
        known = tables.SHAPES.get(full, tables.COUNTS.get(full))
        last = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        floats = [_is_float(a, self.floats) for a in node.args]
        named = [_is_float(k.value, self.floats) for k in node.keywords]
        self.generic_visit(node)
        if known is not None:
            node.args = [_changed(change, a) if i in known else a for i, a in enumerate(node.args)]
            for keyword in node.keywords:
                keyword.value = _changed(change, keyword.value) if keyword.arg in known else keyword.value
            return node
        if last in tables.SIZED:
            node.args = [helper("size", a) if is_float else a for a, is_float in zip(node.args, floats)]
        for keyword, is_float in zip(node.keywords, named):
            if is_float and keyword.arg in tables.SIZE_KEYWORDS:
                keyword.value = helper("size", keyword.value)
        return node

    def _full(self, func: ast.expr) -> str:
        parts = ast.unparse(func).split(".") if isinstance(func, (ast.Attribute, ast.Name)) else [""]
        return ".".join([self.names.modules.get(parts[0], ""), *parts[1:]])


def _changed(change: str, node: ast.expr) -> ast.expr:
    is_plain = isinstance(node, ast.Constant) and isinstance(node.value, int) or isinstance(node, ast.Starred)
    return node if is_plain else helper(change, node)


def _is_sequence(node: ast.expr) -> bool:
    return isinstance(node, (ast.List, ast.Tuple)) or isinstance(node, ast.Constant) and isinstance(node.value, str)
