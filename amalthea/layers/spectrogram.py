"""Spectrograms: the frequencies of signals over time.

A short-time Fourier transform is a convolution with windowed waves, so these layers run wherever convolutions do.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from amalthea import config, docstrings, initializers, ops
from amalthea.errors import ArgumentError
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer
from amalthea.layers.options import keep

docstrings.share(
    "window",
    """
    window: str, array or None; name of a window function, such as ``"hann"`` or ``"hamming"``, its values, or None for
        none. Defaults to ``"hann"``.
    """,
)

_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


class STFTSpectrogram(Layer):
    """Computes the short-time Fourier transform of signals, as a convolution with windowed waves.

    The kernels are weights of the layer, which training may change.

    Args:
        mode: str; ``"magnitude"`` of the transform ``s``, ``abs(s)``; ``"log"`` of it; ``"psd"``, the power spectral
            density ``abs(s) ** 2``, doubled but for the first and last frequency; ``"real"``, ``"imag"``, ``"angle"``;
            or ``"stft"``, the real parts followed by the imaginary parts. Defaults to ``"log"``.
        frame_length: int, at least 1; samples in a frame. Defaults to 256.
        frame_step: int from 1 to ``frame_length``; samples from one frame to the next. Defaults to None, which is half
            of ``frame_length``.
        fft_length: int, at least ``frame_length``; the number of frequencies is ``fft_length // 2 + 1``. Defaults to
            None, which takes the next power of two.
        |window|
        periodic: bool; whether the window is periodic rather than symmetric. Defaults to False.
        scaling: str; ``"density"`` divides by the square root of the sum of squares of the window, ``"spectrum"`` by
            its sum, None by nothing. Defaults to ``"density"``.
        padding: str; ``"valid"`` uses only whole frames; ``"same"`` adds zeros and gives ``ceil(time / frame_step)``
            frames. Defaults to ``"valid"``.
        expand_dims: bool; whether frequencies have an axis of their own. Defaults to False.
        |data format|
        |layer options|

    Shapes: ``(batch, time, channels) -> (batch, frames, channels * frequencies)``; with ``expand_dims`` ``(batch,
        frames, frequencies, channels)``.

    Raises:
        ArgumentError: no mode has this name, or a length does not fit the others.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> wave = np.cos(2 * np.pi * 8 * np.arange(256) / 64).astype("float32").reshape(1, 256, 1)
        >>> y = np.asarray(layers.STFTSpectrogram("magnitude", frame_length=64)(wave))
        >>> y.shape, y[0].argmax(axis=-1).tolist()
        ((1, 7, 33), [8, 8, 8, 8, 8, 8, 8])
    """

    _computes_in_floats = True

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: Any = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if mode not in _MODES:
            raise ArgumentError("This mode does not exist.", expected=", ".join(_MODES), got=repr(mode))
        if frame_step is not None and not 1 <= frame_step <= frame_length:
            raise ArgumentError("Frames leave samples out.", expected=f"a step of 1 to {frame_length}", got=frame_step)
        if fft_length is not None and fft_length < frame_length:
            raise ArgumentError("The transform is shorter than a frame.", expected=frame_length, got=fft_length)
        keep(self, locals())
        self.data_format = config.standardize_data_format(data_format)
        self._step = frame_step or frame_length // 2
        self._bins = (fft_length or 2 ** math.ceil(math.log2(frame_length))) // 2 + 1
        self.input_spec = InputSpec(ndim=3)

    def build(self, input_shape: Any) -> None:
        for side in ("real", "imag"):
            if self.mode != {"real": "imag", "imag": "real"}[side]:
                start = initializers.STFT(side, self.window, self.scaling, self.periodic)
                kernel = self.add_weight((self.frame_length, 1, self._bins), start, name=f"{side}_kernel")
                setattr(self, f"{side}_kernel", kernel)

    def call(self, inputs: Any) -> Any:
        x = inputs if self.data_format == "channels_first" else ops.transpose(inputs, (0, 2, 1))
        return self._arranged(self._read(x))

    def _side(self, x: Any, kernel: Any) -> Any:
        """Convolves with one kernel: ``(batch, channels, time) -> (batch, channels, frames, frequencies)``."""
        batch, channels, time = ops.shape(x)
        x = ops.reshape(x, (batch * channels, time, 1))
        out = ops.conv(x, ops.cast(kernel, ops.dtype(x)), self._step, self.padding, "channels_last")
        return ops.reshape(out, (batch, channels, *ops.shape(out)[1:]))

    def _read(self, x: Any) -> Any:
        real: Any = self._side(x, self.real_kernel) if self.mode != "imag" else None
        imag: Any = self._side(x, self.imag_kernel) if self.mode != "real" else None
        if self.mode in ("real", "imag"):
            return real if imag is None else imag
        if self.mode == "angle":
            return ops.arctan2(imag, real)
        if self.mode == "stft":
            return ops.concatenate([real, imag], axis=-1)
        power = ops.add(ops.square(real), ops.square(imag))
        if self.mode == "psd":  # all but the first and last frequency stand for two
            return ops.add(power, ops.pad(power[..., 1:-1], ((0, 0), (0, 0), (0, 0), (1, 1))))
        size = ops.sqrt(ops.maximum(power, config.epsilon()))
        return size if self.mode == "magnitude" else ops.log(ops.maximum(size, config.epsilon()))

    def _arranged(self, x: Any) -> Any:
        if self.expand_dims:
            return x if self.data_format == "channels_first" else ops.transpose(x, (0, 2, 3, 1))
        batch, channels, frames, bins = ops.shape(x)
        if self.data_format == "channels_first":
            return ops.reshape(ops.transpose(x, (0, 1, 3, 2)), (batch, channels * bins, frames))
        return ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (batch, frames, channels * bins))


class MelSpectrogram(Layer):
    """Computes the loudness of signals over time, in frequency bands that are evenly spaced on the mel scale.

    ``mel(f) = 1127 * log(1 + f / 700)``; the bands are triangles. With ``power_to_db`` the output is
    ``10 * log10(max(power, min_power) / ref_power)``.

    Args:
        fft_length: int, at least 1; samples in a Fourier transform. Defaults to 2048.
        sequence_stride: int, at least 1; samples from one frame to the next. Defaults to 512.
        sequence_length: int; samples in a frame. Defaults to None, which takes ``fft_length``.
        |window|
        sampling_rate: int; samples per second. Defaults to 16000.
        num_mel_bins: int, at least 1; number of bands. Defaults to 128.
        min_freq: float; lower limit of the bands in Hz. Defaults to 20.0.
        max_freq: float; upper limit of the bands in Hz. Defaults to None, which is half the sampling rate.
        power_to_db: bool; whether the output is in decibels. Defaults to True.
        top_db: float; quieter values than so many decibels below the loudest are raised to that. Defaults to 80.0.
        mag_exp: float above 0; exponent of the magnitude, 1 for amplitude and 2 for power. Defaults to 2.0.
        min_power: float above 0; smallest power in decibels. Defaults to 1e-10.
        ref_power: float above 0; power of 0 decibels. Defaults to 1.0.
        |layer options|

    Shapes: ``(batch, time) -> (batch, num_mel_bins, frames)``, or ``(time,) -> (num_mel_bins, frames)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.MelSpectrogram(fft_length=64, sequence_stride=32, num_mel_bins=8)
        >>> tuple(layer(np.ones((1, 256), "float32")).shape)
        (1, 8, 9)

    Source: Stevens, Volkmann and Newman, "A scale for the measurement of the psychological magnitude pitch", 1937, in
        the form of O'Shaughnessy, "Speech communication", 1987.
    """

    _computes_in_floats = True

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: Any = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        keep(self, locals())
        self.sequence_length, self.max_freq = sequence_length or fft_length, max_freq or int(sampling_rate / 2)

    def call(self, inputs: Any) -> Any:
        single = len(inputs.shape) == 1
        x = ops.expand_dims(inputs, 0) if single else inputs
        bands = ops.matmul(ops.power(self._magnitude(x), self.mag_exp), self._bands())
        if self.power_to_db:
            bands = self._decibels(bands)
        bands = ops.cast(ops.transpose(bands, (0, 2, 1)), self.compute_dtype)
        return ops.squeeze(bands, 0) if single else bands

    def _magnitude(self, x: Any) -> Any:
        """Computes magnitudes ``(batch, time) -> (batch, frames, frequencies)``; frames are centred on their time."""
        half, shape = self.fft_length // 2, (self.sequence_length, 1, self.fft_length // 2 + 1)
        before, after = ops.flip(x[:, 1 : half + 1], 1), ops.flip(x[:, -half - 1 : -1], 1)  # mirror images at both ends
        x = ops.concatenate([before, x, after], axis=1)
        spare = self.fft_length - self.sequence_length
        end = ops.shape(x)[1] - (spare - spare // 2)
        x = ops.expand_dims(x[:, spare // 2 : end], -1)
        kernels = [initializers.STFT(side, self.window, None, True)(shape, "float32") for side in ("real", "imag")]
        real, imag = (
            ops.conv(x, ops.cast(k, ops.dtype(x)), self.sequence_stride, "valid", "channels_last") for k in kernels
        )
        return ops.sqrt(ops.add(ops.square(real), ops.square(imag)))

    def _bands(self) -> np.ndarray:
        """Returns ``(frequencies, bands)``: triangles of height 1, evenly spaced in mel, without the constant part."""

        def mel(hertz: Any) -> Any:  # in float32, as Keras has it: the edges of narrow bands depend on it
            return np.float32(1127) * np.log(np.float32(1) + np.asarray(hertz, "float32") / np.float32(700))

        mel_bins = mel(np.linspace(0.0, self.sampling_rate / 2.0, self.fft_length // 2 + 1))[1:, None]
        edges = np.linspace(mel(self.min_freq), mel(self.max_freq), self.num_mel_bins + 2, dtype="float32")
        low, centre, high = edges[:-2], edges[1:-1], edges[2:]
        triangles = np.maximum(0.0, np.minimum((mel_bins - low) / (centre - low), (high - mel_bins) / (high - centre)))
        return np.pad(triangles, ((1, 0), (0, 0))).astype(self.compute_dtype)

    def _decibels(self, x: Any) -> Any:
        loud = 10.0 * ops.log10(ops.maximum(x, self.min_power))
        loud = loud - 10.0 * math.log10(max(abs(self.ref_power), self.min_power))
        loudest = ops.max(loud, initial=-np.inf)  # also of a batch without rows
        return ops.maximum(loud, loudest - self.top_db)
