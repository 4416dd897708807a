"""Sound as pictures: which frequencies it has at which time.

A short-time Fourier transform is a convolution with windowed waves, so these layers run wherever convolutions do.
"""

# Values of Any are sorted with isinstance(), which leaves their items unknown.
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import math
from typing import Any

import numpy as np

from amalthea import config, initializers, ops
from amalthea.errors import ArgumentError
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer

_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


class STFTSpectrogram(Layer):
    """The short-time Fourier transform, with kernels that may be trained.

    Shapes: ``(batch, time, channels)`` to ``(batch, frames, channels * frequencies)``; with ``expand_dims`` to
    ``(batch, frames, frequencies, channels)``.

    Args:
        mode: ``"log"``, ``"magnitude"``, ``"psd"`` (power), ``"real"``, ``"imag"``, ``"angle"``, or ``"stft"`` for real
            and imaginary parts one after the other.
        frame_length: samples in a frame.
        frame_step: samples from one frame to the next; half a frame unless given.
        fft_length: twice the number of frequencies; the next power of two unless given.
        window: ``"hann"``, ``"hamming"``, ..., an array, or None.
        periodic: whether the window goes on where it ends.
        scaling: ``"density"``, ``"spectrum"`` or None.
        padding: ``"valid"`` or ``"same"``.
        expand_dims: whether frequencies have an axis of their own.
        data_format: ``"channels_last"`` or ``"channels_first"``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layers.STFTSpectrogram(frame_length=64)(np.ones((1, 256, 1), "float32")).shape
        (1, 7, 33)
    """

    computes_in_floats = True

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
            raise ArgumentError("There is no such mode.", expected=", ".join(_MODES), got=repr(mode))
        if frame_step is not None and not 1 <= frame_step <= frame_length:
            raise ArgumentError("Frames leave samples out.", expected=f"a step of 1 to {frame_length}", got=frame_step)
        if fft_length is not None and fft_length < frame_length:
            raise ArgumentError("The transform is shorter than a frame.", expected=frame_length, got=fft_length)
        self.mode, self.frame_length, self.frame_step, self.fft_length = mode, frame_length, frame_step, fft_length
        self.window, self.periodic, self.scaling, self.padding = window, periodic, scaling, padding
        self.expand_dims, self.data_format = expand_dims, config.standardize_data_format(data_format)
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
        """``(batch, channels, time)`` to ``(batch, channels, frames, frequencies)``."""
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
    """The loudness of bands that the ear tells apart, over time.

    Shapes: ``(batch, time)`` or ``(time,)`` to ``(..., num_mel_bins, frames)``.

    Args:
        fft_length: samples in a transform.
        sequence_stride: samples from one frame to the next.
        sequence_length: samples in a frame; ``fft_length`` unless given.
        window: ``"hann"``, ``"hamming"``, ..., an array, or None.
        sampling_rate: samples a second.
        num_mel_bins: the number of bands.
        min_freq, max_freq: limits of the bands in Hz; up to half the sampling rate unless given.
        power_to_db: whether loudness is in decibels.
        top_db: decibels below the loudest at which quiet is cut off.
        mag_exp: 1 for amplitude, 2 for power.
        min_power, ref_power: the least power, and that of 0 decibels.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layers.MelSpectrogram(fft_length=64, sequence_stride=32, num_mel_bins=8)(np.ones((1, 256), "float32")).shape
        (1, 8, 9)

    Source: Stevens, Volkmann and Newman, "A scale for the measurement of the psychological magnitude pitch", 1937, in
    the form of O'Shaughnessy, "Speech communication", 1987.
    """

    computes_in_floats = True

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
        self.fft_length, self.sequence_stride = fft_length, sequence_stride
        self.sequence_length = sequence_length or fft_length
        self.window, self.sampling_rate, self.num_mel_bins = window, sampling_rate, num_mel_bins
        self.min_freq, self.max_freq = min_freq, max_freq or int(sampling_rate / 2)
        self.power_to_db, self.top_db, self.mag_exp = power_to_db, top_db, mag_exp
        self.min_power, self.ref_power = min_power, ref_power

    def call(self, inputs: Any) -> Any:
        single = len(inputs.shape) == 1
        x = ops.expand_dims(inputs, 0) if single else inputs
        bands = ops.matmul(ops.power(self._magnitude(x), self.mag_exp), self._bands())
        if self.power_to_db:
            bands = self._decibels(bands)
        bands = ops.cast(ops.transpose(bands, (0, 2, 1)), self.compute_dtype)
        return ops.squeeze(bands, 0) if single else bands

    def _magnitude(self, x: Any) -> Any:
        """``(batch, time)`` to ``(batch, frames, frequencies)``; frames are centred on their place in time."""
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
        """``(frequencies, bands)``: triangles of height 1, evenly spaced in mel. The constant part is left out."""

        def mel(hertz: Any) -> Any:  # in float32, as Keras has it: the edges of narrow bands depend on it
            return np.float32(1127) * np.log(np.float32(1) + np.asarray(hertz, "float32") / np.float32(700))

        places = mel(np.linspace(0.0, self.sampling_rate / 2.0, self.fft_length // 2 + 1))[1:, None]
        edges = np.linspace(mel(self.min_freq), mel(self.max_freq), self.num_mel_bins + 2, dtype="float32")
        low, centre, high = edges[:-2], edges[1:-1], edges[2:]
        triangles = np.maximum(0.0, np.minimum((places - low) / (centre - low), (high - places) / (high - centre)))
        return np.pad(triangles, ((1, 0), (0, 0))).astype(self.compute_dtype)

    def _decibels(self, x: Any) -> Any:
        loud = 10.0 * ops.log10(ops.maximum(x, self.min_power))
        loud = loud - 10.0 * math.log10(max(abs(self.ref_power), self.min_power))
        return ops.maximum(loud, ops.max(loud) - self.top_db)
