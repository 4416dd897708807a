"""Beam search over the labels of a CTC model: the sequences with the largest sums over their alignments.

A beam holds sequences of labels. For each one, two sums are kept: over alignments that end with a blank, and over those
that end with its last label, because only the first can be followed by the same label as a new one.

Source: Hannun et al., arXiv:1408.2873, algorithm 1, without a language model.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from amalthea.engine import dtypes
from amalthea.ops import numpy as np_ops
from amalthea.ops.base import cast, shape_of
from amalthea.ops.control import scan
from amalthea.ops.nn import one_hot, top_k

IMPOSSIBLE = -1e30  # the logarithm of a probability of 0, as a number that can be added and differentiated


class Beam(NamedTuple):
    """Sequences ``(batch, width, time)`` filled with -1, their lengths and the logarithms of their two sums."""

    labels: Any
    lengths: Any
    blank: Any
    label: Any


def search(scores: Any, lengths: Any, width: int, blank: int) -> tuple[Any, Any]:
    """Return the best sequences ``(batch, width, time)`` and the logarithms of their probabilities, best first.

    Scores are logarithms of probabilities ``(batch, time, classes)``.
    """
    batch, time, _ = shape_of(scores)
    kind = dtypes.name_of(scores)
    first = np_ops.equal(np_ops.arange(width), 0)
    nothing = np_ops.full((batch, width), IMPOSSIBLE, dtype=kind)
    beam = Beam(
        np_ops.full((batch, width, time), -1, dtype="int32"),
        np_ops.zeros((batch, width), dtype="int32"),
        np_ops.where(first, cast(0, kind), nothing),
        nothing,
    )

    def step(now: Any, element: Any) -> tuple[Any, None]:
        scores_now, number = element
        new = _step(Beam(*now), scores_now, width, blank)
        goes_on = np_ops.less(number, lengths)
        wide = [np_ops.reshape(goes_on, (batch, *(1,) * (len(x.shape) - 1))) for x in new]
        return tuple(np_ops.where(w, x, old) for w, x, old in zip(wide, new, now)), None

    steps = (np_ops.transpose(scores, (1, 0, 2)), np_ops.arange(time))
    found = Beam(*scan(step, tuple(beam), steps)[0])
    total = np_ops.logaddexp(found.blank, found.label)
    ranked, order = top_k(total, width)
    return np_ops.take_along_axis(found.labels, np_ops.expand_dims(order, 2), axis=1), ranked


def _step(beam: Beam, scores: Any, width: int, blank: int) -> Beam:
    """The best sequences after one more time step, with scores ``(batch, classes)``."""
    batch, classes = shape_of(scores)
    total = np_ops.logaddexp(beam.blank, beam.label)
    last = _last(beam)
    longer = _longer(beam, total, last, scores, blank)
    own = np_ops.take_along_axis(scores, np_ops.maximum(last, 0), axis=1)
    stays_blank = np_ops.add(total, np_ops.expand_dims(scores[:, blank], 1))
    stays_label = np_ops.where(np_ops.less(last, 0), IMPOSSIBLE, np_ops.add(beam.label, own))
    merged, longer = _merged(beam, total, last, longer)
    stays_label = np_ops.logaddexp(stays_label, merged)
    candidates = np_ops.concatenate(
        [np_ops.logaddexp(stays_blank, stays_label), np_ops.reshape(longer, (batch, width * classes))], axis=1
    )
    values, chosen = top_k(candidates, width)
    grows = np_ops.greater_equal(chosen, width)
    parent = np_ops.where(grows, np_ops.floor_divide(np_ops.subtract(chosen, width), classes), chosen)
    added = np_ops.mod(np_ops.subtract(chosen, width), classes)
    old = [np_ops.take_along_axis(x, parent, axis=1) for x in (beam.lengths, stays_blank, stays_label)]
    labels = np_ops.take_along_axis(beam.labels, np_ops.expand_dims(parent, 2), axis=1)
    here = np_ops.equal(np_ops.arange(shape_of(labels)[2]), np_ops.expand_dims(old[0], 2))
    fits = np_ops.logical_and(here, np_ops.expand_dims(grows, 2))
    return Beam(
        np_ops.where(fits, np_ops.expand_dims(added, 2), labels),
        np_ops.add(old[0], cast(grows, "int32")),
        np_ops.where(grows, IMPOSSIBLE, old[1]),
        np_ops.where(grows, values, old[2]),
    )


def _last(beam: Beam) -> Any:
    """The last label of each sequence, -1 for an empty one."""
    place = np_ops.expand_dims(np_ops.maximum(np_ops.subtract(beam.lengths, 1), 0), 2)
    return np_ops.squeeze(np_ops.take_along_axis(beam.labels, place, axis=2), 2)


def _longer(beam: Beam, total: Any, last: Any, scores: Any, blank: int) -> Any:
    """The sums of each sequence with each class added: ``(batch, width, classes)``."""
    classes = np_ops.arange(shape_of(scores)[1])
    repeats = np_ops.equal(classes, np_ops.expand_dims(last, 2))
    before = np_ops.where(repeats, np_ops.expand_dims(beam.blank, 2), np_ops.expand_dims(total, 2))
    made = np_ops.add(before, np_ops.expand_dims(scores, 1))
    return np_ops.where(np_ops.equal(classes, blank), IMPOSSIBLE, made)


def _merged(beam: Beam, total: Any, last: Any, longer: Any) -> tuple[Any, Any]:
    """The sums that reach a sequence of the beam from the one without its last label, and the others."""
    batch, width, classes = shape_of(longer)
    here = np_ops.equal(
        np_ops.arange(shape_of(beam.labels)[2]), np_ops.expand_dims(np_ops.subtract(beam.lengths, 1), 2)
    )
    parents = np_ops.where(here, np.int32(-1), beam.labels)
    alike = np_ops.equal(np_ops.expand_dims(beam.labels, 2), np_ops.expand_dims(parents, 1))
    is_parent = np_ops.all(alike, axis=3)  # [example, shorter sequence, longer sequence]
    there = np_ops.greater(total, IMPOSSIBLE / 2)
    longer_there = np_ops.logical_and(there, np_ops.greater(beam.lengths, 0))
    is_parent = np_ops.logical_and(is_parent, np_ops.expand_dims(there, 2))
    is_parent = np_ops.logical_and(is_parent, np_ops.expand_dims(longer_there, 1))
    added = np_ops.broadcast_to(np_ops.expand_dims(np_ops.maximum(last, 0), 1), (batch, width, width))
    reaching = np_ops.take_along_axis(longer, added, axis=2)
    merged = np_ops.max(np_ops.where(is_parent, reaching, IMPOSSIBLE), axis=1)
    kind = dtypes.name_of(longer)
    taken = np_ops.matmul(cast(is_parent, kind), one_hot(np_ops.maximum(last, 0), classes, dtype=kind))
    return merged, np_ops.where(np_ops.greater(taken, 0), IMPOSSIBLE, longer)
