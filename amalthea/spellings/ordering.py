"""What files of Keras 1 and of Theano leave unsaid about images: the order of axes, and where zeros are added.

Some layers of Keras 1 did not write their ``dim_ordering``; they take that of the first layer that did. Theano's
``"same"`` adds ``kernel // 2`` zeros ahead of the input, others add the greater half behind it: a layer of zeros and a
``"valid"`` convolution say it today.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from amalthea.spellings.rows import Config

_SILENT = frozenset(
    "ZeroPadding2D ZeroPadding3D UpSampling2D UpSampling3D Cropping2D Cropping3D GlobalAveragePooling2D "
    "GlobalMaxPooling2D SpatialDropout2D SpatialDropout3D".split()
)
_CONVOLUTIONS = {"Conv1D": 1, "Conv2D": 2, "Conv3D": 3}


def complete(data: Any) -> Any:
    """The configuration of a model of Keras 1 with the order of axes in every layer that has one."""
    found = next(_orderings(data), None)
    return data if found is None else _told(data, found)


def _orderings(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        found = data.get("dim_ordering")
        if found in ("th", "tf"):
            yield found
        for value in data.values():
            yield from _orderings(value)
    elif isinstance(data, list):
        for value in data:
            yield from _orderings(value)


def _told(data: Any, ordering: str) -> Any:
    if isinstance(data, list):
        return [_told(value, ordering) for value in data]
    if not isinstance(data, dict):
        return data
    new = {key: _told(value, ordering) for key, value in data.items()}
    if new.get("class_name") in _SILENT and isinstance(new.get("config"), dict):
        new["config"].setdefault("dim_ordering", ordering)
    return new


# ------------------------------------------------------------------------------------------------ Theano


def padded_as_theano(data: Any, ranks: Sequence[int]) -> Any:
    """A model's configuration in today's form, with the zeros of Theano's ``"same"`` for convolutions of some ranks."""
    config = data.get("config")
    layers = config.get("layers") if isinstance(config, dict) else None
    if not isinstance(layers, list):
        return data
    made: list[Any] = []
    for layer in layers:
        layer = padded_as_theano(layer, ranks)
        zeros = _zeros(layer, ranks)
        if zeros is None:
            made.append(layer)
            continue
        first = {k: layer["config"][k] for k in ("batch_input_shape", "input_dtype") if k in layer["config"]}
        rest = {k: v for k, v in layer["config"].items() if k not in first}
        padding = {**zeros, "config": {**zeros["config"], **first}}
        valid = {**layer, "config": {**rest, "padding": "valid"}}
        if "inbound_nodes" in layer:
            name = padding["config"]["name"]
            padding.update(name=name, inbound_nodes=layer["inbound_nodes"])
            valid["inbound_nodes"] = [
                {"args": [_tensor(name, i)], "kwargs": {}} for i in range(len(layer["inbound_nodes"]))
            ]
        made += [padding, valid]
    return {**data, "config": {**config, "layers": made}}


def _tensor(name: str, call: int) -> Config:
    return {"class_name": "__keras_tensor__", "config": {"shape": [], "dtype": "", "keras_history": [name, call, 0]}}


def _zeros(layer: Config, ranks: Sequence[int]) -> Config | None:
    """The layer that adds the zeros for a convolution; None where Theano's are those of all others."""
    rank = _CONVOLUTIONS.get(layer.get("class_name", ""), 0)
    config = layer.get("config") or {}
    if rank not in ranks or config.get("padding") != "same":
        return None
    sizes, steps, gaps = (_each(config.get(key, 1), rank) for key in ("kernel_size", "strides", "dilation_rate"))
    reach = [(size - 1) * gap + 1 for size, gap in zip(sizes, gaps)]
    if all(r % 2 for r in reach) and all(step == 1 for step in steps):
        return None
    pairs = [[r // 2, r - 1 - r // 2] for r in reach]
    more = {"data_format": config["data_format"]} if "data_format" in config and rank > 1 else {}
    padding: Any = pairs[0] if rank == 1 else pairs
    name = f"{config.get('name', 'convolution')}_padding"
    return {"class_name": f"ZeroPadding{rank}D", "config": {"name": name, "padding": padding, **more}}


def _each(value: Any, rank: int) -> list[int]:
    return list(value) if isinstance(value, (list, tuple)) else [value] * rank
