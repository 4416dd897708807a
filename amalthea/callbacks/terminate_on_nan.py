"""``TerminateOnNaN``: stop when the loss is NaN or infinite."""

from __future__ import annotations

import math

from amalthea.callbacks import console
from amalthea.callbacks.callback import Callback, Logs
from amalthea.errors import NotFiniteError


class TerminateOnNaN(Callback):
    """Callback that stops training when the loss of a batch is NaN or infinite.

    It fetches the loss from the device after each batch, which may slow training down.

    Args:
        raise_error: bool; whether an error is raised, rather than training stopped with a line of text. Defaults to
            False.

    Raises:
        NotFiniteError: the loss is NaN or infinite, if ``raise_error`` (in ``fit``).

    Example:
        >>> from amalthea.callbacks import TerminateOnNaN
        >>> TerminateOnNaN(raise_error=True).on_train_batch_end(3, {"loss": float("nan")})
        Traceback (most recent call last):
        amalthea.errors.NotFiniteError: The loss became nan in batch 3.
          got:      nan
          try:      a smaller learning rate, clipnorm=1.0 in the optimizer, or data without NaN
    """

    def __init__(self, raise_error: bool = False):
        super().__init__()
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise NotFiniteError(
                f"The loss became {loss} in batch {batch}.",
                got=loss,
                cure="a smaller learning rate, clipnorm=1.0 in the optimizer, or data without NaN",
            )
        console.say(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
