"""Scores of the scripts in ``examples`` under real Keras, for ``tests/compat/test_examples.py``.

    python tests/oracles/examples/make.py keras1=PYTHON keras2=PYTHON keras2theano=PYTHON keras3=PYTHON [NAME ...]

with a Python of an environment for each version (README.md says how to make them). The scripts named, or all of
them, run with each of their seeds; ``stored.json`` keeps the scores of the others.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
FOLDERS = {"keras1": "keras1", "keras2": "keras2", "keras3": "."}
BACKENDS = {"keras1": "theano", "keras2": "tensorflow", "keras2theano": "theano", "keras3": "jax"}
# On TensorFlow 1, Keras 2 writes the states of stateful layers before gradients have read the former ones: the
# recurrent kernel of a layer whose states are zero gets a gradient that is not. Theano's is right.
ON_THEANO = ("stateful_lstm",)
SEEDS = range(4)
MORE_SEEDS = {"keras2/stateful_lstm": range(10)}  # four happened to lie together
TIME = 600  # seconds for one run
STORED = HERE / "stored.json"


def theano(python):
    """Theano's settings; NumPy's own copy of OpenBLAS is the one that it links."""
    flags = f"device=cpu,floatX=float32,gcc.cxxflags=-O1,base_compiledir={tempfile.gettempdir()}/theano-of-examples"
    found = next(Path(python).parents[1].glob("lib/python3.*/site-packages/numpy/.libs/libopenblas*"), None)
    if found is None:
        return {"THEANO_FLAGS": flags}
    return {
        "THEANO_FLAGS": f"{flags},blas.ldflags=-L{found.parent} -l:{found.name}",
        "LD_LIBRARY_PATH": str(found.parent),
    }


def environment(version, python, home):
    return {
        **{k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        "HOME": str(home),
        "KERAS_HOME": str(home / ".keras"),
        "KERAS_BACKEND": BACKENDS[version],
        **theano(python),
        "OMP_NUM_THREADS": "1",
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONWARNINGS": "ignore",
    }


def score(python, version, script, seed, home):
    ran = subprocess.run(
        [python, str(HERE / "start.py"), str(seed), str(script)],
        env=environment(version, python, home), capture_output=True, text=True, timeout=TIME, cwd=home,
    )  # fmt: skip
    last = (ran.stdout.strip().splitlines() or [""])[-1]
    if ran.returncode or not last.startswith("score: "):
        print(f"{script}:\n{ran.stdout[-2000:]}\n{ran.stderr[-6000:]}", flush=True)
        return None
    return float(last.split()[1])


def main(arguments):
    pythons = dict(a.split("=") for a in arguments if "=" in a)
    names = [a for a in arguments if "=" not in a]
    for version, python in pythons.items():
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            subprocess.run([python, str(ROOT / "examples" / "data.py"), str(home / ".keras" / "datasets")], check=True)
            for script in sorted((ROOT / "examples" / FOLDERS[version.removesuffix("theano")]).glob("*.py")):
                if script.stem == "data" or (names and script.stem not in names):
                    continue
                if version.startswith("keras2") and (script.stem in ON_THEANO) != version.endswith("theano"):
                    continue
                name = f"{version[:6]}/{script.stem}"
                seeds = MORE_SEEDS.get(name, SEEDS)
                scores = [score(python, version, script, seed, home) for seed in seeds]
                if None in scores:
                    continue
                stored = {**json.loads(STORED.read_text()), name: scores}
                print(version, script.stem, scores, flush=True)
                STORED.write_text(
                    "{\n" + ",\n".join(f'"{k}": {json.dumps(v)}' for k, v in sorted(stored.items())) + "\n}\n"
                )


if __name__ == "__main__":
    main(sys.argv[1:])
