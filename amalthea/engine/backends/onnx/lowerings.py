"""The lowering of every primitive that standard ONNX has; a runtime adds its own operators to it."""

from __future__ import annotations

from amalthea.engine.backends.onnx.control import CONTROL_LOWERINGS
from amalthea.engine.backends.onnx.operators import OPERATOR_LOWERINGS
from amalthea.engine.backends.onnx.windows import WINDOW_LOWERINGS

LOWERINGS = {**OPERATOR_LOWERINGS, **WINDOW_LOWERINGS, **CONTROL_LOWERINGS}
