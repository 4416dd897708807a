"""Whether a script is of Python 2: by what it has outside of attempts that expect an error."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from amalthea.compat.drift import tables

_EXPECTED = ("NameError", "ImportError", "ModuleNotFoundError", "AttributeError", "Exception")
_NAMES = frozenset(tables.BUILTINS) - {"apply", "buffer", "cmp", "file", "intern", "reduce", "reload"}
_METHODS = ("has_key", "iteritems", "iterkeys", "itervalues")
_MODULES = frozenset(name for name in tables.MODULES if "." not in name)
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
    return any(_is_sign(node, bound, modules) for node in _unguarded(parsed))


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
    """Whether the first word of an expression is ``print``, and the expression is no call of it."""
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


def _is_sign(node: ast.AST, bound: set[str], modules: dict[str, str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in _NAMES and node.id not in bound
    if isinstance(node, ast.Import):
        return any(alias.name in _MODULES for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return node.module in _MODULES or any(f"{node.module}.{a.name}" in _ATTRIBUTES for a in node.names)
    if isinstance(node, ast.Attribute):
        base = node.value.id if isinstance(node.value, ast.Name) else ""
        is_sort = node.attr in ("sort", "append", "reverse") and _makes_list(node.value, bound)
        return is_sort or node.attr in _METHODS or f"{modules.get(base, '')}.{node.attr}" in _ATTRIBUTES
    if isinstance(node, ast.Subscript):
        return _makes_list(node.value, bound)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
        return any(_makes_list(a, bound, ("filter", "map", "zip")) for a in node.args)
    return False


def _makes_list(node: ast.AST, bound: set[str], functions: tuple[str, ...] = tables.LISTED) -> bool:
    """Whether an expression made a list in Python 2 alone, such as ``zip(a, b)`` and ``d.keys()``."""
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Attribute):
        return node.func.attr in tables.VIEWS and not node.args
    # range(9)[2:4] is as good in Python 3
    return isinstance(node.func, ast.Name) and node.func.id in functions and node.func.id not in bound | {"range"}
