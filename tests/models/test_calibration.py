"""Quantization of models by GPTQ, AWQ and float8: blocks, data, files, training, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import amalthea
from amalthea import Model, Sequential, layers, ops, optimizers, quantizers
from amalthea.errors import AmaltheaError, ModelFileError
from amalthea.models import clone_model
from amalthea.models.calibration import _examples
from amalthea.saving import load_model
from tests.arrays import integers, numbers
from tests.thinned import thinned

FILES = Path(__file__).parents[1] / "saving" / "keras_files" / "quantized"


class Own(layers.Layer):
    """A user's layer, which knows nothing of quantization."""

    def build(self, input_shape):
        self.matrix = self.add_weight((input_shape[-1], 6), "glorot_uniform", name="matrix")

    def call(self, inputs):
        return ops.tanh(inputs @ self.matrix)


def stacked(*stack, shape=(8,), dtype="float32"):
    return Sequential([layers.Input(shape, dtype=dtype), *stack])


def attending():
    x = layers.Input((4, 8))
    y = layers.Add()([x, layers.MultiHeadAttention(2, 3)(x, x)])
    return Model(x, layers.Dense(5)(y))


MODELS = {
    "Dense": lambda: stacked(layers.Dense(9, activation="relu"), layers.Dense(1)),
    "EinsumDense": lambda: stacked(
        layers.EinsumDense("abc,cde->abde", (None, 3, 5), bias_axes="e"),
        layers.EinsumDense("abde,def->abf", (None, 6)),
        shape=(4, 8),
    ),
    "odd axes": lambda: stacked(layers.EinsumDense("abc,ecd->abde", (None, 5, 3)), shape=(4, 8)),
    "attention": attending,
    "Own": lambda: stacked(Own(), layers.Dense(3)),
    "pointwise": lambda: stacked(layers.Conv2D(5, 1), shape=(3, 3, 8)),
    "half": lambda: stacked(layers.Dense(9, dtype="mixed_bfloat16")),
}
CONFIGS = {
    "gptq": lambda x: quantizers.GPTQConfig(x, None, group_size=3),
    "gptq, 8 bits in order": lambda x: quantizers.GPTQConfig(x, None, weight_bits=8, activation_order=True),
    "gptq, symmetric": lambda x: quantizers.GPTQConfig(x, None, symmetric=True, group_size=-1),
    "awq": lambda x: quantizers.AWQConfig(x, None, group_size=3),
}
CUSTOM = {"Own": Own}


def predicted(model, x):
    return model.predict(x, verbose=0)


def everything(layer):
    return True


def data_for(model, rows=40):
    """Inputs of very different magnitudes, which depend on each other."""
    size = model.input_shape[-1]
    return (numbers(rows, *model.input_shape[1:]) @ (numbers(size, size) * np.exp(numbers(size)))).astype("float32")


@pytest.mark.parametrize("config", thinned(list(CONFIGS), 3))
@pytest.mark.parametrize("name", thinned(list(MODELS), 6))
def test_quantized_models_compute_nearly_the_same_and_their_files_too(name, config, tmp_path):
    model = MODELS[name]()
    x = data_for(model)
    y = predicted(model, x)
    model.quantize(config=CONFIGS[config](x), filters=everything)
    mode = config.partition(",")[0]
    assert {layer.quantization_mode for layer in model._flatten_layers() if layer._is_adapted} == {mode}
    assert sum(v.dtype == "uint8" for v in model.weights) >= 2
    found = predicted(model, x)
    assert 0 < np.abs(found - y).mean() < (0.02 if "8 bits" in config else 0.3) * np.abs(y).mean()
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras", custom_objects=CUSTOM)
    assert [(v.name, v.dtype, v.shape) for v in again.weights] == [(v.name, v.dtype, v.shape) for v in model.weights]
    np.testing.assert_array_equal(predicted(again, x), found)


@pytest.mark.parametrize("config", ["gptq", "awq"])
def test_the_first_layer_changes_its_outputs_less_than_by_rounding(config):
    model = stacked(layers.Dense(16), shape=(12,))
    x = data_for(model, 100)
    y, errors = predicted(model, x), {}
    for name, data in {"calibrated": x, "rounded": None}.items():
        same = clone_model(model)
        same.set_weights(model.get_weights())
        if data is None:
            same.layers[0]._quantize(CONFIGS[config](x))
        else:
            same.quantize(config=CONFIGS[config](data))
        errors[name] = np.linalg.norm(predicted(same, x) - y)
    assert 0 < errors["calibrated"] < errors["rounded"]


def test_later_blocks_see_the_outputs_of_quantized_ones():
    model = stacked(layers.Dense(6, name="first"), layers.Dense(6, name="second"))
    x = data_for(model)
    together, apart = (clone_model(model) for _ in range(2))
    for same in (together, apart):
        same.set_weights(model.get_weights())
    config = quantizers.GPTQConfig(x, None, weight_bits=2)
    together.quantize(config=config)
    apart.quantize(config=config, filters="first")
    config = quantizers.GPTQConfig(predicted(Model(apart.inputs, apart.layers[0].output), x), None, weight_bits=2)
    config.quantization_layer_structure = {"sequential_blocks": [apart.layers[1]]}
    apart.quantize(config=config, filters="second")
    for one, other in zip(together.weights, apart.weights):
        np.testing.assert_allclose(one.numpy(), other.numpy(), 1e-5, 1e-5)


TEXTS = ["the horn of plenty", "is full of fruit"]


class Letters:
    """A tokenizer as Keras's: an object with ``tokenize``."""

    def tokenize(self, text):
        return np.array([ord(letter) % 30 for letter in text])


DATA = {
    "texts": (TEXTS, Letters()),
    "texts and a function": (TEXTS, lambda text: [ord(letter) % 30 for letter in text]),
    "tokens": ([integers(30, 5), integers(30, 2, 9)], None),
    "few tokens": ([[1, 2]], None),
    "a generator": ((integers(30, 7, seed=i) for i in range(3)), None),
}


@pytest.mark.parametrize("name", DATA)
def test_calibration_data_of_tokens(name):
    model = stacked(layers.Embedding(30, 8), layers.Dense(5), layers.Dense(3), shape=(6,), dtype="int32")
    dataset, tokenizer = DATA[name]
    config = quantizers.GPTQConfig(dataset, tokenizer, num_samples=20, sequence_length=6)
    config.quantization_layer_structure = {
        "pre_block_layers": model.layers[:1],
        "sequential_blocks": [model.layers[1]],
    }
    model.quantize("gptq", config=config)
    assert [layer.quantization_mode for layer in model.layers] == [None, "gptq", None], "one layer is in no block"
    assert model.layers[1].get_config()["quantization_config"]["config"]["quantization_layer_structure"] is None


def test_windows_of_tokens_are_spread_over_all_of_them():
    config = quantizers.GPTQConfig([np.arange(70), np.arange(70, 100)], None, num_samples=5, sequence_length=4)
    found = _examples(config)
    assert found.dtype == "int32" and found.tolist() == [list(range(start, start + 4)) for start in (0, 19, 38, 57, 76)]
    config = quantizers.GPTQConfig([np.arange(3)], None, num_samples=2, sequence_length=5)
    assert _examples(config).tolist() == [[0, 1, 2, 0, 1], [1, 2, 0, 1, 2]]


class WithStructure(Sequential):
    def get_quantization_layer_structure(self, mode=None):
        return {"pre_block_layers": self.layers[:1], "sequential_blocks": self.layers[1:]}


def test_a_model_names_its_blocks_itself():
    model = WithStructure([layers.Input((8,)), layers.Dense(6), layers.Dense(3)])
    model.quantize(config=quantizers.AWQConfig(data_for(model), None))
    assert [layer.quantization_mode for layer in model.layers] == [None, "awq"]


def test_kernels_that_meet_no_inputs_are_left_with_a_warning():
    model = stacked(layers.Conv1D(4, 3), layers.Dense(3, name="seen"), shape=(6, 8))
    with pytest.warns(UserWarning, match="conv1d"):
        model.quantize(config=quantizers.GPTQConfig(numbers(9, 6, 8), None), filters=everything)
    assert [layer.quantization_mode for layer in model.layers] == [None, "gptq"]


def singular():
    model = stacked(layers.Dense(6), layers.Dense(4))
    model.layers[1].kernel.assign(np.full((6, 4), np.nan))
    return model, quantizers.GPTQConfig(np.ones((5, 8), "float32"), None, hessian_damping=0.0)


def with_data(data, tokenizer=None, model="Dense"):
    return lambda: (MODELS[model](), quantizers.GPTQConfig(data, tokenizer))


def with_structure(structure):
    def made():
        model = MODELS["Dense"]()
        config = quantizers.GPTQConfig(data_for(model), None, quantization_layer_structure=structure)
        return model, config

    return made


MISTAKES = {
    "singular": singular,
    "not finite in a later block": lambda: (
        stacked(layers.Dense(6), layers.Lambda(lambda x: x / 0.0), layers.Dense(4)),
        quantizers.GPTQConfig(numbers(5, 8), None),
    ),
    "no data": with_data(None),
    "empty": with_data([]),
    "one text": with_data("text"),
    "a number": with_data(3),
    "no tokenizer": with_data(TEXTS),
    "tokens that are floats": with_data(TEXTS, lambda text: [0.5]),
    "no tokens": with_data([""], lambda text: []),
    "texts and numbers": with_data(["text", 3], list),
    "different shapes": with_data([np.ones(3), np.ones(4)]),
    "ragged": with_data([[[1, 2], [3]]]),
    "not an array": with_data([object()]),
    "complex": with_data([np.ones(8, "complex64")]),
    "features": with_data(numbers(5, 7)),
    "structure": with_structure({"blocks": []}),
    "structure of names": with_structure({"sequential_blocks": ["dense"]}),
    "structure in a list": with_structure([1]),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_an_error_in_calibration_changes_nothing(mistake):
    model, config = mistake()
    before = [(v, v.dtype) for v in model.weights]
    with pytest.raises(AmaltheaError):
        model.quantize(config=config)
    assert [layer.dtype_policy.name for layer in model.layers] == ["float32"] * len(model.layers)
    assert all(v is old and v.dtype == dtype for v, (old, dtype) in zip(model.weights, before))
    assert len(model.weights) == len(before)


def test_a_layer_of_a_calibrated_policy_begins_with_rounded_weights():
    for policy in ("gptq/4/3_from_float32", "gptq/8/-1_from_float32", "awq/4/3_from_mixed_bfloat16"):
        layer = layers.Dense(5, dtype=policy)
        layer.build((None, 8))
        assert layer.dtype_policy.name == policy and layer.quantized_kernel.dtype == "uint8"
        value = numbers(8, 5)
        layer.kernel.assign(value)
        np.testing.assert_allclose(layer.kernel.numpy(), value, atol=np.ptp(value) / 15 * 0.51)


def test_adapters_go_with_calibrated_kernels(tmp_path):
    model = MODELS["Dense"]()
    x = data_for(model)
    model.quantize(config=CONFIGS["gptq"](x))
    y = predicted(model, x)
    model.layers[0].enable_lora(2)
    model.compile("adam", "mse")
    losses = model.fit(x, y + 1, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    again = predicted(load_model(tmp_path / "model.keras"), x)
    assert np.abs(again - predicted(model, x)).mean() < 0.3 * np.abs(y).mean()


# ------------------------------------------------------------------------------------------ files of Keras


def stored(name):
    return load_model(FILES / f"{name}.keras"), np.load(FILES / f"{name}.x0.npy"), np.load(FILES / f"{name}.y0.npy")


def test_zero_points_that_keras_left_out_are_known_of_symmetric_ranges_alone():
    model, x, y = stored("gptq_symmetric")
    np.testing.assert_allclose(predicted(model, x), y, 1e-5, 1e-6)
    layer, store = stored("gptq")[0].layers[1], {}
    layer.save_own_variables(store)
    values = [ops.convert_to_numpy(store[str(i)]) for i in range(len(store))]
    without = [value for i, value in enumerate(values) if i != 3]
    before = [v.numpy() for v in layer.weights]
    with pytest.raises(ModelFileError, match="zero points"):
        layer.load_own_variables({str(i): value for i, value in enumerate(without)})
    for variable, value in zip(layer.weights, before):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_training_in_float8_is_that_of_keras():
    model, x, _ = stored("float8_start")
    after, _, _ = stored("float8")
    training = np.load(FILES / "float8_training.npz")
    model.compile(optimizers.SGD(0.1), "mse")
    losses = [float(np.asarray(model.train_on_batch(x, training["y"]))) for _ in range(4)]
    np.testing.assert_allclose(losses, training["losses"], 1e-5)
    assert [v.name for v in model.weights] == [v.name for v in after.weights]
    for found, wanted in zip(model.weights, after.weights):
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), 1e-5, 1e-6)


@pytest.mark.parametrize("name", thinned(["EinsumDense", "attention", "Own", "half"], 3))
def test_every_layer_trains_in_float8(name, tmp_path):
    model = MODELS[name]()
    x = numbers(16, *model.input_shape[1:])
    y = predicted(model, x) * 0.5
    model.quantize("float8", filters=everything)
    model.compile(optimizers.SGD(0.05), "mse")
    losses = model.fit(x, y, epochs=12, batch_size=8, verbose=0).history["loss"]
    assert losses[-1] < 0.9 * losses[0]
    for layer in model._flatten_layers():
        for v in layer._own_variables():
            if v.name.endswith("inputs_scale"):
                assert 0 < float(v) < 1, "the scale follows the largest inputs"
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras", custom_objects=CUSTOM)
    np.testing.assert_array_equal(predicted(again, x), predicted(model, x))


def test_float8_rounds_inputs_weights_and_cotangents():
    layer = layers.Dense(3, use_bias=False)
    layer.build((None, 4))
    kernel, x, weight = numbers(4, 3), numbers(5, 4), numbers(5, 3)
    layer.kernel.assign(kernel)
    layer.quantize("float8")
    rounded = {kind: lambda v, kind=kind: ops.convert_to_numpy(
        quantizers.quantize_and_dequantize(v, 1.0, kind, "float32")
    ) for kind in ("float8_e4m3fn", "float8_e5m2")}  # fmt: skip
    a, b, g = rounded["float8_e4m3fn"](x), rounded["float8_e4m3fn"](kernel), rounded["float8_e5m2"](weight)
    np.testing.assert_allclose(predicted(Sequential([layers.Input((4,)), layer]), x), a @ b, 1e-5, 1e-6)
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)
    by_x = amalthea.grad(lambda x: ops.sum(layer(x) * weight))(x)
    np.testing.assert_allclose(by_x, g @ b.T, 1e-5, 1e-6)


STEPS = [
    "sgd",
    lambda: optimizers.LossScaleOptimizer("adam"),
    lambda: optimizers.Adam(gradient_accumulation_steps=2),
    "adafactor",
    "muon",
]


@pytest.mark.parametrize("optimizer", thinned(STEPS, 4, 1))
def test_scales_of_float8_do_not_depend_on_the_optimizer(optimizer):
    model = MODELS["Dense"]()
    x = numbers(8, 8)
    model.quantize("float8")
    model.compile(optimizer() if callable(optimizer) else optimizer, "mse")
    for _ in range(3):
        model.train_on_batch(x, numbers(8, 1))
    found = model.layers[0].inputs_scale.numpy(), model.layers[0].inputs_amax_history.numpy()
    np.testing.assert_allclose(found[0], np.abs(x).max() / 448, 1e-6)
    assert np.count_nonzero(found[1]) == 3


def test_the_length_of_histories_is_that_of_the_policy():
    layer = layers.Dense(2, dtype=amalthea.dtype_policies.QuantizedFloat8DTypePolicy("float8", "float32", 7))
    layer.build((None, 3))
    assert layer.inputs_amax_history.shape == (7,)
    again = layers.Dense.from_config(layer.get_config())
    again.build((None, 3))
    assert again.kernel_amax_history.shape == (7,)


def test_an_adapter_does_not_go_with_float8():
    layer = layers.Dense(2, dtype="float8_from_float32")
    layer.build((None, 3))
    with pytest.raises(AmaltheaError):
        layer.enable_lora(2)


# ----------------------------------------------------------------------------------------- compiled models

OPTIMIZERS = {
    "adam": lambda: "adam",
    "momentum": lambda: optimizers.SGD(0.01, momentum=0.9),
    "averages": lambda: optimizers.Adam(use_ema=True, gradient_accumulation_steps=2),
    "nadam": lambda: "nadam",
    "adafactor": lambda: "adafactor",
    "muon": lambda: "muon",
    "scaled loss": lambda: optimizers.LossScaleOptimizer("adam"),
}
CHANGES = {
    "int8": lambda model, x: model.quantize("int8"),
    "float8": lambda model, x: model.quantize("float8"),
    "awq": lambda model, x: model.quantize(config=CONFIGS["awq"](x)),
    "adapters": lambda model, x: [layer.enable_lora(2) for layer in model.layers],
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("change", thinned(list(CHANGES), 3))
@pytest.mark.parametrize("optimizer", thinned(list(OPTIMIZERS), 6))
def test_compiled_models_are_saved_and_trained_on_after_quantization(optimizer, change, tmp_path):
    model = MODELS["Dense"]()
    x, y = numbers(12, 8), numbers(12, 1)
    model.compile(OPTIMIZERS[optimizer](), "mse")
    model.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0)
    updates = int(np.asarray(model.optimizer.iterations))
    CHANGES[change](model, x)
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    for found, wanted in zip(again.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(found.numpy(), wanted.numpy())
    assert int(np.asarray(model.optimizer.iterations)) == updates
    before = [v.numpy() for v in model.trainable_weights]
    losses = [
        each.fit(x, y, epochs=3, batch_size=4, shuffle=False, verbose=0).history["loss"] for each in (model, again)
    ]
    for variable, old in zip(model.trainable_weights, before):
        assert np.abs(variable.numpy() - old).max() > 0
    if change != "adapters":  # files hold their sum with the kernel
        np.testing.assert_allclose(losses[0], losses[1], 1e-5)


def test_slots_of_variables_that_remain_keep_their_values():
    model = MODELS["Dense"]()
    model.compile("adam", "mse")
    model.fit(numbers(12, 8), numbers(12, 1), verbose=0)
    bias = model.layers[0].bias
    before = [model.optimizer._slot(name, bias).numpy() for name in ("momentum", "velocity")]
    model.quantize("int8")
    after = [model.optimizer._slot(name, bias).numpy() for name in ("momentum", "velocity")]
    assert np.abs(before[0]).max() > 0
    np.testing.assert_array_equal(before, after)
    assert len(model.optimizer.variables) == 2 + 2 * len(model.trainable_weights)


def test_several_optimizers_follow_too():
    inside = [optimizers.SGD(0.01), optimizers.Adam(0.01)]
    model = MODELS["Dense"]()
    model.compile(optimizers.MultiOptimizer(lambda v: inside["kernel" in v.name]), "mse")
    model.fit(numbers(12, 8), numbers(12, 1), verbose=0)
    for layer in model.layers:
        layer.enable_lora(2)
    before = [v.numpy() for v in model.trainable_weights]
    model.fit(numbers(12, 8), numbers(12, 1), epochs=2, verbose=0)
    for variable, old in zip(model.trainable_weights, before):
        assert np.abs(variable.numpy() - old).max() > 0
    assert len(inside[1]._trainable_variables) == 4


def test_scales_of_float8_have_no_slots_as_in_keras():
    model = MODELS["Dense"]()
    model.compile("adam", "mse")
    model.quantize("float8")
    model.fit(numbers(12, 8), numbers(12, 1), verbose=0)
    assert len(model.trainable_weights) == 4 + 2 * 6
    assert len(model.optimizer.variables) == 2 + 2 * 4


def test_float8_of_a_layer_that_is_called_twice_keeps_the_largest_magnitude_of_both_calls():
    x = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    inputs, twice = layers.Input((4,)), layers.Dense(4, kernel_initializer="identity", use_bias=False)
    model = Model(inputs, layers.Rescaling(3.0)(twice(layers.Rescaling(5.0)(twice(inputs)))))
    model.quantize("float8")
    model.compile(optimizers.SGD(0.0), "mse")
    model.fit(x, np.zeros((6, 4), "float32"), batch_size=6, epochs=2, shuffle=False, verbose=0)
    largest = 5 * np.abs(x).max()
    history = ops.convert_to_numpy(twice.inputs_amax_history)
    np.testing.assert_allclose(history[history > 0], [largest] * 2, rtol=0.1)  # rounded to 3 bits on the way
    np.testing.assert_allclose(float(ops.convert_to_numpy(twice.inputs_scale)), largest / 448, rtol=0.1)


def test_the_blocks_of_a_subclass_of_sequential_are_its_layers():
    class Mine(Sequential):
        pass

    x = np.random.default_rng(0).normal(size=(32, 8)).astype("float32")
    found = []
    for kind in (Sequential, Mine):
        amalthea.utils.set_random_seed(1)
        model = kind([layers.Input((8,)), layers.Dense(8, activation="relu"), layers.Dense(8)])
        model.quantize(config=quantizers.GPTQConfig(list(x), None, group_size=8))
        found.append(model.predict(x, verbose=0))
    np.testing.assert_array_equal(*found)
