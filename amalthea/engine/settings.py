"""Settings of the whole process, and the user's ``~/.keras/keras.json`` (or ``$KERAS_HOME/keras.json``).

``amalthea.config`` has the functions that read and change them, under Keras's names.
"""

from __future__ import annotations

import json
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

values: dict[str, Any] = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "max_executables": 64,
}


def file_path() -> Path:
    """Return the path of the user's ``keras.json``, which may not exist."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"


@lru_cache(maxsize=1)
def file_settings() -> dict[str, Any]:
    """Return the settings in the user's ``keras.json``; empty without a file. Report an unreadable file on stderr."""
    try:
        found = json.loads(file_path().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        say(f"{file_path()} cannot be read and is ignored: {error}")
        return {}
    if isinstance(found, dict):
        return found
    say(f"{file_path()} is ignored: it holds a {type(found).__name__}, not a JSON object of settings by name.")
    return {}


def say(line: str) -> None:
    """Write a line to stderr, if the process has one."""
    if sys.stderr is not None:
        print(line, file=sys.stderr)
