"""Settings of the whole process: ``floatx``, ``epsilon``, ``image_data_format``.

They start from ``~/.keras/keras.json`` (or ``$KERAS_HOME/keras.json``) where there is one.
"""

from __future__ import annotations

from typing import Any

from amalthea.checks import positive_int
from amalthea.engine import backends, dtypes, settings
from amalthea.errors import ArgumentError

__all__ = [
    "backend",
    "epsilon",
    "floatx",
    "image_data_format",
    "max_executables",
    "set_backend",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_executables",
    "standardize_data_format",
]


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
