"""The functions of ``utils.legacy``, under their other address."""

from amalthea.utils.legacy import deserialize_keras_object, serialize_keras_object

__all__ = ["deserialize_keras_object", "serialize_keras_object"]
