"""Keras's older addresses of helpers for data; the functions are those of :mod:`amalthea.utils`."""

from amalthea.names import missing_in as _missing_in
from amalthea.preprocessing import image, sequence
from amalthea.utils.directories import image_dataset_from_directory, text_dataset_from_directory
from amalthea.utils.timeseries import timeseries_dataset_from_array

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]

__getattr__ = _missing_in("preprocessing")
