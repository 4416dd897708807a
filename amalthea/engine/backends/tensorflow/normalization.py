"""Batch normalization by TensorFlow's fused kernels, which require channels last, four axes and float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea.engine.backends.tensorflow.arrays import tf
from amalthea.engine.primitives import Primitive, normalization


def lowerings(run_decomposed: Callable[..., Any]) -> dict[Primitive, Any]:
    """Return the lowerings. Other dtypes and GPUs use the decomposition, because GPU kernels keep other moments."""

    def native(primitive, kernel):
        def lowering(*inputs, **attrs):
            if inputs[0].dtype != tf.float32 or tf.config.list_physical_devices("GPU"):
                return run_decomposed(primitive, inputs, attrs)
            return kernel(*inputs, **attrs)

        return lowering

    kernels = {normalization.batch_normalize: _forward, normalization.batch_normalize_gradient: _gradient}
    return {primitive: native(primitive, kernel) for primitive, kernel in kernels.items()}


def _forward(x, scale, offset, *, axis, epsilon):
    """Use the moments that the kernel keeps for its gradient: its public variance is the unbiased one."""
    none = tf.zeros(0)
    y, _, _, mean, variance, _ = tf.raw_ops.FusedBatchNormV3(
        x=_to_four_axes(x, axis), scale=scale, offset=offset, mean=none, variance=none, epsilon=epsilon
    )
    return _from_four_axes(y, x.shape, axis), mean, variance


def _gradient(g, x, scale, mean, variance, *, axis, epsilon):
    kept = {"reserve_space_1": mean, "reserve_space_2": variance, "reserve_space_3": tf.zeros(0)}
    dx, dscale, doffset, *_ = tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=_to_four_axes(g, axis), x=_to_four_axes(x, axis), scale=scale, epsilon=epsilon, **kept
    )
    return _from_four_axes(dx, x.shape, axis), dscale, doffset


def _to_four_axes(x, axis):
    """Reshape to four axes, features last."""
    if axis < x.ndim - 1:
        x = tf.transpose(x, (*(i for i in range(x.ndim) if i != axis), axis))
    return x if x.ndim == 4 else tf.reshape(x, (-1, 1, 1, x.shape[-1]))


def _from_four_axes(y, shape, axis):
    """The inverse of :func:`_to_four_axes`, for an array of this shape."""
    if axis == len(shape) - 1:
        return y if len(shape) == 4 else tf.reshape(y, shape)
    last = len(shape) - 1
    y = tf.reshape(y, (*shape[:axis], *shape[axis + 1 :], shape[axis]))
    return tf.transpose(y, (*range(axis), last, *range(axis, last)))
