"""Models as Estimators of TensorFlow 1.15 to 2.15: ``train``, ``evaluate``, ``predict``, ``train_and_evaluate``.

TensorFlow holds the state (weights, slots, seeds, metrics) as variables of its own, writes its checkpoints and goes on
from them. A step is the model's, by the backend in use, called with the state and giving the new one:

    input_fn -> features, labels -> step of the model (numpy_function) -> loss, new state -> tf.Variable, checkpoints
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from amalthea import saving, tree
from amalthea.engine.ir.variable import at_once
from amalthea.errors import ArgumentError, MissingLibraryError, NotBuiltError, NotCompiledError

__all__ = ["model_to_estimator"]


def model_to_estimator(
    keras_model: Any = None,
    keras_model_path: Any = None,
    custom_objects: dict[str, Any] | None = None,
    model_dir: str | None = None,
    config: Any = None,
    checkpoint_format: str = "checkpoint",
    metric_names_map: dict[str, str] | None = None,
    export_outputs: Any = None,
) -> Any:
    """Makes a ``tf.estimator.Estimator`` of a compiled model; TensorFlow 2.15 is the last version that has them.

    The Estimator has a copy of the model, which begins with its weights and slots. ``export_saved_model`` of it is
    refused by TensorFlow's runtime; ``model.export`` writes SavedModels.

    Args:
        keras_model: compiled model with its weights. Defaults to None.
        keras_model_path: str or path; a file of such a model, instead of it. Defaults to None.
        custom_objects: dict of classes and functions of your own by name, for the file. Defaults to None.
        model_dir: str; folder of checkpoints and logs. Defaults to None, a temporary one.
        config: ``tf.estimator.RunConfig``. Defaults to None.
        checkpoint_format: not used; checkpoints are those of Estimators.
        metric_names_map: dict from names of metrics to the names that ``evaluate`` gives. Defaults to None.
        export_outputs: not used.

    Returns:
        A ``tf.estimator.Estimator``. ``input_fn`` gives dicts by the model's input names, or tensors in their order.

    Raises:
        ArgumentError: there is not exactly one of model and file.
        MissingLibraryError: TensorFlow, or its Estimators, are not installed.
        NotBuiltError: the model has no weights yet.
        NotCompiledError: the model is not compiled.

    Example:
        >>> from amalthea import Sequential, estimator, layers
        >>> model = Sequential([layers.Input((3,)), layers.Dense(1)])
        >>> model.compile("adam", "mse")
        >>> estimator.model_to_estimator(model)  # doctest: +SKIP
        <tensorflow_estimator.python.estimator.estimator.EstimatorV2 object at ...>
    """
    if (keras_model is None) == (keras_model_path is None):
        raise ArgumentError("An Estimator is made of a model or of a file.", expected="one of them",
                            got=f"keras_model={keras_model}, keras_model_path={keras_model_path!r}")  # fmt: skip
    model = keras_model if keras_model is not None else saving.load_model(keras_model_path, custom_objects)
    if not model.compiled or model.optimizer is None:
        raise NotCompiledError("A model is compiled before it becomes an Estimator.", cure="model.compile(...)")
    if not model.built:
        raise NotBuiltError("The model has no weights yet.", cure="a layers.Input as the first layer")
    tf = _tensorflow()
    made = _ModelFunction(tf, _copy(model), metric_names_map or {})
    return tf.estimator.Estimator(made, model_dir=model_dir, config=config)


def _tensorflow() -> Any:
    try:
        import tensorflow as tf

        assert tf.estimator.Estimator is not None
    except (ImportError, AttributeError) as error:
        raise MissingLibraryError(
            "Estimators need a TensorFlow that has them.",
            expected="tensorflow 1.15 to 2.15",
            got=str(error).splitlines()[0],
            cure='pip install "tensorflow==2.15.*" (Python 3.9 to 3.11)',
        ) from error
    return tf


def _copy(model: Any) -> Any:
    made = copy.deepcopy(model)
    made.optimizer.build(made.trainable_variables)
    return made


class _ModelFunction:
    """The ``model_fn`` of an Estimator.

    Args:
        tf: TensorFlow.
        model: compiled model, whose variables are overwritten by each step.
        names: dict from names of metrics to those that are told.
    """

    def __init__(self, tf: Any, model: Any, names: Mapping[str, str]):
        self.tf, self.model, self.names = tf, model, names
        self.v1 = tf.compat.v1
        self.lock = threading.Lock()  # a model has one state
        state = [*model.variables, *model.optimizer.variables]
        self.state = list({id(v): v for v in state}.values())
        self.first = [np.asarray(v.numpy()) for v in self.state]

    def __call__(self, features: Any, labels: Any, mode: str) -> Any:
        tf, modes = self.tf, self.tf.estimator.ModeKeys
        x = self._in_order(features, self.model.input_names)
        held = [self._variable(i, value) for i, value in enumerate(self.first)]
        if mode == modes.PREDICT:
            return tf.estimator.EstimatorSpec(mode, predictions=self._predictions(x, held))
        y = self._in_order(labels, self.model.output_names)
        if mode == modes.TRAIN:
            loss, update = self._trained(x, y, held)
            count = self.v1.assign_add(self.v1.train.get_or_create_global_step(), 1)
            return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=tf.group(update, count))
        loss, metrics = self._tested(x, y, held)
        return tf.estimator.EstimatorSpec(mode, loss=loss, eval_metric_ops=metrics)

    def _variable(self, number: int, value: np.ndarray) -> Any:
        name = f"amalthea/{number}"  # paths would count the models that a process made before
        return self.v1.get_variable(name, initializer=value, trainable=False, use_resource=True)

    def _in_order(self, given: Any, names: Sequence[str]) -> list[Any]:
        """Return tensors in the order of the model's names; of a dict those of the names, if it has them."""
        if isinstance(given, Mapping) and set(names) <= given.keys():
            return [given[name] for name in names]
        found = self.tf.nest.flatten(given)
        if len(found) != len(names):
            raise ArgumentError(
                "input_fn gives other tensors than the model takes.",
                expected=", ".join(names),
                got=", ".join(given) if isinstance(given, Mapping) else f"{len(found)} tensors",
            )
        return found

    # ------------------------------------------------------------------------------------------ steps

    def _call(self, function: Callable[..., Any], inputs: Sequence[Any], dtypes: Sequence[Any]) -> list[Any]:
        def run(*arrays: np.ndarray) -> list[np.ndarray]:
            with self.lock:
                return [np.asarray(x, d) for x, d in zip(function(*arrays), dtypes)]

        found = self.tf.numpy_function(run, list(inputs), [self.tf.as_dtype(d) for d in dtypes])
        return list(found)

    def _load(self, values: Sequence[np.ndarray]) -> None:
        with at_once():
            for variable, value in zip(self.state, values):
                variable.assign(value)

    def _data(self, arrays: Sequence[np.ndarray], x: Sequence[Any]) -> tuple[Any, Any]:
        given, wanted = list(arrays[: len(x)]), list(arrays[len(x) :])
        return (given[0] if len(given) == 1 else given), (wanted[0] if len(wanted) == 1 else wanted)

    def _trained(self, x: list[Any], y: list[Any], held: list[Any]) -> tuple[Any, Any]:
        count = len(x) + len(y)

        def step(*arrays: np.ndarray) -> Any:
            self._load(arrays[count:])
            loss = self.model.train_on_batch(*self._data(arrays[:count], x), return_dict=True)["loss"]
            return [loss, *(v.numpy() for v in self.state)]

        loss, *new = self._call(step, [*x, *y, *held], ["float32", *(v.dtype for v in self.first)])
        loss.set_shape(())
        for value, variable in zip(new, held):
            value.set_shape(variable.shape)
        return loss, self.tf.group(*(self.v1.assign(v, value) for v, value in zip(held, new)))

    def _metric_variables(self) -> tuple[list[Any], list[np.ndarray]]:
        """Return the variables of metrics and their first values; a thread is outside the graph of ``model_fn``."""

        def prepared() -> tuple[list[Any], list[np.ndarray]]:
            self.model._prepare_metrics()
            self.model.reset_metrics()
            variables = list(self.model.metrics_variables)
            return variables, [np.asarray(v.numpy()) for v in variables]

        with ThreadPoolExecutor(1) as threads:
            return threads.submit(prepared).result()

    def _tested(self, x: list[Any], y: list[Any], held: list[Any]) -> tuple[Any, dict[str, Any]]:
        count, (metric_state, first) = len(x) + len(y), self._metric_variables()
        kept = [
            self.v1.get_variable(f"metrics/{i}", initializer=value, trainable=False, use_resource=True,
                                 collections=[self.v1.GraphKeys.LOCAL_VARIABLES])
            for i, value in enumerate(first)
        ]  # fmt: skip

        def step(*arrays: np.ndarray) -> Any:
            self._load(arrays[count : count + len(held)])
            for variable, value in zip(metric_state, arrays[count + len(held) :]):
                variable.assign(value)
            data = self._data(arrays[:count], x)
            logs = self.model.test_on_batch(*data, return_dict=True, reset_metrics=False)
            return [logs["loss"], *(v.numpy() for v in metric_state)]

        loss, *new = self._call(step, [*x, *y, *held, *kept], ["float32", *(v.dtype for v in first)])
        loss.set_shape(())
        for value, variable in zip(new, kept):
            value.set_shape(variable.shape)
        update = self.tf.group(*(self.v1.assign(v, value) for v, value in zip(kept, new)))
        return loss, self._results(metric_state, kept, update)

    def _results(self, metric_state: Sequence[Any], kept: list[Any], update: Any) -> dict[str, Any]:
        names = [name for name in self.model.metrics_names if name != "loss"]

        def results(*arrays: np.ndarray) -> Any:
            for variable, value in zip(metric_state, arrays):
                variable.assign(value)
            found = self.model.get_metrics_result()
            return [np.asarray(found[name]) for name in names]

        values = self._call(results, kept, ["float32"] * len(names)) if names else []
        with self.tf.control_dependencies([update]):
            done = self.tf.constant(0.0)
        for value in values:
            value.set_shape(())
        return {self.names.get(name, name): (value, done) for name, value in zip(names, values)}

    def _predictions(self, x: list[Any], held: list[Any]) -> dict[str, Any]:
        outputs = tree.flatten(self.model.outputs)

        def step(*arrays: np.ndarray) -> Any:
            self._load(arrays[len(x) :])
            return tree.flatten(self.model.predict_on_batch(self._data(arrays[: len(x)], x)[0]))

        found = self._call(step, [*x, *held], [str(out.dtype) for out in outputs])
        for value, out in zip(found, outputs):
            value.set_shape(out.shape)
        return dict(zip(self.model.output_names, found))
