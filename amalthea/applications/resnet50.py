"""ResNet of 50 layers, under the address that Keras 1 gave it; it is built in ``resnet.py``."""

from amalthea.applications.resnet import ResNet50, decode_predictions, preprocess_input

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]
