"""Layers around another layer."""

from __future__ import annotations

from typing import Any

from amalthea import ops, tree
from amalthea.configurable import serialize
from amalthea.engine.ir.masks import mask_of, set_mask
from amalthea.errors import ArgumentError, ShapeError
from amalthea.layers.calling import parameters
from amalthea.layers.layer import Layer, registry


def as_layer(value: Any) -> Layer:
    """Returns the layer itself, or the one that a config dict describes."""
    layer = registry.get(value) if isinstance(value, dict) else value
    if not isinstance(layer, Layer):
        raise ArgumentError("Only a layer can be wrapped.", expected="a layer", got=repr(value))
    return layer


class Wrapper(Layer):
    """The base class of layers that hold another layer, as the attribute ``layer``.

    Args:
        layer: Layer, or the config dict of one.
        |layer options|

    Shapes: those of the subclass; the base class passes any shape to ``layer.build``.

    Raises:
        ArgumentError: ``layer`` is not a layer.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> class Doubled(layers.Wrapper):
        ...     def call(self, inputs):
        ...         return self.layer(inputs) * 2
        >>> np.asarray(Doubled(layers.ReLU())(np.array([[-1.0, 3.0]], "float32"))).tolist()
        [[0.0, 6.0]]
    """

    def __init__(self, layer: Any, **kwargs: Any):
        layer = as_layer(layer)
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        self.layer.build_from_config({"input_shape": input_shape})

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layer": serialize(self.layer)}


class TimeDistributed(Wrapper):
    """Applies a layer to every time step.

    All steps are given to the layer as one large batch. A layer that learns from its batches, such as
    BatchNormalization in training, sees the steps one after the other instead, as in Keras.

    Args:
        layer: Layer, or the config dict of one.
        |layer options|

    Call args:
        mask: bool ``(batch, time)``, which is passed on; or ``(batch, time, ...)``, of which the layer gets the slice
            of each step, and later layers leave out a step whose slice is all False.
        training: bool; passed to the layer if it takes it. Defaults to False.

    Shapes: ``(batch, time, ...) -> (batch, time, ...)``; the layer maps ``(batch, ...)`` to ``(batch, ...)``.

    Raises:
        ShapeError: the input has fewer than 3 axes, or the number of steps is unknown where it must be known.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.TimeDistributed(layers.Conv2D(8, 3))
        >>> tuple(layer(np.zeros((4, 10, 16, 16, 3), "float32")).shape)
        (4, 10, 14, 14, 8)
    """

    supports_masking = True

    def build(self, input_shape: Any) -> None:
        if len(input_shape) < 3:
            raise ShapeError(
                f"The input of '{self.name}' has no axis of time.", expected="(batch, time, ...)", got=input_shape
            )
        super().build((input_shape[0], *input_shape[2:]))

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        accepted = parameters(type(self.layer).call)
        given = {"training": training} if "training" in accepted else {}
        mask = mask if "mask" in accepted else None
        learns = any(not v.trainable for layer in self.layer._flatten_layers() for v in layer._own_variables())
        if training and learns:
            return self._step_by_step(inputs, mask, given)
        mask = mask if mask is not None and len(mask.shape) > 2 else None
        batch, time = ops.shape(inputs)[:2]
        together = {} if mask is None else {"mask": ops.reshape(mask, (batch * time, *ops.shape(mask)[2:]))}
        outputs = self.layer(ops.reshape(inputs, (batch * time, *ops.shape(inputs)[2:])), **given, **together)
        apart = lambda x: ops.reshape(x, (batch, time, *ops.shape(x)[1:]))  # noqa: E731
        return tree.map_structure(lambda x: _masked_like(apart(x), mask_of(x), apart), outputs)

    def _step_by_step(self, inputs: Any, mask: Any, given: dict[str, Any]) -> Any:
        time = ops.shape(inputs)[1]
        if not isinstance(time, int):
            raise ShapeError(
                f"The layer in '{self.name}' learns from every step, so their number must be known in training.",
                expected="Input((steps, features))",
                got=ops.shape(inputs),
            )
        whole_rows = mask is not None and len(mask.shape) == 2  # for the layer that learns itself, not for one within
        if mask is None or (whole_rows and all(v.trainable for v in self.layer._own_variables())):
            masks: list[dict[str, Any]] = [{}] * time
        else:
            masks = [{"mask": mask[:, t]} for t in range(time)]
        outputs = [self.layer(inputs[:, t], **given, **masks[t]) for t in range(time)]
        together = lambda *steps: ops.stack(steps, axis=1)  # noqa: E731
        return tree.map_structure(
            lambda *steps: _masked_like(together(*steps), [mask_of(x) for x in steps], lambda m: together(*m)), *outputs
        )

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Returns a mask ``(batch, time)``: a step counts if any part of it does."""
        if previous_mask is None:
            return None
        axes = tuple(range(2, len(previous_mask.shape)))
        return ops.any(previous_mask, axis=axes) if axes else previous_mask


def _masked_like(x: Any, masks: Any, change: Any) -> Any:
    """Attaches the masks of the inner layer to ``x``, after the same change as the output."""
    if any(m is not None for m in (masks if isinstance(masks, list) else [masks])):
        set_mask(x, change(masks))
    return x
