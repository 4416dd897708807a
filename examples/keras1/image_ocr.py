"""Reads numbers of two digits from pictures: convolutions, recurrent layers, and the CTC loss in a Lambda."""

import numpy as np

np.random.seed(1337)

from keras import backend as K
from keras.datasets import mnist
from keras.layers import GRU, Activation, Convolution2D, Dense, Input, Lambda, MaxPooling2D, Permute, Reshape
from keras.layers import TimeDistributed, merge
from keras.models import Model
from keras.optimizers import Adam

length, width = 2, 28
(digits, classes), _ = mnist.load_data()
digits, classes = digits[:600, ::2, ::2].astype("float32") / 255, classes[:600]
th = K.image_dim_ordering() == "th"
steps = width // 2


def pictures(count):
    chosen = np.random.randint(0, len(digits), (count, length))
    x = np.concatenate([digits[chosen[:, i]] for i in range(length)], axis=2)  # 14 rows, 14 columns for each digit
    x = x.transpose(0, 2, 1)
    return (x[:, None] if th else x[..., None]), classes[chosen]


def ctc_lambda_func(args):
    y_pred, labels, input_length, label_length = args
    return K.ctc_batch_cost(labels, y_pred, input_length, label_length)


image = Input(name="the_input", shape=(1, width, 14) if th else (width, 14, 1))
inner = Convolution2D(8, 3, 3, border_mode="same", activation="relu", init="he_normal")(image)
inner = MaxPooling2D(pool_size=(2, 2))(inner)
if th:
    inner = Permute((2, 1, 3))(inner)
inner = Reshape((steps, 7 * 8))(inner)
inner = TimeDistributed(Dense(32, activation="relu"))(inner)
forwards = GRU(32, return_sequences=True, init="he_normal")(inner)
backwards = GRU(32, return_sequences=True, go_backwards=True, init="he_normal")(inner)
inner = TimeDistributed(Dense(11, init="he_normal"))(merge([forwards, backwards], mode="sum"))
y_pred = Activation("softmax", name="softmax")(inner)
labels = Input(name="the_labels", shape=[length], dtype="int32")
input_length = Input(name="input_length", shape=[1], dtype="int64")
label_length = Input(name="label_length", shape=[1], dtype="int64")
loss_out = Lambda(ctc_lambda_func, output_shape=(1,), name="ctc")([y_pred, labels, input_length, label_length])
model = Model(input=[image, labels, input_length, label_length], output=[loss_out])
model.compile(loss={"ctc": lambda y_true, y_pred: y_pred}, optimizer=Adam(lr=0.005))


def batch(count):
    x, y = pictures(count)
    inputs = {
        "the_input": x,
        "the_labels": y.astype("int32"),
        "input_length": np.full((count, 1), steps, dtype="int64"),
        "label_length": np.full((count, 1), length, dtype="int64"),
    }
    return inputs, {"ctc": np.zeros(count)}


def batches():
    while True:
        yield batch(32)


def read(path):
    """Repeated classes are one, and the last class is blank: greedy decoding of CTC."""
    return [c for c, before in zip(path, [10] + list(path[:-1])) if c != before and c != 10]


inputs, outputs = batch(160)
model.fit_generator(batches(), samples_per_epoch=40 * 32, nb_epoch=1, verbose=2)
first = model.evaluate(inputs, outputs, verbose=0)
model.fit_generator(batches(), samples_per_epoch=40 * 32, nb_epoch=9, verbose=2)
found = K.function([image], [y_pred])([inputs["the_input"]])[0].argmax(-1)
print("read:", read(found[0]), "shown:", inputs["the_labels"][0])
# On Theano the loss of Keras 1 lacked a term, the logarithm of the number of steps: a difference does not show it.
print("score: %.4f" % (first - model.evaluate(inputs, outputs, verbose=0)))
