"""A model as a module of a library: an ``nn.Module`` of PyTorch, or a pure function and its parameters for JAX.

The model is traced once for each shape of its inputs; its primitives then run as the library's own functions, which
that library differentiates, compiles and exports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from amalthea import tree
from amalthea.engine import backends, shapes
from amalthea.engine.backends.base import Backend
from amalthea.engine.ir.trace import type_of
from amalthea.errors import ArgumentError, NotBuiltError
from amalthea.export.endpoint import Endpoint, Spec, traced
from amalthea.models import Model


class Evaluator:
    """Runs a model's graph on the arrays of a library.

    Args:
        model: Model; built.
        backend: str; the library's backend.
    """

    def __init__(self, model: Any, backend: str):
        if not isinstance(model, Model):
            raise ArgumentError("Only a model becomes a module.", expected="a Model", got=type(model).__name__)
        if not model.built:
            raise NotBuiltError(f"Model '{model.name}' has no weights yet.", cure="call it on data once")
        self.model, self._endpoints = model, {}
        self.library: Backend = backends.load(backend)

    def parameters(self) -> dict[str, np.ndarray]:
        """Return the values of all variables by their paths."""
        return {v.path: v.numpy() for v in self.model.variables}

    def __call__(self, parameters: Mapping[str, Any], inputs: Sequence[Any]) -> Any:
        """Return the outputs, in the nesting of the model's, for given values of the variables by path."""
        endpoint, structure = self._endpoint(inputs)
        graph = endpoint.graph
        known = dict(zip(graph.inputs, tree.flatten(inputs)))
        known.update((tensor, parameters[variable.path]) for variable, tensor in graph.reads)
        return tree.pack_sequence_as(structure, graph.evaluate(known, self._execute))

    def _execute(self, primitive: Any, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        arrays = [self.library.array(x, type_of(x).dtype) if isinstance(x, np.ndarray) else x for x in inputs]
        return self.library.run(primitive, arrays, attrs)

    def _endpoint(self, inputs: Sequence[Any]) -> tuple[Endpoint, Any]:
        types = [type_of(x) for x in tree.flatten(inputs)]
        key = tuple(types)
        if key not in self._endpoints:
            structure: list[Any] = []

            def call(*args: Any) -> Any:
                structure.append(self.model(*args, training=False))
                return structure[0]

            flat = [Spec(f"x{i}", shapes.public(t.shape), t.dtype) for i, t in enumerate(types)]
            endpoint = traced("serve", call, tree.pack_sequence_as(list(inputs), flat))
            self._endpoints[key] = endpoint.lowered(self.library.lowerings, self.library.name), structure[0]
        return self._endpoints[key]


def to_jax(model: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Returns a model as a pure function of parameters and inputs, for ``jax.jit``, ``jax.grad`` and ``jax.export``.

    Args:
        model: Model; built.

    Returns:
        ``(apply, parameters)``: ``apply(parameters, *inputs)`` gives what the model predicts; ``parameters`` is a dict
        of arrays by the paths of the variables.

    Raises:
        NotBuiltError: the model has no weights yet.
        MissingLibraryError: the library is not installed.
    """
    evaluator = Evaluator(model, "jax")
    arrays = {name: evaluator.library.array(a, a.dtype.name) for name, a in evaluator.parameters().items()}
    return (lambda parameters, *inputs: evaluator(parameters, inputs)), arrays


def to_torch_module(model: Any) -> Any:
    """Returns a model as an ``nn.Module`` whose parameters are copies of the weights.

    Names are the variables' paths with dots, such as ``net.dense.kernel``; weights that are not trained are buffers.

    Args:
        model: Model; built.

    Returns:
        The module: it takes and gives tensors, nested like the model's inputs and outputs.

    Raises:
        NotBuiltError: the model has no weights yet.
        MissingLibraryError: the library is not installed.
    """
    import torch

    evaluator = Evaluator(model, "torch")
    trained = {v.path for v in model.trainable_variables}

    class Exported(torch.nn.Module):
        def forward(self, *inputs: Any) -> Any:
            state = {**dict(self.named_parameters()), **dict(self.named_buffers())}
            return evaluator({name: state[name.replace("/", ".")] for name in paths}, inputs)

    whole, paths = Exported(), []
    for path, array in evaluator.parameters().items():
        *around, name = path.split("/")
        inner: Any = whole
        for part in around:
            if part not in dict(inner.named_children()):
                inner.add_module(part, torch.nn.Module())
            inner = getattr(inner, part)
        tensor = torch.from_numpy(np.array(array))
        if path in trained:
            inner.register_parameter(name, torch.nn.Parameter(tensor))
        else:
            inner.register_buffer(name, tensor)
        paths.append(path)
    return whole
