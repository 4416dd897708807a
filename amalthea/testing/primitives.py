"""Checks of every primitive, on every backend, on its samples.

Each check raises ``AssertionError`` if it fails. NumPy in float64 is the reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from amalthea.engine import dtypes, transforms
from amalthea.engine.backends import use_backend
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import Trace, as_tensor, type_of
from amalthea.engine.passes.gradient import backward
from amalthea.engine.primitives import TABLE, Primitive, Sample
from amalthea.engine.primitives.control import identity

# The largest error of a result relative to the float64 reference, by dtype: several roundings.
TOLERANCE = {"float64": 1e-9, "float32": 2e-5, "bfloat16": 4e-2, "float16": 5e-3}


def cases() -> Iterator[tuple[Primitive, int, Sample]]:
    """Iterate over every sample of every primitive."""
    for primitive in TABLE.values():
        for number, sample in enumerate(primitive.samples):
            yield primitive, number, Sample(sample.inputs, {**primitive.defaults, **sample.attrs})


def _outputs(primitive: Primitive, value: Any) -> Sequence[Any]:
    return (value,) if primitive.single else value


def in_dtype(sample: Sample, dtype: str) -> Sample:
    """Return the sample with its float64 arrays, and attributes equal to "float64", in another dtype."""
    to = dtypes.to_numpy(dtype)
    inputs = tuple(x.astype(to) if x.dtype == np.float64 else x for x in sample.inputs)
    return Sample(inputs, {k: dtype if v == "float64" else v for k, v in sample.attrs.items()})


def check_typing(primitive: Primitive, sample: Sample) -> None:
    """The typing rule predicts the shapes and dtypes of the reference's outputs."""
    found = [type_of(np.asarray(x)) for x in _outputs(primitive, primitive.reference(*sample.inputs, **sample.attrs))]
    told = list(primitive.types([type_of(x) for x in sample.inputs], sample.attrs))
    assert told == found, f"{primitive.name}: the typing rule says {told}, the reference gives {found}"


def check_agreement(primitive: Primitive, sample: Sample, backend: str, dtype: str = "float32") -> None:
    """A backend, compiled and eager, gives the results of the reference in float64."""
    cast = in_dtype(sample, dtype)
    exact = in_dtype(Sample(cast.inputs, sample.attrs), dtype)
    wide = tuple(x.astype("float64") if x.dtype == dtypes.to_numpy(dtype) else x for x in exact.inputs)
    wanted = _outputs(primitive, primitive.reference(*wide, **sample.attrs))
    with use_backend(backend):
        compiled = transforms.jit(lambda *xs: primitive(*xs, **cast.attrs))(*cast.inputs)
        eager = primitive(*cast.inputs, **cast.attrs)
    for way, found in (("compiled", compiled), ("eager", eager)):
        for want, got in zip(wanted, _outputs(primitive, found), strict=True):
            _assert_close(got, want, TOLERANCE[dtype], f"{primitive.name} on {backend}, {way}, {dtype}")


def _assert_close(got: Any, want: Any, tolerance: float, where: str) -> None:
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"{where}: shape {got.shape}, not {want.shape}"
    wide = "complex128" if want.dtype.kind == "c" else "float64"
    np.testing.assert_allclose(got.astype(wide), want.astype(wide), tolerance, tolerance, err_msg=where)


def check_decomposition(primitive: Primitive, sample: Sample) -> None:
    """The decomposition of a composite primitive gives the same results as the primitive."""
    assert primitive.decomposition is not None
    with use_backend("numpy"):
        found = transforms.jit(lambda *xs: primitive.decomposition(*xs, **sample.attrs))(*sample.inputs)
    wanted = _outputs(primitive, primitive.reference(*sample.inputs, **sample.attrs))
    for want, got in zip(wanted, _outputs(primitive, found), strict=True):
        _assert_close(got, want, 1e-9, f"the decomposition of {primitive.name}")


def _weighted(primitive: Primitive, attrs: dict[str, Any], inputs: Sequence[Any]) -> float:
    """Return a scalar that depends on every float element of the outputs, each with its own weight."""
    total = 0.0
    for out in _outputs(primitive, primitive.reference(*inputs, **attrs)):
        if np.asarray(out).dtype.kind == "f":
            total += float(np.sum(np.asarray(out) * _weights(np.shape(out))))
    return total


def _weights(shape: Sequence[int]) -> np.ndarray:
    """Return numbers from -1 to 1 that every float dtype represents exactly."""
    waves = np.cos(np.arange(int(np.prod(shape, dtype=int)), dtype="float64") * 1.7 + 0.3)
    return (np.round(waves * 64) / 64).reshape(shape)


def numeric_gradient(primitive: Primitive, sample: Sample, which: int, step: float = 1e-6) -> np.ndarray:
    """Return the gradient with respect to one input, by central differences in float64."""
    x = sample.inputs[which]
    gradient = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        sides = []
        for sign in (1, -1):
            moved = np.array(x)
            moved[index] += sign * step
            inputs = [moved if i == which else v for i, v in enumerate(sample.inputs)]
            sides.append(_weighted(primitive, sample.attrs, inputs))
        gradient[index] = (sides[0] - sides[1]) / (2 * step)
    return gradient


def check_gradient(primitive: Primitive, sample: Sample, backend: str = "numpy") -> None:
    """The gradient rule agrees with central differences, for every float input."""
    which = [i for i, x in enumerate(sample.inputs) if x.dtype == np.float64]
    outputs = primitive.types([type_of(x) for x in sample.inputs], sample.attrs)
    if not which or not any(dtypes.is_float(t.dtype) for t in outputs):
        return
    with use_backend(backend):
        found = transforms.jit(lambda *xs: gradients(primitive, sample.attrs, xs, which))(*sample.inputs)
    for i, got in zip(which, found, strict=True):
        want = numeric_gradient(primitive, sample, i)
        if primitive.facts.get("passes_no_gradient"):
            want = np.zeros_like(want)
        _assert_close(got, want, 1e-5, f"the gradient of {primitive.name} wrt input {i}")


SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, np.inf, -np.inf)


def special_samples(primitive: Primitive) -> Iterator[Sample]:
    """Iterate over samples with floats at special points: zeros, ones, equal elements, infinities.

    An elementwise primitive gets every combination of them. For others, each float input is filled with one of them,
    and has one of them as its first element.
    """
    for sample in primitive.samples:
        attrs = {**primitive.defaults, **sample.attrs}
        float_inputs = [i for i, x in enumerate(sample.inputs) if x.dtype == np.float64]
        if primitive.family.elementwise:
            grid = iter(np.meshgrid(*[SPECIAL] * len(float_inputs), indexing="ij"))
            shape = (len(SPECIAL),) * len(float_inputs)
            yield Sample(
                tuple(next(grid) if i in float_inputs else np.resize(x, shape) for i, x in enumerate(sample.inputs)),
                attrs,
            )
            return
        values = [v for v in SPECIAL if np.isfinite(v) or not primitive.facts.get("multiplies")]
        for index in float_inputs:
            for value in values:
                one = np.array(sample.inputs[index])
                one.flat[:1] = value
                for filled in (np.full_like(one, value), one):
                    yield Sample(tuple(filled if i == index else x for i, x in enumerate(sample.inputs)), attrs)


def check_finite_gradient(primitive: Primitive, sample: Sample, backend: str = "numpy") -> None:
    """The gradient is finite wherever the value is."""
    which = [i for i, x in enumerate(sample.inputs) if x.dtype == np.float64]
    with np.errstate(all="ignore"):
        values = _outputs(primitive, primitive.reference(*sample.inputs, **sample.attrs))
    floats = [np.asarray(v) for v in values if np.asarray(v).dtype.kind == "f"]
    if not which or not floats or not (primitive.family.elementwise or all(np.isfinite(v).all() for v in floats)):
        return
    with use_backend(backend):
        found = transforms.jit(lambda *xs: gradients(primitive, sample.attrs, xs, which))(*sample.inputs)
    for i, got in zip(which, found, strict=True):
        finite = np.isfinite(np.asarray(got))
        if primitive.family.elementwise:
            finite |= ~np.isfinite(floats[0])
        wrong = np.argwhere(~finite)
        assert not wrong.size, (
            f"{primitive.name}: the gradient wrt input {i} is {np.asarray(got)[tuple(wrong[0])]} at {tuple(wrong[0])} "
            "of "
            f"{[np.asarray(x) for x in sample.inputs]}"
        )


def gradients(primitive: Primitive, attrs: dict[str, Any], xs: Sequence[Any], which: Sequence[int]) -> list[Tensor]:
    """In a trace, return the gradients of a weighted sum of the outputs with respect to the inputs at ``which``."""
    xs = [identity(x) if i in which else x for i, x in enumerate(xs)]
    outputs = [x for x in _outputs(primitive, primitive(*xs, **attrs)) if dtypes.is_float(x.dtype)]
    cotangents = [_weights(x.shape).astype(dtypes.to_numpy(x.dtype)) for x in outputs]
    return backward([as_tensor(x) for x in outputs], cotangents, [xs[i] for i in which])


def symbolic_type(primitive: Primitive, types: Sequence[Type], attrs: dict[str, Any]) -> Sequence[Type]:
    """Return the types of the outputs if the primitive is applied to symbolic tensors."""
    with Trace():
        outputs = primitive(*(Tensor(t) for t in types), **attrs)
    return [x.type for x in _outputs(primitive, outputs)]
