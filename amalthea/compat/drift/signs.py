"""Whether a script is of Python 2: by what it has outside of attempts that expect an error."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from amalthea.compat.drift import tables

_EXPECTED = ("NameError", "ImportError", "ModuleNotFoundError", "AttributeError", "Exception")
_NAMES = frozenset(tables.BUILTINS) - {"apply", "buffer", "cmp", "file", "intern", "reduce", "reload"}
_METHODS = ("has_key", "iteritems", "iterkeys", "itervalues")
_MODULES = frozenset(name for name in tables.MODULES if "." not in name) - {"six"}
_ATTRIBUTES = frozenset(name for name in tables.NAMES if name.startswith(("itertools.", "string.", "sys.", "urllib.")))


def is_python_2(parsed: ast.Module, bound: set[str], modules: dict[str, str]) -> bool:
    """Whether a script that Python 3 parses has names, methods, modules or lists of Python 2.

    Args:
        parsed: the script.
        bound: names that it binds itself.
        modules: its local names of modules, and their full names.

    Example:
        >>> is_python_2(ast.parse("for i in xrange(3): pass"), set(), {})
        True
        >>> is_python_2(ast.parse("try:\\n    xrange\\nexcept NameError:\\n    pass"), set(), {})
        False
    """
    signs = _Signs(parsed, bound, modules)
    return any(signs.has(node) for node in _unguarded(parsed))


def has_print_statement(parsed: ast.Module) -> bool:
    """Whether a script that Python 3 parses has a statement ``print``, as in ``print ("%d") % 3``.

    Args:
        parsed: the script.

    Example:
        >>> [has_print_statement(ast.parse(s)) for s in ("print('a')", "print (1), 2", "print >>f, 'a'")]
        [False, True, True]
    """
    return any(_begins_with_print(node.value) for node in ast.walk(parsed) if isinstance(node, ast.Expr))


def _begins_with_print(node: ast.expr) -> bool:
    """True if an expression begins with ``print`` and does not call it."""
    is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    first: ast.AST = node
    while isinstance(first, (ast.Tuple, ast.BinOp, ast.Call, ast.Attribute, ast.Subscript, ast.Compare)):
        first = next(iter(ast.iter_child_nodes(first)), ast.Pass())
    is_word = first is node  # a line that shows the function itself, or nothing
    return not is_call and not is_word and isinstance(first, ast.Name) and first.id == "print"


def _unguarded(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those in a ``try`` that expects a missing name, and in branches on Python's version."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Try) and any(_expects(handler) for handler in child.handlers):
            continue
        if isinstance(child, ast.If) and any(word in ast.unparse(child.test) for word in ("version", "PY2", "PY3")):
            continue
        yield child
        yield from _unguarded(child)


def _expects(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(isinstance(node, ast.Name) and node.id in _EXPECTED for node in ast.walk(handler.type))


class _Signs:
    """The signs of Python 2 in the nodes of a script."""

    def __init__(self, parsed: ast.Module, bound: set[str], modules: dict[str, str]):
        self.bound, self.modules = bound, modules
        self.lists: dict[str, str] = {}  # variables that are assigned once, and the function that made the list
        assigned = [node for node in ast.walk(parsed) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
        once = [name for name, number in Counter(node.id for node in assigned).items() if number == 1]
        for node in ast.walk(parsed):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in once:
                maker = self._maker(node.value)
                if maker:
                    self.lists[node.targets[0].id] = maker

    def has(self, node: ast.AST) -> bool:
        """Whether a node is a sign."""
        if isinstance(node, ast.Name):
            return node.id in _NAMES and node.id not in self.bound
        if isinstance(node, ast.Import):
            return any(alias.name in _MODULES for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            return node.module in _MODULES or any(f"{node.module}.{a.name}" in _ATTRIBUTES for a in node.names)
        if isinstance(node, ast.Attribute):
            return self._is_of_module(node) or self._is_of_list(node)
        return self._is_use_of_list(node)

    def _is_of_module(self, node: ast.Attribute) -> bool:
        base = node.value.id if isinstance(node.value, ast.Name) else ""
        if base in self.modules:
            return f"{self.modules[base]}.{node.attr}" in _ATTRIBUTES
        return node.attr in _METHODS

    def _is_of_list(self, node: ast.Attribute) -> bool:
        return node.attr in ("append", "extend", "insert", "pop", "remove", "reverse", "sort") and bool(
            self._maker(node.value)
        )

    def _is_use_of_list(self, node: ast.AST) -> bool:
        """An index, a length, a sum or a shuffle, which an iterator or a range does not have."""
        if isinstance(node, ast.Subscript):
            maker = self._maker(node.value)
            return bool(maker) and (maker != "range" or not isinstance(node.ctx, ast.Load))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return bool(self._maker(node.left) or self._maker(node.right))
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            maker = self._maker(node.args[0])
            return name == "shuffle" and bool(maker) or name == "len" and maker in ("filter", "map", "zip")
        return False

    def _maker(self, node: ast.expr) -> str:
        """The function or method that made a list in Python 2 alone, such as ``zip`` and ``keys``; else empty."""
        if isinstance(node, ast.Name):
            return self.lists.get(node.id, "")
        if not isinstance(node, ast.Call):
            return ""
        if isinstance(node.func, ast.Attribute):
            return node.func.attr if node.func.attr in tables.VIEWS and not node.args else ""
        name = getattr(node.func, "id", "")
        return name if name in tables.LISTED and name not in self.bound else ""
