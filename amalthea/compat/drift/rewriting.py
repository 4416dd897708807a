"""The rewrite of a script: a pass over its syntax tree, which keeps the numbers of lines.

A rewritten script calls functions of :mod:`amalthea.compat.drift.helpers` under the name ``__drift__``.
"""

from __future__ import annotations

import ast
from typing import Any

from amalthea.compat.drift import sizes, tables
from amalthea.compat.drift.met import Met
from amalthea.compat.drift.names import Names, names_of, stand_in
from amalthea.compat.drift.signs import is_python_2
from amalthea.compat.drift.tools import HELPERS, as_key, helper, helper_name, today

_PACKAGE = __package__


def rewritten(parsed: ast.Module, of_python_2: bool, met: Met) -> ast.Module:
    """The tree of a script for today's Python and libraries.

    Args:
        parsed: the script, which is changed.
        of_python_2: bool; whether it had to be translated from Python 2.
        met: Met; learns what was rewritten.

    Example:
        >>> made = rewritten(ast.parse("for i in xrange(9 / 2):\\n    print(i)"), False, Met())
        >>> print(ast.unparse(made))
        import amalthea.compat.drift.helpers as __drift__
        from amalthea.compat.drift.old_builtins import xrange
        for i in xrange(__drift__.size(__drift__.divided(9, 2))):
            print(i)
    """
    cells = Cells(met)
    cells.is_old = of_python_2
    return cells.visit(parsed)


class Cells:
    """Rewrites the cells of a notebook one by one, each of which may use the imports of those before.

    Args:
        met: Met; learns what was rewritten.
    """

    def __init__(self, met: Met):
        self.met, self.names = met, Names(set(), {})
        self.is_old, self.has_division = False, False

    def visit(self, parsed: ast.Module) -> ast.Module:
        """The tree of a cell for today's Python and libraries.

        Args:
            parsed: the cell, which is changed.
        """
        bound, modules = names_of(parsed)
        names = self.names = Names(self.names.bound | bound, {**self.names.modules, **modules})
        self.is_old = self.is_old or is_python_2(parsed, *names)
        self.has_division = self.has_division or any(_imports_division(node) for node in parsed.body)
        rewriter = _Pass(names, self.is_old, self.is_old and not self.has_division, self.met)
        made = rewriter.visit(sizes.sized(parsed, names))
        return ast.fix_missing_locations(_with_imports(made, sorted(rewriter.builtins)))


def _imports_division(node: ast.stmt) -> bool:
    if not isinstance(node, ast.ImportFrom) or node.module != "__future__":
        return False
    return any(alias.name == "division" for alias in node.names)


def _with_imports(module: ast.Module, builtins: list[str]) -> ast.Module:
    """The script after the imports that it needs, which stand after its own of ``__future__``."""
    body = module.body
    is_first = [isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in body]
    after = max([i + 1 for i, first in enumerate(is_first) if first], default=0)
    if not after and ast.get_docstring(module, clean=False) is not None:
        after = 1
    lines: list[ast.stmt] = [ast.Import([ast.alias(f"{_PACKAGE}.helpers", HELPERS)])]
    if builtins:
        lines.append(ast.ImportFrom(f"{_PACKAGE}.old_builtins", [ast.alias(name) for name in builtins], 0))
    module.body = [*body[:after], *lines, *body[after:]]
    return module


class _Pass(ast.NodeTransformer):
    """Replaces names, methods and divisions.

    Args:
        names: Names of the script.
        is_old: bool; whether it is of Python 2.
        floors: bool; whether ``/`` divides whole numbers without the rest.
        met: Met.
    """

    def __init__(self, names: Names, is_old: bool, floors: bool, met: Met):
        self.names, self.is_old, self.floors, self.met = names, is_old, floors, met
        self.builtins: set[str] = set()

    # ---------------------------------------------------------------------------------- imports

    def visit_Import(self, node: ast.Import) -> Any:
        """``import cPickle`` as an assignment of the module of today."""
        kept, made = [], []
        for alias in node.names:
            found = stand_in(alias.name)
            root = alias.name.split(".")[0]
            if found is None:
                kept.append(alias)
            elif alias.asname or root == alias.name:
                self.met.name(alias.name)
                made.append(_assigned(alias.asname or alias.name, found, node))
            else:
                self.met.name(alias.name)
                made.append(
                    _assigned(root, root, node) if stand_in(root) is None else ast.copy_location(ast.Pass(), node)
                )
        return _together(ast.Import(kept) if kept else None, made, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        """``from itertools import izip`` as an assignment; other names of the line are imported as before."""
        if node.level or not node.module:
            return node
        if node.names[0].name == "*":
            found = stand_in(node.module)
            if found is None:
                return node
            self.met.name(node.module)
            name = f"{_PACKAGE}{found}" if found.startswith(".") else found
            return ast.copy_location(ast.ImportFrom(name, node.names, 0), node)
        kept, made = [], []
        for alias in node.names:
            old = f"{node.module}.{alias.name}"
            found = stand_in(old)
            if found is None:
                kept.append(alias)
            else:
                self._note(old)
                made.append(_assigned(alias.asname or alias.name, found, node))
        return _together(ast.ImportFrom(node.module, kept, 0) if kept else None, made, node)

    def _note(self, old: str) -> None:
        module = old.rpartition(".")[0]
        if old not in tables.CHANGED:  # such a function notes itself where it makes a difference
            self.met.name(module if module in tables.MODULES else old)

    # ------------------------------------------------------------------------------------ names

    def visit_Name(self, node: ast.Name) -> Any:
        """A builtin of Python 2, unless the script binds the name itself."""
        is_old = node.id in tables.BUILTINS or self.is_old and node.id in tables.OTHERWISE
        if is_old and node.id not in self.names.bound and isinstance(node.ctx, ast.Load):
            self.builtins.add(node.id)
            self.met.name(node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        """A name of a module, such as ``np.bool``."""
        full = self._full(node)
        found = stand_in(full) if full and isinstance(node.ctx, ast.Load) else None
        if found is None:
            return self.generic_visit(node)
        self._note(full)
        return ast.copy_location(today(found), node)

    def _full(self, node: ast.expr) -> str:
        """The full name of an expression that begins with an imported module; empty for others."""
        if isinstance(node, ast.Attribute):
            before = self._full(node.value)
            return f"{before}.{node.attr}" if before else ""
        return self.names.modules.get(node.id, "") if isinstance(node, ast.Name) else ""

    # ------------------------------------------------------------------------------------ calls

    def visit_Call(self, node: ast.Call) -> Any:
        """A method of Python 2, the keys of a dict as a list, an argument that has another name."""
        made = self.generic_visit(node)
        assert isinstance(made, ast.Call)
        for keyword in made.keywords:
            self._renamed(keyword, made.func)
        func = made.func
        if not isinstance(func, ast.Attribute) or self._full(node.func):
            return made
        if func.attr in tables.METHODS and self._is_method(func.attr, made):
            if func.attr not in ("decode", "translate"):
                self.met.name(f".{func.attr}()")
            return ast.copy_location(helper(func.attr, func.value, *made.args, keywords=made.keywords), node)
        if self.is_old and func.attr in tables.VIEWS and not made.args and not made.keywords:
            self.met.name(f".{func.attr}()")
            return ast.copy_location(helper("listed", made), node)
        return made

    def _is_method(self, name: str, call: ast.Call) -> bool:
        if name == "translate":
            return self.is_old and len(call.args) == 2
        if name == "next":
            return not call.args
        return self.is_old or name not in ("decode",)

    def _renamed(self, keyword: ast.keyword, func: ast.expr) -> None:
        name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        value = keyword.value
        if keyword.arg == "cmap" and isinstance(value, ast.Constant) and value.value == "spectral":
            keyword.value = ast.copy_location(ast.Constant("nipy_spectral"), value)
            self.met.name("cmap='spectral'")
        elif keyword.arg == "normed" and name == "hist":
            keyword.arg = "density"
            self.met.name("hist(normed=)")
        elif keyword.arg == "cmp" and name in ("sort", "sorted"):
            key = ast.Call(today("functools.cmp_to_key"), [value], [])
            keyword.arg, keyword.value = "key", ast.copy_location(key, value)
            self.met.name("sort(cmp=)")

    # --------------------------------------------------------------------------------- division

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        """``a / b``, which divided whole numbers without the rest."""
        made = self.generic_visit(node)
        if self.floors and isinstance(node.op, ast.Div):
            assert isinstance(made, ast.BinOp)
            return ast.copy_location(helper("divided", made.left, made.right), node)
        return made

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        """``a /= b``; a target such as ``f().x``, whose parts would run twice, stays."""
        made = self.generic_visit(node)
        target = node.target
        if not self.floors or not isinstance(node.op, ast.Div):
            return made
        if isinstance(target, ast.Subscript):
            call = helper("divide_item", target.value, as_key(target.slice), node.value)
            return ast.copy_location(ast.Expr(call), node)
        if any(isinstance(inner, ast.Call) for inner in ast.walk(target)):
            return made
        read = ast.parse(ast.unparse(target), mode="eval").body
        for inner in ast.walk(read):
            ast.copy_location(inner, node)
        return ast.copy_location(ast.Assign([target], helper("divided_in_place", read, node.value)), node)

    # ---------------------------------------------------------------------------------- classes

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        """Special methods of Python 2 under their names of today as well."""
        made = self.generic_visit(node)
        assert isinstance(made, ast.ClassDef)
        if self.is_old:
            _with_metaclass(made)
        own = {child.name for child in made.body if isinstance(child, ast.FunctionDef)}
        if "__cmp__" in own:
            self.met.name("method __cmp__")
            made.body += [_assignment(name, helper_name(function), node) for name, function in tables.COMPARED.items()]
        is_iterator = "__iter__" in own
        for old, new in tables.SPECIAL.items():
            if old in own and new not in own and (old != "next" or is_iterator):
                self.met.name(f"method {old}")
                made.body.append(_assignment(new, ast.Name(old, ast.Load()), node))
        return made


def _with_metaclass(node: ast.ClassDef) -> None:
    """``__metaclass__ = Meta`` in a class as its argument ``metaclass``."""
    for child in node.body:
        if isinstance(child, ast.Assign) and ast.unparse(child.targets[0]) == "__metaclass__":
            node.keywords.append(ast.copy_location(ast.keyword("metaclass", child.value), child))
            node.body = [ast.copy_location(ast.Pass(), child) if c is child else c for c in node.body]


def _assigned(local: str, found: str, node: ast.AST) -> ast.stmt:
    return _assignment(local, today(found), node)


def _assignment(name: str, value: ast.expr, node: ast.AST) -> ast.stmt:
    made = ast.Assign([ast.Name(name, ast.Store())], value)
    for inner in ast.walk(made):
        ast.copy_location(inner, node)
    return made


def _together(kept: ast.stmt | None, made: list[ast.stmt], node: ast.AST) -> Any:
    """Return the names of an import that still exist, and assignments for the other names."""
    return [*([ast.copy_location(kept, node)] if kept is not None else []), *made]
