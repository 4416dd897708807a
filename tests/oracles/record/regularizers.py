"""What Keras's regularizers answer; the fields are those of `functions.record`."""

from ..cases.regularizers import CASES
from .functions import record


def records():
    return [record("regularizers", case) for case in CASES]
