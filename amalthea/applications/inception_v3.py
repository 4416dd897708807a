"""InceptionV3: modules of parallel branches, in which large convolutions are split into small ones.

Source: Szegedy et al. 2015, "Rethinking the Inception Architecture for Computer Vision".
"""

from __future__ import annotations

from typing import Any

from amalthea.applications.building import Files, Plan, published, variant
from amalthea.applications.imagenet_utils import SIGNED, decode_predictions, preprocessing
from amalthea.applications.inception import MAX, MEAN, STEM, Branch, Conv, branched
from amalthea.layers import Concatenate
from amalthea.models import Model

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]


def _wide(pooled: int) -> tuple[Branch, ...]:
    """A module at 35 x 35 (figure 5)."""
    return (Conv(64),), (Conv(48), Conv(64, 5)), (Conv(64), Conv(96, 3), Conv(96, 3)), (MEAN, Conv(pooled))


def _factorized(filters: int) -> tuple[Branch, ...]:
    """A module at 17 x 17, whose kernels of 7 x 7 are split into rows and columns (figure 6)."""
    row, column = Conv(filters, (1, 7)), Conv(filters, (7, 1))
    return (
        (Conv(192),),
        (Conv(filters), row, Conv(192, (7, 1))),
        (Conv(filters), column, row, column, Conv(192, (1, 7))),
        (MEAN, Conv(192)),
    )


SPLIT = (Conv(384, (1, 3)), Conv(384, (3, 1)))  # the row and the column of 3 x 3, side by side (figure 7)
MODULES: tuple[tuple[Branch, ...], ...] = (
    _wide(32),
    _wide(64),
    _wide(64),
    ((Conv(384, 3, 2, "valid"),), (Conv(64), Conv(96, 3), Conv(96, 3, 2, "valid")), (MAX,)),
    _factorized(128),
    _factorized(160),
    _factorized(160),
    _factorized(192),
    (
        (Conv(192), Conv(320, 3, 2, "valid")),
        (Conv(192), Conv(192, (1, 7)), Conv(192, (7, 1)), Conv(192, 3, 2, "valid")),
        (MAX,),
    ),
    ((Conv(320),), (Conv(384), SPLIT), (Conv(448), Conv(384, 3), SPLIT), (MEAN, Conv(192))),
    ((Conv(320),), (Conv(384), SPLIT), (Conv(448), Conv(384, 3), SPLIT), (MEAN, Conv(192))),
)


def _inception_v3(
    table: Files,
    /,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "inception_v3",
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
        (None, 1, 1, 2048)

    Source: Szegedy et al. 2015, "Rethinking the Inception Architecture for Computer Vision", table 1, without the
    auxiliary classifier.
    """
    plan = Plan(locals(), table, default_size=299, min_size=75)
    x = branched(plan.inputs, STEM, plan)
    for i, module in enumerate(MODULES):
        # The first of two splits in a module has a name of its own.
        names = [None, f"mixed9_{i - 9}", None, None]
        x = Concatenate(axis=plan.axis, name=f"mixed{i}")(
            [branched(x, branch, plan, name) for branch, name in zip(module, names)]
        )
    return plan.model(plan.head(x, named=False))


InceptionV3 = variant(
    _inception_v3,
    "InceptionV3",
    "inception_v3",
    "Builds InceptionV3: eleven modules of parallel branches.",
    published(
        "inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels{}.h5",
        "9a0d58056eeedaa3f26cb7ebd46da564",
        "bcbd6486424b2319ff4ef7d526e38f63",
    ),
)
preprocess_input = preprocessing(SIGNED, __name__)
