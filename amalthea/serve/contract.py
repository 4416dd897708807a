"""Names, shapes and dtypes that a model takes and gives, and the check of a request's values against them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from amalthea import tree
from amalthea.engine import dtypes
from amalthea.errors import ArgumentError
from amalthea.export import signatures
from amalthea.export.endpoint import Spec, traced
from amalthea.serve.refusals import RequestError
from amalthea.training.before_training import fixed_batch_size

_KINDS = {"f": "iuf", "i": "iu", "u": "iu", "b": "b", "U": "U"}  # kinds of JSON's arrays by kind of the input
_WORDS = {"f": "numbers", "i": "whole numbers", "u": "whole numbers", "b": "true and false", "U": "text"}


@dataclass(frozen=True)
class Contract:
    """What a model takes and gives.

    Args:
        inputs: list of Spec, flat.
        outputs: list of Spec, flat.
        nest: the inputs as ``predict`` takes them: the same Specs in the model's nesting.
        rows: int or None; the only number of rows that the model takes.
        is_by_row: bool; whether each row of the outputs belongs to a row of the inputs.
    """

    inputs: list[Spec]
    outputs: list[Spec]
    nest: Any
    rows: int | None
    is_by_row: bool

    @property
    def input_names(self) -> str:
        """The names of the inputs, for messages."""
        return ", ".join(repr(spec.name) for spec in self.inputs)


def contract_of(model: Any) -> Contract:
    """Return the contract of a model.

    Raises:
        NotBuiltError: the shapes of the inputs are not known.
        ArgumentError: the call of the model takes several arguments.
    """
    arguments = signatures.of_model(model)
    if len(arguments) != 1:
        raise ArgumentError("A served model takes its inputs as one argument.", got=f"{len(arguments)} arguments")
    inputs = tree.flatten(arguments[0])
    outputs = _outputs(model, arguments)
    by_row = all(spec.shape and spec.shape[0] in (None, fixed_batch_size(model)) for spec in [*inputs, *outputs])
    return Contract(inputs, outputs, arguments[0], fixed_batch_size(model), by_row)


def _outputs(model: Any, arguments: list[Any]) -> list[Spec]:
    network = model._network
    if network is not None:
        flat = tree.flatten(network.outputs)
        names = model._output_names()
        names = names if len(names) == len(flat) else [f"output_{i}" for i in range(len(flat))]
        return [Spec(name, tuple(x.shape), x.dtype) for name, x in zip(names, flat)]
    endpoint = traced("serve", lambda *args: model(*args, training=False), arguments)
    shapes = [tuple(d if isinstance(d, int) else None for d in x.shape) for x in endpoint.graph.outputs]
    return [Spec(n, s, x.dtype) for n, s, x in zip(endpoint.outputs, shapes, endpoint.graph.outputs)]


def from_json(spec: Spec, value: Any, may_be_infinite: bool = True) -> np.ndarray:
    """Return JSON's nested lists as the array of an input.

    Args:
        spec: Spec of the input.
        value: lists, numbers, booleans or text.
        may_be_infinite: bool; False if an infinite number can only be one that was written too large.

    Raises:
        RequestError: they do not fit.
    """
    try:
        array = np.array(value)
    except (ValueError, OverflowError, TypeError, RecursionError):
        raise _unfit(spec, "lists of unequal length, or numbers that are too large") from None
    kind = kind_of(spec)
    if array.size and array.dtype.kind not in _KINDS.get(kind, ""):
        got = {"O": "lists of unequal length, null, objects or mixed values", "U": "text", "b": "true and false"}
        raise _unfit(spec, got.get(array.dtype.kind, "numbers with a fraction or of this size"))
    array = array if kind == "U" else _cast(spec, array)
    if kind == "f" and not may_be_infinite and np.isinf(array).any():
        raise _unfit(spec, "a number that is too large")
    return array


def kind_of(spec: Spec) -> str:
    """NumPy's letter for a family of dtypes: f, i, u, b, c, or U for text."""
    if spec.dtype == "string":
        return "U"
    if spec.dtype in dtypes.FLOATS:
        return "f"
    return dtypes.to_numpy(spec.dtype).kind


def _cast(spec: Spec, array: np.ndarray) -> np.ndarray:
    dtype = dtypes.to_numpy(spec.dtype)
    if kind_of(spec) in "iu" and array.size:
        limits = np.iinfo(dtype)
        if int(array.min()) < limits.min or int(array.max()) > limits.max:
            raise _unfit(spec, f"a number outside {limits.min} to {limits.max}")
    with np.errstate(over="ignore"):
        cast = array.astype(dtype)
    if kind_of(spec) == "f" and np.isinf(cast).any() and (np.isinf(cast) & np.isfinite(array)).any():
        raise _unfit(spec, "a number that is too large")
    return cast


def _unfit(spec: Spec, got: str) -> RequestError:
    words = _WORDS.get(kind_of(spec), "numbers of an interface of binary tensors")
    expected = f"nested lists of {words} ({spec.dtype}) of shape {shape_text(spec)}"
    return RequestError(400, f"The values of input '{spec.name}' cannot be used.", expected=expected, got=got)


def shape_text(spec: Spec) -> str:
    """A shape for messages.

    >>> shape_text(Spec("x", (None, 28, None), "float32"))
    '(rows, 28, any)'
    """
    sizes = [str(d) if d is not None else "rows" if i == 0 else "any" for i, d in enumerate(spec.shape)]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def check(contract: Contract, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the arrays if their shapes fit the inputs, and they have as many rows, of which there is one at least.

    Raises:
        RequestError: they do not.
    """
    for spec, array in zip(contract.inputs, arrays):
        if len(spec.shape) != array.ndim or any(d not in (None, n) for d, n in zip(spec.shape[1:], array.shape[1:])):
            raise RequestError(
                400, f"The shape of input '{spec.name}' does not fit.", expected=shape_text(spec), got=array.shape
            )
    rows = {len(array) for array in arrays if array.ndim}
    if rows == {0}:
        raise RequestError(400, "The request has no rows.", expected="one row at least", got=0)
    if len(rows) > 1:
        got = ", ".join(f"{spec.name}: {len(array)}" for spec, array in zip(contract.inputs, arrays))
        raise RequestError(400, "The inputs differ in their number of rows.", expected="one number", got=got)
    return list(arrays)


def by_name(contract: Contract, values: dict[str, Any]) -> list[Any]:
    """Return the values of the inputs in the model's order.

    Raises:
        RequestError: names are missing or unknown.
    """
    if set(values) != {spec.name for spec in contract.inputs}:
        got = ", ".join(repr(name) for name in values) or "none"
        raise RequestError(400, "The names of the inputs do not fit.", expected=contract.input_names, got=got)
    return [values[spec.name] for spec in contract.inputs]
