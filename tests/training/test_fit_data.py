"""Every kind of data that fit, evaluate and predict take gives the same run."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, layers
from tests.arrays import numbers
from tests.training.small import assert_same_weights, line, small


class Batches(amalthea.utils.PyDataset):
    def __init__(self, x, y, batch_size=16, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y, self.batch_size = x, y, batch_size

    def __len__(self):
        return -(-len(self.x) // self.batch_size)

    def __getitem__(self, i):
        rows = slice(i * self.batch_size, (i + 1) * self.batch_size)
        return self.x[rows], self.y[rows]


def endless(x, y, size=16):
    while True:
        for start in range(0, len(x), size):
            yield x[start : start + size], y[start : start + size]


def test_every_kind_of_data_gives_the_same_run():
    x, y = line(60)
    wanted = small()
    wanted.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    for data, options in [
        (Batches(x, y), {"shuffle": False}),
        (endless(x, y), {"steps_per_epoch": 4}),
        ([(x[i : i + 16], y[i : i + 16]) for i in range(0, 60, 16)].__iter__, {}),
    ]:
        model = small()
        if callable(data):
            for _ in range(3):
                model.fit(data(), verbose=0)
        else:
            model.fit(data, epochs=3, verbose=0, **options)
        assert_same_weights(model, wanted)


def test_data_sets_validate_evaluate_and_predict():
    x, y = line(60)
    model = small()
    history = model.fit(x, y, validation_data=Batches(x, y), verbose=0).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)
    assert model.evaluate(Batches(x, y), verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)
    np.testing.assert_allclose(model.predict(Batches(x, y), verbose=0), model.predict(x, verbose=0), rtol=1e-5)
    assert model.predict(endless(x, y), steps=2, verbose=0).shape == (32, 1)


def test_a_generator_that_ends_ends_the_run_with_a_warning():
    x, y = line(32)
    model = small()
    with pytest.warns(UserWarning, match="ended before epoch 2"):
        history = model.fit(iter([(x, y)]), epochs=3, verbose=0)
    assert history.epoch == [0]
    assert int(model.optimizer.iterations) == 1


def test_steps_per_epoch_goes_on_where_it_stopped():
    x, y = line(64)
    model = small()
    history = model.fit(x, y, batch_size=16, epochs=4, steps_per_epoch=2, shuffle=False, verbose=0)
    wanted = small()
    wanted.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    assert len(history.epoch) == 4 and int(model.optimizer.iterations) == 8
    assert_same_weights(model, wanted)


@pytest.mark.parametrize("rows", [1, 5])
def test_a_batch_of_one_row_takes_labels_with_one_axis(rows):
    x, y = numbers(rows, 3).astype("float32"), numbers(rows).astype("float32")
    losses = []
    for labels in (y, y[:, None]):
        model = Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="ones")])
        model.compile("sgd", "mse")
        losses.append(model.fit(x, labels, batch_size=4, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-6)
