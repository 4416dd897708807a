"""The devices of the chosen backend."""

from __future__ import annotations

from amalthea.engine import backends

__all__ = ["get_device_count", "list_devices"]


def list_devices(device_type: str | None = None) -> list[str]:
    """The devices of the backend in use, the fastest first; the first is used unless ``amalthea.device`` says another.

    Args:
        device_type: ``"cpu"``, ``"gpu"`` or ``"tpu"``; all if None.

    Example:
        >>> from amalthea import distribution
        >>> "cpu:0" in distribution.list_devices()
        True
    """
    devices = backends.current().devices()
    return [name for name in devices if device_type is None or name.split(":")[0] == device_type.lower()]


def get_device_count(device_type: str | None = None) -> int:
    """Returns the number of devices.

    >>> get_device_count("cpu") >= 1
    True
    """
    return len(list_devices(device_type))
