"""Calls of layers: conversion of arguments, and the ``training`` flag and masks that pass from layer to layer."""

from __future__ import annotations

import contextvars
import functools
import inspect
import threading
import warnings
import weakref
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any

from amalthea import tree
from amalthea.engine import dtypes
from amalthea.engine.ir.masks import mask_of, set_mask
from amalthea.engine.ir.scope import autocast, current_trace, named
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import runtime_array
from amalthea.engine.ir.variable import Variable, one_version
from amalthea.errors import (
    ArgumentError,
)
from amalthea.ops import base
from amalthea.ops.user_functions import attempt, tried_natively
from amalthea.text import is_text

_training: contextvars.ContextVar[Any] = contextvars.ContextVar("training", default=None)
_depth: contextvars.ContextVar[int] = contextvars.ContextVar("depth", default=0)
_path: contextvars.ContextVar[tuple[str, Any]] = contextvars.ContextVar("path", default=("", None))


class _Added(threading.local):
    """The losses that each layer added in its last call, for each thread."""

    def __init__(self) -> None:
        self.by_layer: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()

    def of(self, layer: Any) -> list[Any]:
        return self.by_layer.get(layer, [])

    def add(self, layer: Any, losses: list[Any]) -> None:
        self.by_layer.setdefault(layer, []).extend(losses)

    def forget(self, layer: Any) -> None:
        """Removes the losses of a layer and of the layers inside it."""
        if self.by_layer:
            for inner in layer._flatten_layers():
                self.by_layer.pop(inner, None)

    @contextmanager
    def apart(self) -> Generator[Any, None, None]:
        """Yields what is added inside, and keeps it apart from what was added before."""
        before, self.by_layer = self.by_layer, weakref.WeakKeyDictionary()
        try:
            yield self.by_layer
        finally:
            self.by_layer = before


added = _Added()


def training_around() -> Any:
    """Returns ``training`` of the enclosing call, or None."""
    return _training.get()


@contextmanager
def training_mode(training: Any) -> Generator[None, None, None]:
    """Calls inside run with this ``training`` flag, unless they are given another one."""
    token = _training.set(training)
    try:
        yield
    finally:
        _training.reset(token)


def is_outermost() -> bool:
    """Returns whether no call of a layer is going on in this thread."""
    return _depth.get() == 0


@cache
def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Returns the parameters of a method by name, without ``self``; none for a function that does not tell."""
    try:
        found = dict(inspect.signature(function).parameters)
    except ValueError:  # of a library's function in C
        return {}
    found.pop("self", None)
    return found


# ------------------------------------------------------------------------------------------- arguments


def prepared(layer: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Converts arrays among the arguments to the backend's arrays, floating ones in the layer's compute dtype.

    Whole numbers and bools among the inputs of a layer that computes in floats are cast too; otherwise the result would
    be
    cut to their dtype.
    """
    to = layer.compute_dtype if layer.autocast else None

    def convert(x: Any, always: bool = False) -> Any:
        if isinstance(x, Variable):
            x = x.value
        if isinstance(x, Tensor) and x.history is not None:
            return x
        if not hasattr(x, "shape") or not hasattr(x, "dtype") or is_text(x):
            return x
        name, mask = dtypes.name_of(x), mask_of(x)
        new = x if isinstance(x, Tensor) else runtime_array(x, name)
        if to and name != to and dtypes.is_float(name):
            new = base.cast(new, to)
        elif always and not dtypes.is_float(name):
            new = base.cast(new, layer.compute_dtype)
        if mask is not None and new is not x:
            set_mask(new, mask)
        return new

    floats = functools.partial(convert, always=True) if layer._computes_in_floats else convert
    first = next(iter(parameters(type(layer).call)), None)
    return [tree.map_structure(floats if i == 0 else convert, a) for i, a in enumerate(args)], {
        k: tree.map_structure(floats if k == first else convert, v) for k, v in kwargs.items()
    }


def check_inputs(layer: Any, args: Sequence[Any]) -> None:
    """Checks the first argument against the layer's ``input_spec``."""
    if layer.input_spec is None or not args:
        return
    specs = tree.flatten(layer.input_spec)
    values = tree.flatten(args[0])
    if len(specs) != len(values):
        raise ArgumentError(
            f"Layer '{layer.name}' takes another number of inputs.", expected=len(specs), got=len(values)
        )
    for spec, value in zip(specs, values):
        spec.check(value, layer.name)


def bound(layer: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of ``call`` by name; raises :class:`ArgumentError` if they do not fit its signature."""
    if "training" not in parameters(type(layer).call):  # anybody may pass it; `run` leaves it out
        kwargs = {k: v for k, v in kwargs.items() if k != "training"}
    try:
        arguments = inspect.signature(layer.call).bind(*args, **kwargs).arguments
    except TypeError as error:
        raise ArgumentError(f"Layer '{layer.name}' was called with arguments that it does not take: {error}.") from None
    return arguments


# ------------------------------------------------------------------------------------------------ runs


def run(layer: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Runs ``layer.call`` with ``training`` and masks from its context, in the layer's compute dtype."""
    accepted = parameters(type(layer).call)
    kwargs = _with_training(layer, args, kwargs, accepted)
    previous = tree.map_structure(mask_of, args[0]) if args else None
    kwargs = _with_masks(layer, args, kwargs, accepted)
    outermost = _depth.get() == 0
    if outermost:
        added.forget(layer)
    training = kwargs.get("training", _training.get())
    if "training" in kwargs and "training" not in accepted:
        kwargs = {k: v for k, v in kwargs.items() if k != "training"}
    with _one_version(layer) if outermost else nullcontext(), _inside(layer, training):
        outputs = _call(layer, args, kwargs, training)
    _pass_mask(layer, args, outputs, previous)
    _warn_of_lost_mask(layer, outputs, previous, accepted)
    if layer.activity_regularizer is not None:
        _add_activity(layer, outputs)
    return outputs


@contextmanager
def _inside(layer: Any, training: Any) -> Generator[None, None, None]:
    """The surroundings of ``call``: the training flag, the compute dtype and the path of the layer."""
    to = layer.compute_dtype if layer.autocast and layer.compute_dtype != layer.variable_dtype else None
    tokens = (_depth.set(_depth.get() + 1), _training.set(training))
    try:
        with autocast(to), path_scope(layer):
            yield
    finally:
        _depth.reset(tokens[0])
        _training.reset(tokens[1])


def _call(layer: Any, args: Sequence[Any], kwargs: dict[str, Any], training: Any) -> Any:
    """Runs ``layer.call``; if it fails in a function of a library, as one native call."""
    call = layer.call
    if layer._remat_scope is not None and current_trace() is not None:
        call = layer.rematerialized_call(call, *args, **kwargs)
    return attempt(call, args, kwargs, lambda error: _natively(error, layer, args, kwargs, training))


def _natively(error: Exception, layer: Any, args: Sequence[Any], kwargs: dict[str, Any], training: Any) -> Any:
    """Runs a ``call`` that failed with ``error`` as a native call. The losses that it adds are outputs of that call."""

    def call(*args: Any, **kwargs: Any) -> Any:
        with added.apart() as losses, _inside(layer, training):
            outputs = layer.call(*args, **kwargs)
        return outputs, [x for found in losses.values() for x in found]

    added.forget(layer)
    outputs, losses = tried_natively(error, call, args, kwargs, layer.variables)
    added.add(layer, losses)
    return outputs


def _one_version(layer: Any) -> AbstractContextManager[None]:
    """Fixes the values of all variables during a call outside a trace, whatever other threads assign."""
    if threading.active_count() == 1 or current_trace() is not None:
        return nullcontext()
    return one_version(layer.variables)


def _with_training(layer: Any, args: Any, kwargs: dict[str, Any], accepted: Any) -> dict[str, Any]:
    """Adds ``training``: the argument itself, else that of the enclosing call, else the default of the signature."""
    if "training" not in accepted:
        return kwargs
    names = list(accepted)
    if names.index("training") < len(args):
        return kwargs
    value = kwargs.get("training")
    if value is None:
        value = _training.get()
    if value is None:
        default = accepted["training"].default
        value = default if isinstance(default, bool) else False
    return {**kwargs, "training": value}


def _with_masks(layer: Any, args: Any, kwargs: dict[str, Any], accepted: Any) -> dict[str, Any]:
    """Adds the masks that inputs carry, for mask parameters that were not given."""
    names = [name for name, p in accepted.items() if p.kind is not p.VAR_KEYWORD]
    found = dict(kwargs)
    for position, name in enumerate(names):
        wanted = "mask" if position == 0 and "mask" in accepted else f"{name}_mask"
        if wanted not in accepted or kwargs.get(wanted) is not None or names.index(wanted) < len(args):
            continue
        value = args[position] if position < len(args) else kwargs.get(name)
        masks = tree.map_structure(mask_of, value) if value is not None else None
        if any(m is not None for m in tree.flatten(masks)):
            found[wanted] = masks
    return found


def _pass_mask(layer: Any, args: Any, outputs: Any, previous: Any) -> None:
    """Attaches the masks from ``compute_mask`` to the outputs, except to those for which ``call`` set a mask."""
    if not layer.supports_masking or not args:
        return
    if all(m is None for m in tree.flatten(previous)) and not getattr(layer, "mask_zero", False):
        return
    masks = layer.compute_mask(args[0], previous)
    flat, known = tree.flatten(outputs), {id(m) for m in (None, *tree.flatten(previous))}
    for output, mask in zip(flat, tree.flatten(masks) if len(flat) > 1 else [masks]):
        if mask is not None and hasattr(output, "shape") and id(mask_of(output)) in known:
            set_mask(output, mask)


def _warn_of_lost_mask(layer: Any, outputs: Any, previous: Any, accepted: Any) -> None:
    """Warns if a layer drops the mask of its input: it neither passes it on nor uses it."""
    if layer.supports_masking or "mask" in accepted or all(m is None for m in tree.flatten(previous)):
        return
    if all(mask_of(x) is None for x in tree.flatten(outputs)):
        warnings.warn(
            f"Layer '{layer.name}' ({type(layer).__name__}) drops the mask of its input: padded steps count like all "
            "others from here on. Set `supports_masking = True` on it if its steps stay apart.",
            stacklevel=5,
        )


def _add_activity(layer: Any, outputs: Any) -> None:
    """Adds the activity regularizer's penalty on the outputs, divided by the batch size, to the losses."""
    for output in tree.flatten(outputs):
        batch = base.shape_of(output)[0]
        share = float(batch) if isinstance(batch, int) and batch else 1.0
        layer.add_loss(layer.activity_regularizer(output) / share)


@contextmanager
def path_scope(layer: Any) -> Generator[None, None, None]:
    """Prefixes the paths of variables made inside with the names of the layer and of the layers around it."""
    around, owner = _path.get()
    if owner is layer:
        yield
        return
    layer.path = f"{around}/{layer.name}" if around else named(layer.name)
    token = _path.set((layer.path, layer))
    try:
        yield
    finally:
        _path.reset(token)
