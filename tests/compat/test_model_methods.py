"""Methods, arguments and attributes of models and layers in Keras 1 and 2."""

import json

import numpy as np
import pytest

from amalthea import layers as today
from amalthea.errors import ArgumentError

X, Y = np.arange(24.0).reshape(8, 3).astype("float32") / 24, np.tile([[0.0], [1.0]], (4, 1))


def _model(keras, outputs=1, loss="mse", **compiled):
    model = keras.models.Sequential([keras.layers.Dense(outputs, input_dim=3, activation="sigmoid")])
    model.compile("sgd", loss, **compiled)
    return model


FITS = {
    "nb_epoch": (1, {"nb_epoch": 3}, 3),
    "10 epochs of Keras 1": (1, {}, 10),
    "1 epoch of Keras 2": (2, {}, 1),
    "nb_epoch in Keras 2": (2, {"nb_epoch": 3}, 3),
    "words without a meaning": (1, {"nb_epoch": 2, "nb_worker": 1, "max_q_size": 3, "pickle_safe": True}, 2),
    "workers": (2, {"epochs": 2, "workers": 4, "use_multiprocessing": True}, 2),
}


@pytest.mark.parametrize("case", FITS)
def test_fit_takes_the_arguments_of_old(keras, case):
    era, arguments, epochs = FITS[case]
    history = _model(keras(era)).fit(X, Y, verbose=0, **arguments)
    assert len(history.history["loss"]) == epochs


def test_arguments_by_place_are_those_of_the_version(keras):
    seen = []
    era = keras(1)
    callback = era.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    _model(era).fit(X, Y, 4, 2, 0, [callback])
    _model(era).fit(X, Y, 4, 1, 0, [callback], 0.5)
    assert seen == [0, 1, 0]


def test_a_generator_is_asked_after_train_begin(keras):
    era = keras(2)

    class Source(era.callbacks.Callback):
        ready = False

        def on_train_begin(self, logs=None):
            self.ready = True

        def batches(self):
            while True:
                assert self.ready
                yield X[:4], Y[:4]

    source = Source()
    history = _model(era).fit_generator(source.batches(), steps_per_epoch=2, epochs=2, callbacks=[source], verbose=0)
    assert len(history.history["loss"]) == 2


GENERATORS = {
    "samples of Keras 1": (1, "fit_generator", {"samples_per_epoch": 10, "nb_epoch": 2}, 6),
    "samples by place": (1, "fit_generator", (10, 1), 3),
    "steps of Keras 2": (2, "fit_generator", {"steps_per_epoch": 2, "epochs": 2}, 4),
    "val_samples": (1, "evaluate_generator", {"val_samples": 7}, 2),
    "samples to evaluate by place": (1, "evaluate_generator", (9,), 3),
    "steps to evaluate": (2, "evaluate_generator", {"steps": 2}, 2),
    "steps to predict": (2, "predict_generator", {"steps": 3}, 3),
    "samples to predict": (1, "predict_generator", {"val_samples": 5}, 2),
}


@pytest.mark.parametrize("case", GENERATORS)
def test_generators_are_asked_for_as_many_batches_as_before(keras, case):
    era, method, arguments, count = GENERATORS[case]
    asked = []

    def batches():
        while True:
            asked.append(1)
            yield X[:4] if method.startswith("predict") else (X[:4], Y[:4])

    model = _model(keras(era))
    found = getattr(model, method)
    found(batches(), *arguments) if isinstance(arguments, tuple) else found(batches(), **arguments)
    assert len(asked) == count


def test_callbacks_find_the_parameters_and_data_of_old(keras):
    era, seen = keras(1), {}

    class Looks(era.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.update(self.params, validation=[a.shape for a in self.validation_data])

    _model(era).fit(X, Y, batch_size=4, nb_epoch=2, verbose=0, callbacks=[Looks()], validation_data=(X[:2], Y[:2]))
    assert seen["nb_epoch"] == 2 and seen["nb_sample"] == 8 and "samples" not in seen and seen["batch_size"] == 4
    assert seen["do_validation"] and seen["metrics"] == ["loss", "val_loss"]
    assert seen["validation"] == [(2, 3), (2, 1), (2,)]


def test_validation_data_of_a_split_are_found(keras):
    era, seen = keras(2), []

    class Looks(era.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(self.validation_data[0])

    _model(era).fit(X, Y, verbose=0, callbacks=[Looks()], validation_split=0.25)
    assert np.array_equal(seen[0], X[6:])


def test_a_checkpoint_is_written_after_every_period_under_any_name(keras, tmp_path):
    era = keras(2)
    callback = era.callbacks.ModelCheckpoint(str(tmp_path / "{epoch:02d}.hdf5"), period=2)
    weights = era.callbacks.ModelCheckpoint(str(tmp_path / "best"), save_weights_only=True)
    model = _model(era)
    model.fit(X, Y, epochs=5, verbose=0, callbacks=[callback, weights])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["02.hdf5", "04.hdf5", "best"]
    assert np.allclose(era.models.load_model(str(tmp_path / "04.hdf5")).get_weights()[0].shape, (3, 1))
    model.load_weights(str(tmp_path / "best"))


CALLBACKS = {
    "epsilon": ("ReduceLROnPlateau", {"epsilon": 0.1}, "min_delta", 0.1),
    "monitor": ("EarlyStopping", {"monitor": "val_accuracy"}, "monitor", "val_acc"),
    "monitor of plateaus": ("ReduceLROnPlateau", {"monitor": "val_accuracy"}, "monitor", "val_acc"),
    "write_grads": ("TensorBoard", {"write_grads": True, "batch_size": 8, "histogram_freq": 1}, "histogram_freq", 1),
}


@pytest.mark.parametrize("case", CALLBACKS)
def test_callbacks_take_the_arguments_of_old(keras, case):
    name, arguments, attribute, value = CALLBACKS[case]
    assert getattr(getattr(keras(2).callbacks, name)(**arguments), attribute) == value


def test_show_accuracy_of_keras_0_shows_it(keras):
    model = keras(1).models.Sequential([keras(1).layers.Dense(2, input_dim=3, activation="softmax")])
    model.compile(loss="categorical_crossentropy", optimizer="sgd", class_mode="categorical")
    labels = np.eye(2)[Y[:, 0].astype(int)]
    history = model.fit(X, labels, nb_epoch=1, show_accuracy=True, verbose=0)
    assert sorted(history.history) == ["acc", "loss"]


def test_surplus_inputs_of_a_dict_are_not_used(keras):
    era = keras(2)
    x = era.layers.Input((3,), name="x")
    model = era.models.Model(x, era.layers.Dense(1)(x))
    model.compile("sgd", "mse")
    assert model.predict({"x": X, "more": Y}).shape == (8, 1)
    assert len(model.fit({"x": X, "more": Y}, Y, verbose=0).history["loss"]) == 1


def test_yaml_of_a_model_is_read_again(keras):
    text = _model(keras(1)).to_yaml()
    assert json.loads(text)["class_name"] == "Sequential"


def test_inputs_outputs_and_shapes_of_calls(keras):
    era = keras(2)
    dense, first, second = era.layers.Dense(2), era.layers.Input((3,)), era.layers.Input((3,))
    one, two = dense(first), dense(second)
    assert dense.get_output_at(0) is one and dense.get_output_at(1) is two and dense.get_input_at(1) is second
    assert dense.output_shape == (None, 2) and dense.input_shape == (None, 3)
    assert dense.get_output_shape_at(1) == (None, 2) and dense.get_input_shape_at(0) == (None, 3)
    with pytest.raises(ArgumentError, match="has no call of this number"):
        dense.get_output_at(2)


def test_states_are_reset(keras):
    era = keras(2)
    model = era.models.Sequential([era.layers.LSTM(2, batch_input_shape=(2, 3, 1), stateful=True)])
    x = np.ones((2, 3, 1))
    first = model.predict(x, batch_size=2)
    assert not np.allclose(model.predict(x, batch_size=2), first)
    model.reset_states()
    assert np.allclose(model.predict(x, batch_size=2), first)
    model.layers[0].reset_states()
    assert model.stateful and np.allclose(model.predict(x, batch_size=2), first)


def test_a_layer_of_a_users_of_keras_1(keras):
    era = keras(1)
    K = era.backend

    class Scaled(era.engine.topology.Layer):
        def __init__(self, units, **kwargs):
            self.units = units
            super().__init__(**kwargs)

        def build(self, input_shape):
            self.W = self.add_weight((input_shape[1], self.units), "one", f"{self.name}_W")
            self.scale = K.variable(np.full(self.units, 2.0))
            self.trainable_weights = [self.W]
            self.non_trainable_weights = [self.scale]

        def call(self, x, mask=None):
            return K.dot(x, self.W) * self.scale

        def get_output_shape_for(self, input_shape):
            return (input_shape[0], self.units)

    model = era.models.Sequential([Scaled(2, input_shape=(3,))])
    model.compile("sgd", "mse")
    assert np.allclose(model.predict(X), 2 * X.sum(1, keepdims=True).repeat(2, 1))
    model.fit(X, np.zeros((8, 2)), nb_epoch=1, verbose=0)
    kernel, scale = model.get_weights()
    assert kernel.max() < 1 and np.array_equal(scale, [2, 2])


def test_add_weight_of_keras_2_begins_with_the_name(keras):
    layer = keras(2).layers.Layer(name="mine")
    made = layer.add_weight("gain", (2,), initializer="ones", trainable=False)
    assert made.path == "mine/gain" and made.numpy().tolist() == [1, 1] and not made.trainable


def test_a_loss_is_added_with_its_inputs(keras):
    era = keras(2)
    x = era.layers.Input((3,))
    out = era.layers.Dense(1, kernel_initializer="ones")(x)
    model = era.models.Model(x, out)
    model.add_loss(era.backend.mean(out) * 0 + 3.0, inputs=[x])
    model.compile("sgd")
    assert model.fit(X, epochs=1, verbose=0).history["loss"] == [3.0]


@pytest.mark.parametrize("shape, kernel", (((2, 6, 6), (4, 2, 3, 2)), ((2, 6, 6, 6), (4, 2, 3, 2, 1))))
def test_kernels_of_theano_order_go_round(keras, shape, kernel):
    era = keras(1)
    name = "Convolution2D" if len(shape) == 3 else "Convolution3D"
    made = getattr(era.layers, name)(4, *kernel[2:], dim_ordering="th", input_shape=shape)
    model = era.models.Sequential([made])
    values = np.arange(np.prod(kernel), dtype="float32").reshape(kernel)
    assert model.get_weights()[0].shape == kernel
    model.set_weights([values, np.zeros(4)])
    assert np.array_equal(model.get_weights()[0], values)
    assert np.array_equal(np.moveaxis(made.kernel.numpy(), (-1, -2), (0, 1)), values)


def test_kernels_of_one_dimension_have_four_axes_in_keras_1(keras):
    era = keras(1)
    model = era.models.Sequential([era.layers.Convolution1D(4, 3, input_shape=(5, 2))])
    model.set_weights(model.get_weights())
    assert model.get_weights()[0].shape == (3, 1, 2, 4)


MERGED = {"sum": (8, 2), "mul": (8, 2), "ave": (8, 2), "max": (8, 2), "concat": (8, 4), "dot": (8, 1), "cos": (8, 1)}


@pytest.mark.parametrize("mode", MERGED)
def test_a_sequential_begins_with_merge(keras, mode, tmp_path):
    era = keras(1)
    left, right = (era.models.Sequential([era.layers.Dense(2, input_dim=n)]) for n in (3, 1))
    model = era.models.Sequential()
    model.add(era.layers.Merge([left, right], mode=mode))
    model.add(era.layers.Activation("linear"))
    model.compile("sgd", "mse")
    assert model.predict([X, Y]).shape[1:] == MERGED[mode][1:] or mode == "cos"
    model.fit([X, Y], np.zeros(model.predict([X, Y]).shape), nb_epoch=1, verbose=0)
    model.save(tmp_path / "m.keras")
    assert np.allclose(era.models.load_model(tmp_path / "m.keras").predict([X, Y]), model.predict([X, Y]))


def test_branches_that_share_a_model_share_its_input(keras):
    era = keras(1)
    left, right = (era.models.Sequential([era.layers.Dense(2, input_dim=3)]) for _ in range(2))
    inner = era.models.Sequential([era.layers.Merge([left, right], mode="sum")])
    outer = era.models.Sequential([era.layers.Merge([inner, left], mode="concat")])
    assert outer.predict([X, X]).shape == (8, 4)
    with pytest.raises(ArgumentError, match="does not know the shape of its input"):
        era.layers.Merge([era.models.Sequential([era.layers.Dense(2)]), left])
    with pytest.raises(ArgumentError, match="no such mode"):
        era.layers.Merge([left, right], mode="join")


def test_merge_takes_a_function(keras):
    era = keras(1)
    a, b = era.layers.Input((3,)), era.layers.Input((3,))
    made = era.layers.merge([a, b], mode=lambda t: t[0] - 2 * t[1], output_shape=lambda s: s[0])
    model = era.models.Model(input=[a, b], output=made)
    assert np.allclose(model.predict([X, X]), -X)


def test_a_graph_of_keras_0(keras):
    era = keras(1)
    graph = era.models.Graph()
    graph.add_input(name="x", input_shape=(3,))
    graph.add_input(name="z", input_shape=(3,))
    graph.add_node(era.layers.Dense(2), name="left", input="x")
    graph.add_node(era.layers.Dense(2), name="right", input="z")
    graph.add_node(era.layers.Dense(2), name="both", inputs=["left", "right"], merge_mode="concat")
    graph.add_output(name="y", input="both")
    graph.add_output(name="sum", inputs=["left", "right"], merge_mode="sum")
    graph.compile("sgd", {"y": "mse", "sum": "mae"})
    data = {"x": X, "z": X, "y": np.zeros((8, 2)), "sum": np.zeros((8, 2))}
    history = graph.fit(data, nb_epoch=2, validation_data=data, verbose=0)
    assert len(history.history["val_loss"]) == 2
    assert {name: a.shape for name, a in graph.predict({"x": X, "z": X}).items()} == {"y": (8, 2), "sum": (8, 2)}
    assert graph.train_on_batch(data)[0] > 0 and len(graph.get_weights()) == 6
    with pytest.raises(ArgumentError, match="no such node"):
        graph.add_node(era.layers.Dense(2), name="more", input="w")
    with pytest.raises(ArgumentError, match="lack an array"):
        graph.fit({"x": X}, verbose=0)


def test_a_shared_node_of_a_graph_is_one_layer(keras):
    era = keras(1)
    graph = era.models.Graph()
    graph.add_input(name="a", input_shape=(3,))
    graph.add_input(name="b", input_shape=(3,))
    graph.add_shared_node(era.layers.Dense(2), name="shared", inputs=["a", "b"], outputs=["one", "two"])
    graph.add_shared_node(era.layers.Dense(2), name="again", inputs=["shared"], merge_mode="concat", create_output=True)
    graph.add_output(name="first", input="one")
    with pytest.raises(ArgumentError, match="has a node of this name"):
        graph.add_node(era.layers.Dense(1), name="shared", input="a")
    with pytest.raises(ArgumentError, match="more names than outputs"):
        graph.add_shared_node(era.layers.Dense(2), name="more", inputs=["a"], outputs=["c", "d"])
    with pytest.raises(ArgumentError, match="no such node"):
        graph.add_node(era.layers.Dense(1), name="late", input="shared")
    graph.compile("sgd", {"again": "mse", "first": "mse"})
    found = graph.predict({"a": X, "b": X})
    assert found["again"].shape == (8, 4) and np.allclose(found["again"][:, :2], found["again"][:, 2:])
    assert len(graph.get_weights()) == 4


@pytest.mark.parametrize("name", ("precision", "recall", "fmeasure", "matthews_correlation"))
def test_metrics_of_a_batch_of_keras_1(keras, name):
    era = keras(1)
    y, p = np.array([[1.0], [0], [1], [1]], "float32"), np.array([[0.9], [0.8], [0.1], [0.7]], "float32")
    expected = {"precision": 2 / 3, "recall": 2 / 3, "fmeasure": 2 / 3, "matthews_correlation": -1 / 3}[name]
    assert float(getattr(era.metrics, name)(y, p)) == pytest.approx(expected, abs=1e-5)


def test_an_embedding_that_begins_a_model_takes_whole_numbers(keras):
    era = keras(2)
    model = era.models.Sequential([era.layers.Embedding(9, 4), era.layers.LSTM(2)])
    assert model.built and model.predict(np.ones((3, 5), "int32")).shape == (3, 2)
    assert not keras(2).models.Sequential([today.LSTM(2)]).built


def test_the_input_of_an_input_layer_is_its_tensor(keras):
    era = keras(2)
    x = era.layers.Input((3,))
    model = era.models.Model(x, era.layers.Dense(1, kernel_initializer="ones")(x))
    assert model.layers[0].input is x
    ask = era.backend.function([model.layers[0].input, era.backend.learning_phase()], [model.layers[1].output])
    assert np.allclose(ask([X, 0])[0], X.sum(1, keepdims=True))


def test_a_rate_that_decays_can_be_set_by_a_callback(keras):
    era = keras(2)
    model = era.models.Sequential([era.layers.Dense(1, input_dim=3)])
    model.compile(era.optimizers.SGD(lr=0.1, decay=1e-6), "mse")
    rates = []
    watch = era.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: rates.append(era.backend.get_value(model.optimizer.lr))
    )
    schedule = era.callbacks.LearningRateScheduler(lambda epoch: 0.5 / (epoch + 1))
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[schedule, watch])
    assert rates == pytest.approx([0.5, 0.25])


def test_a_batch_that_is_read_backwards_is_trained_on(keras):
    model = _model(keras(2))
    expected = model.test_on_batch(X[::-1].copy(), Y[::-1].copy())
    assert model.train_on_batch(X[::-1], Y[::-1]) == pytest.approx(expected)


@pytest.mark.parametrize("era", (1, 2))
def test_labels_of_one_axis_reach_a_loss_and_a_metric_as_columns(keras, era):
    seen = []

    def watched(y_true, y_pred):
        seen.append((tuple(y_true.shape), tuple(y_pred.shape)))
        return (y_true - y_pred) ** 2

    model = _model(keras(era), loss=watched, metrics=[watched])
    model.train_on_batch(X, Y[:, 0])
    assert len(seen) >= 2 and set(seen) == {((8, 1), (8, 1))}
