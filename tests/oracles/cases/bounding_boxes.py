"""Functions of bounding boxes, and the arguments they are called with."""

from dataclasses import dataclass
from typing import Any

from . import check_unique

BOXES = [[10.0, 20.0, 30.0, 50.0], [0.0, 5.0, 60.0, 95.0], [55.0, 70.0, 80.0, 99.0]]
OTHERS = [[12.0, 18.0, 33.0, 45.0], [55.0, 70.0, 80.0, 99.0]]
RELATIVE = [[0.1, 0.2, 0.3, 0.5], [0.0, 0.05, 0.75, 0.95]]
FORMATS = (
    "xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh",
)  # fmt: skip
SIZE = {"height": 100, "width": 80}
LABELLED = {
    "boxes": [BOXES, [[-10.0, -20.0, 15.0, 30.0], [90.0, 120.0, 95.0, 130.0], [5.0, 5.0, 9.0, 9.0]]],
    "labels": [[1, 2, 3], [4, 5, 6]],
}
SHAPE = (100, 80, 3)


@dataclass(frozen=True)
class BoxCase:
    """The arguments of one call, all by name."""

    id: str
    function: str
    arguments: dict[str, Any]


def rows():
    def row(label, function, **arguments):
        return BoxCase(f"{function}/{label}", function, arguments)

    for source in FORMATS:
        for target in FORMATS:
            boxes = RELATIVE if source.startswith("rel") else BOXES
            yield row(f"{source}_to_{target}", "convert_format", boxes=boxes, source=source, target=target, **SIZE)
    yield row("batch", "convert_format", boxes=[BOXES, BOXES], source="xyxy", target="xywh")
    yield row("dict", "convert_format", boxes=LABELLED, source="xyxy", target="center_xywh")
    yield row("dict", "clip_to_image_size", bounding_boxes=LABELLED, **SIZE)
    yield row(
        "relative",
        "clip_to_image_size",
        bounding_boxes={"boxes": [[[-0.1, 0.2, 1.3, 0.5], [1.1, 1.1, 1.2, 1.3]]], "labels": [[1, 2]]},
        bounding_box_format="rel_xyxy",
        **SIZE,
    )
    yield row(
        "plain",
        "affine_transform",
        boxes=[BOXES],
        angle=[0.0],
        translate_x=[0.0],
        translate_y=[0.0],
        scale=[1.0],
        shear_x=[0.0],
        shear_y=[0.0],
        **SIZE,
    )
    yield row(
        "moved",
        "affine_transform",
        boxes=[BOXES],
        angle=[30.0],
        translate_x=[0.1],
        translate_y=[-0.2],
        scale=[1.5],
        shear_x=[10.0],
        shear_y=[-5.0],
        **SIZE,
    )
    yield row(
        "per_image",
        "affine_transform",
        boxes=[BOXES, BOXES],
        angle=[30.0, -10.0],
        translate_x=[0.1, 0.0],
        translate_y=[0.0, 0.2],
        scale=[1.0, 2.0],
        shear_x=[0.0, 5.0],
        shear_y=[1.0, 0.0],
        **SIZE,
    )
    yield row(
        "centre",
        "affine_transform",
        boxes=[BOXES],
        angle=[90.0],
        translate_x=[0.0],
        translate_y=[0.0],
        scale=[1.0],
        shear_x=[0.0],
        shear_y=[0.0],
        center_x=0.25,
        center_y=0.75,
        **SIZE,
    )
    yield row("xyxy", "crop", boxes=BOXES, top=10, left=20, height=40, width=30)
    yield row("xyxy", "pad", boxes=BOXES, top=10, left=20, **SIZE)
    for label, a, b in (
        ("pair", BOXES, OTHERS),
        ("batches", [BOXES, BOXES], [OTHERS, OTHERS]),
        ("mixed", [BOXES], OTHERS),
        ("mixed_back", BOXES, [OTHERS]),
    ):
        yield row(label, "compute_iou", boxes1=a, boxes2=b, bounding_box_format="xyxy")
    yield row(
        "masked",
        "compute_iou",
        boxes1=[*BOXES, [-1.0] * 4],
        boxes2=[[-1.0] * 4, *OTHERS],
        bounding_box_format="xyxy",
        use_masking=True,
    )
    yield row(
        "mask_value",
        "compute_iou",
        boxes1=[*BOXES, [-1.0] * 4],
        boxes2=OTHERS,
        bounding_box_format="xyxy",
        use_masking=True,
        mask_val=-7,
    )
    yield row("xywh", "compute_iou", boxes1=BOXES, boxes2=OTHERS, bounding_box_format="xywh")
    yield row(
        "relative", "compute_iou", boxes1=RELATIVE, boxes2=RELATIVE, bounding_box_format="rel_xyxy", image_shape=SHAPE
    )
    yield row("pairs", "compute_ciou", boxes1=BOXES[:2], boxes2=OTHERS, bounding_box_format="xyxy")
    yield row("center", "compute_ciou", boxes1=[BOXES[:2]], boxes2=[OTHERS], bounding_box_format="center_xywh")
    yield row("relative", "compute_ciou", boxes1=OTHERS, boxes2=OTHERS, bounding_box_format="xyxy")
    variance = [0.1, 0.1, 0.2, 0.2]
    for label, more in {
        "plain": {},
        "variance": {"variance": variance},
        "xywh": {"encoding_format": "center_xywh"},
    }.items():
        yield row(
            label,
            "encode_box_to_deltas",
            anchors=BOXES,
            boxes=OTHERS + [BOXES[1]],
            anchor_format="xyxy",
            box_format="xyxy",
            **more,
        )
    yield row(
        "batch",
        "encode_box_to_deltas",
        anchors=BOXES,
        boxes=[BOXES, BOXES[::-1]],
        anchor_format="xyxy",
        box_format="xywh",
    )
    deltas = [[0.1, -0.2, 0.3, 0.05], [0.0, 0.0, 0.0, 0.0], [-0.5, 0.25, -0.1, 0.2]]
    for label, more in {
        "plain": {},
        "variance": {"variance": variance},
        "xywh": {"encoded_format": "center_xywh"},
    }.items():
        yield row(
            label,
            "decode_deltas_to_boxes",
            anchors=BOXES,
            boxes_delta=deltas,
            anchor_format="xyxy",
            box_format="xyxy",
            **more,
        )
    yield row(
        "relative",
        "decode_deltas_to_boxes",
        anchors=BOXES,
        boxes_delta=deltas,
        anchor_format="xyxy",
        box_format="rel_xyxy",
        image_shape=SHAPE,
    )
    yield row(
        "levels",
        "decode_deltas_to_boxes",
        anchors={"a": BOXES, "b": BOXES},
        boxes_delta={"a": deltas, "b": deltas},
        anchor_format="xyxy",
        box_format="xywh",
    )


CASES = check_unique(list(rows()))
