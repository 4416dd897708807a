"""Bad data are found before the first update: labels of no class, NaN, validation data of another kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from amalthea import text, tree
from amalthea.data import ClassWeights
from amalthea.data.packing import pack_x_y_sample_weight
from amalthea.data.structure import Nest
from amalthea.engine import shapes
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import Trace, on_host, type_of
from amalthea.errors import ArgumentError, DataError, located
from amalthea.losses.checks import class_numbers, is_finite
from amalthea.operation import types_alone
from amalthea.training import indices
from amalthea.training.compiled import Outputs


def check(model: Any, adapter: Any, validation: Any) -> None:
    """Hold data and validation data against the model; nothing of it changes."""
    first = adapter.peek()
    check_adapter(model, adapter)
    if validation is None:
        return
    batch = validation.peek()
    with located("in the validation data"):
        check_adapter(model, validation)
        if not model.run_eagerly and _kinds(batch) != _kinds(first):
            with Trace():
                model.test_step(pack_x_y_sample_weight(*tree.map_structure(_symbol, batch)))


def check_adapter(model: Any, adapter: Any) -> None:
    """All inputs and labels of arrays; of other data the first batch, and the others when they come."""
    batch = adapter.peek()
    check_labels(model, (batch[0], getattr(adapter, "labels", batch[1])))
    inputs = getattr(adapter, "inputs", None)
    _check_inputs(model, inputs)
    indices.check(model, batch[0] if inputs is None else inputs)


def check_labels(model: Any, batch: Any) -> None:
    """The values of the labels of ``(x, y, ...)``, where the loss knows what they may be."""
    loss = getattr(model, "_loss", None)
    if batch[1] is None or loss is None or not loss.checks_values or model._has_own_training():
        return
    with located(model._location):
        loss.check_values(batch[1], _outputs(model, batch[0]))


def check_batch(model: Any, batch: Any) -> None:
    """:func:`check_labels` for one batch of many, with as little around the look at the values as can be."""
    if indices.readers(model):
        indices.check(model, batch[0])
    loss = getattr(model, "_loss", None)
    if loss is not None and loss.only_check is not None and type(batch[1]) is np.ndarray:
        try:
            loss.only_check(batch[1])
            return
        except DataError:
            pass  # reported with its location below
    check_labels(model, batch)


def checked(model: Any, adapter: Any, batches: Iterable[Any]) -> Iterable[Any]:
    """Batches whose labels and indices are looked at when they come, unless all of them were before."""
    loss = getattr(model, "_loss", None)
    if not hasattr(adapter, "inputs") and indices.readers(model):
        return _each(batches, lambda batch: check_batch(model, batch))
    if hasattr(adapter, "labels") or loss is None or not loss.checks_values or model._has_own_training():
        return batches
    return _each(batches, lambda batch: check_batch(model, batch))


def _each(batches: Iterable[Any], look: Callable[[Any], None]) -> Iterator[Any]:
    for batch in batches:
        look(batch)
        yield batch


def _outputs(model: Any, x: Any) -> Outputs:
    """The predictions as types; a model without symbolic outputs is called once for each kind of input."""
    network = getattr(model, "_network", None)
    if network is not None:
        return Outputs(tree.map_structure(_of_any_rows, network.outputs), model._output_names())
    key = str(_kinds(x))
    if key not in model._output_types:
        if model.run_eagerly:
            outputs = model(tree.map_structure(lambda a: None if a is None else a[:1], x), training=False)
        else:
            with types_alone():
                outputs = model(tree.map_structure(_symbol, x), training=False)
        model._output_types[key] = tree.map_structure(_of_any_rows, outputs)
    return Outputs(model._output_types[key], [])


def _of_any_rows(output: Any) -> Tensor:
    shape, dtype = type_of(output)
    return Tensor(Type((shapes.Dim.symbol("batch"), *shape[1:]) if shape else (), dtype))


def _check_inputs(model: Any, x: Any) -> None:
    """:class:`DataError` for NaN or infinity in arrays, unless the model makes finite numbers of a row with NaN."""
    for name, array in Nest(x, "x"):
        if array.dtype.kind != "f" or isinstance(array, np.memmap) or is_finite(array):
            continue
        bad = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
        row = int(bad.argmax())
        if not np.isinf(array[bad]).any() and _is_mended(model, x, row):
            continue
        raise DataError(
            f"{name} holds {'infinity' if np.isinf(array[row]).any() else 'NaN'}, which no training recovers from.",
            expected="finite numbers",
            got=f"{int(bad.sum())} of {len(array)} rows with it, the first is row {row}",
            cure=f"leave these rows out, or numpy.nan_to_num({name})",
        )


def _is_mended(model: Any, x: Any, row: int) -> bool:
    """Whether the model gives finite numbers for a row, NaN or not: it may replace missing values itself."""
    outputs = model(tree.map_structure(lambda a: None if a is None else a[row : row + 1], x), training=False)
    return all(np.isfinite(on_host(value)).all() for value in tree.flatten(outputs))


def class_weights(model: Any, class_weight: Any) -> Any:
    """``class_weight``, with what the model's loss or output says of labels: whether they are class numbers."""
    if not isinstance(class_weight, dict):
        return class_weight
    losses = model._loss.single() if model._loss is not None else None
    if getattr(getattr(losses, "fn", None), "check", None) is class_numbers:
        return ClassWeights(class_weight)
    network = getattr(model, "_network", None)
    outputs = tree.flatten(network.outputs) if network is not None else []
    return ClassWeights(class_weight, len(outputs[0].shape) - 1) if len(outputs) == 1 else class_weight


def fixed_batch_size(model: Any) -> int | None:
    """The number of rows that ``Input(batch_shape=...)`` lays down."""
    network = getattr(model, "_network", None)
    first = network.flat_inputs[0].shape[:1] if network is not None and network.flat_inputs else ()
    return first[0] if first else None


def check_batch_size(model: Any, adapter: Any) -> None:
    """:class:`ArgumentError` if arrays do not make whole batches of the size that the model's input lays down."""
    fixed = fixed_batch_size(model)
    rows, size = getattr(adapter, "rows", None), adapter.batch_size
    if fixed is None or rows is None or (size == fixed and rows % fixed == 0):
        return
    whole = rows - rows % fixed
    raise ArgumentError(
        f"The input of the model lays down batches of {fixed} rows.",
        expected=f"batch_size={fixed}, and a multiple of {fixed} rows",
        got=f"batch_size={size}, {rows} rows" + (f": the last batch has {rows % size}" if rows % size else ""),
        cure=f"x[:{whole}] with batch_size={fixed}, or Input(shape) in place of batch_shape"
        if whole
        else "Input(shape) in place of batch_shape",
    )


def _kinds(batch: Any) -> Any:
    """The properties by which a batch fits a step: nesting, dtypes, and all axes but the first."""
    leaves = [None if v is None else (v.dtype, v.shape[1:]) for v in tree.flatten(batch)]
    return tree.layout(batch), leaves


def _symbol(value: Any) -> Any:
    if value is None or not text.is_text(value):
        return None if value is None else Tensor(type_of(value))
    return Tensor(Type(value.shape, text.DTYPE))
