"""The imports of a script: what they bind, and their lines of today."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import libcst as cst

from amalthea.compat import addresses, tensorflow
from amalthea.compat.upgrading.homes import Home, address_of, home

_MODULE = cst.Module([])


def code(node: cst.CSTNode) -> str:
    """The text of a node.

    Args:
        node: cst.CSTNode.

    Example:
        >>> code(cst.parse_expression("Dense( 3 )"))
        'Dense( 3 )'
    """
    return _MODULE.code_for_node(node)


class Imports:
    """The names of Keras that a script imports, and those of today that it needs.

    Args:
        module: cst.Module; the script.
        package: str; the package that is imported today.
    """

    def __init__(self, module: cst.Module, package: str):
        self.package = package
        self.modules: dict[str, str] = {}  # local name of a module to its room
        self.names: dict[str, tuple[str, str]] = {}  # local name to room and name of today
        self.stars: list[str] = []  # addresses of which all names are imported
        self.needed: dict[tuple[str, str], str] = {}  # room and name of today to the local name
        found = _Found()
        module.visit(found)
        self.taken, self.read = found.names, found.read
        self.is_binary = "binary_crossentropy" in code(module)
        self.aliases: set[str] = set()  # local names that the script chose
        for node in found.imports:
            for local, address in _bound(node):
                self._learn(local, address)
                if address.rpartition(".")[2] != local:
                    self.aliases.add(local)
        for node in found.imports:
            if isinstance(node, cst.ImportFrom) and isinstance(node.names, cst.ImportStar):
                address = address_of(_module_of(node))
                self.stars += [address] if address is not None else []
        self.of_stars = {found.room for found in map(home, self.stars) if found is not None}
        self.lines = len(self.stars) + sum(bool(list(_bound(node))) for node in found.imports)

    def _learn(self, local: str, address: str) -> None:
        found = home(address)
        if found is None:
            return
        if found.name:
            self.names[local] = (found.room, found.name)
        else:
            self.modules[local] = found.room

    def by_star(self, name: str) -> Home | None:
        """The home of a name that comes by ``from keras.layers import *``."""
        for address in self.stars:
            if name in addresses.names_of(address):
                return home(f"{address}.{name}")
        return None

    def module(self, local: str) -> tuple[str, str]:
        """The name of today for a module, and its room; ``tf.keras`` becomes an import of its own."""
        if local in self.modules:
            return local, self.modules[local]
        return self.reach("", ""), ""

    def reach(self, room: str, name: str) -> str:
        """The expression for a name of a room: through a module that the script imports, or by an import of its own."""
        root = next((local for local, at in self.modules.items() if at == ""), None)
        if root is not None:
            return ".".join(part for part in (root, room, name) if part)
        if not name:
            return self._need("", "", "keras")
        local = next((local for local, at in self.modules.items() if at == room), None)
        return f"{local}.{name}" if local is not None else self._need(room, name, name)

    def by_name(self, local: str, room: str, name: str) -> str:
        """The name under which a class is imported; the one of old if it means the same today."""
        if self.names.get(local) == (room, name) and local in self.aliases:
            return local
        return self._need(room, name, name)

    def _need(self, room: str, name: str, wanted: str) -> str:
        if name and room in self.of_stars and wanted not in self.names and self.by_star(name) is not None:
            return wanted
        if (room, name) not in self.needed:
            own = self.names.get(wanted) == (room, name)
            free = wanted not in self.taken and wanted not in self.needed.values()
            self.needed[room, name] = wanted if own or free else f"keras_{wanted}"
        return self.needed[room, name]

    # -------------------------------------------------------------------------------------- lines

    def rewritten(self, module: cst.Module) -> cst.Module:
        """The script with its imports of today; names that are not read any more are left out."""
        read = _Found()
        module.visit(read)
        still = read.read | {name for name in self.taken if name not in self.read}  # imported for its own sake
        return module.visit(_Lines(self, still))


def _module_of(node: cst.ImportFrom) -> str:
    return code(node.module) if node.module is not None and not node.relative else ""


def _bound(node: cst.Import | cst.ImportFrom) -> Iterator[tuple[str, str]]:
    """The local names of an import of Keras, and the addresses that they stand for."""
    names: Any = node.names
    if isinstance(names, cst.ImportStar):
        return
    for alias in names:
        full, local = code(alias.name), code(alias.asname.name) if alias.asname else ""
        if isinstance(node, cst.ImportFrom):
            module = _module_of(node)
            address = address_of(f"{module}.{full}")
            if address is not None and module:
                yield local or full, address
        elif local and address_of(full) is not None:
            yield local, str(address_of(full))
        elif full.split(".")[0] == "keras":
            yield "keras", ""


class _Found(cst.CSTVisitor):
    """Imports of a script, all its names, and those that are read outside of imports."""

    def __init__(self) -> None:
        self.imports: list[cst.Import | cst.ImportFrom] = []
        self.names: set[str] = set()
        self.read: set[str] = set()

    def visit_Import(self, node: cst.Import) -> bool:
        self._keep(node)
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        self._keep(node)
        return False

    def _keep(self, node: cst.Import | cst.ImportFrom) -> None:
        """Keeps an import, and the local names that it binds."""
        self.imports.append(node)
        if not isinstance(node.names, cst.ImportStar):
            aliases = [(alias.evaluated_alias, alias.evaluated_name) for alias in node.names]
            self.names |= {local or full.split(".")[0] for local, full in aliases}

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        """The word after a point is not a variable."""
        node.value.visit(self)
        return False

    def visit_Arg(self, node: cst.Arg) -> bool:
        """The name of an argument is not a variable."""
        node.value.visit(self)
        return False

    def visit_Name(self, node: cst.Name) -> None:
        self.names.add(node.value)
        self.read.add(node.value)


class _Lines(cst.CSTTransformer):
    """Imports of Keras as lines of today; what is needed beside them stands after the first."""

    def __init__(self, imports: Imports, read: set[str]):
        self.imports, self.read = imports, read
        self.left = {key: local for key, local in imports.needed.items() if local in read}
        self.lines_left = imports.lines

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> Any:
        """A line that imports from Keras as one or several of today."""
        body = updated_node.body
        if len(body) != 1 or not isinstance(body[0], (cst.Import, cst.ImportFrom)):
            return updated_node
        texts = self._texts(body[0])
        if texts is None:
            return updated_node
        lines: list[Any] = [cst.parse_statement(text) for text in texts]
        if not lines:
            return cst.RemoveFromParent()
        lines[0] = lines[0].with_changes(leading_lines=updated_node.leading_lines)
        lines[-1] = lines[-1].with_changes(trailing_whitespace=updated_node.trailing_whitespace)
        return cst.FlattenSentinel(lines)

    def _texts(self, node: cst.Import | cst.ImportFrom) -> list[str] | None:
        """The lines of today for an import; None for one that is not of Keras."""
        names: Any = node.names
        if isinstance(node, cst.ImportFrom) and isinstance(names, cst.ImportStar):
            address = address_of(_module_of(node))
            found = home(address) if address else Home("", "")
            if address is None or found is None:
                return None
            return [f"from {self._full(found.room)} import *", *self._from({})]
        mine = list(_bound(node))
        if not mine:
            is_first = not self.imports.lines and self.left and tensorflow.NAME in code(node)
            return [code(node), *self._from({})] if is_first else None
        kept = self._others(node)
        rooms: dict[str, set[str]] = {}
        plain = []
        for local, address in mine:
            found = home(address)
            if found is None:
                return None
            if local in self.read and not found.name:
                plain.append(self._module_line(found.room, local))
            elif found.name and local in self.read:
                rooms.setdefault(found.room, set()).add(
                    found.name if found.name == local else f"{found.name} as {local}"
                )
        return [*kept, *dict.fromkeys(plain), *self._from(rooms)]

    def _from(self, rooms: dict[str, set[str]]) -> list[str]:
        """Imports of names, with those that are needed from the same rooms; the last import brings all that is left."""
        self.lines_left -= 1
        lines = []
        for key, local in list(self.left.items()):
            room, name = key
            if room not in rooms and self.lines_left > 0:
                continue
            del self.left[key]
            if not name:
                lines.append(f"import {self.imports.package} as {local}")
            elif self.imports.names.get(local) != key:
                rooms.setdefault(room, set()).add(name if name == local else f"{name} as {local}")
        return lines + [f"from {self._full(room)} import {', '.join(sorted(words))}" for room, words in rooms.items()]

    def _others(self, node: cst.Import | cst.ImportFrom) -> list[str]:
        """What a line imports beside Keras, such as ``tensorflow``."""
        names: Any = node.names
        if isinstance(node, cst.ImportFrom):
            return []
        rest = [
            code(a.with_changes(comma=cst.MaybeSentinel.DEFAULT)) for a in names if address_of(code(a.name)) is None
        ]
        return [f"import {', '.join(rest)}"] if rest else []

    def _module_line(self, room: str, local: str) -> str:
        full = self._full(room)
        before, _, last = full.rpartition(".")
        if not before:
            return f"import {full}" if full == local else f"import {full} as {local}"
        return f"from {before} import {last}" if last == local else f"from {before} import {last} as {local}"

    def _full(self, room: str) -> str:
        return ".".join(part for part in (self.imports.package, room) if part)
