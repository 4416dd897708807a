"""Runs a rewritten script, and rewrites the modules beside it."""

from __future__ import annotations

import ast
import importlib.machinery
import sys
import types
from pathlib import Path
from typing import Any

from amalthea.compat.drift.met import MET, Met
from amalthea.compat.drift.python2 import Translated, python3
from amalthea.compat.drift.rewriting import rewritten
from amalthea.compat.drift.signs import has_print_statement


def read(source: str, met: Met = MET) -> Translated | None:
    """A script of Python 2 in the syntax of Python 3; None for one that is of Python 3.

    Args:
        source: str; the script.
        met: Met; learns what was translated.

    Raises:
        SyntaxError: it is neither Python 3 nor Python 2.

    Example:
        >>> read("print 1", Met()).text, read("print(1)", Met())
        ('print(1)\\n', None)
    """
    try:
        is_old = has_print_statement(ast.parse(source))
    except SyntaxError:
        is_old = True
    return python3(source, met) if is_old else None


def compiled(source: str, path: str, met: Met = MET) -> types.CodeType:
    """The code of a script, rewritten for today's Python and libraries.

    Args:
        source: str; the script.
        path: str; its file, for tracebacks.
        met: Met; learns what was rewritten.

    Raises:
        SyntaxError: it is neither Python 3 nor Python 2.

    Example:
        >>> exec(compiled("n = 7 / 2\\nprint 'half:', n, [x for x in xrange(n)]", "old.py"))
        half: 3 [0, 1, 2]
    """
    try:
        translated = read(source, met)
        tree = ast.parse(source if translated is None else translated.text)
    except SyntaxError as error:
        error.filename = path
        raise
    if translated is not None:
        for node in ast.walk(tree):
            _move(node, translated.lines)
    return compile(rewritten(tree, translated is not None, met), path, "exec", dont_inherit=True)


def _move(node: ast.AST, lines: dict[int, int]) -> None:
    """Gives a node the lines of old."""
    if isinstance(node, (ast.stmt, ast.expr, ast.excepthandler, ast.arg, ast.keyword, ast.alias)):
        first, last = lines[node.lineno], lines[node.end_lineno or node.lineno]
        node.lineno, node.end_lineno = first, max(first, last)


def run_path(path: Path) -> dict[str, Any]:
    """Runs a script as ``__main__``; returns its names.

    Args:
        path: the script.
    """
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=str(path), __builtins__=__builtins__, __spec__=None)
    before = sys.modules["__main__"]
    sys.modules["__main__"] = module
    try:
        exec(compiled(path.read_text(encoding="utf-8-sig", errors="replace"), str(path)), module.__dict__)
    finally:
        sys.modules["__main__"] = before
    return vars(module)


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module rewritten; no compiled file of it is read or written."""

    def path_stats(self, path: str) -> Any:
        raise OSError(f"{path} is compiled each time.")

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> Any:
        text = data if isinstance(data, str) else bytes(data).decode("utf-8-sig", "replace")
        return compiled(text, str(path))


class Finder:
    """Finds the modules of a folder, and rewrites them.

    Args:
        folder: the folder of the script.
    """

    def __init__(self, folder: Path):
        self.folder = folder.resolve()

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """The spec of a module of the folder; None for others."""
        found = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if found is None or not found.origin or not found.origin.endswith(".py"):
            return None
        origin = Path(found.origin).resolve()
        if self.folder not in origin.parents or "site-packages" in origin.parts or fullname.split(".")[0] == "amalthea":
            return None
        found.loader = _Loader(fullname, found.origin)
        return found


def install(folder: Path) -> Finder:
    """Rewrites the modules of a folder from now on.

    Args:
        folder: the folder of the script.

    Returns:
        Finder; ``sys.meta_path.remove(finder)`` takes it back.
    """
    finder: Any = Finder(folder)
    sys.meta_path.insert(0, finder)
    return finder
