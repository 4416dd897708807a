"""What Keras's constraints answer; the fields are those of `functions.record`."""

from ..cases.constraints import CASES
from .functions import record


def records():
    return [record("constraints", case) for case in CASES]
