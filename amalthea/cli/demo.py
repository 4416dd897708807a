"""Train a small convolutional network on 12,000 handwritten digits, with the public API only: an example to copy."""

from __future__ import annotations

import argparse

from amalthea import Input, Sequential, layers, optimizers, utils
from amalthea.datasets import digits


def build() -> Sequential:
    """Return a model with two convolutions and two dense layers: 28 x 28 pixels from 0 to 1, to ten probabilities."""
    return Sequential(
        [
            Input((28, 28, 1)),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )


def train(model: Sequential, epochs: int, batch_size: int = 64) -> float:
    """Train on the digits; return the accuracy on test data."""
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    x_train, x_test = x_train[..., None] / 255, x_test[..., None] / 255
    steps = epochs * -(-len(x_train) // batch_size)
    model.compile(
        optimizer=optimizers.Adam(optimizers.schedules.CosineDecay(3e-3, steps, alpha=0.05)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, validation_data=(x_test, y_test))
    return model.evaluate(x_test, y_test, verbose=0)[1]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--epochs", type=int, default=8, help="passes over the training data (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same weights (%(default)s)")
    parser.add_argument("--save", default="amalthea-demo.keras", metavar="FILE", help="the model's file (%(default)s)")


def run(arguments: argparse.Namespace) -> None:
    utils.set_random_seed(arguments.seed)
    model = build()
    model.summary()
    accuracy = train(model, arguments.epochs)
    model.save(arguments.save)
    print(f"\nTest accuracy: {accuracy:.4f}")
    print(f"The model is in {arguments.save}. To use it:\n")
    print("  import amalthea")
    print(f"  model = amalthea.load_model({arguments.save!r})")
    print("  model.predict(images)  # (n, 28, 28, 1), 0 is paper and 1 is ink")
