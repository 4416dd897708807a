"""WebDNN: a folder with a list of kernel calls, the kernels in JavaScript, and weights; for any browser since 2016."""

from amalthea.export.webdnn.target import TARGET

__all__ = ["TARGET"]
