"""Programs of updates: NumPy's functions, machine code, and threads."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea.engine.backends.onnxruntime.updates import llvm, program
from amalthea.engine.primitives import TABLE
from tests.arrays import numbers
from tests.engine.backends.onnxruntime.updates import compilable


@pytest.mark.parametrize("name", sorted(program.UFUNCS))
def test_a_ufunc_means_what_the_primitive_of_its_name_does(name):
    for sample in TABLE[name].samples:
        found = getattr(np, name)(*sample.inputs)
        np.testing.assert_array_equal(found, TABLE[name].reference(*sample.inputs, **sample.attrs))


V, G = ("variable", 0), ("given", 0)
LINES = {  # of two variables, one array given, a factor of 0.25: lines, and what the variables become
    "in the memory of the variable": ([("multiply", G, ("factor", 0)), ("subtract", V, ("temp", 0))], [("temp", 1)]),
    "an old value that is needed later": ([("add", V, G), ("multiply", V, G)], [("temp", 0), ("temp", 1)]),
    "two become the same": ([("maximum", V, ("number", 0.1))], [("temp", 0), ("temp", 0)]),
    "one that is not read": ([("square", G), ("negative", V)], [("temp", 1), ("temp", 0)]),
    "values exchanged": (
        [("add", V, ("number", 0.0)), ("add", ("variable", 1), ("number", 0.0))],
        [("temp", 1), ("temp", 0)],
    ),
    "a result that is used again": (
        [("add", V, G), ("sqrt", G), ("divide", ("temp", 0), ("temp", 1)), ("minimum", ("temp", 2), ("variable", 1))],
        [("temp", 0), ("temp", 3)],
    ),
}


def parts_of(lines, results, dtype):
    """Three parts, a factor, and what the program is to make of them; of each what it asks for."""
    parts = [[np.abs(numbers(size, seed=seed)).astype(dtype) + 1 for seed in range(3)] for size in (7, 131, 64)]
    factor = np.array(0.25, dtype)
    wanted = []
    for one, two, given in parts:
        known = {("variable", 0): one, ("variable", 1): two, ("given", 0): given, ("factor", 0): factor}
        for i, (ufunc, *operands) in enumerate(lines):
            values = [np.array(x, dtype) if kind == "number" else known[kind, x] for kind, x in operands]
            known["temp", i] = getattr(np, ufunc)(*values)
        wanted.append([known[result].copy() for result in results])
    met = {operand for _, *operands in lines for operand in operands}
    kept = [len(results) > 0, len(results) > 1 or ("variable", 1) in met, G in met]
    asked = [[x for x, keep in zip(part, kept) if keep] for part in parts]
    return asked, [factor] if ("factor", 0) in met else [], wanted


@pytest.mark.parametrize("way", ["numpy_jobs", pytest.param("native_jobs", marks=compilable)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LINES)
def test_a_program_does_what_its_lines_say(name, dtype, way, monkeypatch):
    monkeypatch.setattr(program, "PIECE", 32)
    parts, factors, wanted = parts_of(*LINES[name], dtype)
    for job in getattr(program.Program(*LINES[name], dtype), way)(parts, factors, 3):
        job()
    for part, new in zip(parts, wanted):
        for ours, theirs in zip(part, new):
            np.testing.assert_array_equal(ours, theirs)


def test_threads_get_pieces_of_about_one_size(monkeypatch):
    monkeypatch.setattr(program, "PIECE", 32)
    whole = [np.zeros(131), np.zeros(64), np.zeros(7)]
    pieces = [piece for x in whole for piece in program.split_arrays([x], program.piece_count(x.size, 3))]
    shares = program.balance(pieces, 3)
    assert [sorted(piece[0].size for piece in share) for share in shares] == [[7, 32, 32], [3, 32, 32], [32, 32]]


@compilable
def test_threads_get_a_share_of_what_is_large_in_machine_code(monkeypatch):
    monkeypatch.setattr(program, "PIECE", 32)
    parts, factors, _ = parts_of(*LINES["values exchanged"], "float32")
    jobs = program.Program(*LINES["values exchanged"], "float32").native_jobs(parts, factors, 3)
    assert [[size for size, *_ in job.args[1]] for job in jobs] == [[48, 32], [48, 7], [35, 32]]


@compilable
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(llvm.LLVM_INSTRUCTIONS))
def test_machine_code_computes_exactly_what_numpy_does(name, dtype):
    few = [0.0, -0.0, 1.0, -1.5, 3.7e-5, 2e30, np.inf, -np.inf, np.nan, 1e-40, 0.1]
    one, two = (x.ravel().astype(dtype) for x in np.meshgrid(few, few))
    ufunc = getattr(np, name)
    with np.errstate(all="ignore"):
        wanted = ufunc(*(one, two)[: ufunc.nin])
    function = llvm.compile_instructions([(name, V, G)[: ufunc.nin + 1]], [("temp", 0)], dtype)
    function(one.size, one.ctypes.data, *[two.ctypes.data] * (ufunc.nin - 1))
    np.testing.assert_array_equal(one, wanted)


def work(size=50):
    lines, results = LINES["in the memory of the variable"]
    arrays = [np.ones(size, "float32"), np.ones(size, "float32")]
    return program.BoundProgram(program.Program(lines, results, "float32"), [arrays], [np.array(0.25, "float32")], 1)


@compilable
def test_a_program_is_compiled_once_it_has_run_often(monkeypatch):
    monkeypatch.setattr(program, "ELEMENTS_BEFORE_COMPILING", 100)
    update = work()
    found = []
    for _ in range(3):
        update()
        found.append(update.is_compiled)
    assert found == [False, False, True]


def test_a_program_that_cannot_be_compiled_stays_with_numpy(monkeypatch):
    monkeypatch.setattr(program, "ELEMENTS_BEFORE_COMPILING", 100)
    monkeypatch.setattr(llvm, "is_available", lambda: False)
    update = work()
    for _ in range(5):
        update()
    assert not update.is_compiled


def test_numpy_goes_on_after_llvm_fails(monkeypatch):
    def refused(*_):
        raise RuntimeError("no such target")

    monkeypatch.setattr(program, "ELEMENTS_BEFORE_COMPILING", 100)
    monkeypatch.setattr(llvm, "is_available", lambda: True)
    monkeypatch.setattr(llvm, "compile_instructions", refused)
    update = work()
    ((variable, given),) = update.arguments[0]
    for _ in range(5):
        given[:] = 1
        update()
    assert not update.is_compiled
    np.testing.assert_array_equal(variable, np.full(50, 1 - 5 * 0.25, "float32"))


@pytest.mark.parametrize("version, wanted", [("0.44.1", False), ("0.45.0rc1", True), ("1.0.0", True), (None, False)])
def test_an_llvmlite_of_another_llvm_is_not_used(version, wanted, monkeypatch):
    def of(name):
        if version is None:
            raise llvm.metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(llvm.metadata, "version", of)
    assert llvm.is_available.__wrapped__() is wanted
