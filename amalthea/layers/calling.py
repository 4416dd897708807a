"""How a layer is called: arguments made ready, shapes for ``build``, ``training`` and masks passed on."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from amalthea import dtypes, history, shapes, tensor, tree
from amalthea.errors import (
    AmaltheaError,
    ArgumentError,
    MissingAttributeError,
    ModelFileError,
    NotBuiltError,
    ShapeError,
)
from amalthea.masks import mask_of, set_mask
from amalthea.ops import base
from amalthea.shapes import Dim
from amalthea.tensor import Tensor, Type, Variable

_training: contextvars.ContextVar[Any] = contextvars.ContextVar("training", default=None)
_depth: contextvars.ContextVar[int] = contextvars.ContextVar("depth", default=0)
_path: contextvars.ContextVar[tuple[str, Any]] = contextvars.ContextVar("path", default=("", None))


@cache
def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of a method, without ``self``."""
    found = dict(inspect.signature(function).parameters)
    found.pop("self", None)
    return found


# ------------------------------------------------------------------------------------------- arguments


def prepared(layer: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Array arguments as arrays, floating ones in the layer's compute dtype."""
    to = layer.compute_dtype if layer.autocast else None

    def convert(x: Any) -> Any:
        if isinstance(x, Variable):
            x = x.value
        if isinstance(x, Tensor) and x.history is not None:
            return x
        if not hasattr(x, "shape") or not hasattr(x, "dtype"):
            return x
        name = dtypes.name_of(x)
        if not to or name == to or not dtypes.is_float(name):
            return x
        cast, mask = base.cast(x, to), mask_of(x)
        if mask is not None:
            set_mask(cast, mask)
        return cast

    return [tree.map_structure(convert, a) for a in args], {
        k: tree.map_structure(convert, v) for k, v in kwargs.items()
    }


def check_inputs(layer: Any, args: Sequence[Any]) -> None:
    """Hold the first argument against the layer's ``input_spec``."""
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
    """The arguments of ``call`` by name."""
    if "training" not in parameters(type(layer).call):  # anybody may pass it; `run` leaves it out
        kwargs = {k: v for k, v in kwargs.items() if k != "training"}
    try:
        arguments = inspect.signature(layer.call).bind(*args, **kwargs).arguments
    except TypeError as error:
        raise ArgumentError(f"Layer '{layer.name}' was called with arguments that it does not take: {error}.") from None
    return arguments


# ---------------------------------------------------------------------------------------------- shapes


def public_shape(value: Any) -> Any:
    """Shapes of a nesting of tensors, None for what is not known."""
    if tree.is_nested(value):
        if isinstance(value, dict):
            return {k: public_shape(v) for k, v in value.items()}
        return [public_shape(v) for v in value]
    return shapes.public(base.shape_of(value)) if hasattr(value, "shape") else None


def build_shapes(layer: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """What ``build`` is called with: the shape of the first argument, or one for each that it names."""
    wanted = [p for p in parameters(type(layer).build).values() if p.kind is not p.VAR_KEYWORD]
    given = bound(layer, args, kwargs)
    first = next(iter(given.values()), None)
    if len(wanted) <= 1:
        name = wanted[0].name if wanted else None
        if isinstance(first, (list, tuple)) and name and wanted[0].kind is wanted[0].VAR_POSITIONAL:
            name = None
        return {name: public_shape(first)} if name else {}
    found = {}
    for parameter in wanted:
        stem = parameter.name.removesuffix("_shape")
        if stem in given and given[stem] is not None:
            found[parameter.name] = public_shape(given[stem])
        elif parameter is wanted[0]:
            found[parameter.name] = public_shape(first)
    return found


def building(build: Callable[..., None]) -> Callable[..., None]:
    """``build`` as it may be called by anybody: it names the variables, keeps the shapes, and marks the layer."""

    @functools.wraps(build)
    def marked(self: Any, *args: Any, **kwargs: Any) -> None:
        with path_scope(self):
            build(self, *args, **kwargs)
        if not self.built or self._build_shapes is None:
            arguments = inspect.signature(build).bind(self, *args, **kwargs).arguments
            kinds = inspect.signature(build).parameters
            self._build_shapes = {
                k: v for k, v in list(arguments.items())[1:] if kinds[k].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
            }
        self.built = True

    return marked


def static_shape(shape: Any, layer_name: str) -> tuple[int, ...]:
    """The shape of a weight, which must be known."""
    shape = () if shape is None else (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if any(not isinstance(d, (int, np.integer)) for d in shape):
        raise ShapeError(
            f"A weight of layer '{layer_name}' has an axis whose size is not known.",
            expected="ints",
            got=shape,
            cure="give the input's shape, such as Input((28, 28, 1)), with a size for that axis",
        )
    return tuple(int(d) for d in shape)


def as_shape(value: Any) -> Any:
    """A shape read from JSON: lists of sizes become tuples."""
    if isinstance(value, list) and all(d is None or isinstance(d, int) for d in value):
        return tuple(value)
    if isinstance(value, dict):
        return {k: as_shape(v) for k, v in value.items()}
    return [as_shape(v) for v in value] if isinstance(value, (list, tuple)) and not _is_shape(value) else value


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and all(d is None or isinstance(d, int) for d in value)


def symbolic(shape: Any, dtype: str = "float32") -> Any:
    """A tensor without history for a shape; the first None is ``batch``, each other one a size of its own."""
    dims = [d if d is not None else Dim.symbol("batch") if i == 0 else Dim.fresh() for i, d in enumerate(shape)]
    return Tensor(Type(tuple(dims), dtype))


def output_shape(layer: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The shape of the outputs for inputs of these shapes, found by a call on symbols."""

    def tensors(value: Any) -> Any:
        if value is None:
            return None
        if _is_shape(value) or (isinstance(value, list) and all(d is None or isinstance(d, int) for d in value)):
            return symbolic(value, layer.compute_dtype)
        return {k: tensors(v) for k, v in value.items()} if isinstance(value, dict) else [tensors(v) for v in value]

    names = {k.removesuffix("_shape"): tensors(v) for k, v in kwargs.items()}
    values = [tensors(a) for a in args]
    layer._build_for(values, names)
    outputs = history.record(history.Operation("shape"), lambda *a, **k: run(layer, a, k), values, names)
    return tree.map_structure(lambda x: x.shape, outputs)


def build_within(layer: Any, shapes: dict[str, Any]) -> None:
    """Build the layers within that only a call builds, by a call on symbols."""
    if not all(inner.built for inner in layer._flatten_layers()):
        with contextlib.suppress(
            AmaltheaError, TypeError
        ):  # what stays unbuilt is named when its weights are looked for
            output_shape(layer, list(shapes.values()), {})


def legacy_input(kwargs: dict[str, Any]) -> Any:
    """The input's ``(batch shape, dtype)`` where a first layer tells it in Keras 1's and 2's way."""
    batch = kwargs.get("batch_size")
    dtype = kwargs.get("input_dtype")
    if kwargs.get("batch_input_shape") is not None:
        return tuple(kwargs["batch_input_shape"]), dtype
    if kwargs.get("input_shape") is not None:
        shape = kwargs["input_shape"]
        return (batch, *((shape,) if isinstance(shape, int) else shape)), dtype
    if kwargs.get("input_dim") is not None:
        length = (kwargs["input_length"],) if "input_length" in kwargs else ()
        return (batch, *length, kwargs["input_dim"]), dtype
    return None


# ------------------------------------------------------------------------------------------------ runs


def run(layer: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """``layer.call``, with what comes from around it: ``training``, masks, the compute dtype."""
    accepted = parameters(type(layer).call)
    kwargs = _with_training(layer, args, kwargs, accepted)
    previous = tree.map_structure(mask_of, args[0]) if args else None
    kwargs = _with_masks(layer, args, kwargs, accepted)
    if _depth.get() == 0:
        for inner in layer._flatten_layers():
            inner._losses.clear()
    tokens = (_depth.set(_depth.get() + 1), _training.set(kwargs.get("training", _training.get())))
    to = layer.compute_dtype if layer.autocast and layer.compute_dtype != layer.variable_dtype else None
    if "training" in kwargs and "training" not in accepted:
        kwargs = {k: v for k, v in kwargs.items() if k != "training"}
    try:
        with tensor.autocast(to), path_scope(layer):
            outputs = layer.call(*args, **kwargs)
    finally:
        _depth.reset(tokens[0])
        _training.reset(tokens[1])
    _pass_mask(layer, args, outputs, previous)
    if layer.activity_regularizer is not None:
        _add_activity(layer, outputs)
    return outputs


def _with_training(layer: Any, args: Any, kwargs: dict[str, Any], accepted: Any) -> dict[str, Any]:
    """Explicit first, then that of the call around, then the signature's default."""
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
    """Masks that inputs carry, for those parameters that ask for them and were not given."""
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
    if not layer.supports_masking or not args:
        return
    if all(m is None for m in tree.flatten(previous)) and not getattr(layer, "mask_zero", False):
        return
    masks = layer.compute_mask(args[0], previous)
    flat = tree.flatten(outputs)
    for output, mask in zip(flat, tree.flatten(masks) if len(flat) > 1 else [masks]):
        if mask is not None and hasattr(output, "shape"):
            set_mask(output, mask)


def _add_activity(layer: Any, outputs: Any) -> None:
    for output in tree.flatten(outputs):
        batch = base.shape_of(output)[0]
        share = float(batch) if isinstance(batch, int) and batch else 1.0
        layer.add_loss(layer.activity_regularizer(output) / share)


@contextmanager
def path_scope(layer: Any) -> Iterator[None]:
    """Name what is made inside after the layer, and the layers around it."""
    around, owner = _path.get()
    if owner is layer:
        yield
        return
    layer.path = f"{around}/{layer.name}" if around else layer.name
    token = _path.set((layer.path, layer))
    try:
        yield
    finally:
        _path.reset(token)


# ------------------------------------------------------------------------------------------- the state


def missing_attribute(layer: Any, name: str) -> MissingAttributeError:
    """The error for an attribute that a layer lacks: because it is not initialized, not built, or misspelt."""
    found = inspect.getattr_static(type(layer), name, None)
    if isinstance(found, property) and found.fget is not None:
        found.fget(layer)  # it failed inside: let its own error be seen
    kind = type(layer).__name__
    if "_own" not in vars(layer):
        return MissingAttributeError(
            f"{kind} is not initialized: its __init__ did not begin with super().__init__().",
            got=f"no {name!r}",
            cure="def __init__(self, **kwargs): super().__init__(**kwargs)",
        )
    sentence = f"{kind} '{layer.name}' has no attribute {name!r}"
    if vars(layer)["built"]:
        error = MissingAttributeError(f"{sentence}.")
    else:
        cure = "call it on data once, or call build(input_shape)"
        error = MissingAttributeError(f"{sentence}, and it is not built yet.", cure=cure)
    error.name, error.obj = name, layer  # Python adds the nearest name when it shows the error
    return error


def require_built(layer: Any) -> None:
    if not layer.built:
        raise NotBuiltError(
            f"'{layer.name}' has no weights yet: they are made when the input's shape is known.",
            cure="call it on data once, call build(input_shape), or begin with Input(shape)",
        )


def only_call(layer: Any) -> Any:
    if len(layer.calls) != 1:
        raise ArgumentError(f"Layer '{layer.name}' has no single symbolic call.", expected=1, got=len(layer.calls))
    return layer.calls[0]


def load_variables(layer: Any, variables: Sequence[Variable], store: Any) -> None:
    """Assign variables from a store of arrays by number; nothing is assigned unless everything fits."""
    if len(store.keys()) != len(variables):
        raise ModelFileError(
            f"Layer '{layer.name}' has another number of variables than the file.",
            expected=len(variables),
            got=len(store.keys()),
            cure="" if variables else "build the layer first",
        )
    arrays = [store[str(i)] for i in range(len(variables))]
    for variable, array in zip(variables, arrays):
        if tuple(array.shape) != tuple(variable.shape):
            raise ModelFileError(
                f"The file's value does not fit variable '{variable.path}'.", expected=variable.shape, got=array.shape
            )
    for variable, array in zip(variables, arrays):
        variable.assign(array)
