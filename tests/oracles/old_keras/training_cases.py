"""More small trainings in the words of Keras 1 and 2: layers' arrays, moving averages, what callbacks see, warnings.

Plain Python of 3.6, as ``era_cases.py``. Each case gets ``keras`` and returns arrays by name.
"""

import json
import warnings

import numpy as np


def _numbers(*shape):
    count = int(np.prod(shape))
    return (np.arange(count) * 7 % 11 / 5.0 - 1.0).reshape(shape).astype("float32")


def _epochs(keras, number):
    return {"nb_epoch" if keras.__version__[0] == "1" else "epochs": number}


def _dense(keras):
    model = keras.models.Sequential([keras.layers.Dense(1, input_dim=3)])
    model.set_weights([_numbers(3, 1), _numbers(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def _said(value):
    return np.array(json.dumps(value, sort_keys=True))


def moving_averages(keras):
    answers = {}
    for shape, axis in (((4, 3), -1), ((3, 2, 2, 4), 1), ((3, 5, 2), -1), ((1, 3), -1)):
        model = keras.models.Sequential()
        model.add(keras.layers.BatchNormalization(axis=axis, momentum=0.5, input_shape=shape[1:]))
        model.compile("sgd", "mse")
        for i in range(3):
            model.train_on_batch(_numbers(*shape) * (i + 1) * 3, _numbers(*shape)[::-1])
            answers[f"mean {len(answers)} {i}"], answers[f"variance {len(answers)} {i}"] = model.get_weights()[2:]
    return answers


RECURRENT = {
    "LSTM": {}, "GRU": {}, "SimpleRNN": {}, "LSTM on a GPU": {"consume_less": "gpu"},
    "GRU on a GPU": {"consume_less": "gpu"},
}  # fmt: skip


def _recurrent(keras, name):
    layer = getattr(keras.layers, name.split()[0])(3, input_shape=(4, 2), **RECURRENT[name])
    model = keras.models.Sequential([layer])
    return model, layer


def arrays_of_recurrent_layers(keras):
    answers = {}
    for name in sorted(RECURRENT):
        model, layer = _recurrent(keras, name)
        answers[name + " shapes"] = _said([list(w.shape) for w in layer.get_weights()])
        given = [_numbers(*w.shape) * (0.3 + 0.1 * i) for i, w in enumerate(model.get_weights())]
        model.set_weights(given)
        answers[name] = model.predict(_numbers(5, 4, 2))
        layer.set_weights(given[::-1][::-1])
        for i, w in enumerate(layer.get_weights()):
            answers[f"{name} {i}"] = w
    return answers


def gates_of_recurrent_layers(keras):
    answers = {}
    for name, gates in (("LSTM", "icfo"), ("GRU", "zrh")):
        model, layer = _recurrent(keras, name)
        model.set_weights([_numbers(*w.shape) * (0.3 + 0.1 * i) for i, w in enumerate(model.get_weights())])
        for gate in gates:
            for part in "WUb":
                answers[f"{name} {part}_{gate}"] = keras.backend.get_value(getattr(layer, part + "_" + gate))
    return answers


def arrays_of_bidirectional(keras):
    model = keras.models.Sequential()
    model.add(keras.layers.Bidirectional(keras.layers.LSTM(2), merge_mode="concat", input_shape=(4, 2)))
    model.add(keras.layers.Dense(2))
    model.set_weights([_numbers(*w.shape) * (0.3 + 0.1 * i) for i, w in enumerate(model.get_weights())])
    shapes = [list(w.shape) for w in model.get_weights()]
    return {"shapes": _said(shapes), "predictions": model.predict(_numbers(5, 4, 2))}


def _watching(keras):
    """A callback that keeps what it is given."""

    class Watching(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.begun, self.ended, self.seen = [], [], {}

        def on_train_begin(self, logs=None):
            self.seen = dict(self.params)

        def on_batch_begin(self, batch, logs=None):
            self.begun.append(dict(logs))

        def on_batch_end(self, batch, logs=None):
            self.ended.append(dict(logs))

    return Watching()


def _watched(watch):
    ended = [{k: round(float(v), 4) for k, v in logs.items()} for logs in watch.ended]
    begun = [{k: int(v) for k, v in logs.items()} for logs in watch.begun]
    return {
        "begun": _said(begun), "keys": _said([sorted(logs) for logs in ended]),
        "size": np.array([logs["size"] for logs in ended]), "batch": np.array([logs["batch"] for logs in ended]),
        "loss": np.array([logs["loss"] for logs in ended]), "params": _said(watch.seen),
    }  # fmt: skip


def logs_of_batches(keras):
    model, watch = _dense(keras), _watching(keras)
    model.fit(_numbers(5, 3), _numbers(5, 1), batch_size=2, verbose=0, shuffle=False, callbacks=[watch],
              validation_split=0.2, **_epochs(keras, 2))  # fmt: skip
    return _watched(watch)


def logs_of_batches_without_validation(keras):
    model, watch = _dense(keras), _watching(keras)
    model.fit(_numbers(5, 3), _numbers(5, 1), verbose=0, shuffle=False, callbacks=[watch], **_epochs(keras, 1))
    return _watched(watch)


def logs_of_batches_of_a_generator(keras):
    def batches():
        while True:
            for size in (3, 1):
                yield _numbers(size, 3), _numbers(size, 1)

    model, watch = _dense(keras), _watching(keras)
    data = _numbers(4, 3), _numbers(4, 1)
    if keras.__version__[0] == "1":
        model.fit_generator(batches(), 8, 1, verbose=0, callbacks=[watch], validation_data=data)
    else:
        model.fit_generator(batches(), 4, 1, verbose=0, callbacks=[watch], validation_data=data)
    return _watched(watch)


def _warned(train):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        train()
    return [str(w.message) for w in found if "trainable" in str(w.message)]


def warnings_of_trainable(keras):
    """What is said when layers are frozen after ``compile``."""
    x, y = _numbers(4, 3), _numbers(4, 1)

    def fresh():
        model = keras.models.Sequential([keras.layers.Dense(2, input_dim=3), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    answers = {}
    model = fresh()
    model.trainable = False
    answers["model"] = _said(_warned(lambda: [model.train_on_batch(x, y) for _ in range(2)]))
    layer = fresh()
    layer.layers[0].trainable = False
    answers["layer"] = _said(_warned(lambda: layer.fit(x, y, verbose=0, **_epochs(keras, 1))))
    again = fresh()
    again.train_on_batch(x, y)
    again.trainable = False
    again.trainable = True
    answers["back"] = _said(_warned(lambda: again.train_on_batch(x, y)))
    anew = fresh()
    anew.trainable = False
    anew.compile("sgd", "mse")
    answers["compiled again"] = _said(_warned(lambda: anew.predict(x)))
    tested = fresh()
    tested.trainable = False
    answers["tested"] = _said(
        _warned(lambda: (tested.test_on_batch(x, y), tested.predict(x), tested.evaluate(x, y, verbose=0)))
    )
    swapped = fresh()
    swapped.layers[0].trainable = False
    swapped.compile("sgd", "mse")
    swapped.layers[0].trainable, swapped.layers[1].trainable = True, False
    answers["as many as before"] = _said(_warned(lambda: swapped.train_on_batch(x, y)))
    return answers


BOTH = (logs_of_batches, logs_of_batches_without_validation, logs_of_batches_of_a_generator, warnings_of_trainable)
CASES = {
    "1.2.2": BOTH + (arrays_of_recurrent_layers, gates_of_recurrent_layers, arrays_of_bidirectional),
    "2.2.4": BOTH,
    "2.3.1": (moving_averages,),
}
