"""Methods and arguments of models in Keras 1 and 2: a base that models are given while old Keras is read.

:func:`install` puts :class:`OldModel` first among the bases of ``Model``, and :func:`uninstall` takes it out: every
model, loaded ones too, then has the methods of old, and ``super()`` leads on to those of today.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from amalthea import tree
from amalthea.callbacks import CallbackList
from amalthea.compat import eras, frozen, old_files, old_metrics, spelling
from amalthea.compat.attaching import attach, detach
from amalthea.compat.calls import noted_call
from amalthea.compat.generators import epochs_of
from amalthea.compat.old_callback_list import OldCallbackList
from amalthea.compat.old_callbacks import with_old_params
from amalthea.compat.old_losses import OldLoss, OldMetrics
from amalthea.metrics import BinaryAccuracy, SparseCategoricalAccuracy
from amalthea.models import Model, Sequential
from amalthea.spellings import modern_name, others
from amalthea.training.compiled import CompiledLoss, CompiledMetrics
from amalthea.training.frozen import Seen

Trainer: Any = Model if TYPE_CHECKING else object
_RENAMED = {"nb_epoch": "epochs", "val_samples": "steps"}
_DROPPED = ("show_accuracy", "class_mode", "pickle_safe", "workers", "nb_worker", "max_q_size", "max_queue_size",
            "use_multiprocessing", "sample_weight_mode", "target_tensors")  # fmt: skip
_LONG = {"mae": "mean_absolute_error", "mse": "mean_squared_error", "mape": "mean_absolute_percentage_error",
         "msle": "mean_squared_logarithmic_error"}  # fmt: skip
_OF_LOSS = {"binary_crossentropy": BinaryAccuracy, "sparse_categorical_crossentropy": SparseCategoricalAccuracy}


def install() -> None:
    """Gives models the methods of old, and those of today the arguments of old."""
    if OldModel not in Model.__bases__:
        Model.__bases__ = (OldModel, *Model.__bases__)
        OldModel._today = (Model._loss_kind, Model._metrics_kind, Model._callbacks_kind)
        Model._loss_kind, Model._metrics_kind, Model._callbacks_kind = OldLoss, OldMetrics, OldCallbackList
        attach(Seen, {"warn_if_changed": frozen.warn_if_changed})
        attach(Model, old_files.METHODS)  # on Model itself, whose own methods come before those of its bases


def uninstall() -> None:
    """Takes them back."""
    if OldModel in Model.__bases__:
        Model.__bases__ = tuple(base for base in Model.__bases__ if base is not OldModel)
        Model._loss_kind, Model._metrics_kind, Model._callbacks_kind = OldModel._today
        detach(Model, Seen)


class OldModel(Trainer):
    """The methods of models in Keras 1 and 2; those of today with the arguments of old."""

    _today: tuple[Any, Any, Any] = (CompiledLoss, CompiledMetrics, CallbackList)

    @property
    def _compile_metrics(self) -> Any:
        """The metrics as they were given to ``compile``, at the place where Elephas reads them in Keras 3."""
        given = (self.get_compile_config() or {}).get("metrics")
        return SimpleNamespace(_user_metrics=given) if given else None

    # --------------------------------------------------------------------------------- compile, fit

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, *args: Any, **kwargs: Any) -> None:
        """``compile``, with the third argument of the era: ``metrics`` in Keras 1 and 2."""
        kwargs = _known(kwargs)
        loss = _each(loss, lambda x: _named("loss", x))
        if eras.era() == 3:
            return super().compile(_optimizer(optimizer), loss, *args, **kwargs)
        names = ("metrics", "loss_weights", "sample_weight_mode")
        if args:
            spelling.note(f"compile(optimizer, loss, metrics) of Keras {eras.era()}", "metrics=")
        kwargs = _known({**dict(zip(names, args)), **{k: v for k, v in kwargs.items() if v is not None}})
        if "metrics" in kwargs:
            kwargs["metrics"] = _each(kwargs["metrics"], lambda m: _metric(m, loss))
        super().compile(_optimizer(optimizer), loss, **kwargs)

    def fit(self, x: Any = None, y: Any = None, batch_size: Any = None, *args: Any, **kwargs: Any) -> Any:
        """``fit``, with ``nb_epoch`` and the 10 epochs of Keras 1 if none are given."""
        self._show_accuracy(kwargs)
        kwargs = _known(kwargs)
        kwargs.update(zip(("epochs", "verbose", "callbacks"), args[:3]))
        if eras.era() == 1 and y is not None:
            if "epochs" not in kwargs:
                spelling.note("fit() of Keras 1", "epochs=10")
            kwargs.setdefault("epochs", 10)
        if eras.era() < 3:
            kwargs["callbacks"] = with_old_params(x, y, batch_size, kwargs)
        first = [kwargs.pop(name) for name in ("epochs", "verbose", "callbacks")] if len(args) > 3 else []
        args = (*first, *args[3:])
        return super().fit(self._inputs(x), y, batch_size, *args, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """``evaluate``, with the arguments of old."""
        self._show_accuracy(kwargs)
        return super().evaluate(self._inputs(x), y, *args, **_known(kwargs))

    def predict(self, x: Any, batch_size: Any = None, *args: Any, **kwargs: Any) -> Any:
        """``predict``, over as many rows as the first input has; silent in Keras 1 and 2."""
        kwargs = _known(kwargs)
        if eras.era() < 3:
            x = _as_first(x)
            if not args:
                kwargs.setdefault("verbose", 0)
        return super().predict(self._inputs(x), batch_size, *args, **kwargs)

    def train_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """``train_on_batch``; a ``Sequential`` of Keras 1 and 2 took ``class_weight`` before ``sample_weight``."""
        self._show_accuracy(kwargs)
        if eras.era() < 3 and isinstance(self, Sequential):
            kwargs.update(zip(("class_weight", "sample_weight"), args))
            if args:
                spelling.note(f"train_on_batch(x, y, class_weight) of Keras {eras.era()}", "class_weight=")
            args = args[2:]
        return super().train_on_batch(self._inputs(x), y, *args, **_known(kwargs))

    def test_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """``test_on_batch``, with the arguments of old."""
        self._show_accuracy(kwargs)
        return super().test_on_batch(self._inputs(x), y, *args, **_known(kwargs))

    def predict_on_batch(self, x: Any) -> Any:
        """``predict_on_batch``, without surplus inputs."""
        return super().predict_on_batch(self._inputs(x))

    def _inputs(self, x: Any) -> Any:
        """Inputs without those of a dict that the model does not have; a list of one array is the array."""
        network = self._network
        if network is None:
            return x
        if isinstance(x, dict):
            return {name: value for name, value in x.items() if name in self.input_names} or x
        if isinstance(x, (list, tuple)) and len(x) == 1 and len(network.flat_inputs) == 1 and hasattr(x[0], "shape"):
            return x[0]
        return x

    def _show_accuracy(self, kwargs: dict[str, Any]) -> None:
        """``show_accuracy=True`` of Keras 0.x: the accuracy is a metric from now on."""
        asked = kwargs.pop("show_accuracy", None)
        if asked is not None:
            spelling.note("show_accuracy=", "metrics=['accuracy'] of compile")
        if asked and self.compiled and not any(m.given for m in self._compiled_metrics):
            self.compile(self.optimizer, self.loss, metrics=["accuracy"])

    # ------------------------------------------------------------------------------------ generators

    def fit_generator(
        self, generator: Any, steps_per_epoch: int | None = None, epochs: int = 1, verbose: Any = 1,
        callbacks: Any = None, validation_data: Any = None, validation_steps: int | None = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """``fit`` on a generator, which is asked after ``on_train_begin``; Keras 1 counted samples, not batches."""
        spelling.note("fit_generator", "fit")
        _note_counts(kwargs)
        samples = kwargs.pop("samples_per_epoch", None)
        of_validation = kwargs.pop("nb_val_samples", None)
        epochs = kwargs.pop("nb_epoch", epochs)
        if eras.era() == 1:
            samples, steps_per_epoch = (samples or steps_per_epoch), None
            of_validation, validation_steps = (of_validation or validation_steps), None
        if validation_data is not None and not isinstance(validation_data, (tuple, list)):
            validation_data = epochs_of(validation_data, of_validation, validation_steps)
        return self.fit(
            epochs_of(generator, samples, steps_per_epoch), epochs=epochs, verbose=verbose, callbacks=callbacks,
            validation_data=validation_data, **_known(kwargs),
        )  # fmt: skip

    def evaluate_generator(self, generator: Any, steps: int | None = None, *args: Any, **kwargs: Any) -> Any:
        """``evaluate`` on a generator; Keras 1 counted samples."""
        spelling.note("evaluate_generator", "evaluate")
        return self.evaluate(_counted(generator, steps, kwargs), verbose=kwargs.get("verbose", 0))

    def predict_generator(self, generator: Any, steps: int | None = None, *args: Any, **kwargs: Any) -> Any:
        """``predict`` on a generator; Keras 1 counted samples."""
        spelling.note("predict_generator", "predict")
        return self.predict(_counted(generator, steps, kwargs), verbose=kwargs.get("verbose", 0))

    # ------------------------------------------------------------------------------------ predictions

    def predict_proba(self, x: Any, batch_size: int | None = None, verbose: int = 0) -> Any:
        """The output of ``predict``."""
        spelling.note("predict_proba", "predict")
        return self.predict(x, batch_size=batch_size, verbose=verbose)

    def predict_classes(self, x: Any, batch_size: int | None = None, verbose: int = 0) -> np.ndarray:
        """The class of each row: the largest of several outputs, or whether a single one is above a half."""
        spelling.note("predict_classes", "predict(...).argmax(-1), or predict(...) > 0.5 of one output")
        found = self.predict(x, batch_size=batch_size, verbose=verbose)
        return found.argmax(-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")

    # ----------------------------------------------------------------------------------- other words

    def reset_states(self) -> None:
        """Resets the states of stateful layers."""
        spelling.note("reset_states", "reset_state() of each stateful layer")
        for layer in self._flatten_layers(include_self=False):
            if hasattr(layer, "reset_state") and not isinstance(layer, Model):
                layer.reset_state()

    def to_yaml(self, **kwargs: Any) -> str:
        """The configuration as YAML; JSON is YAML too."""
        spelling.note("to_yaml", "to_json")
        return self.to_json()

    @property
    def stateful(self) -> bool:
        """Whether a layer keeps its state between batches."""
        return any(getattr(layer, "stateful", False) for layer in self._flatten_layers(include_self=False))

    @property
    def uses_learning_phase(self) -> bool:
        """True: a model may differ in training."""
        return True

    @property
    def updates(self) -> list[Any]:
        """An empty list: a step finds the updates of layers by itself."""
        return []

    state_updates = updates


for _name in ("compile", "fit", "evaluate", "predict", "train_on_batch", "test_on_batch"):
    vars(OldModel)[_name].__signature__ = inspect.signature(getattr(Model, _name))  # which estimators read


def _known(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments under today's names, without those that have no meaning any more."""
    for name in kwargs:
        if name in _RENAMED or name in _DROPPED:
            spelling.note(f"{name}=", f"{_RENAMED[name]}=" if name in _RENAMED else "left out")
    return {_RENAMED.get(k, k): v for k, v in kwargs.items() if k not in _DROPPED}


def _note_counts(kwargs: dict[str, Any]) -> None:
    """Notes the counts of samples of Keras 1, and the name of its number of epochs."""
    words = {"samples_per_epoch": "steps_per_epoch", "nb_val_samples": "validation_steps", "nb_epoch": "epochs",
             "val_samples": "steps"}  # fmt: skip
    for name in words.keys() & kwargs.keys():
        counted = "" if name == "nb_epoch" else ", which counts batches"
        spelling.note(f"{name}=", f"{words[name]}={counted}")


def _counted(generator: Any, steps: int | None, kwargs: dict[str, Any]) -> Any:
    _note_counts(kwargs)
    samples = kwargs.pop("val_samples", steps if eras.era() == 1 else None)
    return epochs_of(generator, samples, None if samples is not None else steps)


def _as_first(x: Any) -> Any:
    """Arrays of several inputs, each with the rows of the first."""
    arrays = [a for a in tree.flatten(x) if isinstance(a, np.ndarray)] if isinstance(x, (list, dict)) else []
    if len(arrays) < 2 or len({len(a) for a in arrays}) == 1:
        return x
    first = next(iter(x.values())) if isinstance(x, dict) else x[0]
    return tree.map_structure(lambda a: a[: len(first)], x)


def _optimizer(optimizer: Any) -> Any:
    """An optimizer by its name, with the defaults of the era."""
    names = {name.lower(): name for name in others.OPTIMIZERS}
    if not isinstance(optimizer, str) or optimizer.lower() not in names or eras.era() == 3:
        return optimizer
    made, args, config = noted_call("optimizer", names[optimizer.lower()], (), {})
    return made(*args, **config)


def _metric(metric: Any, loss: Any) -> Any:
    """A metric under the name of its era; the accuracy by the loss, as Keras 1 and 2 chose it."""
    if not isinstance(metric, str):
        return metric
    if eras.era() == 1 and metric in old_metrics.NAMED:
        return old_metrics.NAMED[metric]
    if metric not in ("accuracy", "acc"):
        return _LONG.get(metric, _named("metric", metric))
    only = loss if isinstance(loss, (str, type(_metric))) else None
    chosen = _OF_LOSS.get(only if isinstance(only, str) else getattr(only, "__name__", ""))
    return "acc" if chosen is None else chosen(name="acc")


def _named(kind: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    today = modern_name(kind, value)
    if today != value and len(value) > 4 and not value.isupper():  # short names, such as mse, are today's too
        spelling.note(f"{kind} {value!r}", repr(today))
    return today


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {k: _each(v, change) for k, v in value.items()}
    return [_each(v, change) for v in value] if isinstance(value, (list, tuple)) else change(value)
