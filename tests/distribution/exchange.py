"""Two processes exchange values of every dtype; test_launchers.py starts it by every launcher."""

from __future__ import annotations

import numpy as np

from amalthea import distribution
from amalthea.engine import communicator, dtypes

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "float16", "bfloat16", "float32",
          "float64", "complex64", "complex128"]  # fmt: skip


def main() -> None:
    distribution.initialize()
    group = communicator.current()
    assert group.size == 2
    for name in DTYPES:
        dtype = dtypes.to_numpy(name)
        rows = np.ones((group.rank + 1, 2), dtype)
        total, joined, whole = group.exchange([rows[0], rows, rows[0, 0]], [None, (0, (1, 2)), None])
        expected = np.array(1 if name == "bool" else 2).astype(dtype)
        for found, shape, value in ((total, (2,), expected), (whole, (), expected), (joined, (3, 2), rows[0, 0])):
            found = np.asarray(found)
            assert (found.dtype, found.shape) == (dtype, shape), (name, found.dtype, found.shape)
            assert (found == value).all(), (name, found)
        (first,) = group.broadcast([rows[0] if group.rank == 0 else np.zeros(2, dtype)])
        assert first.dtype == dtype and (first == rows[0]).all(), (name, first)
    print("every dtype")


if __name__ == "__main__":
    main()
