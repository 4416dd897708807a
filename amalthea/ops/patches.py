"""Windows cut out of images and put together again, and blocks of pixels moved into channels and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import checks, config, docstrings
from amalthea.engine import dtypes, shapes
from amalthea.engine.primitives import indexing
from amalthea.engine.primitives import movement as m
from amalthea.engine.types import TensorLike
from amalthea.errors import ShapeError
from amalthea.ops.base import cast, op, shape_of, tensor
from amalthea.ops.windowing import per_side, positions, windows_along

docstrings.share(
    "unfolding",
    """
kernel_size: int from 1, or two; height and width of a window.
dilation: int from 1, or two; distance of neighbouring pixels of a window. Defaults to 1.
padding: int from 0, or two; number of zeros added before and after each axis. Defaults to 0.
stride: int from 1, or two; distance of neighbouring windows. Defaults to 1.
""",
)
docstrings.share(
    "block of pixels",
    """
block_size: int from 2; height and width of a block, in pixels.
data_format: str; ``"channels_last"`` (channels are the last axis) or ``"channels_first"`` (channels are the axis
    after the batch). Defaults to ``"channels_last"``.
""",
)


def _four_axes(x: Any, owner: str) -> None:
    if len(x.shape) != 4:
        raise ShapeError(f"ops.{owner} takes a batch of images.", expected="4 axes", got=shapes.show(shape_of(x)))


@op
def unfold(
    x: TensorLike,
    kernel_size: int | Sequence[int],
    dilation: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    stride: int | Sequence[int] = 1,
) -> Any:
    """Cuts images into windows, each of which becomes one column.

    Args:
        x: TensorLike of images with channels first.
        |unfolding|

    Shapes:
        (batch, channels, height, width) -> (batch, channels * kernel_height * kernel_width, windows)

    Raises:
        ArgumentError: a size is not a positive int.
        ShapeError: the input does not have four axes, or a window is larger than the image.

    Example:
        >>> from amalthea import ops
        >>> image = ops.reshape(ops.arange(9), (1, 1, 3, 3))
        >>> ops.convert_to_numpy(ops.unfold(image, 2)).tolist()
        [[[0, 1, 3, 4], [1, 2, 4, 5], [3, 4, 6, 7], [4, 5, 7, 8]]]
    """
    a = tensor(x)
    _four_axes(a, "unfold")
    size, step, pad, gap = _sides(kernel_size, stride, padding, dilation, "unfold")
    a = m.pad(a, low=(0, 0, *pad), high=(0, 0, *pad))
    a = windows_along(a, 3, size[1], step[1], gap[1])
    a = windows_along(a, 2, size[0], step[0], gap[0])
    batch, channels, rows, _, columns, _ = shape_of(a)
    columns_first = m.transpose(a, axes=(0, 1, 3, 5, 2, 4))
    return m.reshape(columns_first, shape=(batch, channels * size[0] * size[1], rows * columns))


def _sides(size: Any, stride: Any, padding: Any, dilation: Any, owner: str) -> list[tuple[int, ...]]:
    kinds = (("kernel_size", size, 1), ("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1))
    return [per_side(value, 2, name, f"ops.{owner}", least) for name, value, least in kinds]


@op
def fold(
    x: TensorLike,
    output_size: int | Sequence[int],
    kernel_size: int | Sequence[int],
    dilation: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    stride: int | Sequence[int] = 1,
) -> Any:
    """Puts windows together to images, the inverse of :func:`unfold`; where windows overlap, they add up.

    Args:
        x: TensorLike of columns, as :func:`unfold` gives them.
        output_size: int from 1, or two; height and width of the images.
        |unfolding|

    Shapes:
        (batch, channels * kernel_height * kernel_width, windows) -> (batch, channels, *output_size)

    Raises:
        ArgumentError: a size is not a positive int.
        ShapeError: the columns do not fit the sizes.

    Example:
        >>> from amalthea import ops
        >>> columns = ops.ones((1, 4, 4))
        >>> ops.convert_to_numpy(ops.fold(columns, 3, kernel_size=2)).tolist()
        [[[[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]]]
    """
    a = tensor(x)
    size, step, pad, gap = _sides(kernel_size, stride, padding, dilation, "fold")
    whole = [n + 2 * w for n, w in zip(per_side(output_size, 2, "output_size", "ops.fold"), pad)]
    counts = [(n - (k - 1) * d - 1) // s + 1 for n, k, d, s in zip(whole, size, gap, step)]
    shape = shape_of(a)
    fits = len(shape) == 3 and min(counts) > 0 and shapes.agree(shape[2], counts[0] * counts[1])
    if not fits or not isinstance(shape[1], int) or shape[1] % (size[0] * size[1]):
        raise ShapeError(
            "The columns do not fit the windows of the image.",
            expected=f"(batch, n * {size[0] * size[1]}, {max(counts[0], 0) * max(counts[1], 0)})",
            got=shapes.show(shape),
        )
    channels = shape[1] // (size[0] * size[1])
    apart = m.reshape(a, shape=(shape[0], channels, *size, *counts))
    updates = m.transpose(apart, axes=(0, 1, 4, 2, 5, 3))
    for axis, lead in ((1, (*shape[:1], channels, counts[0], size[0])), (0, (shape[0], channels))):
        into = positions(counts[axis], size[axis], step[axis], gap[axis])
        zeros = m.broadcast_to(cast(0, dtypes.name_of(a)), shape=(*lead, whole[axis], *whole[axis + 1 :]))
        updates = indexing.scatter_add(zeros, into, updates, axis=len(lead))
    return m.part(m.part(updates, 2, pad[0], whole[0] - pad[0]), 3, pad[1], whole[1] - pad[1])


@op
def depth_to_space(x: TensorLike, block_size: int, data_format: str = "channels_last") -> Any:
    """Moves channels into blocks of pixels: images become ``block_size`` times as high and wide.

    With channels last, a pixel's channels are those of the block's pixels, one pixel after the other; with channels
    first, they are the pixels of the block for one channel, then for the next.

    Args:
        x: TensorLike of images.
        |block of pixels|

    Shapes:
        (batch, height, width, block * block * channels) -> (batch, height * block, width * block, channels)

    Raises:
        ArgumentError: the block size is not an int from 2.
        ShapeError: the input does not have four axes, or the channels do not fill blocks.

    Example:
        >>> from amalthea import ops
        >>> x = ops.reshape(ops.arange(4), (1, 1, 1, 4))
        >>> ops.convert_to_numpy(ops.depth_to_space(x, 2))[0, :, :, 0].tolist()
        [[0, 1], [2, 3]]

    Source: Shi et al., arXiv:1609.05158. With channels first, Keras 3 orders the channels by backend; here as on
    JAX and PyTorch.
    """
    a, block = tensor(x), checks.two_or_more(block_size, "block_size", "ops.depth_to_space")
    _four_axes(a, "depth_to_space")
    last = config.standardize_data_format(data_format) == "channels_last"
    batch, one, two, three = shape_of(a)
    depth = three if last else one
    if not isinstance(depth, int) or depth % (block * block):
        raise ShapeError("The channels do not fill blocks.", expected=f"a multiple of {block * block}", got=depth)
    channels = depth // (block * block)
    if last:
        apart = m.reshape(a, shape=(batch, one, two, block, block, channels))
        mixed = m.transpose(apart, axes=(0, 1, 3, 2, 4, 5))
        return m.reshape(mixed, shape=(batch, one * block, two * block, channels))
    apart = m.reshape(a, shape=(batch, channels, block, block, two, three))
    mixed = m.transpose(apart, axes=(0, 1, 4, 2, 5, 3))
    return m.reshape(mixed, shape=(batch, channels, two * block, three * block))


@op
def space_to_depth(x: TensorLike, block_size: int, data_format: str = "channels_last") -> Any:
    """Moves blocks of pixels into channels, the inverse of :func:`depth_to_space`.

    Args:
        x: TensorLike of images.
        |block of pixels|

    Shapes:
        (batch, height * block, width * block, channels) -> (batch, height, width, block * block * channels)

    Raises:
        ArgumentError: the block size is not an int from 2.
        ShapeError: the input does not have four axes, or its height or width is not a multiple of the block size.

    Example:
        >>> from amalthea import ops
        >>> x = ops.reshape(ops.arange(4), (1, 2, 2, 1))
        >>> ops.convert_to_numpy(ops.space_to_depth(x, 2)).ravel().tolist()
        [0, 1, 2, 3]
    """
    a, block = tensor(x), checks.two_or_more(block_size, "block_size", "ops.space_to_depth")
    _four_axes(a, "space_to_depth")
    last = config.standardize_data_format(data_format) == "channels_last"
    batch, *shape = shape_of(a)
    height, width, channels = shape if last else (shape[1], shape[2], shape[0])
    if any(isinstance(n, int) and n % block for n in (height, width)):
        raise ShapeError(
            "The image does not consist of whole blocks.", expected=f"multiples of {block}", got=(height, width)
        )
    rows, columns = height // block, width // block
    if last:
        apart = m.reshape(a, shape=(batch, rows, block, columns, block, channels))
        mixed = m.transpose(apart, axes=(0, 1, 3, 2, 4, 5))
        return m.reshape(mixed, shape=(batch, rows, columns, block * block * channels))
    apart = m.reshape(a, shape=(batch, channels, rows, block, columns, block))
    mixed = m.transpose(apart, axes=(0, 1, 3, 5, 2, 4))
    return m.reshape(mixed, shape=(batch, channels * block * block, rows, columns))
