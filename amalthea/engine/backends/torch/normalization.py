"""Lowerings of normalizations to PyTorch's kernels: one or two passes over memory; the decomposition makes ten."""

from __future__ import annotations

from math import prod

import torch

from amalthea.engine.primitives import normalization as n

_aten = torch.ops.aten
_WHOLE = (torch.float32, torch.float64)  # for narrower floats the kernels round the moments


def _columns(x, axis):
    """Move the feature axis to axis 1; an array with features last becomes a matrix."""
    return x.reshape(-1, x.shape[-1]) if axis == x.ndim - 1 else x.movedim(axis, 1)


def _back(y, shape, axis):
    return y.reshape(shape) if axis == len(shape) - 1 else y.movedim(1, axis)


def _batch_normalize(x, scale, offset, *, axis, epsilon):
    count = prod(x.shape) // max(x.shape[axis], 1)
    if x.dtype not in _WHOLE or count < 2:
        return n.batch_normalize.decomposition(x, scale, offset, axis=axis, epsilon=epsilon)
    # With momentum 1.0 the moving moments become those of the batch, with the unbiased variance.
    mean, variance = torch.zeros_like(scale), torch.zeros_like(scale)
    y = _aten.native_batch_norm(_columns(x, axis), scale, offset, mean, variance, True, 1.0, epsilon)[0]
    return _back(y, x.shape, axis), mean, variance * ((count - 1) / count)  # autograd keeps the first variance


def _batch_normalize_gradient(g, x, scale, mean, variance, *, axis, epsilon):
    if x.dtype not in _WHOLE or not x.numel():
        return n.batch_normalize_gradient.decomposition(g, x, scale, mean, variance, axis=axis, epsilon=epsilon)
    rstd = torch.rsqrt(variance + epsilon)
    by_x, by_scale, by_offset = _aten.native_batch_norm_backward(
        _columns(g, axis), _columns(x, axis), scale, None, None, mean, rstd, True, epsilon, [True] * 3
    )
    return _back(by_x, x.shape, axis), by_scale, by_offset


def _layer_normalize(x, scale, offset, *, axis, epsilon):
    if x.dtype not in _WHOLE:
        return n.layer_normalize.decomposition(x, scale, offset, axis=axis, epsilon=epsilon)
    return _aten.native_layer_norm(x, x.shape[axis:], scale, offset, epsilon)


def _layer_normalize_gradient(g, x, scale, mean, rstd, *, axis, epsilon):
    if x.dtype not in _WHOLE:
        return n.layer_normalize_gradient.decomposition(g, x, scale, mean, rstd, axis=axis, epsilon=epsilon)
    # The kernel reads only the shape of the offset.
    return _aten.native_layer_norm_backward(g, x, x.shape[axis:], mean, rstd, scale, scale, [True] * 3)


NORMALIZATION_LOWERINGS = {
    n.batch_normalize: _batch_normalize, n.batch_normalize_gradient: _batch_normalize_gradient,
    n.layer_normalize: _layer_normalize, n.layer_normalize_gradient: _layer_normalize_gradient,
}  # fmt: skip
