"""Models as text: JSON of Keras 0.3 to 3, and YAML of Keras 1 and 2."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.custom_objects import CustomObjectScope
from amalthea.errors import ArgumentError, MissingLibraryError, ModelFileError, brief
from amalthea.loading import limits
from amalthea.saving import building, old_configs


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """Makes a model from the text that ``to_json`` gave, of this library or of Keras 0.3 to 3, with new weights.

    Args:
        json_string: str; the text.
        custom_objects: dict of classes and functions of your own, by the names in the text. None for none.

    Returns:
        The model, built if the text knows its input shape.

    Raises:
        ModelFileError: the text is not JSON, or not a model.
        UnknownNameError: a name in the text stands for nothing.
        UnsafeFileError: there is code in the text.

    Example:
        >>> from amalthea import Sequential, layers, models
        >>> text = Sequential([layers.Input((3,)), layers.Dense(2)]).to_json()
        >>> models.model_from_json(text).output_shape
        (None, 2)
    """
    with CustomObjectScope(custom_objects):
        return model_of(from_json(json_string))


def model_from_yaml(yaml_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """Makes a model from the text that ``to_yaml`` of Keras 1 or 2 gave, with new weights.

    The text is data: tags that would make objects of Python are refused.

    Args:
        yaml_string: str; the text.
        custom_objects: dict of classes and functions of your own, by the names in the text. None for none.

    Returns:
        The model, built if the text knows its input shape.

    Raises:
        MissingLibraryError: PyYAML is not installed (``pip install amalthea[yaml]``).
        ModelFileError: the text is not YAML, or not a model.
        UnsafeFileError: there is code in the text.

    Example:
        >>> from amalthea import models
        >>> text = "{class_name: Sequential, config: [{class_name: Dense, config: {output_dim: 2, input_dim: 3}}]}"
        >>> models.model_from_yaml(text).output_shape  # doctest: +SKIP
        (None, 2)
    """
    with CustomObjectScope(custom_objects):
        return model_of(from_yaml(yaml_string))


def from_json(text: Any) -> Any:
    """The data in a text."""
    return building.parsed(_checked(text, "JSON").encode("utf-8", "surrogatepass"))


def from_yaml(text: Any) -> Any:
    """The data in a text of YAML."""
    text = _checked(text, "YAML")
    try:
        import yaml
    except ImportError:
        raise MissingLibraryError(
            "Reading YAML needs PyYAML.", cure="pip install amalthea[yaml], or model_from_json with JSON"
        ) from None
    try:
        _refuse_references(text, yaml)
        return yaml.load(text, Loader=_loader(yaml))
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"The text is no YAML of a model: {brief(str(error))}.") from None


def _loader(yaml: Any) -> type:
    """A loader of plain data. Keras 1 wrote tuples under a tag of Python's, which are lists here."""

    class Loader(yaml.SafeLoader):
        pass

    for name in ("tuple", "list"):
        Loader.add_constructor(
            f"tag:yaml.org,2002:python/{name}", lambda self, node: self.construct_sequence(node, True)
        )
    for name in ("unicode", "str"):
        Loader.add_constructor(f"tag:yaml.org,2002:python/{name}", lambda self, node: self.construct_scalar(node))
    Loader.add_constructor(f"{_TAG}numpy.dtype", _dtype)
    Loader.add_constructor(f"{_TAG}numpy.core.multiarray.scalar", _scalar)
    return Loader


_TAG = "tag:yaml.org,2002:python/object/apply:"
_SCALARS = ("i4", "i8", "f4", "f8", "b1")


def _dtype(loader: Any, node: Any) -> str:
    """The name of a dtype of NumPy, from what Keras 1 wrote in place of it."""
    data = loader.construct_mapping(node, True)
    name = (data.get("args") or [None])[0]
    if name not in _SCALARS:
        raise ModelFileError("The text has an object of Python that is not read.", got=brief(name))
    return name


def _scalar(loader: Any, node: Any) -> Any:
    """The number that Keras 1 wrote as an object of NumPy: a dtype and its bytes."""
    parts = loader.construct_sequence(node, True)
    if len(parts) != 2 or parts[0] not in _SCALARS or not isinstance(parts[1], bytes):
        raise ModelFileError("The text has an object of Python that is not read.", got=brief(parts))
    values = np.frombuffer(parts[1], np.dtype(parts[0]).newbyteorder("<"))
    if values.shape != (1,):
        raise ModelFileError("The text is damaged: a number has another size.", got=brief(parts))
    return values[0].item()


def _refuse_references(text: str, yaml: Any) -> None:
    """A value that stands for ten others, each of ten more, would take all memory; Keras wrote few, of small values."""
    count = sum(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text))
    if count > limits.copies * 16:
        raise ModelFileError("The text refers to its own values too often.", expected=f"at most {limits.copies * 16}")


def _checked(text: Any, kind: str) -> str:
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if not isinstance(text, str):
        raise ArgumentError(f"{kind} is text.", expected="a str", got=brief(text))
    if len(text) > limits.config_bytes:
        raise ModelFileError(
            "The text is too large to be read.",
            expected=f"at most {limits.config_bytes:,} characters",
            got=f"{len(text):,}",
            cure="saving.limits.config_bytes, if the text is yours",
        )
    return text


def model_of(data: Any) -> Any:
    """The model of a configuration, of whichever version."""
    config = old_configs.of_file(data, old_configs.origin_of(data))
    with building.planned(limits.text_elements) as plan:
        model = building.model_of(config)
        plan.finish(set())
    return model
