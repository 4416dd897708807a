"""``compile``: optimizer, losses and metrics of a model."""

from __future__ import annotations

from typing import Any

from amalthea import loading, optimizers
from amalthea import metrics as metrics_module
from amalthea.callbacks import CallbackList
from amalthea.configurable import deserialize
from amalthea.training import shares, step_grouping
from amalthea.training.compiled import CompiledLoss, CompiledMetrics
from amalthea.training.frozen import Seen
from amalthea.training.state import refuse_unknown
from amalthea.training.step_grouping import StepGrouping
from amalthea.training.steps import Steps

# Arguments of ``compile`` in Keras 1 and 2 that change nothing here.
_OLD_COMPILE = ("sample_weight_mode", "target_tensors", "distribute", "pss_evaluation_shards", "from_serialized")


class Compiling(Steps):
    """The part of a model that ``compile`` configures."""

    _loss_kind, _metrics_kind, _callbacks_kind = CompiledLoss, CompiledMetrics, CallbackList

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
        """Configures the training: optimizer, loss and metrics.

        Layers that are trainable now are trained until the model is compiled again. A metric that is given for
        several outputs is copied for each; results of one name are told apart as in Keras: ``mae``, ``weighted_mae``,
        ``mae_1``.

        Args:
            optimizer: name, config or optimizer. Defaults to ``"rmsprop"``.
            loss: name, function of ``(y_true, y_pred)``, or loss; for all outputs, or a list or dict with one for each
                output. Defaults to None, no loss but those that layers add.
            loss_weights: float, list or dict of floats; factors of the losses of the outputs. Defaults to None, 1 for
                each.
            metrics: list of names, functions of ``(y_true, y_pred)`` and metrics; for all outputs, or a list or dict
                with such a list for each output. ``"accuracy"`` and ``"crossentropy"`` are chosen by the labels.
                Sample weights do not apply. Defaults to None, no metrics.
            weighted_metrics: the same as ``metrics``, with sample weights applied. Defaults to None, no metrics.
            run_eagerly: bool; whether steps run as plain Python, for debugging, rather than compiled. Defaults to
                False.
            steps_per_execution: int or ``"auto"``; number of batches in one call of the compiled step; callbacks of
                batches are called once for all of them. ``"auto"`` takes as many as make 5 milliseconds, where that
                is faster on the backend. Defaults to 1.
            jit_compile: accepted as in Keras; everything is compiled here. Defaults to ``"auto"``.
            auto_scale_loss: bool; whether the optimizer is put into a ``LossScaleOptimizer`` if the dtype policy of
                the model is ``mixed_float16``. Defaults to True.
            **kwargs: arguments of Keras 1 and 2 that change nothing here, such as ``sample_weight_mode``.

        Raises:
            UnknownNameError: no optimizer, loss or metric has this name; the message has the nearest one.
            ArgumentError: an argument does not exist, or a loss or metric function takes other arguments.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
            >>> model.compile("adam", loss="mse", metrics=["mae"])
            >>> model.metrics_names
            ['loss', 'mae']
        """
        refuse_unknown("compile", kwargs, Compiling.compile, _OLD_COMPILE)
        given = dict(optimizer=optimizer, loss=loss, loss_weights=loss_weights, metrics=metrics)
        given.update(weighted_metrics=weighted_metrics, run_eagerly=run_eagerly)
        given.update(steps_per_execution=steps_per_execution, jit_compile=jit_compile)
        steps = step_grouping.check(steps_per_execution)
        new_optimizer = optimizers.get(optimizer)
        new_loss = self._loss_kind(loss, loss_weights) if loss is not None else None
        seen: set[int] = set()
        new_metrics = [
            self._metrics_kind(m, weighted, seen) for m, weighted in ((metrics, False), (weighted_metrics, True))
        ]
        self.optimizer, self.loss, self.run_eagerly, self.jit_compile = new_optimizer, loss, run_eagerly, jit_compile
        if auto_scale_loss and self.dtype_policy.name == "mixed_float16" and new_optimizer is not None:
            self.optimizer = optimizers.LossScaleOptimizer._around(new_optimizer)
        self.steps_per_execution, self._step_grouping = steps, StepGrouping(steps)
        self._loss, self._compiled_metrics = new_loss, new_metrics
        self._loss_tracker = metrics_module.Mean(name="loss")
        self._loss_tracker._direction = "down"
        self._seen_trainable, self._shares = Seen(self), shares.Shares()
        self._compile_config = {**given, "optimizer": new_optimizer}
        self.stop_training, self.compiled = False, True
        self._forget_compiled()

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the model from a config that :meth:`get_compile_config` returned.

        Args:
            config: dict of arguments of :meth:`compile`; optimizer, losses and metrics may be configs.

        Raises:
            UnknownNameError: the config names something that does not exist.

        Example:
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1)])
            >>> model.compile_from_config({"optimizer": "adam", "loss": "mse"})
            >>> model.compiled, model.loss
            (True, 'mse')
        """
        self.compile(**{key: deserialize(value, loading.slot_of(key)) for key, value in config.items()})
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def get_compile_config(self) -> dict[str, Any] | None:
        """Returns the arguments of :meth:`compile`, for model files.

        Returns:
            A dict, or None if the model is not compiled.

        Example:
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1)])
            >>> model.compile("adam", loss="mse")
            >>> model.get_compile_config()["loss"]
            'mse'
        """
        if not self.compiled or not self._compile_config:
            return None
        metrics = [compiled.saved(self.loss) for compiled in self._compiled_metrics]
        return {**self._compile_config, "metrics": metrics[0], "weighted_metrics": metrics[1]}
