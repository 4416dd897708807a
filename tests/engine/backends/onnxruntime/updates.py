"""A small model whose updates are in place."""

from __future__ import annotations

import pytest

import amalthea
from amalthea import Sequential, layers
from amalthea.engine.backends.onnxruntime.updates import llvm
from tests.arrays import numbers

X = numbers(12, 5).astype("float32")
Y = (X.sum(1) > 0).astype("int32")


def made(**options):
    amalthea.random.set_random_seed(3)
    parts = [layers.Input((5,)), layers.Dense(6, "tanh"), layers.Dense(4, "relu"), layers.Dense(2, "softmax")]
    model = Sequential(parts)
    model.compile(amalthea.optimizers.Adam(0.05, **options), "sparse_categorical_crossentropy")
    return model


def train(model, steps=3):
    for _ in range(steps):
        model.train_on_batch(X, Y)


compilable = pytest.mark.skipif(not llvm.is_available(), reason="needs llvmlite")
