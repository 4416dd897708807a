"""Quantized kernels and adapters of low rank: any layer that reads its kernel, files, training, errors."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

import amalthea
from amalthea import Model, Sequential, layers, ops, quantizers
from amalthea.engine import transforms
from amalthea.engine.passes.rewrite import all_nodes
from amalthea.engine.passes.simplify import simplify
from amalthea.errors import AmaltheaError, ModelFileError
from amalthea.saving import load_model
from tests.arrays import integers, numbers
from tests.thinned import thinned

FILES = Path(__file__).parents[1] / "saving" / "keras_files" / "quantized"
STORED = sorted(path.stem for path in FILES.glob("*.keras"))


class Own(layers.Layer):
    """A user's layer, which knows nothing of quantization."""

    def build(self, input_shape):
        self.matrix = self.add_weight((input_shape[-1], 5), "glorot_uniform", name="matrix")

    def call(self, inputs):
        return ops.tanh(inputs @ self.matrix)


class OwnByOps(Own):
    """The same, whose eager product is ours whatever library made the inputs."""

    def call(self, inputs):
        return ops.tanh(ops.matmul(inputs, self.matrix))


class SelfAttention(layers.MultiHeadAttention):
    def build(self, input_shape):
        super().build(input_shape, input_shape)

    def call(self, inputs):
        return super().call(inputs, inputs)


CUSTOM = {"Own": Own, "OwnByOps": OwnByOps, "SelfAttention": SelfAttention}


def of(*stack, shape=(8,), dtype="float32"):
    return lambda: Sequential([layers.Input(shape, dtype=dtype), *(make() for make in stack)])


DENSE = of(lambda: layers.Dense(7, activation="relu"), lambda: layers.Dense(3))
MODELS = {
    "Dense": (DENSE, lambda: numbers(5, 8)),
    "EinsumDense": (
        of(lambda: layers.EinsumDense("abc,ced->abde", (4, 3, 5), bias_axes="de"), shape=(4, 8)),
        lambda: numbers(3, 4, 8),
    ),
    "Embedding": (of(lambda: layers.Embedding(11, 6), shape=(4,), dtype="int32"), lambda: integers(11, 3, 4)),
    "Conv2D": (of(lambda: layers.Conv2D(4, 3), shape=(6, 6, 2)), lambda: numbers(2, 6, 6, 2)),
    "LSTM": (of(lambda: layers.LSTM(4), shape=(5, 3)), lambda: numbers(2, 5, 3)),
    "attention": (of(lambda: SelfAttention(2, 3), shape=(5, 4)), lambda: numbers(2, 5, 4)),
    "Own": (of(Own), lambda: numbers(3, 8)),
}
SOME = thinned(list(MODELS), 4)
CONFIGS = {
    "int8": lambda: quantizers.Int8QuantizationConfig(),
    "int4": lambda: quantizers.Int4QuantizationConfig(block_size=-1),
    "groups": lambda: quantizers.Int4QuantizationConfig(block_size=3),
    "range": lambda: quantizers.Int8QuantizationConfig(quantizers.AbsMaxQuantizer(value_range=(-100, 100))),
}


def everything(layer):
    return True


def predicted(model, x):
    return model.predict(x, verbose=0)


def steps(model):
    """The largest distance of two neighbours among the values that quantized weights can have."""
    found = [v for layer in model._flatten_layers() for v in layer._tracked(quantizers.variables.QuantizedVariable)]
    return [(v, v.numpy()) for v in found]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("name", SOME)
def test_every_layer_computes_with_its_quantized_kernel(name, config):
    make, data = MODELS[name]
    model, x = make(), data()
    before = {v.path: v.numpy() for v in model.weights}
    y = predicted(model, x)
    model.quantize(config=CONFIGS[config](), filters=everything)
    quantized = steps(model)
    assert quantized
    for variable, value in quantized:
        levels = {"int8": 127, "range": 100}.get(config, 7)
        span = np.abs(before[variable.path]).max() * (2 if config == "groups" else 1)
        assert 0 < np.abs(value - before[variable.path]).max() <= 0.51 * span / levels
    found = predicted(model, x)
    assert 0 < np.abs(found - y).max() < (0.05 if config in ("int8", "range") else 1.0) * max(1.0, np.abs(y).max())
    eager = np.asarray(ops.convert_to_numpy(model(x)))
    np.testing.assert_allclose(eager, found, 1e-5, 1e-5)


@pytest.mark.parametrize("config", ["int8", "int4", "groups"])
@pytest.mark.parametrize("name", SOME)
def test_files_hold_the_integers(name, config, tmp_path):
    make, data = MODELS[name]
    model, x = make(), data()
    model.quantize(config=CONFIGS[config](), filters=everything)
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras", custom_objects=CUSTOM)
    assert [(v.name, v.dtype, v.shape) for v in again.weights] == [(v.name, v.dtype, v.shape) for v in model.weights]
    assert [x.dtype_policy for x in again.layers] == [x.dtype_policy for x in model.layers]
    np.testing.assert_array_equal(predicted(again, x), predicted(model, x))


@pytest.mark.parametrize("stem", STORED)
def test_files_of_keras_predict_what_keras_predicted(stem):
    model = load_model(FILES / f"{stem}.keras")
    x, y = (np.load(FILES / f"{stem}.{which}0.npy") for which in "xy")
    np.testing.assert_allclose(predicted(model, x), y, 1e-5, 1e-6)


PRODUCTS = {
    "Dense": of(lambda: layers.Dense(7)),
    "EinsumDense": of(lambda: layers.EinsumDense("abc,ced->adbe", (3, 4, 5)), shape=(4, 8)),
    "two axes": of(lambda: layers.EinsumDense("abc,bcd->ad", 5), shape=(4, 8)),
    "pointwise": of(lambda: layers.Conv2D(5, 1, use_bias=False), shape=(4, 3, 8)),
    "channels_first": of(lambda: layers.Conv1D(5, 1, data_format="channels_first"), shape=(8, 3)),
    "Own": of(OwnByOps),
}


def in_floats(model):
    """The same model with inputs that are not quantized."""
    config = quantizers.Int8QuantizationConfig(activation_quantizer=None)
    same = model.__class__.from_config(model.get_config(), custom_objects=CUSTOM)
    same.set_weights(model.get_weights())
    same.quantize(config=config, filters=everything)
    return same


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_with_bytes_are_summed_in_integers(name):
    model = PRODUCTS[name]()
    x = numbers(6, *model.input_shape[1:])
    floats = in_floats(model)
    model.quantize("int8", filters=everything)
    graph, _ = transforms.capture(model, ((x,), {}))
    names = [node.primitive.name for node in all_nodes(simplify(graph))]
    assert names.count("integer_matmul") == 1 and not {"matmul", "conv"} & {*names}
    exact, found = predicted(floats, x), predicted(model, x)
    assert 0 < np.abs(found - exact).max() < 0.02 * np.abs(exact).max()
    np.testing.assert_allclose(ops.convert_to_numpy(model(x)), found, 1e-5, 1e-5)
    assert tuple(model(x[:0]).shape) == (0, *found.shape[1:])


def test_inputs_have_a_scale_for_each_row():
    layer = layers.Dense(2, use_bias=False)
    layer.build((None, 2))
    layer.set_weights([np.float32([[1, -2], [0.25, 2]])])
    layer.quantize("int8")
    x = np.float32([[1, 0.25], [1000, -1]])
    codes = np.round(x * 127 / np.abs(x).max(1, keepdims=True))
    kernel = np.float32([[127, -127], [32, 127]])
    scales = np.abs(x).max(1, keepdims=True) / 127 * np.float32([1, 2]) / 127
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), codes @ kernel * scales, 1e-5)


@pytest.mark.parametrize("name", PRODUCTS)
def test_gradients_go_through_the_rounding_of_inputs(name):
    model = PRODUCTS[name]()
    x = numbers(6, *model.input_shape[1:])
    floats = in_floats(model)
    model.quantize("int8", filters=everything)
    weight = numbers(*model(x).shape)
    found, exact = (amalthea.grad(lambda x, m=m: ops.sum(m(x) * weight))(x) for m in (model, floats))
    np.testing.assert_allclose(found, exact, 0.05, 0.05)  # tanh of Own sees other values


def test_integers_take_a_quarter_and_an_eighth_of_the_bytes():
    sizes = {}
    for mode in (None, "int8", "int4"):
        layer = layers.Dense(256, use_bias=False)
        layer.build((None, 1024))
        if mode:
            layer.quantize(mode)
        sizes[mode] = sum(v.numpy().nbytes for v in layer.weights)
    assert sizes[None] / sizes["int8"] > 3.9 and sizes[None] / sizes["int4"] > 6.5


ADAPTED = thinned(["Dense", "EinsumDense", "Embedding", "Conv2D"], 4)


@pytest.mark.parametrize("quantized", [None, "int8", "groups"])
@pytest.mark.parametrize("name", ADAPTED)
def test_adapters_alone_are_trained(name, quantized, tmp_path):
    make, data = MODELS[name]
    model, x = make(), data()
    if quantized:
        model.quantize(config=CONFIGS[quantized](), filters=everything)
    y = predicted(model, x)
    for layer in model.layers:
        layer.enable_lora(2, lora_alpha=3.0)
    np.testing.assert_allclose(predicted(model, x), y, 1e-6, 1e-6)
    frozen = {v.path: v.numpy() for v in model.non_trainable_weights}
    model.compile("adam", "mse")
    losses = model.fit(x, y + 1, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert all("lora" in v.name or v.name == "bias" for v in model.trainable_weights)
    for v in model.non_trainable_weights:
        np.testing.assert_array_equal(v.numpy(), frozen[v.path])
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    assert again.layers[0].lora_rank == 2 and again.layers[0].lora_alpha == 3.0
    bound = 1e-5 if not quantized else 0.05 if quantized == "int8" else 1.0
    np.testing.assert_allclose(predicted(again, x), predicted(model, x), bound, bound)


def test_a_loaded_adapter_can_be_trained(tmp_path):
    model = DENSE()
    model.layers[1].enable_lora(2)
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    assert again.layers[1].lora_rank == 2 and np.abs(again.layers[1].lora_kernel_a.numpy()).min() > 0
    again.compile("sgd", "mse")
    again.fit(numbers(5, 8), numbers(5, 3), verbose=0)
    assert np.abs(again.layers[1].lora_kernel_b.numpy()).max() > 0


def test_the_product_has_its_factor():
    layer = layers.Dense(3, use_bias=False, lora_rank=2, lora_alpha=5.0)
    layer.build((None, 4))
    kernel = layer.kernel.numpy()
    layer.lora_kernel_b.assign(numbers(2, 3))
    wanted = kernel + 5.0 / 2 * layer.lora_kernel_a.numpy() @ layer.lora_kernel_b.numpy()
    np.testing.assert_allclose(layer.kernel.numpy(), wanted, 1e-5, 1e-5)
    assert layer.get_config()["lora_rank"] == 2 and layer.get_config()["lora_alpha"] == 5.0


def test_a_quantized_policy_quantizes_at_build():
    for name in ("int8_from_float32", "int4/4_from_float32", "int4_from_float32", "int8_from_mixed_bfloat16"):
        layer = layers.Dense(3, dtype=name)
        layer.build((None, 8))
        assert {v.name: v.dtype for v in layer.weights}["kernel"] == "int8"
        assert layer.dtype_policy.name == name.replace("int4_", "int4/-1_")


def test_kernels_are_read_in_the_compute_dtype():
    layer = layers.Dense(3, dtype="mixed_bfloat16")
    layer.build((None, 8))
    layer.quantize("int8")
    assert amalthea.backend.standardize_dtype(layer(numbers(2, 8)).dtype) == "bfloat16"
    assert layer.kernel.dtype == "float32"


def test_a_quantized_kernel_takes_values():
    layer = layers.Dense(3)
    layer.build((None, 4))
    layer.quantize("int8")
    value = numbers(4, 3)
    layer.kernel.assign(value)
    np.testing.assert_allclose(layer.kernel.numpy(), value, atol=np.abs(value).max() / 200)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "pickle"])
def test_copies_do_not_share_variables(duplicate):
    layer = layers.Dense(3)
    layer.build((None, 4))
    layer.quantize("int8")
    again = duplicate(layer)
    again.kernel.assign(np.zeros((4, 3)))
    assert np.abs(layer.kernel.numpy()).max() > 0 and np.abs(again.kernel.numpy()).max() == 0


def test_filters_choose_layers():
    def model():
        return Sequential(
            [layers.Input((8,)), layers.Dense(4, name="one"), Own(name="two"), layers.Dense(2, name="ten")]
        )

    chosen = {
        "none": (None, ["one", "ten"]),
        "name": ("^t", ["two", "ten"]),
        "list": (["one", "two"], ["one", "two"]),
        "function": (lambda layer: layer.name == "two", ["two"]),
    }
    for filters, names in chosen.values():
        found = model()
        found.quantize("int8", filters=filters)
        assert [layer.name for layer in found.layers if layer.quantization_mode] == names


def test_layers_inside_layers_are_quantized():
    class Around(Model):
        def __init__(self):
            super().__init__()
            self.attention = layers.MultiHeadAttention(2, 3)
            self.head = layers.Dense(2)

        def call(self, inputs):
            return self.head(self.attention(inputs, inputs))

    model, x = Around(), numbers(2, 4, 6)
    y = np.asarray(ops.convert_to_numpy(model(x)))
    model.quantize("int8")
    assert sum(v.dtype == "int8" for v in model.weights) == 5
    assert 0 < np.abs(np.asarray(ops.convert_to_numpy(model(x))) - y).max() < 0.05


def test_a_model_without_kernels_warns():
    model = Sequential([layers.Input((3,)), layers.ReLU()])
    with pytest.warns(UserWarning, match="no layer to quantize"):
        model.quantize("int8")


def built(**kwargs):
    layer = layers.Dense(3, **kwargs)
    layer.build((None, 4))
    return layer


def twice(first, second):
    layer = built()
    first(layer)
    second(layer)


MISTAKES = {
    "not built": lambda: layers.Dense(3).quantize("int8"),
    "not built model": lambda: Sequential([layers.Dense(3)]).quantize("int8"),
    "mode": lambda: built().quantize("int7"),
    "no mode": lambda: built().quantize(),
    "gptq": lambda: built().quantize("gptq"),
    "gptq with config": lambda: DENSE().quantize(config=quantizers.GPTQConfig(None, None)),
    "awq": lambda: built().quantize("awq"),
    "gptq of a layer": lambda: built().quantize("gptq", config=quantizers.GPTQConfig([[1]], None)),
    "awq of a built layer": lambda: layers.Dense(3).quantized_build((None, 4), "awq"),
    "float8 with an adapter": lambda: twice(lambda x: x.quantize("float8"), lambda x: x.enable_lora(2)),
    "contradiction": lambda: built().quantize("int8", config=quantizers.Int4QuantizationConfig()),
    "config of another class": lambda: built().quantize("int8", config=3),
    "float16": lambda: built(dtype="mixed_float16").quantize("int8"),
    "twice": lambda: twice(lambda x: x.quantize("int8"), lambda x: x.quantize("int4")),
    "after adapter": lambda: twice(lambda x: x.enable_lora(2), lambda x: x.quantize("int8")),
    "two adapters": lambda: twice(lambda x: x.enable_lora(2), lambda x: x.enable_lora(2)),
    "no kernel": lambda: layers.BatchNormalization().quantize("int8"),
    "call of floats": lambda: built().quantized_call(numbers(2, 4)),
    "rank": lambda: built().enable_lora(0),
    "alpha": lambda: built().enable_lora(2, lora_alpha=float("nan")),
    "initializer": lambda: built().enable_lora(2, a_initializer="he_uniformly"),
    "constraint": lambda: built(kernel_constraint="non_neg").enable_lora(2),
    "rank at start": lambda: layers.Dense(3, lora_rank=1.5),
    "not built adapter": lambda: layers.Dense(3).enable_lora(2),
    "assigned": lambda: twice(lambda x: x.enable_lora(2), lambda x: x.kernel.assign(numbers(4, 3))),
    "argument": lambda: DENSE().quantize("int8", unheard_of=1),
    "filters": lambda: DENSE().quantize("int8", filters=3),
    "pattern": lambda: DENSE().quantize("int8", filters="("),
    "quantized model": lambda: [model.quantize("int8") for model in [DENSE()] * 2],
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_told_in_words(mistake):
    with pytest.raises(AmaltheaError):
        mistake()


def test_a_refusal_changes_nothing():
    layer = built(dtype="mixed_float16")
    before = (layer.dtype_policy, [(v.name, v.dtype) for v in layer.weights])
    for wrong in (lambda: layer.quantize("int8"), lambda: layer.enable_lora(2, b_initializer="zeroes")):
        with pytest.raises(AmaltheaError):
            wrong()
        assert before == (layer.dtype_policy, [(v.name, v.dtype) for v in layer.weights])


def test_weights_of_floats_do_not_fit_a_quantized_layer():
    layer, store = built(), {}
    layer.save_own_variables(store)
    layer.quantize("int8")
    with pytest.raises(ModelFileError):
        layer.load_own_variables({k: v.numpy() for k, v in store.items()})
