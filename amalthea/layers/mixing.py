"""Mixtures of the images of a batch in training, with their labels."""

from __future__ import annotations

from typing import Any

from amalthea import ops, random
from amalthea.checks import positive_number
from amalthea.errors import ArgumentError
from amalthea.layers.image_layer import RandomImage, limits
from amalthea.ops import image
from amalthea.random import SeedGenerator


class _Mixing(RandomImage):
    """Mixes each image with another one; a draw begins with the order of the others and the image's own weight."""

    def _mixed(self, values: Any, drawn: Any) -> Any:
        """Returns ``weight * values + (1 - weight) * others``."""
        order, weight = drawn[:2]
        values = values if ops.dtype(values).startswith(("float", "bfloat")) else ops.cast(values, "float32")
        weight = ops.reshape(ops.cast(weight, ops.dtype(values)), (-1, *[1] * (len(values.shape) - 1)))
        return weight * values + (1.0 - weight) * ops.take(values, order, axis=0)

    def _labels(self, labels: Any, drawn: Any) -> Any:
        return labels if drawn is None else self._mixed(labels, drawn)


class MixUp(_Mixing):
    """Mixes each image of a batch with another one in training: ``weight * inputs + (1 - weight) * others``.

    The weights are drawn from the beta distribution with both parameters ``alpha``. Labels, one-hot, are mixed by the
    same weights, and so are masks; an image takes over the boxes of the other one.

    Args:
        alpha: float above 0; small ones give weights near 0 and 1. Defaults to 0.2.
        |data format|
        |seed|
        |image options|

    |random call|

    |image shapes|

    Raises:
        ArgumentError: ``alpha`` is not above 0.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> data = {"images": np.ones((3, 2, 2, 1), "float32"), "labels": np.eye(3, dtype="float32")}
        >>> mixed = layers.MixUp(seed=1)(data)
        >>> np.asarray(mixed["labels"]).sum(axis=1).tolist()
        [1.0, 1.0, 1.0]

    Source: Zhang et al., "mixup: Beyond empirical risk minimization", 2018.
    """

    _argument_checks = {"alpha": positive_number}

    def __init__(
        self,
        alpha: float = 0.2,
        data_format: str | None = None,
        seed: int | SeedGenerator | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.alpha = alpha

    def _drawn(self, images: Any) -> Any:
        weight = random.beta((ops.shape(images)[0],), self.alpha, self.alpha, seed=self.generator)
        return self._order(images), weight

    def _changed(self, images: Any, drawn: Any) -> Any:
        return self._mixed(images, drawn)

    def _masks(self, masks: Any, drawn: Any) -> Any:
        return masks if drawn is None else self._mixed(masks, drawn)

    def _boxes(self, boxes: dict[str, Any], drawn: Any, before: Any, after: Any) -> dict[str, Any]:
        if drawn is None:
            return boxes
        return {key: ops.concatenate([x, ops.take(x, drawn[0], axis=0)], axis=1) for key, x in boxes.items()}


class CutMix(_Mixing):
    """Replaces a rectangle of each image of a batch by that of another one in training.

    The rectangle's share of the area is ``1 - weight``, with a weight drawn from the beta distribution whose parameters
    are both drawn from ``factor``. Labels, one-hot, are mixed by the weights, and masks are cut like images.

    Args:
        factor: float or ``(lower, upper)``, from 0 to 1; limits of the parameter. A number ``f`` means ``(0, f)``.
            Defaults to 1.0.
        |seed|
        |data format|
        |image options|

    |random call|

    |image shapes|

    Raises:
        ArgumentError: ``factor`` is out of range, or boxes were given.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> data = {"images": np.ones((3, 2, 2, 1), "float32"), "labels": np.eye(3, dtype="float32")}
        >>> mixed = layers.CutMix(seed=1)(data)
        >>> np.asarray(mixed["labels"]).sum(axis=1).tolist()
        [1.0, 1.0, 1.0]

    Source: Yun et al., "CutMix: Regularization strategy to train strong classifiers with localizable features", 2019.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = limits(factor, "factor", 0.0)

    def _drawn(self, images: Any) -> Any:
        batch = ops.shape(images)[0]
        alpha = random.uniform((), *self.factor, dtype="float32", seed=self.generator) + 1e-6
        kept = random.beta((batch,), alpha, alpha, dtype="float32", seed=self.generator)
        side = ops.sqrt(1.0 - kept)
        inside = True
        for axis in self._space(images):
            start = ops.cast(self._draw(images, 0.0, 1.0), "float32") * (1.0 - side)
            size = ops.shape(images)[axis]
            place = ops.reshape(image.positions(size), [size if i == axis else 1 for i in range(4)])
            low, high = (ops.reshape(x * image.number(size), (-1, 1, 1, 1)) for x in (start, start + side))
            inside = ops.logical_and(inside, ops.logical_and(place >= low, place < high))
        return self._order(images), kept, inside

    def _changed(self, images: Any, drawn: Any) -> Any:
        order, _, inside = drawn
        return ops.where(inside, ops.take(images, order, axis=0), images)

    def _masks(self, masks: Any, drawn: Any) -> Any:
        return masks if drawn is None else self._changed(masks, drawn)

    def _boxes(self, boxes: dict[str, Any], drawn: Any, before: Any, after: Any) -> dict[str, Any]:
        raise ArgumentError(
            "CutMix cannot cut boxes.", expected="images, labels and masks", got="bounding_boxes", cure="MixUp()"
        )
