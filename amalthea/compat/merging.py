"""``merge`` and ``Merge`` of Keras 1, and the functions of ``keras.layers.merge`` of Keras 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amalthea import layers, tree
from amalthea.compat import spelling
from amalthea.compat.calls import modern_call
from amalthea.errors import ArgumentError
from amalthea.layers import Input
from amalthea.models import Model

MODES = ("sum", "mul", "ave", "max", "concat", "dot", "cos")


def layer_of(
    mode: str | Callable[..., Any] = "sum",
    concat_axis: int = -1,
    dot_axes: Any = -1,
    arguments: dict[str, Any] | None = None,
    name: str | None = None,
) -> Any:
    """The layer of today for a mode of Keras 1.

    Args:
        mode: str, or a function of the list of inputs.
        concat_axis: int; the axis of ``"concat"``. Defaults to -1.
        dot_axes: int, or sequence of two; the axes of ``"dot"`` and ``"cos"``. Defaults to -1.
        arguments: dict; further arguments of the function. Defaults to None.
        name: str or None; name of the layer.

    Raises:
        ArgumentError: there is no such mode.

    Example:
        >>> type(layer_of("concat")).__name__, type(layer_of("ave")).__name__
        ('Concatenate', 'Average')
    """
    if callable(mode):
        return layers.Lambda(mode, arguments=arguments, name=name)
    if mode not in MODES:
        raise ArgumentError(
            "Keras 1 had no such mode of merging.", expected=f"a function, or {', '.join(MODES)}", got=repr(mode)
        )
    config = {"mode": mode, "concat_axis": concat_axis, "dot_axes": dot_axes, "name": name}
    made, _, config = modern_call("layer", "Merge", (), config)
    return made(**config)


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
        mode: str: ``"sum"``, ``"mul"``, ``"ave"``, ``"max"``, ``"concat"``, ``"dot"``, ``"cos"``; or a function of the
            list.
        concat_axis: int; the axis of ``"concat"``. Defaults to -1.
        dot_axes: int or tuple of ints; the axes of ``"dot"`` and ``"cos"``. Defaults to -1.
        output_shape: not needed.
        output_mask: not needed.
        arguments: dict; further arguments of the function. Defaults to None.
        name: str or None; name of the layer.

    Shapes: a list of (batch, ...) -> (batch, ...)

    Raises:
        ArgumentError: there is no such mode.
    """
    made = layer_of(mode, concat_axis, dot_axes, arguments, name)
    spelling.note(f"merge(mode={mode!r})", f"{type(made).__name__}()(inputs)")
    return made(list(inputs))


def Merge(  # noqa: N802  # a class in Keras 1
    layers: Sequence[Any] | None = None,
    mode: str | Callable[..., Any] = "sum",
    concat_axis: int = -1,
    dot_axes: Any = -1,
    output_shape: Any = None,
    output_mask: Any = None,
    arguments: dict[str, Any] | None = None,
    node_indices: Any = None,
    tensor_indices: Any = None,
    name: str | None = None,
) -> Any:
    """The merge layer of Keras 1; with models, a model of all their inputs, with which a ``Sequential`` may begin.

    Args:
        layers: list of models. Defaults to None, a layer that is called on a list of tensors.
        mode: as for :func:`merge`.
        concat_axis: as for :func:`merge`.
        dot_axes: as for :func:`merge`.
        output_shape: not needed.
        output_mask: not needed.
        arguments: as for :func:`merge`.
        node_indices: not needed.
        tensor_indices: not needed.
        name: str or None; name of the layer.

    Raises:
        ArgumentError: there is no such mode, or a model does not know the shape of its input.
    """
    made = layer_of(mode, concat_axis, dot_axes, arguments, name if layers is None else None)
    spelling.note(f"Merge(mode={mode!r})", f"{type(made).__name__}()")
    if layers is None:
        return made
    found = [_ends(branch) for branch in layers]
    inputs = {id(x): x for own, _ in found for x in tree.flatten(own)}  # a model that occurs twice has its inputs once
    return Model(list(inputs.values()), made([end for _, end in found]), name=name)


def _ends(branch: Any) -> tuple[Any, Any]:
    """The symbolic inputs and output of a model, or of a layer that knows the shape of its input."""
    if isinstance(branch, Model) and branch._network is not None:
        return branch._network.inputs, branch._network.outputs
    if getattr(branch, "_first_input", None) is not None:
        shape, dtype = branch._first_input
        inputs = Input(batch_shape=shape, dtype=dtype)
    else:
        raise ArgumentError(
            "A model to merge does not know the shape of its input.",
            got=f"'{getattr(branch, 'name', branch)}'",
            cure="input_shape=(...) or input_dim=... in its first layer",
        )
    return inputs, branch(inputs)
