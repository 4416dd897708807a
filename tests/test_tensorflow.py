"""What only TensorFlow can do or get wrong: its tape, its variables, its missing kernels."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, Variable, layers, ops
from amalthea.engine import backends
from amalthea.engine.passes.simplify import simplify
from amalthea.engine.primitives import TABLE, normalization
from amalthea.engine.primitives import windows as w
from amalthea.engine.transforms import capture

tf = pytest.importorskip("tensorflow")

from amalthea.engine.backends import tensorflow as tensorflow_backend  # noqa: E402


@pytest.fixture(autouse=True)
def on_tensorflow():
    with backends.use_backend("tensorflow") as backend:
        yield backend


STACKS = {
    "dense": ((5, 6), lambda: [layers.Dense(4, "gelu"), layers.LayerNormalization(), layers.Dense(2)]),
    "images": (
        (2, 7, 8, 3),
        lambda: [
            layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
            layers.DepthwiseConv2D(2, padding="same"),
            layers.MaxPooling2D(2, padding="same"),
            layers.AveragePooling2D(2, padding="same"),
            layers.Flatten(),
        ],
    ),
    "volumes": ((1, 4, 5, 4, 2), lambda: [layers.Conv3D(2, 2), layers.MaxPooling3D(2, 1), layers.AveragePooling3D(2)]),
    "sequences": ((2, 5, 3), lambda: [layers.LSTM(4, return_sequences=True), layers.GRU(3)]),
}


@pytest.mark.parametrize("name", STACKS)
def test_a_tape_sees_through_eager_layers(name):
    shape, make = STACKS[name]
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    model = Sequential([layers.Input(shape[1:]), *make()])

    def loss():
        return ops.sum(ops.square(model(x, training=False)))

    with tf.GradientTape() as tape:
        value = loss()
    variables = model.trainable_variables
    found = tape.gradient(value, [v.storage.variable for v in variables])
    wanted_value, wanted = amalthea.value_and_grad(loss, variables)()
    np.testing.assert_allclose(value, wanted_value, rtol=1e-5)
    for v, got, want in zip(variables, found, wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4, err_msg=v.path)


def test_a_tape_sees_through_inputs_and_mixes_with_tensorflows_own_functions():
    x = tf.constant([[1.0, 2.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.math.exp(ops.multiply(x, 3.0))
    np.testing.assert_allclose(tape.gradient(y, x), 3 * np.exp([[3.0, 6.0]]), rtol=1e-5)
    assert isinstance(ops.tanh(x), tf.Tensor)


def test_a_layer_frozen_and_thawed_is_still_watched():
    layer = layers.Dense(2)
    layer.trainable = False
    layer(np.ones((1, 3), "float32"))
    layer.trainable = True
    with tf.GradientTape() as tape:
        y = layer(np.ones((1, 3), "float32"))
    assert tape.gradient(y, layer.kernel.storage.variable) is not None


@pytest.mark.parametrize("other", ["numpy", *(name for name in ("torch", "jax") if name in backends.installed())])
def test_a_variable_moved_away_and_back_is_found_again(other):
    count = Variable(np.float32(1))
    step = amalthea.jit(lambda x: (count.assign_add(x), count.value)[1])
    assert [float(step(np.float32(1))), float(step(np.float32(1)))] == [2, 3]
    for expected in (14, 26):
        with backends.use_backend(other):
            count.assign(count + 10)
        assert float(step(np.float32(1))) == expected
        assert float(count) == expected
        with backends.use_backend(other):
            assert float(step(np.float32(1))) == expected + 1


def test_a_model_moved_away_and_back_goes_on_where_it_was():
    x = np.random.default_rng(0).normal(size=(8, 6)).astype("float32")
    y = np.arange(8) % 2

    def losses(route):
        amalthea.random.set_random_seed(1)
        model = Sequential([layers.Input((6,)), layers.Dense(4, "tanh"), layers.Dense(2, "softmax")])
        model.compile(amalthea.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
        found = []
        for name in route:
            with backends.use_backend(name):
                model.reset_metrics()
                found.append(model.train_on_batch(x, y))
        return found

    route = ["tensorflow", "tensorflow", "numpy", "tensorflow", "numpy", "numpy", "tensorflow"]
    np.testing.assert_allclose(losses(route), losses(["numpy"] * len(route)), rtol=1e-4)


# ------------------------------------------------------------------------------------- unusual dtypes

WHOLE = "uint8 uint16 uint32 uint64 int8 int16 int32 int64".split()
ARITHMETIC = "add subtract multiply floor_divide remainder maximum minimum equal less greater_equal".split()
UNARY = "negative absolute sign square relu floor isnan".split()


def every_way(row, *inputs, **attrs):
    """What a primitive gives eagerly, in a plain graph, and in one that XLA compiles if the rule says so.

    The last is given to a variable, since the rule is another for what writes none.
    """
    eager = row(*inputs, **attrs)
    kept = Variable(np.zeros(eager.shape, ops.dtype(eager)), dtype=ops.dtype(eager))
    with mock.patch("amalthea.engine.backends.tensorflow._uses_xla", return_value=False):
        plain = amalthea.jit(lambda *xs: row(*xs, **attrs))(*inputs)
    amalthea.jit(lambda *xs: kept.assign(row(*xs, **attrs)))(*inputs)
    return [np.asarray(eager), np.asarray(plain), kept.numpy()]


def check(row, *inputs, **attrs):
    """Every way gives exactly what the reference gives."""
    attrs = {**row.defaults, **attrs}
    with np.errstate(all="ignore"):
        want = row.reference(*inputs, **attrs)
    for got in every_way(row, *inputs, **attrs):
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want, err_msg=row.name)


def extremes(dtype):
    info = np.iinfo(dtype)
    return np.array([0, 1, 2, 7, info.max, info.max - 1, info.max // 2 + 1], dtype)


@pytest.mark.parametrize("dtype", WHOLE)
def test_whole_numbers_are_exact_in_every_width(dtype):
    x, y = extremes(dtype), extremes(dtype)[::-1].copy()
    for name in ARITHMETIC:
        check(TABLE[name], x, y)
    for name in UNARY:
        check(TABLE[name], x)
    check(TABLE["power"], x, np.array([0, 1, 2, 3, 1, 1, 1], dtype))
    for name in ("reduce_sum", "reduce_prod", "reduce_max", "reduce_min"):
        check(TABLE[name], x, axes=(0,))
    for name in ("cumsum", "cumprod"):
        check(TABLE[name], x, axis=0)
    check(TABLE["matmul"], x[:6].reshape(2, 3), y[:6].reshape(3, 2))
    check(TABLE["scatter_add"], x, np.array([1, 1, -1]), y[:3], axis=0)
    check(TABLE["dynamic_update_slice"], x, y[:2], np.int32(6))
    check(TABLE["concatenate"], x, y, axis=0)
    check(TABLE["pad"], x, low=(1,), high=(2,), value=3)
    check(TABLE["clip"], x, low=1, high=7)
    check(TABLE["cast"], x, dtype="int32")
    check(TABLE["gather"], x, np.array([-1, 0, 3], dtype="int8"), axis=0)
    check(TABLE["iota"], shape=(2, 5), axis=1, dtype=dtype)


@pytest.mark.parametrize("dtype", WHOLE)
def test_dividing_a_whole_number_by_zero_gives_zero_as_in_numpy(dtype):
    x, y = np.array([5, 0], dtype), np.array([0, 0], dtype)
    check(TABLE["floor_divide"], x, y)
    check(TABLE["remainder"], x, y)


def test_bools_are_computed_with():
    x, y = np.array([[True], [False]]), np.array([True, False])
    for name in ("add", "multiply", "maximum", "less", "bitwise_xor", "equal"):
        check(TABLE[name], x, y)
    for name in ("reduce_max", "reduce_min", "reduce_sum", "reduce_prod"):
        check(TABLE[name], x, axes=(0, 1))
    check(TABLE["select"], x, y, ~y)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int32"])
def test_windows_in_every_dtype(dtype):
    to = amalthea.engine.dtypes.to_numpy(dtype)
    x = np.arange(48).reshape(1, 4, 4, 3).astype(to)
    kernel = (np.arange(54).reshape(3, 3, 3, 2) % 3).astype(to)
    same = {"strides": (1, 1), "padding": ((1, 1), (1, 1))}
    wide = [x.astype("float64"), kernel.astype("float64")]
    want = w.conv.reference(*wide, dilation=(1, 1), **same)
    for got in every_way(w.conv, x, kernel, dilation=(1, 1), **same):
        assert got.dtype == to
        np.testing.assert_allclose(got.astype("float64"), want, rtol=1e-2)
    check(w.max_pool, x, window=(3, 3), **same)


@pytest.mark.parametrize("name", ["random_uniform", "random_normal"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_a_key_gives_the_same_numbers_again(name, dtype):
    """Eagerly and compiled the same; XLA draws others from the same key, and those again too."""
    key = np.array([2**32 - 1, 3], "uint32")
    eager, compiled, by_xla = every_way(TABLE[name], key, shape=(50, 3), dtype=dtype)
    np.testing.assert_array_equal(eager, compiled)
    np.testing.assert_array_equal(by_xla, every_way(TABLE[name], key, shape=(50, 3), dtype=dtype)[2])


def test_bfloat16_goes_every_way(on_tensorflow):
    x = np.array([1.5, -2.0], amalthea.engine.dtypes.to_numpy("bfloat16"))
    there = on_tensorflow.array(x, "bfloat16")
    assert there.dtype == tf.bfloat16
    back = on_tensorflow.to_numpy(there)
    assert back.dtype == x.dtype
    np.testing.assert_array_equal(back, x)


@pytest.mark.parametrize("library", ["torch", "jax.numpy"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int16", "bool"])
def test_arrays_of_other_libraries_are_copied(on_tensorflow, library, dtype):
    module = pytest.importorskip(library)
    if (library, dtype) == ("torch", "bfloat16"):
        pytest.skip("PyTorch gives NumPy no bfloat16, and NumPy is the way from there to TensorFlow")
    given = module.ones((2, 3), dtype=getattr(module, "bool_" if "jax" in library and dtype == "bool" else dtype))
    found = on_tensorflow.array(given, dtype)
    if library == "torch":
        given.zero_()
    np.testing.assert_array_equal(on_tensorflow.to_numpy(found).astype("float32"), np.ones((2, 3)))


# ------------------------------------------------------------------------------------------- windows

CONVOLUTIONS = {  # x, kernel, attributes
    "a pixel on every side": ((2, 8, 8, 3), (3, 3, 3, 4), {"strides": (2, 2), "padding": ((1, 1), (1, 1))}),
    "three axes, padded": ((1, 5, 4, 4, 2), (3, 2, 2, 2, 3), {"padding": ((1, 1), (1, 0), (0, 1))}),
    "depthwise, one pad": ((2, 6, 6, 3), (3, 3, 1, 6), {"groups": 3, "padding": ((1, 0), (0, 2))}),
    "depthwise, dilated": ((1, 8, 8, 2), (3, 2, 1, 2), {"groups": 2, "dilation": (2, 3)}),
    "depthwise, two strides": ((1, 7, 8, 2), (2, 2, 1, 4), {"groups": 2, "strides": (1, 2)}),
    "groups of two": ((2, 5, 5, 4), (3, 3, 2, 6), {"groups": 2, "strides": (2, 2), "padding": ((1, 1), (1, 1))}),
    "one axis, grouped": ((2, 9, 4), (3, 2, 4), {"groups": 2, "strides": (2,), "dilation": (2,), "padding": ((1, 2),)}),
    "one axis, depthwise": ((2, 9, 4), (3, 1, 4), {"groups": 4, "strides": (2,), "padding": ((1, 1),)}),
    "three axes, dilated": ((1, 5, 5, 5, 2), (2, 2, 2, 1, 2), {"groups": 2, "dilation": (2, 1, 2)}),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions_that_tensorflow_has_no_kernel_for(name):
    x_shape, kernel_shape, given = CONVOLUTIONS[name]
    rank = len(x_shape) - 2
    attrs = {"strides": (1,) * rank, "padding": ((0, 0),) * rank, "dilation": (1,) * rank, **given}
    attrs = {**w.conv.defaults, **attrs}
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=x_shape), rng.normal(size=kernel_shape)
    out = w.conv.reference(x, kernel, **attrs)
    g = rng.normal(size=out.shape)
    rows = {
        w.conv: ((x, kernel), {}),
        w.conv_input_gradient: ((g, kernel), {"shape": x_shape}),
        w.conv_kernel_gradient: ((x, g), {"kernel_shape": kernel_shape}),
    }
    for row, (inputs, more) in rows.items():
        want = row.reference(*inputs, **more, **attrs)
        for got in every_way(row, *inputs, **more, **attrs):
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9, err_msg=row.name)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_of_equal_elements_the_first_in_a_window_takes_the_gradient(rank):
    x = np.random.default_rng(0).integers(0, 2, (2, *(5, 4, 5)[:rank], 2)).astype("float64")
    attrs = {"window": (3, 2, 2)[:rank], "strides": (1, 2, 1)[:rank], "padding": ((1, 0), (0, 0), (0, 1))[:rank]}
    attrs = {**w.max_pool.defaults, **attrs}
    out = w.max_pool.reference(x, **attrs)
    g = np.random.default_rng(1).normal(size=out.shape)
    want = w.max_pool_gradient.reference(g, x, out, **attrs)
    for got in every_way(w.max_pool_gradient, g, x, out, **attrs):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


def test_a_depthwise_convolution_fused_with_its_bias_keeps_its_padding():
    """TensorFlow 2.21 aborts the process if padding is explicit there."""
    model = Sequential([layers.Input((8, 8, 3)), layers.ZeroPadding2D(1), layers.DepthwiseConv2D(3, activation="relu")])
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    found = model.predict(x, verbose=0)
    with backends.use_backend("numpy"):
        np.testing.assert_allclose(found, model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


# ------------------------------------------------------------------------------------- batch normalization


@pytest.mark.parametrize("axis", [0, 1, 3])
@pytest.mark.parametrize("dtype, within", [("float32", 1e-4), ("float64", 1e-10), ("float16", 2e-2)])
def test_a_batch_is_normalized_with_the_moments_of_the_batch(dtype, within, axis):
    """The fused kernel is for float32; its own variance is that of a sample."""
    rng = np.random.default_rng(0)
    x, g = (rng.normal(1.0, 2.0, (2, 3, 2, 3)).astype(dtype) for _ in range(2))
    scale, offset = (rng.normal(size=x.shape[axis]).astype(dtype) for _ in range(2))
    attrs = {"axis": axis, "epsilon": 0.001}
    wide = [v.astype("float64") for v in (x, scale, offset)]
    want = normalization.batch_normalize.reference(*wide, **attrs)
    found = amalthea.jit(lambda *xs: normalization.batch_normalize(*xs, **attrs))(x, scale, offset)
    for got, expected in zip(found, want, strict=True):
        assert ops.dtype(got) == dtype
        np.testing.assert_allclose(got, expected, rtol=within, atol=within)
    inputs = (g.astype("float64"), *wide[:2], *want[1:])
    want = normalization.batch_normalize_gradient.reference(*inputs, **attrs)
    inputs = [v.astype(dtype) for v in inputs]
    found = amalthea.jit(lambda *xs: normalization.batch_normalize_gradient(*xs, **attrs))(*inputs)
    for got, expected in zip(found, want, strict=True):
        np.testing.assert_allclose(got, expected, rtol=within, atol=10 * within)


# -------------------------------------------------------------------------------------------- the rule of XLA


def compiled_by_xla(function, *inputs):
    """Whether XLA compiles it on a CPU."""
    graph = capture(function, (inputs, {}))[0]
    with mock.patch("tensorflow.config.list_physical_devices", return_value=[]):
        return tensorflow_backend._uses_xla(simplify(graph))


def test_xla_predicts_where_calls_cost_more_than_the_computing():
    kernel = np.ones((3, 3, 3, 16), "float32")
    dense, blurred = lambda x: ops.tanh(x @ x), lambda x: ops.conv(x, kernel, padding="same")
    small, large = (np.ones((rows, 32, 32, 3), "float32") for rows in (1, 256))
    assert compiled_by_xla(dense, np.ones((2, 2), "float32"))
    assert compiled_by_xla(blurred, small)
    assert not compiled_by_xla(blurred, large)


def test_xla_trains_no_convolution_and_draws_no_numbers_outside_of_training():
    kernel, x = Variable(np.ones((3, 3, 3, 4), "float32")), np.ones((1, 8, 8, 3), "float32")
    assert not compiled_by_xla(
        lambda x: kernel.assign(amalthea.grad(lambda: ops.sum(ops.conv(x, kernel)), kernel)()), x
    )
    assert not compiled_by_xla(
        lambda key: TABLE["random_normal"](key, shape=(2,), dtype="float32"), np.zeros(2, "uint32")
    )


def test_a_prediction_goes_to_xla_when_it_was_called_often():
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    predict, traced = amalthea.jit(lambda x: ops.softmax(ops.matmul(x, ops.transpose(x)))), []
    trace = tensorflow_backend.Compiled._traced

    def spy(self, functions, jit_compile=False):
        traced.append(jit_compile)
        return trace(self, functions, jit_compile)

    with mock.patch.object(tensorflow_backend.Compiled, "_traced", spy):
        found = [np.asarray(predict(x)) for _ in range(tensorflow_backend.CALLS_BEFORE_XLA + 2)]
    assert traced == [False, True]
    np.testing.assert_allclose(found, np.broadcast_to(found[0], np.shape(found)), rtol=1e-5)


def test_xla_does_not_compile_what_takes_it_long():
    def deep(x):
        for _ in range(tensorflow_backend.MOST_NODES + 1):
            x = ops.tanh(x)
        return x

    assert not compiled_by_xla(deep, np.ones(2, "float32"))


def test_the_devices_have_short_names(on_tensorflow):
    assert "cpu:0" in on_tensorflow.devices()
