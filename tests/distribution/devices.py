"""Four virtual devices of one process train to the losses of one device; test_devices.py runs it."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile

import numpy as np

import amalthea
from amalthea import Input, Sequential, distribution, layers, saving, utils
from tests.distribution.test_law import NETWORKS, data_for


def trained(network, used):
    utils.set_random_seed(0)
    model = network()
    model.compile(amalthea.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y, w = data_for(model)
    with used.scope() if used is not None else contextlib.nullcontext():
        history = model.fit(x, y, batch_size=8, epochs=2, verbose=0, sample_weight=w, validation_split=0.2).history
        return model, history, model.evaluate(x, y, verbose=0), model.predict(x, verbose=0)


def wide():
    net = [
        layers.Embedding(10, 8),
        layers.GlobalAveragePooling1D(),
        layers.Dense(16, "relu"),
        layers.Dense(4, "softmax"),
    ]
    return Sequential([Input((5,)), *net])


def hold(network, used):
    _, history, scores, predictions = trained(network, None)
    model, *found = trained(network, used)
    for name, values in history.items():
        np.testing.assert_allclose(found[0][name], values, rtol=1e-5, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(found[1], scores, rtol=1e-5)
    np.testing.assert_allclose(found[2], predictions, rtol=1e-4, atol=1e-6)
    return model


def model_parallel(shape, names):
    mesh = distribution.DeviceMesh(shape, names)
    layouts = distribution.LayoutMap(mesh)
    layouts["embeddings"] = (None, "model")
    layouts["dense.*kernel"] = (None, "model")
    layouts["dense.*bias"] = ("model",)
    return distribution.ModelParallel(layout_map=layouts, batch_dim_name=names[0])


def divided():
    """Variables are divided, their slots with them; a file of them loads on another mesh, and goes on alike."""
    model = hold(wide, model_parallel((2, 2), ["batch", "model"]))
    kernel = next(v for v in model.variables if "kernel" in v.path)
    assert len({str(s.index) for s in kernel.value.addressable_shards}) == 2, kernel.value.sharding
    x, y, _ = data_for(model)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.keras")
        model.save(path)
        ends = []
        for used in (None, model_parallel((1, 4), ["batch", "model"]), distribution.DataParallel()):
            again = saving.load_model(path)
            with used.scope() if used is not None else contextlib.nullcontext():
                ends.append(again.fit(x, y, batch_size=8, epochs=2, verbose=0, shuffle=False).history["loss"])
        for end in ends[1:]:
            np.testing.assert_allclose(end, ends[0], rtol=1e-5)


if __name__ == "__main__":
    assert distribution.get_device_count("cpu") == 4
    if sys.argv[1] == "divided":
        divided()
    else:
        hold(NETWORKS[sys.argv[1]], distribution.DataParallel())
    print("held")
