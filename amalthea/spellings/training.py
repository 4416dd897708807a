"""How a model of Keras 1 or 2 was compiled, in today's words."""

from __future__ import annotations

from typing import Any

from amalthea.spellings import others
from amalthea.spellings.objects import modern, modern_name
from amalthea.spellings.rows import Config

_TAKEN = ("loss", "loss_weights", "metrics", "weighted_metrics")


def modern_compile(data: Config, era: int) -> Config:
    """The arguments of ``compile`` as plain data, for ``training_config`` of an ``.h5`` file or ``compile_config``.

    Args:
        data: dict; it is not changed.
        era: int; 1 or 2.

    Example:
        >>> from amalthea.spellings import modern_compile
        >>> old = {"optimizer_config": {"class_name": "SGD", "config": {"lr": 0.1}}, "loss": "mse", "metrics": ["acc"]}
        >>> modern_compile(old, era=1)["optimizer"]
        {'class_name': 'SGD', 'config': {'learning_rate': 0.1}}
    """
    made = {"optimizer": _optimizer(data.get("optimizer_config", data.get("optimizer")), era)}
    for key in _TAKEN:
        if data.get(key) is not None:
            kind = "loss" if key == "loss" else "metric"
            made[key] = data[key] if key == "loss_weights" else _each(kind, data[key], era)
    if isinstance(made.get("metrics"), list):
        made["metrics"] = _flat(made["metrics"])
    return made


def _optimizer(data: Any, era: int) -> Any:
    if isinstance(data, dict) and "class_name" not in data and isinstance(data.get("name"), str):  # Keras 0.3
        data = {"class_name": data["name"], "config": {k: v for k, v in data.items() if k != "name"}}
    if not isinstance(data, dict) or not isinstance(data.get("class_name"), str):
        return data
    name = data["class_name"].removeprefix("Custom>")
    name = _CASES.get(name.lower(), name)
    if name not in others.OPTIMIZERS or not isinstance(data.get("config"), dict):
        return data
    name, config = modern("optimizer", name, data["config"], era)
    rate = config.get("learning_rate")
    if isinstance(rate, dict) and isinstance(rate.get("config"), dict) and "class_name" in rate:
        config["learning_rate"] = {"class_name": rate["class_name"], "config": rate["config"]}
    return {"class_name": name, "config": config}


_CASES = {name.lower(): name for name in others.OPTIMIZERS}


def _each(kind: str, value: Any, era: int) -> Any:
    """The losses or metrics in lists and dicts, each by today's name."""
    if isinstance(value, str):
        return modern_name(kind, value)
    if isinstance(value, list):
        return [_each(kind, v, era) for v in value]
    if isinstance(value, dict) and "class_name" in value:
        if value["class_name"] == "__tuple__":
            return [_each(kind, v, era) for v in value.get("items", [])]
        return _object(kind, value, era)
    return {k: _each(kind, v, era) for k, v in value.items()} if isinstance(value, dict) else value


def _object(kind: str, data: Config, era: int) -> Any:
    if data["class_name"] == "function" and isinstance(data.get("config"), str):
        return modern_name(kind, data["config"])
    config = data.get("config")
    if not isinstance(config, dict):
        return data
    if data["class_name"] in ("MeanMetricWrapper", "SumOverBatchSizeMetricWrapper"):
        name = config.get("name")
        return name if name in ("accuracy", "acc", "crossentropy", "ce") else modern_name(kind, str(config.get("fn")))
    name, config = modern(kind, data["class_name"], config, era)
    return {"class_name": name, "config": config}


def _flat(metrics: list[Any]) -> list[Any]:
    """Keras 2.3 listed the metrics of a single output in a list of their own."""
    return metrics[0] if len(metrics) == 1 and isinstance(metrics[0], list) else metrics
