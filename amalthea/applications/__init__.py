"""Architectures of networks for images, with weights that were trained on ImageNet."""

from amalthea.applications.densenet import DenseNet121, DenseNet169, DenseNet201
from amalthea.applications.inception_v3 import InceptionV3
from amalthea.applications.resnet import ResNet50, ResNet101, ResNet152
from amalthea.applications.resnet_v2 import ResNet50V2, ResNet101V2, ResNet152V2
from amalthea.applications.vgg16 import VGG16
from amalthea.applications.vgg19 import VGG19
from amalthea.applications.xception import Xception
from amalthea.applications.efficientnet import *
from amalthea.applications.efficientnet_v2 import *
from amalthea.applications.mobilenet import MobileNet
from amalthea.applications.mobilenet_v2 import MobileNetV2
from amalthea.applications.mobilenet_v3 import MobileNetV3Large, MobileNetV3Small
from amalthea.applications.inception_resnet_v2 import InceptionResNetV2
from amalthea.applications.nasnet import NASNetLarge, NASNetMobile
from amalthea.applications.convnext import *
