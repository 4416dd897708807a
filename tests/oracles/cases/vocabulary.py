"""Calls of ops on networks and images, for which NumPy has no answer. Arrays are waves, the same everywhere."""

import math

import numpy as np


def wave(*shape, step=0.7, start=0.3):
    """Float32 between -1 and 1."""
    return np.sin(start + step * np.arange(math.prod(shape))).astype("float32").reshape(shape)


def image(*shape, step=0.9):
    """Float32 between 0 and 1."""
    return (0.5 + 0.5 * wave(*shape, step=step)).astype("float32")


def pixels(*shape):
    """Bytes."""
    return np.round(image(*shape) * 255).astype("uint8")


Q, K, V = wave(2, 3, 4, 5), wave(2, 6, 2, 5, step=1.1), wave(2, 6, 2, 5, step=1.3)
SEEN = np.arange(36).reshape(2, 1, 3, 6) % 5 != 0
LOGITS = wave(3, 6, 4, step=2.3) * 2
LABELS = np.array([[1, 2, 2], [3, 0, 0], [1, 3, 1]])
LENGTHS = np.array([3, 1, 2]), np.array([6, 4, 5])
RGB = image(2, 6, 7, 3)
FIRST = np.ascontiguousarray(np.moveaxis(RGB, -1, 1))
AFFINE = np.float32([1.1, 0.2, -0.7, -0.1, 0.9, 0.6, 0, 0])
START, END = np.float32([[0, 0], [6, 0], [0, 5], [6, 5]]), np.float32([[0, 1], [6, 0], [1, 5], [5, 5]])
POINTS = np.float32([[0.4, 1.2, -1.3, 5.6], [1, 2.7, 0.2, 8.1]])
BEAMS = {"strategy": "beam_search", "beam_width": 30, "top_paths": 3}

# id: (name in ops, positional arguments, keyword arguments)
CALLS = {
    "dot_product_attention/grouped": ("dot_product_attention", (Q, K, V), {}),
    "dot_product_attention/options": ("dot_product_attention", (Q, K, V), {"mask": SEEN, "scale": 0.3}),
    "dot_product_attention/bias": ("dot_product_attention", (Q, K, V), {"bias": wave(2, 4, 3, 6)}),
    "dot_product_attention/causal": ("dot_product_attention", (Q, K[:, :3], V[:, :3]), {"is_causal": True}),
    "ctc_loss/lengths": ("ctc_loss", (LABELS, LOGITS, *LENGTHS), {}),
    "ctc_loss/blank": ("ctc_loss", (np.array([[1, 2, 2], [0, 1, 0], [2, 0, 1]]), LOGITS, *LENGTHS), {"mask_index": 3}),
    "ctc_decode/greedy": ("ctc_decode", (LOGITS, LENGTHS[1]), {}),
    "ctc_decode/kept": ("ctc_decode", (LOGITS, LENGTHS[1]), {"merge_repeated": False, "mask_index": 3}),
    "ctc_decode/beams": ("ctc_decode", (LOGITS, LENGTHS[1]), BEAMS),
    "ctc_decode/blank": ("ctc_decode", (LOGITS, LENGTHS[1]), {**BEAMS, "mask_index": 2}),
    "adaptive_average_pool/1d": ("adaptive_average_pool", (wave(2, 7, 3), 3), {}),
    "adaptive_average_pool/2d": ("adaptive_average_pool", (FIRST, (2, 4)), {"data_format": "channels_first"}),
    "adaptive_max_pool/2d": ("adaptive_max_pool", (RGB, (4, 3)), {}),
    "adaptive_max_pool/3d": ("adaptive_max_pool", (wave(1, 3, 4, 5, 2), 2), {}),
    "unfold/plain": ("unfold", (FIRST, 2), {}),
    "unfold/options": ("unfold", (FIRST, (2, 3)), {"dilation": (1, 2), "padding": (1, 0), "stride": 2}),
    "fold/plain": ("fold", (wave(2, 12, 30), (6, 7), 2), {}),
    "fold/options": ("fold", (wave(1, 8, 16), 4, 2), {"dilation": 2, "padding": 1, "stride": 1}),
    "depth_to_space/last": ("depth_to_space", (wave(2, 2, 3, 12), 2), {}),
    "depth_to_space/first": ("depth_to_space", (wave(2, 12, 2, 3), 2, "channels_first"), {}),
    "space_to_depth/last": ("space_to_depth", (wave(2, 4, 6, 3), 2), {}),
    "space_to_depth/first": ("space_to_depth", (wave(2, 3, 4, 6), 2, "channels_first"), {}),
    "psnr/floats": ("psnr", (RGB, RGB * 0.9, 1.0), {}),
    "image.crop_images/widths": ("image.crop_images", (pixels(6, 7, 3), 1, 2, 0, 1), {}),
    "image.crop_images/target": (
        "image.crop_images", (FIRST,),
        {"bottom_cropping": 2, "left_cropping": 1, "target_height": 3, "target_width": 4,
         "data_format": "channels_first"},
    ),
    "image.pad_images/target": (
        "image.pad_images", (pixels(2, 3, 4, 3), 1, 2), {"target_height": 6, "target_width": 8}
    ),
    "image.extract_patches/plain": ("image.extract_patches", (pixels(6, 7, 3), 2), {}),
    "image.extract_patches/options": (
        "image.extract_patches", (FIRST, (2, 3)),
        {"strides": (1, 2), "dilation_rate": 1, "padding": "same", "data_format": "channels_first"},
    ),
    "image.extract_patches/dilated": ("image.extract_patches", (RGB, 2), {"strides": 1, "dilation_rate": 2}),
    "image.extract_patches_3d/plain": ("image.extract_patches_3d", (wave(1, 4, 5, 6, 2), (2, 1, 3)), {}),
    "image.sobel_edges/batch": ("image.sobel_edges", (RGB,), {}),
    "image.ssim/batch": ("image.ssim", (image(2, 12, 13, 3), image(2, 12, 13, 3, step=0.8)), {}),
    "image.ssim/options": (
        "image.ssim", (FIRST, FIRST * 0.5),
        {"max_val": 2.0, "filter_size": 4, "filter_sigma": 1.0, "k1": 0.02, "k2": 0.05,
         "data_format": "channels_first"},
    ),
    "image.rgb_to_grayscale/first": ("image.rgb_to_grayscale", (FIRST,), {"data_format": "channels_first"}),
    "image.rgb_to_hsv/batch": ("image.rgb_to_hsv", (RGB,), {}),
    "image.hsv_to_rgb/first": ("image.hsv_to_rgb", (FIRST,), {"data_format": "channels_first"}),
    "image.perspective_transform/one": ("image.perspective_transform", (RGB[0], START, END), {}),
    "image.perspective_transform/batch": (
        "image.perspective_transform", (RGB[:1], START[None], END[None]),
        {"interpolation": "nearest", "fill_value": 0.3},
    ),
    **{
        f"image.affine_transform/{mode}": (
            "image.affine_transform", (RGB, np.stack([AFFINE, AFFINE * 0.9]), "bilinear", mode, 0.4), {}
        )
        for mode in ("constant", "nearest", "wrap", "mirror", "reflect")
    },
    **{
        f"image.map_coordinates/{order} {mode}": (
            "image.map_coordinates", (RGB[0, :, :, 0], POINTS, order, mode, 0.4), {}
        )
        for mode in ("constant", "nearest", "wrap", "mirror", "reflect")
        for order in (0, 1)
    },
    "image.map_coordinates/three axes": (
        "image.map_coordinates", (wave(3, 4, 5), np.float32([[0.5, 1.2], [1.5, 3.3], [0.1, 2.6]]), 1), {}
    ),
    **{
        f"image.scale_and_translate/{method} {smooth}": (
            "image.scale_and_translate",
            (RGB[0], (8, 4, 3), np.float32([1.5, 0.5]), np.float32([0.2, -0.3]), (0, 1), method, smooth), {},
        )
        for method in ("linear", "cubic", "lanczos3", "lanczos5")
        for smooth in (True, False)
    },
    **{
        f"image.resize/bytes {kind}": ("image.resize", (pixels(6, 7, 3), (4, 9), kind), {})
        for kind in ("nearest", "bilinear", "bicubic", "lanczos3")
    },
}  # fmt: skip
