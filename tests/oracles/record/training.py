"""What comes of training with Keras."""

import keras
import numpy as np
from keras import tree

from ..build import build_model, compile_model
from ..cases.training import CASES
from ..draws import draw, draw_weight, generator


def records():
    """For every case its fields with their arrays, and

    ``initial_weights``, ``weight_facts`` (path, shape, trainable), ``initial_predictions`` and ``predictions`` on the
    validation data, ``history`` (key -> a number for each epoch), ``evaluate`` (on the validation data, by name),
    ``final_weights``. Predictions are in the order of the outputs' names.
    """
    return [record(case) for case in CASES]


def record(case):
    keras.utils.clear_session()
    source = generator(case.id)
    data, validation = draw(case.data, source), draw(case.validation, source)
    model = build_model(keras, case.inputs, case.nodes, case.outputs, case.gather)
    initial = [draw_weight(weight.name, weight.shape, source) for weight in model.weights]
    model.set_weights(initial)
    compile_model(keras, model, case.compile)
    before = predictions(model, case, validation)
    history = model.fit(
        data["x"],
        data["y"],
        sample_weight=data["sample_weight"],
        validation_data=tuple(value for value in validation.values() if value is not None),
        verbose=0,
        **case.fit,
    )
    batch_size = case.fit["batch_size"]
    return {
        **vars(case),
        "data": data,
        "validation": validation,
        "initial_weights": initial,
        "weight_facts": [
            {"path": w.path, "shape": list(w.shape), "trainable": bool(w.trainable)} for w in model.weights
        ],
        "initial_predictions": before,
        "history": {key: [float(value) for value in values] for key, values in history.history.items()},
        "evaluate": evaluated(model, validation, batch_size),
        "predictions": predictions(model, case, validation),
        "final_weights": [np.asarray(value) for value in model.get_weights()],
    }


def evaluated(model, validation, batch_size):
    values = model.evaluate(**validation, batch_size=batch_size, verbose=0, return_dict=True)
    return {key: float(value) for key, value in values.items()}


def predictions(model, case, validation):
    answer = model.predict(validation["x"], batch_size=case.fit["batch_size"], verbose=0)
    return [answer[name] for name in case.outputs] if isinstance(answer, dict) else tree.flatten(answer)
