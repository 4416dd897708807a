"""LiteRT (``.tflite``): phones, microcontrollers, browsers. Written with the schema of its own package."""

from amalthea.export.litert.target import TARGET

__all__ = ["TARGET"]
