"""What the scripts of all Keras versions share: one archive a version, of model files and of their answers.

It runs under Python 3.6 and every Keras since 0.3. An archive ``keras-VERSION.zip`` has, for each model NAME,

    NAME.h5, NAME.keras, NAME.weights.h5, NAME.json, NAME.yaml      what that version could write
    answers.npz     NAME/x0, ... inputs; NAME/y0, ... predictions; NAME/t0, ... targets;
                    NAME/losses of two further steps of training from the saved state
"""

from __future__ import print_function

import io
import os
import sys
import tempfile
import zipfile

import numpy as np


class Archive(object):
    def __init__(self, version):
        self.version = version
        self.folder = tempfile.mkdtemp()
        self.answers = {}
        self.failed = []

    def path(self, name):
        return os.path.join(self.folder, name)

    def keep(self, key, values):
        values = values if isinstance(values, (list, tuple)) else [values]
        for i, value in enumerate(values):
            self.answers["%s%d" % (key, i)] = np.asarray(value)

    def record(self, name, model, inputs, targets=None, write=None, steps=True):
        """One step of training, the files, the predictions, and the losses of two steps more."""
        if targets is not None and steps:
            model.train_on_batch(inputs, targets)
        for step in write:
            before = set(os.listdir(self.folder))
            try:
                step(self, name, model)
            except Exception as error:
                for part in set(os.listdir(self.folder)) - before:
                    os.remove(self.path(part))
                print("  not written:", name, step.__name__, type(error).__name__, str(error)[:150])
        self.keep(name + "/x", inputs)
        self.keep(name + "/y", model.predict(inputs))
        if targets is not None:
            self.keep(name + "/t", targets)
            losses = [self.loss_of_step(model, inputs, targets) for _ in range(2)] if steps else []
            self.answers[name + "/losses"] = np.asarray(losses, "float64")

    def loss_of_step(self, model, inputs, targets):
        if hasattr(model, "reset_metrics"):  # else Keras 3.0 to 3.6 return the mean of all steps so far
            model.reset_metrics()
        return np.ravel(model.train_on_batch(inputs, targets))[0]

    def all(self, models, write):
        for make in models:
            name = make.__name__
            np.random.seed(len(name))
            try:
                model, inputs, targets = make()
                self.record(name, model, inputs, targets, write)
                print("made", name)
            except Exception as error:
                self.failed.append(name)
                print("FAILED", name, type(error).__name__, str(error)[:300])

    def close(self, folder):
        with open(self.path("answers.npz"), "wb") as file:
            np.savez_compressed(file, **self.answers)
        target = os.path.join(folder, "keras-%s.zip" % self.version)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(os.listdir(self.folder)):
                info = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
                info.compress_type = zipfile.ZIP_DEFLATED
                with open(self.path(name), "rb") as file:
                    archive.writestr(info, file.read())
        print(target, os.path.getsize(target), "failed:", self.failed)


def whole_h5(archive, name, model):
    model.save(archive.path(name + ".h5"))


def keras_archive(archive, name, model):
    model.save(archive.path(name + ".keras"))


def weights_of_3(archive, name, model):
    model.save_weights(archive.path(name + ".weights.h5"))


def layered_weights(archive, name, model):
    model.save_weights(archive.path(name + ".layered.h5"))


def json_text(archive, name, model):
    with io.open(archive.path(name + ".json"), "w", encoding="utf-8") as file:
        file.write("" + model.to_json())


def yaml_text(archive, name, model):
    with io.open(archive.path(name + ".yaml"), "w", encoding="utf-8") as file:
        file.write("" + model.to_yaml())


def numbers(*shape):
    return np.random.RandomState(sum(shape)).uniform(-1, 1, shape).astype("float32")


def words(rows, steps, most=7):
    drawn = np.random.RandomState(rows).randint(1, most, (rows, steps))
    drawn[0, steps // 2 :] = 0
    drawn[1, :2] = 0
    return drawn.astype("int32")


def classes(rows, n):
    return np.eye(n, dtype="float32")[np.arange(rows) % n]


target = sys.argv[1] if len(sys.argv) > 1 else "."
