"""The base class of backends whose library runs ONNX models: arrays are NumPy's, variables have two buffers.

Eager primitives run on NumPy, except convolutions, which are compiled and cached.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.engine.backends.base import Backend, Executable
from amalthea.engine.backends.double_buffers import BufferedStorage
from amalthea.engine.executable_cache import Cache
from amalthea.engine.ir.graph import graph_of_trace
from amalthea.engine.ir.trace import Trace, constant, type_of
from amalthea.engine.ir.variable import Storage
from amalthea.engine.primitives import Primitive
from amalthea.engine.primitives import windows as w

_COMPILED_EAGERLY = (w.conv, w.conv_input_gradient, w.conv_kernel_gradient)


def threads() -> int:
    """Return the number of threads of a session: ``OMP_NUM_THREADS`` if set, else the number of available cores."""
    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()  # on Linux
    return int(os.environ.get("OMP_NUM_THREADS") or 0) or ours or 1


class OnnxBackend(Backend):
    """The common part of ONNX Runtime and OpenVINO: everything except ``compile``."""

    storage = BufferedStorage
    has_segments = True

    def __init__(self) -> None:
        self._eager = Cache()

    def in_child(self) -> None:
        self.key = f"{self.name} {os.getpid()}"  # models are compiled again: the parent's threads do not exist here
        self._eager = Cache()

    def new_storage(self, value: np.ndarray) -> Storage:
        return BufferedStorage(value)

    def run(self, primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        inputs = [np.asarray(x) for x in inputs]
        if primitive in _COMPILED_EAGERLY:
            return self._session_of(primitive, inputs, attrs)(inputs)[0]
        with np.errstate(all="ignore"):
            result = primitive.reference(*inputs, **attrs)
        return np.asarray(result) if primitive.single else tuple(map(np.asarray, result))

    def _session_of(self, primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Executable:
        key = (primitive.name, *(type_of(x) for x in inputs), *sorted(attrs.items()))
        found = self._eager.get(key)
        if found is None:
            with Trace() as scope:
                tensors = [constant(x) for x in inputs]
                for tensor in tensors:
                    tensor.value = None
                out = primitive(*tensors, **attrs)
            found = self._eager[key] = self.compile(graph_of_trace(tensors, [out], scope))
        return found
