"""Methods and arguments of models in Keras 1 and 2."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from amalthea.compat import eras
from amalthea.compat.calls import modern_call
from amalthea.engine.backends import current as _current  # noqa: F401  # a computation needs a backend
from amalthea.models import Model, Sequential
from amalthea.spellings import modern_name, others

_RENAMED = {"nb_epoch": "epochs", "nb_worker": "workers", "max_q_size": "max_queue_size", "lr": "learning_rate"}
_DROPPED = ("show_accuracy", "class_mode", "pickle_safe", "workers", "max_queue_size", "use_multiprocessing",
            "sample_weight_mode", "target_tensors")  # fmt: skip
_LONG = {"mae": "mean_absolute_error", "mse": "mean_squared_error", "mape": "mean_absolute_percentage_error"}


def install() -> None:
    """Gives models the methods of old, and those of today the arguments of old."""
    if getattr(Model.fit, "_takes_old_arguments", False):
        return
    for name in ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch"):
        setattr(Model, name, _with_old_arguments(getattr(Model, name)))
    Model.compile = _compiling(Model.compile)
    for kind, method in _METHODS.items():
        setattr(Model, kind, method)
    Sequential.predict_classes, Sequential.predict_proba = predict_classes, predict_proba  # type: ignore[attr-defined]


def _with_old_arguments(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs = {_RENAMED.get(k, k): v for k, v in kwargs.items()}
        if eras.era() < 3 and method.__name__ in ("predict",):
            kwargs.setdefault("verbose", 0)
        return method(self, *args, **{k: v for k, v in kwargs.items() if k not in _DROPPED})

    call._takes_old_arguments = True  # type: ignore[attr-defined]
    return call


def _compiling(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def compile(self: Any, optimizer: Any = "rmsprop", loss: Any = None, *args: Any, **kwargs: Any) -> Any:
        if eras.era() == 3:
            return method(self, optimizer, loss, *args, **kwargs)
        names = ("metrics", "loss_weights", "sample_weight_mode")
        kwargs = {**dict(zip(names, args)), **{k: v for k, v in kwargs.items() if v is not None}}
        kwargs = {k: v for k, v in kwargs.items() if k not in _DROPPED}
        if "metrics" in kwargs:
            kwargs["metrics"] = _each(kwargs["metrics"], _metric)
        return method(self, _optimizer(optimizer), _each(loss, lambda x: _named("loss", x)), **kwargs)

    return compile


def _optimizer(optimizer: Any) -> Any:
    names = {name.lower(): name for name in others.OPTIMIZERS}
    if not isinstance(optimizer, str) or optimizer.lower() not in names:
        return optimizer
    made, args, config = modern_call("optimizer", names[optimizer.lower()], (), {})
    return made(*args, **config)


def _metric(metric: Any) -> Any:
    if not isinstance(metric, str):
        return metric
    return "acc" if metric in ("accuracy", "acc") else _LONG.get(metric, modern_name("metric", metric))


def _named(kind: str, value: Any) -> Any:
    return modern_name(kind, value) if isinstance(value, str) else value


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {k: _each(v, change) for k, v in value.items()}
    return [_each(v, change) for v in value] if isinstance(value, (list, tuple)) else change(value)


def predict_proba(self: Any, x: Any, batch_size: int = 32, verbose: int = 1) -> Any:
    """The output of ``predict``."""
    return self.predict(x, batch_size=batch_size, verbose=verbose)


def predict_classes(self: Any, x: Any, batch_size: int = 32, verbose: int = 1) -> np.ndarray:
    """The class of each row: the largest of several outputs, or whether a single one is above a half."""
    found = self.predict(x, batch_size=batch_size, verbose=verbose)
    return found.argmax(-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")


class Counted:
    """An endless generator as epochs of a number of samples or of batches; it is asked when an epoch begins.

    Args:
        generator: iterator of batches, or a sequence of them.
        samples: int or None; samples of an epoch, as Keras 1 counted.
        steps: int or None; batches of an epoch.
    """

    def __init__(self, generator: Any, samples: int | None, steps: int | None):
        self.generator, self.samples, self.steps = generator, samples, steps

    def __iter__(self) -> Iterator[Any]:
        seen = batches = 0
        while (self.samples is None or seen < self.samples) and (self.steps is None or batches < self.steps):
            batch = next(self.generator)
            first = batch[0] if isinstance(batch, tuple) else batch
            first = next(iter(first.values())) if isinstance(first, dict) else first
            first = first[0] if isinstance(first, (list, tuple)) else first
            seen, batches = seen + len(first), batches + 1
            yield batch


def _epochs(generator: Any, samples: int | None, steps: int | None) -> Any:
    if samples is None and steps is None or not hasattr(generator, "__next__"):
        return generator
    return Counted(generator, samples, steps)


def fit_generator(
    self: Any, generator: Any, steps_per_epoch: int | None = None, epochs: int = 1, verbose: int = 1,
    callbacks: Any = None, validation_data: Any = None, validation_steps: int | None = None, **kwargs: Any,
) -> Any:  # fmt: skip
    """``fit`` on a generator. Keras 1 counted samples in place of steps."""
    kwargs = {_RENAMED.get(k, k): v for k, v in kwargs.items()}
    samples, epochs = kwargs.pop("samples_per_epoch", None), kwargs.pop("epochs", epochs)
    of_validation = kwargs.pop("nb_val_samples", None)
    if eras.era() == 1 and samples is None:
        samples, steps_per_epoch = steps_per_epoch, None
    if validation_data is not None and not isinstance(validation_data, (tuple, list)):
        validation_data = _epochs(validation_data, of_validation, validation_steps)
        validation_steps = None
    kept = {k: v for k, v in kwargs.items() if k in ("class_weight", "initial_epoch", "shuffle", "validation_freq")}
    return self.fit(
        _epochs(generator, samples, steps_per_epoch), epochs=epochs, verbose=verbose, callbacks=callbacks,
        validation_data=validation_data, **kept,
    )  # fmt: skip


def evaluate_generator(self: Any, generator: Any, steps: int | None = None, **kwargs: Any) -> Any:
    """``evaluate`` on a generator."""
    samples = kwargs.pop("val_samples", steps if eras.era() == 1 else None)
    return self.evaluate(_epochs(generator, samples, None if eras.era() == 1 else steps), verbose=0)


def predict_generator(self: Any, generator: Any, steps: int | None = None, **kwargs: Any) -> Any:
    """``predict`` on a generator."""
    samples = kwargs.pop("val_samples", steps if eras.era() == 1 else None)
    return self.predict(_epochs(generator, samples, None if eras.era() == 1 else steps), verbose=0)


_METHODS = {"fit_generator": fit_generator, "evaluate_generator": evaluate_generator,
            "predict_generator": predict_generator}  # fmt: skip
_ = math
