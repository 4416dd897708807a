"""Images in files, as arrays and back, and batches of them that are changed at random."""

from amalthea.names import missing_in as _missing_in
from amalthea.preprocessing.affine import apply_affine_transform
from amalthea.preprocessing.file_iterators import DataFrameIterator, DirectoryIterator
from amalthea.preprocessing.image_data_generator import ImageDataGenerator
from amalthea.preprocessing.iterators import Iterator, NumpyArrayIterator
from amalthea.preprocessing.transforms import (
    apply_brightness_shift,
    apply_channel_shift,
    flip_axis,
    random_brightness,
    random_channel_shift,
    random_rotation,
    random_shear,
    random_shift,
    random_zoom,
)
from amalthea.utils.image_files import array_to_img, img_to_array, load_img, save_img, smart_resize

__all__ = [
    "DataFrameIterator",
    "DirectoryIterator",
    "ImageDataGenerator",
    "Iterator",
    "NumpyArrayIterator",
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "array_to_img",
    "flip_axis",
    "img_to_array",
    "load_img",
    "random_brightness",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
    "save_img",
    "smart_resize",
]

__getattr__ = _missing_in("preprocessing.image")
