"""The house itself: which room may import from which, how large a page is, what an import costs, what is exported."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import amalthea

PACKAGE = Path(amalthea.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
# Rooms in import order: one may import from those before it, and from itself.
ROOMS = (
    "errors checks writing dtypes snapshots alignment config shapes tree loading configurable lambdas versions tensor "
    "history masks primitives graph backends distribution ops stateless random dtype_policies initializers "
    "regularizers constraints activations losses metrics optimizers layers data callbacks training models saving "
    "utils datasets backend testing cli"
).split()
# Imports against the order, that happen inside a function when it is called, each with its reason.
LATE = {
    ("config", "backends"): "Keras asks its config for the backend, and sets it there",
    ("tensor", "primitives"): "reading a variable in another dtype computes a cast",
    ("models", "saving"): "model.save and model.to_json are words of the model",
    ("training", "saving"): "a compiled model is read from a file",
}


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0] if parts[0] != "__init__" else "the front door"


def imports(path: Path, late: bool) -> set[str]:
    """The rooms that a file imports from: at its top, or (``late``) inside functions."""
    tree = ast.parse(path.read_text())
    top = {id(node) for node in _top_level(tree)}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and (id(node) in top) != late:
            found |= _rooms(node)
    return found


def _top_level(tree: ast.Module):
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield from [node] if isinstance(node, (ast.Import, ast.ImportFrom)) else []


def _rooms(node: ast.Import | ast.ImportFrom) -> set[str]:
    if isinstance(node, ast.Import):
        names = [alias.name.split(".") for alias in node.names]
    elif node.module == "amalthea":
        names = [["amalthea", alias.name] for alias in node.names]
    else:
        names = [(node.module or "").split(".")]
    return {name[1] for name in names if name[0] == "amalthea" and len(name) > 1}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_only_from_rooms_above_it(path):
    room = room_of(path)
    if room not in ROOMS:
        return
    for other in imports(path, late=False):
        assert other not in ROOMS or ROOMS.index(other) <= ROOMS.index(room), f"{room} imports {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_an_import_against_the_order_has_a_reason(path):
    room = room_of(path)
    if room not in ROOMS:
        return
    for other in imports(path, late=True):
        below = other in ROOMS and ROOMS.index(other) > ROOMS.index(room)
        assert not below or (room, other) in LATE, f"{room} imports {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_page_is_a_page(path):
    assert len(path.read_text().splitlines()) <= 600


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_function_is_longer_than_fifty_lines_of_code(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            doc = ast.get_docstring(node)
            first = node.body[1] if doc and len(node.body) > 1 else node.body[0]
            assert node.end_lineno - first.lineno < 50, f"{node.name} in {path.name}"


def test_backends_are_named_in_their_own_room_alone():
    names = set(amalthea.backends.KNOWN) - {"numpy"}
    for path in FILES:
        if room_of(path) in ("backends", "the front door", "cli") or path.parts[-3:-1] == ("layers", "native"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value not in names, f"{path.name} names {node.value}"


def test_importing_loads_nothing_heavy():
    heavy = "onnx onnxruntime h5py rich urllib.request amalthea.layers"
    code = f"import sys, amalthea; print([m for m in {heavy.split()!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in ("cli", "testing")])
def test_any_room_can_be_entered_first(room):
    subprocess.run([sys.executable, "-c", f"import amalthea.{room}"], check=True, capture_output=True)


def test_what_the_front_door_promises_is_there():
    for name in amalthea.__all__:
        assert getattr(amalthea, name) is not None, name


@pytest.mark.parametrize("module", ["layers", "losses", "metrics", "optimizers", "initializers", "callbacks"])
def test_every_public_class_is_documented(module):
    room = getattr(amalthea, module)
    for name in room.__all__:
        thing = getattr(room, name)
        assert not isinstance(thing, type) or (thing.__doc__ or "").strip(), name
