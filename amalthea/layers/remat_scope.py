"""``RematScope``: layers made inside it compute their intermediate values again in the backward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from amalthea import tree
from amalthea.checks import non_negative_int, one_of
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.transforms import remat

_open: ContextVar[RematScope | None] = ContextVar("remat_scope", default=None)


class RematScope:
    """A block in which new layers keep no intermediate values for the gradient, and compute them again instead.

    Training then needs less memory, and the time of one more forward pass of these layers.

    Args:
        mode: str; ``"full"`` for all layers, ``"activations"`` for layers with an activation function,
            ``"larger_than"`` for layers with an output of more elements than ``output_size_threshold``,
            ``"list_of_layers"`` for those of ``layer_names``, or None for no layer. Defaults to ``"full"``.
        output_size_threshold: int; number of elements, for ``"larger_than"``. Defaults to 1024.
        layer_names: list of str; names of layers, for ``"list_of_layers"``. Defaults to None, no layer.

    Raises:
        ArgumentError: the mode does not exist, or the threshold is negative.

    Example:
        >>> from amalthea import RematScope, layers
        >>> with RematScope(mode="list_of_layers", layer_names=["wide"]):
        ...     wide, narrow = layers.Dense(512, name="wide"), layers.Dense(2)
    """

    def __init__(
        self, mode: str | None = "full", output_size_threshold: int = 1024, layer_names: Sequence[str] | None = None
    ):
        if mode is not None:
            one_of("full", "activations", "larger_than", "list_of_layers")(mode, "mode", "RematScope")
        non_negative_int(output_size_threshold, "output_size_threshold", "RematScope")
        self.mode, self.output_size_threshold = mode, output_size_threshold
        self.layer_names = list(layer_names or ())

    def __enter__(self) -> RematScope:
        self._token = _open.set(self)
        return self

    def __exit__(self, *_: Any) -> None:
        _open.reset(self._token)


def current() -> RematScope | None:
    """Returns the innermost open scope, or None."""
    return _open.get()


def applied(scope: RematScope, layer: Any, call: Callable[..., Any], args: Sequence[Any], kwargs: Any) -> Any:
    """Returns a layer's call, wrapped if the scope says so."""
    if scope.mode == "full" or (scope.mode == "list_of_layers" and layer.name in scope.layer_names):
        return _by_position(call)
    if scope.mode == "activations" and getattr(layer, "activation", None) is not None:
        return _by_position(call)
    if scope.mode == "larger_than" and _is_large(scope, call, args, kwargs):
        return _by_position(call)
    return call


def _is_large(scope: RematScope, call: Callable[..., Any], args: Sequence[Any], kwargs: Any) -> bool:
    """Returns whether any output has more elements than the threshold; the batch counts where it is known."""
    if not any(isinstance(x, Tensor) for x in tree.flatten(list(args))):
        return False
    outputs = [x for x in tree.flatten(call(*args, **kwargs)) if isinstance(x, Tensor)]
    return any(_size(x) > scope.output_size_threshold for x in outputs)


def _size(x: Tensor) -> int:
    size = 1
    for n in x.shape:
        size *= n if n is not None else 1
    return size


def _by_position(call: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the call under ``remat``, with keyword arguments that are tensors passed by position."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        names = [name for name, value in kwargs.items() if any(isinstance(x, Tensor) for x in tree.flatten(value))]
        fixed = {name: value for name, value in kwargs.items() if name not in names}

        def by_position(*values: Any) -> Any:
            return call(*values[: len(args)], **dict(zip(names, values[len(args) :])), **fixed)

        return remat(by_position)(*args, *(kwargs[name] for name in names))

    return wrapped
