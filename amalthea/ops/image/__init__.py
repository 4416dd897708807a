"""Ops on images ``(batch, height, width, channels)``, or on one image without the batch axis.

With ``data_format="channels_first"`` the channels are the axis before height and width.
"""

from amalthea.ops.image.borders import crop_images, extract_patches, extract_patches_3d, pad_images
from amalthea.ops.image.colors import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from amalthea.ops.image.filters import blurred_by as blurred_by
from amalthea.ops.image.filters import filtered_by as filtered_by
from amalthea.ops.image.filters import gaussian_blur, sobel_edges, ssim
from amalthea.ops.image.layout import number as number
from amalthea.ops.image.layout import positions as positions
from amalthea.ops.image.layout import space_axes as space_axes
from amalthea.ops.image.resizing import crop_centre as crop_centre
from amalthea.ops.image.resizing import fitted as fitted
from amalthea.ops.image.resizing import resize, scale_and_translate
from amalthea.ops.image.sampling import map_coordinates
from amalthea.ops.image.warping import affine_transform, elastic_transform, perspective_transform
from amalthea.ops.image.warping import displaced as displaced
from amalthea.ops.image.warping import perspective as perspective
from amalthea.ops.image.warping import smooth as smooth

__all__ = [
    "affine_transform",
    "crop_images",
    "elastic_transform",
    "extract_patches",
    "extract_patches_3d",
    "gaussian_blur",
    "hsv_to_rgb",
    "map_coordinates",
    "pad_images",
    "perspective_transform",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "scale_and_translate",
    "sobel_edges",
    "ssim",
]
