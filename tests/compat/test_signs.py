"""The era of a script, by signs that only an old version had."""

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
