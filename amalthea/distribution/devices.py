"""The devices of the chosen backend."""

from __future__ import annotations

from amalthea.engine import backends


def list_devices(device_type: str | None = None) -> list[str]:
    """Returns the devices of the backend in use, the fastest first.

    The first one is used unless ``amalthea.device`` chooses another.

    Args:
        device_type: str; ``"cpu"``, ``"gpu"`` or ``"tpu"``. Defaults to None, which lists all.

    Example:
        >>> from amalthea import distribution
        >>> "cpu:0" in distribution.list_devices()
        True
    """
    devices = backends.current().devices()
    return [name for name in devices if device_type is None or name.split(":")[0] == device_type.lower()]


def get_device_count(device_type: str | None = None) -> int:
    """Returns the number of devices of the backend in use.

    Args:
        device_type: str; ``"cpu"``, ``"gpu"`` or ``"tpu"``. Defaults to None, which counts all.

    Example:
        >>> from amalthea import distribution
        >>> distribution.get_device_count("cpu") >= 1
        True
    """
    return len(list_devices(device_type))
