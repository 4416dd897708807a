"""``multi_gpu_model`` of Keras 2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea.callbacks import console
from amalthea.distribution import list_devices, sharing


def multi_gpu_model(
    model: Any, gpus: int | Sequence[Any] | None = None, cpu_merge: bool = True, cpu_relocation: bool = False
) -> Any:
    """Lets ``fit`` of a model share each batch among devices.

    The model is returned, not a copy of it, so it is saved as ever. It uses the devices that there are, says how many,
    and gives the same losses on any number of them.

    Args:
        model: model.
        gpus: int, 1 or more, or list of devices; number of devices to use. Defaults to None, all that there are.
        cpu_merge: not used; the library of the backend chooses the device of a value.
        cpu_relocation: not used.

    Returns:
        The model.

    Raises:
        ArgumentError: ``gpus`` is not a positive number.

    Example:
        >>> from amalthea import Sequential, layers, utils
        >>> model = Sequential([layers.Input((2,)), layers.Dense(1)])
        >>> utils.multi_gpu_model(model, gpus=2) is model
        Each batch is shared by 1 device (2 asked for).
        True
    """
    asked = len(list_devices()) if gpus is None else sharing.number_of(gpus, "gpus", "multi_gpu_model")
    with sharing.on_devices(asked) as line:
        console.say(line)
    model._devices = asked
    return model
