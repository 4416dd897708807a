"""Options that layers of text share: the dtype of indices, the key of a hash, and options that do not go together."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.errors import ArgumentError, UnsafeFileError, brief


def refuse_path(owner: str, config: dict[str, Any]) -> None:
    """:class:`UnsafeFileError` for a configuration that names a file of this machine as its vocabulary."""
    if isinstance(config.get("vocabulary"), str):
        raise UnsafeFileError(
            f"The configuration of {owner} names a file of this machine, which no configuration may read.",
            expected="a list of tokens",
            got=brief(config["vocabulary"]),
            cure="layer.set_vocabulary(path) after loading, if you trust it",
        )


def split_dtype(dtype: Any, output_mode: str) -> tuple[Any, str]:
    """The policy of a layer and the dtype of its indices, for its argument ``dtype``, which may be that of indices."""
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None)
    if isinstance(dtype, dict):
        name = dtype.get("config", {}).get("name")
    if isinstance(name, str) and name.startswith(("int", "uint")):
        return (None if output_mode != "int" else dtype), name
    return dtype, "int64"


def checked_salt(salt: Any) -> list[int] | None:
    """Two ints for the argument ``salt``; :class:`ArgumentError` for anything else."""
    if salt is None:
        return None
    pair = [salt, salt] if isinstance(salt, (int, np.integer)) and not isinstance(salt, bool) else salt
    keys: list[Any] = list(pair) if isinstance(pair, (list, tuple)) else []
    if len(keys) != 2 or any(isinstance(k, bool) or not isinstance(k, (int, np.integer)) for k in keys):
        raise ArgumentError("`salt` is an int, or two.", expected="133 or (133, 137)", got=brief(salt))
    return [int(k) for k in keys]


def check_options(owner: str, invert: Any, mode: str, padded: Any, max_tokens: Any, weights: Any) -> None:
    if invert and mode != "int":
        raise ArgumentError(
            f"{owner} turns indices back into tokens one by one.", expected='output_mode="int"', got=repr(mode)
        )
    if padded and max_tokens is None:
        raise ArgumentError("`pad_to_max_tokens` needs a size.", expected="max_tokens=1000", got=None)
    if weights is not None and mode != "tf_idf":
        raise ArgumentError('Weights are for "tf_idf".', expected='output_mode="tf_idf"', got=repr(mode))
