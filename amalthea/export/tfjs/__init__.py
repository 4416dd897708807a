"""TensorFlow.js: browsers and Node. ``model.json`` with layers or with a graph of operators, and files of weights."""

from amalthea.export.tfjs.target import TARGET

__all__ = ["TARGET"]
