"""Keras 1 and 2's preparation of data: images that are changed at random, words as numbers, windows of time series.

| names | live in |
|---|---|
| ``image.ImageDataGenerator`` | ``image_data_generator.py``; its batches in ``iterators.py``, ``file_iterators.py`` |
| ``image.random_rotation``, ... | ``transforms.py``, over ``affine.py`` |
| ``text.Tokenizer`` | ``text.py`` |
| ``sequence.skipgrams``, ``sequence.TimeseriesGenerator`` | ``word_pairs.py``, ``timeseries_generator.py`` |
| all others | ``amalthea.utils`` |
"""

from amalthea.names import missing_in as _missing_in
from amalthea.preprocessing import image, sequence, text
from amalthea.utils.directories import image_dataset_from_directory, text_dataset_from_directory
from amalthea.utils.timeseries import timeseries_dataset_from_array

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]

__getattr__ = _missing_in("preprocessing")
