"""Architectures of networks for images, with weights that were trained on ImageNet; a family a file.

from amalthea import applications

model = applications.MobileNetV2(weights="imagenet")
images = applications.mobilenet_v2.preprocess_input(images)
print(applications.mobilenet_v2.decode_predictions(model.predict(images)))
"""

from amalthea.applications import (
    convnext,
    densenet,
    efficientnet,
    efficientnet_v2,
    imagenet_utils,
    inception_resnet_v2,
    inception_v3,
    mobilenet,
    mobilenet_v2,
    mobilenet_v3,
    nasnet,
    resnet,
    resnet50,
    resnet_v2,
    vgg16,
    vgg19,
    xception,
)
from amalthea.applications.convnext import ConvNeXtBase, ConvNeXtLarge, ConvNeXtSmall, ConvNeXtTiny, ConvNeXtXLarge
from amalthea.applications.densenet import DenseNet121, DenseNet169, DenseNet201
from amalthea.applications.efficientnet import (
    EfficientNetB0,
    EfficientNetB1,
    EfficientNetB2,
    EfficientNetB3,
    EfficientNetB4,
    EfficientNetB5,
    EfficientNetB6,
    EfficientNetB7,
)
from amalthea.applications.efficientnet_v2 import (
    EfficientNetV2B0,
    EfficientNetV2B1,
    EfficientNetV2B2,
    EfficientNetV2B3,
    EfficientNetV2L,
    EfficientNetV2M,
    EfficientNetV2S,
)
from amalthea.applications.inception_resnet_v2 import InceptionResNetV2
from amalthea.applications.inception_v3 import InceptionV3
from amalthea.applications.mobilenet import MobileNet
from amalthea.applications.mobilenet_v2 import MobileNetV2
from amalthea.applications.mobilenet_v3 import MobileNetV3Large, MobileNetV3Small
from amalthea.applications.nasnet import NASNetLarge, NASNetMobile
from amalthea.applications.resnet import ResNet50, ResNet101, ResNet152
from amalthea.applications.resnet_v2 import ResNet50V2, ResNet101V2, ResNet152V2
from amalthea.applications.vgg16 import VGG16
from amalthea.applications.vgg19 import VGG19
from amalthea.applications.xception import Xception
from amalthea.names import missing_in as _missing_in

__all__ = [
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtSmall",
    "ConvNeXtTiny",
    "ConvNeXtXLarge",
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
    "EfficientNetV2L",
    "EfficientNetV2M",
    "EfficientNetV2S",
    "InceptionResNetV2",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Large",
    "MobileNetV3Small",
    "NASNetLarge",
    "NASNetMobile",
    "ResNet50",
    "ResNet50V2",
    "ResNet101",
    "ResNet101V2",
    "ResNet152",
    "ResNet152V2",
    "VGG16",
    "VGG19",
    "Xception",
    "convnext",
    "densenet",
    "efficientnet",
    "efficientnet_v2",
    "imagenet_utils",
    "inception_resnet_v2",
    "inception_v3",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3",
    "nasnet",
    "resnet",
    "resnet50",
    "resnet_v2",
    "vgg16",
    "vgg19",
    "xception",
]

__getattr__ = _missing_in("applications")
