"""Affine transforms of images in NumPy: rotation, shift, shear and zoom in one gather.

An output pixel at ``o`` takes its value from the input at ``matrix @ o + offset``, interpolated: the convention of
``scipy.ndimage.affine_transform``, whose numbers these are for orders 0 and 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.errors import ArgumentError, ShapeError

FILL_MODES = ("constant", "nearest", "reflect", "wrap")


def transform_matrix(theta: float, tx: float, ty: float, shear: float, zx: float, zy: float) -> np.ndarray | None:
    """The matrix in homogeneous coordinates around the origin, angles in degrees; None for the identity."""
    parts = []
    if theta != 0:
        c, s = np.cos(np.deg2rad(theta)), np.sin(np.deg2rad(theta))
        parts.append([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    if tx != 0 or ty != 0:
        parts.append([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
    if shear != 0:
        angle = np.deg2rad(shear)
        parts.append([[1, -np.sin(angle), 0], [0, np.cos(angle), 0], [0, 0, 1]])
    if zx != 1 or zy != 1:
        parts.append([[zx, 0, 0], [0, zy, 0], [0, 0, 1]])
    made = None
    for part in parts:
        made = np.array(part, float) if made is None else np.dot(made, np.array(part, float))
    return made


def centred(matrix: np.ndarray, height: int, width: int) -> np.ndarray:
    """The same transform around a point half a pixel beyond the middle, as Keras always did."""
    row, column = height / 2 + 0.5, width / 2 + 0.5
    there = np.array([[1, 0, row], [0, 1, column], [0, 0, 1]])
    back = np.array([[1, 0, -row], [0, 1, -column], [0, 0, 1]])
    return np.dot(np.dot(there, matrix), back)


def warped(
    image: np.ndarray, matrix: np.ndarray, offset: np.ndarray, order: int, fill_mode: str, cval: float
) -> np.ndarray:
    """An image ``(height, width, channels)`` read at ``matrix @ o + offset`` for each output pixel ``o``."""
    if order not in (0, 1):
        raise ArgumentError(
            "Images are interpolated by order 0 (nearest) or 1 (linear).", expected="0 or 1", got=repr(order)
        )
    if fill_mode not in FILL_MODES:
        raise ArgumentError("This fill mode does not exist.", expected=", ".join(FILL_MODES), got=repr(fill_mode))
    if not image.size:
        return image.copy()
    rows, columns = np.indices(image.shape[:2], float)
    known = np.ones(image.shape[:2], bool)
    neighbours = []
    for axis, size in enumerate(image.shape[:2]):
        at = offset[axis] + rows * matrix[axis, 0] + columns * matrix[axis, 1]
        if fill_mode == "constant":
            known &= (at >= 0) & (at <= size - 1)
        neighbours.append(_neighbours(_inside(at, size, fill_mode), size, order, fill_mode))
    total = np.zeros(image.shape, float)
    for row, row_weight in neighbours[0]:
        for column, column_weight in neighbours[1]:
            total += image[row, column] * (row_weight * column_weight)[:, :, None]
    total[~known] = cval
    return total.astype(image.dtype) if image.dtype.kind == "f" else np.rint(total).astype(image.dtype)


def _inside(at: np.ndarray, size: int, fill_mode: str) -> np.ndarray:
    """Coordinates within the image; ``wrap`` repeats it every ``size - 1`` pixels, as SciPy does."""
    if size <= 1 or fill_mode in ("nearest", "constant"):
        return np.clip(at, 0, size - 1)
    if fill_mode == "wrap":
        period = size - 1
        low = at + period * (np.trunc(-at / period) + 1)
        high = at - period * np.trunc(at / period)
        return np.where(at < 0, low, np.where(at > size - 1, high, at))
    return at  # its neighbours are folded back


def _neighbours(at: np.ndarray, size: int, order: int, fill_mode: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Indices of the pixels around coordinates, with their weights."""
    if order == 0:
        return [(_folded(np.floor(at + 0.5), size, fill_mode), np.ones_like(at))]
    low = np.floor(at)
    share = at - low
    return [(_folded(low, size, fill_mode), 1 - share), (_folded(low + 1, size, fill_mode), share)]


def _folded(index: np.ndarray, size: int, fill_mode: str) -> np.ndarray:
    if fill_mode == "reflect":
        index = np.mod(index, 2 * size)
        index = np.minimum(index, 2 * size - 1 - index)
    return np.clip(index, 0, size - 1).astype(np.intp)


def apply_affine_transform(
    x: Any,
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    row_axis: int = 0,
    col_axis: int = 1,
    channel_axis: int = 2,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
) -> np.ndarray:
    """Rotates, shifts, shears and zooms an image.

    Args:
        x: array; one image.
        theta: float; rotation in degrees. Defaults to 0.
        tx: float; shift along the rows, in pixels. Defaults to 0.
        ty: float; shift along the columns, in pixels. Defaults to 0.
        shear: float; shear in degrees. Defaults to 0.
        zx: float; zoom along the rows. Defaults to 1.
        zy: float; zoom along the columns. Defaults to 1.
        row_axis: int; axis of the rows. Defaults to 0.
        col_axis: int; axis of the columns. Defaults to 1.
        channel_axis: int; axis of the channels. Defaults to 2.
        fill_mode: str; pixels beyond the borders: ``"constant"``, ``"nearest"``, ``"reflect"`` or ``"wrap"``. Defaults
            to ``"nearest"``.
        cval: float; value of those pixels for ``"constant"``. Defaults to 0.
        order: int; 0 takes the nearest pixel, 1 interpolates linearly. Defaults to 1.

    Shapes: (height, width, channels) -> the same.

    Raises:
        ArgumentError: the fill mode or the order does not exist.
        ShapeError: the image has other than three axes.

    Example:
        >>> import numpy as np
        >>> from amalthea.preprocessing import image
        >>> image.apply_affine_transform(np.arange(3.0).reshape(1, 3, 1), ty=1).ravel().tolist()
        [1.0, 2.0, 2.0]
    """
    x = np.asarray(x)
    if x.ndim != 3:
        raise ShapeError("An image has three axes.", expected="(height, width, channels)", got=x.shape)
    matrix = transform_matrix(theta, tx, ty, shear, zx, zy)
    if matrix is None:
        return x
    matrix = centred(matrix, x.shape[row_axis], x.shape[col_axis])
    first = x.swapaxes(row_axis, col_axis) if row_axis % 3 > col_axis % 3 else x
    image = np.moveaxis(first, channel_axis, -1)
    made = np.moveaxis(warped(image, matrix[:2, :2], matrix[:2, 2], order, fill_mode, cval), -1, channel_axis)
    return made.swapaxes(row_axis, col_axis) if row_axis % 3 > col_axis % 3 else made
