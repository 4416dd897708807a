"""Two processes, by every launcher and backend that is installed, train to the losses of one."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np
import pytest

from amalthea import saving
from tests.distribution.launched import HERE, alone, launch, run_module
from tests.distribution.train import rows

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not HERE, reason="no launcher is installed")]


@functools.cache
def one(backend):
    with tempfile.TemporaryDirectory() as folder:
        return alone(backend, Path(folder))


def hold(ranks, want):
    for told in ranks:
        for name, values in want["history"].items():
            np.testing.assert_allclose(told["history"][name], values, rtol=1e-5, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(told["scores"], want["scores"], rtol=1e-5)
        np.testing.assert_allclose(told["predictions"], want["predictions"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "backend"), HERE)
def test_two_processes_train_to_the_losses_of_one(name, backend, tmp_path):
    ranks, ran = launch(name, backend, 2, tmp_path)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert [told["rank"] for told in ranks] == [0, 1] and {told["size"] for told in ranks} == {2}
    hold(ranks, one(backend))
    assert ran.stdout.count("Epoch 1/4") == 1  # the first rank tells
    model = saving.load_model(tmp_path / "best.keras")
    x, y = rows()
    assert model.evaluate(x, y, verbose=0)[0] < 2.0


@pytest.mark.parametrize("name", sorted({name for name, _ in HERE}))
def test_values_of_every_dtype_are_exchanged(name, tmp_path):
    ran = run_module(name, "tests.distribution.exchange", 2, tmp_path)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.count("every dtype") == 2


BACKUPS = [(2, 1), (1, 2)]


@pytest.mark.parametrize(("before", "after"), BACKUPS)
def test_a_run_goes_on_with_another_number_of_processes(before, after, tmp_path):
    name, backend = HERE[0]
    backup, first, second = tmp_path / "backup", tmp_path / "first", tmp_path / "second"
    first.mkdir(), second.mkdir()
    given = {"BACKUP": str(backup), "FAULT": "0:raise"}
    _, ran = launch(name, backend, before, first, **given)
    assert ran.returncode != 0 and "damaged" in ran.stderr
    ranks, ran = launch(name, backend, after, second, BACKUP=str(backup))
    assert ran.returncode == 0, ran.stderr[-2000:]
    for told in ranks:
        np.testing.assert_allclose(told["history"]["loss"], one(backend)["history"]["loss"], rtol=1e-5)
