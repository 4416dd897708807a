"""The first pass over a script: its calls and its names. Imports are the second (:mod:`.imports`)."""

from __future__ import annotations

from typing import Any

import libcst as cst
from libcst import metadata

from amalthea.compat.upgrading import methods
from amalthea.compat.upgrading.calls import todays
from amalthea.compat.upgrading.homes import Home, address_of, home
from amalthea.compat.upgrading.imports import Imports, code
from amalthea.errors import ArgumentError


class Rewriter(cst.CSTTransformer):
    """Rewrites the calls and names of a script.

    Args:
        imports: Imports of the script; it learns which names are needed.
    """

    METADATA_DEPENDENCIES = (metadata.QualifiedNameProvider, metadata.PositionProvider, metadata.ParentNodeProvider)

    def __init__(self, imports: Imports):
        self.imports = imports
        self.notes: list[str] = []

    def note(self, node: cst.CSTNode, text: str) -> None:
        """Keeps a line on what was left as it is."""
        position: Any = self.get_metadata(metadata.PositionProvider, node)
        self.notes.append(f"line {position.start.line}: {text}")

    def visit_Import(self, node: cst.Import) -> bool:
        """Imports are left to the second pass."""
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        """Imports are left to the second pass."""
        return False

    def _home(self, node: cst.CSTNode) -> Home | None:
        """The home of a name of Keras; None for any other."""
        for qualified in self.get_metadata(metadata.QualifiedNameProvider, node, set()):
            if qualified.source is metadata.QualifiedNameSource.IMPORT:
                address = address_of(qualified.name)
                return home(address) if address is not None else None
        if isinstance(node, cst.Name):
            return self.imports.by_star(node.value)
        return None

    # ------------------------------------------------------------------------------------- calls

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        """A class or function of Keras, or a method of a model."""
        is_named = isinstance(original_node.func, (cst.Name, cst.Attribute))
        old = self._home(original_node.func) if is_named else None
        if old is None:
            return methods.todays_method(self, original_node, updated_node)
        if old.old in ("merge", "Merge"):
            return self._merge(original_node, updated_node)
        if old.name == "Input" and any(
            a.keyword is not None and a.keyword.value == "tensor" for a in updated_node.args
        ):
            return updated_node.with_changes(func=self._reached(original_node.func, "compat.inputs", "Input"))
        if not old.kind:
            return methods.todays_function(old.name, updated_node)
        return self._class(old, original_node, updated_node)

    def _class(self, old: Home, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        """A call of a class, by today's name and arguments; as it is, with a note, where they cannot be told."""
        try:
            made = todays(old, updated_node.args, self.imports.reach)
        except (ArgumentError, TypeError, ValueError) as error:
            self.note(original_node, f"{old.old} is left as it is: {str(error).splitlines()[0]}")
            return updated_node
        if made is None:
            self.note(original_node, f"{old.old} is left as it is: its arguments are not known before it runs")
            return updated_node
        func = self._reached(original_node.func, made.room, made.name)
        return updated_node.with_changes(func=func, args=made.arguments)

    def _merge(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        """``merge(inputs, mode=...)`` as a layer of today that is called."""
        name = code(original_node.func).rpartition(".")[2]
        made = methods.merged(updated_node) if name == "merge" else None
        if made is None:
            self.note(original_node, f"{name} is left as it is")
            return updated_node.with_changes(func=self._reached(original_node.func, "compat.merging", name))
        name, arguments, inputs = made
        return cst.Call(cst.Call(self._reached(original_node.func, "layers", name), arguments), [cst.Arg(inputs)])

    def optimizer(self, node: cst.SimpleString) -> cst.BaseExpression:
        """An optimizer by its name, with the defaults of the era."""
        found = home(f"optimizers.{node.evaluated_value}")
        if found is None or found.kind != "optimizer":
            found = home(f"optimizers.{str(node.evaluated_value).capitalize()}")
        known = {"sgd": "SGD", "rmsprop": "RMSprop"}
        found = found or home(f"optimizers.{known.get(str(node.evaluated_value), '')}")
        if found is None:
            return node
        made = todays(found, [], lambda room, name: name)
        if made is None or not made.arguments:
            return node
        return cst.Call(cst.parse_expression(self.imports.reach(made.room, made.name)), made.arguments)

    # ------------------------------------------------------------------------------------- names

    def _reached(self, original: cst.BaseExpression, room: str, name: str) -> cst.BaseExpression:
        """The expression for a name of today for the one of old."""
        if isinstance(original, cst.Name):
            return cst.parse_expression(self.imports.by_name(original.value, room, name))
        assert isinstance(original, cst.Attribute)
        base: cst.BaseExpression = original.value
        while isinstance(base, cst.Attribute) and self._home(base) != Home("", ""):
            base = base.value
        local, at = self.imports.module(code(base))
        below = room[len(at) + 1 :] if at and room.startswith(f"{at}.") else ("" if room == at else room)
        if at and room != at and not room.startswith(f"{at}."):  # a name that lives elsewhere today
            return cst.parse_expression(self.imports.by_name(name, room, name))
        return cst.parse_expression(".".join(part for part in (local, below, name) if part))

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        """``keras.layers.core.Dense`` that is not called."""
        parent = self.get_metadata(metadata.ParentNodeProvider, original_node)
        found = self._home(original_node)
        if found is None or not found.name or isinstance(parent, cst.Attribute):
            return updated_node
        if isinstance(parent, cst.Call) and parent.func is original_node and found.kind:
            return updated_node
        return self._reached(original_node, found.room, found.name)

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        """A class that is not called, such as ``isinstance(layer, Convolution2D)``."""
        parent = self.get_metadata(metadata.ParentNodeProvider, original_node)
        if (
            isinstance(parent, (cst.Attribute, cst.Param, cst.Arg))
            and getattr(parent, "value", None) is not original_node
        ):
            return updated_node
        if isinstance(parent, cst.Call) and parent.func is original_node:
            return updated_node
        found = self._home(original_node)
        if found is None or not found.kind or found.name == original_node.value or found.old in ("merge", "Merge"):
            return updated_node
        return cst.parse_expression(self.imports.by_name(original_node.value, found.room, found.name))

    def leave_Subscript(self, original_node: cst.Subscript, updated_node: cst.Subscript) -> cst.BaseExpression:
        """``history["acc"]``, which is ``"accuracy"`` today."""
        return methods.todays_key(updated_node)


def rewritten(source: str, imports: Imports) -> tuple[cst.Module, list[str]]:
    """A script with its calls and names of today, and what was left as it is."""
    wrapper: Any = metadata.MetadataWrapper(cst.parse_module(source))
    rewriter = Rewriter(imports)
    return wrapper.visit(rewriter), rewriter.notes
