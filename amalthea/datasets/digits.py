"""14,000 handwritten digits that come with the package: the first of MNIST.

They are the first 12,000 training images and the first 2,000 test images of MNIST, in its order.

Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits"; CC BY-SA 3.0 (see ``LICENSE-digits.md``).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from amalthea import writing

FILE = Path(__file__).with_name("digits.npz")
NAMES = ("x_train", "y_train", "x_test", "y_test")
Images = tuple[np.ndarray, np.ndarray]


def load_data() -> tuple[Images, Images]:
    """The images and their digits.

    Shapes: ``(x_train, y_train), (x_test, y_test)``: uint8 (12000, 28, 28) and (12000,), (2000, 28, 28) and (2000,);
    0 is paper and 255 ink.

    >>> (x_train, y_train), (x_test, y_test) = load_data()
    >>> x_train.shape, y_train[:5].tolist()
    ((12000, 28, 28), [5, 0, 4, 1, 9])
    """
    with np.load(FILE, allow_pickle=False) as data:
        x_train, y_train, x_test, y_test = (data[name] for name in NAMES)
    return (x_train, y_train), (x_test, y_test)


def make_file(mnist: str | Path, file: str | Path = FILE) -> None:
    """Make the package's file from the whole of MNIST, as ``mnist.npz`` holds it.

    ``python -c "from amalthea.datasets import digits; digits.make_file('mnist.npz')"``
    """
    import io
    import zipfile

    rows = {"train": 12_000, "test": 2_000}
    with (
        np.load(mnist, allow_pickle=False) as data,
        writing.whole_file(file) as whole,
        zipfile.ZipFile(whole, "w", compresslevel=9) as packed,
    ):
        for name in NAMES:
            written = io.BytesIO()
            np.save(written, data[name][: rows[name[2:]]])
            member = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))  # the same bytes each time
            packed.writestr(member, written.getvalue(), zipfile.ZIP_DEFLATED, 9)
