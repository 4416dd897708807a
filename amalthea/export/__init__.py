"""Models as files that other runtimes execute: ONNX and more, one target a file.

An export is a graph between named inputs and outputs (:class:`~amalthea.export.endpoint.Endpoint`), traced with
symbolic sizes where the input signature has None. A target (``targets.py`` lists them) is one more table of lowerings
and a writer. ``model.export(path)`` is the usual way in; :class:`ExportArchive` writes several endpoints to one file.
"""

from amalthea.export.archive import ExportArchive
from amalthea.export.checking import check_export
from amalthea.export.modules import to_jax, to_torch_module
from amalthea.export.training_step import export_training, load_trained

__all__ = ["ExportArchive", "check_export", "export_training", "load_trained", "to_jax", "to_torch_module"]
