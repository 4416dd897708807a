"""Lowerings of linear algebra and Fourier transforms to TensorFlow.

TensorFlow's LU takes square regular matrices only. XLA has neither LU nor eigenvalues of general matrices, so a graph
with these runs without it, and the NumPy references are called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea.engine import dtypes
from amalthea.engine.backends.tensorflow.arrays import tf
from amalthea.engine.ir.graph import graph_of_trace
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import Trace, type_of
from amalthea.engine.passes.gradient import backward
from amalthea.engine.primitives import Primitive
from amalthea.engine.primitives import factorizations as f
from amalthea.engine.primitives import linear_algebra as la
from amalthea.engine.primitives.fourier import fft


def _solve(a, b):
    """TensorFlow raises an exception if one matrix of a batch is singular; here its solution is NaN."""
    singular = tf.math.is_inf(tf.math.real(tf.linalg.slogdet(a)[1]))[..., None, None]
    one = tf.eye(a.shape[-1], dtype=a.dtype)
    return tf.where(singular, tf.cast(float("nan"), b.dtype), tf.linalg.solve(tf.where(singular, one, a), b))


def _signs(v):
    if 0 in v.shape:
        return tf.ones((*v.shape[:-2], 1, v.shape[-1]), v.dtype)
    size = tf.abs(v)
    large = tf.cast(size >= f.LARGE * tf.reduce_max(size, -2, keepdims=True), tf.int32)
    first = tf.one_hot(tf.argmax(large, -2), v.shape[-2], axis=len(v.shape) - 2, dtype=v.dtype)
    found = tf.reduce_sum(tf.where(first > 0, v, tf.zeros((), v.dtype)), -2, keepdims=True)
    return tf.stop_gradient(tf.where(found < 0, -tf.ones((), v.dtype), tf.ones((), v.dtype)))


def _svd(x, *, full_matrices):
    s, u, v = tf.linalg.svd(x, full_matrices)
    signs, right, k = _signs(u), _signs(v), s.shape[-1]
    right = tf.concat([signs[..., :k], right[..., k:]], -1)  # pyright: ignore[reportArgumentType]  # slices of None
    return u * signs, s, tf.linalg.matrix_transpose(v * right)


def _eigh(x):
    finite = tf.reduce_all(tf.math.is_finite(x), (-2, -1), keepdims=True)  # Eigen returns numbers for matrices with NaN
    w, v = tf.linalg.eigh(tf.where(finite, x, tf.zeros((), x.dtype)))
    nan = tf.constant(float("nan"), x.dtype)
    return tf.where(finite[..., 0], w, nan), tf.where(finite, v * _signs(v), nan)


def _fft(real, imaginary, *, axes, inverse):
    out = tf.complex(real, imaginary)
    for axis in axes:
        order = [*(i for i in range(out.ndim) if i != axis), axis]
        back = [order.index(i) for i in range(out.ndim)]
        out = tf.transpose((tf.signal.ifft if inverse else tf.signal.fft)(tf.transpose(out, order)), back)
    return tf.math.real(out), tf.math.imag(out)


def _by_reference(primitive: Primitive, run: Callable[..., Any]) -> Callable[..., Any]:
    """A primitive as a call of its NumPy reference; tapes use its gradient rule."""

    def lowering(*tensors: Any, **attrs: Any) -> Any:
        types = primitive.types([type_of(x) for x in tensors], attrs)

        @tf.custom_gradient
        def call(*xs: Any) -> Any:
            outputs = tf.numpy_function(lambda *ys: primitive.reference(*ys, **attrs), xs, [t.dtype for t in types])
            for x, t in zip(outputs, types):
                x.set_shape(t.shape)
            return outputs, lambda *g: _gradient(primitive, xs, g, attrs, run)

        return tuple(call(*tensors))

    return lowering


def _gradient(primitive: Primitive, xs: Any, cotangents: Any, attrs: dict[str, Any], run: Callable[..., Any]) -> Any:
    """Return the cotangents of a primitive's inputs by its gradient rule."""
    with Trace() as scope:
        inputs = [Tensor(type_of(x)) for x in xs]
        outputs = primitive(*inputs, **attrs)
        given = {i: Tensor(x.type) for i, x in enumerate(outputs) if dtypes.is_differentiable(x.dtype)}
        found = backward(outputs, [given.get(i) for i in range(len(outputs))], inputs)
    graph = graph_of_trace([*inputs, *given.values()], found, scope)
    return graph.run([*xs, *(cotangents[i] for i in given)], run)


def lowerings(run: Callable[..., Any]) -> dict[Primitive, Any]:
    """Return the lowerings; ``run`` runs one primitive on tensors."""
    return {
        la.cholesky: tf.linalg.cholesky,
        la.solve: _solve,
        la.triangular_solve: lambda a, b, *, lower, transpose_a: tf.linalg.triangular_solve(a, b, lower, transpose_a),
        la.lu: _by_reference(la.lu, run),
        f.qr: lambda x, *, mode: tuple(tf.linalg.qr(x, full_matrices=mode == "complete")),
        f.svd: _svd,
        f.eigh: _eigh,
        f.eig: _by_reference(f.eig, run),
        fft: _fft,
    }
