"""Configurations of Keras 1 and 2 as they are read from files, with a list of all that is refused in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from amalthea import loading
from amalthea.custom_objects import custom_object
from amalthea.errors import ModelFileError, UnsafeFileError, brief
from amalthea.models.functional.op_names import functions
from amalthea.saving.old_weights import Origin
from amalthea.spellings import modern_compile, modern_model
from amalthea.spellings.tf_ops import UnknownOp


def of_file(data: Any, origin: Origin) -> Any:
    """The configuration of a model of an older Keras, in the form of today's.

    Raises:
        UnsafeFileError: it holds code, which is refused; the message lists everything that is refused.
        UnknownNameError: it names classes that are not known.
        ModelFileError: it is damaged.
    """
    if not isinstance(data, dict) or not isinstance(data.get("class_name", data.get("name")), str):
        raise ModelFileError("There is no model in the model file.", got=brief(data))
    if origin.era == 3:
        return _with_modules(data)
    try:
        check(data)
        return modern_model(data, origin.era, _theano(origin))
    except UnknownOp as error:
        raise _refused([f"a call of {error}"]) from None
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(
            f"The configuration in the model file is damaged ({type(error).__name__}: {error})."
        ) from None


def origin_of(data: Any) -> Origin:
    """Where a configuration comes from. One of Keras 1 that counts channels first is taken to be Theano's."""
    era = era_of(data)
    if era == 3:
        return Origin()
    backend, version = (str(data.get(key) or "") for key in ("backend", "keras_version"))
    theano = backend == "theano" or (era == 1 and not backend and '"th"' in json.dumps(data, default=str))
    return Origin(era, "theano" if theano else backend, version)


def era_of(data: Any) -> int:
    """The first number of the Keras version that wrote a model's configuration: by its own word, or by its form."""
    if not isinstance(data, dict):
        return 3
    version = data.get("keras_version")
    if isinstance(version, str) and version[:1] in ("1", "2"):
        return int(version[:1])
    if "class_name" not in data and isinstance(data.get("name"), str):  # Keras 0.3
        return 1
    if "module" in data:
        return 3 if not str(data["module"]).startswith("keras.src.engine") else 2
    return 1 if isinstance(data.get("config"), list) else 2


def _with_modules(data: Any) -> Any:
    """Keras 3 leaves the module of an op out of an ``.h5`` file, and cannot read it again."""
    if isinstance(data, list):
        return [_with_modules(value) for value in data]
    if not isinstance(data, dict):
        return data
    data = {key: _with_modules(value) for key, value in data.items()}
    name = data.get("class_name")
    is_layer = "module" in data or "trainable" in (data.get("config") or {})
    if "inbound_nodes" in data and not is_layer and name in functions():
        data["module"] = "keras.src.ops.numpy"
    return data


def _theano(origin: Origin) -> tuple[int, ...]:
    """The ranks of convolutions whose padding is Theano's. Before Keras 1.2, those of three axes padded as all do."""
    if origin.backend != "theano":
        return ()
    return (1, 2) if origin.version.startswith(("0.", "1.0", "1.1")) or not origin.version else (1, 2, 3)


def of_archive(data: Any, era: int) -> Any:
    """The configuration in a ``.keras`` file of Keras 2, which tells how the model was compiled too."""
    made = of_file(data, Origin(era))
    if isinstance(data.get("compile_config"), dict):
        made = {**made, "compile_config": compile_config(data["compile_config"], era)}
    return made


def compile_config(data: Any, era: int) -> Any:
    """The arguments of ``compile`` in the form of today's."""
    if not isinstance(data, dict):
        raise ModelFileError("The file's record of compile() is damaged.", got=brief(data))
    return modern_compile(data, era)


# ---------------------------------------------------------------------------------------------- refusals


def check(data: Any) -> None:
    """Refuse all code in a configuration at once, with the names under which ``custom_objects`` supplies it.

    Raises:
        UnsafeFileError: there is code, and ``safe_mode`` is True.
    """
    found = [f"{kind} '{name}'" for kind, name in _code(data)]
    if found and loading.safe.get():
        raise _refused(found)


def _refused(found: list[str]) -> UnsafeFileError:
    return UnsafeFileError(
        "The file holds Python code, or calls functions that are not known; nothing of it was run.",
        expected="a file without code",
        got=", ".join(found[:20]) + (f" and {len(found) - 20} more" if len(found) > 20 else ""),
        cure="custom_objects={name: a function of yours}, or safe_mode=False if you trust whoever wrote the file",
    )


def _code(data: Any) -> Iterator[tuple[str, str]]:
    """Each Lambda that holds code, or a function that nobody supplied, by the layer's name."""
    if isinstance(data, list):
        for value in data:
            yield from _code(value)
    elif isinstance(data, dict):
        config = data.get("config")
        if data.get("class_name") == "Lambda" and isinstance(config, dict):
            name = str(config.get("name") or data.get("name"))
            if custom_object(name) is None and _is_code(config):
                yield "the Lambda", name
        for value in data.values():
            yield from _code(value)


def _is_code(config: dict[str, Any]) -> bool:
    function = config.get("function")
    if config.get("function_type") == "lambda" or isinstance(function, list):
        return True
    return isinstance(function, str) and custom_object(function) is None
