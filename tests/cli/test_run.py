"""``amalthea run``: the script sees its own arguments, name and file, and gives its own status."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HELPER = "VALUE = 5\n"
SCRIPT = """
import sys, helper
from keras.layers import Dense
print(sys.argv[1:], __name__, __file__.endswith("script.py"), helper.VALUE, Dense(output_dim=2).units)
if sys.argv[1:] == ["exit"]:
    sys.exit(7)
if sys.argv[1:] == ["fail"]:
    Dense(units="many")
if sys.argv[1:] == ["odd"]:
    raise KeyError("odd")
"""
IMPORTING = """
import amalthea.compat.keras
import keras
print(keras.__version__)
keras.models.Sequential().fit_generator(samples_per_epoch=3) if False else None
"""
RUNS = {  # arguments, status, what is printed, what is said
    "options after the script": (
        ["script.py", "--keras", "2", "-x"],
        0,
        "['--keras', '2', '-x'] __main__ True 5 2",
        "",
    ),
    "its own status": (["--keras", "1", "script.py", "exit"], 7, "['exit']", ""),
    "a module": (["-m", "script", "--more"], 0, "['--more'] __main__ True 5 2", ""),
    "an era by its signs": (["script.py"], 0, "[] __main__", "it has the argument 'output_dim' of Dense in line 4"),
    "an error": (["script.py", "odd"], 1, "['odd']", "KeyError: 'odd'"),
    "an error of ours": (["script.py", "fail"], 1, "['fail']", "ArgumentError"),
    "no such script": (["nothing.py"], 1, "", "This script does not exist."),
    "no such module": (["-m", "not_there"], 1, "", "This script does not exist."),
    "no such era": (["--keras", "4", "script.py"], 2, "", "invalid choice"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("scripts")
    (path / "helper.py").write_text(HELPER)
    (path / "script.py").write_text(SCRIPT)
    (path / "importing.py").write_text(IMPORTING)
    return path


def _python(folder, *arguments, **environment):
    given = {**os.environ, "PYTHONPATH": str(ROOT), "KERAS_HOME": str(folder), **environment}
    given.pop("AMALTHEA_KERAS", None)
    given.update(environment)
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=given, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("case", RUNS)
def test_a_script_runs_as_by_python(folder, case):
    arguments, status, printed, said = RUNS[case]
    done = _python(folder, "-m", "amalthea", "run", *arguments)
    assert done.returncode == status, done.stderr
    assert printed in done.stdout and said in done.stderr


@pytest.mark.slow
def test_a_traceback_begins_with_the_script(folder):
    done = _python(folder, "-m", "amalthea", "run", "script.py", "odd")
    lines = [line for line in done.stderr.splitlines() if line.startswith("  File")]
    assert len(lines) == 1 and "script.py" in lines[0]


@pytest.mark.slow
@pytest.mark.parametrize("environment, version", (({}, "1.2.2"), ({"AMALTHEA_KERAS": "3"}, "3.15.1")))
def test_an_import_at_the_top_of_a_script_finds_its_era(folder, environment, version):
    done = _python(folder, "importing.py", **environment)
    assert done.returncode == 0 and done.stdout.strip() == version, done.stderr
