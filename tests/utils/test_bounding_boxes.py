"""Bounding boxes against real Keras, and bad arguments."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import ops, tree, utils
from amalthea.errors import AmaltheaError
from tests.oracles.read import held

BOXES = utils.bounding_boxes
RECORDS = held("bounding_boxes")


def array(value):
    if isinstance(value, dict):
        return {key: array(item) for key, item in value.items()}
    return np.array(value, "float32" if "float" in str(np.array(value).dtype) else "int32")


@pytest.mark.parametrize("record", RECORDS, ids=[r["id"] for r in RECORDS])
def test_boxes_are_those_of_keras(record):
    plain = ("variance", "image_shape")
    arguments = {
        k: array(v) if isinstance(v, (list, dict)) and k not in plain else v for k, v in record["arguments"].items()
    }
    found = tree.flatten(getattr(BOXES, record["function"])(**arguments))
    for a, b in zip(found, record["outputs"], strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(a), b, rtol=1e-4, atol=1e-4)


ONE = [[0.0, 0.0, 2.0, 2.0]]
BAD = {
    "an unknown format": lambda: BOXES.convert_format(ONE, "xxyy", "xyxy"),
    "no size": lambda: BOXES.convert_format(ONE, "xyxy", "rel_xyxy"),
    "three numbers": lambda: BOXES.convert_format([[1.0, 2.0, 3.0]], "xyxy", "xywh"),
    "one axis": lambda: BOXES.convert_format([1.0, 2.0, 3.0, 4.0], "xyxy", "xywh"),
    "no labels": lambda: BOXES.clip_to_image_size({"boxes": ONE}, 3, 3),
    "no image": lambda: BOXES.clip_to_image_size({"boxes": ONE, "labels": [1]}),
    "a relative crop": lambda: BOXES.crop(ONE, 0, 0, 1, 1, "rel_xyxy"),
    "corners as deltas": lambda: BOXES.encode_box_to_deltas(ONE, ONE, "xyxy", "xyxy", "xyxy"),
    "three variances": lambda: BOXES.decode_deltas_to_boxes(ONE, ONE, "xyxy", "xyxy", variance=[1, 1, 1]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_have_errors_of_ours(case):
    with pytest.raises(AmaltheaError):
        BAD[case]()


def test_boxes_without_area_overlap_with_nothing():
    assert ops.convert_to_numpy(BOXES.compute_iou([[1.0, 1.0, 1.0, 1.0]], [[1.0, 1.0, 1.0, 1.0]], "xyxy")).tolist() == [
        [0.0]
    ]


def test_relative_formats_convert_into_each_other_without_a_size():
    found = BOXES.convert_format([[0.1, 0.2, 0.3, 0.4]], "rel_xyxy", "rel_yxyx")
    np.testing.assert_allclose(ops.convert_to_numpy(found), [[0.2, 0.1, 0.4, 0.3]], rtol=1e-6)
