"""``compile``, ``fit``, ``evaluate``, ``predict``: the one training loop.

A step is written once, in Python, over tensors (:meth:`Trainer.train_step`, which may be overridden); it is traced
for each signature of its data and runs as one executable, with optimizer and metrics.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from amalthea import backends, ops, optimizers, tree, versions
from amalthea import metrics as metrics_module
from amalthea.data import packing, to_batch
from amalthea.errors import ArgumentError, NotCompiledError, nearest, placed
from amalthea.graph import repeat, transforms
from amalthea.tensor import Tensor, Trace, at_once, current_trace, on_host, type_of
from amalthea.training import loop, pace, shares
from amalthea.training.compiled import CompiledLoss, CompiledMetrics, Outputs
from amalthea.training.pace import Pace

# What compile took in Keras 1 and 2 and what changes nothing here.
_OLD_COMPILE = ("sample_weight_mode", "target_tensors", "distribute", "pss_evaluation_shards", "from_serialized")


Method = TypeVar("Method", bound=Callable[..., Any])


def at_home(method: Method) -> Method:
    """Run a method of a model on the backend that the model was moved to, if it was."""

    @functools.wraps(method)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._home is None or current_trace() is not None:
            return method(self, *args, **kwargs)
        with backends.use_backend(self._home):
            return method(self, *args, **kwargs)

    return run  # type: ignore[return-value]


if TYPE_CHECKING:  # a trainer is always the other half of a layer
    from amalthea.layers import Layer as Half
else:
    Half = object


class Trainer(Half):
    """The part of a model that learns."""

    def __init__(self) -> None:
        self._home: str | None = None
        self.compiled = False
        self.optimizer: Any = None
        self.loss: Any = None
        self.stop_training = False
        self.history: Any = None
        self.run_eagerly = False
        self.steps_per_execution: Any = 1
        self._compile_config: dict[str, Any] | None = None
        self._forget_compiled()

    def _forget_compiled(self) -> None:
        """Drop the traced steps: what they hold is no longer the model."""
        self._steps: dict[str, Any] = {}
        self._shares = shares.Shares()
        self._is_ready = False
        self._frozen: tuple[int, str] = (-1, "")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_steps": {}, "_shares": shares.Shares()}  # sessions are made again, not copied

    # ------------------------------------------------------------------------------------- compile

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: Any = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
        **kwargs: Any,
    ) -> None:
        """Choose how to train.

        Args:
            optimizer: a name, config or optimizer.
            loss: a name, function or loss, for all outputs or (list, dict) for each.
            loss_weights: factors of the outputs' losses.
            metrics: names, functions or metrics, for all outputs or (list, dict) for each.
            weighted_metrics: the same, with sample weights applied.
            run_eagerly: run the step as plain Python, to debug it.
            auto_scale_loss: with ``mixed_float16``, put the optimizer into a ``LossScaleOptimizer``.
            steps_per_execution: batches that are run in one call; callbacks of batches are called once for all of
                them. ``"auto"`` takes as many as make some milliseconds, where the backend is faster so.
            jit_compile: accepted as in Keras; everything is compiled here.

        Raises:
            UnknownNameError: a name stands for nothing; the message has the nearest one.
        """
        _refuse_unknown("compile", kwargs, Trainer.compile, _OLD_COMPILE)
        given = dict(optimizer=optimizer, loss=loss, loss_weights=loss_weights, metrics=metrics)
        given.update(weighted_metrics=weighted_metrics, run_eagerly=run_eagerly)
        given.update(steps_per_execution=steps_per_execution, jit_compile=jit_compile)
        steps = pace.check(steps_per_execution)
        new_optimizer = optimizers.get(optimizer)
        new_loss = CompiledLoss(loss, loss_weights) if loss is not None else None
        new_metrics = [CompiledMetrics(metrics, weighted=False), CompiledMetrics(weighted_metrics, weighted=True)]
        self.optimizer, self.loss, self.run_eagerly = new_optimizer, loss, run_eagerly
        if auto_scale_loss and self.dtype_policy.name == "mixed_float16" and new_optimizer is not None:
            self.optimizer = optimizers.LossScaleOptimizer.around(new_optimizer)
        self.steps_per_execution, self.pace = steps, Pace(steps)
        self._loss, self._compiled_metrics = new_loss, new_metrics
        self._loss_tracker = metrics_module.Mean(name="loss")
        self._compile_config = {**given, "optimizer": new_optimizer}
        self.stop_training, self.compiled = False, True
        self._forget_compiled()

    def require_compiled(self, verb: str) -> None:
        if not self.compiled:
            raise NotCompiledError(
                f"The model must be compiled before it can {verb}.",
                cure="model.compile(optimizer='adam', loss='mse') first",
            )

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with what a file says."""
        from amalthea.saving import objects

        self.compile(**{key: objects.deserialize_compile(key, value) for key, value in config.items()})
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def get_compile_config(self) -> dict[str, Any] | None:
        return dict(self._compile_config) if self.compiled and self._compile_config else None

    # --------------------------------------------------------------------------------------- steps

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The loss that training minimises: those of the outputs, and what layers added."""
        total = None
        if self._loss is not None:
            with placed(self.place):
                total = self._loss(y, Outputs(y_pred, self._output_names()), sample_weight)
        for added in self.losses:
            total = ops.sum(added) if total is None else ops.add(total, ops.sum(added))
        if total is None:
            raise NotCompiledError(
                "There is no loss to minimise.", cure="compile(loss='mse'), or add_loss() in a layer's call"
            )
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Update the compiled metrics, and give all results."""
        outputs = Outputs(y_pred, self._output_names())
        for compiled in self._compiled_metrics:
            if compiled.given is not None and y is not None:
                compiled.update(y, outputs, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """The results of all metrics, by name."""
        results = {"loss": self._loss_tracker.result()}
        if self._loss is not None:
            results.update((tracker.name, tracker.result()) for tracker in self._loss.trackers.values())
        for compiled in self._compiled_metrics:
            results.update(compiled.results())
        known = {id(m) for m in self._known_metrics()}
        for metric in self.metrics:
            if id(metric) not in known:
                value = metric.result()
                results.update(value if isinstance(value, dict) else {metric.name: value})  # pyright: ignore[reportUnknownArgumentType]
        return results

    def _output_names(self) -> list[str]:
        return getattr(self, "output_names", [])

    def _known_metrics(self) -> list[Any]:
        if not self.compiled:
            return []
        found = [self._loss_tracker, *(self._loss.trackers.values() if self._loss is not None else ())]
        return found + [m for compiled in self._compiled_metrics for m in compiled.metrics]

    @property
    def metrics(self) -> list[Any]:
        """All metrics: of ``compile``, and those that are attributes of the model or its layers."""
        held = [
            value
            for layer in self._flatten_layers()
            for key, value in vars(layer).items()
            if isinstance(value, metrics_module.Metric) and key != "_loss_tracker"
        ]
        return list({id(m): m for m in [*self._known_metrics(), *held]}.values())

    @property
    def metrics_names(self) -> list[str]:
        return [m.name for m in self.metrics]

    def reset_metrics(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def train_step(self, data: Any) -> dict[str, Any]:
        """One update from one batch; override it for a training of your own.

        Runs on tensors in a trace: ``amalthea.value_and_grad`` and ``self.optimizer.apply`` do what they say on
        every backend.
        """
        x, y, sample_weight = packing.unpack_x_y_sample_weight(data)
        variables = self.trainable_variables

        def objective() -> Any:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True)
            self._track(loss, x)
            return self.optimizer.scale_loss(loss), y_pred

        (_, y_pred), gradients = transforms.value_and_grad(objective, variables, has_aux=True)()
        self.optimizer.apply(gradients, variables)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    @classmethod
    def trains_in_its_own_way(cls) -> bool:
        """Whether a subclass says itself what a step or the loss is, so that labels may mean anything."""
        return cls.train_step is not Trainer.train_step or cls.compute_loss is not Trainer.compute_loss

    def test_step(self, data: Any) -> dict[str, Any]:
        """Loss and metrics of one batch."""
        x, y, sample_weight = packing.unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        self._track(self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False), x)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for one batch."""
        x, _, _ = packing.unpack_x_y_sample_weight(data)
        return self(x, training=False)

    def _track(self, loss: Any, x: Any) -> None:
        self._loss_tracker.update_state(loss, ops.shape(tree.flatten(x)[0])[0])

    def step(self, kind: str) -> Any:
        """The traced and compiled ``train``, ``test`` or ``predict`` step (plain Python with ``run_eagerly``)."""
        function = getattr(self, f"{kind}_step")
        if self.run_eagerly:
            return function if kind == "predict" else _at_once(function)
        key = f"train {self._what_is_frozen()}" if kind == "train" else kind
        steps, key = self._steps, key if kind == "predict" else f"{key} {versions.results_now() or ''}"
        return steps.get(key) or steps.setdefault(key, transforms.jit(function))

    def _what_is_frozen(self) -> str:
        """Which layers are trainable, looked up only after some layer changed."""
        if self._frozen[0] != self.freezings:
            self._frozen = (self.freezings, str([layer.trainable for layer in self._flatten_layers()]))
        return self._frozen[1]

    def several(self, kind: str) -> Any:
        """The same for several batches in turn, as ``steps_per_execution`` has it."""
        one = self.step(kind)
        if not isinstance(one, transforms.jit):
            return repeat.in_turn(one)
        key = f"{kind}, several {versions.results_now() or ''}"
        found = self._steps.get(key)
        if found is None or found.one is not one:
            found = self._steps[key] = repeat.jit_steps(one)
        return found

    def ensure_built(self, data: Any) -> None:
        """Make the variables of a model that has not seen data yet, by a call on symbols; then the optimizer's."""
        if self._is_ready:
            return
        with versions.MAKING:
            self._build_all(data)

    def _build_all(self, data: Any) -> None:
        x, _, _ = packing.unpack_x_y_sample_weight(data)
        if any(not layer.built for layer in self._flatten_layers()):
            with Trace():
                self(tree.map_structure(lambda a: Tensor(type_of(np.asarray(a))), x), training=False)
        if self.compiled and self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)
        self._is_ready = True

    # ------------------------------------------------------------------------------------- public

    @at_home
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        pad_to_multiple: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Train.

        Args:
            x, y: arrays (in any nesting), or a data set of batches as ``x``.
            batch_size: rows a step; 32 unless given.
            epochs: how often to go through the data.
            verbose: 0 for silence, 1 for a progress bar, 2 for a line an epoch.
            callbacks: called on the way.
            validation_split: the last share of arrays, kept for validation.
            validation_data: ``(x, y)``, ``(x, y, sample_weight)`` or a data set.
            shuffle: a new order each epoch.
            class_weight: weights by class.
            sample_weight: weights by row.
            initial_epoch: where to go on.
            steps_per_epoch, validation_steps: batches, where not all.
            validation_batch_size, validation_freq: as they say.
            pad_to_multiple: lengths are padded with zeros to multiples of it, so that sequences of many lengths need
                few executables; for models that mask zeros. Padded is axis 1 of inputs that leave it open, and of
                labels and weights that have a value for each step.

        Returns:
            The :class:`~amalthea.callbacks.History`.
        """
        epochs = kwargs.pop("nb_epoch", epochs)
        _refuse_unknown("fit", kwargs, Trainer.fit)
        self.require_compiled("train")
        with shares.of_one_run(self):
            return loop.fit(
                self, x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle,
                class_weight, sample_weight, initial_epoch, steps_per_epoch, validation_steps,
                validation_batch_size, validation_freq, pad_to_multiple,
            )  # fmt: skip

    @at_home
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        pad_to_multiple: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Loss and metrics over data, as a list (loss first), a single number, or a dict by name.

        ``pad_to_multiple`` is that of :meth:`fit`.
        """
        _refuse_unknown("evaluate", kwargs, Trainer.evaluate)
        self.require_compiled("evaluate")
        with shares.of_one_run(self):
            logs = loop.evaluate(self, x, y, batch_size, verbose, sample_weight, steps, callbacks, pad_to_multiple)
        return logs if return_dict else _as_list(logs)

    @at_home
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        pad_to_multiple: int | None = None,
    ) -> Any:
        """The outputs for all rows, as NumPy arrays.

        ``pad_to_multiple`` is that of :meth:`fit`; the steps that it adds are cut off again.
        """
        return loop.predict(self, x, batch_size, verbose, steps, callbacks, pad_to_multiple)

    @at_home
    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One update from these rows; the results of the metrics so far."""
        self.require_compiled("train")
        data = to_batch((x, y, sample_weight), class_weight)
        self.ensure_built(data)
        logs = loop.as_floats(self.step("train")(data))
        return logs if return_dict else _as_list(logs)

    @at_home
    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics of these rows, with those so far."""
        self.require_compiled("evaluate")
        data = to_batch((x, y, sample_weight))
        self.ensure_built(data)
        logs = loop.as_floats(self.step("test")(data))
        return logs if return_dict else _as_list(logs)

    @at_home
    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for these rows, as NumPy arrays."""
        data = to_batch((x,))
        self.ensure_built(data)
        return tree.map_structure(on_host, self.step("predict")(data))


def _at_once(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A step in Python, all of whose changes other threads see together."""

    made: list[bool] = []  # whether it has run: metrics are made the first time, by one thread

    def run(data: Any) -> Any:
        with nullcontext() if made else versions.MAKING, at_once():
            result = step(data)
        made[:] = [True]
        return result

    return run


def _refuse_unknown(verb: str, given: dict[str, Any], function: Any, allowed: Any = ()) -> None:
    unknown = [name for name in given if name not in allowed]
    if unknown:
        known = [name for name in inspect.signature(function).parameters if name not in ("self", "kwargs")]
        cure = nearest(unknown[0], known)
        raise ArgumentError(f"{verb} has no argument {unknown[0]!r}.", got=", ".join(unknown), cure=cure)


def _as_list(logs: dict[str, float]) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
