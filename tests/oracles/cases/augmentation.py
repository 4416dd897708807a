"""Layers that change images in training, with factors that leave nothing to chance but a sign."""

from dataclasses import dataclass

from ..draws import Draw
from . import check_unique

PIXELS = Draw("pixels", (2, 6, 8, 3))
FIRST = {"data_format": "channels_first"}
BOXES = [[1.0, 1.0, 4.0, 3.0], [5.0, 2.0, 8.0, 6.0]]


@dataclass(frozen=True)
class Case:
    """A layer and the data it is given.

    `dtype`: of the images. `boxes`, `masks`: whether they go along. `runs`: how often the layer is made and called,
    with the seeds 0, 1, ...; every outcome is stored once.
    """

    id: str
    class_name: str
    config: dict
    images: Draw = PIXELS
    dtype: str = "float32"
    boxes: bool = False
    masks: bool = False
    runs: int = 1


def rows():
    def row(name, label="plain", more=None, **config):
        return Case(f"{name}/{label}", name, config, **(more or {}))

    def formats(name, more=None, **config):
        yield row(name, more=more, **config)
        first = Draw("pixels", (2, 3, 6, 8))
        yield row(name, "channels_first", {**(more or {}), "images": first}, **config, **FIRST)
        yield row(name, "one_image", {**(more or {}), "images": Draw("pixels", (6, 8, 3))}, **config)

    yield from formats("RandomBrightness", factor=(0.2, 0.2))
    yield from formats("RandomColorDegeneration", factor=(0.3, 0.3))
    yield from formats("RandomHue", {"runs": 8}, factor=(0.3, 0.3))
    yield row(
        "RandomHue",
        "unit_range",
        {"images": Draw("unit", (2, 3, 4, 3)), "runs": 8},
        factor=(0.9, 0.9),
        value_range=(0, 1),
    )
    yield from formats("RandomSaturation", factor=(0.3, 0.3))
    yield row(
        "RandomSaturation", "strong", {"images": Draw("unit", (2, 3, 4, 3))}, factor=(0.8, 0.8), value_range=(0, 1)
    )
    yield from formats("RandomGrayscale", factor=1.0)
    yield from formats("RandomInvert", factor=(1.0, 1.0))
    yield row("RandomInvert", "never", factor=(0.0, 0.0))
    for bits in (1, 3, 8):
        yield row("RandomPosterization", f"{bits}_bits", factor=(bits, bits))
    yield row(
        "RandomPosterization", "unit_range", {"images": Draw("unit", (2, 3, 4, 3))}, factor=(2, 2), value_range=(0, 1)
    )
    yield from formats("RandomSharpness", factor=(0.8, 0.8))
    yield row("RandomSharpness", "blurred", factor=(0.1, 0.1))
    yield row("Solarization")
    yield row("Solarization", "unit_range", {"images": Draw("unit", (2, 3, 4, 3))}, value_range=(0, 1))
    yield from formats("RandomGaussianBlur", factor=(1.0, 1.0), sigma=(0.7, 0.7), kernel_size=5)
    yield row("RandomColorJitter", brightness_factor=(0.1, 0.1), saturation_factor=(0.3, 0.3), hue_factor=(0.0, 0.0))
    for label, config in {
        "plain": {"tile_grid_size": (2, 2)},
        "uneven": {"tile_grid_size": (4, 3), "clip_limit": 2.0},
        "no_limit": {"tile_grid_size": (1, 2), "clip_limit": 0.0},
        "default": {},
    }.items():
        yield row("ContrastLimitedAdaptiveHistogramEqualization", label, **config)
    yield row(
        "ContrastLimitedAdaptiveHistogramEqualization",
        "channels_first",
        {"images": Draw("pixels", (2, 3, 6, 8))},
        **FIRST,
    )
    yield row("RandomPerspective", "no_moves", factor=(1.0, 1.0), scale=0.0)
    yield row("RandomElasticTransform", "never", factor=(0.0, 0.0))
    along = {"boxes": True, "masks": True, "runs": 8}
    box = {"bounding_box_format": "xyxy"}
    for mode in ("horizontal", "vertical"):
        yield row("RandomFlip", mode, {**along, "images": Draw("pixels", (1, 6, 8, 3))}, mode=mode, **box)
    once = {"boxes": True, "masks": True}
    yield row("RandomTranslation", "boxes", once, height_factor=(0.5, 0.5), width_factor=(-0.25, -0.25), **box)
    yield row("RandomRotation", "masks", {"masks": True}, factor=(0.1, 0.1))
    yield row("RandomZoom", "masks", {"masks": True}, height_factor=(0.4, 0.4), width_factor=(-0.2, -0.2))
    shear = {"masks": True, "runs": 8, "images": Draw("pixels", (1, 6, 8, 3))}
    yield row("RandomShear", "masks", shear, x_factor=(0.27, 0.27), y_factor=(0.19, 0.19))
    yield row("RandomShear", "constant", shear, x_factor=(0.43, 0.43), fill_mode="constant", fill_value=3.0)
    for source in ("xyxy", "xywh", "center_yxhw", "rel_xyxy"):
        yield row("Resizing", source, once, height=9, width=4, bounding_box_format=source)
    yield row("CenterCrop", "boxes", once, height=4, width=4, **box)
    yield row("MaxNumBoundingBoxes", "more", once, max_number=3, **box)
    yield row("MaxNumBoundingBoxes", "less", once, max_number=1, **box)
    for name, config in {
        "Resizing": {"height": 7, "width": 5},
        "RandomInvert": {"factor": (1.0, 1.0)},
        "RandomTranslation": {"height_factor": (0.5, 0.5), "width_factor": (0.0, 0.0)},
        "ContrastLimitedAdaptiveHistogramEqualization": {"tile_grid_size": (2, 2)},
    }.items():
        yield row(name, "uint8", {"dtype": "uint8"}, **config)


CASES = list(rows())
check_unique(CASES)
