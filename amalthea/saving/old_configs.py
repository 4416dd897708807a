"""Configurations of Keras 1 and 2 as they are read from files, with a list of all that is refused in them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from amalthea import loading
from amalthea.configurable import FAMILIES
from amalthea.custom_objects import custom_object
from amalthea.errors import ModelFileError, UnknownNameError, UnsafeFileError, brief
from amalthea.models.functional.op_names import functions
from amalthea.saving.old_weights import Origin
from amalthea.spellings import modern_compile, modern_model, tf_ops
from amalthea.spellings.differences import changed
from amalthea.spellings.tf_ops import UnknownOp

# Lines on what was changed in a configuration, for whoever asks for them.
notes: ContextVar[list[str] | None] = ContextVar("notes", default=None)


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
        made = modern_model(_with_functions(data), origin.era, _theano(origin))
    except UnknownOp as error:
        raise _refused([f"a call of {error}"]) from None
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(
            f"The configuration in the model file is damaged ({type(error).__name__}: {error})."
        ) from None
    _check_names(made)
    told = notes.get()
    if told is not None:
        told += changed(data, made)
    return made


def origin_of(data: Any) -> Origin:
    """The era, backend and version that wrote a configuration. Keras 1 with channels first is taken to be on Theano."""
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
    """Each Lambda that holds code, or a function that nobody supplied, and each function that is not known."""
    if isinstance(data, list):
        for value in data:
            yield from _code(value)
    elif isinstance(data, dict):
        config = data.get("config")
        if isinstance(config, dict) and data.get("class_name") == "Lambda" and _is_code(config):
            yield "the Lambda", _name_of(data)
        if isinstance(config, dict) and data.get("class_name") in tf_ops.CLASSES:
            function = config.get("function")
            if function not in tf_ops.OPS and function != tf_ops.SLICE:
                yield "a call of", f"tf.{function}"
        for value in data.values():
            yield from _code(value)


def _name_of(data: dict[str, Any]) -> str:
    return str(data["config"].get("name") or data.get("name"))


def _is_code(config: dict[str, Any]) -> bool:
    name, function = config.get("name"), config.get("function")
    if isinstance(name, str) and custom_object(name) is not None:
        return False
    return not (isinstance(function, str) and custom_object(function) is not None)


def _with_functions(data: Any) -> Any:
    """The configuration with each Lambda in today's form: a function of the user's by its name, or code."""
    if isinstance(data, list):
        return [_with_functions(value) for value in data]
    if not isinstance(data, dict):
        return data
    data = {key: _with_functions(value) for key, value in data.items()}
    config = data.get("config")
    if data.get("class_name") == "Lambda" and isinstance(config, dict):
        kept = {key: config[key] for key in ("name", "trainable", "dtype", "arguments") if config.get(key) is not None}
        data["config"] = {**kept, "function": _function(config)}
        data["config"].update({k: config[k] for k in ("batch_input_shape", "input_dtype") if k in config})
    return data


def _function(config: dict[str, Any]) -> dict[str, Any]:
    for key in (config.get("name"), config.get("function")):
        if isinstance(key, str) and custom_object(key) is not None:
            return {"module": "builtins", "class_name": "function", "config": key, "registered_name": "function"}
    if not isinstance(config.get("function"), list):
        raise _refused([f"the function '{config.get('function')}'"])
    warnings.warn(
        "A Lambda's code is read, which only the Python version that wrote it can run.", stacklevel=_OF_THE_CALLER
    )
    return {"class_name": "__lambda__", "config": {"value": config["function"]}}


def _check_names(data: Any) -> None:
    """Refuse all layers of unknown classes at once.

    Raises:
        UnknownNameError: there are some.
    """
    from amalthea.layers import legacy  # noqa: F401  # the table of layers must be full

    known = FAMILIES["layers"].names
    found = sorted({name for name in _classes(data) if name not in known and custom_object(name) is None})
    if found:
        raise UnknownNameError(
            f"The file has layers of classes that are not known: {brief(', '.join(found[:20]))}.",
            got=", ".join(found[:20]),
            cure="custom_objects={" + ", ".join(f"{name!r}: ..." for name in found[:3]) + "}",
        )


def _classes(data: Any) -> Iterator[str]:
    """The classes of the layers of a model, and of those inside them."""
    config = data.get("config") if isinstance(data, dict) else None
    layers = config.get("layers") if isinstance(config, dict) else None
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, dict) and not str(layer.get("module") or "").startswith("keras.src.ops"):
            yield str(layer.get("class_name")).rsplit(">", 1)[-1]
            yield from _classes(layer)


_OF_THE_CALLER = 6
