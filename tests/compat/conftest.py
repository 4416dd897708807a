"""Old Keras, read for the time of a test."""

import importlib

import pytest

from amalthea.compat import importer


@pytest.fixture
def keras():
    """A function that returns ``keras`` of an era; everything is taken back after the test."""

    def read(era):
        importer.install(era)
        return importlib.import_module("keras")

    yield read
    importer.uninstall()
