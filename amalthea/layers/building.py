"""Building of layers: shapes of inputs and outputs, names of variables, and errors about layers that are not built."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np

from amalthea import tree
from amalthea.engine import shapes
from amalthea.engine.ir import versions
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.variable import Variable, at_once
from amalthea.engine.shapes import Dim
from amalthea.errors import (
    AmaltheaError,
    MissingAttributeError,
    ModelFileError,
    NotBuiltError,
    ShapeError,
)
from amalthea.layers import calling
from amalthea.operation import Unnamed, record
from amalthea.ops import base

unfinished: list[Any] = []  # the layers that some thread is building now


@contextlib.contextmanager
def by_one_thread(layer: Any) -> Generator[None, None, None]:
    """Holds the lock under which layers are built; waits while another thread builds."""
    with versions.MAKING:
        unfinished.append(layer)
        try:
            yield
        finally:
            unfinished.remove(layer)


def public_shape(value: Any) -> Any:
    """Returns the shapes of nested tensors, with None for unknown sizes."""
    if tree.is_nested(value):
        if isinstance(value, dict):
            return {k: public_shape(v) for k, v in value.items()}
        return [public_shape(v) for v in value]
    return shapes.public(base.shape_of(value)) if hasattr(value, "shape") else None


def build_shapes(layer: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of ``build``: the shape of the first input, or of each input that ``build`` names."""
    wanted = [p for p in calling.parameters(type(layer).build).values() if p.kind is not p.VAR_KEYWORD]
    given = calling.bound(layer, args, kwargs)
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


def marks_built(build: Callable[..., None]) -> Callable[..., None]:
    """Wraps a ``build`` method so that it names the variables, records the shapes and marks the layer as built."""

    @functools.wraps(build)
    def marked(self: Any, *args: Any, **kwargs: Any) -> None:
        with calling.path_scope(self):
            build(self, *args, **kwargs)
        if not self.built or self._build_shapes is None:
            arguments = inspect.signature(build).bind(self, *args, **kwargs).arguments
            kinds = inspect.signature(build).parameters
            self._build_shapes = {
                k: v for k, v in list(arguments.items())[1:] if kinds[k].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
            }
        self.built = True
        if getattr(type(self), "build", None) is marked:  # not a `super().build()`
            with calling.path_scope(self):
                self._adapt_built()

    return marked


def static_shape(shape: Any, layer_name: str) -> tuple[int, ...]:
    """Returns the shape of a weight as ints; raises :class:`ShapeError` if a size is unknown."""
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
    """Returns a shape that was read from JSON, with tuples in place of lists of sizes."""
    if isinstance(value, list) and all(d is None or isinstance(d, int) for d in value):
        return tuple(value)
    if isinstance(value, dict):
        return {k: as_shape(v) for k, v in value.items()}
    return [as_shape(v) for v in value] if isinstance(value, (list, tuple)) and not _is_shape(value) else value


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and all(d is None or isinstance(d, int) for d in value)


def symbolic(shape: Any, dtype: str = "float32") -> Any:
    """Returns a symbolic tensor without history; the first None becomes the size ``batch``, others new symbols."""
    dims = [d if d is not None else Dim.symbol("batch") if i == 0 else Dim.fresh() for i, d in enumerate(shape)]
    return Tensor(Type(tuple(dims), dtype))


def symbols(shapes: Any, dtype: str) -> Any:
    """Returns symbolic tensors for shapes in any nesting."""
    if shapes is None:
        return None
    if _is_shape(shapes) or (isinstance(shapes, list) and all(d is None or isinstance(d, int) for d in shapes)):
        return symbolic(shapes, dtype)
    if isinstance(shapes, dict):
        return {name: symbols(shape, dtype) for name, shape in shapes.items()}
    return [symbols(shape, dtype) for shape in shapes]


def output_shape(layer: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Returns the shapes of the outputs for given shapes of the inputs, by a call on symbolic tensors."""

    dtype = layer.input_dtype
    names = {k.removesuffix("_shape"): symbols(v, dtype) for k, v in kwargs.items()}
    values = [symbols(a, dtype) for a in args]
    layer._build_for(values, names)
    outputs = record(Unnamed("shape"), lambda *a, **k: calling.run(layer, a, k), values, names)
    return tree.map_structure(lambda x: x.shape, outputs)


def build_within(layer: Any, shapes: dict[str, Any]) -> None:
    """Builds inner layers that only a call builds, by a call on symbolic tensors."""
    if not all(inner.built for inner in layer._flatten_layers()):
        with contextlib.suppress(
            AmaltheaError, TypeError
        ):  # what stays unbuilt is named when its weights are looked for
            output_shape(layer, list(shapes.values()), {})


def legacy_input(kwargs: dict[str, Any]) -> Any:
    """Returns ``(batch shape, dtype)`` of the input from the arguments of Keras 1 and 2, or None."""
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


# ------------------------------------------------------------------------------------------- the state


def missing_attribute(layer: Any, name: str) -> MissingAttributeError:
    """Returns the error for a missing attribute: the layer is not initialized or built, or the name is misspelt."""
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
    """Raises :class:`NotBuiltError` unless the layer is built."""
    if not layer.built:
        raise NotBuiltError(
            f"'{layer.name}' has no weights yet: they are made when the input's shape is known.",
            cure="call it on data once, call build(input_shape), or begin with Input(shape)",
        )


def load_variables(layer: Any, variables: Sequence[Variable], store: Any) -> None:
    """Assigns variables from a store of arrays with numbers as keys; nothing is assigned unless every value fits."""
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
    with at_once():
        for variable, array in zip(variables, arrays):
            variable.assign(array)
