"""The house itself: import order, circles, size of a page, cost of an import, exports, names of backends."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import amalthea
from amalthea import house
from amalthea.engine import backends

PACKAGE = Path(amalthea.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
ORDER = [room.name for room in house.ROOMS]
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))


def module_of(path: Path) -> str:
    parts = ("amalthea", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def room_of(module: str) -> str | None:
    """The room that a module belongs to; None for the front door and the folders that only hold rooms."""
    inside = module.removeprefix("amalthea").removeprefix(".")
    found = [room for room in ORDER if inside == room or inside.startswith(f"{room}.")]
    return max(found, key=len, default=None)


def imports(path: Path) -> tuple[set[str], set[str]]:
    """The modules of the package that a file imports when it is imported, and those that functions import later."""
    tree = ast.parse(path.read_text())
    top = {id(node) for node in _at_import(tree.body)}
    found: tuple[set[str], set[str]] = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found[id(node) not in top].update(_modules(node))
    return found


def _at_import(body: list[ast.stmt]):
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        for part in ("body", "orelse", "handlers", "finalbody"):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield from _at_import(getattr(node, part, []))


def _modules(node: ast.Import | ast.ImportFrom) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names if alias.name in MODULES}
    names = {f"{node.module}.{alias.name}" for alias in node.names}
    return {name if name in MODULES else name.rpartition(".")[0] for name in names} & set(MODULES)


def test_every_file_is_in_a_room_of_the_list():
    doors = {"amalthea", "amalthea.__main__", "amalthea.engine"}
    assert [m for m in MODULES if room_of(m) is None] == sorted(doors & set(MODULES))
    assert [room for room in ORDER if f"amalthea.{room}" not in MODULES] == []


@every_file
def test_a_file_imports_only_from_rooms_above_its_own(path):
    room = room_of(module_of(path))
    if room is None:
        return
    now, later = imports(path)
    for other in map(room_of, now | later):
        assert (
            other is None
            or ORDER.index(other) <= ORDER.index(room)
            or ((room, other) in house.LATE and other not in map(room_of, now))
        ), f"{room} imports {other}"


def test_no_files_import_each_other_in_a_circle():
    """Late imports count too, but for those whose reason is written down."""
    edges: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        now, later = imports(path)
        late = {other for other in later if (room_of(module), room_of(other)) not in house.LATE}
        edges[module] = (now | late) - {module, "amalthea"}
    assert circle(edges) == []


def circle(edges: dict[str, set[str]]) -> list[str]:
    """The modules of one circle, if there is one."""
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> list[str]:
        if module in way:
            return way[way.index(module) :]
        if module not in done:
            for other in sorted(edges.get(module, ())):
                found = walk(other, [*way, module])
                if found:
                    return found
            done.add(module)
        return []

    return next((found for module in edges if (found := walk(module, []))), [])


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_a_backend_does_not_import_the_inside_of_another():
    """What two of them share is a room of its own: the files directly in ``backends``, and ``onnx``."""
    for module, path in MODULES.items():
        own = module.removeprefix("amalthea.engine.backends.").split(".")[0]
        if own not in backends.KNOWN:
            continue
        for other in set.union(*imports(path)):
            theirs = other.removeprefix("amalthea.engine.backends.").split(".")[0]
            assert theirs not in set(backends.KNOWN) - {own}, f"{module} imports {other}"


@pytest.mark.parametrize("room", ["layers", "optimizers", "models", "losses", "metrics", "training"])
def test_users_words_are_written_in_ops_and_not_in_primitives(room):
    for module, path in MODULES.items():
        if room_of(module) == room:
            found = {other for other in set.union(*imports(path)) if room_of(other) == "engine.primitives"}
            assert found == set(), module


CHOOSERS = ("models.model", "testing.backends", "testing.primitives", "testing.programs", "training.state")


@every_file
def test_work_of_the_librarys_own_is_not_announced(path):
    """`use_backend` tells a person what was chosen; the library itself computes with `computing_with`."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    named = {getattr(function, "attr", getattr(function, "id", "")) for function in calls}
    assert "use_backend" not in named or module_of(path).removeprefix("amalthea.") in CHOOSERS


def test_the_map_is_the_list():
    for room in house.ROOMS:
        assert room.name in amalthea.__doc__ and room.line in amalthea.__doc__
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text()
    assert house.table() in page, "write the table of house.table() into docs/architecture.md"


@every_file
def test_no_file_is_longer_than_600_lines(path):
    assert len(path.read_text().splitlines()) <= 600


@every_file
def test_no_function_is_longer_than_fifty_lines_of_code(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            doc = ast.get_docstring(node)
            first = node.body[1] if doc and len(node.body) > 1 else node.body[0]
            assert node.end_lineno - first.lineno < 50, f"{node.name} in {path.name}"


def test_backends_are_named_in_their_own_room_alone():
    names = set(backends.KNOWN) - {"numpy"}
    for module, path in MODULES.items():
        if room_of(module) in (None, "engine.backends", "export", "cli") or ".layers.native." in module:
            continue
        # Files of Keras 2 name the library that wrote them, and scripts import it.
        if module in ("amalthea.saving.old_h5", "amalthea.compat.tensorflow"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value not in names, f"{path.name} names {node.value}"


def test_importing_loads_nothing_heavy():
    heavy = "numpy onnx onnxruntime h5py rich urllib.request amalthea.layers"
    code = f"import sys, amalthea; print([m for m in {heavy.split()!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("room", [room for room in ORDER if room not in ("cli", "testing")])
def test_any_room_can_be_entered_first(room):
    subprocess.run([sys.executable, "-c", f"import amalthea.{room}"], check=True, capture_output=True)


def test_every_export_of_the_package_exists():
    for name in amalthea.__all__:
        assert getattr(amalthea, name) is not None, name


def defined_in(path: Path) -> set[str]:
    """The functions, classes and methods of a file, methods with their class."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found.update(f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef))
    return found


def test_the_way_of_a_batch_names_functions_that_exist():
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text()
    named = re.findall(r"^ *([\w/]+\.py): ([\w.]+)", page, re.MULTILINE)
    missing = [f"{file}: {name}" for file, name in named if name not in defined_in(PACKAGE / file)]
    assert len(named) > 30 and missing == []


ROOT = PACKAGE.parent
TEXTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *PACKAGE.rglob("*.md"), *FILES]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_text_names_exist(path):
    """A name such as `passes/gradient.py`, in docs, docstrings and comments, is the end of some file's path."""
    known = [
        f"/{file.relative_to(ROOT)}"
        for room in ("amalthea", "tests", "benchmarks")
        for file in ROOT.glob(f"{room}/**/*.py")
    ]
    named = re.findall(r"`((?:\w+/)*\w+\.py)", path.read_text())
    assert [name for name in named if not any(file.endswith(f"/{name}") for file in known)] == []
