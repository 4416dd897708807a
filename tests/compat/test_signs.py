"""The era of a script, by signs that only an old version had."""

import numpy as np
import pytest

from amalthea.compat import eras, signs
from amalthea.errors import ArgumentError

SNIPPETS = {
    1: [
        "from keras.layers import Dense\nDense(3, init='uniform')",
        "model.fit(x, y, nb_epoch=3)",
        "from keras.layers import Convolution2D\nConvolution2D(8, 3, 3)",
        "from keras.layers import Merge\nfrom keras.layers.core import Dense",
        "from keras.layers import merge\nmerge([a, b], mode='sum')",
        "from keras.models import Model\nModel(input=a, output=b)",
        "model.fit_generator(g, samples_per_epoch=100, nb_epoch=3)",
        "from keras.layers import LSTM\nLSTM(3, dropout_W=0.2, consume_less='gpu')",
        "from keras.layers import MaxPooling1D\nMaxPooling1D(pool_length=2)",
        "import keras.initializations",
        "from keras.utils.visualize_util import plot",
        "from keras.regularizers import activity_l2",
        "from keras.layers import Embedding, Dropout\nDropout(p=0.5)",
        "print 'Python 2'\nmodel.fit(x, y, nb_epoch=3)",
        "import keras.backend as K\nK.set_image_dim_ordering('th')",
    ],
    2: [
        "from keras.layers.core import Dense",
        "from keras.layers.merge import add",
        "from keras.optimizers import SGD\nSGD(lr=0.1)",
        "from keras.layers import CuDNNLSTM",
        "from keras.layers import Conv2D\nConv2D(8, 3, 3)",
        "from keras import backend as K\nK.learning_phase()",
        "model.predict_classes(x)",
        "model.fit_generator(g, steps_per_epoch=3, epochs=2)",
        "from keras.engine.topology import Layer",
        "from keras.layers import Convolution2D\nConvolution2D(8, (3, 3), padding='same')\nmodel.fit(x, y, nb_epoch=3)",
        "from keras.layers import LeakyReLU\nLeakyReLU(alpha=0.3)",
        "import tensorflow as tf\nfrom tensorflow import keras\ntf.Session()",
        "import tensorflow as tf\nmodel = tf.keras.Model()\ntf.set_random_seed(1)",
        "print 'Python 2'\nmodel.predict_classes(x)",
    ],
    3: [
        "",
        "import keras\nkeras.layers.Dense(3, kernel_initializer='uniform', use_bias=False)",
        "from keras.layers import Conv2D\nConv2D(8, (3, 3), padding='same')",
        "from keras import ops",
        "import keras\nkeras.ops.add(x, y)\nkeras.optimizers.SGD(lr=0.1)",
        "model.fit(x, y, epochs=3, steps_per_epoch=4)",
        "from tensorflow.keras.optimizers import SGD\nSGD(lr=0.1)",
        "from keras.layers import LSTM\nLSTM(3, recurrent_activation='sigmoid')",
        "import numpy as np\nnp.random.choice(3, p=[1, 0, 0])\nxgboost.train(subsample=0.5, init='k')",
        "from keras.optimizers import Adam\nAdam(learning_rate=0.1)",
        "from keras.utils import np_thing\nprint(np_thing)",
        "print 'Python 2'",
    ],
}
CASES = [(era, source) for era, sources in SNIPPETS.items() for source in sources]


@pytest.mark.parametrize("era, source", CASES, ids=[f"{era}, {i}" for i, (era, _) in enumerate(CASES)])
def test_a_script_has_the_era_of_its_signs(era, source):
    number, why = signs.detected(source)
    assert number == era, why
    assert why and "\n" not in why


def test_the_reason_names_the_sign_and_its_line():
    assert signs.detected("import keras\nmodel.fit(nb_epoch=3)")[1] == "it has the argument 'nb_epoch' of fit in line 2"


def test_the_era_is_the_one_given_then_that_of_the_environment_then_that_of_the_signs(monkeypatch, capsys):
    old = "model.fit(nb_epoch=3)"
    monkeypatch.delenv(eras.VARIABLE, raising=False)
    assert eras.chosen(old) == 1 and "'nb_epoch' of fit in line 1" in capsys.readouterr().err
    monkeypatch.setenv(eras.VARIABLE, "2")
    assert eras.chosen(old) == 2 and eras.chosen(old, 3) == 3
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("value", ("0", "4", "two", "1.2"))
def test_an_era_that_does_not_exist_is_refused(monkeypatch, value):
    monkeypatch.setenv(eras.VARIABLE, value)
    with pytest.raises(ArgumentError, match="names no version of Keras"):
        eras.in_environment()


@pytest.mark.parametrize("value", (0, 4, "1", None, True))
def test_only_three_eras_can_be_set(value):
    with pytest.raises(ArgumentError, match="does not exist"):
        eras.set_era(value)


# ------------------------------------------------------------------------------------- tf.keras 2

ARGUMENT = [-3.0, -2.5, -1.0, 0.0, 1.0, 2.7]
OF_KERAS_2 = [0.0, 0.0, 0.3, 0.5, 0.7, 1.0]  # tf_keras 2.15.1; Keras 3 gives 1/3 for -1
TF_KERAS = {
    "from tensorflow.keras import layers": True,
    "import tensorflow as tf\ntf.keras.layers.Dense(3)": True,
    "import tf_keras\ntf_keras.layers.Dense(3)": True,
    "print 'Python 2', tf.keras": True,
    "from tensorflow.keras import ops": False,
    "import tensorflow as tf\ntf.keras.ops.add(1, 2)": False,
    "from tensorflow import keras\nkeras.random.normal((2,))": False,
    "import keras": False,
    "": False,
}


@pytest.mark.parametrize("source", TF_KERAS)
def test_the_import_decides_about_keras_of_tensorflow(source):
    assert signs.is_of_tf_keras(source) == TF_KERAS[source]


@pytest.mark.parametrize("given, expected", ((None, True), (3, False), (2, False)))
def test_hard_sigmoid_of_a_script_of_tf_keras(given, expected, keras, monkeypatch, capsys):
    monkeypatch.delenv(eras.VARIABLE, raising=False)
    number = eras.chosen("from tensorflow.keras import layers\nlayers.Dense(3, activation='hard_sigmoid')", given)
    assert number == (given or 3) and eras.is_tf_keras() == expected
    assert ("hard_sigmoid is clip(0.2 x + 0.5)" in capsys.readouterr().err) == expected
    era = keras(number)
    x = np.array([ARGUMENT], "float32").T
    forms = [
        lambda: era.layers.Activation("hard_sigmoid")(x),
        lambda: era.layers.Dense(1, activation="hard_sigmoid", kernel_initializer="ones")(x),
        lambda: era.layers.Dense(1, "hard_sigmoid", kernel_initializer="ones")(x),
        lambda: era.activations.get("hard_sigmoid")(x),
        lambda: era.activations.hard_sigmoid(x),
    ]
    for form in forms:
        assert np.allclose(np.asarray(form())[:, 0], OF_KERAS_2) == (number == 2 or expected)
    of_lstm = era.layers.LSTM(2, recurrent_activation="hard_sigmoid").recurrent_activation.__name__
    assert of_lstm == ("hard_sigmoid" if given == 3 else "keras2_hard_sigmoid")
    default = era.layers.ConvLSTM2D(2, 2).recurrent_activation.__name__
    assert default == ("sigmoid" if given == 3 else "keras2_hard_sigmoid")
    assert era.layers.LSTM(2).recurrent_activation.__name__ == ("keras2_hard_sigmoid" if number == 2 else "sigmoid")


def test_nothing_is_said_of_a_script_without_the_function(monkeypatch, capsys):
    monkeypatch.delenv(eras.VARIABLE, raising=False)
    eras.chosen("from tensorflow.keras import layers")
    assert capsys.readouterr().err == ""
    eras.set_tf_keras(False)
