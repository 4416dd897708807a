"""The files of CIFAR-10 and CIFAR-100: batches of images in pickles, of which only arrays and lists are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from amalthea import config
from amalthea.datasets.storage import unpickled
from amalthea.errors import DataError
from amalthea.utils.files import get_file


def folder_of(name: str, origin: str, file_hash: str, inside: str) -> Path:
    """The folder of the unpacked batches, fetched once and kept."""
    return Path(get_file(name, origin=origin, file_hash=file_hash, extract=True)) / inside


def batch(path: Path, label_key: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Images ``(rows, channels, height, width)`` and labels of one file."""
    found: Any = unpickled(path.read_bytes())
    if not isinstance(found, dict) or b"data" not in found or label_key not in found:
        raise DataError("The file of a data set is damaged.", expected=f"data and {label_key.decode()}", got=path.name)
    images = np.asarray(found[b"data"], "uint8").reshape(-1, 3, 32, 32)
    return images, np.asarray(found[label_key], "uint8").reshape(-1, 1)


def arranged(images: np.ndarray) -> np.ndarray:
    """Images in the data format of ``config``."""
    return images if config.image_data_format() == "channels_first" else images.transpose(0, 2, 3, 1)
