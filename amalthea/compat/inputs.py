"""``Input`` of Keras 1 and 2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import layers
from amalthea.compat import eras


def Input(
    shape: Sequence[int | None] | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    tensor: Any = None,
    **kwargs: Any,
) -> Any:
    """Returns a symbolic tensor that stands for an input of a model; the order of arguments is that of Keras 1 and 2.

    Args:
        shape: sequence of int or None; the shape without the batch axis. Not used where ``tensor`` is given.
        batch_shape: sequence of int or None; the shape with the batch axis. Not used where ``tensor`` is given.
        name: str or None; name of the input.
        dtype: dtype or None; that of the tensor.
        sparse: bool or None; whether the tensor is sparse.
        tensor: symbolic tensor or None; the tensor that is the input.
        **kwargs: further arguments of today's ``Input``.

    Shapes: the symbolic tensor is ``(batch, *shape)``.

    Example:
        >>> Input((4,), None, "features").name
        'features'
    """
    if tensor is not None and eras.era() < 3:
        shape = batch_shape = None
    return layers.Input(shape, batch_shape=batch_shape, name=name, dtype=dtype, sparse=sparse, tensor=tensor, **kwargs)
