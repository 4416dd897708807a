"""Images in files, as arrays and back."""

from amalthea.names import missing_in as _missing_in
from amalthea.utils.image_files import array_to_img, img_to_array, load_img, save_img, smart_resize

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]

__getattr__ = _missing_in("preprocessing.image")
