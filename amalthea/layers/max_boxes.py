"""A layer that makes the number of boxes of each image equal."""

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.checks import integer, non_negative_int
from amalthea.layers.image_layer import ImageLayer


class MaxNumBoundingBoxes(ImageLayer):
    """Makes the number of boxes of each image equal: further ones are cut off, and missing ones filled in.

    Args:
        max_number: int from 0; number of boxes.
        fill_value: int; value of the numbers of added boxes, and their label. Defaults to -1.
        |image options|

    Call args:
        inputs: dict with ``"images"``, which are left as they are, and ``"bounding_boxes"``, a dict of ``"boxes"`` and
            ``"labels"``.

    Shapes: boxes ``(batch, boxes, 4) -> (batch, max_number, 4)``, labels ``(batch, boxes) -> (batch, max_number)``, or
        without the batch.

    Raises:
        ArgumentError: ``max_number`` is negative.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> boxes = {"boxes": np.array([[[1.0, 2.0, 3.0, 4.0]]]), "labels": np.array([[7]])}
        >>> layer = layers.MaxNumBoundingBoxes(2, bounding_box_format="xyxy")
        >>> found = layer({"images": np.zeros((1, 5, 5, 1)), "bounding_boxes": boxes})["bounding_boxes"]
        >>> np.asarray(found["boxes"]).tolist(), np.asarray(found["labels"]).tolist()
        ([[[1.0, 2.0, 3.0, 4.0], [-1.0, -1.0, -1.0, -1.0]]], [[7, -1]])
    """

    _argument_checks = {"max_number": non_negative_int, "fill_value": integer}
    _keeps_dtype = True

    def __init__(self, max_number: int, fill_value: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.max_number, self.fill_value = max_number, fill_value

    def _changed(self, images: Any, drawn: Any) -> Any:
        return images

    def _boxes(self, boxes: dict[str, Any], drawn: Any, before: Any, after: Any) -> dict[str, Any]:
        return {key: self._exactly(x) if key in ("boxes", "labels") else x for key, x in boxes.items()}

    def _exactly(self, x: Any) -> Any:
        batch, _, *rest = ops.shape(x)
        filling = ops.full((batch, self.max_number, *rest), self.fill_value, dtype=ops.dtype(x))
        return ops.concatenate([x, filling], axis=1)[:, : self.max_number]
