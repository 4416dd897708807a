"""Runs that are killed end as runs that are not."""

from __future__ import annotations

import os
import shutil

import pytest

from amalthea.engine import backends
from tests.properties import resuming
from tests.properties.resuming import SCENARIOS

# Points at which the process is killed, in one run: each part of writing, and each part of the loop.
FEW = {
    "shuffled_arrays": [("on_epoch_begin", 0), ("fsync", 9), ("unlink", 1), ("on_train_end", 0, "after")],
    "within_epochs": [("on_train_batch_end", 3, "before"), ("replace", 3), ("on_epoch_end", 1, "after")],
    "own_data_and_callback": [("on_train_batch_end", 2, "after"), ("write", 6), ("on_epoch_end", 0, "before")],
    "a_generator": [("on_epoch_end", 0, "after"), ("replace", 3, "after"), ("on_train_end", 0, "after")],
}
HOOKS = ("on_epoch_begin", "on_train_batch_end", "on_epoch_end", "on_train_end")
MANY = [
    *((hook, count, where) for hook in HOOKS for count in (0, 1, 2, 5, 9) for where in ("before", "after")),
    *((call, count, where) for call in ("replace", "fsync", "unlink") for count in range(8) for where in ("", "after")),
    *(("write", count) for count in range(0, 30, 3)),
]
MANY = MANY if "KILL_EVERYWHERE" in os.environ else MANY[::16]  # all of them take ten minutes
# A process with a large library takes seconds to start: there, one scenario stands for all.
starts_slowly = pytest.mark.skipif(
    backends.chosen()[0] not in ("numpy", backends.DEFAULT), reason="its processes take seconds to start"
)
IN_FULL = [name if name == "within_epochs" else pytest.param(name, marks=starts_slowly) for name in SCENARIOS]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    ends = {}

    def end(name):
        if name not in ends:
            ends[name] = resuming.finish(name, tmp_path_factory.mktemp(name))[0]
        return ends[name]

    return end


def assert_same(found, wanted):
    assert {name for name in {*found, *wanted} if found.get(name) != wanted.get(name)} == set()


@pytest.mark.parametrize("name", IN_FULL)
def test_a_run_that_is_killed_again_and_again_ends_as_one_that_is_not(name, uninterrupted, tmp_path):
    found, codes = resuming.finish(name, tmp_path, FEW[name], then=1)
    assert codes == [-9] * len(FEW[name]), "each of them was to be killed"
    assert_same(found, uninterrupted(name))


@starts_slowly
@pytest.mark.slow
@pytest.mark.parametrize("kill", MANY, ids=str)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_ends_as_one_without_interruption_wherever_it_is_killed(name, kill, uninterrupted, tmp_path):
    if resuming.start(name, tmp_path, kill) == 0:  # it never came to that point
        return assert_same(resuming.left(tmp_path), uninterrupted(name))
    if not any((tmp_path / "backup").glob("*.zip")):
        return  # nothing was written yet, or training had ended: a new start is a new run
    assert_same(resuming.finish(name, tmp_path)[0], uninterrupted(name))


@starts_slowly
def test_a_run_without_a_seed_goes_on_from_its_backup_alone(tmp_path):
    """Initial weights, shuffling and dropout are those of the first start, though the second draws others."""
    assert resuming.start("shuffled_arrays", tmp_path, ("on_train_batch_end", 0), seed=None) == -9
    ends = []
    for i in range(2):
        shutil.copytree(tmp_path, folder := tmp_path.with_name(f"{tmp_path.name}-{i}"))
        assert resuming.start("shuffled_arrays", folder, seed=None) == 0
        ends.append(resuming.left(folder))
    assert_same(*ends)


@starts_slowly
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "nonsense"])
def test_a_damaged_backup_is_passed_over_for_the_one_before(damage, uninterrupted, tmp_path):
    kill = ("on_epoch_end", 2, "after")
    assert resuming.start("within_epochs", tmp_path, kill) == -9
    newest = max((tmp_path / "backup").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = {"cut": content[:-100], "flipped": content, "empty": b"", "nonsense": b"PK\x05\x06" + bytes(18)}
    newest.write_bytes(damaged[damage])
    found, _ = resuming.finish("within_epochs", tmp_path, seed=6)  # another seed: it does not begin anew
    assert_same(found, uninterrupted("within_epochs"))
