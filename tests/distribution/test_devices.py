"""Several devices of one process, where the library divides graphs itself: each case in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from amalthea.engine import backends
from tests.distribution.launched import ROOT, environment

CASES = ["normalized", "convolutional", "masked", "attentive", "divided"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("jax" not in backends.installed(), reason="JAX is not installed, which divides graphs itself"),
]


@pytest.mark.parametrize("case", CASES)
def test_four_virtual_devices_hold_the_law(case, tmp_path):
    env = environment("jax", tmp_path, XLA_FLAGS="--xla_force_host_platform_device_count=4")
    command = [sys.executable, "-m", "tests.distribution.devices", case]
    ran = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert ran.stdout.endswith("held\n")
