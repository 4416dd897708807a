"""The spelling of Keras 1 and 2 in today's: names of classes, arguments and values, as tables of plain data.

    modern("layer", "Convolution2D", {"nb_filter": 8, "nb_row": 3, "nb_col": 3}, era=1)
    -> ("Conv2D", {"filters": 8, "kernel_size": [3, 3]})

An *era* is the first number of a Keras version: 1 stands for 0.3 to 1.2, 2 for 2.0 to 2.15. Nothing here imports a
layer or makes an object.
"""

from amalthea.spellings.models import modern_model
from amalthea.spellings.objects import modern, modern_name, modern_value
from amalthea.spellings.training import modern_compile

__all__ = ["modern", "modern_compile", "modern_model", "modern_name", "modern_value"]
