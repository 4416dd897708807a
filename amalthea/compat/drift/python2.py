"""The syntax of Python 2 in that of Python 3, by fissix."""

from __future__ import annotations

import importlib.util
from typing import Any, NamedTuple

from amalthea.compat.drift.met import Met
from amalthea.errors import MissingLibraryError

# The rewrites of fissix that change syntax, and what each of them meets. Names are not its task here.
FIXERS = {
    "except": "except clause", "exec": "exec statement", "ne": "<> sign",
    "numliterals": "old number literal", "paren": "loop over bare values", "print": "print statement",
    "raise": "raise statement", "repr": "backtick pair", "throw": "throw", "tuple_params": "tuple parameter",
    "unicode": "unicode literal",
}  # fmt: skip


class Translated(NamedTuple):
    """A script in the syntax of Python 3.

    Args:
        text: str; the script.
        lines: dict; the number of each of its lines, and that of the line of old.
    """

    text: str
    lines: dict[int, int]


def python3(source: str, met: Met) -> Translated:
    """The script in the syntax of Python 3.

    Args:
        source: str; a script that Python 3 cannot parse.
        met: Met; learns what was rewritten.

    Raises:
        MissingLibraryError: fissix is not installed.
        SyntaxError: it is not Python 2 either.

    Example:
        >>> print(python3("try:\\n    print 'a', 0777\\nexcept OSError, e:\\n    raise E, 'x'\\n", Met()).text, end="")
        try:
            print('a', 0o777)
        except OSError as e:
            raise E('x')
    """
    if importlib.util.find_spec("fissix") is None:
        raise MissingLibraryError("Python 2 is read by fissix.", cure="pip install 'amalthea[drift]'")
    from fissix.pgen2.parse import ParseError
    from fissix.pgen2.tokenize import TokenError
    from fissix.refactor import RefactoringTool

    tool = RefactoringTool([f"fissix.fixes.fix_{name}" for name in FIXERS])
    for fixer in (*tool.pre_order, *tool.post_order):
        _counted(fixer, met)
    try:
        ended = source if source.endswith("\n") else f"{source}\n"
        tree = tool.refactor_string(ended.expandtabs(8), "script")
    except (ParseError, TokenError, IndentationError) as error:
        raise SyntaxError(f"This script is neither Python 3 nor Python 2: {error}") from None
    return Translated(str(tree), _lines(tree))


def _lines(tree: Any) -> dict[int, int]:
    """The lines of old: words that stay know theirs, and a line of new words alone is of the line before."""
    found: dict[int, int] = {}
    here = 1
    for leaf in tree.leaves():
        here += leaf.prefix.count("\n")
        if leaf.lineno:
            found.setdefault(here, leaf.lineno)
        here += leaf.value.count("\n")
    for line in range(1, here + 1):
        found.setdefault(line, found.get(line - 1, 1))
    return found


def _counted(fixer: Any, met: Met) -> None:
    """Lets a fixer count what it changes."""
    transform, kind = fixer.transform, FIXERS[type(fixer).__module__.rpartition("fix_")[2]]

    def counting(node: Any, results: Any) -> Any:
        before = str(node)
        new = transform(node, results)
        if before != str(node if new is None else new):
            met.count(kind)
        return new

    fixer.transform = counting
