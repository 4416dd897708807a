"""C99 (``.c`` and ``.h``): microcontrollers, and any program that calls C. No heap, no library but libm."""

from amalthea.export.c.target import TARGET

__all__ = ["TARGET"]
