"""``fit``, ``evaluate``, ``predict``: the one training loop.

A step is written once, in Python, over tensors (:meth:`Trainer.train_step`, which may be overridden); it is traced
for each signature of its data and runs as one executable, with optimizer and metrics.

``Trainer`` is built in layers, each in a file of its own:

    State         state.py         attributes, the home backend
    Results       results.py       metrics and the names of their results
    Steps         steps.py         train_step, test_step, predict_step, traced and compiled
    Compiling     compiling.py     compile
    PureSteps     pure_steps.py    losses, updates and state as pure functions and values
    SingleBatch   single_batch.py  train_on_batch, test_on_batch, predict_on_batch
    Trainer       trainer.py       fit, evaluate, predict
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import docstrings
from amalthea.callbacks import console
from amalthea.distribution import sharing
from amalthea.training import loop, shares
from amalthea.training.single_batch import SingleBatch
from amalthea.training.state import on_model_backend, refuse_unknown


class Trainer(SingleBatch):
    """The part of a model that learns."""

    @on_model_backend
    @docstrings.fill
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
        devices: int | Sequence[str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Trains the model for a number of epochs.

        Each epoch goes through the data in batches; each batch makes one update of the weights (see
        :meth:`train_step`). Data are checked before the first update: labels that the loss cannot use, NaN and
        infinity raise an error.

        Args:
            |data and labels|
            |batch size|
            epochs: int, 0 or more; number of the epoch to end with; the number of passes over the data, if
                ``initial_epoch`` is 0. Defaults to 1.
            |verbosity|
            |list of callbacks|
            validation_split: float in [0, 1); share of the rows of arrays, from their end, that is kept for
                validation. Defaults to 0, no validation.
            validation_data: ``(x, y)``, ``(x, y, sample_weight)`` or data set; data to evaluate after an epoch. It
                takes precedence over ``validation_split``. Defaults to None, no validation.
            shuffle: bool or ``"batch"``; whether each epoch has a new random order of rows, for arrays and
                ``PyDataset``. ``"batch"`` shuffles whole batches. Defaults to True.
            class_weight: dict or None; weight of each class in the loss, by class number. Every class that occurs
                needs one. Multiplied with ``sample_weight``. Defaults to None, equal weights.
            |weights of rows|
            initial_epoch: int, 0 or more; number of the first epoch, to go on with an earlier training. Defaults to 0.
            steps_per_epoch: int or None; number of batches in an epoch. Defaults to None, all batches; a data set
                without an end needs it.
            validation_steps: int or None; number of batches of ``validation_data``. Defaults to None, all of them.
            validation_batch_size: int or None; number of rows in a batch of validation. Defaults to None, that of
                training.
            validation_freq: int or collection of ints; validation after every so many epochs, or after the epochs of
                these numbers (from 1). Defaults to 1, each epoch.
            |padding of lengths|
            devices: int, 1 or more, or list of names; devices that share each batch. Those that there are are used: of
                this process, and the processes of its launcher; none is started, and a line says how many. A
                distribution that is set stays. Defaults to None, the distribution or one device.
            **kwargs: ``nb_epoch``, the name of ``epochs`` in Keras 1.

        Shapes:
            |shapes of data|

        Returns:
            The :class:`~amalthea.callbacks.History`, whose attribute ``history`` has a list of values for each metric.

        Raises:
            NotCompiledError: the model is not compiled.
            ArgumentError: an argument does not exist, or its value is out of range.
            DataError: the data cannot be used, or do not fit the loss.
            ShapeError: the data do not fit the inputs of the model.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
            >>> model.compile("sgd", "mse")
            >>> history = model.fit(np.ones((8, 3)), np.ones((8, 1)), epochs=2, verbose=0)
            >>> [round(loss, 4) for loss in history.history["loss"]]
            [1.0, 0.8464]
        """
        epochs = kwargs.pop("nb_epoch", epochs)
        refuse_unknown("fit", kwargs, Trainer.fit)
        self._require_compiled("train")
        self._notice_changes()
        asked = self._devices if devices is None else devices
        with loop.nested(self), shares.of_one_run(self), sharing.on_devices(asked) as line:
            if line and loop.verbosity(verbose):
                console.say(line)
            return loop.fit(
                self, x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle,
                class_weight, sample_weight, initial_epoch, steps_per_epoch, validation_steps,
                validation_batch_size, validation_freq, pad_to_multiple,
            )  # fmt: skip

    @on_model_backend
    @docstrings.fill
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
        """Computes the loss and the metrics over data, without training.

        Args:
            |data and labels|
            |batch size|
            |verbosity|
            |weights of rows|
            |number of steps|
            |list of callbacks|
            return_dict: bool; whether the results are a dict by name, rather than a list (or one number). Defaults to
                False.
            |padding of lengths|
            **kwargs: not used; any other argument is an error.

        Shapes:
            |shapes of data|

        Returns:
            A list of floats, the loss first, in the order of :attr:`metrics_names`; the loss alone as a float if there
            are no metrics; with ``return_dict`` a dict by name.

        Raises:
            NotCompiledError: the model is not compiled.
            ArgumentError: an argument does not exist, or its value is out of range.
            DataError: the data cannot be used, or do not fit the loss.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
            >>> model.compile("sgd", "mse", metrics=["mae"])
            >>> model.evaluate(np.ones((8, 3)), np.full((8, 1), 2.0), verbose=0, return_dict=True)
            {'loss': 4.0, 'mae': 2.0}
        """
        refuse_unknown("evaluate", kwargs, Trainer.evaluate)
        self._require_compiled("evaluate")
        self._notice_changes()
        with loop.nested(self), shares.of_one_run(self):
            logs = loop.evaluate(self, x, y, batch_size, verbose, sample_weight, steps, callbacks, pad_to_multiple)
        return self._reported(logs, return_dict)

    @on_model_backend
    @docstrings.fill
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        pad_to_multiple: int | None = None,
    ) -> Any:
        """Computes the outputs of the model for data, in batches.

        The model does not have to be compiled.

        Args:
            x: arrays, in any nesting, or a data set of batches, as for :meth:`fit`.
            |batch size|
            |verbosity|
            |number of steps|
            |list of callbacks|
            pad_to_multiple: int or None; as for :meth:`fit`. The steps that it adds are cut off the outputs again.
                Defaults to None, no padding.

        Shapes:
            (rows, ...) for each array of inputs -> (rows, ...) for each output

        Returns:
            NumPy arrays in the nesting of the model's outputs.

        Raises:
            ArgumentError: the value of an argument is out of range, or there are no rows.
            DataError: the data cannot be used.
            ShapeError: the data do not fit the inputs of the model.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="ones")])
            >>> model.predict(np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 1.0]]), verbose=0).tolist()
            [[6.0], [1.0]]
        """
        self._notice_changes()
        return loop.predict(self, x, batch_size, verbose, steps, callbacks, pad_to_multiple)
