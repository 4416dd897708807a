"""Lists of one tensor from a Lambda, and inputs that are tensors already: as Keras 1 and 2 took them."""

import numpy as np
import pytest

from amalthea import Model, layers
from amalthea.compat.inputs import Input
from amalthea.layers import Dense, Lambda


@pytest.fixture
def era(keras):
    keras(2)


def test_a_list_of_one_tensor_from_a_lambda_is_the_tensor(era):
    x = layers.Input((3,))
    doubled = Lambda(lambda x: [x * 2])(x)
    assert not isinstance(doubled, list)
    assert np.allclose(Model(x, doubled).predict(np.ones((2, 3))), 2)


def test_a_list_of_two_tensors_from_a_lambda_stays_a_list(era):
    assert len(Lambda(lambda x: [x, x])(layers.Input((3,)))) == 2


def test_a_lambda_of_today_keeps_its_list():
    assert isinstance(Lambda(lambda x: [x])(layers.Input((3,))), list)


def test_an_input_may_be_a_tensor_and_tell_its_shape(era):
    begin = layers.Input((3,))
    tensor = begin * 2
    given = Input(tensor=tensor, shape=(3,))
    model = Model(begin, Dense(1, kernel_initializer="ones")(given))
    assert np.allclose(model.predict(np.ones((2, 3))), 6)
