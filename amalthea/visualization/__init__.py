"""Boxes and masks drawn on images, and galleries of images.

Drawing is NumPy's, labels are written with Pillow, galleries are Matplotlib's (``pip install amalthea[plots]``).
"""

from amalthea.visualization.drawing import draw_bounding_boxes, draw_segmentation_masks
from amalthea.visualization.galleries import (
    plot_bounding_box_gallery,
    plot_image_gallery,
    plot_segmentation_mask_gallery,
)

__all__ = [
    "draw_bounding_boxes",
    "draw_segmentation_masks",
    "plot_bounding_box_gallery",
    "plot_image_gallery",
    "plot_segmentation_mask_gallery",
]
