"""Makes the archives of tests/saving/golden with real Keras, each version in an environment of its own.

    python tests/oracles/keras_files/make.py FOLDER [VERSION ...]

FOLDER is for the environments, which take about 1 GB each with TensorFlow. Pythons are those of pyenv. Theano compiles
C, for which it needs ``g++``; it takes BLAS from the wheel of NumPy.
"""

from __future__ import annotations

import glob
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
GOLDEN = HERE.parents[1] / "saving" / "golden"
_THEANO = ["numpy==1.16.6", "scipy==1.2.3", "six", "h5py==2.10.0", "PyYAML", "Theano==1.0.5"]
_TF_1 = ["numpy==1.16.6", "protobuf<3.21", "h5py==2.10.0"]
_KERAS_3 = ["numpy<2", "packaging", "scipy<1.13"]

# Version: Python, script, packages.
ENVIRONMENTS = {
    "0.3.3": ("3.7", "keras03.py", [*_THEANO, "Keras==0.3.3"]),
    "1.0.8": ("3.7", "keras1.py", [*_THEANO, "Keras==1.0.8"]),
    "1.1.0": ("3.7", "keras1.py", [*_THEANO, "Keras==1.1.0"]),
    "1.2.2": ("3.7", "keras1.py", [*_THEANO, "Keras==1.2.2"]),
    "2.2.4": ("3.7", "keras2.py", [*_TF_1, "tensorflow==1.13.2", "Keras==2.2.4"]),
    "2.3.1": ("3.7", "keras2.py", [*_TF_1, "tensorflow==1.15.5", "Keras==2.3.1"]),
    "2.15.0": ("3.10", "keras2.py", ["tensorflow-cpu==2.15.1", "keras==2.15.0"]),
    "3.0.5": ("3.11", "keras3.py", [*_KERAS_3, "jax[cpu]==0.4.23", "keras==3.0.5"]),
    "3.6.0": ("3.11", "keras3.py", [*_KERAS_3, "jax[cpu]==0.4.34", "keras==3.6.0"]),
    "3.15.1": ("3.12", "keras3.py", ["jax[cpu]", "keras==3.15.1"]),
}


def python_of(version: str) -> str:
    """A Python of pyenv of that version, such as 3.7."""
    found = sorted(glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}.*/bin/python")))
    if not found:
        raise SystemExit(f"pyenv has no Python {version}: pyenv install {version}")
    return found[-1]


def environment(folder: Path, python: str, packages: list[str]) -> Path:
    """An environment with the packages; Keras and Theano are built with the setuptools of their time."""
    binaries = folder / "bin"
    if not binaries.is_dir():
        subprocess.run([python_of(python), "-m", "venv", str(folder)], check=True)
        pip = [str(binaries / "python"), "-m", "pip", "install", "-q"]
        old = python == "3.7"
        subprocess.run([*pip, "setuptools<60", "wheel", "pip<24"] if old else [*pip, "pip"], check=True)
        for package in packages:
            is_built = old and package.startswith(("Theano", "Keras=="))
            subprocess.run([*pip, *(["--no-build-isolation"] if is_built else []), package], check=True)
    return binaries / "python"


def make(version: str, root: Path) -> None:
    python, script, packages = ENVIRONMENTS[version]
    folder = root.resolve() / f"keras-{version}"
    interpreter = environment(folder, python, packages)
    home = folder / "home"
    home.mkdir(exist_ok=True)
    more = {"HOME": str(home), "KERAS_HOME": str(home), "OMP_NUM_THREADS": "1"}
    blas = sorted(glob.glob(str(folder / "lib/*/site-packages/numpy/.libs/libopenblas*.so")))
    if any(package.startswith("Theano") for package in packages) and blas:
        libraries = os.path.dirname(blas[0])
        more["LD_LIBRARY_PATH"] = libraries
        flags = f"blas.ldflags=-L{libraries} -l:{os.path.basename(blas[0])}"
        more["THEANO_FLAGS"] = f"device=cpu,floatX=float32,optimizer=fast_compile,{flags}"
    subprocess.run([str(interpreter), script, str(GOLDEN)], cwd=HERE, env={**os.environ, **more}, check=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    for chosen in sys.argv[2:] or ENVIRONMENTS:
        make(chosen, Path(sys.argv[1]))
