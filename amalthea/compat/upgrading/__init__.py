"""A script of an older Keras in today's spelling: ``amalthea upgrade script.py``.

| file | contents |
|---|---|
| ``homes.py`` | where a name of old is today |
| ``calls.py``, ``rendering.py`` | calls of classes, by the tables of ``amalthea.spellings`` |
| ``methods.py`` | methods of models, and ``merge`` |
| ``script.py`` | the pass over calls and names |
| ``imports.py`` | the pass over imports |
"""

from __future__ import annotations

from typing import NamedTuple

import libcst as cst

from amalthea.compat import eras
from amalthea.compat.upgrading.imports import Imports
from amalthea.compat.upgrading.script import rewritten
from amalthea.errors import ArgumentError


class Upgraded(NamedTuple):
    """A script of today.

    Args:
        source: str; the script.
        notes: list of str; what was left as it is, with its line.
    """

    source: str
    notes: list[str]


def upgraded(source: str, era: int, package: str = "amalthea") -> Upgraded:
    """Rewrites a script of an older Keras to today's spelling, with the meaning that it had.

    Args:
        source: str; the script.
        era: int; 1, 2 or 3, the version that it was written for.
        package: str; what it imports then. Defaults to ``"amalthea"``.

    Raises:
        ArgumentError: the script cannot be parsed.

    Example:
        >>> old = "from keras.layers.core import Dense\\nx = Dense(output_dim=3, init='uniform')\\n"
        >>> print(upgraded(old, era=1).source, end="")
        from amalthea.layers import Dense
        x = Dense(units=3, kernel_initializer='random_uniform')
    """
    before = eras.era()
    eras.set_era(era)
    try:
        imports = Imports(cst.parse_module(source), package)
        module, notes = rewritten(source, imports)
        return Upgraded(imports.rewritten(module).code, notes)
    except cst.ParserSyntaxError as error:
        raise ArgumentError(
            "This script is not Python 3.", got=str(error).splitlines()[0], cure="2to3, or amalthea run --drift"
        ) from None
    finally:
        eras.set_era(before)
