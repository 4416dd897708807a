"""Python functions as data: the one kind of data that runs when it is used, and is refused unless it is trusted."""

from __future__ import annotations

import base64
import marshal
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from amalthea import configurable, loading
from amalthea.errors import UnsafeFileError

_safe = loading.safe


@contextmanager
def code_refused(on: bool) -> Iterator[None]:
    """While open, code in data is refused (``on``) or run."""
    token = _safe.set(on)
    try:
        yield
    finally:
        _safe.reset(token)


def enable_unsafe_deserialization() -> None:
    """Lets model files and configurations hold code from now on; only for files that you wrote yourself.

    Example:
        >>> from amalthea import saving
        >>> saving.enable_unsafe_deserialization()  # doctest: +SKIP
        >>> saving.load_model("mine_with_a_lambda.keras").name  # doctest: +SKIP
        'mine'
    """
    _safe.set(False)


def lambda_to_config(function: types.FunctionType) -> dict[str, Any]:
    """A Python function's code as data. It can be read again by the same version of Python only."""
    code = base64.b64encode(marshal.dumps(function.__code__)).decode("ascii")
    closure = tuple(cell.cell_contents for cell in function.__closure__) if function.__closure__ else None
    defaults = list(function.__defaults__) if function.__defaults__ else None
    return {"class_name": "__lambda__", "config": {"code": code, "defaults": defaults, "closure": closure}}


def lambda_from_config(config: dict[str, Any]) -> Any:
    """The function again, if code is allowed."""
    if _safe.get():
        raise UnsafeFileError(
            "The file holds Python code (a Lambda), which would run on this computer.",
            expected="a file without code",
            got="a Lambda layer's function",
            cure="load_model(path, safe_mode=False) if you trust whoever wrote it",
        )
    parts = config.get("value")
    code, defaults, closure = parts if parts else (config["code"], config.get("defaults"), config.get("closure"))
    function = marshal.loads(base64.b64decode(code))
    cells = tuple(types.CellType(value) for value in closure or ())
    return types.FunctionType(
        function, _globals(), argdefs=tuple(defaults) if defaults else None, closure=cells or None
    )


def _globals() -> dict[str, Any]:
    import amalthea

    return {"__builtins__": __builtins__, "amalthea": amalthea, "keras": amalthea}


configurable.PLAIN["__lambda__"] = lambda_from_config
