"""ConvNeXt: a ResNet whose blocks were changed, step by step, to those of vision transformers.

Source: Liu et al. 2022, "A ConvNet for the 2020s".
"""

from __future__ import annotations

from typing import Any, NamedTuple

from amalthea.applications.building import Files, Plan, published, variant
from amalthea.applications.imagenet_utils import STANDARD, decode_predictions, preprocessing
from amalthea.errors import ArgumentError
from amalthea.initializers import Constant
from amalthea.layers import (
    Activation,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    Layer,
    LayerNormalization,
    Normalization,
)
from amalthea.layers.layer import registry
from amalthea.models import Model, Sequential

__all__ = [
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtSmall",
    "ConvNeXtTiny",
    "ConvNeXtXLarge",
    "decode_predictions",
    "preprocess_input",
]

EPSILON = 1e-6
SCALE = 1e-6  # at which each block begins


class Stages(NamedTuple):
    """Blocks and filters of each stage, and the weights of ImageNet."""

    blocks: tuple[int, int, int, int]
    filters: tuple[int, int, int, int]
    files: Files


class LayerScale(Layer):
    """Multiplies each channel by a weight.

    Args:
        init_values: float; value of all weights before training.
        projection_dim: int; number of channels.
        **kwargs: arguments of every layer, such as ``name``.

    Shapes:
        (batch, ..., projection_dim) -> (batch, ..., projection_dim)

    Example:
        >>> import numpy as np
        >>> from amalthea.applications.convnext import LayerScale
        >>> np.asarray(LayerScale(0.5, 2)(np.float32([[2.0, 4.0]]))).tolist()
        [[1.0, 2.0]]

    Source: Touvron et al. 2021, "Going Deeper with Image Transformers", section 2.
    """

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.init_values = init_values
        self.projection_dim = projection_dim

    def build(self, input_shape: Any) -> None:
        self.gamma = self.add_weight((self.projection_dim,), initializer=Constant(self.init_values))

    def call(self, inputs: Any) -> Any:
        return inputs * self.gamma


registry.add(LayerScale, module="keras.src.applications.convnext")


def _block(x: Any, filters: int, name: str) -> Any:
    change = Conv2D(filters, 7, padding="same", groups=filters, name=f"{name}_depthwise_conv")(x)
    change = LayerNormalization(epsilon=EPSILON, name=f"{name}_layernorm")(change)
    change = Dense(4 * filters, name=f"{name}_pointwise_conv_1")(change)
    change = Activation("gelu", name=f"{name}_gelu")(change)
    change = Dense(filters, name=f"{name}_pointwise_conv_2")(change)
    change = LayerScale(SCALE, filters, name=f"{name}_layer_scale")(change)
    change = Activation("linear", name=f"{name}_identity")(change)
    return x + change


def _first(plan: Plan, filters: int) -> Sequential:
    """A convolution that makes patches of 4 x 4."""
    return Sequential(
        [
            Conv2D(filters, 4, strides=4, name=f"{plan.name}_stem_conv"),
            LayerNormalization(epsilon=EPSILON, name=f"{plan.name}_stem_layernorm"),
        ],
        name=f"{plan.name}_stem",
    )


def _halving(plan: Plan, filters: int, number: int) -> Sequential:
    return Sequential(
        [
            LayerNormalization(epsilon=EPSILON, name=f"{plan.name}_downsampling_layernorm_{number}"),
            Conv2D(filters, 2, strides=2, name=f"{plan.name}_downsampling_conv_{number}"),
        ],
        name=f"{plan.name}_downsampling_block_{number}",
    )


def _scaled(plan: Plan) -> Any:
    """The images as the network takes them, from values of 0 to 255."""
    scale, mean, deviation, _ = STANDARD
    return Normalization(
        mean=[m * scale for m in mean],
        variance=[(d * scale) ** 2 for d in deviation],
        name=f"{plan.name}_prestem_normalization",
    )(plan.inputs)


def _head(x: Any, plan: Plan) -> Any:
    if not plan.include_top:
        return LayerNormalization(epsilon=EPSILON)(plan.pooled(x))
    x = GlobalAveragePooling2D(name=f"{plan.name}_head_gap")(x)
    x = LayerNormalization(epsilon=EPSILON, name=f"{plan.name}_head_layernorm")(x)
    return Dense(plan.classes, activation=plan.activation, name=f"{plan.name}_head_dense")(x)


def _convnext(
    table: Stages,
    /,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "convnext",
) -> Model:
    """SUMMARY

    Args:
        |architecture options|
        include_preprocessing: bool; whether the model scales its images itself, from values of 0 to 255. Defaults to
            True.

    Shapes:
        |architecture shapes|

    Raises:
        |architecture errors|

    Example:
        >>> from amalthea import applications
        >>> model = applications.PUBLIC(include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg")
        >>> model.layers[1].name
        'MODEL_prestem_normalization'

    Source: Liu et al. 2022, "A ConvNet for the 2020s", table 9. Blocks are not dropped in training.
    """
    plan = Plan(locals(), table.files, default_size=224)
    if plan.channels_first:
        raise ArgumentError(
            f"{plan.name} works on channels_last images alone.",
            expected="channels_last",
            got="channels_first",
            cure='config.set_image_data_format("channels_last")',
        )
    x = _scaled(plan) if include_preprocessing else plan.inputs
    for stage, (filters, count) in enumerate(zip(table.filters, table.blocks)):
        x = (_first(plan, filters) if stage == 0 else _halving(plan, filters, stage - 1))(x)
        for i in range(count):
            x = _block(x, filters, f"{plan.name}_stage_{stage}_block_{i}")
    return plan.model(_head(x, plan))


def _variant(size: str, blocks: tuple[int, int, int, int], width: int, *hashes: str):
    """The function of one network; each stage has twice the filters of the one before."""
    name = f"convnext_{size.lower()}"
    table = Stages(blocks, (width, 2 * width, 4 * width, 8 * width), published(f"convnext/{name}{{}}.h5", *hashes))
    summary = f"Builds ConvNeXt-{size}: {sum(blocks)} blocks of {width} to {8 * width} filters."
    return variant(_convnext, f"ConvNeXt{size}", name, summary, table)


ConvNeXtTiny = _variant(
    "Tiny",
    (3, 3, 9, 3),
    96,
    "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
    "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
)
ConvNeXtSmall = _variant(
    "Small",
    (3, 3, 27, 3),
    96,
    "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
    "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
)
ConvNeXtBase = _variant(
    "Base",
    (3, 3, 27, 3),
    128,
    "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
    "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
)
ConvNeXtLarge = _variant(
    "Large",
    (3, 3, 27, 3),
    192,
    "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
    "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
)
ConvNeXtXLarge = _variant(
    "XLarge",
    (3, 3, 27, 3),
    256,
    "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
    "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
)
preprocess_input = preprocessing(None, __name__)
