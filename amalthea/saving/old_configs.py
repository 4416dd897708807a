"""Configurations of Keras 1 and 2 as they are read from files, with a list of all that is refused in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amalthea import loading
from amalthea.custom_objects import custom_object
from amalthea.errors import ModelFileError, UnsafeFileError, brief
from amalthea.spellings import modern_compile, modern_model
from amalthea.spellings.tf_ops import UnknownOp


def of_file(data: Any, era: int, backend: str = "") -> Any:
    """The configuration of a model of an older Keras, in the form of today's.

    Raises:
        UnsafeFileError: it holds code, which is refused; the message lists everything that is refused.
        UnknownNameError: it names classes that are not known.
        ModelFileError: it is damaged.
    """
    if not isinstance(data, dict) or not isinstance(data.get("class_name"), str):
        raise ModelFileError("There is no model in the model file.", got=brief(data))
    if era == 3:
        return data
    try:
        check(data)
        return modern_model(data, era, backend)
    except UnknownOp as error:
        raise _refused([f"a call of {error}"]) from None
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(
            f"The configuration in the model file is damaged ({type(error).__name__}: {error})."
        ) from None


def of_archive(data: Any, era: int) -> Any:
    """The configuration in a ``.keras`` file of Keras 2, which tells how the model was compiled too."""
    made = of_file(data, era)
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
