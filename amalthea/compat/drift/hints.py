"""Errors of a script that would not be there with ``--drift``."""

from __future__ import annotations

import ast
import re
import types

from amalthea.compat.drift import tables
from amalthea.compat.drift.met import Met
from amalthea.compat.drift.signs import has_print_statement

_TEXTS = (
    r"'(float|numpy\.float\d+)' object cannot be interpreted as an integer",
    r"slice indices must be integers",
    r"list indices must be integers or slices, not float",
    r"can't multiply sequence by non-int of type 'float'",
    r"'(dict_\w+|zip|map|filter)' object is not subscriptable",
    r"'(dict_\w+|zip|map|filter|range)' object has no attribute '(append|extend|insert|pop|remove|reverse|sort)'",
    r"object of type '(zip|map|filter)' has no len\(\)",
    r"'cmp' is an invalid keyword argument",
    r"only integers, slices .* are valid indices",
    r"expected a sequence of integers or a single integer, got '[\d.]+'",
    r"'range' object does not support item assignment",
    r"unsupported operand type\(s\) for \+: '(dict_\w+|zip|map|filter|range)'",
    r"iter\(\) returned non-iterator",
    r"inhomogeneous shape",
    r"binary mode of fromstring is removed",
)
# Errors that the words of a script explain.
_OF_CLASSES = {
    "def __cmp__": r"'[<>]=?' not supported between instances",
    "def __div__": r"unsupported operand type\(s\) for /",
}


def is_cured(error: BaseException, source: str) -> bool:
    """Whether ``amalthea run --drift`` would cure an error.

    Args:
        error: the error that ended the script.
        source: str; the script.

    Example:
        >>> is_cured(NameError("name 'xrange' is not defined", name="xrange"), "")
        True
        >>> is_cured(NameError("name 'lost' is not defined", name="lost"), "")
        False
    """
    if isinstance(error, SyntaxError):
        return _is_python_2(source)
    if has_print_statement(ast.parse(source)):
        return True
    name = str(getattr(error, "name", ""))
    if isinstance(error, NameError):
        return name in tables.BUILTINS
    if isinstance(error, AttributeError):
        return _is_old_attribute(error, name)
    if isinstance(error, ImportError):
        words = [word for word in re.findall(r"'([\w.]+)'", str(error)) if word]
        names = {name, *words, *(f"{name}.{word}" for word in words)}
        return any(n in tables.MODULES or n in tables.NAMES or _is_of_family(n) for n in names)
    texts = (*_TEXTS, *(text for word, text in _OF_CLASSES.items() if word in source))
    return any(re.search(text, str(error)) for text in texts)


def _is_old_attribute(error: AttributeError, name: str) -> bool:
    owner = getattr(error, "obj", None)
    if isinstance(owner, types.ModuleType):
        full = f"{owner.__name__}.{name}"
        return full in tables.NAMES or full in tables.MODULES or _is_of_family(full)
    words = re.search(r"module '([\w.]+)' has no attribute '(\w+)'|`np\.(\w+)` was removed", str(error))
    if words is not None:  # of a module that words its errors itself
        return f"{words[1] or 'numpy'}.{words[2] or words[3]}" in tables.NAMES
    return name in tables.METHODS or any(re.search(text, str(error)) for text in _TEXTS)


def _is_of_family(name: str) -> bool:
    from amalthea.compat.drift.names import is_there

    module, _, word = name.rpartition(".")
    return module in tables.FAMILIES and bool(word) and is_there(f"{tables.FAMILIES[module]}.{word}")


def _is_python_2(source: str) -> bool:
    from amalthea.compat.drift.python2 import python3
    from amalthea.errors import MissingLibraryError

    try:
        python3(source, Met())
    except MissingLibraryError:
        return (
            re.search(r"^\s*print\s+[^(\s=]|^\s*except\s+[\w.]+\s*,|`|^\s*exec\s+\w", source, re.MULTILINE) is not None
        )
    except SyntaxError:
        return False
    return True
