"""Convolutions, pooling, padding and resizing of ``K``, in the spellings of Keras 1 and 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amalthea import config, ops
from amalthea.compat.backend import spellings
from amalthea.compat.backend.symbols import recorded
from amalthea.errors import ArgumentError, ShapeError

KERNEL_AXES = "with kernels as (\\*window, in, out), or (out, in, \\*window) for channels first in Keras 1"


def format_of(data_format: Any) -> str:
    """``"channels_last"`` or ``"channels_first"``; None takes the setting."""
    return config.standardize_data_format(spellings.data_format(data_format))


def _window_padding(padding: Any) -> Any:
    return spellings.PADDINGS.get(padding, padding)


def _many(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def convolutions(kernels_first: bool) -> dict[str, Callable[..., Any]]:
    """The convolutions of an era.

    Args:
        kernels_first: bool; whether kernels are (out, in, rows, columns) with channels first, as in Keras 1.
    """

    def turned(kernel: Any, data_format: str) -> Any:
        if not kernels_first or data_format == "channels_last":
            return kernel
        axes = range(len(kernel.shape))
        return ops.transpose(kernel, (*axes[2:], 1, 0))

    def forward(rank: int) -> Callable[..., Any]:
        def conv(
            x: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None,
            dilation_rate: Any = 1,
        ) -> Any:  # fmt: skip
            where, kind = format_of(data_format), _window_padding(padding)
            kernel = turned(kernel, where)
            if kind == "full":  # Theano's word: zeros around, so that every overlap counts
                around = [((k - 1) * d,) * 2 for k, d in zip(kernel.shape[:rank], _many(dilation_rate, rank))]
                x, kind = _padded(x, around, where), "valid"
            if kind == "causal":
                x, kind = _padded(x, [(_many(dilation_rate, 1)[0] * (kernel.shape[0] - 1), 0)], where), "valid"
            return ops.conv(x, kernel, _many(strides, rank), kind, where, _many(dilation_rate, rank))

        return _named(conv, f"conv{rank}d", f"a convolution over {rank} axes")

    def transposed(rank: int, name: str) -> Callable[..., Any]:
        def conv_transpose(
            x: Any, kernel: Any, output_shape: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None,
            dilation_rate: Any = 1,
        ) -> Any:  # fmt: skip
            where = format_of(data_format)
            if kernels_first and where == "channels_first":  # (in, out, rows, columns) there
                axes = range(len(kernel.shape))
                kernel = ops.transpose(kernel, (*axes[2:], 1, 0))
            space = _space(x, where)
            wanted = output_shape[2:] if where == "channels_first" else output_shape[1:-1]
            steps, window = _many(strides, rank), kernel.shape[:rank]
            extra: Any = [_extra(n, w, s, k, padding) for n, w, s, k in zip(space, wanted, steps, window)]
            return ops.conv_transpose(
                x, kernel, steps, padding, extra if all(e is not None for e in extra) else None, where,
                _many(dilation_rate, rank),
            )  # fmt: skip

        return _named(conv_transpose, name, f"the transpose of a convolution over {rank} axes")

    found = {f"conv{rank}d": forward(rank) for rank in (1, 2, 3)}
    found["atrous_conv2d"] = _atrous(found["conv2d"])
    for name, rank in (("conv2d_transpose", 2), ("deconv2d", 2), ("conv3d_transpose", 3), ("deconv3d", 3)):
        found[name] = transposed(rank, name)
    return found


def _extra(size: Any, wanted: Any, stride: int, window: int, padding: str) -> int | None:
    """``output_padding`` that leads to the wanted size; None if a size is not known."""
    if not isinstance(size, int) or not isinstance(wanted, int):
        return None
    smallest = (size - 1) * stride + (window - 2 * (window // 2) if padding == "same" else window)
    return wanted - smallest


def _space(x: Any, where: str) -> Any:
    sizes = ops.shape(x)
    return sizes[2:] if where == "channels_first" else sizes[1:-1]


def _named(function: Callable[..., Any], name: str, summary: str) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Computes {summary}, {KERNEL_AXES}."
    return recorded(function)


def _atrous(conv2d: Callable[..., Any]) -> Callable[..., Any]:
    def atrous(x: Any, kernel: Any, rate: Any = 1, padding: str = "valid", data_format: Any = None) -> Any:
        return conv2d(x, kernel, 1, padding, data_format, rate)

    return _named(atrous, "atrous_conv2d", "a convolution with holes")


# ------------------------------------------------------------------------------------ channel by channel


def _channelwise(name: str, rank: int, count: int) -> Callable[..., Any]:
    operation: Any = ops.depthwise_conv if count == 1 else ops.separable_conv

    def compute(x: Any, *kernels: Any, strides: Any, padding: str, data_format: Any, dilation_rate: Any) -> Any:
        steps, rates = _many(strides, rank), _many(dilation_rate, rank)
        return operation(x, *kernels, steps, padding, format_of(data_format), rates)

    def depthwise(
        x: Any, depthwise_kernel: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None,
        dilation_rate: Any = 1,
    ) -> Any:  # fmt: skip
        options = {"strides": strides, "padding": padding, "data_format": data_format, "dilation_rate": dilation_rate}
        return compute(x, depthwise_kernel, **options)

    def separable(
        x: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = 1, padding: str = "valid",
        data_format: Any = None, dilation_rate: Any = 1,
    ) -> Any:  # fmt: skip
        options = {"strides": strides, "padding": padding, "data_format": data_format, "dilation_rate": dilation_rate}
        return compute(x, depthwise_kernel, pointwise_kernel, **options)

    return _named(depthwise if count == 1 else separable, name, f"a convolution of each channel over {rank} axes")


def _pooled(rank: int) -> Callable[..., Any]:
    def pool(
        x: Any,
        pool_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: Any = None,
        pool_mode: str = "max",
    ) -> Any:
        kinds = {"max": ops.max_pool, "avg": ops.average_pool}
        if pool_mode not in kinds:
            raise ArgumentError("This pooling does not exist.", expected="'max' or 'avg'", got=repr(pool_mode))
        steps = _many(strides, rank)
        return kinds[pool_mode](x, _many(pool_size, rank), steps, padding, format_of(data_format))

    return _named(pool, f"pool{rank}d", f"the largest or the mean element of windows over {rank} axes")


# ------------------------------------------------------------------------------------------ zeros around


def _padded(x: Any, around: Sequence[Sequence[int]], where: str) -> Any:
    pads = [tuple(p) for p in around]
    pads = [(0, 0), (0, 0), *pads] if where == "channels_first" else [(0, 0), *pads, (0, 0)]
    return ops.pad(x, pads)


def _pairs(padding: Any, rank: int) -> list[tuple[int, int]]:
    values = (padding,) * rank if isinstance(padding, int) else tuple(padding)
    if len(values) != rank:
        raise ArgumentError(
            f"Zeros around {rank} axes need {rank} sizes.", expected=f"{rank} ints or pairs", got=repr(padding)
        )
    return [(p, p) if isinstance(p, int) else (int(p[0]), int(p[1])) for p in values]


@recorded
def temporal_padding(x: Any, padding: Any = (1, 1)) -> Any:
    """Puts zeros before and after the time steps.

    Args:
        x: tensor.
        padding: int, or a pair of ints; zeros before and after. Defaults to 1 on each side.

    Shapes: (batch, time, features) -> (batch, more time, features)

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.temporal_padding(K.ones((1, 2, 1)), (1, 0))).ravel().tolist()
        [0.0, 1.0, 1.0]
    """
    pair = (padding, padding) if isinstance(padding, int) else tuple(padding)
    return _padded(x, [pair], "channels_last")


def _spatial(rank: int) -> Callable[..., Any]:
    def padded(x: Any, padding: Any = 1, data_format: Any = None) -> Any:
        if len(x.shape) != rank + 2:
            raise ShapeError("Zeros are put around space.", expected=f"{rank + 2} axes", got=tuple(x.shape))
        return _padded(x, _pairs(padding, rank), format_of(data_format))

    return _named(padded, f"spatial_{rank}d_padding", f"a tensor with zeros around {rank} axes")


def asymmetric_temporal_padding(x: Any, left_pad: int = 1, right_pad: int = 1) -> Any:
    """Puts zeros before and after the time steps.

    Args:
        x: tensor.
        left_pad: int; zeros before. Defaults to 1.
        right_pad: int; zeros after. Defaults to 1.

    Shapes: (batch, time, features) -> (batch, more time, features)

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.asymmetric_temporal_padding(K.ones((1, 1, 1)), 0, 1)).ravel().tolist()
        [1.0, 0.0]
    """
    return temporal_padding(x, (left_pad, right_pad))


def asymmetric_spatial_2d_padding(
    x: Any, top_pad: int = 1, bottom_pad: int = 1, left_pad: int = 1, right_pad: int = 1, dim_ordering: Any = None
) -> Any:
    """Puts zeros around images.

    Args:
        x: tensor.
        top_pad: int; rows above. Defaults to 1.
        bottom_pad: int; rows below. Defaults to 1.
        left_pad: int; columns to the left. Defaults to 1.
        right_pad: int; columns to the right. Defaults to 1.
        dim_ordering: str; ``"tf"`` or ``"th"``. Defaults to None, the setting.

    Shapes: (batch, rows, columns, channels) -> (batch, more rows, more columns, channels)

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.asymmetric_spatial_2d_padding(K.ones((1, 1, 1, 1)), 0, 1, 0, 0)).ravel().tolist()
        [1.0, 0.0]
    """
    return FUNCTIONS["spatial_2d_padding"](x, ((top_pad, bottom_pad), (left_pad, right_pad)), dim_ordering)


# ---------------------------------------------------------------------------------------------- resizing


@recorded
def resize_images(
    x: Any, height_factor: int, width_factor: int, data_format: Any = None, interpolation: str = "nearest"
) -> Any:
    """Enlarges images by whole factors.

    Args:
        x: tensor.
        height_factor: int; factor of the rows.
        width_factor: int; factor of the columns.
        data_format: str; ``"channels_last"`` or ``"channels_first"``. Defaults to None, the setting.
        interpolation: str; ``"nearest"`` or ``"bilinear"``. Defaults to ``"nearest"``.

    Shapes: (batch, rows, columns, channels) -> (batch, more rows, more columns, channels)

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.int_shape(K.resize_images(K.placeholder((None, 2, 3, 1)), 2, 2, "channels_last"))
        (None, 4, 6, 1)
    """
    where = format_of(data_format)
    if interpolation == "nearest":
        return _repeated(x, (height_factor, width_factor), where)
    rows, columns = _space(x, where)
    size = (rows * height_factor, columns * width_factor)
    return ops.image.resize(x, size, interpolation, data_format=where)


@recorded
def resize_volumes(x: Any, depth_factor: int, height_factor: int, width_factor: int, data_format: Any = None) -> Any:
    """Enlarges volumes by whole factors, by repeated elements.

    Args:
        x: tensor.
        depth_factor: int; factor of the first axis of space.
        height_factor: int; factor of the second.
        width_factor: int; factor of the third.
        data_format: str; ``"channels_last"`` or ``"channels_first"``. Defaults to None, the setting.

    Shapes: (batch, depth, rows, columns, channels) -> (batch, more of each, channels)

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.int_shape(K.resize_volumes(K.placeholder((None, 1, 2, 3, 1)), 2, 2, 2, "channels_last"))
        (None, 2, 4, 6, 1)
    """
    return _repeated(x, (depth_factor, height_factor, width_factor), format_of(data_format))


def _repeated(x: Any, factors: Sequence[int], where: str) -> Any:
    first = 2 if where == "channels_first" else 1
    for axis, factor in enumerate(factors, first):
        x = ops.repeat(x, factor, axis=axis)
    return x


@recorded
def bias_add(x: Any, bias: Any, data_format: Any = None) -> Any:
    """Adds a bias to each channel.

    Args:
        x: tensor.
        bias: tensor with one axis, or with the axes of one row of ``x``, channels last.
        data_format: str; ``"channels_last"`` or ``"channels_first"``. Defaults to None, the setting.

    Shapes: (batch, ..., channels), (channels,) -> (batch, ..., channels)

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.bias_add(K.zeros((1, 2)), K.variable([1.0, 2.0]))).tolist()
        [[1.0, 2.0]]
    """
    rank = len(x.shape)
    if format_of(data_format) == "channels_last" or rank < 3:
        return ops.add(x, bias)
    if len(bias.shape) == 1:
        return ops.add(x, ops.reshape(bias, (-1, *(1,) * (rank - 2))))
    return ops.add(x, ops.moveaxis(ops.convert_to_tensor(bias), -1, 0))


# ---------------------------------------------------------------------------------- kernels of their own


@recorded
def local_conv(
    inputs: Any, kernel: Any, kernel_size: Any, strides: Any, output_shape: Any, data_format: Any = None
) -> Any:
    """Computes a convolution with a kernel of its own at each position.

    Args:
        inputs: tensor.
        kernel: tensor; one matrix for each position.
        kernel_size: sequence of int; size of the window.
        strides: sequence of int; steps between windows.
        output_shape: sequence of int; space of the output.
        data_format: str; ``"channels_last"`` or ``"channels_first"``. Defaults to None, the setting.

    Shapes: (batch, \\*space, channels), (positions, window * channels, filters) -> (batch, \\*output_shape, filters)

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.int_shape(K.local_conv(K.ones((1, 3, 1)), K.ones((2, 2, 4)), (2,), (1,), (2,), "channels_last"))
        (1, 2, 4)
    """
    where = format_of(data_format)
    first = 2 if where == "channels_first" else 1
    windows = []
    for position in _positions(output_shape):
        index: list[Any] = [slice(None)] * len(inputs.shape)
        for axis, (i, step, size) in enumerate(zip(position, strides, kernel_size), first):
            index[axis] = slice(i * step, i * step + size)
        block = inputs[tuple(index)]
        windows.append(ops.reshape(block, (-1, kernel.shape[1])))
    made = ops.einsum("pbi,pif->bpf", ops.stack(windows), kernel)
    made = ops.reshape(made, (-1, *output_shape, kernel.shape[-1]))
    return ops.moveaxis(made, -1, 1) if where == "channels_first" else made


def _positions(sizes: Sequence[int]) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = [()]
    for n in sizes:
        found = [(*before, i) for before in found for i in range(n)]
    return found


def local_conv1d(inputs: Any, kernel: Any, kernel_size: Any, strides: Any, data_format: Any = None) -> Any:
    """Computes a convolution over time with a kernel of its own at each step; see :func:`local_conv`.

    Args:
        inputs: tensor.
        kernel: tensor; one matrix for each position.
        kernel_size: pair of int or int; size of the window.
        strides: sequence of int; step between windows.
        data_format: str; ``"channels_last"`` or ``"channels_first"``. Defaults to None, the setting.

    Shapes: (batch, time, channels), (positions, window * channels, filters) -> (batch, positions, filters)

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.int_shape(K.local_conv1d(K.ones((1, 3, 1)), K.ones((2, 2, 4)), (2,), (1,), "channels_last"))
        (1, 2, 4)
    """
    return local_conv(inputs, kernel, kernel_size, strides, (int(kernel.shape[0]),), data_format)


def local_conv2d(
    inputs: Any, kernel: Any, kernel_size: Any, strides: Any, output_shape: Any, data_format: Any = None
) -> Any:
    """Computes a convolution of images with a kernel of its own at each position; see :func:`local_conv`.

    Args:
        inputs: tensor.
        kernel: tensor; one matrix for each position.
        kernel_size: pair of int; size of the window.
        strides: pair of int; steps between windows.
        output_shape: pair of int; rows and columns of the output.
        data_format: str; ``"channels_last"`` or ``"channels_first"``. Defaults to None, the setting.

    Shapes: (batch, rows, columns, channels), (positions, window * channels, filters) -> (batch, rows, columns, filters)

    Example:
        >>> from amalthea.compat import backend as K
        >>> made = K.local_conv2d(K.ones((1, 2, 2, 1)), K.ones((1, 4, 3)), (2, 2), (1, 1), (1, 1), "channels_last")
        >>> K.int_shape(made)
        (1, 1, 1, 3)
    """
    return local_conv(inputs, kernel, kernel_size, strides, output_shape, data_format)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "depthwise_conv2d": _channelwise("depthwise_conv2d", 2, 1),
    "separable_conv1d": _channelwise("separable_conv1d", 1, 2),
    "separable_conv2d": _channelwise("separable_conv2d", 2, 2),
    "pool2d": _pooled(2),
    "pool3d": _pooled(3),
    "spatial_2d_padding": _spatial(2),
    "spatial_3d_padding": _spatial(3),
}
