"""Lowerings of linear algebra and Fourier transforms to JAX."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax

from amalthea.engine.primitives import factorizations as f
from amalthea.engine.primitives import linear_algebra as la
from amalthea.engine.primitives.fourier import fft


def _signs(v):
    if not v.size:
        return jnp.ones((*v.shape[:-2], 1, v.shape[-1]), v.dtype)
    size = jnp.abs(v)
    first = jnp.argmax(size >= f.LARGE * jnp.max(size, axis=-2, keepdims=True), axis=-2)[..., None, :]
    return jnp.where(jnp.take_along_axis(v, first, -2) < 0, -1, 1).astype(v.dtype)


def _svd(x, *, full_matrices):
    u, s, vh = jnp.linalg.svd(x, full_matrices)
    signs, right, k = _signs(u), _signs(jnp.swapaxes(vh, -1, -2)), s.shape[-1]
    right = jnp.concatenate([signs[..., :k], right[..., k:]], axis=-1)
    return u * signs, s, vh * jnp.swapaxes(right, -1, -2)


def _eigh(x):
    finite = jnp.isfinite(x).all((-2, -1), keepdims=True)  # LAPACK returns numbers for matrices with NaN
    w, v = jnp.linalg.eigh(jnp.where(finite, x, 0), symmetrize_input=False)
    return jnp.where(finite[..., 0], w, jnp.nan), jnp.where(finite, v * _signs(v), jnp.nan)


def _eig(x):
    w, v = jnp.linalg.eig(x)
    if not v.size:
        return w, v
    order = jnp.lexsort((w.imag, w.real), axis=-1)
    w, v = jnp.take_along_axis(w, order, -1), jnp.take_along_axis(v, order[..., None, :], -1)
    size = jnp.abs(v)
    first = jnp.argmax(size >= f.LARGE * jnp.max(size, axis=-2, keepdims=True), axis=-2)[..., None, :]
    unit = jnp.take_along_axis(v, first, -2) / jnp.take_along_axis(size, first, -2)
    return w, v * jnp.conj(unit)


def _fft(real, imaginary, *, axes, inverse):
    found = (jnp.fft.ifftn if inverse else jnp.fft.fftn)(lax.complex(real, imaginary), axes=axes)
    return found.real, found.imag


LINEAR_ALGEBRA_LOWERINGS = {
    la.cholesky: lambda x: lax.linalg.cholesky(x, symmetrize_input=False),
    la.solve: jnp.linalg.solve,
    la.triangular_solve: lambda a, b, *, lower, transpose_a: lax.linalg.triangular_solve(
        a, b, left_side=True, lower=lower, transpose_a=transpose_a
    ),
    la.lu: lambda x: tuple(lax.linalg.lu(x)),
    f.qr: lambda x, *, mode: tuple(jnp.linalg.qr(x, mode)),
    f.svd: _svd,
    f.eigh: _eigh,
    f.eig: _eig,
    fft: _fft,
}
