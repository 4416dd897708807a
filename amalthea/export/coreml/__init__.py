"""Core ML (``.mlpackage``): iPhones, iPads, Macs, watches. Written with the builder of Apple's own coremltools."""

from amalthea.export.coreml.quiet import silent

with silent():
    from amalthea.export.coreml.target import TARGET

__all__ = ["TARGET"]
