"""A training loop in small, on a model that has one number as weights."""

import json
from types import SimpleNamespace

import numpy as np

from amalthea import callbacks as c


class Held:
    """An attribute as a variable."""

    shape, dtype = (), "float64"

    def __init__(self, owner, path):
        self.owner, self.path = owner, path

    def numpy(self):
        return np.array(getattr(self.owner, self.path), "float64")

    def assign(self, value):
        setattr(self.owner, self.path, float(value))


class Model:
    """Stands for a model: its public face, with one number as weights and files of JSON."""

    def __init__(self, metrics=()):
        self.optimizer = SimpleNamespace(learning_rate=1.0)
        self.stop_training = False
        self.metrics = [SimpleNamespace(name=name, _direction=direction) for name, direction in metrics]
        self.weight = 0.0
        self.saved = []

    @property
    def variables(self):
        return [Held(self, "weight"), Held(self.optimizer, "learning_rate")]

    def get_weights(self):
        return [np.array(self.weight)]

    def set_weights(self, weights):
        self.weight = float(weights[0])

    def save_weights(self, path, overwrite=True):
        self.saved.append(path)
        with open(path, "w") as file:
            json.dump([self.weight, self.optimizer.learning_rate], file)

    save = save_weights


def run(logs, *callbacks, model=None, batches=3, verbose=0, initial_epoch=0, epochs=None, steps="batches"):
    """The training loop in small: ``logs`` has one dict an epoch; each epoch adds 1 to the weight."""
    model = model or Model()
    known = batches if steps == "batches" else steps
    params = {"verbose": verbose, "epochs": epochs or len(logs), "steps": known}
    calls = c.CallbackList(list(callbacks), add_history=True, add_progbar=bool(verbose), model=model, **params)
    model.asked = 0
    calls.on_train_begin()
    for epoch in range(calls.first_epoch(initial_epoch), len(logs)):
        calls.on_epoch_begin(epoch)
        model.weight += 1
        for batch in range(batches):
            if calls.has_train_batch_hooks:
                calls.on_train_batch_begin(batch)
                calls.on_train_batch_end(batch, lambda epoch=epoch: asked(model, logs[epoch]))
            if model.stop_training:
                break
        calls.on_epoch_end(epoch, dict(logs[epoch]))
        if model.stop_training:
            break
    calls.on_train_end()
    return model


def asked(model, logs):
    model.asked += 1
    return dict(logs)


def losses(*values, name="val_loss"):
    return [{name: value} for value in values]
