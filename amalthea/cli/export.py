"""Write a model in a format that other runtimes execute: ``amalthea export model.keras model.onnx --check``."""

from __future__ import annotations

import argparse

from amalthea import saving
from amalthea.errors import ArgumentError
from amalthea.export import check_export
from amalthea.layers import InputSpec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a model file of any format that load_model reads")
    parser.add_argument("path", metavar="PATH", help="the file or folder to write; its ending chooses the format")
    parser.add_argument("--format", help="the format, if the ending does not say it; `amalthea targets` lists them")
    parser.add_argument(
        "--input-shape",
        action="append",
        metavar="SHAPE",
        help="sizes with the batch, such as dynamic,28,28; once for each input",
    )
    parser.add_argument("--batch", default="dynamic", help="the number of rows, or dynamic (the default)")
    parser.add_argument(
        "--dtype", default="float32", help="float32 (the default) or float16; for int8 see Model.export"
    )
    parser.add_argument("--check", action="store_true", help="execute the file, and compare with predict")


def run(arguments: argparse.Namespace) -> int:
    model = saving.load_model(arguments.model, compile=False)
    batch = None if arguments.batch == "dynamic" else _size(arguments.batch)
    shapes = [tuple(map(_size, text.split(","))) for text in arguments.input_shape or ()]
    signature = [[InputSpec(shape=s) for s in shapes]] if len(shapes) > 1 else [InputSpec(shape=s) for s in shapes]
    model.export(
        arguments.path, arguments.format, input_signature=signature or None, batch_size=batch, dtype=arguments.dtype
    )
    if not arguments.check:
        return 0
    found = check_export(model, arguments.path, arguments.format, rows=batch or 3)
    print(f"Worst difference from predict: {found.difference:.2g}, of outputs up to {found.scale:.3g}.")
    bound = 1e-4 if arguments.dtype == "float32" else 1e-2
    return 0 if found.difference <= bound * max(found.scale, 1.0) else 1


def _size(text: str) -> int | None:
    if text.strip() in ("dynamic", "None"):
        return None
    if not text.strip().isdigit():
        raise ArgumentError("A size is a whole number, or dynamic.", got=text)
    return int(text)
