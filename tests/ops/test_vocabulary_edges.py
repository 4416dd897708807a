"""New ops: an unknown batch, arguments that are refused, images in every layout and dtype."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Input, ops
from amalthea.errors import AmaltheaError, ArgumentError, DataError, DtypeError, ShapeError, TraceError
from tests.arrays import numbers

A, IMAGES = numbers(3, 4), np.abs(numbers(2, 6, 5, 3)) / 4

CORNERS = np.float32([[0, 0], [4, 0], [0, 5], [4, 5]])

# name: (function, shape of the input without the batch, shape of the output)
OPEN = {
    "nanmean": (lambda x: ops.nanmean(x, axis=1), (4,), (None,)),
    "quantile": (lambda x: ops.quantile(x, [0.1, 0.9], axis=1), (4,), (2, None)),
    "trace": (lambda x: ops.trace(x, axis1=1, axis2=2), (4, 4), (None,)),
    "diff": (ops.diff, (4,), (None, 3)),
    "diff of the batch": (lambda x: ops.trapezoid(x, axis=0), (4,), (4,)),
    "rot90": (lambda x: ops.rot90(x, axes=(1, 2)), (2, 3), (None, 3, 2)),
    "cross": (lambda x: ops.cross(x, x), (3,), (None, 3)),
    "kron": (lambda x: ops.kron(x, np.ones((2, 2), "float32")), (4,), (None, 8)),
    "isin": (lambda x: ops.isin(x, [1.0, 2.0]), (4,), (None, 4)),
    "isin of the batch": (lambda x: ops.isin([1.0, 2.0], x), (4,), (2,)),
    "digitize": (lambda x: ops.digitize(x, [0.0, 1.0]), (4,), (None, 4)),
    "append": (lambda x: ops.append(x, x, axis=0), (4,), (None, 4)),
    "cdist": (lambda x: ops.cdist(x, x), (4,), (None, None)),
    "segment_sum": (lambda x: ops.segment_sum(x[:, 1:], ops.cast(x[:, 0], "int32"), 3), (4,), (3, 3)),
    "rearrange": (lambda x: ops.rearrange(x, "b (h w) c -> b c h w", h=3), (12, 2), (None, 2, 3, 4)),
    "attention": (lambda x: ops.dot_product_attention(x, x, x), (5, 2, 4), (None, 5, 2, 4)),
    "ctc_loss": (
        lambda x: ops.ctc_loss(ops.cast(x[:, :2, 0], 'int32'), x, *(ops.sum(x[:, :n, 0] < 9, axis=1) for n in (2, 5))),
        (5, 4), (None,),
    ),
    "unfold": (lambda x: ops.unfold(x, 2), (3, 4, 5), (None, 12, 12)),
    "space_to_depth": (lambda x: ops.space_to_depth(x, 2), (4, 6, 3), (None, 2, 3, 12)),
    "adaptive_max_pool": (lambda x: ops.adaptive_max_pool(x, 2), (5, 6, 3), (None, 2, 2, 3)),
    "extract_patches": (lambda x: ops.image.extract_patches(x, 2), (6, 5, 3), (None, 3, 2, 12)),
    "gaussian_blur": (ops.image.gaussian_blur, (6, 5, 3), (None, 6, 5, 3)),
    "ssim": (lambda x: ops.image.ssim(x, x, filter_size=3), (6, 5, 3), (None,)),
    "crop_images": (lambda x: ops.image.crop_images(x, 1, 1, 1, 0), (6, 5, 3), (None, 4, 4, 3)),
    "perspective": (lambda x: ops.image.perspective_transform(x, CORNERS, CORNERS), (6, 5, 3), (None, 6, 5, 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", OPEN)
def test_an_unknown_batch_stays_unknown(name):
    function, shape, want = OPEN[name]
    assert function(Input(shape)).shape == want


REFUSED = {
    "quantile beyond 1": (lambda: ops.quantile(A, 1.5), ArgumentError),
    "an unknown method": (lambda: ops.quantile(A, 0.5, method="median"), ArgumentError),
    "shares in a matrix": (lambda: ops.percentile(A, [[5]]), ShapeError),
    "gcd of floats": (lambda: ops.gcd(A, 2.0), DtypeError),
    "bits of floats": (lambda: ops.bitwise_not(A), DtypeError),
    "an exponent that is a float": (lambda: ops.ldexp(A, 0.5), DtypeError),
    "no parts": (lambda: ops.array_split(A, 0), ArgumentError),
    "split into no parts": (lambda: ops.split(A, 0), ArgumentError),
    "vsplit of a vector": (lambda: ops.vsplit(A[0], 2), ShapeError),
    "fliplr of a vector": (lambda: ops.fliplr(A[0]), ShapeError),
    "a plane of one axis": (lambda: ops.rot90(A, axes=(0, 0)), ArgumentError),
    "a diagonal of a vector": (lambda: ops.diagonal(A[0]), ShapeError),
    "vander of a matrix": (lambda: ops.vander(A), ShapeError),
    "cross of four components": (lambda: ops.cross(A, A), ShapeError),
    "correlate without elements": (lambda: ops.correlate(A[0], A[0][:0]), ShapeError),
    "an unknown side": (lambda: ops.searchsorted(A[0], 1.0, side="middle"), ArgumentError),
    "bins without order": (lambda: ops.digitize(A, [1, 3, 2]), ArgumentError),
    "a negative count": (lambda: ops.bincount([1, -1]), ArgumentError),
    "a count of floats": (lambda: ops.bincount([1.0]), DtypeError),
    "a histogram of a matrix": (lambda: ops.histogram(A), ShapeError),
    "bins that are edges": (lambda: ops.histogram(A[0], bins=[0, 1]), ArgumentError),
    "unique in a trace": (lambda: amalthea.jit(ops.unique)(A), TraceError),
    "bincount in a trace": (lambda: amalthea.jit(ops.bincount)(np.array([1, 2])), TraceError),
    "segments in a trace": (lambda: amalthea.jit(lambda x: ops.segment_sum(A, x))(np.array([0, 1, 1])), TraceError),
    "segments without rows": (lambda: ops.segment_max(A, [0, 1]), ShapeError),
    "an index beyond": (lambda: ops.unravel_index([12], (3, 4)), ArgumentError),
    "conditions without choices": (lambda: ops.select([], []), ArgumentError),
    "a window of half a size": (lambda: ops.bartlett(2.5), ArgumentError),
    "a geometric sequence from 0": (lambda: ops.geomspace(0, 1), ArgumentError),
    "a negative number of elements": (lambda: ops.logspace(0, 1, -1), ArgumentError),
    "a rank beyond": (lambda: ops.argpartition(A, 4), ArgumentError),
    "a pattern with other names": (lambda: ops.rearrange(A, "a b -> a c"), ArgumentError),
    "a pattern that cannot be read": (lambda: ops.rearrange(A, "a b"), ArgumentError),
    "a pattern of three axes": (lambda: ops.rearrange(A, "a b c -> c a b"), ShapeError),
    "sizes that do not fit": (lambda: ops.rearrange(A, "a (b c) -> a b c", b=3), ShapeError),
    "distances of other points": (lambda: ops.cdist(A, A[:, :2]), ShapeError),
    "heads that do not fit": (
        lambda: ops.dot_product_attention(*[np.ones((1, 2, n, 4)) for n in (3, 2, 2)]), ShapeError
    ),
    "a cap of 0": (
        lambda: ops.dot_product_attention(*[np.ones((1, 2, 2, 4))] * 3, attn_logits_soft_cap=0), ArgumentError
    ),
    "a blank that is no class": (
        lambda: ops.ctc_loss([[1]], np.ones((1, 2, 3)), [1], [2], mask_index=3), ArgumentError
    ),
    "labels of floats": (lambda: ops.ctc_loss([[1.0]], np.ones((1, 2, 3)), [1], [2]), DtypeError),
    "more paths than beams": (lambda: ops.ctc_decode(np.ones((1, 2, 3)), [2], "beam_search", 2, 3), ArgumentError),
    "an unknown strategy": (lambda: ops.ctc_decode(np.ones((1, 2, 3)), [2], "random"), ArgumentError),
    "blocks that do not fit": (lambda: ops.depth_to_space(np.ones((1, 2, 2, 3)), 2), ShapeError),
    "columns that do not fit": (lambda: ops.fold(np.ones((1, 4, 5)), 3, 2), ShapeError),
    "a window beyond the image": (lambda: ops.unfold(np.ones((1, 1, 2, 2)), 3), ShapeError),
    "a pool of a matrix": (lambda: ops.adaptive_max_pool(A, 2), ShapeError),
    "three widths": (lambda: ops.image.crop_images(IMAGES, 1, 1, 1, 1, target_height=2), ArgumentError),
    "one width": (lambda: ops.image.pad_images(IMAGES, 1), ArgumentError),
    "crops beyond the image": (lambda: ops.image.crop_images(IMAGES, 4, 0, 4, 0), ArgumentError),
    "hues of bytes": (lambda: ops.image.rgb_to_hsv(np.ones((2, 2, 3), "uint8")), DtypeError),
    "two channels": (lambda: ops.image.rgb_to_grayscale(IMAGES[..., :2]), ShapeError),
    "an image of one axis": (lambda: ops.image.gaussian_blur(A[0]), ShapeError),
    "small images": (lambda: ops.image.ssim(IMAGES, IMAGES), ShapeError),
    "order 2": (lambda: ops.image.map_coordinates(A, A[:2], 2), ArgumentError),
    "points of another rank": (lambda: ops.image.map_coordinates(A, A, 1), ShapeError),
    "three points": (lambda: ops.image.perspective_transform(IMAGES, A[:, :2], A[:, :2]), ShapeError),
    "an unknown way to scale": (
        lambda: ops.image.scale_and_translate(A, (3, 4), [1.0], [0.0], (0,), "nearest"), ArgumentError
    ),
    "one size": (lambda: ops.image.resize(IMAGES, 3), ArgumentError),
    "a size of 0": (lambda: ops.image.resize(IMAGES, (0, 3)), ArgumentError),
    "labels of CTC in a vector": (lambda: amalthea.losses.CTC()([1, 2], np.ones((2, 3, 4))), DataError),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_arguments_without_a_meaning_are_refused(case):
    call, error = REFUSED[case]
    with pytest.raises(error) as found:
        call()
    assert isinstance(found.value, AmaltheaError)


ON_IMAGES = {
    "gaussian_blur": lambda x, **kw: ops.image.gaussian_blur(x, (3, 5), (0.8, 1.5), **kw),
    "rgb_to_grayscale": ops.image.rgb_to_grayscale,
    "affine_transform": lambda x, **kw: ops.image.affine_transform(x, [1.1, 0.1, 0.3, -0.2, 0.9, 0.6, 0, 0], **kw),
    "perspective_transform": lambda x, **kw: ops.image.perspective_transform(
        x, [[0, 0], [4, 0], [0, 5], [4, 5]], [[0, 1], [4, 0], [1, 5], [4, 4]], **kw
    ),
    "elastic_transform": lambda x, **kw: ops.image.elastic_transform(x, 2.0, 1.0, seed=1, **kw),
    "resize": lambda x, **kw: ops.image.resize(x, (4, 7), "bicubic", **kw),
    "crop_images": lambda x, **kw: ops.image.crop_images(x, 1, 0, 2, 1, **kw),
    "pad_images": lambda x, **kw: ops.image.pad_images(x, 1, 0, 2, 1, **kw),
    "extract_patches": lambda x, **kw: ops.image.extract_patches(x, 2, padding="same", **kw),
}


@pytest.mark.parametrize("name", ON_IMAGES)
def test_images_may_have_any_layout_and_be_alone(name):
    op = ON_IMAGES[name]
    want = ops.convert_to_numpy(op(IMAGES))
    first = op(np.moveaxis(IMAGES, -1, 1).copy(), data_format="channels_first")
    np.testing.assert_allclose(np.moveaxis(ops.convert_to_numpy(first), 1, -1), want, rtol=1e-5, atol=1e-6)
    if name != "elastic_transform":
        np.testing.assert_allclose(ops.convert_to_numpy(op(IMAGES[1])), want[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", ON_IMAGES)
def test_images_keep_their_dtype(name, dtype):
    op, x = ON_IMAGES[name], ops.cast(np.round(np.clip(IMAGES, 0, 1) * 255), dtype)
    found = op(x)
    assert ops.dtype(found) == dtype
    exact = ops.convert_to_numpy(op(ops.cast(x, "float32")))
    exact = np.clip(exact, 0, 255) if dtype == "uint8" else exact
    within = 0.501 if "int" in dtype else {"float16": 0.2, "bfloat16": 2.0}[dtype]
    np.testing.assert_allclose(ops.convert_to_numpy(ops.cast(found, "float32")), exact, atol=within)


def test_a_blur_is_a_mean_weighted_by_a_gaussian():
    down, across = (np.exp(-0.5 * (np.arange(-n, n + 1) / s) ** 2) for n, s in ((1, 0.8), (2, 1.5)))
    kernel = np.outer(down / down.sum(), across / across.sum())
    padded = np.pad(IMAGES, ((0, 0), (1, 1), (2, 2), (0, 0)))
    want = sum(kernel[i, j] * padded[:, i : i + 6, j : j + 5] for i in range(3) for j in range(5))
    found = ops.convert_to_numpy(ops.image.gaussian_blur(IMAGES, (3, 5), (0.8, 1.5)))
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-6)


def test_colours_come_back():
    colours = np.random.default_rng(0).random((2, 9, 8, 3)).astype("float32")
    back = ops.image.hsv_to_rgb(ops.image.rgb_to_hsv(colours))
    np.testing.assert_allclose(ops.convert_to_numpy(back), colours, atol=1e-6)


def test_columns_come_back_where_windows_do_not_overlap():
    x = numbers(2, 3, 4, 6)
    np.testing.assert_allclose(ops.convert_to_numpy(ops.fold(ops.unfold(x, 2, stride=2), (4, 6), 2, stride=2)), x)


def test_segments_leave_out_numbers_beyond_their_range():
    data, ids = np.float32([[1, 2], [3, -4], [5, 6], [7, 8]]), [0, 2, -1, 9]
    for mode in (lambda f: f, amalthea.jit):
        found = mode(lambda x: [getattr(ops, f"segment_{n}")(x, ids, 3) for n in ("sum", "max", "min", "prod")])(data)
        for rows, empty in zip(found, (0, -np.inf, np.inf, 1)):
            assert ops.convert_to_numpy(rows).tolist() == [[1, 2], [empty, empty], [3, -4]]


def test_values_of_the_error_functions_in_their_tails():
    import math

    x = np.linspace(-3, 8.5, 100)
    for dtype, tolerance in (("float64", 3e-14), ("float32", 1e-6)):
        found = ops.convert_to_numpy(ops.erfc(x.astype(dtype))).astype("float64")
        np.testing.assert_allclose(found, [math.erfc(v) for v in x.astype(dtype).astype("float64")], rtol=tolerance)
    small = 10.0 ** -np.arange(1, 15)
    back = [math.erfc(y) for y in ops.convert_to_numpy(ops.erfinv(1 - small))]
    np.testing.assert_allclose(back, 1 - (1 - small), rtol=1e-11)
    ends = ops.convert_to_numpy(ops.erfinv(np.float32([-1, 1, 0, 2])))
    np.testing.assert_array_equal(ends, [-np.inf, np.inf, 0, np.nan])


COMPUTED = {
    "affine_transform": (lambda t: ops.image.affine_transform(IMAGES, t), np.float32([1, 0.1, 0.3, 0, 0.9, 0.6, 0, 0])),
    "perspective_transform": (lambda t: ops.image.perspective_transform(IMAGES, t, CORNERS), CORNERS + 0.3),
    "map_coordinates": (lambda t: ops.image.map_coordinates(A, t, 1, "mirror"), np.float32([[0.3, 2.6], [-1.2, 3.4]])),
    "scale_and_translate": (
        lambda t: ops.image.scale_and_translate(A, (5, 4), t, t * 0.1, (0,), "cubic"), np.float32([1.5])
    ),
    "ssim": (lambda t: ops.image.ssim(IMAGES, t, filter_size=3), IMAGES * 0.7),
    "segment_sum": (lambda t: ops.segment_sum(A, t, 3), np.int32([0, 2, 0])),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPUTED)
def test_arrays_may_be_constant_beside_computed_arguments(name):
    function, argument = COMPUTED[name]
    found, want = amalthea.jit(function)(argument), function(argument)
    np.testing.assert_allclose(ops.convert_to_numpy(found), ops.convert_to_numpy(want), rtol=1e-5, atol=1e-6)
