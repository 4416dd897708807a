"""Read the stored numbers. NumPy and json alone.

    records = load("layers")                  # a list of dictionaries, in the order of the tables
    by_id = {record["id"]: record for record in records}
    records = held("layers")                  # those that are not left out as a whole

Every array of a record lies where it belongs, as a read-only NumPy array: ``record["outputs"][0]``.
``record["exceptions"]`` names the parts that a test leaves out, with the reason (exceptions.py).
"""

import json
from functools import cache
from pathlib import Path

import numpy as np

from .exceptions import EXCEPTIONS

FOLDER = Path(__file__).resolve().parent / "stored"


@cache
def load(family, folder=FOLDER):
    """All records of a family, such as ``"layers"``; one list for all callers, so don't change it."""
    records = json.loads((Path(folder) / f"{family}.json").read_text())
    with np.load(Path(folder) / f"{family}.npz") as archive:
        numbers = {dtype: archive[dtype] for dtype in archive.files}
    for values in numbers.values():
        values.flags.writeable = False
    exceptions = EXCEPTIONS.get(family, {})
    return [{**_with_arrays(record, numbers), "exceptions": exceptions.get(record["id"], {})} for record in records]


def held(family):
    """The records of a family to which Amalthea is held, in some part at least."""
    return [record for record in load(family) if "all" not in record["exceptions"]]


def _with_arrays(value, numbers):
    """Put an array wherever the index says ``{"array": [dtype, where it starts, shape]}``."""
    if isinstance(value, list):
        return [_with_arrays(item, numbers) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) != {"array"}:
        return {key: _with_arrays(item, numbers) for key, item in value.items()}
    dtype, start, shape = value["array"]
    return numbers[dtype][start : start + int(np.prod(shape))].reshape(shape)
