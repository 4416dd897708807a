"""Arrays as two plain files, for programs in C and Java: a line ``name dtype sizes bytes`` each, and the bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np


def write(folder: Path, name: str, arrays: Mapping[str, np.ndarray]) -> None:
    rows = [f"{k} {a.dtype} {','.join(map(str, a.shape))} {a.nbytes}\n" for k, a in arrays.items()]
    (folder / f"{name}.txt").write_text("".join(rows))
    (folder / f"{name}.bin").write_bytes(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays.values()))


def read(folder: Path, name: str) -> dict[str, np.ndarray]:
    data, found = (folder / f"{name}.bin").read_bytes(), {}
    for line in (folder / f"{name}.txt").read_text().splitlines():
        key, dtype, sizes, size = line.split(" ")
        shape = [int(d) for d in sizes.split(",") if d]
        found[key] = np.frombuffer(data[: int(size)], dtype).reshape(shape)
        data = data[int(size) :]
    return found
