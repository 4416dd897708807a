"""The table of a model's layers."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from amalthea import dtypes


def parameters_of(variables: Any) -> tuple[int, int]:
    """How many numbers some variables hold, and how many bytes they take."""
    counts = [(int(np.prod(v.shape)), dtypes.to_numpy(v.dtype).itemsize) for v in variables]  # pyright: ignore[reportUnknownArgumentType]
    return sum(n for n, _ in counts), sum(n * size for n, size in counts)


def _amount(variables: Any) -> str:
    count, size = parameters_of(variables)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{count:,} ({size:.2f} {unit})"


def _shape_text(layer: Any) -> str:
    try:
        return str(layer.output_shape if hasattr(layer, "output_shape") else layer.output.shape)
    except (ValueError, AttributeError):
        return "?"


def _rows(layers: Any, expand_nested: bool, indent: str = "") -> Iterator[tuple[Any, str]]:
    for layer in layers:
        yield layer, indent
        if expand_nested and getattr(layer, "layers", None):
            yield from _rows(layer.layers, True, indent + "  ")


def summary(
    model: Any, print_fn: Callable[[str], Any] | None, expand_nested: bool = False, show_trainable: bool = False
) -> None:
    """Print name, output shape and number of parameters of every layer, and the totals."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f'Model "{model.name}"', title_justify="left")
    for title, side in (("Layer (type)", "left"), ("Output shape", "left"), ("Parameters", "right")):
        table.add_column(title, justify=side)  # type: ignore[arg-type]
    if show_trainable:
        table.add_column("Trainable")
    for layer, indent in _rows(model.layers, expand_nested):
        row = [f"{indent}{layer.name} ({type(layer).__name__})", _shape_text(layer), f"{layer_count(layer):,}"]
        table.add_row(*row, *(["yes" if layer.trainable else "no"] if show_trainable else []))
    totals = [("All", model.weights), ("Trainable", model.trainable_weights), ("Fixed", model.non_trainable_weights)]
    if getattr(model, "optimizer", None) is not None and model.optimizer.variables:
        totals.append(("Optimizer", model.optimizer.variables))
    text = io.StringIO() if print_fn else None
    console = Console(file=text, width=100) if text else Console()
    console.print(table)
    for name, variables in totals:
        console.print(f"{name} parameters: {_amount(variables)}", highlight=False)
    if print_fn and text:
        print_fn(text.getvalue())


def layer_count(layer: Any) -> int:
    return parameters_of(layer.weights)[0]
