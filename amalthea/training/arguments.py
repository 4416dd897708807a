"""The arguments of ``fit``, ``evaluate`` and ``predict``: checked before anything changes, and described once."""

from __future__ import annotations

from typing import Any

from amalthea import docstrings
from amalthea.checks import Check, either, non_negative_int, optional, positive_int, share_below_one


def _is_frequency(value: Any) -> bool:
    is_collection = isinstance(value, (list, tuple, set, frozenset, range))
    return all(map(positive_int.accepts, value)) if is_collection else positive_int.accepts(value)


_SIZES = "batch_size steps_per_epoch steps validation_steps validation_batch_size pad_to_multiple"

CHECKS = {
    **dict.fromkeys(("epochs", "initial_epoch"), non_negative_int),
    **dict.fromkeys(_SIZES.split(), optional(positive_int)),
    "verbose": either(non_negative_int, "auto", True, False),
    "validation_split": share_below_one,
    "validation_freq": Check(
        "a number of epochs, or the numbers of those to validate after", "1, 2, ..., or a list", _is_frequency, "1"
    ),
}


def check(verb: str, **values: Any) -> None:
    """Raises :class:`ArgumentError` for a value that an argument of ``model.fit`` (or another verb) cannot have."""
    for name, value in values.items():
        CHECKS[name](value, name, verb)


docstrings.share(
    "data and labels",
    """
    x: arrays (NumPy, lists of numbers, data frames, tensors of any library), or lists, tuples and dicts of them for
        several inputs; or a data set that yields batches ``x``, ``(x, y)`` or ``(x, y, sample_weight)``: a
        ``PyDataset``, a generator, a ``tf.data.Dataset``, a PyTorch ``DataLoader``.
    y: arrays as ``x``; labels. Defaults to None, for data sets, which bring their own.
    """,
)
docstrings.share(
    "batch size",
    """
    batch_size: int or None; number of rows in a batch, for arrays. Defaults to None: 32, or the number of rows that
        ``Input(batch_shape=...)`` gives.
    """,
)
docstrings.share(
    "weights of rows",
    """
    sample_weight: array or None; weights in the loss and in ``weighted_metrics``, one for each row, or for each row
        and step. Defaults to None, equal weights.
    """,
)
docstrings.share(
    "verbosity",
    """
    verbose: 0, 1, 2 or ``"auto"``; 0 prints nothing, 1 a progress bar, 2 one line for each epoch. Defaults to
        ``"auto"``, which is 1.
    """,
)
docstrings.share(
    "list of callbacks",
    """
    callbacks: callback, list of callbacks, ``CallbackList`` or None; objects whose hooks are called during the run.
        Defaults to None.
    """,
)
docstrings.share(
    "number of steps",
    """
    steps: int or None; number of batches. Defaults to None, all batches; a data set without an end needs it.
    """,
)
docstrings.share(
    "padding of lengths",
    """
    pad_to_multiple: int or None; axis 1 of inputs that leave it open, and of labels and weights with a value for each
        step, is padded with zeros to a multiple of this, so that sequences of many lengths need few compilations. It
        is meant for models that mask zeros. Defaults to None, no padding. Keras does not have this argument.
    """,
)
docstrings.share(
    "one batch",
    """
    x: arrays, or lists, tuples and dicts of arrays; inputs of one batch.
    y: arrays as ``x``; labels. Defaults to None, no labels.
    sample_weight: array or None; weights of the rows. Defaults to None, equal weights.
    """,
)
docstrings.share(
    "results of one batch",
    """
    return_dict: bool; whether the results are a dict by name, rather than a list (or one number). Defaults to False.
    reset_metrics: bool; whether the results are those of this batch alone. Defaults to True; False gives results over
        all batches since the last reset, as Keras 3 always does.
    """,
)
docstrings.share(
    "shapes of data",
    "(rows, ...) for each array of inputs, (rows, ...) for labels, (rows,) or (rows, time) for weights",
)
