"""GPTQ and AWQ against slow references in plain NumPy, and against rounding to the nearest."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea.errors import ArgumentError
from amalthea.quantizers import calibrated
from amalthea.quantizers.calibrated import Grid, Statistics, awq, gptq, groups_of, nearest


def inputs(rows, size, seed=0):
    """Correlated inputs, of very different magnitudes."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, size)) @ (rng.normal(size=(size, size)) * np.exp(rng.normal(size=size)))


def seen(x):
    found = Statistics(x.shape[1])
    for part in np.array_split(x, 3):
        found.add(part.T @ part, np.abs(part).sum(0), len(part))
    return found


def weights(outputs, size, seed=1):
    return np.random.default_rng(seed).normal(size=(outputs, size))


def slow_parameters(w, grid):
    """Scale and zero point of a group, one output at a time."""
    found = []
    for row in w if grid.per_channel else [w.ravel()] * len(w):
        low, high = min(row.min(), 0), max(row.max(), 0)
        if grid.symmetric:
            low, high = -max(-low, high), max(-low, high)
        if low == high:
            low, high = -1, 1
        scale = np.float64(np.float32((high - low) / (2**grid.bits - 1)))
        found.append(
            (scale, 2 ** (grid.bits - 1) if grid.symmetric else np.round(-low / ((high - low) / grid.largest)))
        )
    return np.array(found).T


def slow_gptq(w, x, grid, group_size, damping, by_activation):
    """Optimal brain quantization in a fixed order: the Hessian of the columns that remain is inverted at each step."""
    w, size = w.copy(), w.shape[1]
    hessian = 2 * x.T @ x / len(x)
    diagonal = np.where(np.diag(hessian) == 0, 1, np.diag(hessian))
    np.fill_diagonal(hessian, diagonal + damping * diagonal.mean())
    order = sorted(range(size), key=lambda i: -hessian[i, i]) if by_activation else list(range(size))
    group_size = size if group_size == -1 else group_size
    codes, scales, zeros, groups = np.zeros_like(w), [], [], np.zeros(size, int)
    for step, j in enumerate(order):
        rest = order[step:]
        if step % group_size == 0:
            scale, zero = slow_parameters(w[:, rest[:group_size]], grid)
            scales.append(scale)
            zeros.append(zero)
        groups[j] = step // group_size
        codes[:, j] = np.clip(np.round(w[:, j] / scale + zero), 0, grid.largest)
        inverse = np.linalg.inv(hessian[np.ix_(rest, rest)])
        error = (w[:, j] - (codes[:, j] - zero) * scale) / inverse[0, 0]
        w[:, rest] -= np.outer(error, inverse[0])
    return codes, np.array(scales).T, np.array(zeros).T, groups


GPTQ = {
    "one group": (Grid(4), -1, 0.01, False),
    "groups": (Grid(4), 4, 0.01, False),
    "groups across blocks": (Grid(4), 10, 0.01, False),
    "a short last group": (Grid(3), 5, 0.1, False),
    "symmetric": (Grid(4, symmetric=True), 8, 0.01, False),
    "order": (Grid(4), 6, 0.01, True),
    "one scale for all outputs": (Grid(8, per_channel=False), -1, 0.01, True),
    "2 bits": (Grid(2), 3, 0.5, True),
}


@pytest.mark.parametrize("block", [7, 128])
@pytest.mark.parametrize("name", GPTQ)
def test_gptq_is_optimal_brain_quantization_in_a_fixed_order(name, block, monkeypatch):
    monkeypatch.setattr(calibrated, "BLOCK", block)
    w, x = weights(5, 23), inputs(60, 23)
    x[:, 4] = 0
    found = gptq(w, seen(x), *GPTQ[name])
    codes, scale, zero, groups = slow_gptq(w, x, *GPTQ[name])
    np.testing.assert_array_equal(found.groups, groups)
    np.testing.assert_array_equal(found.codes, codes)
    np.testing.assert_allclose(found.scale, scale, 1e-6)
    np.testing.assert_array_equal(found.zero, zero)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", GPTQ)
def test_gptq_changes_outputs_less_than_rounding(name, seed):
    grid, group_size, *_ = GPTQ[name]
    w, x = weights(16, 40, seed), inputs(200, 40, seed)
    rounded = nearest(w, grid, groups_of(40, group_size)).widened()
    found = gptq(w, seen(x), *GPTQ[name]).widened()
    assert np.linalg.norm(x @ (found - w).T) < np.linalg.norm(x @ (rounded - w).T)


@pytest.mark.parametrize("group_size", [-1, 8, 7])
@pytest.mark.parametrize("seed", range(4))
def test_awq_takes_the_best_of_all_ratios(group_size, seed):
    w, x, points = weights(6, 24, seed), inputs(50, 24, seed), 10
    x[:, 3] = 0
    means, errors, candidates = np.abs(x).mean(0), [], []
    for i in range(points + 1):
        scales = np.where(means == 0, 1, means) ** (i / points)
        scales = np.float32(scales / np.sqrt(scales.max() * scales.min())).astype("float64")
        columns = [range(24)] if group_size == -1 else [range(24)[k : k + group_size] for k in range(0, 24, group_size)]
        rounded, codes = np.zeros_like(w), np.zeros_like(w)
        for own in columns:
            part = (w * scales)[:, own]
            scale, zero = slow_parameters(part, Grid(4))
            codes[:, own] = np.clip(np.round(part / scale[:, None] + zero[:, None]), 0, 15)
            rounded[:, own] = (codes[:, own] - zero[:, None]) * scale[:, None] / scales[own]
        errors.append(np.linalg.norm(x @ (rounded - w).T))
        candidates.append((codes, scales))
    found, scales = awq(w, seen(x), Grid(4), group_size, points)
    best = int(np.argmin(errors))
    np.testing.assert_array_equal(scales, candidates[best][1])
    np.testing.assert_array_equal(found.codes, candidates[best][0])
    assert errors[best] < errors[0], "ratio 0 rounds to the nearest"


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("symmetric", [False, True])
def test_rounding_is_within_half_a_step_where_the_range_reaches(bits, symmetric):
    rows = {
        "mixed": weights(1, 9)[0],
        "above 0": np.linspace(3, 4, 9),
        "below 0": np.linspace(-4, -3, 9),
        "0": np.zeros(9),
    }
    w = np.stack(list(rows.values()))
    grid = Grid(bits, symmetric)
    found = nearest(w, grid, groups_of(9, 5))
    assert found.codes.min() >= 0 and found.codes.max() <= 2**bits - 1
    assert (
        (found.zero == 2 ** (bits - 1)).all()
        if symmetric
        else (found.zero >= 0).all() and (found.zero <= grid.largest).all()
    )
    reach = 1.01 if symmetric else 0.51  # the largest number of a symmetric range is one step below the smallest's
    step = found.scale[:, found.groups]
    assert (np.abs(found.widened() - w) <= reach * step).all()
    np.testing.assert_array_equal(found.widened()[-1], 0)


def test_the_error_is_that_of_the_outputs():
    w, x = weights(4, 6), inputs(9, 6)
    np.testing.assert_allclose(seen(x).error(w), np.sum((x @ w.T) ** 2))


def test_weights_of_no_inputs_or_outputs_are_quantized_to_none():
    for shape in ((0, 4), (3, 0)):
        for found in (
            gptq(np.zeros(shape), Statistics(shape[1]), Grid(4), -1, 0.01, True),
            awq(np.zeros(shape), Statistics(shape[1]), Grid(4), 2, 3)[0],
        ):
            assert found.widened().shape == shape


def test_second_moments_that_cannot_be_inverted_are_refused():
    x = np.ones((3, 4))
    with pytest.raises(ArgumentError, match="inverted"):
        gptq(weights(2, 4), seen(x), Grid(4), -1, 0.0, False)
    assert np.isfinite(gptq(weights(2, 4), seen(x), Grid(4), -1, 0.01, False).widened()).all()
