"""Small trainings in the words of Keras 1 and 2: each gets ``keras``, and returns arrays by name.

Plain Python without f-strings: Keras 1.2.2 and 2.2.4 run it in Python 3.6, and the tests run it with Amalthea. Weights
are set, data are not shuffled.
"""

import numpy as np

OPTIMIZERS = ("sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamax")


def _numbers(*shape):
    count = int(np.prod(shape))
    return (np.arange(count) * 7 % 11 / 5.0 - 1.0).reshape(shape).astype("float32")


def _set(model):
    model.set_weights([_numbers(*w.shape) * 0.5 for w in model.get_weights()])
    return model


def _dense(keras, outputs=1, activation="linear"):
    # with an activation, so that no loss vanishes
    model = keras.models.Sequential()
    model.add(keras.layers.Dense(outputs, activation=activation, input_dim=3))
    return _set(model)


def _names(found):
    return np.array(sorted(found))


def optimizers_by_name(keras):
    answers = {}
    for name in OPTIMIZERS:
        model = _dense(keras, 2)
        model.compile(name, "mse")
        losses = [model.train_on_batch(_numbers(4, 3), _numbers(4, 2) * 2) for _ in range(3)]
        answers[name] = np.array(losses)
        answers[name + " kernel"] = model.get_weights()[0]
    return answers


def decay_of_sgd(keras):
    model = _dense(keras)
    model.compile(keras.optimizers.SGD(lr=0.1, decay=0.5, momentum=0.5, nesterov=True), "mse")
    return {"losses": np.array([model.train_on_batch(_numbers(4, 3), _numbers(4, 1)) for _ in range(4)])}


def weights_of_samples(keras):
    model = _dense(keras)
    model.compile("sgd", "mse")
    weights = np.array([0.0, 1.0, 2.0, 0.0])
    first = model.train_on_batch(_numbers(4, 3), _numbers(4, 1), sample_weight=weights)
    return {"loss": np.array(first), "kernel": model.get_weights()[0]}


def weights_of_classes(keras):
    model = _dense(keras, 2, "softmax")
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    labels = np.eye(2)[[0, 1, 1, 0]]
    epochs = {"epochs" if keras.__version__[0] == "2" else "nb_epoch": 2}
    history = model.fit(_numbers(4, 3), labels, batch_size=2, class_weight={0: 1.0, 1: 3.0}, shuffle=False, verbose=0,
                        **epochs)  # fmt: skip
    found = history.history
    return {"loss": np.array(found["loss"]), "acc": np.array(found["acc"]), "keys": _names(found)}


def labels_of_one_axis(keras):
    backend = keras.backend

    def loss(y_true, y_pred):
        return backend.mean(backend.square(y_true - y_pred), axis=-1)

    model = _dense(keras)
    model.compile("sgd", loss, metrics=["mae"])
    found = model.train_on_batch(_numbers(4, 3), _numbers(4))
    return {"results": np.array(found), "names": np.array(model.metrics_names)}


def keys_of_history(keras):
    model = _dense(keras, 2, "sigmoid")
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy", "mae", "mse"])
    epochs = {"epochs" if keras.__version__[0] == "2" else "nb_epoch": 1}
    x, y = _numbers(4, 3), np.array([[0, 1], [1, 1], [0, 0], [1, 0]], "float32")
    history = model.fit(x, y, validation_data=(x, y), verbose=0, batch_size=4, shuffle=False, **epochs).history
    answers = {"keys": _names(history)}
    answers.update({key: np.array(value) for key, value in history.items()})
    return answers


def batches_alone(keras):
    model = _dense(keras)
    model.compile("sgd", "mse", metrics=["mae"])
    x, y = _numbers(4, 3), _numbers(4, 1)
    return {"results": np.array([model.train_on_batch(x[:2], y[:2]), model.train_on_batch(x[2:], y[2:]),
                                 model.test_on_batch(x, y)])}  # fmt: skip


def trainable_at_compile(keras):
    inner = _dense(keras, 2)
    inner.compile("sgd", "mse")
    inner.trainable = False
    outer = keras.models.Sequential()
    outer.add(keras.layers.Dense(3, input_dim=3))
    outer.add(inner)
    _set(outer)
    outer.compile("sgd", "mse")
    first = inner.get_weights()[0].copy()
    outer.train_on_batch(_numbers(4, 3), _numbers(4, 2))
    second = inner.get_weights()[0].copy()
    inner.train_on_batch(_numbers(4, 3), _numbers(4, 2))
    return {"frozen": second - first, "trained": inner.get_weights()[0]}


def third_argument_of_compile(keras):
    model = keras.models.Sequential()
    model.add(keras.layers.Dense(1, input_dim=3))
    model.compile("sgd", "mse", ["mae"])
    return {"names": np.array(model.metrics_names)}


def first_input_decides_the_rows(keras):
    a, b = keras.layers.Input(shape=(3,)), keras.layers.Input(shape=(3,))
    merged = keras.layers.merge([a, b], mode="sum") if keras.__version__[0] == "1" else keras.layers.add([a, b])
    made = keras.layers.Dense(2)(merged)
    words = {"input": [a, b], "output": made} if keras.__version__[0] == "1" else {"inputs": [a, b], "outputs": made}
    model = _set(keras.models.Model(**words))
    return {"rows": model.predict([_numbers(3, 3), _numbers(5, 3)], batch_size=2)}


def classes_and_probabilities(keras):
    several, one = _dense(keras, 3, "softmax"), _dense(keras, 1, "sigmoid")
    for model in (several, one):
        model.compile("sgd", "mse")
    x = _numbers(5, 3) + 0.17
    return {"several": several.predict_classes(x, verbose=0), "one": one.predict_classes(x, verbose=0),
            "probabilities": several.predict_proba(x, verbose=0)}  # fmt: skip


def batches_of_an_epoch(keras):
    seen = []

    def batches():
        while True:
            seen.append(1)
            yield _numbers(4, 3), _numbers(4, 1)

    model = _dense(keras)
    model.compile("sgd", "mse")
    if keras.__version__[0] == "1":
        history = model.fit_generator(batches(), 10, 2, verbose=0)
    else:
        history = model.fit_generator(batches(), 3, 2, verbose=0)
    return {"loss": np.array(history.history["loss"])}


def weights_of_a_seed(keras):
    np.random.seed(3)
    model = keras.models.Sequential()
    model.add(keras.layers.Convolution2D(4, 3, 2, input_shape=(6, 6, 2)))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(5, init="he_normal"))
    model.add(keras.layers.Dense(2, init="uniform"))
    return {str(i): w for i, w in enumerate(model.get_weights())}


def kernels_with_channels_first(keras):
    model = keras.models.Sequential()
    model.add(keras.layers.Convolution2D(4, 3, 2, dim_ordering="th", input_shape=(5, 6, 6)))
    return {"shape": np.array(model.get_weights()[0].shape)}


def embedding_first(keras):
    model = keras.models.Sequential()
    model.add(keras.layers.Embedding(10, 4))
    return {"shapes": np.array([w.shape for w in model.get_weights()])}


def merges(keras):
    answers = {}
    for mode in ("sum", "mul", "ave", "max", "concat", "dot", "cos"):
        a, b = keras.layers.Input(shape=(4,)), keras.layers.Input(shape=(4,))
        model = keras.models.Model(input=[a, b], output=keras.layers.merge([a, b], mode=mode))
        answers[mode] = model.predict([_numbers(3, 4), _numbers(3, 4)[::-1] + 0.3])
    a, b = keras.layers.Input(shape=(3, 4)), keras.layers.Input(shape=(5, 4))
    made = keras.layers.merge([a, b], mode="dot", dot_axes=2)
    answers["dot of steps"] = keras.models.Model(input=[a, b], output=made).predict(
        [_numbers(2, 3, 4), _numbers(2, 5, 4)]
    )
    return answers


def recurrent_layers(keras):
    answers = {}
    for name in ("LSTM", "GRU", "SimpleRNN"):
        model = keras.models.Sequential()
        model.add(getattr(keras.layers, name)(3, input_shape=(4, 2)))
        answers[name] = _set(model).predict(_numbers(5, 4, 2) * 3)
    return answers


def hard_sigmoid_by_name(keras):
    return {"values": _dense(keras, 2, "hard_sigmoid").predict(_numbers(5, 3) * 4)}


def batch_normalization(keras):
    model = keras.models.Sequential()
    model.add(keras.layers.BatchNormalization(input_shape=(3,)))
    model.compile("sgd", "mse")
    loss = model.train_on_batch(_numbers(4, 3), _numbers(4, 3)[::-1])
    return {"loss": np.array(loss), "predictions": model.predict(_numbers(4, 3))}


BOTH = (optimizers_by_name, decay_of_sgd, weights_of_samples, weights_of_classes, labels_of_one_axis, keys_of_history,
        batches_alone, trainable_at_compile, third_argument_of_compile, first_input_decides_the_rows,
        classes_and_probabilities, batches_of_an_epoch, embedding_first, hard_sigmoid_by_name,
        batch_normalization)  # fmt: skip
CASES = {
    1: BOTH + (weights_of_a_seed, kernels_with_channels_first, merges),
    2: BOTH + (recurrent_layers,),
}
