"""Files that real Keras of each version wrote, with its answers; and where ours differ, with the reasons."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "golden"
VERSIONS = (
    "0.3.3",
    "1.0.8",
    "1.1.0",
    "1.2.2",
    "2.2.4",
    "2.3.1",
    "2.7.0",
    "2.12.0",
    "2.15.0",
    "2.15.1",
    "3.0.5",
    "3.6.0",
    "3.15.1",
)
TEXTS = (".json", ".yaml")
WHOLE = (".h5", ".keras")

# Losses of further training that are not ours: version (its beginning) and model to the reason. The first loss of the
# two is that of the state in the file, and the second that after one more step.
RACE = "Keras on TensorFlow 1 reads the number of updates before or after it is increased, as it happens"
ROOT = "epsilon stands inside the root today, and stood outside"
TIES = "where a window has several maxima, Theano gives the gradient to all of them"
NADAM = "today's Nadam has no schedule_decay, which slowed the change of its momentum"
LOST = "Keras 2.15 does not keep the state of its older optimizers in a .keras file"
SUM = "penalties on activities were not divided by the batch size"
TWICE = "Keras 3.0 counts penalties on weights twice"
SECOND = {
    ("1.", "bidirectional"): NADAM,
    ("1.", "conv_lstm"): ROOT,
    ("1.", "conv_tf"): TIES,
    ("1.", "conv_th"): TIES,
    ("1.", "lstm"): ROOT,
    **{
        (version, name): RACE
        for version in ("2.2", "2.3")
        for name in (
            "conv_first",
            "masking",
            "mlp",
            "nested",
            "rnn_cells",
            "sequential_conv",
            "shared",
            "time_distributed",
        )
    },
    ("2.7", "recurrent"): ROOT,
    ("2.", "bidirectional"): NADAM,
    ("2.2", "conv_lstm"): ROOT,
    ("2.3", "conv_lstm"): ROOT,
    ("2.2", "local"): ROOT,
    ("2.3", "local"): ROOT,
    ("2.", "lstm"): ROOT,
    **{("2.15", f"{name}.keras"): LOST for name in ("mlp", "sequential_conv", "conv1d", "conv_first")},
}
BOTH = {
    ("1.", "activations"): SUM,
    ("2.2", "initial_values"): SUM,
    ("2.3", "initial_values"): SUM,
    ("3.0", "mlp"): TWICE,
}
# A text of Keras 1 does not tell the backend; only channels first tell that it was Theano.
NO_BACKEND = {("1.", "conv_tf"): "the text does not tell that Theano's padding is meant"}
# An array that Keras 2.3 wrote as an object of NumPy, with a function to make it: objects of Python are refused.
OF_PYTHON = {("2.3", "sequential_conv.yaml"): "a text that makes an object of Python"}
HALF = {"half": 2e-4}  # bfloat16 has 8 bits; the rounding of matrix products is each library's own


def reason(table: dict[Any, str], version: str, model: str, ending: str = "") -> str | None:
    """Why an answer is not ours, or None."""
    return next(
        (why for (start, name), why in table.items() if version.startswith(start) and name in (model, model + ending)),
        None,
    )


@cache
def archive(version: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(FOLDER / f"keras-{version}.zip")


@cache
def answers(version: str) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(archive(version).read("answers.npz"))) as file:
        return dict(file)


def names(*endings: str) -> list[tuple[str, str, str]]:
    """Version, model and ending of all files with these endings."""
    found = []
    for version in VERSIONS:
        for file in sorted(archive(version).namelist()):
            model, dot, ending = file.partition(".")
            if dot + ending in endings:
                found.append((version, model, dot + ending))
    return found


def arrays(version: str, model: str, kind: str) -> Any:
    """Inputs ``"x"``, predictions ``"y"`` or targets ``"t"``: an array, or a list of several."""
    stored = answers(version)
    found = [stored[key] for i in range(9) if (key := f"{model}/{kind}{i}") in stored]
    return found[0] if len(found) == 1 else found


def unpacked(version: str, file: str, folder: Path) -> Path:
    """The file in a folder."""
    (folder / file).write_bytes(archive(version).read(file))
    return folder / file
