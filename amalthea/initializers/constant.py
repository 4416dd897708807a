"""The base class of initializers, and initial values that are not random."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import config, docstrings
from amalthea.configurable import Configurable, Registry
from amalthea.engine import dtypes
from amalthea.engine.types import DTypeLike, TensorLike
from amalthea.errors import ArgumentError, ShapeError

registry = Registry("initializers", "initializer")


docstrings.share(
    "shapes of initial values", "The shape that the initializer is called with, any shape -> an array of this shape"
)


class Initializer(Configurable, registry=registry):
    """Base class of initializers: callables that return the initial value of a weight as a NumPy array.

    A subclass overrides ``__call__(shape, dtype=None)``. A dtype of None means ``amalthea.config.floatx()``.

    Shapes:
        |shapes of initial values|

    Example:
        >>> from amalthea import initializers
        >>> class Halves(initializers.Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return initializers.Constant(0.5)(shape, dtype)
        >>> Halves()((2,))
        array([0.5, 0.5], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        raise NotImplementedError(f"{type(self).__name__} does not say what it gives: write its __call__.")

    def clone(self) -> Any:
        """Returns a new initializer of the same configuration."""
        return type(self).from_config(self.get_config())


def numpy_dtype(dtype: Any) -> np.dtype:
    return dtypes.to_numpy(dtypes.standardize(dtype or config.floatx()))


class Zeros(Initializer, aliases=("zero",)):
    """Initial value of zeros, the default of biases.

    Shapes:
        |shapes of initial values|

    Example:
        >>> from amalthea import initializers
        >>> initializers.Zeros()((2, 3))
        array([[0., 0., 0.],
               [0., 0., 0.]], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        return np.zeros(tuple(shape), numpy_dtype(dtype))


class Ones(Initializer, aliases=("one",)):
    """Initial value of ones, the default of scales such as gamma of ``BatchNormalization``.

    Shapes:
        |shapes of initial values|

    Example:
        >>> from amalthea import initializers
        >>> initializers.Ones()((2,), dtype="int32")
        array([1, 1], dtype=int32)
    """

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        return np.ones(tuple(shape), numpy_dtype(dtype))


class Constant(Initializer):
    """Initial value given by a number or array.

    Args:
        value: number or array that broadcasts to the shape of the weight. Defaults to 0.

    Shapes:
        |shapes of initial values|

    Example:
        >>> from amalthea import initializers
        >>> initializers.Constant([1.0, 2.0])((3, 2))
        array([[1., 2.],
               [1., 2.],
               [1., 2.]], dtype=float32)
    """

    def __init__(self, value: TensorLike = 0.0):
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        return np.broadcast_to(np.asarray(self.value), tuple(shape)).astype(numpy_dtype(dtype))


class Identity(Initializer, aliases=("IdentityInitializer",)):
    """Initial value of an identity matrix, times a factor.

    Args:
        gain: float; factor. Defaults to 1.

    Shapes:
        (rows, columns) -> an array of this shape; a matrix that is not square has ones on its diagonal too

    Raises:
        ShapeError: the shape does not have two axes (when called).

    Example:
        >>> from amalthea import initializers
        >>> initializers.Identity(gain=2.0)((2, 3))
        array([[2., 0., 0.],
               [0., 2., 0.]], dtype=float32)
    """

    _only_in_config_if_set = ("gain",)

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        if len(shape) != 2:
            raise ShapeError("An identity matrix has two axes.", expected="(rows, columns)", got=tuple(shape))
        rows, columns = shape
        return (self.gain * np.eye(rows, columns)).astype(numpy_dtype(dtype))


class STFT(Initializer, aliases=("STFTInitializer",)):
    """Initial value of a convolution kernel that computes a short-time Fourier transform.

    At time n and bin k: ``window[n] / scale * cos(-2 * pi * n * k / fft_length)``, or the sine of it.

    Args:
        side: ``"real"`` for cosines or ``"imag"`` for sines; part of the transform. Defaults to ``"real"``.
        window: str, array or None; window over a frame: ``"hann"``, ``"hamming"``, ``"blackman"``, ``"bartlett"``, or
            another name that ``scipy.signal.get_window`` knows. Defaults to ``"hann"``; None means ones.
        scaling: str or None; ``"density"`` divides by ``sqrt(sum(window ** 2))``, ``"spectrum"`` by
            ``abs(sum(window))``, None does not divide. Defaults to ``"density"``.
        periodic: bool; whether the window is one period of a periodic one, rather than symmetric. Defaults to False.

    Shapes:
        (frame_length, 1, fft_length // 2 + 1) -> an array of this shape

    Raises:
        ArgumentError: ``side`` or ``scaling`` is another word.

    Example:
        >>> from amalthea import initializers
        >>> kernel = initializers.STFT("real", window=None, scaling=None)((4, 1, 3))
        >>> kernel[:, 0].round(4).tolist()  # one column for each of the frequencies 0, 1 and 2
        [[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -1.0, 1.0], [1.0, 0.0, -1.0]]
    """

    def __init__(
        self,
        side: str = "real",
        window: TensorLike | None = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ):
        if side not in ("real", "imag"):
            raise ArgumentError("A Fourier transform has two sides.", expected="'real' or 'imag'", got=repr(side))
        if scaling not in ("density", "spectrum", None):
            raise ArgumentError("This scaling does not exist.", expected="'density', 'spectrum' or None", got=scaling)
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
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
    signal: Any = importlib.import_module("scipy.signal")  # SciPy is optional
    return np.asarray(signal.get_window(window, length, fftbins=periodic))
