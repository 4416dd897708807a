"""The ops that NumPy has too, under Keras's names (``ops.numpy``, and all of them in ``ops``)."""

import importlib
from typing import TYPE_CHECKING

from amalthea.ops.base import exported

if TYPE_CHECKING:  # the same as the loop below, for type checkers and readers
    from amalthea.ops.numpy.arithmetic import *  # noqa: F403
    from amalthea.ops.numpy.bits import *  # noqa: F403
    from amalthea.ops.numpy.comparison import *  # noqa: F403
    from amalthea.ops.numpy.complex_numbers import *  # noqa: F403
    from amalthea.ops.numpy.counting import *  # noqa: F403
    from amalthea.ops.numpy.creation import *  # noqa: F403
    from amalthea.ops.numpy.diagonals import *  # noqa: F403
    from amalthea.ops.numpy.exponentials import *  # noqa: F403
    from amalthea.ops.numpy.indexing import *  # noqa: F403
    from amalthea.ops.numpy.joining import *  # noqa: F403
    from amalthea.ops.numpy.matmul import *  # noqa: F403
    from amalthea.ops.numpy.movement import *  # noqa: F403
    from amalthea.ops.numpy.nan_reductions import *  # noqa: F403
    from amalthea.ops.numpy.ordering import *  # noqa: F403
    from amalthea.ops.numpy.pairs import *  # noqa: F403
    from amalthea.ops.numpy.quantiles import *  # noqa: F403
    from amalthea.ops.numpy.reductions import *  # noqa: F403
    from amalthea.ops.numpy.rounding import *  # noqa: F403
    from amalthea.ops.numpy.signals import *  # noqa: F403
    from amalthea.ops.numpy.trigonometry import *  # noqa: F403
    from amalthea.ops.numpy.vectorizing import *  # noqa: F403
    from amalthea.ops.numpy.window_functions import *  # noqa: F403

MODULES = (
    "arithmetic", "bits", "comparison", "complex_numbers", "counting", "creation", "diagonals",
    "exponentials", "indexing", "joining", "matmul", "movement", "nan_reductions", "ordering",
    "pairs", "quantiles", "reductions", "rounding", "signals", "trigonometry", "vectorizing",
    "window_functions",
)  # fmt: skip

for _module in MODULES:
    globals().update(exported(importlib.import_module(f"amalthea.ops.numpy.{_module}")))
