"""The loss of sequences of labels that are not aligned with the predictions."""

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.dtype_policies import PolicyLike
from amalthea.engine import shapes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.types import TensorLike
from amalthea.errors import DataError
from amalthea.losses.checks import checked, known_classes
from amalthea.losses.loss import LossFunctionWrapper, floats, registry


def _sequences(y_true: Type, y_pred: Type) -> None:
    """Labels with a row for each sequence of predictions."""
    batches = (*y_true.shape[:1], *y_pred.shape[:1])
    if len(y_true.shape) != 2 or len(y_pred.shape) != 3 or not shapes.agree(*batches):
        raise DataError(
            "CTC compares sequences of labels with sequences of predictions.",
            expected="labels (batch, labels) and predictions (batch, time, classes)",
            got=f"labels {y_true} and predictions {y_pred}",
        )


@checked(_sequences, known_classes)
def ctc(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """Computes the CTC loss: ``-log(p)``, with ``p`` the probability of all alignments of labels with time steps.

    Args:
        y_true: tensor; class numbers from 1, filled with 0 behind the last label. Class 0 is the blank.
        y_pred: tensor; logits of the classes for each time step, all of which count.

    Shapes:
        (batch, labels) for labels, (batch, time, classes) for predictions -> (batch,)

    Raises:
        DataError: the labels are not one row of class numbers for each sequence of predictions.

    Example:
        >>> from amalthea import losses
        >>> logits = [[[0.0, 0.0], [0.0, 0.0]]]  # 3 of 4 alignments mean the label 1
        >>> round(float(losses.ctc([[1]], logits)[0]), 4)  # -log(0.75)
        0.2877

    Source: Graves et al., "Connectionist temporal classification: labelling unsegmented sequence data with recurrent
    neural networks", 2006. Infinite, with gradient 0, if there are not enough time steps for the labels.
    """
    logits = floats(y_pred)
    labels = ops.cast(y_true, "int32")
    batch, time = ops.shape(logits)[:2]
    counts = ops.sum(ops.cast(ops.not_equal(labels, 0), "int32"), axis=1)
    return ops.ctc_loss(labels, logits, counts, ops.full((batch,), time, dtype="int32"), mask_index=0)


class CTC(LossFunctionWrapper):
    """CTC loss of sequences of labels that are not aligned with the predictions, as in speech recognition.

    It is ``-log(p)``, with ``p`` the probability of all alignments of the labels with the time steps; see :func:`ctc`.

    Args:
        |options of a loss|

    Shapes:
        (batch, labels) for labels, (batch, time, classes) for predictions -> ()

    Raises:
        DataError: the labels are not one row of class numbers for each sequence of predictions.

    Example:
        >>> from amalthea import losses
        >>> logits = [[[0.0, 0.0], [0.0, 0.0]]]
        >>> round(float(losses.CTC()([[1]], logits)), 4)
        0.2877

    Source: Graves et al., "Connectionist temporal classification: labelling unsegmented sequence data with recurrent
    neural networks", 2006.
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "ctc",
        dtype: PolicyLike | None = None,
    ):
        super().__init__(ctc, reduction, name, dtype)


registry.add(ctc)
