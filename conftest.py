"""What pytest needs to know: no settings of the user's, and no doctests of backends whose libraries are missing."""

import os
from pathlib import Path

os.environ["KERAS_HOME"] = str(Path(__file__).parent / "tests" / "no_such_folder")

from amalthea import backends  # noqa: E402  # the settings are read when this is imported

collect_ignore = [
    f"amalthea/backends/{known.module}.py" for name, known in backends.KNOWN.items() if name not in backends.installed()
]
