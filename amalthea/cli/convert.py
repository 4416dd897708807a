"""Convert a model file of any Keras to today's, or back to Keras 2: ``amalthea convert old.h5 new.keras``."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

from amalthea import saving
from amalthea.errors import ArgumentError
from amalthea.saving import formats, old_configs
from amalthea.spellings.differences import TRAINING


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", metavar="OLD", help="a model file of any format that load_model reads")
    parser.add_argument("new", metavar="NEW", help="the file to write: .keras, or .h5 for Keras 2")
    parser.add_argument("--overwrite", action="store_true", help="replace NEW if it is there")
    parser.add_argument("--without-training", action="store_true", help="leave out the optimizer, losses and metrics")


def run(arguments: argparse.Namespace) -> None:
    if not arguments.new.endswith((".keras", ".h5", ".hdf5")):
        raise ArgumentError("NEW ends in .keras or .h5.", got=arguments.new, cure=f"{Path(arguments.new).stem}.keras")
    print(f"{arguments.old} is {formats.find(arguments.old).name}.")
    lines: list[str] = []
    token = old_configs.notes.set(lines)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = saving.load_model(arguments.old, compile=not arguments.without_training)
            saving.save_model(model, arguments.new, overwrite=arguments.overwrite)
    finally:
        old_configs.notes.reset(token)
    lines += [str(warning.message) for warning in caught]
    optimizer = type(model.optimizer).__name__ if model.optimizer is not None else ""
    if lines and optimizer in TRAINING:
        lines.append(f"training: {TRAINING[optimizer]}")
    for line in lines or ["Nothing had to be changed."]:
        print(f"  {line}")
    print(f"Wrote {arguments.new}: {len(model.layers)} layers, {model.count_params():,} weights.")
