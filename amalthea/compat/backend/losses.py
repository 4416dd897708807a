"""Cross-entropies and connectionist temporal classification of ``K``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea import config, losses, ops
from amalthea.compat.backend.symbols import recorded


def crossentropies(output_first: bool) -> dict[str, Callable[..., Any]]:
    """The cross-entropies of an era.

    Args:
        output_first: bool; whether predictions come before labels, as in Keras 1.
    """

    def ordered(compute: Callable[..., Any], name: str, extra: str = "") -> Callable[..., Any]:
        options = {"from_logits": False, **({"axis": -1} if extra else {})}

        def in_keras_1(output: Any, target: Any, from_logits: bool = False) -> Any:
            return compute(target, output, **{**options, "from_logits": from_logits})

        def in_keras_2(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
            return compute(
                target, output, **{**options, "from_logits": from_logits, **({"axis": axis} if extra else {})}
            )

        function = in_keras_1 if output_first else in_keras_2
        function.__name__ = function.__qualname__ = name
        order = "predictions, labels" if output_first else "labels, predictions"
        function.__doc__ = f"Computes ``ops.{name}`` of ({order})."
        return recorded(function)

    return {
        "binary_crossentropy": ordered(ops.binary_crossentropy, "binary_crossentropy"),
        "categorical_crossentropy": ordered(ops.categorical_crossentropy, "categorical_crossentropy", "axis"),
        "sparse_categorical_crossentropy": ordered(_sparse, "sparse_categorical_crossentropy", "axis"),
    }


def _sparse(target: Any, output: Any, from_logits: bool, axis: int) -> Any:
    target = ops.cast(target, "int32")
    if len(target.shape) == 1 and len(output.shape) > 2:  # Keras gives flat labels the shape of the predictions
        target = ops.reshape(target, ops.shape(output)[:-1])
    return ops.sparse_categorical_crossentropy(target, output, from_logits, axis)


@recorded
def categorical_focal_crossentropy(
    target: Any, output: Any, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False, axis: int = -1
) -> Any:
    """Computes the cross-entropy with less weight on what is predicted well.

    Args:
        target: tensor; true probabilities.
        output: tensor; predicted probabilities, or logits.
        alpha: float; weight. Defaults to 0.25.
        gamma: float; how fast the weight falls with the probability. Defaults to 2.
        from_logits: bool; whether ``output`` holds logits. Defaults to False.
        axis: int; axis of the classes. Defaults to -1.

    Shapes: (batch, classes), (batch, classes) -> (batch,)

    Example:
        >>> from amalthea.compat import backend as K
        >>> y = K.constant([[1.0, 0.0]])
        >>> K.eval(K.categorical_focal_crossentropy(y, y)).round(3).tolist()
        [0.0]
    """
    return losses.categorical_focal_crossentropy(target, output, alpha, gamma, from_logits, axis=axis)


@recorded
def binary_focal_crossentropy(
    target: Any,
    output: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
) -> Any:
    """Computes the binary cross-entropy of each element, with less weight on what is predicted well.

    Args:
        target: tensor; labels 0 and 1.
        output: tensor; predicted probabilities, or logits.
        apply_class_balancing: bool; whether ``alpha`` weights the classes. Defaults to False.
        alpha: float; weight of class 1. Defaults to 0.25.
        gamma: float; how fast the weight falls with the probability. Defaults to 2.
        from_logits: bool; whether ``output`` holds logits. Defaults to False.

    Shapes: any shape -> the same.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.binary_focal_crossentropy(K.constant([1.0]), K.constant([0.5]))).round(4).tolist()
        [0.1733]
    """
    output = ops.sigmoid(output) if from_logits else ops.clip(output, config.epsilon(), 1 - config.epsilon())
    hit = target * output + (1 - target) * (1 - output)
    weight = ops.power(1.0 - hit, gamma)
    weight = weight * (target * alpha + (1 - target) * (1 - alpha)) if apply_class_balancing else weight
    return weight * ops.binary_crossentropy(target, output)


# ---------------------------------------------------------------- connectionist temporal classification


def _lengths(x: Any) -> Any:
    return ops.reshape(ops.cast(x, "int32"), (-1,))


@recorded
def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Any:
    """Computes the CTC loss of each row; the blank is the last class.

    Args:
        y_true: tensor of whole numbers; labels.
        y_pred: tensor; probabilities of the classes for each time step.
        input_length: tensor of whole numbers; time steps of each row.
        label_length: tensor of whole numbers; labels of each row.

    Shapes: (batch, labels), (batch, time, classes), (batch, 1), (batch, 1) -> (batch, 1)

    Example:
        >>> import numpy as np
        >>> from amalthea.compat import backend as K
        >>> labels, probabilities = K.constant([[0]]), K.constant([[[0.5, 0.5], [0.5, 0.5]]])
        >>> cost = K.ctc_batch_cost(labels, probabilities, K.constant([[2]]), K.constant([[1]]))
        >>> np.exp(-K.eval(cost)).round(2).tolist()
        [[0.75]]
    """
    scores = ops.log(ops.add(y_pred, config.epsilon()))
    blank = scores.shape[-1] - 1
    cost = ops.ctc_loss(ops.cast(y_true, "int32"), scores, _lengths(label_length), _lengths(input_length), blank)
    return ops.expand_dims(cost, 1)


@recorded
def ctc_decode(
    y_pred: Any, input_length: Any, greedy: bool = True, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[Any], Any]:
    """Finds likely labels for outputs of a network trained with CTC; the blank is the last class.

    Args:
        y_pred: tensor; probabilities of the classes for each time step.
        input_length: tensor of whole numbers; time steps of each row.
        greedy: bool; True takes the most likely class of each time step. Defaults to True.
        beam_width: int; sequences that a beam search goes on with. Defaults to 100.
        top_paths: int; sequences that a beam search returns. Defaults to 1.

    Shapes: (batch, time, classes), (batch,) -> a list of (batch, time), (batch, top_paths)

    Returns: a tuple of the list of labels, filled with -1, and of scores.

    Example:
        >>> from amalthea.compat import backend as K
        >>> labels, scores = K.ctc_decode(K.one_hot(K.constant([[0, 0, 2, 1]]), 3), K.constant([4]))
        >>> K.eval(labels[0]).tolist()
        [[0, 1, -1, -1]]
    """
    scores = ops.log(ops.add(y_pred, config.epsilon()))
    blank = scores.shape[-1] - 1
    strategy = "greedy" if greedy else "beam_search"
    labels, values = ops.ctc_decode(scores, _lengths(input_length), strategy, beam_width, top_paths, mask_index=blank)
    return [labels[i] for i in range(1 if greedy else top_paths)], values
