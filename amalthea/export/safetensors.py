"""Weights in the safetensors format, by the names that they have in PyTorch.

A name is the path of a variable with dots, as of a parameter of :func:`amalthea.export.to_torch_module`, whose
``load_state_dict`` takes the file; the metadata say ``pt``, which libraries of models ask for.
"""

from __future__ import annotations

from collections.abc import Sequence

from amalthea import writing
from amalthea.errors import ExportError
from amalthea.export.endpoint import Endpoint
from amalthea.export.targets import Options, Runner, Target
from amalthea.saving import safetensors


class Safetensors(Target):
    """safetensors."""

    name = "safetensors"
    many = True  # whatever they compute, the weights are written

    def write(self, endpoints: Sequence[Endpoint], path: str, options: Options) -> None:
        found = [v for group in options.variables.values() for v in group]
        found += [v for endpoint in endpoints for v, _ in endpoint.graph.reads]
        arrays = {name: v.numpy() for name, v in safetensors.by_path(found).items()}
        writing.write(path, safetensors.packed(arrays, {"format": "pt"}))

    def runner(self, path: str) -> Runner:
        raise ExportError("A safetensors file holds weights, and nothing that computes.", cure="model.load_weights")


TARGET = Safetensors()
