"""PyTorch's predictions keep what depends on variables alone, and see every change of a variable."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Variable, layers, ops
from amalthea.engine import backends, transforms
from amalthea.engine.primitives.table import numbers

torch = pytest.importorskip("torch")

from amalthea.engine.backends.torch import prepare_graph  # noqa: E402  # there must be a PyTorch
from amalthea.engine.backends.torch.codegen import Writer  # noqa: E402
from amalthea.engine.backends.torch.weight_cache import split_weight_only  # noqa: E402

X = numbers(2, 7, 6, 3).astype("float32")


@pytest.fixture(autouse=True)
def on_torch():
    with backends.use_backend("torch"):
        yield


def network():
    """Each layer that is kept in another form, and one that is not."""
    x = layers.Input((7, 6, 3))
    y = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(x)))
    y = layers.LSTM(5, return_sequences=True)(layers.Reshape((14, 12))(y))
    model = amalthea.Model(x, layers.Dense(2)(layers.GRU(3)(y)))
    model.compile("sgd", "mse")
    return model


def by_numpy(model):
    """What the model gives, computed elsewhere from the values as they are now."""
    twin = network()
    twin.set_weights([v.numpy() for v in model.variables[: len(twin.variables)]])
    with backends.use_backend("numpy"):
        return twin.predict(X, verbose=0)


def lines(function, *inputs):
    """The code of weight-only values, and that of the rest."""
    graph = prepare_graph(transforms.capture(function, (inputs, {}))[0])
    weight_cache, rest = split_weight_only(graph)
    first = Writer(weight_cache, [[x for _, x in graph.reads]], parameters=["kept"], may_alias=True)
    return first.source, Writer(rest, [rest.inputs], parameters=["inputs"]).source


def fit(model):
    model.fit(X, np.ones((2, 2), "float32"), epochs=2, verbose=0)


def set_weights(model):
    model.set_weights([np.abs(w) * 1.5 + 0.1 for w in model.get_weights()])


def assign(model):
    for variable in model.variables[:9]:
        variable.assign(ops.abs(variable.value) + 0.25)


def assign_compiled(model):
    changed = [v for v in model.variables[:9] if v.dtype == "float32"]
    amalthea.jit(lambda: [v.assign(ops.abs(v.value) * 2.0 + 0.125) for v in changed] and None)()


def in_place(model):
    for weight in model.trainable_variables:
        with torch.no_grad():
            weight.value.mul_(1.5)


def in_place_unseen(model):
    """Changes of which PyTorch keeps no count."""
    for weight in model.variables[:9]:
        if weight.dtype == "float32":
            weight.value.detach().numpy()[...] += 0.5
            weight.value.data.mul_(0.75)


def by_an_optimizer(model):
    optimizer = torch.optim.SGD([v.value for v in model.trainable_variables], 0.5)
    with torch.enable_grad():
        model(X).sum().backward()
    optimizer.step()


def elsewhere(model):
    model.to("numpy")
    fit(model)
    model.to("torch")


CHANGES = [fit, set_weights, assign, assign_compiled, in_place, in_place_unseen, by_an_optimizer, elsewhere]


@pytest.mark.parametrize("change", CHANGES)
def test_a_prediction_sees_every_change(change):
    model = network()
    before = model.predict(X, verbose=0)
    np.testing.assert_allclose(before, by_numpy(model), 1e-4, 1e-5)
    for _ in range(3):
        old = model.predict(X, verbose=0)
        change(model)
        new = model.predict(X, verbose=0)
        np.testing.assert_allclose(new, by_numpy(model), 1e-4, 1e-5)
        assert np.abs(new - old).max() > 1e-6


def test_a_value_that_is_held_is_followed():
    """Whoever was handed a value may change it at any later time."""
    model = network()
    held = [weight.value for weight in model.trainable_variables]
    for _ in range(3):
        old = model.predict(X, verbose=0)
        for value in held:
            value.data.mul_(1.25)
        assert np.abs(model.predict(X, verbose=0) - old).max() > 1e-6
    np.testing.assert_allclose(model.predict(X, verbose=0), by_numpy(model), 1e-4, 1e-5)


def test_two_models_with_the_same_layer_see_each_others_training():
    shared = layers.Conv2D(4, 3)
    x = layers.Input((7, 6, 3))
    one, two = (amalthea.Model(x, layers.Flatten()(layer(shared(x)))) for layer in (layers.ReLU(), layers.ReLU()))
    one.compile("sgd", "mse")
    old = two.predict(X, verbose=0)
    one.fit(X, np.ones((2, 80), "float32"), verbose=0)
    np.testing.assert_array_equal(two.predict(X, verbose=0), one.predict(X, verbose=0))
    assert np.abs(two.predict(X, verbose=0) - old).max() > 1e-6


def test_a_value_of_weights_alone_is_computed_once(monkeypatch):
    from amalthea.engine.backends.torch import weight_cache

    counted = []
    plain = weight_cache.WeightCache.__init__

    def counting(self, graph, function):
        plain(self, graph, lambda values: counted.append(1) or function(values))

    monkeypatch.setattr(weight_cache.WeightCache, "__init__", counting)
    model = network()
    for _ in range(3):
        model.predict(X, verbose=0)
    assert len(counted) == 1
    fit(model)
    for _ in range(3):
        model.predict(X, verbose=0)
    assert len(counted) == 2


def test_outputs_are_not_what_is_kept():
    v = Variable(np.ones((2, 2), "float32"))
    give = amalthea.jit(lambda: (v.value, v.value * 2.0))
    for value in give():
        value.mul_(5.0)
    for value, wanted in zip(give(), (1.0, 2.0)):
        np.testing.assert_array_equal(value.numpy(), np.full((2, 2), wanted))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("use_bias", [False, True])
def test_a_normalization_goes_into_the_convolution_before_it(data_format, use_bias):
    shape = X.shape if data_format == "channels_last" else (2, 3, 7, 6)
    x = X.reshape(shape)
    conv = layers.Conv2D(4, 3, data_format=data_format, use_bias=use_bias)
    norm = layers.BatchNormalization(axis=-1 if data_format == "channels_last" else 1)
    model = amalthea.Sequential([conv, norm])
    model.build(shape)
    for i, v in enumerate(norm.variables):
        v.assign(numbers(4, low=0.5, high=2.0, seed=i))
    weight_cache, rest = lines(lambda x: model(x, training=False), x)
    assert "filters_first" in weight_cache
    assert rest.count(" = ") == 2  # the inputs, the convolution
    assert "conv_filters_first" in rest
    got = model.predict(x, verbose=0)
    wanted = model(x, training=False).detach().numpy()
    np.testing.assert_allclose(got, wanted, 2e-5, 2e-5)


def test_a_convolution_that_is_used_twice_keeps_its_kernel():
    conv = layers.Conv2D(4, 3)
    conv.build(X.shape)
    factor = Variable(numbers(4).astype("float32"))

    def run(x):
        y = conv(x)
        return y * factor.value + y

    wanted = run(X).detach().numpy()
    np.testing.assert_allclose(amalthea.jit(run)(X).numpy(), wanted, 2e-5, 2e-5)


@pytest.mark.parametrize("pool", [2, 3, (2, 3)])
@pytest.mark.parametrize("strides", [1, 2, 3])
def test_a_large_pool_is_as_a_small_one(pool, strides):
    x = numbers(16, 41, 40, 8).astype("float32")
    x[0, :5, 3] = np.nan
    with backends.use_backend("numpy"):
        wanted = ops.max_pool(x, pool, strides)
    got = amalthea.jit(lambda x: ops.max_pool(x, pool, strides))(x)
    np.testing.assert_array_equal(got.numpy(), wanted)


@pytest.mark.parametrize("turned", [(False, False), (False, True), (True, False), (True, True)])
@pytest.mark.parametrize(("rows", "inner", "columns"), [(128, 784, 512), (600, 640, 64), (300, 300, 300), (1, 9, 5)])
@pytest.mark.parametrize("with_bias", [False, True])
def test_products_of_every_size_agree(turned, rows, inner, columns, with_bias):
    x, y, bias = numbers(rows, inner), numbers(inner, columns, seed=1), numbers(columns, seed=2)
    wanted = x @ y + bias * with_bias
    x, y = (np.ascontiguousarray(v.T if flag else v).astype("float32") for v, flag in zip((x, y), turned))

    def product(x, y, bias):
        x, y = (ops.transpose(v) if flag else v for v, flag in zip((x, y), turned))
        return ops.matmul(x, y) + bias if with_bias else ops.matmul(x, y)

    got = amalthea.jit(product)(x, y, bias.astype("float32"))
    np.testing.assert_allclose(got.numpy(), wanted, 1e-4, 1e-3)
