"""Settings of the whole process: ``floatx``, ``epsilon``, ``image_data_format``.

They start from ``~/.keras/keras.json`` (or ``$KERAS_HOME/keras.json``) where there is one.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from amalthea.checks import non_negative_int, optional, positive_int
from amalthea.engine import backends, dtypes, settings
from amalthea.errors import ArgumentError

# Settings of Keras's ``config`` module that live where they have their effect.
_ELSEWHERE = {
    **dict.fromkeys(("dtype_policy", "set_dtype_policy"), "amalthea.dtype_policies"),
    **dict.fromkeys(
        ("disable_interactive_logging", "enable_interactive_logging", "is_interactive_logging_enabled"),
        "amalthea.callbacks.console",
    ),
    "enable_unsafe_deserialization": "amalthea.lambdas",
}
_settings: dict[str, Any] = {"flash attention": None, "traceback filtering": True}

__all__ = [  # pyright: ignore[reportUnsupportedDunderAll]
    *_ELSEWHERE,
    "backend",
    "disable_flash_attention",
    "disable_traceback_filtering",
    "enable_flash_attention",
    "enable_traceback_filtering",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_flash_attention_enabled",
    "is_nnx_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_executables",
    "max_steps_per_epoch",
    "set_backend",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_executables",
    "set_max_steps_per_epoch",
    "standardize_data_format",
]


def __getattr__(name: str) -> Any:
    if name not in _ELSEWHERE:
        raise AttributeError(f"module 'amalthea.config' has no attribute {name!r}")
    return getattr(importlib.import_module(_ELSEWHERE[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


def backend() -> str:
    """Returns the name of the backend in use.

    Example:
        >>> from amalthea import config, use_backend
        >>> with use_backend("numpy"):
        ...     config.backend()
        'numpy'
    """
    return backends.announced()


def set_backend(backend: str) -> None:
    """Uses another backend from now on, in the whole process.

    Args:
        backend: str; name of the backend, such as ``"jax"``.

    Raises:
        UnknownNameError: no backend has this name.
        MissingLibraryError: its library is not installed.

    Example:
        >>> from amalthea import config
        >>> config.set_backend(config.backend())  # the one in use
        >>> config.backend() == config.backend()
        True
    """
    backends.set_backend(backend)


def floatx() -> str:
    """Returns the dtype of new weights and of Python floats: ``"float32"`` unless set.

    Example:
        >>> from amalthea import config
        >>> config.floatx()
        'float32'
    """
    return settings.values["floatx"]


def set_floatx(value: str) -> None:
    """Sets the dtype of new weights and of Python floats.

    Args:
        value: str; ``"float16"``, ``"bfloat16"``, ``"float32"`` or ``"float64"``.

    Raises:
        ArgumentError: the value is not one of these.

    Example:
        >>> from amalthea import config, ops
        >>> config.set_floatx("float64")
        >>> ops.zeros(3).dtype.name
        'float64'
        >>> config.set_floatx("float32")
    """
    if value not in dtypes.FLOATS:
        raise ArgumentError(f"floatx cannot be {value!r}.", expected=", ".join(dtypes.FLOATS))
    settings.values["floatx"] = value


def epsilon() -> float:
    """Returns the small number that keeps divisions and logarithms finite: 1e-7 unless set.

    Example:
        >>> from amalthea import config
        >>> config.epsilon()
        1e-07
    """
    return settings.values["epsilon"]


def set_epsilon(value: float) -> None:
    """Sets the small number that keeps divisions and logarithms finite.

    Args:
        value: float above 0.

    Example:
        >>> from amalthea import config
        >>> config.set_epsilon(1e-6)
        >>> config.epsilon()
        1e-06
        >>> config.set_epsilon(1e-7)
    """
    settings.values["epsilon"] = float(value)


def image_data_format() -> str:
    """Returns the data format of layers that are given none: ``"channels_last"`` unless set.

    Example:
        >>> from amalthea import config
        >>> config.image_data_format()
        'channels_last'
    """
    return settings.values["image_data_format"]


def set_image_data_format(data_format: str) -> None:
    """Sets the data format of layers that are given none.

    Args:
        data_format: str; ``"channels_last"`` or ``"channels_first"``.

    Raises:
        ArgumentError: the data format is not one of the two.

    Example:
        >>> from amalthea import config, layers
        >>> config.set_image_data_format("channels_first")
        >>> layers.Conv2D(4, 3).data_format
        'channels_first'
        >>> config.set_image_data_format("channels_last")
    """
    settings.values["image_data_format"] = standardize_data_format(data_format)


def standardize_data_format(data_format: str | None) -> str:
    """Returns the data format that an argument means.

    Args:
        data_format: str; ``"channels_last"`` or ``"channels_first"``, in any case. None means
            :func:`image_data_format`.

    Raises:
        ArgumentError: the data format is not one of the two.

    Example:
        >>> from amalthea import config
        >>> config.standardize_data_format("Channels_First")
        'channels_first'
    """
    if data_format is None:
        return image_data_format()
    lowered = str(data_format).lower()
    if lowered not in ("channels_last", "channels_first"):
        raise ArgumentError(f"There is no data format {data_format!r}.", expected="'channels_last' or 'channels_first'")
    return lowered


def max_executables() -> int:
    """Returns the number of executables that each compiled function keeps: 64 unless set.

    Example:
        >>> from amalthea import config
        >>> config.max_executables()
        64
    """
    return settings.values["max_executables"]


def set_max_executables(count: int) -> None:
    """Sets the number of executables that each compiled function keeps; the least recently used are dropped.

    A function is compiled once for each shape of its inputs. An executable of a network with an LSTM of 32 units holds
    0.2 MB on ONNX Runtime, its training step 0.9 MB, so that 64 of them are 14 and 58 MB; on PyTorch 0.2 and 0.3 MB, on
    TensorFlow 0.8 MB, on JAX 2 MB (growth of the process, on the CPU). Some libraries keep a part when one is dropped:
    oneDNN below PyTorch up to ``ONEDNN_PRIMITIVE_CACHE_CAPACITY`` (1024) kernels. Fewer shapes need fewer executables:
    see ``pad_to_multiple`` of ``fit``.

    Args:
        count: int, at least 1.

    Raises:
        ArgumentError: ``count`` is not a positive int.

    Example:
        >>> from amalthea import config
        >>> config.set_max_executables(32)
        >>> config.max_executables()
        32
        >>> config.set_max_executables(64)
    """
    settings.values["max_executables"] = int(positive_int(count, "count", "set_max_executables"))


DIM_ORDERINGS = {"tf": "channels_last", "th": "channels_first"}  # Keras 1's names of the image data formats


def _read_file() -> None:
    found = settings.file_settings()
    ordering = DIM_ORDERINGS.get(found.get("image_dim_ordering", ""))
    setters: dict[str, Any] = {"floatx": set_floatx, "epsilon": set_epsilon, "image_data_format": set_image_data_format}
    for key, value in {"image_data_format": ordering, **found}.items():
        if key in setters and value is not None:
            _from_file(key, value, setters[key])


def _from_file(key: str, value: Any, setter: Any) -> None:
    try:
        setter(value)
    except (TypeError, ValueError) as error:
        settings.say(f"{settings.file_path()}: {key!r} is left out: {str(error).splitlines()[0]}")


_read_file()


# ------------------------------------------------------------------------------------------------ limits of training


def _limit(name: str) -> int | None:
    """A limit that was set, or else that of the environment, such as ``KERAS_MAX_EPOCHS``."""
    if name in _settings:
        return _settings[name]
    text = os.environ.get(f"KERAS_{name.upper()}")
    if text is None:
        return None
    if not text.isdigit():
        raise ArgumentError(f"KERAS_{name.upper()} in the environment is not a number.", expected="an int", got=text)
    return int(text)


def max_epochs() -> int | None:
    """Returns the largest number of epochs of any ``fit``, or None: no limit.

    Example:
        >>> from amalthea import config
        >>> config.max_epochs() is None
        True
    """
    return _limit("max_epochs")


def set_max_epochs(max_epochs: int | None) -> None:
    """Limits the epochs of every ``fit``, to try a script out quickly. ``KERAS_MAX_EPOCHS`` does the same.

    Args:
        max_epochs: int from 0, or None for no limit.

    Raises:
        ArgumentError: the value is not one of these.

    Example:
        >>> from amalthea import config
        >>> config.set_max_epochs(2)
        >>> config.max_epochs()
        2
        >>> config.set_max_epochs(None)
    """
    optional(non_negative_int)(max_epochs, "max_epochs", "set_max_epochs")
    _settings["max_epochs"] = max_epochs


def max_steps_per_epoch() -> int | None:
    """Returns the largest number of batches of an epoch, of ``evaluate`` and of ``predict``, or None: no limit.

    Example:
        >>> from amalthea import config
        >>> config.max_steps_per_epoch() is None
        True
    """
    return _limit("max_steps_per_epoch")


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Limits the batches of every epoch, ``evaluate`` and ``predict``. ``KERAS_MAX_STEPS_PER_EPOCH`` does the same.

    Args:
        max_steps_per_epoch: int from 1, or None for no limit.

    Raises:
        ArgumentError: the value is not one of these.

    Example:
        >>> from amalthea import config
        >>> config.set_max_steps_per_epoch(10)
        >>> config.max_steps_per_epoch()
        10
        >>> config.set_max_steps_per_epoch(None)
    """
    optional(positive_int)(max_steps_per_epoch, "max_steps_per_epoch", "set_max_steps_per_epoch")
    _settings["max_steps_per_epoch"] = max_steps_per_epoch


# ---------------------------------------------------------------------------------------------------------- switches


def enable_flash_attention() -> None:
    """Says that attention may be fused, for scripts of Keras; the backend decides how it computes, whatever is said.

    Example:
        >>> from amalthea import config
        >>> config.enable_flash_attention()
        >>> config.is_flash_attention_enabled()
        True
    """
    _settings["flash attention"] = True


def disable_flash_attention() -> None:
    """Says that attention need not be fused, for scripts of Keras; the backend decides how it computes.

    Example:
        >>> from amalthea import config
        >>> config.disable_flash_attention()
        >>> config.is_flash_attention_enabled()
        False
        >>> config.enable_flash_attention()
    """
    _settings["flash attention"] = False


def is_flash_attention_enabled() -> bool | None:
    """Returns whether fused attention was enabled; None if it was neither enabled nor disabled.

    Example:
        >>> from amalthea import config
        >>> config.enable_flash_attention()
        >>> config.is_flash_attention_enabled()
        True
    """
    return _settings["flash attention"]


def is_nnx_enabled() -> bool:
    """Returns False: variables are never Flax NNX's.

    Example:
        >>> from amalthea import config
        >>> config.is_nnx_enabled()
        False
    """
    return False


def enable_traceback_filtering() -> None:
    """Leaves the frames of this library out of the tracebacks of errors, which is the default.

    Example:
        >>> from amalthea import config
        >>> config.enable_traceback_filtering()
        >>> config.is_traceback_filtering_enabled()
        True
    """
    _settings["traceback filtering"] = True


def disable_traceback_filtering() -> None:
    """Shows the frames of this library in the tracebacks of errors.

    Example:
        >>> from amalthea import config
        >>> config.disable_traceback_filtering()
        >>> config.is_traceback_filtering_enabled()
        False
        >>> config.enable_traceback_filtering()
    """
    _settings["traceback filtering"] = False


def is_traceback_filtering_enabled() -> bool:
    """Returns whether the frames of this library are left out of tracebacks.

    Example:
        >>> from amalthea import config
        >>> config.is_traceback_filtering_enabled()
        True
    """
    return _settings["traceback filtering"]
