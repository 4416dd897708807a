"""``python -m benchmarks.quantized``: size, accuracy on digits, and time of a network before and after quantization.

Time is that of ``predict_on_batch`` in the same process, turn by turn, as a ratio to the network in floats.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from amalthea import Input, Sequential, config, layers, losses, quantizers, utils
from amalthea.datasets import digits
from amalthea.models import clone_model

KINDS = (None, "int8", "int4", "gptq", "awq")
BATCHES = (1, 32, 128)
ROUNDS = 60


def trained(x: Any, y: Any) -> Sequential:
    """Return an MLP 784-512-512-10, trained on the digits for three epochs."""
    utils.set_random_seed(0)
    dense = [layers.Dense(512, activation="relu"), layers.Dense(512, activation="relu"), layers.Dense(10)]
    model = Sequential([Input((784,)), *dense])
    model.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, batch_size=128, epochs=3, verbose=0)
    return model


def quantized(model: Sequential, kind: str | None, examples: Any) -> Sequential:
    """Return a copy of a model with its kernels quantized; in groups of 128 inputs where there are groups."""
    copy = clone_model(model)
    copy.set_weights(model.get_weights())
    calibrated = {"gptq": quantizers.GPTQConfig, "awq": quantizers.AWQConfig}
    if kind:
        copy.quantize(kind, config=calibrated[kind](examples, None) if kind in calibrated else None)
    return copy


def kilobytes(model: Sequential) -> float:
    """Return the size of a model's file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return path.stat().st_size / 1000


def ratios(models: dict[Any, Sequential], x: Any) -> dict[Any, float]:
    """Return the time of each model's prediction over that of the one in floats; median of pairs of runs."""
    found: dict[Any, list[float]] = {kind: [] for kind in models}
    for _ in range(ROUNDS):
        took = {}
        for kind, model in models.items():
            start = time.perf_counter()
            model.predict_on_batch(x)
            took[kind] = time.perf_counter() - start
        for kind, seconds in took.items():
            found[kind].append(seconds / took[None])
    return {kind: median(values[5:]) for kind, values in found.items()}


def main() -> None:
    """Measure on the backend in use, and print the table."""
    (x, y), (x_test, y_test) = ((x.reshape(-1, 784).astype("float32") / 255, y) for x, y in digits.load_data())
    model = trained(x, y)
    models = {kind: quantized(model, kind, x[:128]) for kind in KINDS}
    exact = model.predict(x_test, verbose=0)
    times = {batch: ratios(models, x_test[:batch]) for batch in BATCHES}
    table = Table("kernels", "file, kB", "accuracy", "change of outputs", *(f"time, {batch} rows" for batch in BATCHES))
    for kind, each in models.items():
        found = each.predict(x_test, verbose=0)
        right, change = np.mean(np.argmax(found, -1) == y_test), np.sqrt(np.mean((found - exact) ** 2) / np.var(exact))
        row = (f"{times[batch][kind]:.2f}" for batch in BATCHES)
        table.add_row(kind or "float32", f"{kilobytes(each):.0f}", f"{right:.4f}", f"{change:.4f}", *row)
    Console().print(f"MLP 784-512-512-10 on {config.backend()}", table)


if __name__ == "__main__":
    main()
