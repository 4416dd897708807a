"""The table of a model's layers."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from amalthea.engine import dtypes
from amalthea.errors import ArgumentError, UnknownNameError, nearest


def parameters_of(variables: Any) -> tuple[int, int]:
    """The number of elements of some variables, and their size in bytes."""
    counts = [(int(np.prod(v.shape)), dtypes.to_numpy(v.dtype).itemsize) for v in variables]
    return sum(n for n, _ in counts), sum(n * size for n, size in counts)


def _amount(variables: Any) -> str:
    count, size = parameters_of(variables)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{count:,} ({size:.2f} {unit})"


def _shape_text(layer: Any) -> str:
    """The shape of the output: of the symbolic call, or else for the shape that the layer was built with."""
    try:
        is_model = hasattr(layer, "_needed_network")
        return str(layer._needed_network().output_shape if is_model else layer.output.shape)
    except (ValueError, AttributeError):
        pass
    if layer._build_shapes is None or len(layer._build_shapes) != 1:
        return "?"
    try:
        return str(layer.compute_output_shape(*layer._build_shapes.values()))
    except Exception:  # of a user's layer that takes more than a shape
        return "?"


def _count_text(layer: Any) -> str:
    return f"{layer_count(layer):,}" if layer.built else "0 (unbuilt)"


def _sources(layer: Any) -> str:
    """The layers that a layer of a functional model is called on."""
    names = [f"{x.history.call.operation.name}[{x.history.index}]" for call in layer._calls for x in call.inputs]
    return ", ".join(dict.fromkeys(names)) or "-"


def _rows(layers: Any, expand_nested: bool, indent: str = "") -> Iterator[tuple[Any, str]]:
    for layer in layers:
        yield layer, indent
        if expand_nested and getattr(layer, "layers", None):
            yield from _rows(layer.layers, True, indent + "  ")


def _between(layers: list[Any], layer_range: Sequence[str] | None) -> list[Any]:
    """The layers from the first to the last whose name matches one of two patterns."""
    if layer_range is None:
        return layers
    if len(layer_range) != 2:
        raise ArgumentError("`layer_range` names two layers.", expected="(first, last)", got=layer_range)
    ranges: list[list[int]] = []
    for pattern in layer_range:
        found = [i for i, layer in enumerate(layers) if layer.name == pattern or re.match(pattern, layer.name)]
        if not found:
            cure = nearest(pattern, [layer.name for layer in layers])
            raise UnknownNameError("`layer_range` names a layer that the model does not have.", got=pattern, cure=cure)
        ranges.append(found)
    return layers[min(ranges[0]) : max(ranges[1]) + 1]


def _widths(positions: Sequence[float] | None, width: int, columns: int) -> list[int | None]:
    """The width of each column, from where it ends."""
    if not positions:
        return [None] * columns
    ends = [int(p * width) if p <= 1 else int(p) for p in positions][:columns]
    widths: list[int | None] = [max(end - start - 3, 1) for start, end in zip([0, *ends], ends)]
    return widths + [None] * (columns - len(widths))


def summary(
    model: Any,
    print_fn: Callable[[str], Any] | None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Print name, output shape and number of parameters of every layer, and the totals; see :meth:`Model.summary`."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f'Model: "{model.name}"', title_justify="left")
    text = io.StringIO() if print_fn else None
    console = Console(file=text, width=line_length or 100) if text else Console(width=line_length)
    branches = model._network is not None and any(len(call.inputs) > 1 for call in model._network.calls)
    titles = [("Layer (type)", "left"), ("Output Shape", "left"), ("Param #", "right")]
    titles += [("Connected to", "left")] if branches else []
    titles += [("Trainable", "left")] if show_trainable else []
    for (title, side), width in zip(titles, _widths(positions, console.width, len(titles))):
        table.add_column(title, justify=side, width=width)  # type: ignore[arg-type]
    for layer, indent in _rows(_between(model.layers, layer_range), expand_nested):
        row = [f"{indent}{layer.name} ({type(layer).__name__})", _shape_text(layer), _count_text(layer)]
        row += [_sources(layer)] if branches else []
        table.add_row(*row, *(["yes" if layer.trainable else "no"] if show_trainable else []))
    totals = [("Total", model.weights), ("Trainable", model.trainable_weights)]
    totals.append(("Non-trainable", model.non_trainable_weights))
    if getattr(model, "optimizer", None) is not None and model.optimizer.variables:
        totals.append(("Optimizer", model.optimizer.variables))
    console.print(table)
    for name, variables in totals:
        console.print(f"{name} params: {_amount(variables)}", highlight=False)
    if print_fn and text:
        print_fn(text.getvalue())


def layer_count(layer: Any) -> int:
    return parameters_of(layer.weights)[0]
