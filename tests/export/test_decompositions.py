"""Decompositions of formats: every sample of their primitives on every target; edges of linear algebra."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import InputSpec, export, ops, tree
from amalthea.errors import ExportError
from amalthea.export import targets
from amalthea.export.checking import compared
from amalthea.export.decompositions import DECOMPOSITIONS
from amalthea.export.endpoint import Spec, traced
from tests.export.layers_tried import HERE

PRIMITIVES = {p.name: p for p in DECOMPOSITIONS}


def executed(function, inputs, target, folder, open_rows=False):
    """The outputs of a function in a file, in order."""
    names = [f"x{i}" for i in range(len(inputs))]
    shapes = [(None, *x.shape[1:]) if open_rows else x.shape for x in inputs]
    specs = [Spec(name, shape, str(x.dtype)) for name, shape, x in zip(names, shapes, inputs)]
    made = traced("serve", function, specs)
    path = str(folder / f"m{targets.TARGETS[target].ending}")
    writer = targets.target(target)
    writer.write([made], path, targets.Options())
    got = writer.runner(path)(dict(zip(names, inputs)))
    return [np.asarray(got[name]) for name in made.outputs]


@pytest.mark.parametrize("target", HERE)
@pytest.mark.parametrize("name", PRIMITIVES)
def test_samples_of_the_primitives_agree_with_their_references(name, target, tmp_path):
    for i, sample in enumerate(PRIMITIVES[name].samples):
        inputs = [np.atleast_1d(np.asarray(x, "float32")) for x in sample.inputs]  # Core ML has no scalars as inputs
        wanted = PRIMITIVES[name].reference(*inputs, **sample.attrs)
        wanted = list(wanted) if isinstance(wanted, tuple) else [wanted]
        (tmp_path / str(i)).mkdir()
        got = executed(lambda *xs, a=sample.attrs: PRIMITIVES[name](*xs, **a), inputs, target, tmp_path / str(i))
        found = compared(wanted, got)
        assert found.difference <= 2e-5 * max(found.scale, 1.0), (i, sample)


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def definite(*shape):
    x = random(*shape)
    return x @ np.swapaxes(x, -1, -2) + np.eye(shape[-1], dtype="float32")


LOW = random(5, 2) @ random(2, 4, seed=1)  # of rank 2
NOT_DEFINITE = np.array([[[1, 2], [2, 1]], [[4, 0], [0, 9]]], "float32")
SINGULAR = np.array([[[1, 2], [2, 4]], [[2, 1], [0, 3]]], "float32")
WITH_NAN = np.array([[[1, np.nan], [np.nan, 4]], [[2, 1], [1, 3]]], "float32")
CASES = {
    "cholesky of 12 rows": (ops.cholesky, [definite(12, 12)]),
    "cholesky of a matrix that is not definite": (ops.cholesky, [NOT_DEFINITE]),
    "cholesky of one element": (ops.cholesky, [np.array([[9.0]], "float32")]),
    "inverse": (ops.inv, [definite(3, 6, 6)]),
    "determinant of a singular matrix": (ops.det, [SINGULAR]),
    "lu of a column": (ops.lu_factor, [random(5, 1)]),
    "solve with a large system": (lambda a, b: ops.solve(a, b), [definite(20, 20), random(20, 3)]),
    "qr of a wide matrix": (ops.qr, [random(2, 3, 5)]),
    "complete qr": (lambda x: ops.qr(x, mode="complete"), [random(5, 3)]),
    "qr of zeros": (ops.qr, [np.zeros((3, 2), "float32")]),
    "qr of a triangle": (ops.qr, [np.triu(random(4, 4)) * np.array([1, -1, 1, -1], "float32")[:, None]]),
    "svd of a wide matrix": (lambda x: ops.svd(x, full_matrices=False), [random(2, 3, 5)]),
    "singular values of low rank": (lambda x: ops.svd(x, compute_uv=False), [LOW]),
    "eigh with equal values": (lambda x: ops.eigh(x)[0], [np.diag(np.array([2, 1, 2, 1], "float32"))]),
    "eigh with NaN": (lambda x: ops.eigh(x)[0], [WITH_NAN]),
    "eigh of 9 rows": (lambda x: ops.eigh(x)[0], [definite(9, 9)]),
    "eigh of one row": (ops.eigh, [np.array([[-3.0]], "float32")]),
    "least squares": (lambda a, b: ops.lstsq(a, b), [random(6, 3), random(6, 2, seed=1)]),
    "norm by singular values": (lambda x: ops.norm(x, ord="nuc", axis=(-2, -1)), [random(2, 3, 4)]),
    "transform of 30 elements": (lambda x: ops.rfft(x), [random(3, 30)]),
    "transform there and back": (lambda x: ops.irfft(ops.rfft(x), 7), [random(3, 7)]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_edges(name, tmp_path):
    function, inputs = CASES[name]
    wanted = [ops.convert_to_numpy(x) for x in tree.flatten(function(*inputs))]
    found = compared(wanted, executed(function, inputs, "onnx", tmp_path))
    assert found.difference <= 3e-5 * max(found.scale, 1.0)


def test_factors_of_low_rank_multiply_to_the_matrix(tmp_path):
    u, s, vh = executed(lambda x: ops.svd(x, full_matrices=True), [LOW], "onnx", tmp_path)
    np.testing.assert_allclose((u[:, :4] * s) @ vh, LOW, atol=1e-5)
    np.testing.assert_allclose(u.T @ u, np.eye(5), atol=1e-5)
    np.testing.assert_allclose(vh @ vh.T, np.eye(4), atol=1e-5)


def test_any_number_of_matrices(tmp_path):
    for function in (ops.cholesky, ops.inv, ops.eigh, ops.qr, lambda x: ops.svd(x)):
        x = definite(4, 3, 3)
        got = executed(function, [x], "onnx", tmp_path, open_rows=True)
        wanted = [ops.convert_to_numpy(y) for y in tree.flatten(function(x))]
        assert compared(wanted, got).difference < 1e-4


def test_half_precision_is_computed_in_floats(tmp_path):
    x = definite(3, 3).astype("float16")
    (got,) = executed(ops.cholesky, [x], "onnx", tmp_path)
    assert got.dtype == np.float16
    np.testing.assert_allclose(got, np.linalg.cholesky(x.astype("float32")), rtol=2e-3)


def test_matrices_of_open_sizes_are_refused(tmp_path):
    archive = export.ExportArchive(format="onnx")
    archive.add_endpoint("serve", ops.cholesky, [InputSpec(shape=(None, None), name="x")])
    with pytest.raises(ExportError, match="size is open"):
        archive.write_out(tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_eigenvalues_of_general_matrices_are_refused_by_name(tmp_path):
    archive = export.ExportArchive(format="onnx")
    archive.add_endpoint("serve", lambda x: ops.real(ops.eig(x)[0]), [InputSpec(shape=(3, 3), name="x")])
    with pytest.raises(ExportError, match="eig"):
        archive.write_out(tmp_path / "m.onnx")
