"""One pass over a script: its imports, its calls and its names, in today's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst
from libcst import metadata

from amalthea.compat.upgrading import methods
from amalthea.compat.upgrading.calls import todays
from amalthea.compat.upgrading.homes import Home, address_of, home
from amalthea.errors import ArgumentError

_MODULE = cst.Module([])


class Rewriter(cst.CSTTransformer):
    """Rewrites one script.

    Args:
        module: str; the package that is imported, ``"amalthea"``.
    """

    METADATA_DEPENDENCIES = (metadata.QualifiedNameProvider, metadata.PositionProvider, metadata.ParentNodeProvider)

    def __init__(self, module: str):
        self.module = module
        self.notes: list[str] = []
        self.bound: set[str] = set()  # every name that the script binds or reads
        self.needed: dict[tuple[str, str], str] = {}  # what has to be imported, and as what
        self.still: set[str] = set()  # names of imports that are read after the rewriting
        self.roots: set[str] = set()  # local names of keras itself

    # ------------------------------------------------------------------------------------- names

    def visit_Module(self, node: cst.Module) -> None:
        """Collects the names of the script."""
        names = _Names()
        node.visit(names)
        self.bound, self.roots = names.found, names.roots

    def place(self, room: str, name: str) -> str:
        """The expression for a name of a room: through ``keras`` if the script imports it, else by an import of its own."""
        if self.roots:
            return ".".join(part for part in (min(self.roots), room, name) if part)
        key = (room, name)
        if key not in self.needed:
            taken = self.bound | set(self.needed.values())
            self.needed[key] = name if name not in taken or self._is_ours(name, key) else f"keras_{name}"
        return self.needed[key]

    def _is_ours(self, name: str, key: tuple[str, str]) -> bool:
        """Whether a name of the script is an import of the same thing."""
        return self.imported.get(name) == key

    def _homes(self, node: cst.CSTNode) -> tuple[str, Home] | None:
        """The address of a name of Keras and its home."""
        for qualified in self.get_metadata(metadata.QualifiedNameProvider, node, set()):
            if qualified.source is not metadata.QualifiedNameSource.IMPORT:
                continue
            address = address_of(qualified.name)
            found = home(address) if address is not None else None
            if found is not None:
                return str(address), found
        return None

    def note(self, node: cst.CSTNode, text: str) -> None:
        """Keeps a line on what was left as it is."""
        line = self.get_metadata(metadata.PositionProvider, node).start.line
        self.notes.append(f"line {line}: {text}")

    # ------------------------------------------------------------------------------------- calls

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        """A class of Keras, or a method of a model."""
        found = self._homes(original_node.func)
        if found is None:
            return methods.todays(self, original_node, updated_node)
        _, old = found
        if old.old == "merge" or old.old == "Merge":
            return self._merge(original_node, updated_node)
        if not old.kind:
            return updated_node
        try:
            made = todays(old, updated_node.args, self.place)
        except (ArgumentError, TypeError, ValueError) as error:
            self.note(original_node, f"{old.old} is left as it is: {str(error).splitlines()[0]}")
            return updated_node
        if made is None:
            self.note(original_node, f"{old.old} is left as it is: its arguments are not known here")
            return updated_node
        func = self._reached(original_node.func, updated_node.func, made.room, made.name)
        return updated_node.with_changes(func=func, args=made.arguments)

    def _merge(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        """``merge(inputs, mode=...)`` as a layer of today that is called."""
        made = methods.merged(updated_node)
        if made is None:
            self.note(original_node, "a merge that begins a Sequential, or by a function, is left as it is")
            return updated_node
        name, argument, inputs = made
        func = self._reached(original_node.func, updated_node.func, "layers", name)
        return cst.Call(cst.Call(func, [argument] if argument else []), [cst.Arg(inputs)])

    def _reached(self, original: cst.BaseExpression, updated: cst.BaseExpression, room: str, name: str) -> Any:
        """The expression for a class of today in the place of one of old."""
        if isinstance(original, cst.Attribute):
            return self._attribute(original, room, name)
        local = _MODULE.code_for_node(updated)
        if self.imported.get(local) == (room, name):
            return updated
        return cst.parse_expression(self.place_by_name(room, name, local))

    def place_by_name(self, room: str, name: str, local: str) -> str:
        """A name that is imported from its room, whether or not the script imports ``keras``."""
        roots, self.roots = self.roots, set()
        try:
            return self.place(room, name)
        finally:
            self.roots = roots

    def _attribute(self, original: cst.Attribute, room: str, name: str) -> cst.BaseExpression:
        base = original
        while isinstance(base, cst.Attribute):
            found = self._homes(base.value)
            if found is not None and found[1] == Home("", "") and isinstance(base.value, (cst.Name, cst.Attribute)):
                root = self._root(base.value)
                return cst.parse_expression(".".join(part for part in (root, room, name) if part))
            if found is None or not isinstance(base.value, cst.Attribute):
                break
            base = base.value
        value = original.value
        beyond = room.partition(".")[2]
        text = _MODULE.code_for_node(value)
        return cst.parse_expression(".".join(part for part in (text, beyond, name) if part))

    def _root(self, node: cst.BaseExpression) -> str:
        """``keras``, also for ``tf.keras``, which needs an import then."""
        if isinstance(node, cst.Name):
            return node.value
        self.needed[("", "")] = "keras"
        return "keras"

    # -------------------------------------------------------------------------------- other names

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        """``keras.layers.core.Dense`` that is not called."""
        parent = self.get_metadata(metadata.ParentNodeProvider, original_node)
        if isinstance(parent, (cst.Attribute, cst.ImportAlias, cst.ImportFrom, cst.ImportStar)):
            return updated_node
        found = self._homes(original_node)
        if found is None or isinstance(parent, cst.Call) and parent.func is original_node and found[1].kind:
            return updated_node
        return self._attribute(original_node, found[1].room, found[1].name) if found[1].name else updated_node

    def leave_Subscript(self, original_node: cst.Subscript, updated_node: cst.Subscript) -> cst.BaseExpression:
        """``history["acc"]``, which is ``"accuracy"`` today."""
        return methods.todays_key(updated_node)

    # ----------------------------------------------------------------------------------- imports

    imported: dict[str, tuple[str, str]] = {}

    def leave_Import(self, original_node: cst.Import, updated_node: cst.Import) -> Any:
        """``import keras`` and ``import keras.layers.core as core``."""
        kept, made = [], []
        for alias in updated_node.names:
            address = address_of(_dotted(alias.name))
            if address is None:
                kept.append(alias.with_changes(comma=cst.MaybeSentinel.DEFAULT))
                continue
            found = home(address) if alias.asname else Home("", "")
            local = _MODULE.code_for_node(alias.asname.name) if alias.asname else "keras"  # type: ignore[arg-type]
            if _dotted(alias.name).startswith("tensorflow") and not alias.asname:
                kept.append(alias.with_changes(name=cst.Name("tensorflow"), comma=cst.MaybeSentinel.DEFAULT))
                continue
            made.append(self._import_line(found or Home("", ""), local))
        if not made:
            return updated_node
        lines = [*([updated_node.with_changes(names=kept)] if kept else []), *made]
        return cst.FlattenSentinel(lines)

    def _import_line(self, found: Home, local: str) -> cst.Import:
        full = ".".join(part for part in (self.module, found.room) if part)
        return _statement(f"import {full}" if full == local else f"import {full} as {local}")

    def leave_ImportFrom(self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom) -> Any:
        """``from keras.layers.core import Dense``."""
        module = _dotted(updated_node.module) if updated_node.module is not None else ""
        if updated_node.relative:
            return updated_node
        if module == "tensorflow":
            return self._from_tensorflow(updated_node)
        address = address_of(module)
        if address is None:
            return updated_node
        if isinstance(updated_node.names, cst.ImportStar):
            found = home(address) if address else Home("", "")
            full = ".".join(part for part in (self.module, found.room if found else address) if part)
            return _statement(f"from {full} import *")
        return self._rewritten_from(original_node, address, updated_node.names)

    def _from_tensorflow(self, node: cst.ImportFrom) -> Any:
        names = [] if isinstance(node.names, cst.ImportStar) else list(node.names)
        mine = [alias for alias in names if _dotted(alias.name) == "keras"]
        if not mine:
            return node
        local = _MODULE.code_for_node(mine[0].asname.name) if mine[0].asname else "keras"  # type: ignore[arg-type]
        rest = [a.with_changes(comma=cst.MaybeSentinel.DEFAULT) for a in names if a not in mine]
        kept = [node.with_changes(names=rest)] if rest else []
        return cst.FlattenSentinel([*kept, self._import_line(Home("", ""), local)])

    def _rewritten_from(self, node: cst.ImportFrom, address: str, names: Sequence[cst.ImportAlias]) -> Any:
        rooms: dict[str, list[str]] = {}
        for alias in names:
            word = _dotted(alias.name)
            local = _MODULE.code_for_node(alias.asname.name) if alias.asname else word  # type: ignore[arg-type]
            found = home(f"{address}.{word}" if address else word)
            if found is None:
                self.note(node, f"{word} of keras.{address} is not known")
                rooms.setdefault(address, []).append(word if local == word else f"{word} as {local}")
                continue
            if local not in self.still and local not in methods.ALWAYS:
                continue
            room, name = (found.room, found.name) if found.name else _split(found.room)
            rooms.setdefault(room, []).append(name if local == name else f"{name} as {local}")
        lines = [_statement(_from_line(self.module, room, words)) for room, words in rooms.items()]
        return cst.FlattenSentinel(lines) if lines else cst.RemoveFromParent()


def _split(room: str) -> tuple[str, str]:
    before, _, last = room.rpartition(".")
    return before, last


def _from_line(module: str, room: str, words: Sequence[str]) -> str:
    return f"from {module}{'.' if room else ''}{room} import {', '.join(sorted(set(words)))}"


def _dotted(node: Any) -> str:
    return _MODULE.code_for_node(node).replace(" ", "")


def _statement(text: str) -> Any:
    line = cst.parse_statement(text)
    assert isinstance(line, cst.SimpleStatementLine)
    return line.body[0]


class _Names(cst.CSTVisitor):
    """Every name of a script, and those of keras itself."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.roots: set[str] = set()

    def visit_Name(self, node: cst.Name) -> None:
        self.found.add(node.value)

    def visit_Import(self, node: cst.Import) -> None:
        for alias in node.names:
            if _dotted(alias.name) in ("keras", "tensorflow.keras") and alias.asname:
                self.roots.add(_dotted(alias.asname.name))
            elif _dotted(alias.name).split(".")[0] == "keras" and not alias.asname:
                self.roots.add("keras")

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        if node.module is not None and _dotted(node.module) == "tensorflow" and not isinstance(node.names, cst.ImportStar):
            self.roots |= {
                _dotted(a.asname.name) if a.asname else "keras" for a in node.names if _dotted(a.name) == "keras"
            }
