"""A model again, with new weights."""

from __future__ import annotations

from typing import Any


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Any = None,
    call_function: Any = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Any:
    """A model of the same configuration whose weights are drawn anew.

    Args:
        model: any model that can be saved.
        clone_function: makes each layer's copy of a Sequential model; by its configuration unless given.
    """
    from amalthea.models.sequential import Sequential

    if clone_function is not None and isinstance(model, Sequential):
        return type(model)([clone_function(layer) for layer in model.stack], name=model.name)
    return type(model).from_config(model.get_config())  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
