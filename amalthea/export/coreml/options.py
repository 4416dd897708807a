"""Images as inputs, and labels of classes: Core ML's own options of an export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from amalthea.errors import ArgumentError, ExportError
from amalthea.export import labels
from amalthea.export.endpoint import Endpoint
from amalthea.export.targets import Options

CHANNELS = {"GRAYSCALE": 1, "RGB": 3, "BGR": 3}
_CURE = "image_inputs={'image': {'scale': 1 / 255, 'bias': 0.0, 'color': 'RGB'}}"


class Image(NamedTuple):
    """Preprocessing of an image: an element is ``scale * pixel + bias``, of pixels from 0 to 255."""

    scale: float
    bias: Any
    color_layout: str


def images(endpoint: Endpoint, options: Options) -> dict[str, Image]:
    """Return the inputs that are images.

    Raises:
        ArgumentError: an input or an option does not exist, or has a wrong value.
        ExportError: an input does not have the shape of one image.
    """
    asked = options.image_inputs or {}
    if isinstance(asked, str):
        asked = [asked]
    if not isinstance(asked, Mapping):
        asked = {name: {} for name in asked}
    types = dict(zip(endpoint.inputs, (x.type for x in endpoint.graph.inputs)))
    return {name: _image(name, types, given) for name, given in asked.items()}


def _image(name: str, types: Mapping[str, Any], given: Any) -> Image:
    if name not in types:
        raise ArgumentError("There is no such input to be an image.", expected=", ".join(types), got=repr(name))
    if not isinstance(given, Mapping) or set(given) - {"scale", "bias", "color"}:
        raise ArgumentError("An image has a scale, a bias and a color.", got=repr(given), cure=_CURE)
    shape = types[name].shape
    if len(shape) != 4 or shape[0] != 1 or shape[-1] not in (1, 3) or not all(isinstance(d, int) for d in shape[1:]):
        raise ExportError(
            f"The input '{name}' does not have the shape of one image.",
            expected="(1, rows, columns, 1 or 3)",
            got=str(types[name]),
            cure="batch_size=1, and sizes of the image in Input(shape)",
        )
    channels = int(shape[-1])
    color = given.get("color", "RGB" if channels == 3 else "GRAYSCALE")
    if CHANNELS.get(color) != channels:
        fitting = ", ".join(c for c, n in CHANNELS.items() if n == channels)
        raise ArgumentError(f"The color does not fit {channels} channels.", expected=fitting, got=repr(color))
    layout = "G" if color == "GRAYSCALE" else color
    return Image(_number(given.get("scale", 1.0)), _bias(given.get("bias", 0.0), channels), layout)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ArgumentError("The scale of an image is a number.", got=repr(value), cure=_CURE)
    return float(value)


def _bias(value: Any, channels: int) -> Any:
    flat = list(value) if isinstance(value, (list, tuple)) else [value] * channels
    if len(flat) != channels:
        raise ArgumentError("The bias of an image is a number for each channel.", expected=channels, got=repr(value))
    numbers = [_number(x) for x in flat]
    return numbers[0] if channels == 1 else numbers


def check_labels(endpoint: Endpoint, options: Options) -> Sequence[str] | None:
    """Return the labels of the classes, or None.

    Raises:
        ArgumentError: labels are no texts, or fewer or more than classes.
        ExportError: the model does not have a single output of one row.
    """
    if options.class_labels is None:
        return None
    found = labels.checked(endpoint, options.class_labels)
    (output,) = endpoint.graph.outputs
    if output.shape[0] != 1 or output.dtype != "float32":
        raise ExportError(
            "Only the probabilities of one row get labels.",
            expected="one output of shape (1, classes)",
            got=str(output.type),
            cure="batch_size=1",
        )
    return found
