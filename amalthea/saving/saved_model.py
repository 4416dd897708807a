"""A SavedModel of Keras 2, read without TensorFlow.

    saved_model.pb         the graph of objects, and functions that only TensorFlow runs
    keras_metadata.pb      the configuration of each Keras object (Keras 2.5 to 2.15; in saved_model.pb before)
    variables/             a checkpoint

The model is built again from its configuration, and its weights come from the checkpoint. A SavedModel without Keras's
configuration holds TensorFlow's functions alone, and is refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from amalthea import loading, tree
from amalthea.engine.ir.variable import at_once
from amalthea.errors import AmaltheaError, ArgumentError, ModelFileError, brief, visible
from amalthea.layers.input_layer import Input
from amalthea.loading import limits
from amalthea.saving import building, checkpoint, old_configs, protobuf, vocabularies
from amalthea.saving.bundle import Bundle
from amalthea.saving.contents import Contents, in_todays_form
from amalthea.saving.object_graph import CHILD
from amalthea.saving.old_weights import Origin
from amalthea.saving.protobuf import Field

_KERAS_2 = Origin(2)
_MODELS = ("_tf_keras_sequential", "_tf_keras_network", "_tf_keras_model")

_METADATA = {
    "nodes": Field(
        1, {"node_path": Field(3, "text"), "identifier": Field(4, "text"), "metadata": Field(5, "text")}, many=True
    )
}
_USER_OBJECT = {"identifier": Field(1, "text"), "metadata": Field(3, "text")}
_OBJECT = {"children": Field(1, CHILD, many=True), "user_object": Field(4, _USER_OBJECT)}
_META_INFO = {"tensorflow_version": Field(5, "text")}
_META_GRAPH = {
    "meta_info": Field(1, _META_INFO),
    "object_graph": Field(7, {"nodes": Field(1, _OBJECT, many=True)}),
}
_SAVED_MODEL = {"meta_graphs": Field(2, _META_GRAPH, many=True)}
_WHOLE = {"schema_version": Field(1, "int"), "meta_graphs": Field(2, "bytes", many=True)}


def packed(meta_graph: bytes) -> bytes:
    """The bytes of saved_model.pb that holds one graph, a MetaGraphDef."""
    return protobuf.message({"schema_version": 1, "meta_graphs": [meta_graph]}, _WHOLE)


class Saved(NamedTuple):
    """The configuration in a SavedModel, as the attributes of an ``.h5`` file hold it."""

    model_config: dict[str, Any]
    training_config: Any
    keras_version: str
    inputs: Any  # TensorSpecs, with which a model of a class of its own is built


def load_model(path: Any, compile: bool) -> Any:
    """The model of a SavedModel; compiled, with the optimizer's state, if ``compile`` is true."""
    folder = Path(path)
    saved = configuration(folder)
    bundle = Bundle(_checkpoint(folder))
    with building.planned(bundle.elements), at_once():
        model = building.model_of(old_configs.of_file(saved.model_config, _KERAS_2))
        if not model.built:
            _build(model, saved.inputs)
        if compile and saved.training_config:
            building.compiled(model, old_configs.compile_config(saved.training_config, era=2))
        checkpoint.read(model, bundle, lambda graph: _names(graph, saved.model_config))
    lookups = vocabularies.without(building.leaves(model))
    if lookups:
        whole = (folder / "saved_model.pb").read_bytes()
        vocabularies.restore(lookups, whole, lambda objects: _names(objects, saved.model_config))
    return model


def load_weights(model: Any, path: Any, by_name: bool, skip_mismatch: bool) -> None:
    """Reads the weights of a SavedModel into a built model."""
    if by_name:
        raise ArgumentError("A SavedModel is read by the graph of its objects, not by name.", cure="leave by_name out")
    with at_once():
        checkpoint.read(model, Bundle(_checkpoint(Path(path))), lambda graph: {}, skip_mismatch)


def contents(path: Any) -> Contents:
    """The contents of a SavedModel, without building the model."""
    folder = Path(path)
    versions = {"TensorFlow": _version(folder)}
    try:
        saved = configuration(folder)
        config, refused = in_todays_form(saved.model_config, _KERAS_2)
        versions["Keras"] = saved.keras_version
    except ModelFileError as error:
        config, refused = None, [str(error).splitlines()[0]]
    return Contents(versions, config, checkpoint.values_in(Bundle(_checkpoint(folder))), refused)


def _checkpoint(folder: Path) -> Path:
    prefix = folder / "variables" / "variables"
    if checkpoint.prefix_of(prefix) is None:
        raise ModelFileError("The SavedModel lacks its weights.", expected="variables/variables.index", got=folder)
    return prefix


def configuration(folder: Path) -> Saved:
    """The configuration of the model.

    Raises:
        ModelFileError: there is none, because the SavedModel is not of Keras 2, or it is damaged.
    """
    found = _of_root(folder)
    if found is None:
        raise ModelFileError(
            "This SavedModel holds functions for TensorFlow, and no configuration of a Keras model.",
            expected="a SavedModel that model.save() of Keras 2 wrote",
            got=f"one that model.export() or tf.saved_model.save() of TensorFlow {_version(folder)} wrote",
            cure="model.save('model.keras') where it was made; or build the model here, and load_weights() from a "
            "checkpoint that its save_weights() wrote",
        )
    data = building.parsed(found.encode(), object_hook=_with_lists)
    config = data.get("model_config") if isinstance(data, dict) else None
    if config is None and isinstance(data, dict) and isinstance(data.get("config"), dict):
        config = {"class_name": data.get("class_name"), "config": data["config"]}
    if not isinstance(config, dict):
        raise ModelFileError("The model file is damaged: its metadata hold no configuration.", got=brief(data))
    return Saved(config, data.get("training_config"), str(data.get("keras_version", "2")), data.get("save_spec"))


@dataclasses.dataclass
class TensorSpec:
    """The shape and dtype of an input."""

    shape: Any
    dtype: Any


def _build(model: Any, inputs: Any) -> None:
    """Call a model on symbols, which builds its layers too."""

    def symbol(spec: Any) -> Any:
        loading.check_shapes(model.name, spec.shape)
        return Input(batch_shape=(None, *spec.shape[1:]), dtype=spec.dtype)

    try:
        model(tree.map_structure(symbol, inputs))
    except AmaltheaError:
        raise
    except Exception as error:
        raise ModelFileError(
            f"The model '{visible(model.name)}' cannot be built as its file says: {type(error).__name__}: {error}.",
            got=brief(inputs),
            cure="build the model in Python, then load_weights() from the same path",
        ) from error


def _with_lists(data: dict[str, Any]) -> Any:
    """Tuples and shapes of TensorFlow as lists, and descriptions of tensors."""
    name, parts = data.get("class_name"), data.get("serialized")
    if name in ("__tuple__", "TensorShape") and "items" in data:
        return data["items"]
    if name == "TypeSpec" and isinstance(parts, list) and len(parts) >= 2 and isinstance(parts[0], list):
        return TensorSpec(*parts[:2])
    return data


def _of_root(folder: Path) -> str | None:
    """The text of the model's metadata, or None."""
    path = folder / "keras_metadata.pb"
    if path.is_file():
        rows = protobuf.parse(_limited(path), _METADATA, "keras_metadata.pb")["nodes"]
        found = (row for row in rows if row["node_path"] == "root")
    else:
        found = _user_objects(folder)
    root = next(found, None)
    return root["metadata"] if root and root["identifier"] in _MODELS and root["metadata"] else None


def _limited(path: Path) -> bytes:
    if path.stat().st_size > limits.config_bytes:
        raise ModelFileError(
            f"{path.name} is too large to be read.",
            expected=f"at most {limits.config_bytes:,} bytes",
            got=f"{path.stat().st_size:,}",
            cure="saving.limits.config_bytes, if the file is yours",
        )
    return path.read_bytes()


def _graphs(folder: Path) -> list[dict[str, Any]]:
    return protobuf.parse((folder / "saved_model.pb").read_bytes(), _SAVED_MODEL, "saved_model.pb")["meta_graphs"]


def _user_objects(folder: Path) -> Iterator[dict[str, Any]]:
    """The first object of the graph, as Keras 2.0 to 2.4 described it there."""
    for graph in _graphs(folder)[:1]:
        for node in (graph["object_graph"] or {"nodes": []})["nodes"][:1]:
            if node["user_object"]:
                _check_size(node["user_object"]["metadata"])
                yield node["user_object"]


def _check_size(text: str) -> None:
    if len(text) > limits.config_bytes:
        raise ModelFileError("The configuration in saved_model.pb is too large.", expected=limits.config_bytes)


def _version(folder: Path) -> str:
    graphs = _graphs(folder)
    info = graphs[0]["meta_info"] if graphs else None
    return visible(info["tensorflow_version"], 40) if info else "of an unknown version"


def _names(graph: Any, config: Any) -> dict[int, str]:
    """Names of all layers by their nodes, those of models within the model too."""
    names: dict[int, str] = {}
    waiting = [(0, config)]
    while waiting:
        node, config = waiting.pop()
        inner = config.get("config") if isinstance(config, dict) else None
        rows = inner.get("layers") if isinstance(inner, dict) else inner
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            continue
        if config.get("class_name") == "Sequential":
            rows = [row for row in rows if row.get("class_name") != "InputLayer"]
        for i, row in enumerate(rows):
            child = graph.child(node, f"layer-{i}")
            name = row.get("name") or (row["config"].get("name") if isinstance(row.get("config"), dict) else None)
            if child is not None and isinstance(name, str):
                names[child] = name
                waiting.append((child, row))
    return names
