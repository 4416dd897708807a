"""Names that a script binds and imports, and what stands today for those that are gone."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import warnings
from functools import cache
from typing import NamedTuple

from amalthea.compat.drift import tables


class Names(NamedTuple):
    """The names of a script.

    Args:
        bound: names that it binds, by whatever statement.
        modules: local names of modules, and their full names.
    """

    bound: set[str]
    modules: dict[str, str]


def names_of(parsed: ast.Module) -> Names:
    """The names of a script, whatever the scope.

    Args:
        parsed: the script.

    Example:
        >>> names_of(ast.parse("import numpy as np\\nfrom scipy import misc")).modules
        {'np': 'numpy', 'misc': 'scipy.misc'}
    """
    bound: set[str] = set()
    modules: dict[str, str] = {}
    for node in ast.walk(parsed):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                local = alias.asname or alias.name.split(".")[0]
                modules[local] = alias.name if alias.asname else local
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            bound |= {alias.asname or alias.name for alias in node.names}
            modules.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return Names(bound | set(modules), modules)


def stand_in(name: str) -> str | None:
    """The full name of today for one of old; None where the old one is there, or is not known.

    Args:
        name: str; the full name of a module, function or value.

    Example:
        >>> stand_in("numpy.product"), stand_in("numpy.prod"), stand_in("cPickle.dumps")
        ('numpy.prod', None, 'pickle.dumps')
    """
    if name in tables.CHANGED:
        return tables.CHANGED[name]
    module, _, word = name.rpartition(".")
    if name in tables.NAMES:
        return tables.NAMES[name] if not is_there(name) else None
    if name in tables.MODULES:
        return tables.MODULES[name] if not is_module(name) else None
    if module in tables.MODULES:
        return f"{tables.MODULES[module]}.{word}" if not is_module(module) else None
    family = tables.FAMILIES.get(module)
    if family is not None and not word.startswith("_") and not is_there(name) and is_there(f"{family}.{word}"):
        return f"{family}.{word}"
    return None


@cache
def is_module(name: str) -> bool:
    """Whether a module can be imported.

    Args:
        name: str; its full name.
    """
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


@cache
def is_there(name: str) -> bool:
    """Whether a module has a name, or is there itself.

    Args:
        name: str; the full name.
    """
    module, _, word = name.rpartition(".")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return hasattr(importlib.import_module(module), word) or is_module(name)
        except ImportError:
            owner, _, inner = module.rpartition(".")  # a name of an object, such as matplotlib.pyplot.cm.spectral
            return bool(owner) and is_module(owner) and hasattr(_value(owner, inner), word)


def _value(module: str, name: str) -> object:
    try:
        return getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None
