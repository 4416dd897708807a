"""Writes what index.html needs to train a network on handwritten digits in the browser.

    python examples/browser/make.py FOLDER     # then: cd FOLDER; npm install onnxruntime-web; python -m http.server

The folder gets index.html, the training step of a small convnet (step.onnx, predict.onnx, step.json,
state.safetensors), and 4,000 digits as bytes. No line of Python runs in the page.
"""

import shutil
import sys
from pathlib import Path

import numpy as np

from amalthea import Sequential, export, layers, utils
from amalthea.datasets import digits

ROWS, BATCH = 4000, 32


def main(folder):
    utils.set_random_seed(0)
    (x, y), _ = digits.load_data()
    model = Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 5, strides=2, activation="relu"),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    images = x[:ROWS].astype("float32")[..., None]
    export.export_training(model, folder, images[:BATCH], y[:BATCH].astype("int32"))
    Path(folder, "images.bin").write_bytes(x[:ROWS].astype("uint8").tobytes())
    Path(folder, "labels.bin").write_bytes(np.asarray(y[:ROWS], "uint8").tobytes())
    shutil.copy(Path(__file__).with_name("index.html"), folder)
    shutil.copy(Path(__file__).with_name("training.mjs"), folder)


if __name__ == "__main__":
    main(sys.argv[1])
