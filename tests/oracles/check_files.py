"""Does Keras read the model files that another library wrote, and predict the same?

    python tests/oracles/check_files.py FOLDER [--atol 1e-5]

For each NAME.keras in the folder: its inputs in NAME.x0.npy, NAME.x1.npy, ... in the order of the model's inputs,
and the writer's predictions in NAME.y0.npy, ... in the order of its outputs. Where a file is not read, or
differs, the exit status is 1.
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--atol", type=float, default=1e-5, help="the largest difference allowed (default: 1e-5)")
    options = parser.parse_args()
    os.environ.setdefault("KERAS_BACKEND", "jax")
    files = sorted(options.folder.glob("*.keras"))
    if not files:
        sys.exit(f"No .keras files in {options.folder}.")
    answers = [check(file, options.atol) for file in files]
    for file, (good, said) in zip(files, answers, strict=True):
        print(f"{'ok' if good else 'FAILS':6} {file.stem:40} {said}")
    sys.exit(0 if all(good for good, _ in answers) else 1)


def check(file, atol):
    """Whether Keras agrees on this file, and a word about it."""
    inputs, expected = arrays(file, "x"), arrays(file, "y")
    if not inputs or not expected:
        return False, f"{file.stem}.x0.npy or {file.stem}.y0.npy is missing"
    import keras  # here, so that a test run without Keras can import this file

    try:
        model = keras.saving.load_model(file, compile=False)
        answer = model.predict(
            inputs[0] if len(inputs) == 1 else keras.tree.pack_sequence_as(model.input, inputs), verbose=0
        )
    except Exception as problem:  # Whatever stops one file, the table has the others too.
        return False, f"{type(problem).__name__}: {' '.join(str(problem).split())[:300]}"
    return compare([np.asarray(output) for output in keras.tree.flatten(answer)], expected, atol)


def arrays(file, letter):
    """NAME.<letter>0.npy, NAME.<letter>1.npy, ... until one is missing."""
    found = []
    while (path := file.with_name(f"{file.stem}.{letter}{len(found)}.npy")).exists():
        found.append(np.load(path))
    return found


def compare(outputs, expected, atol):
    got, wanted = [output.shape for output in outputs], [output.shape for output in expected]
    if got != wanted:
        return False, f"shapes {got}, expected {wanted}"
    # Differences of integers wrap around and those of NaN never exceed anything, so both are compared as they are.
    good = all(np.allclose(a, b, rtol=0, atol=atol, equal_nan=True) for a, b in zip(outputs, expected, strict=True))
    largest = max(
        float(np.max(np.abs(a.astype("float64") - b), initial=0.0)) for a, b in zip(outputs, expected, strict=True)
    )
    return good, f"largest difference {largest:.1e}"


if __name__ == "__main__":
    main()
