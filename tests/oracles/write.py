"""Write the records of a family: one index in JSON, and one long array for each dtype in an .npz."""

import dataclasses
import json
import zipfile

import numpy as np

from .draws import Draw


class Writer:
    """Collects the arrays of a family end to end; an array seen before is not stored again."""

    def __init__(self):
        self.pieces = {}
        self.lengths = {}
        self.seen = {}

    def add(self, array):
        array = np.ascontiguousarray(array)
        dtype = str(array.dtype)
        key = (dtype, array.tobytes())
        if key not in self.seen:
            self.seen[key] = self.lengths.get(dtype, 0)
            self.pieces.setdefault(dtype, []).append(array.ravel())
            self.lengths[dtype] = self.seen[key] + array.size
        return {"array": [dtype, self.seen[key], list(array.shape)]}

    def plain(self, value):
        """The value as JSON, with its arrays stored and referred to."""
        if isinstance(value, Draw):
            return {"draw": value.kind, "shape": list(value.shape)}
        if dataclasses.is_dataclass(value):
            value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        if isinstance(value, dict):
            return {str(key): self.plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.plain(item) for item in value]
        if isinstance(value, np.generic):
            return value.item()
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        return self.add(np.asarray(value))


def write(family, records, folder):
    """Write ``<family>.json`` with a record on each line, and ``<family>.npz``."""
    writer = Writer()
    lines = [json.dumps(writer.plain(record), separators=(",", ":")) for record in records]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{family}.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    with zipfile.ZipFile(folder / f"{family}.npz", "w") as archive:
        for dtype, pieces in sorted(writer.pieces.items()):
            _write_array(archive, f"{dtype}.npy", np.concatenate(pieces))


def _write_array(archive, name, array):
    # numpy.savez_compressed stamps the time of day, so that the same numbers would give other bytes each time.
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(entry, "w") as file:
        np.lib.format.write_array(file, array, allow_pickle=False)
