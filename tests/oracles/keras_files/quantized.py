"""Model files that real Keras 3.15.1 quantized by GPTQ, AWQ and float8, in tests/saving/keras_files/quantized.

    KERAS_BACKEND=jax python tests/oracles/keras_files/quantized.py

Keras 3.15.1 leaves the zero points of GPTQ and AWQ out of its files, which it then cannot read itself.
``gptq_symmetric`` is such a file, whose zero points are known all the same; for the others, the method that loses them
is mended here.
"""

import os
import warnings
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from keras import Input, Model, Sequential, layers, quantizers

FOLDER = Path(__file__).parents[2] / "saving" / "keras_files" / "quantized"


class Letters:
    """A tokenizer of letters."""

    def tokenize(self, text):
        return np.array([ord(letter) % 30 for letter in text])


def with_zero_points(kind):
    before = kind._get_kernel_with_merged_lora

    def mended(layer):
        if layer.dtype_policy.quantization_mode in ("gptq", "awq"):
            return layer.kernel, None, layer.kernel_zero
        return before(layer)

    return before, mended


def save(name, model, x, mend=True):
    kinds = [(kind, *with_zero_points(kind)) for kind in (layers.Dense, layers.EinsumDense)] if mend else []
    for kind, _, mended in kinds:
        kind._get_kernel_with_merged_lora = mended
    model.save(FOLDER / f"{name}.keras")
    for kind, before, _ in kinds:
        kind._get_kernel_with_merged_lora = before
    np.save(FOLDER / f"{name}.x0.npy", x)
    np.save(FOLDER / f"{name}.y0.npy", model.predict(x, verbose=0))


def calibrate(model, make, **options):
    """Quantizes all layers after the embedding."""
    config = make(["the horn of plenty is full of fruit"], Letters(), num_samples=8, sequence_length=6, **options)
    config.quantization_layer_structure = {"pre_block_layers": model.layers[:1], "sequential_blocks": model.layers[1:]}
    model.quantize(config=config, filters=lambda layer: not isinstance(layer, layers.Embedding))
    config.quantization_layer_structure = None  # otherwise, saving does not end


def dense_layers():
    return Sequential(
        [
            Input((6,), dtype="int32"),
            layers.Embedding(30, 12),
            layers.Dense(9, activation="tanh"),
            layers.EinsumDense("abc,cd->abd", (None, 8), bias_axes="d"),
            layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de"),
        ]
    )


def attention():
    x = Input((6, 12))
    block = Model(x, layers.Add()([x, layers.MultiHeadAttention(2, 5)(x, x)]))
    return Sequential([Input((6,), dtype="int32"), layers.Embedding(30, 12), block, layers.Dense(5, use_bias=False)])


def calibrated(name, make_model, make, mend=True, **options):
    keras.utils.set_random_seed(3)
    model = make_model()
    for variable in model.weights:
        if "bias" in variable.name:
            variable.assign(np.linspace(-1, 1, int(np.prod(variable.shape))).reshape(variable.shape))
    calibrate(model, make, **options)
    save(name, model, np.random.default_rng(4).integers(0, 30, (4, 6)), mend)


def float8():
    """A model as it was quantized, and after four steps; without a bias, which Keras rounds to bfloat16."""
    keras.utils.set_random_seed(5)
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(8, 3, 6)).astype("float32"), rng.normal(size=(8, 3, 4)).astype("float32")
    einsum = layers.EinsumDense("abc,cde->abde", (None, 2, 5), activation="tanh")
    model = Sequential([Input((3, 6)), einsum, layers.Reshape((3, 10)), layers.Dense(4, use_bias=False)])
    for layer in (model.layers[0], model.layers[2]):
        layer.quantize("float8")
    model.compile(keras.optimizers.SGD(0.1), "mse")
    save("float8_start", model, x)
    losses = [model.train_on_batch(x, y) for _ in range(4)]
    save("float8", model, x)
    np.savez(FOLDER / "float8_training.npz", y=y, losses=np.array(losses, "float32").reshape(-1))


warnings.simplefilter("ignore")
calibrated("gptq", dense_layers, quantizers.GPTQConfig, group_size=5)
calibrated(
    "gptq_symmetric", dense_layers, quantizers.GPTQConfig, mend=False, symmetric=True, activation_order=True,
    group_size=4, weight_bits=8,
)  # fmt: skip
calibrated("gptq_attention", attention, quantizers.GPTQConfig, group_size=4)
calibrated("awq", dense_layers, quantizers.AWQConfig, group_size=4)
calibrated("awq_attention", attention, quantizers.AWQConfig, group_size=-1)
float8()
