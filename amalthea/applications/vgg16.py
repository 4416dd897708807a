"""VGG16: the network of thirteen convolutions and three dense layers.

Source: Simonyan and Zisserman 2014, "Very Deep Convolutional Networks for Large-Scale Image Recognition".
"""

from amalthea.applications.building import published, variant
from amalthea.applications.imagenet_utils import BGR, decode_predictions, preprocessing
from amalthea.applications.vgg import Stages, vgg

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]

VGG16 = variant(
    vgg,
    "VGG16",
    "vgg16",
    "Builds VGG16: thirteen convolutions in five stages, and three dense layers.",
    Stages(
        (2, 2, 3, 3, 3),
        published(
            "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels{}.h5",
            "64373286793e3c8b2b4e3219cbf3544b",
            "6d6bbae143d832006294945121d1f1fc",
        ),
    ),
)
preprocess_input = preprocessing(BGR, __name__)
