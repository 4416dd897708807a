"""The ops that NumPy has too, under Keras's names (``ops.numpy``, and all of them in ``ops``)."""

import importlib
from typing import TYPE_CHECKING

from amalthea.ops.base import exported

if TYPE_CHECKING:  # what the loop below does, for those who read and do not run
    from amalthea.ops.numpy.arithmetic import *  # noqa: F403
    from amalthea.ops.numpy.creation import *  # noqa: F403
    from amalthea.ops.numpy.indexing import *  # noqa: F403
    from amalthea.ops.numpy.matmul import *  # noqa: F403
    from amalthea.ops.numpy.movement import *  # noqa: F403
    from amalthea.ops.numpy.reductions import *  # noqa: F403

MODULES = ("arithmetic", "movement", "matmul", "creation", "indexing", "reductions")

for _module in MODULES:
    globals().update(exported(importlib.import_module(f"amalthea.ops.numpy.{_module}")))
