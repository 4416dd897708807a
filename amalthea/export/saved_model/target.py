"""The target: a folder with functions, signatures and variables."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from amalthea import writing
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ArgumentError
from amalthea.export.endpoint import Endpoint
from amalthea.export.saved_model.builder import Library
from amalthea.export.saved_model.functions import LOWERINGS, Session, Written, new_meta_graph, written
from amalthea.export.saved_model.objects import Objects
from amalthea.export.targets import Options, Runner, Target, runtime_of
from amalthea.saving import bundle, object_graph, saved_model

DEFAULT = "serving_default"
_OURS = {"saved_model.pb", "keras_metadata.pb", "fingerprint.pb", "variables", "assets", "assets.extra"}
_RESERVED = ("signatures", "variables", "trainable_variables", "non_trainable_variables")


def check_path(path: str) -> None:
    """Raise an error if a path holds anything but a SavedModel."""
    there = set(os.listdir(path)) if os.path.isdir(path) else {""} if os.path.lexists(path) else set()
    if there and ("saved_model.pb" not in there or there - _OURS):
        raise ArgumentError(
            "What is at this path is no SavedModel, and is not replaced.",
            got=f"{path}, with {', '.join(sorted(there)[:4])}" if os.path.isdir(path) else f"{path}, a file",
            cure="another path",
        )


def check_names(endpoints: Sequence[Endpoint], collections: Mapping[str, object]) -> None:
    """Raise an error if two attributes of the loaded object would have one name."""
    names = [*_RESERVED, *(e.name for e in endpoints), *(n for n in collections if n != "variables")]
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        raise ArgumentError(
            "An endpoint or a list of variables cannot have this name, which the loaded object gives to another.",
            expected=f"names that differ, and none of {', '.join(_RESERVED)}",
            got=repr(twice[0]),
        )


class SavedModel(Target):
    """TensorFlow's SavedModel."""

    name = "tf_saved_model"
    many = True

    def write(self, endpoints: Sequence[Endpoint], path: str, options: Options) -> None:
        check_path(path)
        check_names(endpoints, options.variables)
        library = Library()
        functions = [written(e.lowered(LOWERINGS, self.name), library) for e in endpoints]
        objects = Objects(_lists(functions, options.variables))
        for f in functions:
            objects.function(f.endpoint, f.call, [objects.numbers[v] for v in f.captured])
        signatures = {f.endpoint.name: f for f in functions}
        signatures.setdefault(DEFAULT, functions[0])
        captured = {key: [objects.numbers[v] for v in f.captured] for key, f in signatures.items()}
        objects.signatures({key: (f.endpoint, f.signature, captured[key]) for key, f in signatures.items()})
        graph = object_graph.packed(objects.nodes())
        meta = new_meta_graph()
        meta.object_graph_def.CopyFrom(objects.message)
        meta.graph_def.library.function.extend(library.functions)
        session = Session(meta, objects.keys)
        for key, f in signatures.items():
            session.signature(key, f)
        session.saver(object_graph.KEY, graph)
        values: dict[str, np.ndarray | bytes] = {key: v.numpy() for v, key in objects.keys.items()}
        values[object_graph.KEY] = graph
        data = saved_model.packed(meta.SerializeToString(deterministic=True))
        with writing.whole_folder(path) as folder:
            os.mkdir(os.path.join(folder, "variables"))
            bundle.write(Path(folder, "variables", "variables"), values)
            writing.write(Path(folder, "saved_model.pb"), data)

    def runner(self, path: str) -> Runner:
        tf = runtime_of(self.name)
        loaded = tf.saved_model.load(path)
        run = loaded.signatures[DEFAULT]
        names = _in_order(tf, loaded, run)

        def execute(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            got = run(**{name: tf.constant(value) for name, value in feeds.items()})
            return {name: got[name].numpy() for name in names}

        return execute


def _in_order(tf: Any, loaded: Any, run: Any) -> list[str]:
    """Names of a signature's outputs in the order of its endpoint; a signature has them in that of the alphabet."""
    for key in set(loaded.signatures) - {DEFAULT}:
        if hasattr(loaded, key):
            found = tf.nest.flatten(getattr(loaded, key).concrete_functions[0].structured_outputs)
            names = [spec.name for spec in found]
            if sorted(names) == sorted(run.structured_outputs):
                return names
    return list(run.structured_outputs)


def _lists(functions: Sequence[Written], given: Mapping[str, Sequence[Variable]]) -> dict[str, list[Variable]]:
    """Lists of variables: those asked for, and those of every function, trainable ones apart."""
    whole = list({v: None for group in (*given.values(), *(f.captured for f in functions)) for v in group})
    return {
        **{name: list(members) for name, members in given.items()},
        "variables": whole,
        "trainable_variables": [v for v in whole if v.trainable],
        "non_trainable_variables": [v for v in whole if not v.trainable],
    }


TARGET = SavedModel()
