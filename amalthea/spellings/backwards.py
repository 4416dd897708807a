"""Today's configurations in the form of Keras 2.15, which Keras 3 reads too: for ``.h5`` files.

What Keras 2 cannot say is refused by :class:`CannotSay`, unless it is at the value that Keras 2 meant anyhow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea.spellings.rows import Config

# Arguments that Keras 2 does not have, and the values at which they may be left out.
_NEW: dict[str, tuple[Any, ...]] = {
    "lora_rank": (None,),
    "lora_alpha": (None,),
    "quantization_config": (None,),
    "gptq_unpacked_column_size": (None,),
    "use_gate": (None, False),
    "flash_attention": (None, False),
    "sliding_window": (None,),
    "optional": (None, False),
    "pad_to_aspect_ratio": (False,),
    "fill_mode": ("constant", "reflect", "nearest"),
    "fill_value": (0.0,),
    "antialias": (False,),
    "salt": (None,),
    "oov_method": (None, "floormod"),
    "rms_scaling": (False,),
    "loss_scale_factor": (None,),
    "gradient_accumulation_steps": (None,),
}
_SEEDLESS = ("SimpleRNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "MultiHeadAttention")
_ORDERLESS = (
    "CenterCrop Resizing RandomCrop RandomFlip RandomRotation RandomTranslation RandomZoom ZeroPadding1D"
).split()
_NAMES = {"silu": "swish", "keras2_hard_sigmoid": "hard_sigmoid"}


class CannotSay(Exception):
    """Something that Keras 2 does not have; its text says it."""


def old_model(data: Config, arguments_of: Callable[[str], list[str]]) -> Config:
    """A model's configuration in the form of Keras 2.15.

    Args:
        data: dict in today's form.
        arguments_of: function of a layer's name; the names of the arguments of its call.
    """
    kind, config = data["class_name"], data["config"]
    if kind == "Sequential":
        layers = [_layer(layer, arguments_of) for layer in config["layers"]]
        return {"class_name": kind, "config": {"name": config["name"], "layers": layers}}
    if kind != "Functional":
        raise CannotSay(f"a model of the class {kind}")
    starts = {d["name"]: 1 for d in config["layers"] if _skips(d)}
    layers = []
    for layer in config["layers"]:
        if str(layer.get("module", "")).startswith("keras.src.ops"):
            raise CannotSay(f"the op {layer['class_name']} between layers")
        nodes = [_node(node, starts, arguments_of(layer["name"])) for node in layer["inbound_nodes"]]
        layers.append({**_layer(layer, arguments_of), "name": layer["name"], "inbound_nodes": nodes})
    functional = {d["name"] for d in config["layers"] if d["class_name"] == "Functional"}

    def outside(name: str, call: int, output: int) -> list[Any]:
        return [name, call - (name in functional) + starts.get(name, 0), output]

    made = {
        "name": config["name"],
        "trainable": config.get("trainable", True),
        "layers": layers,
        "input_layers": _each(config["input_layers"], lambda *reference: list(reference)),
        "output_layers": _each(config["output_layers"], outside),
    }
    return {"class_name": "Functional", "config": made}


def _skips(data: Config) -> bool:
    """Whether Keras 2 counts the calls of a model inside from 1."""
    layers = data["config"].get("layers") if data["class_name"] in ("Functional", "Sequential") else None
    return bool(layers) and (data["class_name"] == "Functional" or layers[0]["class_name"] == "InputLayer")


def _each(references: Any, change: Callable[..., list[Any]]) -> Any:
    if isinstance(references, dict):
        return {key: _each(value, change) for key, value in references.items()}
    if len(references) == 3 and isinstance(references[0], str):
        return [change(*references)]
    return [change(*r) if isinstance(r[0], str) else _each(r, change) for r in references]


def _node(node: Config, starts: dict[str, int], names: list[str]) -> list[Any]:
    """``[[layer, call, output, options], ...]`` from the arguments of a call."""

    def reference(value: Any) -> Any:
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            name, call, output = value["config"]["keras_history"]
            return [name, call + starts.get(name, 0), output]
        if isinstance(value, list):
            return [reference(v) for v in value]
        return {k: reference(v) for k, v in value.items()} if isinstance(value, dict) else value

    first, *rest = node["args"]
    options = {**dict(zip(names[1:], rest)), **node["kwargs"]}
    options = {k: reference(v) for k, v in options.items() if v is not None}
    inputs = reference(first)
    inputs = [inputs] if inputs and isinstance(inputs[0], str) else inputs
    return [[*r, options] for r in inputs]


def _layer(data: Config, arguments_of: Callable[[str], list[str]]) -> Config:
    kind, config = data["class_name"], data["config"]
    if kind in ("Sequential", "Functional"):
        return old_model(data, arguments_of)
    made = {k: _value(k, v, arguments_of) for k, v in config.items() if not _is_left_out(kind, k, v)}
    if kind == "InputLayer":
        made["batch_input_shape"] = made.pop("batch_shape")
    if kind == "LeakyReLU":
        made["alpha"] = made.pop("negative_slope")
    if kind == "MultiHeadAttention":
        made.update(query_shape=None, key_shape=None, value_shape=None)
    return {"class_name": kind, "config": made}


def _value(key: str, value: Any, arguments_of: Callable[[str], list[str]]) -> Any:
    """An argument of a layer: layers inside keep their module, as both versions want it."""
    if key in _INSIDE and value is not None:
        several = value if isinstance(value, list) else [value]
        made = [{**v, **_layer(v, arguments_of), "module": v.get("module"), "registered_name": None} for v in several]
        return made if isinstance(value, list) else made[0]
    if key == "dtype" and isinstance(value, dict):
        name = value["config"].get("name", "float32")
        return {"class_name": "Policy", "config": {"name": name}} if name.startswith("mixed_") else name
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        return {**value, "config": {k: v for k, v in value["config"].items() if k not in _AXES or v is not None}}
    if key.endswith("activation") and value == "hard_sigmoid":
        raise CannotSay("today's hard_sigmoid, for which Keras 2 had another function")
    return _NAMES.get(value, value) if key.endswith("activation") and isinstance(value, str) else value


_INSIDE = ("layer", "backward_layer", "cell", "cells")
_AXES = ("input_axes", "output_axes")


def _is_left_out(kind: str, key: str, value: Any) -> bool:
    if (key == "seed" and kind in _SEEDLESS) or (key == "data_format" and kind in _ORDERLESS):
        return value in (None, "channels_last")
    if key == "value_range" and kind == "RandomContrast":
        return True
    if key in ("fill_mode", "fill_value") and kind != "Resizing":
        return False
    if key not in _NEW:
        return False
    if value not in _NEW[key]:
        raise CannotSay(f"{key}={value!r} of a {kind}")
    return True


def old_optimizer(data: Config) -> Config:
    """An optimizer's configuration in the form of Keras 2.15."""
    config = {k: v for k, v in data["config"].items() if not _is_left_out(data["class_name"], k, v)}
    config["name"] = data["class_name"]  # by which Keras 3 finds the class
    return {"class_name": f"Custom>{data['class_name']}", "config": config}  # those of Keras 2.11 and later
