"""Losses between outputs, or features, of a teacher and a student."""

from __future__ import annotations

from typing import Any

from amalthea import losses, ops, tree
from amalthea.checks import positive_number
from amalthea.configurable import Configurable, Registry
from amalthea.errors import AmaltheaError, ArgumentError, UnknownNameError, brief

registry = Registry("distillation", "distillation loss")


def _as_losses(loss: Any) -> Any:
    """Returns a loss, or None, in the place of each name; at least one is a loss."""
    found = tree.map_structure(losses.get, loss) if isinstance(loss, (list, tuple, dict)) else losses.get(loss)
    if isinstance(loss, dict) and "class_name" in loss:
        found = losses.get(loss)
    if all(x is None for x in tree.flatten(found)):
        raise ArgumentError("Distillation needs a loss.", expected='a loss, such as "mse"', got=brief(loss))
    return found


def _sum(loss: Any, teacher: Any, student: Any, apply: Any) -> Any:
    """Adds up the losses of all outputs; those without a loss are left out."""
    terms = tree.map_structure(lambda one, t, s: None if one is None else apply(one, t, s), loss, teacher, student)
    found = [term for term in tree.flatten(terms) if term is not None]
    return ops.sum(ops.stack(found))


class DistillationLoss(Configurable, registry=registry):
    """The base class of losses for distillation; a subclass implements ``compute_loss``.

    Example:
        >>> import numpy as np
        >>> from amalthea import distillation, ops
        >>> class Distance(distillation.DistillationLoss):
        ...     def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        ...         return ops.mean(ops.abs(teacher_outputs - student_outputs))
        >>> float(Distance().compute_loss(np.ones((2, 3), "float32"), np.zeros((2, 3), "float32")))
        1.0
    """

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """Computes the loss of a batch; a subclass overrides it.

        Args:
            teacher_outputs, student_outputs: tensors, nested like the outputs of the models.
            **kwargs: for subclasses.

        Returns:
            A tensor of one number.
        """
        raise NotImplementedError(f"{type(self).__name__} has no compute_loss method.")

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Checks that the outputs can be compared; the base method checks that they are nested alike.

        Args:
            teacher_outputs, student_outputs: tensors, nested like the outputs of the models.

        Raises:
            ArgumentError: the outputs are nested otherwise.
        """
        _check_structures(teacher_outputs, student_outputs, "The teacher and the student have other outputs.")

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Checks that the models can be compared by this loss; the base method accepts all.

        Args:
            teacher, student: Model.

        Raises:
            ArgumentError: a subclass cannot compare them.
        """


def symbols(model: Any, word: str) -> Any:
    """Returns the symbolic inputs or outputs of a model; None of a subclass, which does not have them."""
    try:
        return getattr(model, word, None)
    except AmaltheaError:
        return None


def _check_structures(one: Any, other: Any, sentence: str) -> None:
    try:
        tree.assert_same_structure(one, other)
    except (TypeError, ValueError):
        raise ArgumentError(sentence, expected=_outline(one), got=_outline(other)) from None


def _outline(structure: Any) -> str:
    return str(tree.map_structure(lambda _: "*", structure)) if isinstance(structure, (list, tuple, dict)) else "*"


class FeatureDistillation(DistillationLoss):
    """Compares outputs of a layer of the teacher with those of a layer of the student.

    Args:
        loss: name, function or Loss; compares teacher and student. Nested like the outputs where there are several;
            None leaves one out. Defaults to ``"mse"``.
        teacher_layer_name, student_layer_name: str; the layers. Defaults to None, the outputs of the models.

    Raises:
        ArgumentError: there is no loss.
        UnknownNameError: no loss has this name.

    Example:
        >>> import numpy as np
        >>> from amalthea import distillation
        >>> loss = distillation.FeatureDistillation("mse", "teacher_dense", "student_dense")
        >>> float(loss.compute_loss(np.ones((2, 3), "float32"), np.zeros((2, 3), "float32")))
        1.0

    Source: Romero et al., "FitNets: Hints for thin deep nets", 2015.
    """

    def __init__(self, loss: Any = "mse", teacher_layer_name: str | None = None, student_layer_name: str | None = None):
        self.loss = _as_losses(loss)
        self.teacher_layer_name, self.student_layer_name = teacher_layer_name, student_layer_name

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Checks that the layers exist.

        Args:
            teacher, student: Model.

        Raises:
            ArgumentError: a model is not functional or sequential, or does not have the layer.
        """
        for word, model in (("teacher", teacher), ("student", student)):
            name = getattr(self, f"{word}_layer_name")
            if name is None:
                continue
            if symbols(model, "inputs") is None:
                raise ArgumentError(
                    f"Layers of the {word} cannot be reached.",
                    expected="a functional or sequential model that is built",
                    got=type(model).__name__,
                    cure=f"{word}_layer_name=None, which compares the outputs",
                )
            try:
                model.get_layer(name=name)
            except (UnknownNameError, ArgumentError) as error:
                raise ArgumentError(f"The {word} has no layer {name!r}.", got=repr(name)) from error

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Checks that the features and the losses are nested alike.

        Args:
            teacher_outputs, student_outputs: tensors, nested like the outputs.

        Raises:
            ArgumentError: they are nested otherwise.
        """
        super().validate_outputs(teacher_outputs, student_outputs)
        _check_structures(teacher_outputs, self.loss, "The losses are not nested like the outputs.")

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """Computes the loss of a batch, the sum over all outputs.

        Args:
            teacher_outputs, student_outputs: tensors, nested like the outputs.
            **kwargs: not used.

        Returns:
            A tensor of one number.
        """
        return _sum(self.loss, teacher_outputs, student_outputs, lambda loss, t, s: ops.mean(loss(t, s)))


class LogitsDistillation(DistillationLoss):
    """Compares the outputs of teacher and student, divided by a temperature.

    For the Kullback-Leibler divergence ``temperature**2 * kl(softmax(teacher / temperature), softmax(student /
    temperature))``; other losses compare the divided outputs themselves.

    Args:
        temperature: float above 0; higher ones make probabilities more even. Defaults to 3.0.
        loss: name, function or Loss. Nested like the outputs where there are several; None leaves one out. Defaults to
            ``"kl_divergence"``.

    Raises:
        ArgumentError: ``temperature`` is not positive, or there is no loss.
        UnknownNameError: no loss has this name.

    Example:
        >>> import numpy as np
        >>> from amalthea import distillation
        >>> teacher, student = np.array([[2.0, 0.0]], "float32"), np.array([[0.0, 0.0]], "float32")
        >>> round(float(distillation.LogitsDistillation(temperature=1.0).compute_loss(teacher, student)), 4)
        0.3278

    Source: Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015.
    """

    _argument_checks = {"temperature": positive_number}

    def __init__(self, temperature: float = 3.0, loss: Any = "kl_divergence"):
        self.temperature, self.loss = temperature, _as_losses(loss)

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """Computes the loss of a batch, the sum over all outputs.

        Args:
            teacher_outputs, student_outputs: tensors of logits, nested like the outputs.
            **kwargs: not used.

        Returns:
            A tensor of one number.
        """
        return _sum(self.loss, teacher_outputs, student_outputs, self._one)

    def _one(self, loss: Any, teacher: Any, student: Any) -> Any:
        teacher, student = (ops.divide(x, self.temperature) for x in (teacher, student))
        if loss is losses.kl_divergence or isinstance(loss, losses.KLDivergence):
            apart = loss(ops.softmax(teacher, axis=-1), ops.softmax(student, axis=-1))
            return ops.mean(apart) * self.temperature**2
        return ops.mean(loss(teacher, student))
