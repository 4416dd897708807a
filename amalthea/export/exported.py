"""The export of a model as one endpoint."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from amalthea import tree
from amalthea.checks import positive_int
from amalthea.errors import ArgumentError, DataError
from amalthea.export import signatures
from amalthea.export.archive import saved
from amalthea.export.endpoint import Endpoint, traced
from amalthea.export.targets import Options, check_options, check_path, chosen, target

OPTIONS = ("batch_size", "dtype", "calibration", "opset_version", "overwrite", "class_labels", "image_inputs")
ENDPOINT = "serve"
_ROWS = 32  # of a batch of the calibration, where the number is open


def exported(
    model: Any, filepath: Any, format: str | None, verbose: bool, signature: Any, keywords: dict[str, Any]
) -> None:
    """Write a model in a format; see ``Model.export`` for the arguments and errors."""
    unknown = [key for key in keywords if key not in OPTIONS]
    if unknown:
        raise ArgumentError("export has no such option.", expected=", ".join(OPTIONS), got=", ".join(unknown))
    path = os.fspath(filepath)
    name = chosen(format, path)
    check_path(name, path)
    writer = target(name)
    there = [] if keywords.get("overwrite", True) else [p for p in writer.files(path) if os.path.lexists(p)]
    if there:
        raise ArgumentError("There is a file at this path already.", got=there[0], cure="overwrite=True")
    found = signatures.of_model(model) if signature is None else signatures.given(signature, model)
    if keywords.get("batch_size") is not None:
        positive_int(keywords["batch_size"], "batch_size", "export")
        found = signatures.with_rows(found, keywords["batch_size"])
    endpoint = traced(ENDPOINT, lambda *args: model(*args, training=False), found, model._output_names())
    options = Options(
        dtype=keywords.get("dtype", "float32"),
        calibration=_batches(keywords.get("calibration"), endpoint),
        opset=keywords.get("opset_version"),
        variables={"variables": model.variables},
        class_labels=keywords.get("class_labels"),
        image_inputs=keywords.get("image_inputs"),
        model=model if signature is None and keywords.get("batch_size") is None else None,
    )
    check_options(writer, [endpoint], options)
    writer.write([endpoint], path, options)
    if verbose:
        print(saved(writer, path, [endpoint]))


def _batches(arrays: Any, endpoint: Endpoint) -> list[dict[str, np.ndarray]] | None:
    """Return typical rows in batches, as dicts by input name; all batches have the rows that an endpoint fixes."""
    if arrays is None:
        return None
    names, flat = endpoint.inputs, [np.asarray(x) for x in tree.flatten(arrays)]
    if len(flat) != len(names) or len({len(x) for x in flat}) != 1 or not len(flat[0]):
        raise DataError("The calibration has rows for each input.", expected=", ".join(names), got=len(flat))
    sizes = [x.shape[0] for x in endpoint.graph.inputs if x.shape]
    rows = sizes[0] if sizes and isinstance(sizes[0], int) else 0
    if len(flat[0]) < rows:
        raise DataError("The calibration has fewer rows than a batch.", expected=rows, got=len(flat[0]))
    starts = range(0, len(flat[0]) - rows + 1, rows) if rows else range(0, len(flat[0]), _ROWS)
    return [dict(zip(names, (x[i : i + (rows or _ROWS)] for x in flat))) for i in starts]
