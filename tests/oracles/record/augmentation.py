"""Outputs of Keras's image layers in training."""

import keras
import numpy as np

from ..build import construct
from ..cases.augmentation import BOXES, CASES
from ..draws import draw, generator


def records():
    """For every case its fields, the ``data``, and ``outcomes``, a list of what came out of calls."""
    return [record(case) for case in CASES]


def record(case):
    source = generator(case.id)
    images = draw(case.images, source).astype(case.dtype)
    data = {"images": images}
    if case.masks:
        data["segmentation_masks"] = source.integers(0, 4, size=(*images.shape[:-1], 1)).astype("float32")
    if case.boxes:
        boxes = np.broadcast_to(np.asarray(BOXES, "float32"), (len(images), 2, 4)).copy()
        if case.config["bounding_box_format"].startswith("rel"):
            boxes /= np.asarray([8, 6, 8, 6], "float32")
        data["bounding_boxes"] = {"boxes": boxes, "labels": np.tile([3, 5], (len(images), 1)).astype("int32")}
    outcomes = []
    for seed in range(case.runs):
        options = {"seed": seed} if case.runs > 1 else {}
        layer = construct(keras, "layers", case.class_name, {**case.config, **options})
        found = called(layer, data)
        if not any(same(found, other) for other in outcomes):
            outcomes.append(found)
    fields = {k: v for k, v in vars(case).items() if k != "images"}
    return {**fields, "data": data, "outcomes": outcomes}


def called(layer, data):
    """The answer for a dict, of which Keras changes a copy; for images alone, which all layers take, without one."""
    if list(data) == ["images"]:
        return {"images": np.asarray(layer(data["images"], training=True))}
    copy = {k: dict(v) if isinstance(v, dict) else v for k, v in data.items()}
    return keras.tree.map_structure(np.asarray, layer(copy, training=True))


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(keras.tree.flatten(one), keras.tree.flatten(other), strict=True))
