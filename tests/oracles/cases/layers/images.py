"""Images and sounds: what is the same on every call. The random ones are called outside training alone."""

from ...draws import Draw, normal
from .. import layer

PIXELS = Draw("pixels", (1, 4, 5, 3))
INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
# Outside training each gives back its input; RandomCrop resizes and crops the middle.
RANDOM = {
    "RandomFlip": {},
    "RandomRotation": {"factor": 0.2},
    "RandomZoom": {"height_factor": 0.2},
    "RandomTranslation": {"height_factor": 0.2, "width_factor": 0.2},
    "RandomContrast": {"factor": 0.2},
    "RandomBrightness": {"factor": 0.2},
    "RandomErasing": {},
    "RandomCrop": {"height": 2, "width": 3, "seed": 1},
}


def resizing(label, *shape, **config):
    return layer("Resizing", label, {"height": 5, "width": 4, **config}, normal(*shape))


CASES = [
    *(resizing(f"{name}", 1, 3, 6, 2, interpolation=name) for name in INTERPOLATIONS),
    *(
        resizing(f"{name}_antialias", 1, 8, 9, 1, interpolation=name, antialias=True)
        for name in ("bilinear", "bicubic")
    ),
    resizing("crop_to_aspect_ratio", 1, 6, 8, 2, crop_to_aspect_ratio=True),
    resizing("pad_to_aspect_ratio", 1, 3, 8, 2, pad_to_aspect_ratio=True, fill_value=0.5),
    resizing("channels_first", 1, 2, 3, 6, data_format="channels_first"),
    resizing("one_image", 3, 6, 2),
    layer("CenterCrop", "plain", {"height": 3, "width": 2}, normal(2, 5, 5, 2)),
    layer("CenterCrop", "resized_up", {"height": 6, "width": 5}, normal(1, 4, 3, 2)),
    layer(
        "CenterCrop", "channels_first", {"height": 3, "width": 2, "data_format": "channels_first"}, normal(1, 2, 5, 5)
    ),
    *(layer(name, "not_training", config, PIXELS, call={"training": False}) for name, config in RANDOM.items()),
    layer("AutoContrast", "plain", {}, PIXELS),
    layer("Equalization", "plain", {}, PIXELS, traced=False),
    layer("STFTSpectrogram", "magnitude", {"mode": "magnitude", "frame_length": 8, "frame_step": 4}, normal(1, 20, 1)),
    layer(
        "STFTSpectrogram",
        "log_padded",
        {"frame_length": 8, "frame_step": 4, "fft_length": 16, "padding": "same"},
        normal(1, 18, 1),
    ),
    layer(
        "MelSpectrogram",
        "plain",
        {"fft_length": 16, "sequence_stride": 8, "num_mel_bins": 4, "sampling_rate": 100},
        normal(2, 40),
    ),
]
