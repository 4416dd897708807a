"""Parametrizations of a test over backends: it is given the name of one as ``backend``.

A backend is *complete* if it computes every primitive; every installed one, complete or not, is in ``every_installed``.
"""

from __future__ import annotations

import pytest

from amalthea.engine import backends

COMPLETE = backends.complete()
OTHERS = [name for name in COMPLETE if name != "numpy"]

every_backend = pytest.mark.parametrize("backend", COMPLETE)
every_other = pytest.mark.parametrize("backend", OTHERS)
every_installed = pytest.mark.parametrize("backend", backends.installed())
every_base_backend = pytest.mark.parametrize("backend", ["onnxruntime", "numpy"])  # those of the base install
