"""The check of an export: the target's own runtime executes the file, and its numbers are held to the model's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from amalthea import tree
from amalthea.export import signatures
from amalthea.export.endpoint import Spec
from amalthea.export.targets import chosen, target


class Checked(NamedTuple):
    """The outcome of a check.

    Args:
        difference: float; the worst absolute difference of an element of an output.
        scale: float; the largest absolute element of the model's outputs.
    """

    difference: float
    scale: float


def check_export(model: Any, filepath: Any, format: str | None = None, inputs: Any = None, rows: int = 3) -> Checked:
    """Executes an exported file in its runtime, and compares the outputs with ``model.predict``.

    Args:
        model: Model; the one that was exported.
        filepath: str or path; the file or folder.
        format: str; name of the format. Defaults to None, by the path's ending.
        inputs: arrays nested like the model's inputs. Defaults to None: draws from a normal distribution, and zeros and
            ones for whole numbers.
        rows: int; number of rows to draw. Defaults to 3.

    Returns:
        ``(difference, scale)``: the worst absolute difference, and the largest absolute output of the model.

    Raises:
        MissingLibraryError: the runtime is not installed.

    Example:
        >>> import os, tempfile
        >>> from amalthea import Sequential, export, layers
        >>> model = Sequential([layers.Input((4,)), layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.onnx")
        ...     model.export(path, verbose=False)
        ...     export.check_export(model, path).difference < 1e-5
        True
    """
    name = chosen(format, str(filepath))
    specs = tree.flatten(signatures.of_model(model))
    arrays = draws(specs, rows) if inputs is None else tree.flatten(inputs)
    arrays = [np.asarray(array, spec.dtype) for array, spec in zip(arrays, specs)]
    packed = tree.pack_sequence_as(signatures.of_model(model), arrays)
    expected = [np.asarray(x) for x in tree.flatten(model(*packed, training=False))]
    got = target(name).runner(str(filepath))({s.name: a for s, a in zip(specs, arrays)})
    return compared(expected, list(got.values()))


def draws(specs: Sequence[Spec], rows: int = 3, length: int = 5, seed: int = 0) -> list[np.ndarray]:
    """Return an array for each input: normal floats, zeros and ones for integers; ``length`` for any other size."""
    random = np.random.default_rng(seed)
    found = []
    for spec in specs:
        shape = [d if d is not None else rows if axis == 0 else length for axis, d in enumerate(spec.shape)]
        kind = np.dtype(spec.dtype if spec.dtype != "bfloat16" else "float32").kind
        found.append((random.normal(size=shape) if kind == "f" else random.integers(0, 2, shape)).astype(spec.dtype))
    return found


def compared(expected: Sequence[np.ndarray], got: Sequence[np.ndarray]) -> Checked:
    """Return the worst difference of two lists of arrays; infinity if their shapes differ, or NaN meets a number."""
    if [x.shape for x in expected] != [x.shape for x in got]:
        return Checked(np.inf, 0.0)
    worst, scale = 0.0, 0.0
    for a, b in zip(expected, got):
        a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
        with np.errstate(invalid="ignore"):  # infinity less itself
            gap = np.abs(a - b)
        apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, gap)
        worst = max(worst, float(np.max(np.where(np.isnan(apart), np.inf, apart), initial=0.0)))
        scale = max(scale, float(np.max(np.abs(a), initial=0.0, where=np.isfinite(a))))
    return Checked(worst, scale)
