"""``fit``, ``evaluate``, ``predict``: the one training loop.

A step is written once, in Python, over tensors (:meth:`Trainer.train_step`, which may be overridden); it is traced
for each signature of its data and runs as one executable, with optimizer and metrics.

``Trainer`` is built in layers, each in a file of its own:

    State         state.py         attributes, the home backend
    Results       results.py       metrics and the names of their results
    Steps         steps.py         train_step, test_step, predict_step, traced and compiled
    Compiling     compiling.py     compile
    SingleBatch   single_batch.py  train_on_batch, test_on_batch, predict_on_batch
    Trainer       trainer.py       fit, evaluate, predict
"""

from __future__ import annotations

from typing import Any

from amalthea.training import loop, shares
from amalthea.training.single_batch import SingleBatch
from amalthea.training.state import at_home, refuse_unknown


class Trainer(SingleBatch):
    """The part of a model that learns."""

    @at_home
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        pad_to_multiple: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Train.

        Args:
            x, y: arrays (in any nesting), or a data set of batches as ``x``.
            batch_size: rows a step; 32 unless given.
            epochs: how often to go through the data.
            verbose: 0 for silence, 1 for a progress bar, 2 for a line an epoch.
            callbacks: called on the way.
            validation_split: the last share of arrays, kept for validation.
            validation_data: ``(x, y)``, ``(x, y, sample_weight)`` or a data set.
            shuffle: a new order each epoch.
            class_weight: weights by class.
            sample_weight: weights by row.
            initial_epoch: where to go on.
            steps_per_epoch, validation_steps: batches, where not all.
            validation_batch_size, validation_freq: as they say.
            pad_to_multiple: lengths are padded with zeros to multiples of it, so that sequences of many lengths need
                few executables; for models that mask zeros. Padded is axis 1 of inputs that leave it open, and of
                labels and weights that have a value for each step.

        Returns:
            The :class:`~amalthea.callbacks.History`.
        """
        epochs = kwargs.pop("nb_epoch", epochs)
        refuse_unknown("fit", kwargs, Trainer.fit)
        self.require_compiled("train")
        self._notice_changes()
        with loop.nested(self), shares.of_one_run(self):
            return loop.fit(
                self, x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle,
                class_weight, sample_weight, initial_epoch, steps_per_epoch, validation_steps,
                validation_batch_size, validation_freq, pad_to_multiple,
            )  # fmt: skip

    @at_home
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        pad_to_multiple: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Loss and metrics over data, as a list (loss first), a single number, or a dict by name.

        ``pad_to_multiple`` is that of :meth:`fit`.
        """
        refuse_unknown("evaluate", kwargs, Trainer.evaluate)
        self.require_compiled("evaluate")
        self._notice_changes()
        with loop.nested(self), shares.of_one_run(self):
            logs = loop.evaluate(self, x, y, batch_size, verbose, sample_weight, steps, callbacks, pad_to_multiple)
        return self._reported(logs, return_dict)

    @at_home
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        pad_to_multiple: int | None = None,
    ) -> Any:
        """The outputs for all rows, as NumPy arrays.

        ``pad_to_multiple`` is that of :meth:`fit`; the steps that it adds are cut off again.
        """
        self._notice_changes()
        return loop.predict(self, x, batch_size, verbose, steps, callbacks, pad_to_multiple)
