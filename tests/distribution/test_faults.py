"""A rank that dies, hangs or raises: the others fail within the time set, and say which rank and why."""

from __future__ import annotations

import importlib.util
import time

import numpy as np
import pytest

from tests.distribution.launched import alone, launch

TIMEOUT = 10
pytestmark = pytest.mark.slow
needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torchrun is not installed")
needs_mpi = pytest.mark.skipif(importlib.util.find_spec("mpi4py") is None, reason="mpi4py is not installed")
TOLD = {
    ("torchrun", "die"): "exitcode  : 7",
    ("torchrun", "raise"): "the data of this rank are damaged",
    ("torchrun", "hang"): "rank 1 does not answer",
    ("mpirun", "die"): "exited",
    ("mpirun", "raise"): "Rank 1 of 2 failed: ValueError: the data of this rank are damaged",
    ("mpirun", "hang"): f"longer than {TIMEOUT} seconds",
}
ROWS = [pytest.param(*row, marks=needs_torch if row[0] == "torchrun" else needs_mpi) for row in TOLD]


@pytest.mark.parametrize(("name", "kind"), ROWS)
def test_a_fault_of_one_rank_ends_the_others_in_time(name, kind, tmp_path):
    start = time.monotonic()
    told, ran = launch(name, "onnxruntime", 2, tmp_path, FAULT=f"1:{kind}", AMALTHEA_DISTRIBUTION_TIMEOUT=str(TIMEOUT))
    assert ran.returncode != 0
    assert not told
    assert time.monotonic() - start < 90  # and not for ever; the times are in docs/distribution.md
    assert TOLD[name, kind].lower() in (ran.stdout + ran.stderr).lower()


@needs_torch
def test_a_killed_worker_is_replaced_and_goes_on_from_the_last_epoch(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    more = {"FAULT": "1:die", "BACKUP": str(tmp_path / "backup")}
    told, ran = launch("torchrun", "onnxruntime", 2, folder, options=["--max_restarts=1"], **more)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "Going on at epoch 2" in ran.stdout
    want = alone("onnxruntime", tmp_path / "one")
    np.testing.assert_allclose(told[0]["history"]["loss"], want["history"]["loss"], rtol=1e-5)
