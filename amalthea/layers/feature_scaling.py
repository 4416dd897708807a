"""Scaling of features: by given factors, or by the mean and variance of data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from amalthea import config, ops
from amalthea.checks import axes_within, either, finite_number, integer, numbers_or_arrays, one_or_several, optional
from amalthea.errors import ArgumentError, ShapeError
from amalthea.layers.layer import Layer


class Rescaling(Layer):
    """Multiplies by a factor and adds an offset: ``inputs * scale + offset``.

    Args:
        scale: float, or one for each channel; the factor, such as ``1 / 255`` for pixels.
        offset: float, or one for each channel; the offset. Defaults to 0.0.
        |layer options|

    Shapes: any shape; the output has the same, in the compute dtype.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.Rescaling(1 / 255)(np.array([[0, 255]], "uint8"))).tolist()
        [[0.0, 1.0]]
    """

    supports_masking = True
    _computes_in_floats = True

    _argument_checks = dict.fromkeys(("scale", "offset"), numbers_or_arrays(finite_number))

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset

    def call(self, inputs: Any) -> Any:
        x = ops.cast(inputs, self.compute_dtype)
        return ops.add(ops.multiply(x, self._by_channel(self.scale, x)), self._by_channel(self.offset, x))

    def _by_channel(self, value: Any, x: Any) -> Any:
        value = np.asarray(value, "float32")
        if value.ndim == 1 and len(x.shape) > 2 and config.standardize_data_format(None) == "channels_first":
            value = value.reshape(-1, *(1,) * (len(x.shape) - 2))
        return ops.cast(value, ops.dtype(x))


class Normalization(Layer):
    """Normalizes features by the mean and variance of a data set: ``(inputs - mean) / sqrt(variance)``.

    The moments are given, or learned from data by :meth:`adapt` before training.

    Args:
        axis: int, sequence of int or None; axes with a mean and variance for each place. None takes one mean and
            variance of all elements. Defaults to -1: one for each feature.
        mean: float or array that broadcasts to the kept axes; given in place of learned. Defaults to None.
        variance: float or array; given together with ``mean``. Defaults to None.
        invert: bool; whether the layer computes ``mean + inputs * sqrt(variance)`` instead. Defaults to False.
        |layer options|

    Shapes: any shape; the output has the same, in the compute dtype.

    Raises:
        ArgumentError: only one of ``mean`` and ``variance`` is given.
        ShapeError: the size of a kept axis is not known.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.Normalization()
        >>> layer.adapt(np.array([[1.0], [3.0]]))
        >>> np.asarray(layer(np.array([[5.0]], "float32"))).tolist()
        [[3.0]]
    """

    supports_masking = True
    _computes_in_floats = True

    _argument_checks = {
        "axis": either(optional(one_or_several(integer)), [], ()),
        **dict.fromkeys(("mean", "variance"), numbers_or_arrays(finite_number)),
    }

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if (mean is None) != (variance is None):
            raise ArgumentError(
                "The mean and the variance are given together, or neither.", got=f"{mean} and {variance}"
            )
        self.axis: tuple[Any, ...] = () if axis is None else tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
        self.mean, self.variance, self.invert = mean, variance, invert
        self._given_moments = mean is not None

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        axes_within(list(self.axis), rank, f"'{self.name}'")
        kept = sorted(axis % rank for axis in self.axis)
        if any(input_shape[axis] is None for axis in kept):
            raise ShapeError(
                f"'{self.name}' keeps a mean for each place of an axis whose size is not known.",
                expected=f"sizes on axes {self.axis}",
                got=input_shape,
            )
        self._kept = kept
        self._broadcast = tuple(input_shape[i] if i in kept else 1 for i in range(rank))
        if self._given_moments:
            return
        shape = tuple(input_shape[axis] for axis in kept)
        self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
        self.adapt_variance = self.add_weight(shape, "ones", trainable=False, name="variance")
        self.count = self.add_weight((), "zeros", dtype="int32", trainable=False, name="count")

    def call(self, inputs: Any) -> Any:
        x = ops.cast(inputs, self.compute_dtype)
        mean, variance = (self._wide(m, x) for m in self._moments())
        deviation = ops.maximum(ops.sqrt(variance), config.epsilon())
        if self.invert:
            return ops.add(mean, ops.multiply(x, deviation))
        return ops.divide(ops.subtract(x, mean), deviation)

    def _moments(self) -> tuple[Any, Any]:
        return (self.mean, self.variance) if self._given_moments else (self.adapt_mean, self.adapt_variance)

    def _wide(self, moment: Any, x: Any) -> Any:
        if self._given_moments:
            moment = np.broadcast_to(np.asarray(moment, "float32"), [self._broadcast[i] for i in self._kept])
        return ops.cast(ops.reshape(moment, self._broadcast), ops.dtype(x))

    def adapt(self, data: Any) -> None:
        """Learns the mean and variance of data, and forgets what was learned before.

        Args:
            data: array, or an iterable of batches; of a batch that is a tuple, the first item counts.

        Shapes: ``(rows, ...)``, with the axes that the layer keeps.

        Raises:
            ArgumentError: the layer was given its mean and variance.
        """
        if self._given_moments:
            raise ArgumentError(
                f"'{self.name}' was given its mean and variance, and learns none.", cure="Normalization()"
            )
        self._reset_state()
        array = hasattr(data, "shape") or isinstance(data, (list, tuple))
        batches: Iterable[Any] = [data] if array else data
        for batch in batches:
            self._update_state(batch[0] if isinstance(batch, (list, tuple)) and not array else batch)

    def _update_state(self, data: Any) -> None:
        """Takes one more batch into the mean and variance.

        Args:
            data: array; a batch of one axis is taken as ``(batch, 1)``.

        Shapes: ``(rows, ...)``, with the axes that the layer keeps.

        Source: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances",
            1979.
        """
        batch = ops.convert_to_numpy(data).astype("float64")
        batch = batch[:, None] if batch.ndim == 1 else batch
        if not self.built:
            self.build_from_config({"input_shape": (None, *batch.shape[1:])})
        over = tuple(i for i in range(batch.ndim) if i not in self._kept)
        new, old = float(np.prod([batch.shape[i] for i in over])), float(self.count.numpy())
        share = new / max(new + old, 1.0)
        mean, variance = self.adapt_mean.numpy().astype("float64"), self.adapt_variance.numpy().astype("float64")
        apart = batch.mean(over) - mean
        self.adapt_mean.assign((mean + share * apart).astype("float32"))
        merged = (1 - share) * variance + share * batch.var(over) + share * (1 - share) * apart**2
        self.adapt_variance.assign(merged.astype("float32"))
        self.count.assign(np.int32(new + old))

    def _reset_state(self) -> None:
        """Forgets the moments that were learned."""
        if self.built and not self._given_moments:
            self.adapt_mean.assign(ops.zeros_like(self.adapt_mean))
            self.adapt_variance.assign(ops.ones_like(self.adapt_variance))
            self.count.assign(np.int32(0))

    def finalize_state(self) -> None:
        """Does nothing: learned moments count at once. Keras has it."""

    def get_config(self) -> dict[str, Any]:
        moments = {
            key: None if (m := getattr(self, key)) is None else np.asarray(m).tolist() for key in ("mean", "variance")
        }
        return {**super().get_config(), **moments}
