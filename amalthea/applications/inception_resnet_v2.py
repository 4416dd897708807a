"""InceptionResNetV2: modules of parallel branches, whose sum with a shortcut is scaled down to keep training stable.

Source: Szegedy et al. 2016, "Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning".
"""

from __future__ import annotations

from typing import Any, NamedTuple

from amalthea.applications.building import Files, Plan, published, variant
from amalthea.applications.imagenet_utils import SIGNED, decode_predictions, preprocessing
from amalthea.applications.inception import MAX, MEAN, STEM, Branch, Conv, branched
from amalthea.layers import Activation, BatchNormalization, Concatenate, Conv2D, Layer
from amalthea.layers.layer import registry
from amalthea.models import Model

__all__ = ["InceptionResNetV2", "decode_predictions", "preprocess_input"]


class CustomScaleLayer(Layer):
    """Adds the second of two maps to the first, scaled; Keras's files have it under this name.

    Args:
        scale: float; factor of the second map.
        **kwargs: arguments of every layer, such as ``name``.

    Shapes:
        two of (batch, height, width, channels) -> (batch, height, width, channels)

    Example:
        >>> import numpy as np
        >>> from amalthea.applications.inception_resnet_v2 import CustomScaleLayer
        >>> np.asarray(CustomScaleLayer(0.5)([np.float32([[1.0]]), np.float32([[4.0]])])).tolist()
        [[3.0]]
    """

    def __init__(self, scale: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Any) -> Any:
        return inputs[0] + inputs[1] * self.scale


registry.add(CustomScaleLayer, module="keras.src.applications.inception_resnet_v2")


class Residual(NamedTuple):
    """Blocks of one kind: branches that are joined, scaled and added."""

    name: str
    blocks: int
    scale: float
    branches: tuple[Branch, ...]


MIXED_5B: tuple[Branch, ...] = (
    (Conv(96),),
    (Conv(48), Conv(64, 5)),
    (Conv(64), Conv(96, 3), Conv(96, 3)),
    (MEAN, Conv(64)),
)
BLOCK_35 = Residual("block35", 10, 0.17, ((Conv(32),), (Conv(32), Conv(32, 3)), (Conv(32), Conv(48, 3), Conv(64, 3))))
MIXED_6A: tuple[Branch, ...] = (
    (Conv(384, 3, 2, "valid"),),
    (Conv(256), Conv(256, 3), Conv(384, 3, 2, "valid")),
    (MAX,),
)
BLOCK_17 = Residual("block17", 20, 0.1, ((Conv(192),), (Conv(128), Conv(160, (1, 7)), Conv(192, (7, 1)))))
MIXED_7A: tuple[Branch, ...] = (
    (Conv(256), Conv(384, 3, 2, "valid")),
    (Conv(256), Conv(288, 3, 2, "valid")),
    (Conv(256), Conv(288, 3), Conv(320, 3, 2, "valid")),
    (MAX,),
)
BLOCK_8 = Residual("block8", 10, 0.2, ((Conv(192),), (Conv(192), Conv(224, (1, 3)), Conv(256, (3, 1)))))


def _mixed(x: Any, plan: Plan, branches: tuple[Branch, ...], name: str) -> Any:
    return Concatenate(axis=plan.axis, name=name)([branched(x, branch, plan) for branch in branches])


def _residual(x: Any, plan: Plan, kind: Residual, number: int, last: bool) -> Any:
    """One block; the last of the network is neither scaled nor activated."""
    name = f"{kind.name}_{number}"
    change = _mixed(x, plan, kind.branches, f"{name}_mixed")
    change = Conv2D(plan.channels(x), 1, padding="same", name=f"{name}_conv")(change)
    x = CustomScaleLayer(1.0 if last else kind.scale)([x, change])
    return x if last else Activation("relu", name=f"{name}_ac")(x)


def _inception_resnet_v2(
    table: Files,
    /,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "inception_resnet_v2",
) -> Model:
    """SUMMARY

    Args:
        |architecture options|

    Shapes:
        |architecture shapes|

    Raises:
        |architecture errors|

    Example:
        >>> from amalthea import applications
        >>> model = applications.PUBLIC(include_top=False, weights=None, input_shape=(75, 75, 3))
        >>> model.output_shape
        (None, 1, 1, 1536)

    Source: Szegedy et al. 2016, "Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning",
    section 3.2; the first layers are those of InceptionV3.
    """
    plan = Plan(locals(), table, default_size=299, min_size=75)
    x = branched(plan.inputs, STEM, plan)
    for mixed, name, kind in (
        (MIXED_5B, "mixed_5b", BLOCK_35),
        (MIXED_6A, "mixed_6a", BLOCK_17),
        (MIXED_7A, "mixed_7a", BLOCK_8),
    ):
        x = _mixed(x, plan, mixed, name)
        for number in range(1, kind.blocks + 1):
            x = _residual(x, plan, kind, number, last=kind is BLOCK_8 and number == kind.blocks)
    x = Conv2D(1536, 1, padding="same", use_bias=False, name="conv_7b")(x)
    x = BatchNormalization(axis=plan.axis, scale=False, name="conv_7b_bn")(x)
    x = Activation("relu", name="conv_7b_ac")(x)
    return plan.model(plan.head(x, named=False))


InceptionResNetV2 = variant(
    _inception_resnet_v2,
    "InceptionResNetV2",
    "inception_resnet_v2",
    "Builds InceptionResNetV2: forty blocks of parallel branches with shortcuts.",
    published(
        "inception_resnet_v2/inception_resnet_v2_weights_tf_dim_ordering_tf_kernels{}.h5",
        "e693bd0210a403b3192acc6073ad2e96",
        "d19885ff4a710c122648d3b5c3b684e4",
    ),
)
preprocess_input = preprocessing(SIGNED, __name__)
