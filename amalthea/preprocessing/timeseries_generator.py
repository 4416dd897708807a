"""Windows of a time series with targets, batch by batch; ``utils.timeseries_dataset_from_array`` is today's way."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from amalthea.checks import positive_int
from amalthea.data.py_dataset import PyDataset
from amalthea.errors import ArgumentError, DataError, brief


class TimeseriesGenerator(PyDataset):
    """A data set of windows of a time series, each with the target of the step after it.

    Args:
        data: array or list; steps along the first axis.
        targets: array or list of the same length.
        length: int; steps that a window covers.
        sampling_rate: int; distance of steps in a window. Defaults to 1.
        stride: int; distance of windows. Defaults to 1.
        start_index: int; first step that is used. Defaults to 0.
        end_index: int; last step that is used. Defaults to None, the last.
        shuffle: bool; whether windows are drawn at random, by NumPy's global generator. Defaults to False.
        reverse: bool; whether the steps of a window run backwards. Defaults to False.
        batch_size: int; windows in a batch. Defaults to 128.

    Shapes: (steps, ...) -> batches (batch_size, length / sampling_rate, ...), (batch_size, ...)

    Raises:
        DataError: data and targets have different lengths.
        ArgumentError: no window fits.

    Example:
        >>> import numpy as np
        >>> from amalthea.preprocessing.sequence import TimeseriesGenerator
        >>> x, y = TimeseriesGenerator(np.arange(5), np.arange(5), length=3)[0]
        >>> x.tolist(), y.tolist()
        ([[0, 1, 2], [1, 2, 3]], [3, 4])
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
    ):
        super().__init__()
        if len(data) != len(targets):
            raise DataError("Data and targets have different lengths.", expected=len(data), got=len(targets))
        for name, value in (("sampling_rate", sampling_rate), ("stride", stride), ("batch_size", batch_size)):
            positive_int(value, name, "TimeseriesGenerator")
        self.data, self.targets, self.length = data, targets, length
        self.sampling_rate, self.stride, self.batch_size = sampling_rate, stride, batch_size
        self.shuffle, self.reverse = shuffle, reverse
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        if self.start_index > self.end_index:
            raise ArgumentError(
                "No window fits between the first and the last step.",
                expected=f"start_index + length up to {self.end_index}",
                got=self.start_index,
            )

    def __len__(self) -> int:
        return (self.end_index - self.start_index + self.batch_size * self.stride) // (self.batch_size * self.stride)

    def __getitem__(self, index: int) -> Any:
        if self.shuffle:
            rows = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            begin = self.start_index + self.batch_size * self.stride * index
            end = min(begin + self.batch_size * self.stride, self.end_index + 1)
            rows = np.arange(begin, end, self.stride)
        windows = np.array([self.data[row - self.length : row : self.sampling_rate] for row in rows])
        targets = np.array([self.targets[row] for row in rows])
        return (windows[:, ::-1, ...] if self.reverse else windows), targets

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments; data and targets as JSON, as in Keras.

        Raises:
            ArgumentError: the data cannot be written as JSON.

        Example:
            >>> from amalthea.preprocessing.sequence import TimeseriesGenerator
            >>> TimeseriesGenerator([1, 2, 3], [4, 5, 6], 1).get_config()["data"]
            '[1, 2, 3]'
        """
        names = ("length", "sampling_rate", "stride", "start_index", "end_index", "shuffle", "reverse", "batch_size")
        return {"data": _text(self.data), "targets": _text(self.targets), **{n: getattr(self, n) for n in names}}

    def to_json(self, **kwargs: Any) -> str:
        """Returns the data set as JSON, from which :func:`timeseries_generator_from_json` makes it again.

        Args:
            **kwargs: arguments of ``json.dumps``, such as ``indent``.

        Example:
            >>> from amalthea.preprocessing.sequence import TimeseriesGenerator, timeseries_generator_from_json
            >>> text = TimeseriesGenerator([1, 2, 3], [4, 5, 6], 1).to_json()
            >>> timeseries_generator_from_json(text)[0][1].tolist()
            [5, 6]
        """
        return json.dumps({"class_name": "TimeseriesGenerator", "config": self.get_config()}, **kwargs)


def _text(values: Any) -> str:
    try:
        return json.dumps(values.tolist() if hasattr(values, "tolist") else values)
    except TypeError:
        raise ArgumentError("These data cannot be written as JSON.", expected="numbers", got=brief(values)) from None


def timeseries_generator_from_json(json_string: str) -> TimeseriesGenerator:
    """Returns the data set that ``to_json`` wrote.

    Keras writes the first target's step as ``start_index`` and reads it as the first step: its copies lose windows.

    Args:
        json_string: str; the JSON.

    Raises:
        ArgumentError: the text is not the JSON of a data set.

    Example:
        >>> from amalthea.preprocessing.sequence import TimeseriesGenerator, timeseries_generator_from_json
        >>> timeseries_generator_from_json(TimeseriesGenerator([1, 2, 3], [4, 5, 6], 2).to_json())[0][0].tolist()
        [[1, 2]]
    """
    try:
        config = dict(json.loads(json_string)["config"])
        config["data"], config["targets"] = json.loads(config["data"]), json.loads(config["targets"])
        config["start_index"] -= config["length"]
        return TimeseriesGenerator(**config)
    except (KeyError, TypeError, ValueError) as error:
        raise ArgumentError(
            "This is not the JSON of a TimeseriesGenerator.", got=f"{brief(json_string)} ({error})"
        ) from None
