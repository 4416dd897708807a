"""Architectures of ``keras.applications``: all as they are built by default, and some small ones that predict."""

NAMES = (
    "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge", "DenseNet121", "DenseNet169",
    "DenseNet201", "EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4",
    "EfficientNetB5", "EfficientNetB6", "EfficientNetB7", "EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2",
    "EfficientNetV2B3", "EfficientNetV2L", "EfficientNetV2M", "EfficientNetV2S", "InceptionResNetV2", "InceptionV3",
    "MobileNet", "MobileNetV2", "MobileNetV3Large", "MobileNetV3Small", "NASNetLarge", "NASNetMobile", "ResNet101",
    "ResNet101V2", "ResNet152", "ResNet152V2", "ResNet50", "ResNet50V2", "VGG16", "VGG19", "Xception",
)  # fmt: skip

SMALL, MIDDLE = (33, 32, 3), (76, 75, 3)
# "name/what": the arguments. Weights are those of `set_weights` below.
PREDICTIONS = {
    "ConvNeXtTiny/small": {"input_shape": SMALL, "classes": 3, "classifier_activation": None},
    "ConvNeXtTiny/features": {"input_shape": SMALL, "include_top": False, "include_preprocessing": False},
    "DenseNet121/small": {"input_shape": SMALL, "classes": 3, "classifier_activation": None},
    "EfficientNetB0/small": {"input_shape": SMALL, "classes": 3, "classifier_activation": None},
    "EfficientNetV2B0/small": {"input_shape": SMALL, "classes": 3},
    "EfficientNetV2B0/features": {"input_shape": SMALL, "include_top": False, "pooling": "max"},
    "InceptionResNetV2/small": {"input_shape": MIDDLE, "classes": 3, "classifier_activation": None},
    "InceptionV3/small": {"input_shape": MIDDLE, "classes": 3, "classifier_activation": None},
    "MobileNet/small": {
        "input_shape": SMALL,
        "classes": 3,
        "classifier_activation": None,
        "alpha": 0.25,
        "depth_multiplier": 2,
    },
    "MobileNet/features": {"input_shape": SMALL, "alpha": 0.25, "include_top": False, "pooling": "avg"},
    "MobileNetV2/small": {"input_shape": SMALL, "classes": 3, "alpha": 0.35},
    "MobileNetV2/wide": {"input_shape": SMALL, "classes": 3, "classifier_activation": None, "alpha": 1.4},
    "MobileNetV3Small/small": {"input_shape": SMALL, "classes": 3, "classifier_activation": None, "alpha": 0.75},
    "MobileNetV3Large/minimalistic": {
        "input_shape": SMALL,
        "alpha": 1.25,
        "minimalistic": True,
        "classes": 3,
        "classifier_activation": None,
    },
    "NASNetMobile/small": {"input_shape": SMALL, "classes": 3, "classifier_activation": None},
    "ResNet50/small": {"input_shape": SMALL, "classes": 3, "classifier_activation": None},
    "ResNet50V2/small": {"input_shape": SMALL, "classes": 3, "classifier_activation": None},
    "VGG16/features": {"input_shape": SMALL, "include_top": False, "pooling": "max"},
    "Xception/small": {"input_shape": MIDDLE, "classes": 3, "classifier_activation": None},
}
