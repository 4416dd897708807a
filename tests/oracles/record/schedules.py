"""What Keras's schedules answer; the fields are those of `functions.record`."""

from ..cases.schedules import CASES
from .functions import record


def records():
    return [record("optimizers.schedules", case, each=True) for case in CASES]
