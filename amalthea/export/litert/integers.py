"""Integers of 8 bits, by the quantizer that comes with the runtime.

It runs in a process of its own: of some models, such as loops with masks, it ends the process.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from amalthea import snapshots
from amalthea.errors import ExportError

_FLOAT, _INT32, _INT8 = (np.dtype(name).num for name in ("float32", "int32", "int8"))


def quantized(data: bytes, names: Sequence[str], batches: Sequence[Mapping[str, np.ndarray]]) -> bytes:
    """Return a file whose weights and activations are integers, in ranges that typical inputs show.

    Inputs and outputs stay floats; an operator without kernels for integers stays one of floats.

    Args:
        data: the file of floats.
        names: names of the inputs in order.
        batches: typical inputs by name.

    Raises:
        ExportError: the runtime cannot quantize the model.
    """
    rows = [[np.ascontiguousarray(batch[name]) for name in names] for batch in batches]
    rows = [row for row in rows if len(row[0]) == len(rows[0][0])]  # all batches have one size
    given = snapshots.to_bytes({"data": np.frombuffer(data, "uint8"), "rows": rows})
    ran = subprocess.run([sys.executable, "-m", __name__], input=given, capture_output=True)
    if ran.returncode:
        said = ran.stderr.decode(errors="replace").strip().splitlines()
        reason = "its quantizer ended" if ran.returncode < 0 or not said else said[-1]
        raise ExportError("LiteRT cannot quantize this model.", got=reason, cure="dtype='float16'")
    return ran.stdout


def main() -> None:
    """Quantize what comes in."""
    from ai_edge_litert._pywrap_tensorflow_lite_calibration_wrapper import CalibrationWrapper

    given: dict[str, Any] = snapshots.from_bytes(sys.stdin.buffer.read())
    data = given["data"].tobytes()  # which the wrapper goes on to read
    wrapper = CalibrationWrapper(data, [], [])
    wrapper.Prepare([list(x.shape) for x in given["rows"][0]])
    for row in given["rows"]:
        wrapper.FeedTensor(row)
    sys.stdout.buffer.write(bytes(wrapper.QuantizeModel(_FLOAT, _FLOAT, True, _INT8, _INT32, False, False)))


if __name__ == "__main__":
    main()
