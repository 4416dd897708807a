"""The output of messages for the person at the screen: standard output, or the log."""

from __future__ import annotations

import sys

_interactive = True


def enable_interactive_logging() -> None:
    """Prints messages and progress bars to standard output, which is the default.

    Example:
        >>> from amalthea import utils
        >>> utils.enable_interactive_logging()
        >>> utils.is_interactive_logging_enabled()
        True
    """
    global _interactive
    _interactive = True


def disable_interactive_logging() -> None:
    """Sends messages and progress to Python's ``logging`` instead (logger ``amalthea``, level INFO).

    Example:
        >>> from amalthea import utils
        >>> utils.disable_interactive_logging()
        >>> utils.is_interactive_logging_enabled()
        False
        >>> utils.enable_interactive_logging()
    """
    global _interactive
    _interactive = False


def is_interactive_logging_enabled() -> bool:
    """Returns whether messages go to standard output.

    Example:
        >>> from amalthea import utils
        >>> utils.is_interactive_logging_enabled()
        True
    """
    return _interactive


def is_terminal() -> bool:
    """Whether what is printed can be drawn over: a terminal, or a notebook."""
    return _interactive and (sys.stdout.isatty() or "ipykernel" in sys.modules)


def say(message: str, end: str = "\n") -> None:
    """Show a message; outside a terminal, what cannot be encoded is shown as ``?``."""
    if not _interactive:
        if message.strip():
            import logging

            logging.getLogger("amalthea").info(message.strip())
        return
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    sys.stdout.write((message + end).encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def can_show(text: str) -> bool:
    """Whether standard output has these characters."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
