"""Initial values that are not drawn, and what every initializer is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import config
from amalthea.configurable import Configurable, Registry
from amalthea.engine import dtypes
from amalthea.errors import ArgumentError, ShapeError

registry = Registry("initializers", "initializer")


class Initializer(Configurable, registry=registry):
    """What every initializer is: override ``__call__(shape, dtype=None)``.

    >>> from amalthea import initializers
    >>> class Halves(initializers.Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return initializers.Constant(0.5)(shape, dtype)
    >>> Halves()((2,))
    array([0.5, 0.5], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        raise NotImplementedError(f"{type(self).__name__} does not say what it gives: write its __call__.")

    def clone(self) -> Any:
        """Another one of the same configuration."""
        return type(self).from_config(self.get_config())


def numpy_dtype(dtype: Any) -> np.dtype:
    return dtypes.to_numpy(dtypes.standardize(dtype or config.floatx()))


class Zeros(Initializer, aliases=("zero",)):
    """All zeros."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        return np.zeros(tuple(shape), numpy_dtype(dtype))


class Ones(Initializer, aliases=("one",)):
    """All ones."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        return np.ones(tuple(shape), numpy_dtype(dtype))


class Constant(Initializer):
    """One value everywhere, or an array that broadcasts to the shape.

    >>> from amalthea import initializers
    >>> initializers.Constant(3.0)((2,))
    array([3., 3.], dtype=float32)
    """

    def __init__(self, value: Any = 0.0):
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        return np.broadcast_to(np.asarray(self.value), tuple(shape)).astype(numpy_dtype(dtype))


class Identity(Initializer, aliases=("IdentityInitializer",)):
    """``gain`` times the identity matrix. Shapes: two axes."""

    only_in_config_if_set = ("gain",)

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        if len(shape) != 2:
            raise ShapeError("An identity matrix has two axes.", expected="(rows, columns)", got=tuple(shape))
        rows, columns = shape
        return (self.gain * np.eye(rows, columns)).astype(numpy_dtype(dtype))


class STFT(Initializer, aliases=("STFTInitializer",)):
    """Waves times a window: a convolution with this kernel is a short-time Fourier transform.

    Shapes: ``(frame_length, 1, fft_length // 2 + 1)``.

    Args:
        side: ``"real"`` for cosines, ``"imag"`` for sines.
        window: ``"hann"``, ``"hamming"``, any other that ``scipy.signal.get_window`` knows, an array, or None.
        scaling: ``"density"`` for power, ``"spectrum"`` for amplitude, or None.
        periodic: whether the window goes on where it ends, rather than being symmetric.
    """

    def __init__(
        self, side: str = "real", window: Any = "hann", scaling: str | None = "density", periodic: bool = False
    ):
        if side not in ("real", "imag"):
            raise ArgumentError("A Fourier transform has two sides.", expected="'real' or 'imag'", got=repr(side))
        if scaling not in ("density", "spectrum", None):
            raise ArgumentError("There is no such scaling.", expected="'density', 'spectrum' or None", got=scaling)
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        length, _, bins = shape
        window = _window(self.window, length, self.periodic)
        scales = {"density": np.sqrt(np.sum(window**2)), "spectrum": np.abs(np.sum(window)), None: 1.0}
        angles = np.outer(np.arange(length), np.arange(bins)) * (-np.pi / (bins - 1))
        waves = np.cos(angles) if self.side == "real" else np.sin(angles)
        kernel = waves * (window / scales[self.scaling])[:, None]
        return np.broadcast_to(kernel[:, None, :], tuple(shape)).astype(numpy_dtype(dtype))


def _window(window: Any, length: int, periodic: bool) -> np.ndarray:
    if window is None:
        return np.ones(length)
    if not isinstance(window, str):
        return np.asarray(window, np.float64)
    known = {"hann": np.hanning, "hamming": np.hamming, "blackman": np.blackman, "bartlett": np.bartlett}
    if window in known:
        return known[window](length + 1)[:-1] if periodic else known[window](length)
    from scipy.signal import get_window  # type: ignore[import-not-found]

    return np.asarray(get_window(window, length, fftbins=periodic))  # pyright: ignore[reportUnknownArgumentType]
