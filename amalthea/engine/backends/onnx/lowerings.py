"""The lowering of every primitive that standard ONNX has; a runtime adds its own operators to it."""

from __future__ import annotations

from amalthea.engine.backends.onnx.control import CONTROL
from amalthea.engine.backends.onnx.operators import OPERATORS
from amalthea.engine.backends.onnx.windows import WINDOWS

LOWERINGS = {**OPERATORS, **WINDOWS, **CONTROL}
