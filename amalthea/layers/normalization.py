"""Batch normalization and layer normalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import ops
from amalthea.checks import axes_within
from amalthea.errors import ArgumentError
from amalthea.layers import masked
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer
from amalthea.layers.options import keep, weight
from amalthea.ops.base import wide
from amalthea.ops.nn import normalize_batch


class BatchNormalization(Layer):
    """Normalizes each feature by its mean and variance over the batch, and then scales and shifts it.

    ``output = gamma * (inputs - mean) / sqrt(variance + epsilon) + beta``

    In training, the moments are those of the batch, and moving averages learn them:
    ``moving = momentum * moving + (1 - momentum) * batch``. Outside training, and if the layer is frozen
    (``trainable = False``), the moments are the moving averages. Steps that a mask leaves out do not count.

    Args:
        axis: int; axis of the features. Defaults to -1.
        momentum: float from 0 to 1; share of the moving averages that remains at each step. Defaults to 0.99.
        epsilon: float, at least 0; added to the variance. Defaults to 0.001.
        |gamma and beta|
        moving_mean_initializer: str, Initializer or function; starting values of the moving mean. Defaults to
            ``"zeros"``.
        moving_variance_initializer: str, Initializer or function; starting values of the moving variance. Defaults to
            ``"ones"``.
        renorm: bool; whether the moments of the batch are corrected towards slower averages (batch renormalization),
            for small batches. Defaults to False.
        renorm_clipping: dict with any of ``"rmin"``, ``"rmax"`` and ``"dmax"``; limits of the correction's factor and
            shift. Defaults to None, which sets no limits.
        renorm_momentum: float from 0 to 1; share of the slower averages that remains at each step. Defaults to 0.99.
        synchronized: accepted for Keras; statistics are always those of the whole batch, on many processes too.
        |layer options|

    Call args:
        training: bool; whether the moments of the batch are used. Defaults to False.
        mask: bool ``(batch, time)``; True for steps that count.

    Shapes: ``(batch, ..., features) -> (batch, ..., features)``; each weight is ``(features,)``.

    Raises:
        ArgumentError: ``axis`` is not an axis of the input, or ``renorm_clipping`` has another key.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers, ops
        >>> layer = layers.BatchNormalization(momentum=0.5)
        >>> x = np.array([[1.0], [3.0]], "float32")
        >>> ops.convert_to_numpy(layer(x, training=True)).round(2).tolist(), layer.moving_mean.numpy().tolist()
        ([[-1.0], [1.0]], [1.0])

    Source: Ioffe and Szegedy, "Batch normalization", 2015; Ioffe, "Batch renormalization", 2017.
    """

    supports_masking = True
    _computes_in_floats = True

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        keep(self, locals())
        unknown = set(renorm_clipping or {}) - {"rmin", "rmax", "dmax"}
        if unknown:
            raise ArgumentError("`renorm_clipping` has other keys.", expected="rmin, rmax, dmax", got=unknown)
        self.axis = int(axis[0]) if isinstance(axis, (list, tuple)) else int(axis)
        self.momentum, self.epsilon = float(momentum), float(epsilon)
        self.renorm_clipping: Any = renorm_clipping or {} if renorm else renorm_clipping

    def build(self, input_shape: Any) -> None:
        axes_within(self.axis, len(input_shape), f"'{self.name}'")
        shape = (input_shape[self.axis],)
        self.gamma = weight(self, "gamma", shape, autocast=False) if self.scale else None
        self.beta = weight(self, "beta", shape, autocast=False) if self.center else None
        self.moving_mean = weight(self, "moving_mean", shape, trainable=False, autocast=False)
        self.moving_variance = weight(self, "moving_variance", shape, trainable=False, autocast=False)
        if self.renorm:
            self._add_renorm_weights(shape)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: input_shape[self.axis]})

    def _add_renorm_weights(self, shape: Any) -> None:
        def deviation(shape: Any, dtype: Any = None) -> Any:
            return ops.sqrt(self.moving_variance_initializer(shape, dtype=dtype))

        starts = {"moving_stddev": deviation, "renorm_mean": self.moving_mean_initializer, "renorm_stddev": deviation}
        for name, start in starts.items():
            setattr(self, name, self.add_weight(shape, start, trainable=False, autocast=False, name=name))

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        dtype = ops.dtype(inputs)
        x = wide(inputs)
        if not (training and self.trainable):
            given = (self.moving_mean, self.moving_variance, self.axis, self.beta, self.gamma, self.epsilon)
            return ops.cast(ops.batch_normalization(x, *given), dtype)
        if mask is None and not self.renorm:
            out, mean, variance = normalize_batch(x, self.axis, self.beta, self.gamma, self.epsilon)
        else:
            out, mean, variance = self._normalized_by_parts(x, mask)
        self._learn(x, mean, variance)
        return ops.cast(out, dtype)

    def _normalized_by_parts(self, x: Any, mask: Any) -> tuple[Any, Any, Any]:
        """Returns the normalized batch with a mask or with renormalization, and its mean and variance."""
        rank = len(x.shape)
        axes = [axis for axis in range(rank) if axis != self.axis % rank]
        mean, variance = ops.moments(x, axes) if mask is None else masked.moments(x, mask, axes)
        beta, gamma = self._corrected(mean, variance) if self.renorm else (self.beta, self.gamma)
        return ops.batch_normalization(x, mean, variance, self.axis, beta, gamma, self.epsilon), mean, variance

    def _corrected(self, mean: Any, variance: Any) -> tuple[Any, Any]:
        """Returns the offset and factor that correct the batch's moments towards the slower averages."""
        slow = ops.maximum(self.renorm_stddev, self.epsilon**0.5)
        factor = ops.divide(ops.sqrt(ops.add(variance, self.epsilon)), slow)
        shift = ops.divide(ops.subtract(mean, self.renorm_mean), slow)
        limits = self.renorm_clipping
        factor = ops.maximum(factor, limits["rmin"]) if limits.get("rmin") is not None else factor
        factor = ops.minimum(factor, limits["rmax"]) if limits.get("rmax") is not None else factor
        shift = ops.clip(shift, -limits["dmax"], limits["dmax"]) if limits.get("dmax") is not None else shift
        factor, shift = ops.stop_gradient(factor), ops.stop_gradient(shift)
        if self.gamma is not None:
            factor, shift = ops.multiply(factor, self.gamma), ops.multiply(shift, self.gamma)
        return (shift if self.beta is None else ops.add(shift, self.beta)), factor

    def _learn(self, x: Any, mean: Any, variance: Any) -> None:
        """Moves the averages towards the moments of this batch, ``x``."""
        self._move(self.moving_mean, mean, self.momentum)
        if not self.renorm:
            self._move(self.moving_variance, variance, self.momentum)
            return
        deviation = ops.sqrt(ops.add(variance, self.epsilon))
        self._move(self.renorm_mean, mean, self.renorm_momentum)
        self._move(self.renorm_stddev, deviation, self.renorm_momentum)
        self._move(self.moving_stddev, deviation, self.momentum)
        square = ops.square(self.moving_stddev)
        self.moving_variance.assign(ops.relu(ops.subtract(square, self.epsilon)))

    def _move(self, average: Any, now: Any, momentum: float) -> None:
        value = ops.add(ops.multiply(average, momentum), ops.multiply(now, 1.0 - momentum))
        average.assign(ops.cast(value, average.dtype))


class LayerNormalization(Layer):
    """Normalizes each example by the mean and variance of its own features, and then scales and shifts it.

    ``output = gamma * (inputs - mean) / sqrt(variance + epsilon) + beta``

    Args:
        axis: int or sequence of int; axes over which the moments are taken. Defaults to -1.
        epsilon: float, at least 0; added to the variance. Defaults to 0.001.
        |gamma and beta|
        **kwargs: ``rms_scaling``, a bool: divide by the root mean square and leave out the mean and ``beta``, ``output
            = gamma * inputs / sqrt(mean(inputs ** 2) + epsilon)``, False by default; and options of every layer, see
            :class:`Layer`.

    Call args:
        mask: bool ``(batch, time)``; if ``axis`` reaches over time, only steps where it is True count.

    Shapes: any shape; the output has the same, and the weights have the sizes of ``axis``.

    Raises:
        ArgumentError: ``axis`` is not an axis of the input.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers, ops
        >>> x = np.array([[1.0, 3.0], [10.0, 30.0]], "float32")
        >>> ops.convert_to_numpy(layers.LayerNormalization()(x)).round(2).tolist()
        [[-1.0, 1.0], [-1.0, 1.0]]

    Source: Ba, Kiros and Hinton, "Layer normalization", 2016. With ``rms_scaling``, Keras 3 divides by the standard
        deviation.
    """

    supports_masking = True
    _computes_in_floats = True

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ):
        self.rms_scaling = kwargs.pop("rms_scaling", False)
        super().__init__(**kwargs)
        keep(self, locals())
        self.axis: list[Any] = list(axis) if isinstance(axis, (list, tuple)) else [axis]

    def build(self, input_shape: Any) -> None:
        axes_within(self.axis, len(input_shape), f"'{self.name}'")
        shape = tuple(input_shape[axis] for axis in self.axis)
        has_gamma, has_beta = self.scale or self.rms_scaling, self.center and not self.rms_scaling
        self.gamma = weight(self, "gamma", shape, autocast=False) if has_gamma else None
        self.beta = weight(self, "beta", shape, autocast=False) if has_beta else None

    def call(self, inputs: Any, mask: Any = None) -> Any:
        axes = tuple(self.axis)
        if masked.mixes_steps(mask, axes, len(inputs.shape)):
            return self._over_counted_steps(inputs, mask)
        if self.rms_scaling:
            return ops.rms_normalization(inputs, self.gamma, axes, self.epsilon)
        return ops.layer_normalization(inputs, self.gamma, self.beta, axes, self.epsilon)

    def _over_counted_steps(self, inputs: Any, mask: Any) -> Any:
        """Normalizes over axes that include time, by the moments of the steps that the mask counts."""
        x, shape, rank = wide(inputs), ops.shape(inputs), len(inputs.shape)
        axes = [axis % rank for axis in self.axis]
        if self.rms_scaling:
            center, variance = 0.0, masked.mean(ops.square(x), masked.column(mask, x), axes, keepdims=True)
        else:
            center, variance = masked.moments(x, mask, axes, keepdims=True)
        out = ops.multiply(ops.subtract(x, center), ops.rsqrt(ops.add(variance, self.epsilon)))
        along = tuple(d if i in axes else 1 for i, d in enumerate(shape))
        if self.gamma is not None:
            out = ops.multiply(out, ops.reshape(self.gamma, along))
        if self.beta is not None:
            out = ops.add(out, ops.reshape(self.beta, along))
        return ops.cast(out, ops.dtype(inputs))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rms_scaling": self.rms_scaling}
