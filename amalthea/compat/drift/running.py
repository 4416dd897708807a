"""Runs a rewritten script, and rewrites the modules beside it."""

from __future__ import annotations

import ast
import importlib.machinery
import sys
import types
from pathlib import Path
from typing import Any

from amalthea.compat.drift.met import MET, Met
from amalthea.compat.drift.python2 import python3
from amalthea.compat.drift.rewriting import rewritten
from amalthea.compat.drift.signs import has_print_statement


def parsed(source: str, met: Met = MET) -> tuple[ast.Module, bool]:
    """The tree of a script, and whether it had to be translated from Python 2.

    Args:
        source: str; the script.
        met: Met; learns what was translated.

    Raises:
        SyntaxError: it is neither Python 3 nor Python 2.
    """
    try:
        found = ast.parse(source)
    except SyntaxError:
        return ast.parse(python3(source, met)), True
    return (ast.parse(python3(source, met)), True) if has_print_statement(found) else (found, False)


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
        tree, is_old = parsed(source, met)
    except SyntaxError as error:
        error.filename = path
        raise
    return compile(rewritten(tree, is_old, met), path, "exec", dont_inherit=True)


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
