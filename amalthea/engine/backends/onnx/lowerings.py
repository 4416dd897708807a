"""Lowerings to standard ONNX operators; a runtime may replace some by its own operators."""

from __future__ import annotations

from amalthea.engine.backends.onnx.control import CONTROL_LOWERINGS
from amalthea.engine.backends.onnx.operators import OPERATOR_LOWERINGS
from amalthea.engine.backends.onnx.windows import WINDOW_LOWERINGS

LOWERINGS = {**OPERATOR_LOWERINGS, **WINDOW_LOWERINGS, **CONTROL_LOWERINGS}
