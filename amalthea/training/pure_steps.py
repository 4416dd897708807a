"""Losses, updates and state of a model as pure functions and plain values, for loops of a user's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import docstrings
from amalthea.checks import one_of
from amalthea.data import to_batch
from amalthea.engine.stateless import call_stateless
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError
from amalthea.training.compiling import Compiling

docstrings.share(
    "values of state",
    """
    trainable_variables: list of arrays; values in the order of ``model.trainable_variables``.
    non_trainable_variables: list of arrays; values in the order of ``model.non_trainable_variables``.
    metrics_variables: list of arrays; values in the order of ``model.metrics_variables``.
    """,
)
docstrings.share(
    "compiled step",
    """
    force: bool; whether the step is traced again though it was before. Defaults to False.
    """,
)


class PureSteps(Compiling):
    """The part of a model that computes steps from given values, and gives its state as values."""

    @docstrings.fill
    def stateless_compute_loss(
        self,
        trainable_variables: Sequence[TensorLike],
        non_trainable_variables: Sequence[TensorLike],
        metrics_variables: Sequence[TensorLike],
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tuple[Any, tuple[list[Any], list[Any], list[Any]]]:
        """Computes the loss as :meth:`compute_loss` does, from given values of all variables.

        Args:
            |values of state|
            |labels and predictions of a step|
            training: bool; whether the model runs in training mode. Defaults to True.

        Shapes:
            (rows, ...) for inputs, labels and predictions, (rows,) or (rows, time) for weights -> ()

        Returns:
            A tuple ``(loss, (trainable_variables, non_trainable_variables, metrics_variables))`` with the values after.

        Raises:
            ArgumentError: the number of values differs from the number of variables.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> state = [[v.value for v in vs] for vs in (model.trainable_variables, [], model.metrics_variables)]
            >>> loss, _ = model.stateless_compute_loss(*state, y=np.array([[2.0]]), y_pred=np.array([[0.0]]))
            >>> float(loss)
            4.0
        """
        groups = self._groups()
        values = (trainable_variables, non_trainable_variables, metrics_variables)
        given = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": sample_weight}
        return self._with_state(lambda: self._own_loss(**given, training=training), groups, values)

    @docstrings.fill
    def compute_loss_and_updates(
        self,
        trainable_variables: Sequence[TensorLike],
        non_trainable_variables: Sequence[TensorLike],
        metrics_variables: Sequence[TensorLike],
        x: Any,
        y: Any,
        sample_weight: Any,
        training: bool = False,
        optimizer_variables: Sequence[TensorLike] | None = None,
    ) -> tuple[Any, tuple[Any, Any, list[Any], list[Any]]]:
        """Computes predictions and loss of a batch from given values of all variables.

        Differentiate it with respect to the first argument, with the library's own function.

        Args:
            |values of state|
            x: tensors; inputs of the batch.
            y: tensors; labels of the batch, or None.
            sample_weight: tensors or None; weights of the rows.
            training: bool; whether the model runs in training mode. Defaults to False.
            optimizer_variables: list of arrays; values in the order of ``model.optimizer.variables``, by which an
                optimizer may scale the loss. Defaults to None: the present values.

        Shapes:
            (rows, ...) for inputs and labels, (rows,) or (rows, time) for weights -> ()

        Returns:
            A tuple ``(loss, (unscaled_loss, y_pred, non_trainable_variables, metrics_variables))``.

        Raises:
            ArgumentError: the number of values differs from the number of variables.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
            >>> model.compile("sgd", "mse")
            >>> state = [[v.value for v in vs] for vs in (model.trainable_variables, [], model.metrics_variables)]
            >>> loss, (_, y_pred, _, _) = model.compute_loss_and_updates(
            ...     *state, np.ones((2, 3), "float32"), np.ones((2, 1), "float32"), None
            ... )
            >>> float(loss), tuple(y_pred.shape)
            (1.0, (2, 1))
        """
        groups = self._groups()
        values: list[Any] = [trainable_variables, non_trainable_variables, metrics_variables]
        if optimizer_variables is not None:
            groups.append(list(self.optimizer.variables))
            values.append(optimizer_variables)

        def compute() -> Any:
            y_pred = self(x, training=training)
            loss = self._own_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)
            return (self.optimizer.scale_loss(loss) if training and self.optimizer is not None else loss), loss, y_pred

        (scaled, loss, y_pred), after = self._with_state(compute, groups, values)
        return scaled, (loss, y_pred, after[1], after[2])

    def _groups(self) -> list[list[Any]]:
        return [list(self.trainable_variables), list(self.non_trainable_variables), self.metrics_variables]

    def _with_state(self, function: Any, groups: Sequence[list[Any]], values: Sequence[Any]) -> tuple[Any, Any]:
        """The result of a function under given values of groups of variables, and the values after, grouped."""
        flat = [v for group in groups for v in group]
        result, after = call_stateless(function, flat, [x for group in values for x in group])
        found = iter(after)
        return result, tuple([next(found) for _ in group] for group in groups)

    # ------------------------------------------------------------------------------------------- state

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, dict[str, Any]]:
        """Returns the values of all variables of the model, its optimizer and its metrics, nested by their paths.

        Args:
            value_format: str; ``"backend_tensor"`` or ``"numpy_array"``. Defaults to ``"backend_tensor"``.

        Returns:
            A dict with the keys ``trainable_variables``, ``non_trainable_variables``, ``optimizer_variables`` and
            ``metrics_variables``, each a nested dict by the parts of the paths.

        Raises:
            ArgumentError: two variables have the same path.

        Example:
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1, name="out")], name="net")
            >>> state = model.get_state_tree("numpy_array")
            >>> state["trainable_variables"]["net"]["out"]["bias"].tolist()
            [0.0]
        """
        one_of("backend_tensor", "numpy_array")(value_format, "value_format", "get_state_tree")
        as_numpy = value_format == "numpy_array"
        return {
            name: _nested({v.path: v.numpy() if as_numpy else v.value for v in group}, group)
            for name, group in self._named_groups().items()
        }

    def set_state_tree(self, state_tree: dict[str, dict[str, Any]]) -> None:
        """Assigns values that :meth:`get_state_tree` returned; nothing is assigned unless every value has a variable.

        Args:
            state_tree: dict, nested as by :meth:`get_state_tree`; groups and variables may be missing.

        Raises:
            ArgumentError: a path belongs to no variable.
            ShapeError: a value has another shape than its variable.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1, name="out")], name="net")
            >>> model.set_state_tree({"trainable_variables": {"net": {"out": {"bias": np.array([5.0])}}}})
            >>> model.layers[0].bias.numpy().tolist()
            [5.0]
        """
        known = {name: {tuple(v.path.split("/")): v for v in group} for name, group in self._named_groups().items()}
        found = []
        for name, values in state_tree.items():
            for path, value in _leaves(values):
                if path not in known.get(name, {}):
                    raise ArgumentError("The state has a value for no variable of the model.", got="/".join(path))
                found.append((known[name][path], value))
        for variable, value in found:
            variable.assign(value)

    def _named_groups(self) -> dict[str, list[Any]]:
        names = ("trainable_variables", "non_trainable_variables", "metrics_variables")
        groups: dict[str, list[Any]] = dict(zip(names, self._groups()))
        groups["optimizer_variables"] = list(self.optimizer.variables) if self.optimizer is not None else []
        return groups

    def jax_state_sync(self) -> None:
        """Does nothing: the variables of a model always hold their latest values.

        Example:
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1)])
            >>> model.jax_state_sync() is None
            True
        """

    # ------------------------------------------------------------------------------------------- compiled steps

    @docstrings.fill
    def make_train_function(self, force: bool = False) -> Any:
        """Makes the compiled training step, which ``train_function`` holds then.

        Args:
            |compiled step|

        Returns:
            A function of an iterator of batches, which takes one batch, updates the weights and returns the logs.

        Raises:
            NotCompiledError: the model is not compiled.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
            >>> model.compile("sgd", "mse")
            >>> step = model.make_train_function()
            >>> float(step(iter([(np.ones((2, 3), "float32"), np.ones((2, 1), "float32"))]))["loss"])
            1.0
        """
        self._require_compiled("train")
        self.train_function = self._made_function("train", force)
        return self.train_function

    @docstrings.fill
    def make_test_function(self, force: bool = False) -> Any:
        """Makes the compiled evaluation step, which ``test_function`` holds then.

        Args:
            |compiled step|

        Returns:
            A function of an iterator of batches, which takes one batch and returns the logs.

        Raises:
            NotCompiledError: the model is not compiled.

        Example:
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> callable(model.make_test_function())
            True
        """
        self._require_compiled("evaluate")
        self.test_function = self._made_function("test", force)
        return self.test_function

    @docstrings.fill
    def make_predict_function(self, force: bool = False) -> Any:
        """Makes the compiled prediction step, which ``predict_function`` holds then.

        Args:
            |compiled step|

        Returns:
            A function of an iterator of batches, which takes one batch and returns the outputs.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1)])
            >>> tuple(model.make_predict_function()(iter([np.ones((2, 3), "float32")])).shape)
            (2, 1)
        """
        self.predict_function = self._made_function("predict", force)
        return self.predict_function

    def _made_function(self, kind: str, force: bool) -> Any:
        if force:
            self._forget_compiled()

        def step(iterator: Any) -> Any:
            data = to_batch(next(iter(iterator)))
            self._ensure_built(data)
            return self._compiled_step(kind)(data)

        return step


def _nested(values: dict[str, Any], group: Sequence[Any]) -> dict[str, Any]:
    if len(values) != len(group):
        raise ArgumentError("Two variables have the same path, so that a tree cannot hold both.")
    nested: dict[str, Any] = {}
    for path, value in values.items():
        *around, name = path.split("/")
        inner = nested
        for part in around:
            inner = inner.setdefault(part, {})
        inner[name] = value
    return nested


def _leaves(values: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    if not isinstance(values, dict):
        return [(path, values)]
    return [leaf for name, inner in values.items() for leaf in _leaves(inner, (*path, name))]
