"""The warning about ``trainable`` changed after ``compile``: none in Keras 1, and that of Keras 2."""

from __future__ import annotations

import warnings
from typing import Any

from amalthea.compat import eras
from amalthea.layers import Layer
from amalthea.training.frozen import Seen

_TODAY = Seen.warn_if_changed


def warn_if_changed(self: Any, model: Any) -> None:
    """Warns before training if another number of weights is trainable than at ``compile``, as Keras 2 did.

    Args:
        model: the model.
    """
    if eras.era() == 3:
        _TODAY(self, model)
    elif eras.era() == 2 and self.as_of != Layer._trainable_version:
        now = len(model.trainable_weights)
        if now == len(model._trained_variables):
            self.as_of = Layer._trainable_version
        else:  # said at each call, as then; Python's own filter shows it once
            warnings.warn(
                f"Discrepancy between trainable weights and collected trainable weights: {now} weights of the model "
                f"are trainable, and {len(model._trained_variables)} were when it was compiled. It trains as it was "
                "compiled; model.compile(...) again lets the change count.",
                UserWarning,
                stacklevel=4,
            )
