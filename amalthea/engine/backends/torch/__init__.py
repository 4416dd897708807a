"""PyTorch: a graph becomes straight-line Python code that runs without autograd; eager primitives use autograd.

Eager primitives are PyTorch's functions on its tensors, and the value of a trainable variable is an autograd leaf:
after ``loss.backward()`` the gradient is in ``variable.value.grad``, and ``torch.optim`` accepts these values.

`README.md` in this folder shows the passes and the generated code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from amalthea.engine.backends.base import Backend, Executable
from amalthea.engine.backends.memory import keep_freed_memory, trim_after_first_run
from amalthea.engine.backends.torch import modules
from amalthea.engine.backends.torch.arrays import devices, to_numpy, to_read, to_tensor, where
from amalthea.engine.backends.torch.codegen import prediction_function, step_function
from amalthea.engine.backends.torch.layer_methods import LAYER_METHODS
from amalthea.engine.backends.torch.lowerings import LOWERINGS, run
from amalthea.engine.backends.torch.native_autograd import gradients, with_native_autograd
from amalthea.engine.backends.torch.prepacking import prepack
from amalthea.engine.backends.torch.rnn import pair_lstm_gradients
from amalthea.engine.backends.torch.weight_cache import weight_version
from amalthea.engine.backends.value_lists import ListedStorage, Stateful
from amalthea.engine.backends.variable_groups import wait_until_quiet, wait_until_readable
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.variable import Storage, Variable
from amalthea.engine.ir.versions import LOCK
from amalthea.engine.passes.expand import expand
from amalthea.engine.passes.simplify import simplify
from amalthea.engine.primitives import Primitive


class TorchStorage(ListedStorage):
    """Storage in a tensor. A trainable variable also has an autograd leaf that shares the tensor's memory.

    The leaf is the live parameter: the same object as long as the variable lives, updated by assignments and training
    steps. The value read of any other variable is a snapshot.
    """

    __slots__ = ("leaf", "trainable")

    def __init__(self, tensor: torch.Tensor):
        super().__init__(tensor)
        self.leaf: torch.Tensor | None = None
        self.trainable = False
        weight_version.renew()

    @property
    def is_held(self) -> bool:
        """True if a user may hold the memory of the value, and change it in place."""
        return self.leaf is not None or self.index in self.group.lent

    def read(self) -> torch.Tensor:
        with LOCK:
            wait_until_quiet([self], readers=False)
            value = self._read()
            weight_version.renew()
            return value

    def _read(self) -> torch.Tensor:
        if not self.trainable:
            return super().peek()
        self.follow()
        if self.leaf is None:
            leaf: torch.Tensor = self.group.values[self.index].detach().requires_grad_()
            self.leaf = leaf
        return self.leaf

    def follow(self) -> None:
        """Point the leaf to the current memory of the value."""
        value = self.group.values[self.index]
        if self.leaf is not None and self.leaf.data_ptr() != value.data_ptr():
            self.leaf.data = value

    def peek(self) -> torch.Tensor:
        """Return the value in memory that no executable reuses.

        Of a trainable variable, a view that autograd links to the leaf.
        """
        with LOCK:
            value = super().peek()
            if self.group.writer or not (self.trainable and torch.is_grad_enabled()):
                return value
            leaf = self._read()
            return leaf.view_as(leaf)

    def write(self, value: Any) -> None:
        with LOCK:
            wait_until_quiet([self])
            group, index = self.group, self.index
            group.kept.pop(index, None)
            if self.trainable and index not in group.lent:
                group.values[index].copy_(value.detach())
            else:
                group.values[index] = value.detach().clone(memory_format=torch.contiguous_format)
                group.lent.discard(index)
                self.follow()
            weight_version.renew()

    def move(self, device: torch.device) -> None:
        """Move the value to a device."""
        value = self.group.values[self.index]
        if value.device != device:
            self.group.values[self.index], self.leaf = value.to(device), None
            weight_version.renew()

    def numpy(self) -> np.ndarray:
        with LOCK:
            wait_until_readable([self])
            return to_numpy(self.current())


def prepare_graph(graph: Graph) -> Graph:
    """Run all passes: expand to primitives with lowerings, pack weights, pair gradients with their forward pass."""
    return with_native_autograd(prepack(simplify(expand(pair_lstm_gradients(simplify(graph)), LOWERINGS))))


class TorchBackend(Backend):
    """PyTorch, on the first CUDA device if there is one, else on the CPU."""

    name = "torch"
    has_eager_gradients = True
    layer_methods = LAYER_METHODS
    lowerings = LOWERINGS
    storage = TorchStorage

    def new_storage(self, value: np.ndarray) -> Storage:
        return TorchStorage(to_tensor(value))

    def in_child(self) -> None:
        torch.set_num_threads(1)  # OpenMP would wait for the parent's threads; PyTorch's data loaders do the same

    def devices(self) -> list[str]:
        return devices()

    def storage_of(self, variable: Variable) -> Storage:
        storage: Any = super().storage_of(variable)
        if type(storage) is TorchStorage:
            storage.move(where())
            storage.trainable = variable.trainable and variable.dtype.startswith(("float", "bfloat"))
        return storage

    def seed(self, seed: int) -> None:
        torch.manual_seed(seed)

    def array(self, value: Any, dtype: str) -> Any:
        return to_tensor(value, dtype).to(where())

    def to_numpy(self, array: Any) -> np.ndarray:
        return to_numpy(array)

    def native_gradient(self, function: Any, inputs: Any, cotangents: Any, wanted: Any) -> Sequence[Any]:
        is_outer = torch.is_grad_enabled()  # if so, this gradient may be differentiated again
        with torch.enable_grad():
            fresh = [x.detach().requires_grad_(i in wanted) for i, x in enumerate(inputs)]
            # A view, so that an input that is passed twice has two gradients.
            values = [x.view_as(x) if is_outer and x.requires_grad else new for x, new in zip(inputs, fresh)]
            return gradients(function(*values), cotangents, [values[i] for i in wanted], create_graph=is_outer)

    def run(self, primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        if primitive not in LOWERINGS:
            return self.run_decomposed(primitive, [to_tensor(x) for x in inputs], attrs)
        return run(primitive, inputs, attrs)

    def compile(self, graph: Graph) -> Executable:
        function = _step(prepare_graph(graph)) if graph.writes else _prediction(prepare_graph(graph))
        if not graph.writes:
            return Stateful(graph, function, self.storage_of, stamp=lambda values: (weight_version.token, values))
        return trim_after_first_run(
            Stateful(graph, function, self.storage_of, copy=torch.clone, renew=weight_version.renew)
        )


def _step(graph: Graph) -> Any:
    """Compile a graph that writes variables."""
    keep_freed_memory()
    function = step_function(graph)

    def step(written: Any, kept: Any, inputs: Sequence[Any]) -> Any:
        with torch.no_grad():
            return function(written, kept, [to_read(x) for x in inputs])

    return step


def _prediction(graph: Graph) -> Any:
    """Compile a graph that only reads variables."""
    function = prediction_function(graph)

    def answer(written: Any, stamped: Any, inputs: Sequence[Any]) -> Any:
        with torch.no_grad():
            return function(*stamped, [to_read(x) for x in inputs])

    return answer


BACKEND = TorchBackend()
modules.install()
