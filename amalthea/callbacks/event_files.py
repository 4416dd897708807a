"""Event files, as TensorBoard reads them, through its package's own writer; TensorFlow is not needed."""

from __future__ import annotations

import importlib
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from amalthea import tree, writing
from amalthea.errors import MissingLibraryError


class EventFile:
    """One file of events in a folder.

    Args:
        folder: str; made if it does not exist.

    Raises:
        MissingLibraryError: the package ``tensorboard`` is not installed.
    """

    def __init__(self, folder: str):
        try:
            protos: Any = importlib.import_module("tensorboard.compat.proto.event_pb2")
            graphs: Any = importlib.import_module("tensorboard.compat.proto.graph_pb2")
            summaries: Any = importlib.import_module("tensorboard.compat.proto.summary_pb2")
            from tensorboard.plugins.histogram.summary_v2 import histogram_pb
            from tensorboard.plugins.scalar.summary_v2 import scalar_pb
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            raise MissingLibraryError(
                "The callback TensorBoard needs the package tensorboard.", cure="pip install amalthea[tensorboard]"
            ) from None
        self.event, self.graph, self.summary = protos.Event, graphs.GraphDef, summaries.Summary
        self.scalar_pb, self.histogram_pb = scalar_pb, histogram_pb
        self.folder = folder
        self.writer = EventFileWriter(folder)

    def scalar(self, tag: str, value: float, step: int) -> None:
        self._add(self.scalar_pb(tag, float(value)), step)

    def histogram(self, tag: str, values: np.ndarray, step: int) -> None:
        if values.size:
            self._add(self.histogram_pb(tag, values.astype(np.float64)), step)

    def image(self, tag: str, pixels: np.ndarray, step: int) -> None:
        """Writes an image of bytes, ``(height, width)``."""
        height, width = pixels.shape
        image = self.summary.Image(height=height, width=width, colorspace=1, encoded_image_string=png(pixels))
        self._add(self.summary(value=[self.summary.Value(tag=tag, image=image)]), step)

    def layers(self, model: Any) -> None:
        """Writes the layers of a functional model and their inputs, as the graph of the model."""
        graph = self.graph()
        for operation in model._network.operations:
            node = graph.node.add(name=operation.name, op=type(operation).__name__)
            inputs = [x for call in model._network.calls_of.get(operation, ()) for x in call.inputs]
            node.input.extend(dict.fromkeys(x.history.call.operation.name for x in inputs))
        self.writer.add_event(self.event(graph_def=graph.SerializeToString(), wall_time=time.time()))

    def _add(self, summary: Any, step: int) -> None:
        self.writer.add_event(self.event(summary=summary, step=step, wall_time=time.time()))

    def flush(self) -> None:
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()


def png(pixels: np.ndarray) -> bytes:
    """Returns a grey image of bytes, ``(height, width)``, as a PNG file.

    >>> png(np.zeros((2, 3), "uint8"))[:4]
    b'\\x89PNG'
    """

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(pixels, "uint8"))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def as_pixels(values: np.ndarray) -> np.ndarray:
    """Returns an array of any rank as an image of bytes, from its smallest value to its largest.

    >>> as_pixels(np.array([[0.0, 1.0]])).tolist()
    [[0, 255]]
    """
    flat = values.reshape(-1, values.shape[-1]) if values.ndim > 1 else values.reshape(1, -1)
    low, high = float(flat.min()), float(flat.max())
    return np.rint((flat - low) / (high - low or 1.0) * 255).astype("uint8")


def write_embeddings(folder: str, tables: dict[str, tuple[np.ndarray, str | None]]) -> None:
    """Writes tables of vectors as text, and the file that tells TensorBoard's projector of them.

    Args:
        folder: str; folder of the event files.
        tables: dict from name to values ``(rows, size)`` and the name of a file with a label for each row, or None.
    """
    entries = []
    for name, (values, labels) in tables.items():
        file = f"{name.replace('/', '_')}.vectors.tsv"
        rows = ("\t".join(f"{value:.7g}" for value in row) for row in values.tolist())
        writing.write(Path(folder, file), "".join(f"{row}\n" for row in rows).encode())
        parts = [
            f'tensor_name: "{name}"',
            f'tensor_path: "{file}"',
            *([f'metadata_path: "{labels}"'] if labels else []),
        ]
        entries.append("embeddings {\n" + "".join(f"  {part}\n" for part in parts) + "}\n")
    writing.write(Path(folder, "projector_config.pbtxt"), "".join(entries).encode())


def scalars_of(logs: dict[str, Any]) -> dict[str, float]:
    """Returns the numbers among logs."""
    return {name: float(value) for name, value in logs.items() if np.ndim(value) == 0 and not tree.is_nested(value)}
