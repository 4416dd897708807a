"""``merge``, the function of Keras 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amalthea import layers
from amalthea.compat.calls import modern_call


def merge(
    inputs: Sequence[Any],
    mode: str | Callable[..., Any] = "sum",
    concat_axis: int = -1,
    dot_axes: Any = -1,
    output_shape: Any = None,
    output_mask: Any = None,
    arguments: dict[str, Any] | None = None,
    name: str | None = None,
) -> Any:
    """Merges tensors as Keras 1 did.

    Args:
        inputs: list of tensors.
        mode: str, or a function of the list.
        concat_axis: int; the axis of ``"concat"``.
        dot_axes: int or tuple of ints; the axes of ``"dot"`` and ``"cos"``.
        output_shape: not needed.
        output_mask: not needed.
        arguments: dict; further arguments of the function.
        name: str or None; name of the layer.
    """
    if callable(mode):
        return layers.Lambda(mode, arguments=arguments, name=name)(list(inputs))
    made, _, config = modern_call(
        "layer", "Merge", (), {"mode": mode, "concat_axis": concat_axis, "dot_axes": dot_axes, "name": name}
    )
    return made(**config)(list(inputs))
