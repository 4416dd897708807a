"""Functions of quantizers: Keras's answers and gradients, edges, and errors."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, ops, quantizers
from amalthea.engine import dtypes
from amalthea.errors import AmaltheaError
from tests.arrays import numbers
from tests.oracles.cases.quantizers import CASES, arguments
from tests.oracles.draws import cotangent
from tests.oracles.read import held
from tests.thinned import thinned

BY_ID = {case.id: case for case in CASES}
RECORDS = thinned(held("quantizers"), 4)


def plain(x):
    return np.asarray(ops.convert_to_numpy(x))


def call(record, *xs):
    formats, config = arguments(BY_ID[record["id"]])
    found = getattr(quantizers, record["function"])(*xs, *formats, **config)
    return [x for x in found if hasattr(x, "dtype")] if isinstance(found, (list, tuple)) else [found]


@pytest.mark.parametrize("record", RECORDS, ids=[r["id"] for r in RECORDS])
def test_every_function_gives_keras_numbers(record):
    found = call(record, *record["given"])
    assert len(found) == len(record["outputs"])
    for x, (dtype, wanted) in zip(found, record["outputs"]):
        assert dtypes.standardize(x.dtype) == dtype
        assert plain(x).shape == wanted.shape
        if wanted.dtype.kind in "iu":
            np.testing.assert_array_equal(plain(x), wanted)
        else:
            np.testing.assert_allclose(plain(x), wanted, 2e-6, 1e-6)


SMOOTH = [r for r in RECORDS if len(r["gradients"])]


@pytest.mark.parametrize("record", SMOOTH, ids=[r["id"] for r in SMOOTH])
def test_fake_quantization_has_keras_gradients(record):
    weights = cotangent(record["given"][0].shape, 0)
    gradients = amalthea.grad(lambda *xs: ops.sum(call(record, *xs)[0] * weights), (0, 1, 2))(*record["given"])
    for found, wanted in zip(gradients, record["gradients"], strict=True):
        np.testing.assert_allclose(plain(found), wanted, 1e-5, 1e-5)


@pytest.mark.parametrize("axis, shape", [(0, (3,)), (0, (0,)), (-1, (2, 5)), (1, (2, 4, 3)), (0, (1, 2))])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_packing_is_undone_by_unpacking(axis, shape, dtype):
    low = -8 if dtype == "int8" else 0
    x = np.random.default_rng(0).integers(low, low + 16, shape).astype(dtype)
    packed, packed_shape, size = quantizers.pack_int4(x, axis, dtype)
    assert tuple(packed.shape) == packed_shape and packed_shape[axis] == (shape[axis] + 1) // 2
    np.testing.assert_array_equal(plain(quantizers.unpack_int4(packed, size, axis, dtype)), x)


GROUPS = {
    "above zero": (np.full((4, 2), 5.0, "float32") + numbers(4, 2) * 0.1),
    "below zero": (np.full((4, 2), -5.0, "float32") + numbers(4, 2) * 0.1),
    "constant": np.full((4, 2), 3.0, "float32"),
    "zeros": np.zeros((4, 2), "float32"),
    "both": numbers(4, 2),
}


@pytest.mark.parametrize("x", GROUPS.values(), ids=GROUPS)
def test_groups_come_back_within_a_step_wherever_they_lie(x):
    whole, scale, zero = map(plain, quantizers.abs_max_quantize_grouped_with_zero_point(x, block_size=4))
    back = (whole.astype("float32") - zero) * scale
    assert np.all(np.abs(back - x) <= scale * 1.01)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int32"])
def test_scales_keep_the_dtype_of_floats(dtype):
    x = np.array([[1, -3], [3, 4]]).astype(dtypes.to_numpy(dtype))
    whole, scale = quantizers.abs_max_quantize(x, axis=0)
    assert plain(whole).tolist() == [[42, -95], [127, 127]]
    assert dtypes.standardize(scale.dtype) == (dtype if dtype != "int32" else "float32")


@pytest.mark.parametrize("name, kind", [("float8_e4m3fn", "float8_e4m3fn"), ("float8_e5m2", "float8_e5m2")])
def test_floats_of_8_bits_are_those_of_the_format(name, kind):
    import ml_dtypes

    every = np.arange(256, dtype="uint8").view(getattr(ml_dtypes, kind)).astype("float32")
    every = every[np.isfinite(every)]
    x = np.concatenate([every, every * 1.0301, every * 0.9501, [np.nan]]).astype("float32")
    largest = every.max()
    wanted = np.clip(x, -largest, largest).astype(getattr(ml_dtypes, kind)).astype("float32")
    np.testing.assert_array_equal(plain(quantizers.quantize_and_dequantize(x, 1.0, name, "float32")), wanted)


def test_fake_quantization_of_equal_limits_is_zero():
    x = np.array([-1.0, 0.0, 2.0], "float32")
    assert plain(quantizers.fake_quant_with_min_max_vars(x, 0.0, 0.0)).tolist() == [0.0, 0.0, 0.0]


def test_channels_of_any_axis_have_their_own_limits():
    x, low, high = numbers(3, 5), np.array([-1.0, -0.5, 0.0], "float32"), np.array([1.0, 0.25, 2.0], "float32")
    found = plain(quantizers.fake_quant_with_min_max_vars(x, low, high, 4, axis=0))
    for i in range(3):
        alone = plain(quantizers.fake_quant_with_min_max_vars(x[i], low[i], high[i], 4))
        np.testing.assert_allclose(found[i], alone, 1e-6)


def test_functions_work_on_symbolic_inputs():
    x = Input((4,))
    model = Model(x, quantizers.fake_quant_with_min_max_vars(x, -1.0, 1.0, 3))
    data = numbers(2, 4)
    wanted = plain(quantizers.fake_quant_with_min_max_vars(data, -1.0, 1.0, 3))
    np.testing.assert_allclose(model.predict(data, verbose=0), wanted, 1e-6)


CONFIGS = {
    "quantizer": lambda: quantizers.Quantizer(),
    "no axis": lambda: quantizers.AbsMaxQuantizer(),
    "axes": lambda: quantizers.AbsMaxQuantizer(axis=(0, 1), value_range=(-8, 7)),
    "int8": lambda: quantizers.Int8QuantizationConfig(quantizers.AbsMaxQuantizer(0), None),
    "int4": lambda: quantizers.Int4QuantizationConfig(block_size=32),
    "float8": lambda: quantizers.Float8QuantizationConfig(),
    "gptq": lambda: quantizers.GPTQConfig(["text"], str.split, weight_bits=8, group_size=-1),
    "awq": lambda: quantizers.AWQConfig(["text"], str.split, num_grid_points=3),
}


@pytest.mark.parametrize("make", CONFIGS.values(), ids=CONFIGS)
def test_objects_are_made_again_from_their_data(make):
    data = quantizers.serialize(make())
    assert data["module"] == "keras.quantizers"
    again = quantizers.deserialize(data)
    assert type(again) is type(make()) and quantizers.serialize(again) == data


X = np.ones((4, 2), "float32")
MISTAKES = {
    "axis": lambda: quantizers.abs_max_quantize(X, axis=2),
    "range that does not fit": lambda: quantizers.abs_max_quantize(X, axis=0, value_range=(-300, 300)),
    "range the wrong way": lambda: quantizers.abs_max_quantize(X, axis=0, value_range=(7, -8)),
    "float result": lambda: quantizers.abs_max_quantize(X, axis=0, dtype="float32"),
    "no epsilon": lambda: quantizers.abs_max_quantize(X, axis=0, epsilon=0),
    "no matrix": lambda: quantizers.abs_max_quantize_grouped_with_zero_point(np.ones(3), 2),
    "block of 0": lambda: quantizers.abs_max_quantize_grouped_with_zero_point(X, 0),
    "floats": lambda: quantizers.pack_int4(X),
    "int32": lambda: quantizers.pack_int4(np.ones(3, "int32"), dtype="int32"),
    "bytes of another sign": lambda: quantizers.pack_int4(np.ones(3, "int8"), dtype="uint8"),
    "packed floats": lambda: quantizers.unpack_int4(X, 2),
    "negative length": lambda: quantizers.unpack_int4(np.ones(3, "int8"), -1),
    "scalar": lambda: quantizers.pack_int4(np.int8(3)),
    "format": lambda: quantizers.quantize_and_dequantize(X, 1.0, "int8", "float32"),
    "compute dtype": lambda: quantizers.quantize_and_dequantize(X, 1.0, "float8_e5m2", "int32"),
    "history": lambda: quantizers.compute_float8_amax_history(X, X),
    "empty history": lambda: quantizers.compute_float8_amax_history(X, X[:0, 0]),
    "largest": lambda: quantizers.compute_float8_scale(X, X, 0.0),
    "bits": lambda: quantizers.fake_quant_with_min_max_vars(X, 0.0, 1.0, num_bits=1),
    "limits": lambda: quantizers.fake_quant_with_min_max_vars(X, X[:, 0], X[:, 0], axis=1),
    "limits without axis": lambda: quantizers.fake_quant_with_min_max_vars(X, X[0], X[0]),
    "quantizer range": lambda: quantizers.AbsMaxQuantizer(value_range=(-129, 127)),
    "quantizer axis": lambda: quantizers.AbsMaxQuantizer(axis="rows"),
    "weights of int16": lambda: quantizers.Int8QuantizationConfig(
        quantizers.AbsMaxQuantizer(output_dtype="int16", value_range=(-9, 9))
    ),
    "weights of 8 bits": lambda: quantizers.Int4QuantizationConfig(quantizers.AbsMaxQuantizer(), block_size=None),
    "groups and quantizer": lambda: quantizers.Int4QuantizationConfig(
        quantizers.AbsMaxQuantizer(value_range=(-8, 7)), block_size=16
    ),
    "groups of 0": lambda: quantizers.Int4QuantizationConfig(block_size=0),
    "no quantizer": lambda: quantizers.Int8QuantizationConfig(3),
    "3 bits of AWQ": lambda: quantizers.AWQConfig(None, None, weight_bits=3),
    "5 bits of GPTQ": lambda: quantizers.GPTQConfig(None, None, weight_bits=5),
    "groups of GPTQ": lambda: quantizers.GPTQConfig(None, None, group_size=0),
    "damping": lambda: quantizers.GPTQConfig(None, None, hessian_damping=2),
    "name": lambda: quantizers.get("abs_min_quantizer"),
    "number": lambda: quantizers.get(3),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_bad_arguments_are_refused_in_words(mistake):
    with pytest.raises(AmaltheaError):
        mistake()
