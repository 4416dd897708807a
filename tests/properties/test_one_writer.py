"""No code of the package writes files but through the one writer."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import amalthea

PACKAGE = Path(amalthea.__file__).parent
# (file, call): why it may write by itself
ALONE = {
    ("callbacks/csv_logger.py", "open"): "a table grows row by row, each of them flushed",
    ("callbacks/csv_logger.py", "truncate"): "rows of epochs that are run again are cut off",
    (
        "saving/assets.py",
        "TemporaryDirectory",
    ): "a layer reads and writes its files in a folder that is gone afterwards",
    ("export/onnx_precision.py", "TemporaryDirectory"): "the tool that quantizes reads and writes files",
    ("export/c/target.py", "TemporaryDirectory"): "the compiler writes the library that a check loads",
    ("export/openvino.py", "TemporaryDirectory"): "the library writes files alone",
    ("export/coreml/target.py", "TemporaryDirectory"): "the library writes files alone",
    ("distribution/ray.py", "TemporaryDirectory"): "a checkpoint of Ray's is a folder",
    ("distribution/workers.py", "TemporaryDirectory"): "models are read and written as files",
    ("serve/supervisor.py", "TemporaryDirectory"): "the library of metrics adds up workers by files",
    ("serve/worker.py", "fdopen"): "a worker tells its supervisor by a pipe",
}
_ALWAYS = {
    "write_text", "write_bytes", "touch", "tofile", "savez", "savez_compressed", "savetxt", "mkstemp", "mkdtemp",
    "NamedTemporaryFile", "TemporaryDirectory", "replace", "rename", "renames", "copyfile", "copy2", "move", "truncate",
    "symlink", "symlink_to", "hardlink_to", "link",
}  # fmt: skip
_INTO_MEMORY = {"memory", "packed", "written", "whole"}  # open files that were not opened by a path


def _modes(call):
    """The mode that a call opens with: its second argument, or (of a method) its first, or by name."""
    values = [*call.args[:2], *(k.value for k in call.keywords if k.arg == "mode")]
    return [v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str)] + [
        c.value for v in values if isinstance(v, ast.IfExp) for c in (v.body, v.orelse) if isinstance(c, ast.Constant)
    ]


def _writes(call):
    """The name of a call that writes a file, or None."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    owner = getattr(call.func, "value", None)
    owner = getattr(owner, "id", getattr(owner, "attr", ""))
    if name in _ALWAYS:
        on_system = owner in ("os", "shutil", "tempfile", "np", "path", "file") or name not in (
            "replace",
            "link",
            "move",
        )
        return name if on_system else None
    if name in ("save", "dump") and owner in ("np", "json", "pickle"):
        return None if getattr(call.args[0], "id", "") in _INTO_MEMORY else name
    if name in ("open", "fdopen", "File", "ZipFile") and any(set(m) & set("wax+") and len(m) < 4 for m in _modes(call)):
        in_archive = owner == "archive"  # a member of a zip file that is written as a whole
        return None if in_archive or (call.args and getattr(call.args[0], "id", "") in _INTO_MEMORY) else name
    return None


def writers(source):
    return {found for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and (found := _writes(node))}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nobody_writes_but_the_one_function(path):
    name = str(path.relative_to(PACKAGE))
    if name != "writing.py":
        assert {(name, call) for call in writers(path.read_text())} <= ALONE.keys()


@pytest.mark.parametrize(
    "line",
    [
        "open(path, 'w')", "open(path, mode='ab')", "path.open('x')", "os.fdopen(handle, 'wb')",
        "path.write_bytes(b'')",
        "os.replace(a, b)", "path.rename(b)", "h5py.File(path, 'w')", "zipfile.ZipFile(file, 'w')", "np.save(path, x)",
        "open(p, 'a' if append else 'w')", "json.dump(x, file)", "tempfile.mkstemp()", "array.tofile(path)",
    ],
)  # fmt: skip
def test_a_writer_is_found(line):
    assert writers(line)


def test_a_call_that_only_reads_is_not_taken_for_a_writer():
    assert not writers("open(path); path.open('rb'); h5py.File(memory, 'w'); text.replace('a', 'b'); np.load(path)")
