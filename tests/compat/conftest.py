"""Old Keras, read for the time of a test."""

import importlib
import sys

import pytest

from amalthea.compat import importer


@pytest.fixture
def keras():
    """A function that returns ``keras`` of an era; everything is taken back after the test.

    A real Keras, which TensorFlow imports for a test before, is set aside meanwhile.
    """
    real = {name: sys.modules.pop(name) for name in [*sys.modules] if name.split(".")[0] == "keras"}

    def read(era):
        importer.install(era)
        return importlib.import_module("keras")

    yield read
    importer.uninstall()
    sys.modules.update(real)
