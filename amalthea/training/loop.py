"""The loops over epochs and batches; the steps of the model compute each batch."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from amalthea import config, tree
from amalthea.callbacks import CallbackList
from amalthea.data import adapters
from amalthea.data.arrays import train_validation_split
from amalthea.distribution.strategies import is_first
from amalthea.engine.ir.trace import on_host
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ArgumentError, DataError, located
from amalthea.training import arguments, before_training, buckets, host_batches, indices, together


def as_floats(logs: Any) -> dict[str, Any]:
    """The results of a step on the host."""
    plain = (int, float, Variable)  # which a step that runs eagerly may give
    values = {name: np.asarray(v) if isinstance(v, plain) else on_host(v) for name, v in logs.items()}
    return {name: float(value) if value.ndim == 0 else value for name, value in values.items()}


_runs: ContextVar[frozenset[int]] = ContextVar("runs", default=frozenset())  # the models that are in a run


@contextmanager
def nested(model: Any) -> Generator[None]:
    """Leave what a run of a model reports as it is, if this happens in one of its callbacks."""
    if id(model) not in _runs.get():
        yield
        return
    history, logged, stop = model.history, model._logged, model.stop_training
    try:
        yield
    finally:
        model.history, model._logged, model.stop_training = history, logged, stop


@contextmanager
def _running(model: Any) -> Generator[None]:
    token = _runs.set(_runs.get() | {id(model)})
    try:
        yield
    finally:
        _runs.reset(token)


def verbosity(verbose: Any) -> int:
    if not is_first():
        return 0
    return (1 if sys.stdout is not None else 0) if verbose == "auto" else int(verbose)


def fit(
    model: Any, x: Any, y: Any, batch_size: Any, epochs: int, verbose: Any, callbacks: Any, validation_split: float,
    validation_data: Any, shuffle: Any, class_weight: Any, sample_weight: Any, initial_epoch: int, steps_per_epoch: Any,
    validation_steps: Any, validation_batch_size: Any, validation_freq: Any, pad_to_multiple: int | None = None,
) -> Any:  # fmt: skip
    """Train; see :meth:`Trainer.fit`."""
    arguments.check(
        "fit", batch_size=batch_size, epochs=epochs, verbose=verbose, validation_split=validation_split,
        initial_epoch=initial_epoch, steps_per_epoch=steps_per_epoch, validation_steps=validation_steps,
        validation_batch_size=validation_batch_size, validation_freq=validation_freq, pad_to_multiple=pad_to_multiple,
    )  # fmt: skip
    text = host_batches.takes_text(model)
    if validation_split and validation_data is None:
        (x, y, sample_weight), validation_data = train_validation_split((x, y, sample_weight), validation_split, text)
    batch_size = before_training.fixed_batch_size(model) if batch_size is None else batch_size
    class_weight = before_training.class_weights(model, class_weight)
    adapter = adapters.make_adapter(x, y, sample_weight, batch_size, shuffle, class_weight, steps_per_epoch, text=text)
    most = config.max_epochs()
    epochs = epochs if most is None else min(epochs, most)
    before_training.check_batch_size(model, adapter)
    validation = None
    if validation_data is not None:
        validation = adapters.make_validation_adapter(
            validation_data, validation_batch_size or batch_size, validation_steps, text
        )
        with located("in the validation data"):
            before_training.check_batch_size(model, validation)
    adapter, validation = (_adapted(model, x, pad_to_multiple) for x in (adapter, validation))
    is_late = getattr(x, "asked_after_train_begin", False)  # its first batch may need what a callback makes
    _prepare(model, adapter, validation, not is_late)
    calls = _callback_list(model, callbacks, verbosity(verbose), epochs, adapter.steps, history=True)
    calls._run.adapters = [s for s in (adapter, validation) if s is not None]
    model.stop_training = False
    with together.shared():
        _run_epochs(model, adapter, validation, calls, epochs, initial_epoch, validation_freq, is_late)
    return model.history


def _run_epochs(
    model: Any, adapter: Any, validation: Any, calls: CallbackList, epochs: int, initial_epoch: int,
    validation_freq: Any, is_late: bool,
) -> None:  # fmt: skip
    calls.on_train_begin()
    _prepare(model, adapter, validation, is_late)
    together.begin(model, adapter, validation)
    logs: dict[str, float] = calls._run.logs
    for epoch in range(calls.first_epoch(initial_epoch), epochs):
        model.reset_metrics()
        calls.on_epoch_begin(epoch)
        with _running(model):
            new_logs = _train_epoch(model, adapter, epoch, calls)
        if not new_logs:  # a generator that is exhausted: it has said so
            break
        logs = new_logs
        _warn_if_not_finite(logs, epoch)
        if validation is not None and _validates(validation_freq, epoch):
            with _running(model):
                scores = _test_epoch(model, validation, calls)
            logs = {**logs, **{f"val_{name}": value for name, value in scores.items()}}
        calls.on_epoch_end(epoch, logs)
        together.agree_to_stop(model)
        if model.stop_training:
            break
    calls.on_train_end(logs)
    if model.optimizer is not None and getattr(model.optimizer, "use_ema", False):
        model.optimizer.finalize_variable_values(model._trained_variables)


def _prepare(model: Any, adapter: Any, validation: Any, is_time: bool) -> None:
    """Build the model by the first batch, and check the data, if it is time to."""
    if not is_time:
        return
    model._ensure_built(adapter.peek())
    before_training.check(model, adapter, validation)


def _adapted(model: Any, adapter: Any, pad_to_multiple: int | None) -> Any:
    """The adapter with the model's host part, and with padded lengths."""
    return buckets.padded(model, host_batches.of(model, _limited(adapter)), pad_to_multiple)


def _limited(adapter: Any) -> Any:
    """The adapter with at most as many batches as ``config.max_steps_per_epoch`` allows."""
    most = config.max_steps_per_epoch()
    if adapter is None or most is None or (adapter.steps is not None and adapter.steps <= most):
        return adapter
    return adapters.SteppedAdapter(adapter, most, restart=True)


def _warn_if_not_finite(logs: dict[str, float], epoch: int) -> None:
    """Say once an epoch that the loss is no number any more."""
    if not np.isfinite(logs.get("loss", 0.0)):
        warnings.warn(
            f"The loss is {logs['loss']} after epoch {epoch + 1}. Try a smaller learning rate, clipnorm=1.0 in the "
            "optimizer, or callbacks.TerminateOnNaN(raise_error=True) to stop at once.",
            stacklevel=4,
        )


def _callback_list(model: Any, callbacks: Any, verbose: int, epochs: int, steps: Any, history: bool) -> CallbackList:
    if isinstance(callbacks, CallbackList):
        return callbacks
    calls = model._callbacks_kind(
        callbacks,
        add_history=history,
        add_progbar=verbose != 0,
        model=model,
        verbose=verbose,
        epochs=epochs,
        steps=steps,
    )
    return calls


def _validates(frequency: Any, epoch: int) -> bool:
    return (epoch + 1) % frequency == 0 if isinstance(frequency, int) else epoch + 1 in frequency


def _train_epoch(model: Any, adapter: Any, epoch: int, calls: CallbackList) -> dict[str, float]:
    run, logs = model._multi_step("train"), None
    hooks, grouping = calls.has_train_batch_hooks, model._step_grouping
    begin, earlier = calls._run.take()  # the first step and no logs, but where a run is resumed within this epoch
    batches = together.batches_of(adapter, epoch, begin)
    batches = together.of_all(adapter, before_training.checked(model, adapter, batches))
    for first, group, last in () if begin and model.stop_training else grouping.groups(batches, begin):
        if hooks:
            calls._begin_batches(first, group)
        logs = run(group)
        grouping.ran(run, logs)
        if hooks:
            calls.on_train_batch_end(last, lambda logs=logs: as_floats(logs))
        if model.stop_training:
            break
    return as_floats(logs) if logs is not None else earlier


def _test_epoch(model: Any, adapter: Any, calls: CallbackList) -> dict[str, float]:
    model.reset_metrics()
    calls.on_test_begin()
    run, logs = model._multi_step("test"), None
    hooks, grouping = calls.has_test_batch_hooks, model._step_grouping
    batches = together.of_all(adapter, before_training.checked(model, adapter, together.batches_of(adapter, 0, 0)))
    for first, group, last in grouping.groups(batches):
        if hooks:
            calls.on_test_batch_begin(first)
        logs = run(group)
        if hooks:
            calls.on_test_batch_end(last, lambda logs=logs: as_floats(logs))
    if logs is None:
        raise DataError("There is no batch to evaluate on.")
    result = as_floats(logs)
    calls.on_test_end(result)
    return result


def evaluate(
    model: Any, x: Any, y: Any, batch_size: Any, verbose: Any, sample_weight: Any, steps: Any, callbacks: Any,
    pad_to_multiple: int | None = None,
) -> dict[str, float]:  # fmt: skip
    """Loss and metrics over data."""
    arguments.check("evaluate", batch_size=batch_size, verbose=verbose, steps=steps, pad_to_multiple=pad_to_multiple)
    batch_size = before_training.fixed_batch_size(model) if batch_size is None else batch_size
    text = host_batches.takes_text(model)
    adapter = adapters.make_adapter(x, y, sample_weight, batch_size, steps_per_epoch=steps, text=text)
    before_training.check_batch_size(model, adapter)
    adapter = _adapted(model, adapter, pad_to_multiple)
    model._ensure_built(adapter.peek())
    before_training.check_adapter(model, adapter)
    together.begin(model, adapter)
    calls = _callback_list(model, callbacks, verbosity(verbose), 1, adapter.steps, history=False)
    with _running(model), together.shared():
        return _test_epoch(model, adapter, calls)


def predict(
    model: Any, x: Any, batch_size: Any, verbose: Any, steps: Any, callbacks: Any, pad_to_multiple: int | None = None
) -> Any:
    """The outputs for all rows."""
    arguments.check("predict", batch_size=batch_size, verbose=verbose, steps=steps, pad_to_multiple=pad_to_multiple)
    batch_size = before_training.fixed_batch_size(model) if batch_size is None else batch_size
    text = host_batches.takes_text(model)
    adapter = adapters.make_adapter(x, None, None, batch_size, steps_per_epoch=steps, text=text)
    before_training.check_batch_size(model, adapter)
    adapter = _adapted(model, adapter, pad_to_multiple)
    model._ensure_built(first := adapter.peek())
    looks = indices.readers(model)
    if looks:
        indices.check(model, getattr(adapter, "inputs", first[0]))
    if callbacks is None and adapter.is_one_batch and not verbosity(verbose):  # nobody looks on
        return buckets.cut(adapter, tree.map_structure(on_host, model._compiled_step("predict")(first)))
    calls = _callback_list(model, callbacks, verbosity(verbose), 1, adapter.steps, history=False)
    calls.on_predict_begin()
    pieces: list[list[Any]] = []
    run, nest = model._compiled_step("predict"), None
    hooks = calls.has_predict_batch_hooks
    for step, batch in enumerate(adapter.batches(0)):
        if hooks:
            calls.on_predict_batch_begin(step)
        if looks and not hasattr(adapter, "inputs"):
            indices.check(model, batch[0])
        nest = run(batch)
        pieces.append(tree.flatten(buckets.cut(adapter, tree.map_structure(on_host, nest))))
        if hooks:
            calls.on_predict_batch_end(step, {"outputs": nest})
    if not pieces:
        raise ArgumentError("There is nothing to predict.", cure="at least one row")
    calls.on_predict_end()
    joined = [parts[0] if len(parts) == 1 else np.concatenate(parts) for parts in zip(*pieces)]
    return tree.pack_sequence_as(nest, joined)
