"""The scripts of ``examples``, as ``amalthea run`` runs them, reach the scores of the real Keras of their version.

``tests/oracles/examples/stored.json`` keeps the scores of real Keras with several seeds. The band is four standard
deviations of those around their mean, and a hundredth of the mean for scripts whose scores hardly differ.
"""

import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"keras1": "keras1", "keras2": "keras2", "keras3": "."}
STORED = json.loads((ROOT / "tests" / "oracles" / "examples" / "stored.json").read_text())
SCRIPTS = sorted(
    f"{version}/{path.stem}"
    for version, folder in FOLDERS.items()
    for path in (ROOT / "examples" / folder).glob("*.py")
    if path.stem != "data"
)
# The small data have other hashes than the large ones, whose names and formats they have.
START = """
import hashlib, os, sys
from amalthea.cli import main
from amalthea.datasets import imdb, mnist
for module, name in ((imdb, "imdb.npz"), (mnist, "mnist.npz")):
    with open(os.path.join(os.environ["KERAS_HOME"], "datasets", name), "rb") as file:
        module.SHA256 = hashlib.sha256(file.read()).hexdigest()
sys.exit(main(["run", "--keras", *sys.argv[1:]]))
"""


def path_of(name):
    version, script = name.split("/")
    return ROOT / "examples" / FOLDERS[version] / f"{script}.py"


def band(scores):
    middle, spread = statistics.mean(scores), statistics.stdev(scores)
    width = max(4 * spread, 0.01 * abs(middle))
    return middle - width, middle + width


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keras_home")
    subprocess.run([sys.executable, ROOT / "examples" / "data.py", folder / "datasets"], check=True)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_example_reaches_the_score_of_real_keras(name, home):
    ran = subprocess.run(
        [sys.executable, "-c", START, name[5], path_of(name)],
        env={**os.environ, "KERAS_HOME": str(home), "HOME": str(home), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, cwd=home,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    last = ran.stdout.strip().splitlines()[-1]
    assert last.startswith("score: ")
    low, high = band(STORED[name])
    assert low <= float(last.split()[1]) <= high, f"{last}, and not {low} to {high}"


def test_every_example_has_scores_of_real_keras():
    assert sorted(STORED) == SCRIPTS


def test_the_table_of_examples_lists_every_script():
    rows = [line.split("|") for line in (ROOT / "examples" / "README.md").read_text().splitlines() if "| x |" in line]
    names = [name for row in rows for name in re.findall("`(.*?)`", row[1])]
    listed = [f"keras{i - 2}/{name}" for name, row in zip(names, rows, strict=True) for i in (3, 4, 5) if "x" in row[i]]
    assert sorted(listed) == SCRIPTS


def test_the_guide_counts_the_scripts():
    counts = [sum(name.startswith(version) for name in SCRIPTS) for version in FOLDERS]
    said = "27 examples as {} scripts: {} in the spelling of Keras 1.1, {} of 2.1 and {} of 3".format(
        sum(counts), *counts
    )
    assert said in (ROOT / "docs" / "from-keras.md").read_text()
