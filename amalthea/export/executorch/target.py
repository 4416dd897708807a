"""ExecuTorch (``.pte``): an endpoint in PyTorch's functions, exported by PyTorch; XNNPACK's kernels where it has them.

A program's inputs and outputs have no names, so the file has two methods beside ``forward`` that give them.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from amalthea import writing
from amalthea.engine import backends
from amalthea.engine.ir.trace import type_of
from amalthea.engine.primitives import rnn
from amalthea.errors import ExportError
from amalthea.export.endpoint import Endpoint
from amalthea.export.executorch.windows import Windows
from amalthea.export.targets import Options, Runner, Target, runtime_of

_WHOLE = {rnn.lstm, rnn.gru}  # functions of PyTorch that ExecuTorch has no kernels for
_INPUTS, _OUTPUTS = "input_names", "output_names"


class ExecuTorch(Target):
    """ExecuTorch."""

    name = "executorch"
    has_symbols = False
    delegated = True  # whether XNNPACK computes what it can; the portable kernels compute the rest

    def write(self, endpoints: Sequence[Endpoint], path: str, options: Options) -> None:
        with _quiet():
            data = self._program(endpoints[0])
        writing.write(path, data)

    def _program(self, endpoint: Endpoint) -> bytes:
        import torch
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

        module = _module(endpoint)
        examples = tuple(_tensor(np.zeros([int(d) for d in x.shape], x.dtype)) for x in endpoint.graph.inputs)  # type: ignore[arg-type]
        names = {_INPUTS: "\n".join(endpoint.inputs), _OUTPUTS: "\n".join(endpoint.outputs)}
        try:
            with torch.no_grad():
                exported = torch.export.export(module, examples, strict=False)
            partitioners = [XnnpackPartitioner()] if self.delegated else []
            config = EdgeCompileConfig(_skip_dim_order=True)  # its copies know no other orders of axes than images have
            edge = to_edge_transform_and_lower(
                exported, partitioner=partitioners, constant_methods=names, compile_config=config
            )
            return bytes(edge.to_executorch().buffer)
        except Exception as error:  # of many classes, by what its parts meet
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise ExportError(
                f"ExecuTorch cannot say a computation of endpoint {endpoint.name!r}.", got=reason[0][:300],
                cure="format='onnx', which says more",
            ) from error  # fmt: skip

    def runner(self, path: str) -> Runner:
        runtime_of(self.name)
        with _quiet():
            from executorch.runtime import Runtime

            program = Runtime.get().load_program(path)
            inputs, outputs = (_said(program, method) for method in (_INPUTS, _OUTPUTS))
            method = program.load_method("forward")

        def execute(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            got = method.execute([_tensor(feeds[name]) for name in inputs])
            return {name: x.numpy().copy() for name, x in zip(outputs, got)}

        return execute


def _said(program: Any, method: str) -> list[str]:
    (text,) = program.load_method(method).execute([])
    return text.split("\n")


def _tensor(array: Any) -> Any:
    import torch

    return torch.from_numpy(np.array(array, order="C"))


def _module(endpoint: Endpoint) -> Any:
    """An ``nn.Module`` that takes and gives the endpoint's tensors in order."""
    import torch

    library = backends.load("torch")
    known = [primitive for primitive in library.lowerings if primitive not in _WHOLE]
    graph, own = endpoint.lowered(known, "executorch").graph, Windows(library.lowerings).lowerings()

    def run(primitive: Any, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        arrays = [library.array(x, type_of(x).dtype) if isinstance(x, np.ndarray) else x for x in inputs]
        return own[primitive](*arrays, **attrs) if primitive in own else library.run(primitive, arrays, attrs)

    class Exported(torch.nn.Module):
        def forward(self, *inputs: Any) -> Any:
            known = dict(zip(graph.inputs, inputs))
            known.update((tensor, getattr(self, f"weight_{i}")) for i, (_, tensor) in enumerate(graph.reads))
            return tuple(x if torch.is_tensor(x) else _tensor(x) for x in graph.evaluate(known, run))

    module = Exported()
    for i, (variable, _) in enumerate(graph.reads):
        module.register_buffer(f"weight_{i}", _tensor(variable.numpy()))
    return module.eval()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what its parts log and warn of."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


TARGET = ExecuTorch()
