"""Keras's architectures: their layers as text, and predictions with weights that a rule gives."""

import json

import keras
import numpy as np
from keras import applications

from ..architectures import images, outline, scaled, set_weights
from ..cases.applications import NAMES, PREDICTIONS


def _structure(name):
    keras.backend.clear_session()
    model = getattr(applications, name)(weights=None)
    text = json.dumps(outline(model), separators=(",", ":"))
    return {
        "id": name,
        "name": model.name,
        "parameters": model.count_params(),
        "trainable": sum(int(np.prod(w.shape)) for w in model.trainable_weights),
        "outline": np.frombuffer(text.encode(), "uint8"),
    }


def _prediction(row, arguments):
    keras.backend.clear_session()
    name = row.partition("/")[0]
    model = getattr(applications, name)(weights=None, **arguments)
    set_weights(model)
    x = scaled(name, images(arguments["input_shape"]))
    return {"id": row, "name": model.name, "outputs": np.asarray(model.predict(x, verbose=0))}


def records():
    return [
        *(_structure(name) for name in NAMES),
        *(_prediction(row, arguments) for row, arguments in PREDICTIONS.items()),
    ]
