"""``TerminateOnNaN``: stop when the loss is no number any more."""

from __future__ import annotations

import math

from amalthea.callbacks import console
from amalthea.callbacks.callback import Callback, Logs
from amalthea.errors import NotFiniteError


class TerminateOnNaN(Callback):
    """Stops training at the batch whose loss is NaN or infinite. It fetches the loss of every batch.

    Args:
        raise_error: raise instead of stopping.

    Raises:
        NotFiniteError: if ``raise_error``, where the loss is NaN or infinite.
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
