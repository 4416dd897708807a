"""VGG19: the network of sixteen convolutions and three dense layers.

Source: Simonyan and Zisserman 2014, "Very Deep Convolutional Networks for Large-Scale Image Recognition".
"""

from amalthea.applications.building import published, variant
from amalthea.applications.imagenet_utils import BGR, decode_predictions, preprocessing
from amalthea.applications.vgg import Stages, vgg

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]

VGG19 = variant(
    vgg,
    "VGG19",
    "vgg19",
    "Builds VGG19: sixteen convolutions in five stages, and three dense layers.",
    Stages(
        (2, 2, 4, 4, 4),
        published(
            "vgg19/vgg19_weights_tf_dim_ordering_tf_kernels{}.h5",
            "cbe5617147190e668d6c5d5026f83318",
            "253f8cb515780f3b799900260a226db6",
        ),
    ),
)
preprocess_input = preprocessing(BGR, __name__)
