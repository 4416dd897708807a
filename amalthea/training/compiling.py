"""``compile``: optimizer, losses and metrics of a model."""

from __future__ import annotations

from typing import Any

from amalthea import metrics as metrics_module
from amalthea import optimizers
from amalthea.training import pace, shares
from amalthea.training.compiled import CompiledLoss, CompiledMetrics
from amalthea.training.frozen import Seen
from amalthea.training.pace import Pace
from amalthea.training.state import refuse_unknown
from amalthea.training.steps import Steps

# Arguments of ``compile`` in Keras 1 and 2 that change nothing here.
_OLD_COMPILE = ("sample_weight_mode", "target_tensors", "distribute", "pss_evaluation_shards", "from_serialized")


class Compiling(Steps):
    """The part of a model that ``compile`` configures."""

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
        """Choose how to train. What is trainable now holds until the model is compiled again.

        A metric object that stands for two outputs, or twice, is copied; results of one name are told apart by
        ``weighted_`` and by numbers, as in Keras: ``mae``, ``weighted_mae``, ``mae_1``.

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
        refuse_unknown("compile", kwargs, Compiling.compile, _OLD_COMPILE)
        given = dict(optimizer=optimizer, loss=loss, loss_weights=loss_weights, metrics=metrics)
        given.update(weighted_metrics=weighted_metrics, run_eagerly=run_eagerly)
        given.update(steps_per_execution=steps_per_execution, jit_compile=jit_compile)
        steps = pace.check(steps_per_execution)
        new_optimizer = optimizers.get(optimizer)
        new_loss = CompiledLoss(loss, loss_weights) if loss is not None else None
        seen: set[int] = set()
        new_metrics = [
            CompiledMetrics(m, weighted, seen) for m, weighted in ((metrics, False), (weighted_metrics, True))
        ]
        self.optimizer, self.loss, self.run_eagerly = new_optimizer, loss, run_eagerly
        if auto_scale_loss and self.dtype_policy.name == "mixed_float16" and new_optimizer is not None:
            self.optimizer = optimizers.LossScaleOptimizer.around(new_optimizer)
        self.steps_per_execution, self.pace = steps, Pace(steps)
        self._loss, self._compiled_metrics = new_loss, new_metrics
        self._loss_tracker = metrics_module.Mean(name="loss")
        self._loss_tracker._direction = "down"
        self._seen_trainable, self._shares = Seen(self), shares.Shares()
        self._compile_config = {**given, "optimizer": new_optimizer}
        self.stop_training, self.compiled = False, True
        self._forget_compiled()

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with what a file says."""
        from amalthea.saving import objects

        self.compile(**{key: objects.deserialize_compile(key, value) for key, value in config.items()})
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def get_compile_config(self) -> dict[str, Any] | None:
        if not self.compiled or not self._compile_config:
            return None
        metrics = [compiled.saved(self.loss) for compiled in self._compiled_metrics]
        return {**self._compile_config, "metrics": metrics[0], "weighted_metrics": metrics[1]}
