"""Lowerings of linear algebra and Fourier transforms to PyTorch.

PyTorch raises an exception if one matrix of a batch has no such factor; here the results of that matrix are NaN.
"""

from __future__ import annotations

import torch

from amalthea.engine.primitives import factorizations as f
from amalthea.engine.primitives import linear_algebra as la
from amalthea.engine.primitives.fourier import fft


def _where_good(good, x):
    """Return ``x``, and NaN for the matrices that failed."""
    return torch.where(good[(..., *[None] * (x.ndim - good.ndim))], x, torch.nan)


def _cholesky(x):
    out, info = torch.linalg.cholesky_ex(x)
    return _where_good(info == 0, out)


def _solve(a, b):
    out, info = torch.linalg.solve_ex(a, b)
    return _where_good(info == 0, out)


def _triangular_solve(a, b, *, lower, transpose_a):
    a, upper = (a.mT, lower) if transpose_a else (a, not lower)
    return torch.linalg.solve_triangular(a, b, upper=upper)


def _lu(x):
    out, pivots, _ = torch.linalg.lu_factor_ex(x)
    order = torch.lu_unpack(out.detach(), pivots, unpack_data=False)[0].mT
    if not order.shape[-1]:
        return out, pivots - 1, order.new_zeros(order.shape[:-1], dtype=torch.int32)
    return out, pivots - 1, order.argmax(-1).int()


def _of_finite(function):
    """Call a function that fails on matrices with NaN or infinity: 0 goes in for those, and NaN comes out."""

    def run(x, **attrs):
        finite = torch.isfinite(x).all(-1).all(-1)
        found = function(torch.where(finite[..., None, None], x, 0), **attrs)
        return tuple(_where_good(finite, y) for y in found)

    return run


def _signs(v):
    if not v.numel():
        return v.new_ones((*v.shape[:-2], 1, v.shape[-1]))
    size = v.detach().abs()
    first = (size >= f.LARGE * size.amax(-2, keepdim=True)).int().argmax(-2, keepdim=True)
    return torch.where(torch.gather(v.detach(), -2, first) < 0, -1.0, 1.0).to(v.dtype)


@_of_finite
def _svd(x, *, full_matrices):
    u, s, vh = torch.linalg.svd(x, full_matrices)
    signs, right, k = _signs(u), _signs(vh.mT), s.shape[-1]
    right = torch.cat([signs[..., :k], right[..., k:]], -1)
    return u * signs, s, vh * right.mT


@_of_finite
def _eigh(x):
    w, v = torch.linalg.eigh(x)
    return w, v * _signs(v)


@_of_finite
def _eig(x):
    w, v = torch.linalg.eig(x)
    if not v.numel():
        return w, v
    order = w.imag.argsort(dim=-1, stable=True)
    order = order.gather(-1, w.real.gather(-1, order).argsort(dim=-1, stable=True))
    w, v = w.gather(-1, order), v.gather(-1, order[..., None, :].expand(v.shape))
    size = v.abs()
    first = (size >= f.LARGE * size.amax(-2, keepdim=True)).int().argmax(-2, keepdim=True)
    unit = torch.gather(v, -2, first) / torch.gather(size, -2, first)
    return w, v * unit.conj()


def _fft(real, imaginary, *, axes, inverse):
    found = (torch.fft.ifftn if inverse else torch.fft.fftn)(torch.complex(real, imaginary), dim=axes)
    return found.real.contiguous(), found.imag.contiguous()


LINEAR_ALGEBRA_LOWERINGS = {
    la.cholesky: _cholesky,
    la.solve: _solve,
    la.triangular_solve: _triangular_solve,
    la.lu: _lu,
    f.qr: lambda x, *, mode: tuple(torch.linalg.qr(x, mode)),
    f.svd: _svd,
    f.eigh: _eigh,
    f.eig: _eig,
    fft: _fft,
}
