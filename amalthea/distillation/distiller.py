"""The model that trains a student by a teacher."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import ops, tree
from amalthea.checks import share
from amalthea.configurable import serialize
from amalthea.distillation.distillation_losses import DistillationLoss, symbols
from amalthea.engine import shapes
from amalthea.errors import ArgumentError, ShapeError, brief
from amalthea.metrics import Mean
from amalthea.models import Model

_OUTPUT = "final_output"


class Distiller(Model):
    """Trains a student by labels and by a teacher, which is not trained.

    ``loss = w * student_loss + (1 - w) * distillation_loss``; the student loss is that of ``compile``, and the
    distillation loss the weighted sum of ``distillation_losses``. Calls and predictions are the student's.

    Args:
        teacher: Model; a trained one.
        student: Model with inputs and outputs of the same shapes.
        distillation_losses: DistillationLoss, or list of them.
        distillation_loss_weights: list of floats, one for each. Defaults to None, 1 for each.
        student_loss_weight: float from 0 to 1; ``w``. Defaults to 0.5.
        name: str; name of the model. Defaults to ``"distiller"``.
        **kwargs: options of every model, such as ``dtype``.

    Shapes: those of the student, such as ``(batch, features) -> (batch, classes)``.

    Raises:
        ArgumentError: an argument is of another kind, or a loss cannot compare the models.
        ShapeError: teacher and student have inputs or outputs of other shapes.

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, distillation, layers
        >>> teacher, student = (Sequential([layers.Input((4,)), layers.Dense(3)]) for _ in range(2))
        >>> model = distillation.Distiller(teacher, student, distillation.LogitsDistillation())
        >>> model.compile("adam", loss="mse")
        >>> history = model.fit(np.ones((8, 4), "float32"), np.ones((8, 3), "float32"), verbose=0)
        >>> sorted(history.history)
        ['distillation_loss', 'loss', 'student_loss', 'total_loss']
    """

    _argument_checks = {"student_loss_weight": share}
    _config_slots = {"teacher": ("layers",), "student": ("layers",), "distillation_losses": ("distillation",)}
    _not_tracked = ("_extractors",)

    def __init__(
        self,
        teacher: Any,
        student: Any,
        distillation_losses: Any,
        distillation_loss_weights: Sequence[float] | None = None,
        student_loss_weight: float = 0.5,
        name: str = "distiller",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        _check_models(teacher, student)
        several = isinstance(distillation_losses, (list, tuple))
        found = list(distillation_losses) if several else [distillation_losses]
        if not found or not all(callable(getattr(loss, "compute_loss", None)) for loss in found):
            raise ArgumentError(
                "A student learns by distillation losses.",
                expected="a DistillationLoss, or a list of them",
                got=brief(distillation_losses),
                cure="LogitsDistillation()",
            )
        weights = [1.0] * len(found) if distillation_loss_weights is None else list(distillation_loss_weights)
        if len(weights) != len(found):
            raise ArgumentError("Each distillation loss has a weight.", expected=f"{len(found)} weights", got=weights)
        for loss in found:
            loss.validate_model_compatibility(teacher, student)
        self.teacher, self.student = teacher, student
        self.distillation_losses, self.distillation_loss_weights = found, weights
        self.student_loss_weight = student_loss_weight
        teacher.trainable = False
        self._extractors = {word: _extractor(getattr(self, word), found, word) for word in ("teacher", "student")}
        self.built = teacher.built and student.built
        self.student_loss_tracker = Mean(name="student_loss")
        self.distillation_loss_tracker = Mean(name="distillation_loss")
        self.total_loss_tracker = Mean(name="total_loss")

    def compile(self, optimizer: Any = "adam", loss: Any = None, metrics: Any = None, **kwargs: Any) -> None:
        """Configures the training of the student.

        Args:
            optimizer: name, config or optimizer. Defaults to ``"adam"``.
            loss: name, function or Loss of the student's outputs and the labels; nested like the outputs.
            metrics: list of metrics of the student's outputs. Defaults to None.
            **kwargs: further arguments of ``Model.compile``.

        Raises:
            ArgumentError: there is no loss.
        """
        if loss is None:
            raise ArgumentError("A student learns by a loss.", expected="a loss", got="None", cure='loss="mse"')
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)

    def call(self, inputs: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Calls the student.

        Args:
            inputs: tensors; inputs of the student.
            training: bool; whether the student runs in training mode. Defaults to None, the mode of the call.
            **kwargs: further arguments of the student's call.

        Shapes: those of the student.
        """
        return self.student(inputs, training=training, **kwargs)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Computes the weighted sum of the student's loss and the distillation losses.

        Args:
            x: tensors; inputs.
            y: tensors; labels.
            y_pred: tensors; outputs of the student. Defaults to None, which calls it.
            sample_weight: tensor; weights of the rows in the student's loss. Defaults to None.
            training: bool; whether the student runs in training mode. Defaults to True.

        Shapes: those of the models -> ()
        """
        y_pred = self(x, training=training) if y_pred is None else y_pred
        of_labels, of_teacher = ops.convert_to_tensor(0.0), ops.convert_to_tensor(0.0)
        if self.student_loss_weight > 0 and y is not None:
            of_labels = super().compute_loss(x, y, y_pred, sample_weight, training)
        if self.student_loss_weight < 1:
            of_teacher = self._distillation_loss(x, y_pred, training)
        total = self.student_loss_weight * of_labels + (1.0 - self.student_loss_weight) * of_teacher
        self.student_loss_tracker.update_state(of_labels)
        self.distillation_loss_tracker.update_state(of_teacher)
        self.total_loss_tracker.update_state(total)
        return total

    def _distillation_loss(self, x: Any, y_pred: Any, training: bool) -> Any:
        teacher = self._features("teacher", x, False)
        student = {**self._features("student", x, training, y_pred), _OUTPUT: y_pred}
        total: Any = 0.0
        for loss, weight in zip(self.distillation_losses, self.distillation_loss_weights):
            of_teacher, of_student = teacher[_name(loss, "teacher")], student[_name(loss, "student")]
            loss.validate_outputs(of_teacher, of_student)
            value = loss.compute_loss(of_teacher, of_student)
            if tuple(ops.shape(value)) != ():
                raise ShapeError(
                    f"compute_loss of {type(loss).__name__} returns one number.", expected="()", got=ops.shape(value)
                )
            total = total + weight * value
        return total

    def _features(self, word: str, x: Any, training: bool, outputs: Any = None) -> dict[str, Any]:
        """Returns the outputs of a model and of those of its layers that losses name."""
        extractor = self._extractors[word]
        if extractor is not None:
            return extractor(x, training=training)
        return {_OUTPUT: getattr(self, word)(x, training=training) if outputs is None else outputs}

    def get_config(self) -> dict[str, Any]:
        """Returns the models, losses and weights as plain data, from which ``from_config`` makes the distiller again.

        Returns:
            dict.
        """
        return {
            "name": self.name,
            "teacher": {key: value for key, value in serialize(self.teacher).items() if key != "compile_config"},
            "student": serialize(self.student),
            "distillation_losses": [serialize(loss) for loss in self.distillation_losses],
            "distillation_loss_weights": list(self.distillation_loss_weights),
            "student_loss_weight": self.student_loss_weight,
        }


def _name(loss: DistillationLoss, word: str) -> str:
    return getattr(loss, f"{word}_layer_name", None) or _OUTPUT


def _extractor(model: Any, found: Sequence[Any], word: str) -> Any:
    """Returns a model of the outputs of the layers that losses name, and of the model itself; None without names."""
    names = dict.fromkeys(name for loss in found if (name := _name(loss, word)) != _OUTPUT)
    if not names:
        return None
    outputs = {_OUTPUT: model.output, **{name: model.get_layer(name=name).output for name in names}}
    return Model(model.inputs, outputs, name=f"{model.name}_features")


def _check_models(teacher: Any, student: Any) -> None:
    for word, model in (("teacher", teacher), ("student", student)):
        if not isinstance(model, Model):
            raise ArgumentError(f"The {word} is not a model.", expected="a Model", got=brief(model))
    for word in ("inputs", "outputs"):
        of_teacher, of_student = (tree.flatten(symbols(m, word)) for m in (teacher, student))
        if any(t is None for t in (*of_teacher, *of_student)):
            continue
        shapes_of = [[(tuple(t.shape), t.dtype) for t in tensors] for tensors in (of_teacher, of_student)]
        if len(of_teacher) != len(of_student) or not all(map(_agree, *shapes_of)):
            raise ShapeError(
                f"The student has other {word} than the teacher.", expected=brief(shapes_of[0]), got=brief(shapes_of[1])
            )


def _agree(one: Any, other: Any) -> bool:
    (a, of_a), (b, of_b) = one, other
    return len(a) == len(b) and of_a == of_b and all(m is None or n is None or shapes.agree(m, n) for m, n in zip(a, b))
