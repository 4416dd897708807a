"""Functions of Keras 1 and 2 that made or changed whole models."""

from __future__ import annotations

import json
from typing import Any

from amalthea.saving import model_from_json


def model_from_config(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The model of a configuration.

    Args:
        config: dict with ``class_name`` and ``config``.
        custom_objects: dict of classes and functions of your own by name. Defaults to None.
    """
    return model_from_json(json.dumps(config), custom_objects)
