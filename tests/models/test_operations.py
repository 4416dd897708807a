"""Operations of a user's, Function, KerasTensor, and methods of arrays on symbolic tensors and variables."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Function, Input, KerasTensor, Model, Operation, Variable, layers, ops
from amalthea.engine import backends
from amalthea.errors import ArgumentError
from amalthea.saving import register_keras_serializable
from tests.arrays import numbers

X = numbers(4, 3)


@register_keras_serializable("tests")
class Power(Operation):
    def __init__(self, exponent, name=None):
        super().__init__(name=name)
        self.exponent = exponent

    def call(self, x):
        return ops.power(x, self.exponent)


class Told(Power):
    """An operation that tells its shapes."""

    def compute_output_spec(self, x):
        return KerasTensor(x.shape, x.dtype)


def on_host(x):
    return backends.current().to_numpy(x)


@pytest.mark.parametrize("kind", [Power, Told])
def test_an_operation_of_ones_own_computes_and_is_recorded(kind):
    np.testing.assert_allclose(on_host(kind(2)(X)), X**2, 1e-6)
    inputs = Input((3,))
    outputs = kind(2, name="squared")(inputs)
    assert outputs.shape == (None, 3) and isinstance(outputs, KerasTensor)
    model = Model(inputs, outputs)
    np.testing.assert_allclose(model.predict(X, verbose=0), X**2, 1e-6)


def test_an_operation_knows_its_configuration_input_and_output():
    power = Power(3)
    assert power.name.startswith("power") and Power.from_config(power.get_config()).exponent == 3
    with pytest.raises(ArgumentError, match="no single input"):
        _ = power.input
    inputs = Input((3,))
    outputs = power(inputs)
    assert power.input is inputs and power.output is outputs
    assert Power(2).compute_output_spec(KerasTensor((5, 3))).shape == (5, 3)


def test_an_operation_goes_into_a_model_file(tmp_path):
    inputs = Input((3,))
    model = Model(inputs, layers.Dense(2)(Power(2)(inputs)))
    model.save(tmp_path / "m.keras")
    again = amalthea.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), 1e-6)


def test_a_function_is_the_graph_between_tensors():
    dense = layers.Dense(2)
    a, b = KerasTensor((None, 3)), KerasTensor((None, 3))
    middle = a + b
    function = Function({"a": a, "b": b}, [dense(middle), middle * 2], name="both")
    outputs = function({"a": X, "b": X})
    np.testing.assert_allclose(on_host(outputs[1]), 4 * X, 1e-6)
    np.testing.assert_allclose(on_host(outputs[0]), on_host(dense(2 * X)), 1e-5, 1e-6)
    assert function.compute_output_shape({"a": (7, 3), "b": (7, 3)}) == [(7, 2), (7, 3)]
    assert dense in function.operations and len(function.inputs) == 2 and len(function.outputs) == 2
    part = Function(middle, dense(middle))
    np.testing.assert_allclose(on_host(part(2 * X)), on_host(outputs[0]), 1e-5, 1e-6)
    inputs = Input((3,))
    model = Model(inputs, function({"a": inputs, "b": inputs}))
    np.testing.assert_allclose(model.predict(X, verbose=0)[1], 4 * X, 1e-6)


def test_a_function_that_needs_another_tensor_is_refused():
    a, b = KerasTensor((None, 3)), KerasTensor((None, 3))
    with pytest.raises(ArgumentError, match="not among the model's inputs"):
        Function(a, a + b)


def test_all_symbolic_tensors_are_keras_tensors_and_nothing_else_is():
    x = KerasTensor((None, 3), dtype="int32", name="x")
    assert isinstance(x, KerasTensor) and isinstance(Input((3,)), KerasTensor) and not isinstance(X, KerasTensor)
    assert (x.shape, x.dtype, x.ndim, x.name, x.sparse, x.ragged) == ((None, 3), "int32", 2, "x", False, False)
    for wrong in ({"sparse": True}, {"ragged": True}, {"colour": 1}):
        with pytest.raises(ArgumentError, match="does not exist"):
            KerasTensor((3,), **wrong)


METHODS = {
    "T": lambda x: x.T,
    "astype": lambda x: x.astype("float16"),
    "reshape": lambda x: x.reshape((3, 4)),
    "squeeze": lambda x: x.squeeze(),
    "flatten": lambda x: x.flatten(),
    "sum": lambda x: x.sum(axis=0),
    "mean": lambda x: x.mean(axis=-1, keepdims=True),
    "max": lambda x: x.max(),
    "argmax": lambda x: x.argmax(axis=1),
    "new axis": lambda x: x[..., None],
    "negative step": lambda x: x[::-1, 1],
    "iteration": lambda x: [*x][2],
}


@pytest.mark.parametrize("name", [*METHODS])
@pytest.mark.parametrize("mode", ["variable", "compiled"])
def test_tensors_and_variables_have_the_methods_of_arrays(name, mode):
    function = METHODS[name]
    wanted = function(X)
    found = function(Variable(X)) if mode == "variable" else amalthea.jit(function)(X)
    np.testing.assert_allclose(on_host(found), wanted, 2e-3 if name == "astype" else 1e-5)
    assert tuple(found.shape) == wanted.shape
