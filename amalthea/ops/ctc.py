"""Connectionist temporal classification: the loss of a sequence of labels that is not aligned with the inputs, and the
search for the best labels.

An alignment gives each time step a label or a blank. Its labels are those left when repeated ones are merged and blanks
dropped: ``a a - a b b`` means ``a a b``.

Source: Graves et al., "Connectionist temporal classification: labelling unsegmented sequence data with recurrent neural
networks", 2006.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import checks
from amalthea.engine import dtypes, shapes
from amalthea.engine.primitives import indexing
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, DtypeError, ShapeError
from amalthea.ops import beams
from amalthea.ops import numpy as np_ops
from amalthea.ops.base import cast, floating, op, shape_of, tensor, wide
from amalthea.ops.beams import IMPOSSIBLE
from amalthea.ops.control import scan
from amalthea.ops.nn import log_softmax


def _lengths(x: Any, batch: Any, name: str) -> Any:
    lengths = tensor(x)
    if not dtypes.is_integer(dtypes.name_of(lengths)):
        raise DtypeError(f"`{name}` holds whole numbers.", expected="integers", got=dtypes.name_of(lengths))
    if len(lengths.shape) != 1 or not shapes.agree(shape_of(lengths)[0], batch):
        raise ShapeError(
            f"`{name}` has one number for each example.",
            expected=shapes.show((batch,)),
            got=shapes.show(shape_of(lengths)),
        )
    return cast(lengths, "int32")


def _scores(x: Any, name: str, mask_index: Any, owner: str) -> Any:
    """Logits with three axes, in the dtype in which they are added up."""
    logits = wide(floating(x))
    if len(logits.shape) != 3:
        raise ShapeError(
            f"`{name}` of {owner} holds the logits of classes.",
            expected="(batch, time, classes)",
            got=shapes.show(shape_of(logits)),
        )
    classes = shape_of(logits)[2]
    if not 0 <= checks.integer(mask_index, "mask_index", owner) < classes:
        raise ArgumentError(
            f"`mask_index` of {owner} is not a class.",
            expected=f"0 to {classes - 1}",
            got=mask_index,
            cure="mask_index=0",
        )
    return logits


@op
def ctc_loss(
    target: TensorLike, output: TensorLike, target_length: TensorLike, output_length: TensorLike, mask_index: int = 0
) -> Any:
    """Computes the CTC loss: ``-log(p)``, with ``p`` the probability of all alignments of the labels.

    Args:
        target: TensorLike of whole numbers; the labels. Those beyond the length of an example are ignored.
        output: TensorLike; the logits of the classes, the blank among them, for each time step.
        target_length: TensorLike of whole numbers; number of labels of each example.
        output_length: TensorLike of whole numbers; number of time steps of each example.
        mask_index: int; class of the blank. Defaults to 0.

    Shapes:
        (batch, labels), (batch, time, classes), (batch,), (batch,) -> (batch,)

    Raises:
        ArgumentError: the blank is not a class.
        DtypeError: labels or lengths are not whole numbers.
        ShapeError: the inputs do not fit each other.

    Example:
        >>> from amalthea import ops
        >>> logits = ops.log([[[0.5, 0.5], [0.5, 0.5]]])  # of `a`: the alignments aa, a-, -a
        >>> ops.convert_to_numpy(ops.exp(-ops.ctc_loss([[1]], logits, [1], [2]))).tolist()
        [0.75]

    Source: infinite, with gradient 0, if there are not enough time steps for the labels; Keras 3 gives a large number
    on some backends.
    """
    given = floating(output)
    logits = _scores(given, "output", mask_index, "ops.ctc_loss")
    labels = tensor(target)
    batch, _, classes = shape_of(logits)
    if not dtypes.is_integer(dtypes.name_of(labels)):
        raise DtypeError("Labels are whole numbers.", expected="integers", got=dtypes.name_of(labels))
    if len(labels.shape) != 2 or not shapes.agree(shape_of(labels)[0], batch):
        raise ShapeError(
            "Labels do not fit the outputs.", expected="(batch, labels)", got=shapes.show(shape_of(labels))
        )
    counts = _lengths(target_length, batch, "target_length"), _lengths(output_length, batch, "output_length")
    labels = np_ops.clip(cast(labels, "int32"), 0, classes - 1)
    return cast(_forward(labels, log_softmax(logits), *counts, mask_index), dtypes.name_of(given))


def _forward(labels: Any, scores: Any, target_length: Any, output_length: Any, blank: int) -> Any:
    """The forward algorithm: sums over alignments that have reached a position among the labels and blanks."""
    batch, time, _ = shape_of(scores)
    count = shape_of(labels)[1]
    blanks = np_ops.full_like(labels, blank)
    pairs = np_ops.reshape(np_ops.stack([blanks, labels], axis=2), (batch, 2 * count))
    states = np_ops.concatenate([pairs, np_ops.full((batch, 1), blank, dtype="int32")], axis=1)
    wide_states = np_ops.broadcast_to(np_ops.expand_dims(states, 1), (batch, time, 2 * count + 1))
    emitted = np_ops.transpose(np_ops.take_along_axis(scores, wide_states, axis=2), (1, 0, 2))
    differs = np_ops.not_equal(states, np_ops.concatenate([states[:, :2], states[:, :-2]], axis=1)[:, : 2 * count + 1])
    skips = np_ops.logical_and(differs, np_ops.not_equal(states, blank))
    kind = dtypes.name_of(scores)
    at = np_ops.arange(2 * count + 1)
    start = np_ops.where(np_ops.equal(at, 0), cast(0, kind), cast(IMPOSSIBLE, kind))
    start = np_ops.broadcast_to(start, (batch, 2 * count + 1))

    def step(reached: Any, element: Any) -> tuple[Any, None]:
        scores_now, number = element
        before = _moved(reached, 1), np_ops.where(skips, _moved(reached, 2), cast(IMPOSSIBLE, kind))
        total = np_ops.logaddexp(np_ops.logaddexp(reached, before[0]), before[1])
        goes_on = np_ops.expand_dims(np_ops.less(number, output_length), 1)
        return np_ops.where(goes_on, np_ops.add(total, scores_now), reached), None

    reached = scan(step, start, (emitted, np_ops.arange(time)))[0]
    ends = np_ops.expand_dims(2 * target_length, 1)
    last = np_ops.logical_or(np_ops.equal(at, ends), np_ops.equal(at, np_ops.subtract(ends, 1)))
    total = np_ops.logsumexp(np_ops.where(last, reached, cast(IMPOSSIBLE, kind)), axis=1)
    return np_ops.where(np_ops.less(total, IMPOSSIBLE / 2), cast(float("inf"), kind), np_ops.negative(total))


def _moved(reached: Any, by: int) -> Any:
    width = shape_of(reached)[1]
    by = min(by, width)
    return np_ops.pad(reached[:, : width - by], ((0, 0), (by, 0)), constant_values=IMPOSSIBLE)


@op
def ctc_decode(
    inputs: TensorLike,
    sequence_lengths: TensorLike,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> tuple[Any, Any]:
    """Finds likely sequences of labels for the outputs of a model that was trained with :func:`ctc_loss`.

    Args:
        inputs: TensorLike; the logits of the classes, the blank among them, for each time step.
        sequence_lengths: TensorLike of whole numbers; number of time steps of each example.
        strategy: str; ``"greedy"`` takes the most likely class of each time step; ``"beam_search"`` compares the sums
            over all alignments of the ``beam_width`` best sequences. Defaults to ``"greedy"``.
        beam_width: int from 1; number of sequences that a beam search goes on with. Defaults to 100.
        top_paths: int from 1 to ``beam_width``; number of sequences that a beam search returns. Defaults to 1.
        merge_repeated: bool; False keeps repeated classes of neighbouring time steps (greedy only). Defaults to True.
        mask_index: int; class of the blank. Defaults to 0.

    Shapes:
        (batch, time, classes), (batch,) -> (top_paths, batch, time), (batch, top_paths)

    Returns:
        A tuple of the labels in int32, filled with -1, and of scores: the logarithm of the probability (beam search),
        or minus the sum of the largest logits (greedy).

    Raises:
        ArgumentError: no strategy has this name, a number is out of its range, or the blank is not a class.
        DtypeError: the lengths are not whole numbers.
        ShapeError: the inputs do not fit each other.

    Example:
        >>> from amalthea import ops
        >>> logits = ops.one_hot([[1, 1, 0, 1, 2]], 3) * 9.0
        >>> labels, scores = ops.ctc_decode(logits, [5])
        >>> ops.convert_to_numpy(labels).tolist(), float(scores[0, 0])
        ([[[1, 1, 2, -1, -1]]], -45.0)
    """
    checks.one_of("greedy", "beam_search")(strategy, "strategy", "ops.ctc_decode")
    given = floating(inputs)
    logits = _scores(given, "inputs", mask_index, "ops.ctc_decode")
    lengths = _lengths(sequence_lengths, shape_of(logits)[0], "sequence_lengths")
    if strategy == "greedy":
        labels, scores = _greedy(logits, lengths, merge_repeated, mask_index)
    else:
        width = checks.positive_int(beam_width, "beam_width", "ops.ctc_decode")
        if checks.positive_int(top_paths, "top_paths", "ops.ctc_decode") > width:
            raise ArgumentError(
                "A beam search finds at most `beam_width` sequences.", expected=f"1 to {width}", got=top_paths
            )
        labels, scores = beams.search(log_softmax(logits), lengths, width, mask_index)
        labels, scores = np_ops.transpose(labels, (1, 0, 2))[:top_paths], scores[:, :top_paths]
    return labels, cast(scores, dtypes.name_of(given))


def _greedy(logits: Any, lengths: Any, merge_repeated: bool, blank: int) -> tuple[Any, Any]:
    batch, time, _ = shape_of(logits)
    inside = np_ops.less(np_ops.arange(time), np_ops.expand_dims(lengths, 1))
    best = np_ops.argmax(logits, axis=2)
    kept = np_ops.logical_and(inside, np_ops.not_equal(best, blank))
    if merge_repeated:
        before = np_ops.pad(best[:, : time - 1], ((0, 0), (1, 0)), constant_values=-1) if time != 0 else best
        kept = np_ops.logical_and(kept, np_ops.not_equal(best, before))
    place = np_ops.maximum(np_ops.subtract(np_ops.cumsum(cast(kept, "int32"), axis=1), 1), 0)
    added = np_ops.where(kept, np_ops.add(best, 1), np.int32(0))
    labels = indexing.add_along_axis(np_ops.full((batch, time), -1, dtype="int32"), place, added, axis=1)
    total = np_ops.sum(np_ops.where(inside, np_ops.max(logits, axis=2), cast(0, dtypes.name_of(logits))), axis=1)
    return np_ops.expand_dims(labels, 0), np_ops.expand_dims(np_ops.negative(total), 1)
