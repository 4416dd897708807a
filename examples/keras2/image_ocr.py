"""Reads numbers of two digits from pictures: convolutions, recurrent layers, and the CTC loss in a Lambda."""

import numpy as np

np.random.seed(1337)

from keras import backend as K
from keras.datasets import mnist
from keras.layers import GRU, Activation, Conv2D, Dense, Input, Lambda, MaxPooling2D, Reshape, add
from keras.models import Model
from keras.optimizers import Adam

length, width = 2, 28
(digits, classes), _ = mnist.load_data()
digits, classes = digits[:600, ::2, ::2].astype("float32") / 255, classes[:600]


def pictures(count):
    chosen = np.random.randint(0, len(digits), (count, length))
    x = np.concatenate([digits[chosen[:, i]] for i in range(length)], axis=2)  # 14 rows, 14 columns for each digit
    return x.transpose(0, 2, 1)[..., None], classes[chosen]


def ctc_lambda_func(args):
    y_pred, labels, input_length, label_length = args
    return K.ctc_batch_cost(labels, y_pred, input_length, label_length)


steps = width // 2
input_data = Input(name="the_input", shape=(width, 14, 1), dtype="float32")
inner = Conv2D(8, (3, 3), padding="same", activation="relu", kernel_initializer="he_normal")(input_data)
inner = MaxPooling2D(pool_size=(2, 2))(inner)
inner = Reshape(target_shape=(steps, 7 * 8))(inner)
inner = Dense(32, activation="relu")(inner)
forwards = GRU(32, return_sequences=True, kernel_initializer="he_normal")(inner)
backwards = GRU(32, return_sequences=True, go_backwards=True, kernel_initializer="he_normal")(inner)
inner = Dense(11, kernel_initializer="he_normal")(add([forwards, backwards]))
y_pred = Activation("softmax", name="softmax")(inner)
labels = Input(name="the_labels", shape=[length], dtype="float32")
input_length = Input(name="input_length", shape=[1], dtype="int64")
label_length = Input(name="label_length", shape=[1], dtype="int64")
loss_out = Lambda(ctc_lambda_func, output_shape=(1,), name="ctc")([y_pred, labels, input_length, label_length])
model = Model(inputs=[input_data, labels, input_length, label_length], outputs=loss_out)
model.compile(loss={"ctc": lambda y_true, y_pred: y_pred}, optimizer=Adam(lr=0.005))


def batch(count):
    x, y = pictures(count)
    inputs = {
        "the_input": x,
        "the_labels": y,
        "input_length": np.full((count, 1), steps),
        "label_length": np.full((count, 1), length),
    }
    return inputs, {"ctc": np.zeros(count)}


def batches():
    while True:
        yield batch(32)


model.fit_generator(batches(), steps_per_epoch=40, epochs=4, verbose=2)
inputs, outputs = batch(160)
out = K.function([input_data], [y_pred])([inputs["the_input"][:32]])[0]
decoded = K.get_value(K.ctc_decode(out, np.full(32, steps), greedy=True)[0][0])
print("read:", decoded[0], "shown:", inputs["the_labels"][0])
print("score: %.4f" % model.evaluate(inputs, outputs, verbose=0))
