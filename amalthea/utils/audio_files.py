"""WAV files as arrays."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from amalthea.data.dataset import Dataset
from amalthea.errors import DataError, brief

_WIDTHS = {1: "uint8", 2: "<i2", 4: "<i4"}


class Reader:
    """Reads a WAV file as float32 from -1 to 1.

    Args:
        sampling_rate: int or None; samples in a second to which a sound is resampled.
        length: int or None; number of samples to which it is cut or padded.

    Shapes: ``(samples, channels)``
    """

    def __init__(self, sampling_rate: int | None, length: int | None):
        self.sampling_rate, self.length = sampling_rate, length

    def __call__(self, path: str) -> np.ndarray:
        samples, rate = read_wav(path)
        if self.sampling_rate is not None and rate != self.sampling_rate:
            samples = resampled(samples, round(len(samples) * self.sampling_rate / rate))
        return samples if self.length is None else padded(samples[: self.length], self.length)


def read_wav(path: str) -> tuple[np.ndarray, int]:
    """The samples of a WAV file ``(samples, channels)``, and how many there are in a second."""
    try:
        with wave.open(path, "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise DataError("This is not a WAV file of whole numbers.", got=f"{brief(path)} ({error})") from None
    data = data[: len(data) // (width * channels) * width * channels]
    if width == 3:  # three bytes become the upper ones of four
        four = np.zeros((len(data) // 3, 4), "uint8")
        four[:, 1:] = np.frombuffer(data, "uint8").reshape(-1, 3)
        numbers, width = four.view("<i4")[:, 0], 4
    else:
        numbers = np.frombuffer(data, _WIDTHS[width])
    scaled = (numbers.astype("float64") - 128) / 128 if width == 1 else numbers / float(1 << (8 * width - 1))
    return scaled.astype("float32").reshape(-1, channels), rate


def resampled(samples: np.ndarray, length: int) -> np.ndarray:
    """A sound with another number of samples: its spectrum, cut or padded.

    >>> resampled(np.ones((4, 1), "float32"), 6).round(6).ravel().tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    if not len(samples) or not length:
        return np.zeros((length, samples.shape[1]), "float32")
    spectrum = np.fft.rfft(samples.astype("float64"), axis=0)
    kept = np.zeros((length // 2 + 1, samples.shape[1]), complex)
    count = min(len(spectrum), len(kept))
    kept[:count] = spectrum[:count]
    return (np.fft.irfft(kept, length, axis=0) * (length / len(samples))).astype("float32")


def padded(samples: np.ndarray, length: int) -> np.ndarray:
    """A sound with zeros at its end."""
    return np.pad(samples, ((0, length - len(samples)), (0, 0)))


def padded_batches(dataset: Dataset, batch_size: int) -> Dataset:
    """Batches of sounds of different lengths, padded to the longest."""
    size = dataset.batch(batch_size).cardinality()
    return Dataset(partial(_batches, dataset._items, batch_size), size)


def _batches(items: Any, size: int, epoch: int) -> Iterator[Any]:
    elements = items(epoch)
    while rows := list(islice(elements, size)):
        sounds = [row[0] if isinstance(row, tuple) else row for row in rows]
        longest = max(map(len, sounds))
        stacked = np.stack([padded(sound, longest) for sound in sounds])
        yield (stacked, np.stack([row[1] for row in rows])) if isinstance(rows[0], tuple) else stacked
