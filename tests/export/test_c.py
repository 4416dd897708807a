"""Files of C: clean under every warning, within their arena, safe for any name, and right for every primitive."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import numpy as np
import pytest

import amalthea
from amalthea import Input, InputSpec, Sequential, export, layers, ops
from amalthea.engine import dtypes
from amalthea.engine.primitives import TABLE
from amalthea.errors import ArgumentError, ExportError, MissingLibraryError
from amalthea.export import targets
from amalthea.export.c import memory
from amalthea.export.c.program import LOWERINGS, Program, program
from amalthea.export.c.text import c_type
from amalthea.export.checking import compared, draws
from amalthea.export.endpoint import Endpoint, Spec, traced
from tests.samples import MODELS, trained

pytestmark = pytest.mark.skipif(not targets.executed_here("c"), reason="no C compiler")
STRICT = ["cc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Wstrict-prototypes", "-Werror"]
SANITIZE = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
SYMBOL = re.compile(r" U (\w+)")
MATH = set(
    "exp expm1 log log1p sqrt sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh erf fmod rint floor "
    "ceil fabs pow copysign memcpy memset".split()
)


def run(command, **more):
    ran = subprocess.run(command, capture_output=True, **more)
    assert ran.returncode == 0, ran.stderr.decode(errors="replace")[:3000]
    return ran.stdout


def placed(endpoint: Endpoint, folder) -> Program:
    made = program(endpoint, "net", "net.h")
    (folder / "net.c").write_text(made.source)
    (folder / "net.h").write_text(made.header)
    return made


def size_of(tensor):
    return int(np.prod(tensor.shape))


def computed(endpoint: Endpoint, arrays, folder, *flags):
    """Outputs of a program that was compiled strictly and with sanitizers, from inputs on its standard input."""
    inputs, outputs = (
        [(f"{letter}{i}", c_type(x.dtype), max(size_of(x), 1), size_of(x)) for i, x in enumerate(tensors)]
        for letter, tensors in (("a", endpoint.graph.inputs), ("b", endpoint.graph.outputs))
    )
    main = ["#include <stdio.h>", '#include "net.h"']
    main += [f"static {kind} {name}[{room}];" for name, kind, room, _ in inputs + outputs]
    main += ["int main(void) {"]
    main += [f"if (fread({n}, sizeof *{n}, {size}, stdin) != {size}) return 1;" for n, _, _, size in inputs]
    main += [f"net_serve({', '.join(n for n, *_ in inputs + outputs)});"] * 2  # the second finds the memory used
    main += [f"fwrite({n}, sizeof *{n}, {size}, stdout);" for n, _, _, size in outputs]
    (folder / "main.c").write_text("\n".join([*main, "return 0;", "}", ""]))
    run([*STRICT, *SANITIZE, *flags, "main.c", "net.c", "-o", "main", "-lm"], cwd=folder)
    data = run([str(folder / "main")], input=b"".join(np.ascontiguousarray(a).tobytes() for a in arrays))
    results = []
    for x in endpoint.graph.outputs:
        kind, size = dtypes.to_numpy(x.dtype), size_of(x)
        results.append(np.frombuffer(data, kind, size).reshape(x.shape))
        data = data[size * np.dtype(kind).itemsize :]
    assert data == b""
    return results


def checked(function, arrays, folder, tolerance=1e-6):
    """Trace a function of tensors, and hold its program to what it gives for arrays."""
    specs = [Spec(f"x{i}", a.shape, dtypes.standardize(a.dtype)) for i, a in enumerate(arrays)]
    endpoint = traced("serve", function, specs)
    placed(endpoint, folder)
    got = computed(endpoint, arrays, folder)
    expected = [np.asarray(ops.convert_to_numpy(x)) for x in amalthea.tree.flatten(function(*arrays))]
    assert [x.dtype for x in got] == [x.dtype for x in expected]
    found = compared(expected, got)
    assert found.difference <= tolerance * max(found.scale, 1.0)
    return got


def of_model(model, x=None, rows=1):
    specs = amalthea.export.signatures.with_rows(amalthea.export.signatures.of_model(model), rows)
    endpoint = traced("serve", lambda *a: model(*a, training=False), specs, model._output_names())
    return endpoint, draws(amalthea.tree.flatten(specs)) if x is None else amalthea.tree.flatten(x)


# ---------------------------------------------------------------------------------------- every primitive
SAMPLES = [
    (name, sample)
    for name, primitive in TABLE.items()
    if primitive in LOWERINGS and primitive.single
    for sample in primitive.samples
    if sample.inputs
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_primitive_is_that_of_its_reference(dtype, tmp_path):
    def narrow(x):
        return x.astype(dtype) if x.dtype == np.float64 else x

    chosen = [(n, s, [narrow(x) for x in s.inputs], {**TABLE[n].defaults, **s.attrs}) for n, s in SAMPLES]
    chosen = [row for row in chosen if "dtype" not in row[3] or row[0] != "bitcast"]
    chosen += [("top_k", s, [narrow(x) for x in s.inputs], s.attrs) for s in TABLE["top_k"].samples]
    assert len({name for name, *_ in chosen}) >= len([x for x in LOWERINGS if x.samples]) - 3
    arrays = [x for *_, inputs, _ in chosen for x in inputs]

    def every(*values):
        rest, results = list(values), []
        for name, _, inputs, attrs in chosen:
            mine, rest = rest[: len(inputs)], rest[len(inputs) :]
            made = TABLE[name](*mine, **attrs)
            results.extend([made] if TABLE[name].single else made)
        return results

    specs = [Spec(f"x{i}", a.shape, dtypes.standardize(a.dtype)) for i, a in enumerate(arrays)]
    endpoint = traced("serve", every, specs)
    placed(endpoint, tmp_path)
    got = iter(computed(endpoint, arrays, tmp_path, "-O0"))
    for name, _, inputs, attrs in chosen:
        expected = TABLE[name].reference(*inputs, **attrs)
        for want in [expected] if TABLE[name].single else expected:
            found = compared([np.asarray(want)], [next(got)])
            assert found.difference <= (1e-12 if dtype == "float64" else 3e-6) * max(found.scale, 1), (name, attrs)


WHOLE = {
    "int8": [-128, 127, -1, 0, 7], "uint8": [255, 0, 1, 128, 7], "int16": [-32768, 32767, -1, 0, 7],
    "int32": [-(2**31), 2**31 - 1, -1, 0, 7], "uint32": [2**32 - 1, 0, 1, 2**31, 7],
    "int64": [-(2**63), 2**63 - 1, -1, 0, 7], "uint64": [2**64 - 1, 0, 1, 2**63, 7],
}  # fmt: skip


@pytest.mark.parametrize("dtype", WHOLE)
def test_integers_wrap_around_as_those_of_numpy(dtype, tmp_path):
    x, y = (a.ravel() for a in np.meshgrid(np.array(WHOLE[dtype], dtype), np.array(WHOLE[dtype], dtype)))
    shift = np.resize(np.array([0, 1, 7], dtype), x.shape)
    names = ["add", "subtract", "multiply", "floor_divide", "remainder", "maximum", "minimum", "less", "equal"]
    names += ["bitwise_xor", "bitwise_and"]

    def every(x, y, shift):
        one = [TABLE[n](x) for n in ("negative", "square", "absolute", "sign", "relu")]
        other = [TABLE["cast"](x, dtype=d) for d in ("int16", "uint32", "float64", "bool")]
        shifted = [TABLE[n](x, shift) for n in ("left_shift", "right_shift")]
        sums = [TABLE["reduce_sum"](x, axes=(0,)), TABLE["argmax"](x, axis=0), TABLE["top_k"](x, k=9)[1]]
        return [*one, *other, *shifted, *sums, *(TABLE[n](x, y) for n in names)]

    specs = [Spec(n, x.shape, dtype) for n in "abc"]
    endpoint = traced("serve", every, specs)
    placed(endpoint, tmp_path)
    got = computed(endpoint, [x, y, shift], tmp_path)
    with np.errstate(all="ignore"):
        one = [TABLE[n].reference(x) for n in ("negative", "square", "absolute", "sign", "relu")]
        other = [x.astype(d) for d in ("int16", "uint32", "float64", "bool")]
        sums = [x.sum(dtype=dtype), np.argmax(x), TABLE["top_k"].reference(x, k=9)[1]]
        wanted = [*one, *other, x << shift, x >> shift, *sums, *(TABLE[n].reference(x, y) for n in names)]
    for a, b in zip(wanted, got, strict=True):
        np.testing.assert_array_equal(b, a)


def test_numbers_beyond_all_bounds_are_those_of_numpy(tmp_path):
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-45, -3e38, 2.5, -2.5, 1.0], "float32")
    x, y = (a.ravel() for a in np.meshgrid(odd, odd))

    def every(x, y):
        two = [TABLE[n](x, y) for n in ("maximum", "minimum", "add", "divide", "power", "less", "equal", "arctan2")]
        one = [TABLE[n](x) for n in ("relu", "sign", "round", "sigmoid", "softplus", "isnan", "isinf", "sqrt", "exp")]
        ends = [TABLE["reduce_max"](x, axes=(0,)), TABLE["argmax"](x, axis=0), TABLE["top_k"](x, k=5)[1]]
        held = [ops.add(x, np.resize(odd, x.shape)), ops.multiply(y, np.float32("nan")), ops.maximum(x, -np.inf)]
        return [*two, *one, *ends, *held]

    with np.errstate(all="ignore"):
        checked(every, [x, y], tmp_path)


def test_constants_read_back_to_the_same_bits(tmp_path):
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 1e-45, 1.1754942e-38, 3.4028235e38, 0.1, 1 / 3], "float32")
    whole = np.array([-(2**63), 2**63 - 1], "int64")
    real = np.array([5e-324, 1e308, 0.1, -1e23], "float64")
    x = np.array([1], "float32")
    got = checked(lambda x: [ops.convert_to_tensor(a) for a in (odd, whole, real)] + [x], [x], tmp_path)
    for a, b in zip((odd, whole, real), got):
        assert np.where(np.isnan(a), 0, a).tobytes() == np.where(np.isnan(b), 0, b).tobytes()


def test_tiny_numbers_are_kept_where_a_library_takes_them_for_zero(tmp_path):
    torch = pytest.importorskip("torch")
    assert torch.set_flush_denormal(True)
    try:
        test_constants_read_back_to_the_same_bits(tmp_path)
    finally:
        torch.set_flush_denormal(False)


# ------------------------------------------------------------------------------------------------ control
def _fibonacci(x):
    state = (0, ops.zeros_like(x), ops.ones_like(x))
    return ops.while_loop(lambda i, a, b: i < 9, lambda i, a, b: (i + 1, b, a + b), state)


def _swapped(x):
    return ops.fori_loop(0, 3, lambda i, s: (s[1], s[0]), (x, x + 1))


def _branches(x):
    return ops.cond(ops.sum(x) > 0, lambda: (x, x * 2), lambda: (x - 1, x))


def _captured(x):
    """What a loop reads at the begin of each step is not written over in the rest of it."""
    fixed = ops.exp(ops.matmul(ops.transpose(x), x) / 9)
    return ops.fori_loop(0, 3, lambda i, s: ops.tanh(ops.matmul(ops.matmul(fixed, s) / 9, s)), ops.ones_like(fixed))


def _nested(x):
    def step(total, row):
        inner, sums = ops.scan(lambda c, v: (c + v * ops.sum(total), c), ops.sum(row), row)
        return ops.cond(inner > 0, lambda: total + row, lambda: total - row), (inner, sums)

    return ops.scan(step, ops.zeros_like(x[0]), x, reverse=True)


@pytest.mark.parametrize("function", [_fibonacci, _swapped, _branches, _captured, _nested], ids=lambda f: f.__name__)
def test_loops_and_branches(function, tmp_path):
    for sign in (1, -1):
        x = sign * np.random.default_rng(0).uniform(0.1, 1, (3, 4)).astype("float32")
        checked(function, [x], tmp_path)


# -------------------------------------------------------------------------------------------------- models
@pytest.mark.parametrize("name", sorted(MODELS))
def test_models_are_clean_under_every_warning_and_sanitizer(name, tmp_path):
    model, x, _ = trained(name)
    endpoint, arrays = of_model(model, amalthea.tree.map_structure(lambda a: a[:2], x), rows=2)
    arrays = [np.asarray(a, t.dtype) for a, t in zip(arrays, endpoint.graph.inputs)]
    made = placed(endpoint, tmp_path)
    expected = [
        np.asarray(a)
        for a in amalthea.tree.flatten(model.predict(amalthea.tree.map_structure(lambda a: a[:2], x), verbose=0))
    ]
    found = compared(expected, computed(endpoint, arrays, tmp_path))
    assert found.difference <= 2e-6 * max(found.scale, 1)
    run([*STRICT, "-O2", "-c", "net.c"], cwd=tmp_path)
    needed = set(SYMBOL.findall(run(["nm", "net.o"], cwd=tmp_path).decode()))
    assert needed <= MATH | {f"{n}f" for n in MATH}
    assert "malloc" not in made.source
    for buffer in made.arena:
        width = buffer.bytes // max(buffer.size, 1)
        assert 0 <= buffer.offset <= made.arena_bytes - buffer.bytes and buffer.offset % width == 0
    for i, a in enumerate(made.arena):  # what is needed at the same time lies apart
        for b in made.arena[:i]:
            together = max(a.first, b.first) <= min(a.last, b.last)
            apart = a.offset + a.bytes <= b.offset or b.offset + b.bytes <= a.offset
            over = a.offset == b.offset and (a.first == b.last or b.first == a.last)
            assert not together or apart or over
    assert made.arena_bytes <= 1.3 * memory.peak(made.arena)
    assert (
        f"ARENA_BYTES {made.arena_bytes}\n" in made.header
        and f"bytes[{made.arena_bytes}]" in made.source
        or not made.arena
    )


PROGRAM = """
#include <stdio.h>
#include "digits.h"

int main(void)
{
    float pixels[DIGITS_SERVE_PIXELS_SIZE], scores[DIGITS_SERVE_SCORES_SIZE];
    for (int i = 0; i < DIGITS_SERVE_PIXELS_SIZE; i++)
        pixels[i] = (float)i / 16;
    digits_serve(pixels, scores);
    for (int i = 0; i < DIGITS_SERVE_SCORES_SIZE; i++)
        printf("%.9g\\n", scores[i]);
    return 0;
}
"""


def small():
    amalthea.utils.set_random_seed(3)
    return Sequential(
        [
            Input((8, 8, 1), name="pixels"), layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(),
            layers.Flatten(), layers.Dense(10, activation="softmax", name="scores"),
        ]
    )  # fmt: skip


@pytest.mark.parametrize("compiler", ["cc", "c++"])
def test_a_program_includes_the_header(compiler, tmp_path, capsys):
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    model = small()
    model.export(tmp_path / "digits.c", batch_size=1)
    assert re.search(r"\d+ bytes of memory, \d+ bytes of constants", capsys.readouterr().out)
    (tmp_path / "main.c").write_text(PROGRAM)
    run(["cc", "-std=c99", "-O2", "-c", "digits.c"], cwd=tmp_path)
    language = ["-x", "c++"] if compiler == "c++" else ["-std=c99"]
    run(
        [compiler, *language, "-Wall", "-Werror", "main.c", "-x", "none", "digits.o", "-lm", "-o", "main"], cwd=tmp_path
    )
    got = [float(line) for line in run([str(tmp_path / "main")]).split()]
    x = np.arange(64, dtype="float32").reshape(1, 8, 8, 1) / 16
    np.testing.assert_allclose([got], model.predict(x, verbose=0), rtol=1e-5, atol=1e-7)


def test_a_call_leaves_nothing_to_the_next(tmp_path):
    model = small()
    model.export(tmp_path / "m.c", batch_size=1, verbose=False)
    call = targets.target("c").runner(str(tmp_path / "m.c"))
    x, y = np.random.default_rng(0).normal(size=(2, 1, 8, 8, 1)).astype("float32")
    first, _, again = (call({"pixels": a})["scores"] for a in (x, y, x))
    assert np.array_equal(first, again) and not np.array_equal(first, call({"pixels": y})["scores"])


def test_one_row_is_called_for_each(tmp_path):
    model = small()
    model.export(tmp_path / "m.c", batch_size=1, verbose=False)
    assert export.check_export(model, tmp_path / "m.c", rows=5).difference < 1e-6
    call = targets.target("c").runner(str(tmp_path / "m.c"))
    for shape in ((1, 8, 8), (2, 8, 7, 1), (0, 8, 8, 1)):
        with pytest.raises(ArgumentError, match="sizes of the file"):
            call({"pixels": np.zeros(shape, "float32")})


def test_weights_of_8_bits_take_a_quarter(tmp_path):
    model = small()
    for dtype in ("float32", "int8"):
        model.export(tmp_path / f"{dtype}.c", batch_size=1, dtype=dtype, verbose=False)
    sizes = [
        int(re.findall(r"CONSTANT_BYTES (\d+)", (tmp_path / f"{d}.h").read_text())[0]) for d in ("float32", "int8")
    ]
    assert sizes[1] < 0.35 * sizes[0]
    found = export.check_export(model, tmp_path / "int8.c")
    assert 0 < found.difference < 0.02 * found.scale


# --------------------------------------------------------------------------------------------------- names
NAMES = [
    'x"; system("true"); //', "a*/ int main(void) { return 1; } /*", "line\nbreak\\", "float", "été", "", "3d", "t0",
    "w0", "arena", "expf", "memcpy", "INFINITY", "i0", "in0", "out0", "??/", "serve", "net_serve", "SIZE", "a_size",
    "A_SIZE",     "x" * 300, "\ud800", "int", "uint8_t",
]  # fmt: skip


def test_no_name_makes_code(tmp_path):
    specs = [Spec(name, (2, 3), "float32") for name in NAMES]

    def total(*xs):
        return [ops.exp(x) * (i + 1) for i, x in enumerate(xs)] + [ops.tanh(sum(xs))]

    endpoint = traced("serve", total, specs, [*reversed(NAMES), "float"])
    placed(endpoint, tmp_path)
    arrays = [np.full((2, 3), i / 9, "float32") for i in range(len(NAMES))]
    got = computed(endpoint, arrays, tmp_path)
    np.testing.assert_allclose(got[3], np.exp(arrays[3]) * 4, rtol=1e-6)
    text = (tmp_path / "net.h").read_text() + (tmp_path / "net.c").read_text()
    assert text.isascii() and 'system("' not in text and "int main(" not in text and "??/" not in text


@pytest.mark.parametrize(
    "name", ["net.c", "a b.c", 'a".c', "a\nb.c", "-o.c", "float.c", "3.c", "é.c", "$(true).c", ".c", "a.b.c"]
)
def test_any_file_name(name, tmp_path):
    model = Sequential([Input((2,)), layers.Dense(1)])
    path = tmp_path / name
    model.export(path, "c", batch_size=1, verbose=False)
    assert len(os.listdir(tmp_path)) == 2
    assert export.check_export(model, path, "c").difference < 1e-6


# -------------------------------------------------------------------------------------------------- edges
def test_arrays_without_elements(tmp_path):
    def function(x, y):
        empty = [x, ops.exp(x), ops.concatenate([x, y]), ops.pad(x, [[1, 1], [0, 0]]), ops.matmul(ops.transpose(x), x)]
        return [*empty, ops.sum(x, axis=0), ops.mean(y), ops.zeros((0, 2)), ops.cumsum(x)]

    checked(function, [np.zeros((0, 3), "float32"), np.ones((2, 3), "float32")], tmp_path)


def test_indices_out_of_range_stay_inside_the_array(tmp_path):
    table = np.arange(12, dtype="float32").reshape(4, 3)
    wild = np.array([0, 3, -1, -4, 4, 99, -99, 2**31 - 1, -(2**31)], "int32")
    endpoint = traced(
        "serve",
        lambda i: [TABLE["gather"](table, i, axis=0), TABLE["scatter_add"](table, i, ops.ones((9, 3)), axis=0)],
        [Spec("i", wild.shape, "int32")],
    )
    placed(endpoint, tmp_path)
    rows, _ = computed(endpoint, [wild], tmp_path)
    assert rows[:, 0].tolist() == [0, 9, 9, 0, 9, 9, 0, 9, 0]


def test_a_result_that_is_an_input_a_constant_or_another_result(tmp_path):
    def function(x):
        y = ops.exp(x)
        return [x, y, y, ops.reshape(y, (6,)), np.ones((2, 2), "int32"), ops.transpose(y), ops.reshape(x, (3, 2))]

    checked(function, [np.ones((2, 3), "float32")], tmp_path)


def test_an_input_that_is_not_read(tmp_path):
    checked(lambda x, y: ops.zeros((2,)), [np.ones((2, 3), "float32"), np.ones((1,), "bool")], tmp_path)


def test_sizes_are_asked_for(tmp_path):
    with pytest.raises(ExportError, match="all sizes") as caught:
        small().export(tmp_path / "m.c")
    assert "batch_size=1" in str(caught.value) and os.listdir(tmp_path) == []


def test_a_dtype_that_c_does_not_have_leaves_nothing(tmp_path):
    archive = export.ExportArchive(format="c")
    archive.add_endpoint("serve", lambda x: ops.reshape(x, (2,)), [InputSpec(shape=(1, 2), dtype="complex64")])
    with pytest.raises(ExportError, match="no such dtype"):
        archive.write_out(tmp_path / "m.c")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("folder", ["net.h", "net.c"])
def test_both_files_are_written_or_none(folder, tmp_path):
    (tmp_path / folder).mkdir()
    with pytest.raises(ArgumentError, match="is a folder"):
        small().export(tmp_path / "net.c", batch_size=1)
    assert os.listdir(tmp_path) == [folder]


@pytest.mark.parametrize("ending", [".c", ".h"])
def test_a_file_that_cannot_be_written_leaves_none(ending, tmp_path, monkeypatch):
    def failing(path, *args):
        if str(path).endswith(ending):
            raise OSError("The disk is full")
        return whole(path, *args)

    whole = amalthea.writing.whole_file
    monkeypatch.setattr(amalthea.writing, "whole_file", failing)
    with pytest.raises(OSError):
        small().export(tmp_path / "net.c", batch_size=1)
    assert os.listdir(tmp_path) == []


def test_arrays_fill_the_gaps_of_the_arena():
    def lived(size, first, last):
        made = memory.Buffer("t", "float32", size)
        made.first, made.last = first, last
        return made

    arrays = [lived(8, 0, 2), lived(8, 1, 5), lived(4, 3, 5), lived(4, 4, 5), lived(1, 5, 5)]
    assert memory.planned(arrays) == memory.peak(arrays) == 4 * 17
    assert [x.offset for x in arrays] == [0, 32, 0, 16, 64]


def test_a_check_asks_for_a_compiler(tmp_path, monkeypatch):
    model = small()
    model.export(tmp_path / "m.c", batch_size=1, verbose=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not targets.executed_here("c")
    with pytest.raises(MissingLibraryError, match="needs the program 'cc'"):
        export.check_export(model, tmp_path / "m.c")


def test_an_archive_names_the_function(tmp_path):
    archive = export.ExportArchive(format="c")
    archive.add_endpoint("best of", lambda x: {"class": ops.argmax(x, -1)}, [InputSpec(shape=(1, 4), name="rows")])
    archive.write_out(tmp_path / "m.c", verbose=False)
    assert "void m_best_of(const float *rows, int32_t *class_);" in (tmp_path / "m.h").read_text()
