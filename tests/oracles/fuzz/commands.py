"""Commands that compare two libraries on random models.

python -m tests.oracles.fuzz.commands ask FIRST LAST FOLDER    # with Keras: its answers to these seeds, and its files
python -m tests.oracles.fuzz.commands compare FOLDER           # where this package is: each difference, and a count
python -m tests.oracles.fuzz.commands write FIRST LAST FOLDER  # this package's files beside Keras's
python -m tests.oracles.fuzz.commands go_on LIBRARY FOLDER     # keras, then amalthea: read all files, train on
python -m tests.oracles.fuzz.commands agree FOLDER             # where the two made something else of one file
"""

from __future__ import annotations

import importlib

from .models import draw
from .training import answer, difference, digest, predicted, train


def ask(first, last, folder):
    """Write what Keras gives for some seeds, and its files."""
    import pickle
    from pathlib import Path

    import keras

    Path(folder).mkdir(parents=True, exist_ok=True)
    for seed in range(int(first), int(last)):
        found = answer(keras, seed, folder)
        Path(folder, f"{seed}.pickle").write_bytes(pickle.dumps(found))


def write(first, last, folder):
    """Write this package's files for some seeds."""
    import amalthea

    for seed in range(int(first), int(last)):
        answer(amalthea, seed, folder)


def go_on(name, folder, share="1/1"):
    """Let a library read all files, its own and the other's, and train on from them."""
    import pickle
    from pathlib import Path

    library, (part, parts) = importlib.import_module(name), map(int, share.split("/"))
    for file in sorted(Path(folder).glob("*.keras"))[part - 1 :: parts]:
        case = draw(library, int(file.name.split(".")[0]))
        try:
            model = library.saving.load_model(file)
            found = predicted(model, case, "before") | train(model, case)
            found = {"results": {k: [str(v.dtype), list(v.shape), digest(v)] for k, v in found.items()}, "notes": []}
        except Exception as error:
            found = {"refused": f"{type(error).__name__}: {str(error)[:300]}"}
        Path(f"{file}.{name}").write_bytes(pickle.dumps(found))


def agree(folder):
    """Print where the two libraries made something else of one file."""
    import pickle
    from pathlib import Path

    different, total = 0, 0
    for file in sorted(Path(folder).glob("*.keras")):
        if not Path(f"{file}.keras").exists():
            continue
        found, wanted = (pickle.loads(Path(f"{file}.{name}").read_bytes()) for name in ("amalthea", "keras"))
        what = difference(found, wanted)
        total, different = total + 1, different + bool(what)
        if what or "refused" in wanted:
            print(f"{file.name}\n  {what or wanted['refused']}", flush=True)
    print(f"{different} of {total} files differ")


def compare(folder):
    """Print where this package gives something else, but for what test_fuzz_models.py says is meant otherwise."""
    import pickle
    from pathlib import Path

    from tests.properties import test_fuzz_models

    different, total = 0, 0
    for file in sorted(Path(folder).glob("*.pickle"), key=lambda f: int(f.stem)):
        wanted = pickle.loads(file.read_bytes())
        what = test_fuzz_models.judge(int(file.stem), wanted)
        total, different = total + 1, different + bool(what)
        if what:
            kinds = [note[0] for note in wanted["notes"]]
            print(f"{file.stem} {kinds}\n  {what}", flush=True)
    print(f"{different} of {total} models differ")


if __name__ == "__main__":
    import sys

    commands = {"ask": ask, "compare": compare, "write": write, "go_on": go_on, "agree": agree}
    commands[sys.argv[1]](*sys.argv[2:])
