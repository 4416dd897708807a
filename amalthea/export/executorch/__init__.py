"""ExecuTorch: PyTorch's runtime for phones and small devices."""

from amalthea.export.executorch.target import TARGET

__all__ = ["TARGET"]
