"""Maps of images: affine and perspective ones, and random elastic ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea import checks, random
from amalthea.engine import shapes
from amalthea.engine.types import TensorLike
from amalthea.errors import ShapeError
from amalthea.ops import numpy as np_ops
from amalthea.ops.base import op, shape_of, tensor
from amalthea.ops.core import cast
from amalthea.ops.image.filters import blurred
from amalthea.ops.image.layout import batched, positions, rounding
from amalthea.ops.image.sampling import sampled


def _grid(x: Any) -> tuple[Any, Any]:
    """Rows and columns of the pixels of images ``(batch, height, width, channels)``, as axes that broadcast."""
    height, width = shape_of(x)[1:3]
    return np_ops.reshape(positions(height), (1, height, 1)), np_ops.reshape(positions(width), (1, 1, width))


def _read(x: Any, rows: Any, columns: Any, interpolation: str, fill_mode: str, fill_value: float) -> Any:
    where = shape_of(x)[:3]
    rows, columns = np_ops.broadcast_to(rows, where), np_ops.broadcast_to(columns, where)
    return sampled(x, rows, columns, interpolation, fill_mode, fill_value)


@op
@rounding
def affine_transform(
    images: TensorLike,
    transform: TensorLike,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Any:
    """Rotates, scales, shears and shifts images by an affine map of coordinates.

    The pixel at column x, row y of the output is read at column ``a0 * x + a1 * y + a2`` and row
    ``b0 * x + b1 * y + b2`` of the input.

    Args:
        |images|
        transform: TensorLike; ``[a0, a1, a2, b0, b1, b2, 0, 0]``, one for all images or one for each.
        interpolation: str; ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        |fill mode|
            Defaults to ``"constant"``.
        fill_value: float; value beyond the border. Defaults to 0.
        |data format of an op|

    Shapes:
        (batch, height, width, channels), (batch, 8) -> (batch, height, width, channels)

    Raises:
        ArgumentError: an unknown interpolation or fill mode.

    Example:
        >>> from amalthea import ops
        >>> image = ops.reshape([1.0, 2.0, 3.0], (1, 3, 1))
        >>> shifted = ops.image.affine_transform(image, [1.0, 0, 1, 0, 1, 0, 0, 0])  # read one column to the right
        >>> ops.convert_to_numpy(shifted)[0, :, 0].tolist()
        [2.0, 3.0, 0.0]
    """
    t = cast(tensor(transform), "float32")
    t = np_ops.expand_dims(t, 0) if len(t.shape) == 1 else t
    if len(t.shape) != 2 or shape_of(t)[1] != 8:
        raise ShapeError("An affine map has 8 numbers.", expected="(8,) or (batch, 8)", got=shapes.show(shape_of(t)))
    x, restored = batched(images, data_format)
    down, across = _grid(x)
    a = [np_ops.reshape(t[:, i], (shape_of(t)[0], 1, 1)) for i in range(6)]
    columns, rows = a[0] * across + a[1] * down + a[2], a[3] * across + a[4] * down + a[5]
    return restored(_read(x, rows, columns, interpolation, fill_mode, fill_value))


@op
@rounding
def perspective_transform(
    images: TensorLike,
    start_points: TensorLike,
    end_points: TensorLike,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Any:
    """Moves four points of images, and all others by the perspective that these four determine.

    Args:
        |images|
        start_points: TensorLike; four points ``(column, row)`` of the input, such as its corners, no three of them in
            line; for all images or for each.
        end_points: TensorLike; the same points in the output.
        interpolation: str; ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        fill_value: float; value beyond the border. Defaults to 0.
        |data format of an op|

    Shapes:
        (batch, height, width, channels), (batch, 4, 2), (batch, 4, 2) -> (batch, height, width, channels)

    Raises:
        ArgumentError: no interpolation has this name.
        ShapeError: there are not four points for each image, or the input is not an image.

    Example:
        >>> from amalthea import ops
        >>> image = ops.reshape([1.0, 2.0, 3.0, 4.0], (2, 2, 1))
        >>> start, end = [[0, 0], [1, 0], [0, 1], [1, 1]], [[1, 0], [0, 0], [1, 1], [0, 1]]  # left and right exchanged
        >>> ops.convert_to_numpy(ops.image.perspective_transform(image, start, end))[:, :, 0].tolist()
        [[2.0, 1.0], [4.0, 3.0]]

    Source: Heckbert, "Fundamentals of texture mapping and image warping", 1989, section 2.2.3.
    """
    x, restored = batched(images, data_format)
    down, across = _grid(x)
    column, row = perspective(end_points, start_points)(across, down)
    return restored(_read(x, row, column, interpolation, "constant", fill_value))


def perspective(start_points: Any, end_points: Any) -> Callable[[Any, Any], tuple[Any, Any]]:
    """Make the map of columns and rows ``(batch, ., .)`` that brings four points to four others."""
    to_start, to_end = (_from_square(_points(v)) for v in (start_points, end_points))
    matrix = np_ops.matmul(to_end, _adjugate(to_start))  # a factor does not matter
    m = [[np_ops.reshape(matrix[:, i, j], (shape_of(matrix)[0], 1, 1)) for j in range(3)] for i in range(3)]

    def move(columns: Any, rows: Any) -> tuple[Any, Any]:
        column, row, depth = (a * columns + b * rows + c for a, b, c in m)
        return column / depth, row / depth

    return move


def _points(points: Any) -> Any:
    p = cast(tensor(points), "float32")
    p = np_ops.expand_dims(p, 0) if len(p.shape) == 2 else p
    if len(p.shape) != 3 or tuple(shape_of(p)[1:]) != (4, 2):
        raise ShapeError(
            "A perspective has four points.", expected="(4, 2) or (batch, 4, 2)", got=shapes.show(shape_of(p))
        )
    return p


def _from_square(p: Any) -> Any:
    """The map from the corners of the unit square to four points, as matrices ``(batch, 3, 3)``."""
    x, y = ([p[:, n, axis] for n in (0, 1, 3, 2)] for axis in (0, 1))  # neighbours side by side
    ax, ay = x[1] - x[2], y[1] - y[2]
    bx, by = x[3] - x[2], y[3] - y[2]
    sx, sy = x[0] - x[1] + x[2] - x[3], y[0] - y[1] + y[2] - y[3]
    area = ax * by - bx * ay
    g, h = (sx * by - bx * sy) / area, (ax * sy - sx * ay) / area
    one = np_ops.ones_like(g)
    rows = [
        [x[1] - x[0] + g * x[1], x[3] - x[0] + h * x[3], x[0]],
        [y[1] - y[0] + g * y[1], y[3] - y[0] + h * y[3], y[0]],
        [g, h, one],
    ]
    return np_ops.stack([np_ops.stack(row, axis=-1) for row in rows], axis=1)


def _adjugate(m: Any) -> Any:
    """The inverse of matrices ``(batch, 3, 3)``, times their determinants."""
    a, b, c = (m[:, :, n] for n in range(3))
    return np_ops.stack([np_ops.cross(b, c), np_ops.cross(c, a), np_ops.cross(a, b)], axis=1)


@op
@rounding
def elastic_transform(
    images: TensorLike,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: Any = None,
    data_format: str | None = None,
) -> Any:
    """Moves pixels by smooth random distances: normal noise, blurred by a Gaussian and multiplied by ``alpha``.

    Args:
        |images|
        alpha: float from 0; factor of the distances. Defaults to 20.
        sigma: float above 0; standard deviation of the Gaussian, in pixels. Larger ones make smoother maps. Defaults to
            5.
        interpolation: str; ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        |fill mode|
            Defaults to ``"reflect"``.
        fill_value: float; value beyond the border. Defaults to 0.
        seed: int, SeedGenerator or None. An int draws the same map at each call. Defaults to None, the global
            generator.
        |data format of an op|

    Shapes:
        (batch, height, width, channels) -> (batch, height, width, channels)

    Raises:
        ArgumentError: a number is out of its range, or no interpolation or fill mode has this name.
        ShapeError: the input is not an image.

    Example:
        >>> from amalthea import ops
        >>> image = ops.ones((8, 8, 3))
        >>> moved = ops.image.elastic_transform(image, alpha=3.0, sigma=2.0, seed=1)
        >>> tuple(moved.shape), float(ops.max(ops.abs(moved - 1.0))) < 1e-5
        ((8, 8, 3), True)

    Source: Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual document
    analysis", 2003, with normal noise as in Keras 3. Whole numbers pass here; Keras 3 refuses them.
    """
    checks.non_negative_number(alpha, "alpha", "ops.image.elastic_transform")
    checks.positive_number(sigma, "sigma", "ops.image.elastic_transform")
    x, _ = batched(images, data_format)
    noise = random.normal((*shape_of(x)[:3], 2), dtype="float32", seed=seed)
    moves = smooth(noise, sigma, sigma) * alpha
    return displaced(images, moves, interpolation, fill_mode, fill_value, data_format)


def smooth(noise: Any, sigma: Any, most: float) -> Any:
    """Blur noise by a Gaussian whose standard deviation, maybe a tensor, is at most ``most``."""
    size = 2 * int(3 * most + 0.5) + 1
    return blurred(noise, (size, size), (sigma, sigma))


@rounding
def displaced(images: Any, moves: Any, interpolation: str, fill_mode: str, fill_value: float, data_format: Any) -> Any:
    """Read each pixel at a distance ``(batch, height, width, 2)``: rows, then columns."""
    x, restored = batched(images, data_format)
    down, across = _grid(x)
    rows, columns = np_ops.add(down, moves[..., 0]), np_ops.add(across, moves[..., 1])
    return restored(_read(x, rows, columns, interpolation, fill_mode, fill_value))
