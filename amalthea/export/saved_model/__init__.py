"""TensorFlow's SavedModel: servers, the JVM, C. Written with the messages that TensorBoard's package ships."""

from amalthea.export.saved_model.target import TARGET

__all__ = ["TARGET"]
