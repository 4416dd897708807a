"""Each public name of Keras beside ours: same, better, different or absent, with the reason."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).with_name("keras.tsv")

# Pattern of whole names: why the signature is another one. A name that matches none must have Keras's parameters.
DIFFERENT = {
    r"(Model|Sequential|distillation.Distiller)\.(train|test|predict)_step": "it may also take `(state, data)`",
    r"KerasTensor\.__init__": "the class makes a tensor in `__new__`, with these parameters",
    r"(Function|Sequential)\.compute_output_(spec|shape)": "that of every operation: it takes any call's arguments",
    r"layers\.RNN\.compute_(mask|output_shape)": "the same parameters by other names, or as those of every layer",
    r"(Model|Sequential|distillation\.Distiller)\.export": "`format=None` goes by the path's ending; a folder is "
    "TensorFlow's, Keras's default",
    r"saving\.deserialize_keras_object": "`safe_mode=None` asks the setting of `enable_unsafe_deserialization`",
}

# Pattern of whole names: what is done better than in Keras 3.15, in a line.
BETTER = {
    r"layers\.(Masking|Embedding)": "the mask goes through elementwise ops and products with a matrix",
    r"layers\.(BatchNormalization|LayerNormalization|GroupNormalization|UnitNormalization)": "padding does not count; "
    "whole numbers are computed in floats",
    r"callbacks\.BackupAndRestore": "a resumed run ends with the same bits, in the middle of an epoch too",
    r"callbacks\.TensorBoard": "without TensorFlow",
    r"distribution\.DataParallel": "on every backend; the same losses on one process and on many",
    r"layers\.(StringLookup|IntegerLookup|TextVectorization|Hashing|HashedCrossing)": "without TensorFlow",
    r"utils\.(image|text|audio)_dataset_from_directory": "without TensorFlow",
    r"ops\.istft": "undoes `stft` without a window too",
    r"saving\.load_model": "a file can run no code, and its sizes are limited before anything is read",
    r"(Model|Sequential)\.fit": "labels, indices and values are checked before the first update",
}

# Pattern of whole names: why the name does not exist.
ABSENT: dict[str, str] = {}


class Row(NamedTuple):
    """One name.

    Args:
        name: str; dotted, without ``keras.``.
        kind: str; "class", "function", "method", ...
        signature: str; Keras's, as text.
        verdict: str; "same", "better", "different" or "absent".
        why: str; the reason, or what differs.
    """

    name: str
    kind: str
    signature: str
    verdict: str
    why: str


def find(path: str) -> Any:
    """The object at a path of ours, or None."""
    thing, parts = importlib.import_module("amalthea"), path.split(".")
    for index, part in enumerate(parts):
        try:
            thing = getattr(thing, part)
        except AttributeError:
            try:
                thing = importlib.import_module(".".join(["amalthea", *parts[: index + 1]]))
            except ImportError:
                return None
    return thing


def parameters(text: str) -> list[tuple[str, str]]:
    """Names and defaults of a signature written as text, without starred ones."""
    body, depth, items, quote = text.strip()[1:].rsplit(")", 1)[0], 0, [""], ""
    for char in body:
        quote = "" if char == quote else char if char in "'\"" and not quote else quote
        depth += (char in "([{") - (char in ")]}") if not quote else 0
        if char == "," and depth == 0 and not quote:
            items.append("")
        else:
            items[-1] += char
    pairs = [tuple(part.strip() for part in item.partition("=")[::2]) for item in items]
    return [
        (name.split(":")[0].strip(), default)
        for name, default in pairs
        if name and name[0] not in "*/" and name != "self"
    ]


def differences(thing: Any, text: str) -> list[str]:
    """Differences of our signature from Keras's."""
    try:
        signature = inspect.signature(thing)
    except (TypeError, ValueError):
        return []
    mine = {name: p for name, p in signature.parameters.items() if name != "self"}
    is_open = any(p.kind is p.VAR_KEYWORD for p in mine.values())
    found = []
    for name, default in parameters(text):
        if name not in mine:
            if not (is_open and name in {"name", "dtype", "trainable", "activity_regularizer"}):
                found.append(f"no parameter `{name}`")
        elif default and re.fullmatch(r"[-\w.'\"(),]+", default):
            here = mine[name].default
            if here is inspect.Parameter.empty or repr(here).replace('"', "'") != default.replace('"', "'"):
                found.append(f"`{name}={here!r}`, Keras `{default}`")
    return found


def reason(table: dict[str, str], name: str) -> str:
    return next((why for pattern, why in table.items() if re.fullmatch(pattern, name)), "")


def rows() -> list[Row]:
    """All names of Keras."""
    found = []
    for line in FILE.read_text("utf-8").splitlines():
        name, kind, signature = line.split("\t")
        thing = find(name)
        unlike = differences(thing, signature) if thing is not None and signature.startswith("(") else []
        if thing is None:
            verdict, why = "absent", reason(ABSENT, name)
        elif unlike:
            verdict, why = "different", reason(DIFFERENT, name)
        else:
            why = reason(BETTER, name)
            verdict = "better" if why else "same"
        found.append(
            Row(name, kind, signature, verdict, why if verdict != "different" else f"{'; '.join(unlike)}: {why}")
        )
    return found
