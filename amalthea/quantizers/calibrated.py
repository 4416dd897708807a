"""Quantization that looks at the inputs of a product: statistics of the inputs, and the methods GPTQ and AWQ.

Matrices of weights are ``(outputs, inputs)`` here, as files store them. All is computed on the host in float64.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from amalthea.errors import ArgumentError

BLOCK = 128  # columns between two updates of all later columns


class Statistics:
    """Sums over the inputs that a product with a weight has met in calibration.

    Args:
        size: int; inputs of the product.
    """

    def __init__(self, size: int):
        self.gram = np.zeros((size, size))
        self.magnitudes = np.zeros(size)
        self.count = 0

    def add(self, gram: Any, magnitudes: Any, count: int) -> None:
        """Adds those of some rows: their ``x.T @ x``, the sum of ``abs(x)`` and their number."""
        self.gram += gram
        self.magnitudes += magnitudes
        self.count += count

    def error(self, difference: np.ndarray) -> float:
        """Returns the sum of squares of what a difference ``(outputs, inputs)`` of weights adds to the outputs."""
        return float(np.sum((difference @ self.gram) * difference))


class Quantized(NamedTuple):
    """Integers of a weight, and the scale and zero point of each output and group of inputs.

    ``weight[:, i] = (codes[:, i] - zero[:, groups[i]]) * scale[:, groups[i]]``
    """

    codes: np.ndarray
    scale: np.ndarray
    zero: np.ndarray
    groups: np.ndarray

    def widened(self) -> np.ndarray:
        """Returns the weights in floats."""
        return (self.codes - self.zero[:, self.groups]) * self.scale[:, self.groups]


class Grid(NamedTuple):
    """Numbers that a quantized weight can have.

    Args:
        bits: int; bits of an integer.
        symmetric: bool; whether the range lies evenly around 0.
        per_channel: bool; whether each output has its own scale.
    """

    bits: int
    symmetric: bool = False
    per_channel: bool = True

    @property
    def largest(self) -> int:
        """The largest integer."""
        return 2**self.bits - 1

    def parameters(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns scale and zero point of one group, ``(outputs, inputs) -> (outputs,)`` twice.

        The range is widened to hold 0: otherwise the zero point is not one of the integers.
        """
        rows = weights if self.per_channel else weights.reshape(1, -1)
        low, high = rows.min(1, initial=0.0), rows.max(1, initial=0.0)
        if self.symmetric:
            high = np.maximum(-low, high)
            low = -high
        is_zero = low == high
        low, high = low - is_zero, high + is_zero
        scale = np.maximum((high - low) / self.largest, np.finfo("float32").tiny)
        zero = np.full_like(scale, 2 ** (self.bits - 1)) if self.symmetric else np.rint(-low / scale)
        stored = scale.astype("float32").astype("float64")  # as files keep it
        return np.broadcast_to(stored, len(weights)), np.broadcast_to(zero, len(weights))

    def codes(self, weights: np.ndarray, scale: np.ndarray, zero: np.ndarray) -> np.ndarray:
        """Returns the nearest integers."""
        return np.clip(np.rint(weights / scale + zero), 0, self.largest)


def groups_of(size: int, group_size: int) -> np.ndarray:
    """Returns the group of each input, in order; -1 makes one group."""
    return np.arange(size) // (size if group_size == -1 else group_size) if size else np.zeros(0, int)


def nearest(weights: np.ndarray, grid: Grid, groups: np.ndarray) -> Quantized:
    """Rounds each weight to the nearest number of its group.

    Args:
        weights: array ``(outputs, inputs)``.
        grid: Grid; the numbers.
        groups: array of ints; the group of each input.
    """
    weights = np.asarray(weights, "float64")
    found = [grid.parameters(weights[:, groups == group]) for group in range(int(groups.max(initial=0)) + 1)]
    scale, zero = (np.stack([pair[i] for pair in found], 1) for i in (0, 1))
    return Quantized(grid.codes(weights, scale[:, groups], zero[:, groups]), scale, zero, groups)


def gptq(
    weights: np.ndarray, seen: Statistics, grid: Grid, group_size: int, damping: float, by_activation: bool
) -> Quantized:
    """Quantizes column by column, and lets the columns that remain make up for the error of each.

    With ``H = x.T @ x`` and ``U`` the upper Cholesky factor of its inverse, column j is rounded, and the later columns
    move by ``-(w_j - q_j) / U[j, j] * U[j, later]``, which is the best that they can do for the outputs.

    Args:
        weights: array ``(outputs, inputs)``.
        seen: Statistics; of the inputs.
        grid: Grid; the numbers that a weight can have.
        group_size: int; inputs that share a scale, or -1 for all.
        damping: float; share of the mean of the diagonal of H that is added to it.
        by_activation: bool; whether columns of large inputs come first.

    Raises:
        ArgumentError: H cannot be inverted.

    Source: Frantar and others, "GPTQ", 2022, algorithm 1.
    """
    if not weights.size:
        return nearest(weights, grid, groups_of(weights.shape[1], group_size))
    hessian = _damped(seen, damping)
    order = np.argsort(-np.diag(hessian), kind="stable") if by_activation else np.arange(len(hessian))
    factor = _upper_factor(hessian[np.ix_(order, order)], damping)
    rest, size = np.array(weights, "float64")[:, order], len(order)
    sorted_groups = groups_of(size, group_size)
    codes, scales, zeros = np.zeros_like(rest), [], []
    scale = zero = np.zeros(len(rest))
    for start in range(0, size, BLOCK):
        stop = min(start + BLOCK, size)
        errors = np.zeros((len(rest), stop - start))
        for j in range(start, stop):
            if sorted_groups[j] == len(scales):  # a group begins: its range is that of the weights as they are now
                end = int(np.searchsorted(sorted_groups, sorted_groups[j], "right"))
                group = rest[:, j:end].copy()
                if end > stop:
                    group[:, stop - j :] -= errors[:, : j - start] @ factor[start:j, stop:end]
                scale, zero = grid.parameters(group)
                scales.append(scale)
                zeros.append(zero)
            codes[:, j] = grid.codes(rest[:, j], scale, zero)
            error = (rest[:, j] - (codes[:, j] - zero) * scale) / factor[j, j]
            rest[:, j + 1 : stop] -= np.outer(error, factor[j, j + 1 : stop])
            errors[:, j - start] = error
        rest[:, stop:] -= errors @ factor[start:stop, stop:]
    back = np.argsort(order)
    return Quantized(codes[:, back], np.stack(scales, 1), np.stack(zeros, 1), sorted_groups[back])


def _damped(seen: Statistics, damping: float) -> np.ndarray:
    """Returns H with a raised diagonal; inputs that were always 0 get 1 there, so that their weights are rounded."""
    hessian = 2 / max(seen.count, 1) * seen.gram
    diagonal = np.diag(hessian).copy()
    diagonal[diagonal == 0] = 1
    np.fill_diagonal(hessian, diagonal + damping * diagonal.mean())
    return hessian


def _upper_factor(hessian: np.ndarray, damping: float) -> np.ndarray:
    """Returns the upper triangular U with ``inverse(hessian) = U.T @ U``."""
    try:
        reverse = np.linalg.cholesky(hessian[::-1, ::-1])[::-1, ::-1]  # hessian = reverse @ reverse.T, upper
        return np.linalg.inv(reverse)
    except np.linalg.LinAlgError:
        raise ArgumentError(
            "The calibration data do not determine the weights: their second moments cannot be inverted.",
            expected="hessian_damping above 0, or more and other examples",
            got=f"hessian_damping={damping}",
            cure="hessian_damping=0.01",
        ) from None


def awq(weights: np.ndarray, seen: Statistics, grid: Grid, group_size: int, points: int) -> tuple[Quantized, Any]:
    """Scales inputs before rounding, so that weights of large inputs lose less.

    The scale of an input is ``mean(abs(x)) ** ratio``; of the ratios 0, 1 / points, ..., 1 the one is taken whose
    rounded weights change the outputs least.

    Args:
        weights: array ``(outputs, inputs)``.
        seen: Statistics; of the inputs.
        grid: Grid; the numbers that a weight can have.
        group_size: int; inputs that share a scale, or -1 for all.
        points: int; steps between the ratios 0 and 1.

    Returns: the quantized ``weights * scales``, and the scales.

    Source: Lin and others, "AWQ", 2023, equations 4 and 5.
    """
    groups = groups_of(weights.shape[1], group_size)
    found = []
    for ratio in np.arange(points + 1) / points:
        scales = input_scales(seen, ratio)
        quantized = nearest(weights * scales, grid, groups)
        found.append((seen.error(quantized.widened() / scales - weights), quantized, scales))
    _, quantized, scales = min(found, key=lambda each: each[0])
    return quantized, scales


def input_scales(seen: Statistics, ratio: float) -> np.ndarray:
    """Returns the scales of inputs for a ratio, as the float32 that are stored; inputs that were always 0 have 1."""
    means = seen.magnitudes / max(seen.count, 1)
    scales = np.maximum(np.where(means < 1e-8, 1, means) ** ratio, 1e-4)
    middle = np.sqrt(scales.max() * scales.min()) if len(scales) else 1
    return (scales / middle).astype("float32").astype("float64")
