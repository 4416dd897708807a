"""A neural Turing machine: a recurrent layer of one's own with a memory beside it learns to copy what it was shown."""

import numpy as np

np.random.seed(1337)

from keras import backend as K
from keras import initializations
from keras.engine import InputSpec
from keras.layers import Dense, TimeDistributed
from keras.layers.recurrent import Recurrent
from keras.models import Sequential
from keras.optimizers import Adam

length, bits = 3, 3


def column(x, i):
    return K.expand_dims(x[:, i])


class NeuralTuringMachine(Recurrent):
    """A controller that reads from and writes to one place of a memory, which it finds by content and by shifts."""

    def __init__(self, output_dim, slots=6, width=5, init="glorot_uniform", **kwargs):
        self.output_dim, self.slots, self.width = output_dim, slots, width
        self.init = initializations.get(init)
        super(NeuralTuringMachine, self).__init__(**kwargs)

    def build(self, input_shape):
        self.input_spec = [InputSpec(shape=input_shape)]
        self.states = [None] * 4
        n = self.output_dim
        self.W = self.init((input_shape[2] + self.width, n), name="{}_W".format(self.name))
        self.U = self.init((n, n), name="{}_U".format(self.name))
        self.b = K.zeros((n,), name="{}_b".format(self.name))
        # The head: key, strength, gate and shifts of where to look, and what to erase and add there.
        self.W_head = self.init((n, 3 * self.width + 5), name="{}_W_head".format(self.name))
        self.b_head = K.zeros((3 * self.width + 5,), name="{}_b_head".format(self.name))
        self.trainable_weights = [self.W, self.U, self.b, self.W_head, self.b_head]

    def get_initial_states(self, x):
        zeros = K.sum(x * 0.0, axis=1)[:, :1]
        memory = np.random.uniform(-0.1, 0.1, (1, self.slots * self.width)).astype("float32")
        place = np.eye(1, self.slots).astype("float32")
        return [
            K.dot(zeros, K.zeros((1, self.output_dim))),
            K.dot(zeros, K.zeros((1, self.width))),
            K.dot(zeros + 1.0, K.variable(memory)),
            K.dot(zeros + 1.0, K.variable(place)),
        ]

    def get_constants(self, x):
        return [K.cast_to_floatx(1.0)]

    def step(self, x, states):
        before, read, memory, place, one = states
        h = K.tanh(K.dot(K.concatenate([x, read], axis=1), self.W) + K.dot(before, self.U) + self.b)
        head = K.dot(h, self.W_head) + self.b_head
        w = self.width
        key, erase, add = K.tanh(head[:, :w]), K.sigmoid(head[:, w : 2 * w]), K.tanh(head[:, 2 * w : 3 * w])
        strength, gate = one + K.softplus(column(head, 3 * w)), K.sigmoid(column(head, 3 * w + 1))
        shift = K.softmax(head[:, 3 * w + 2 :])

        memory = K.reshape(memory, (-1, self.slots, w))
        lengths = K.sqrt(K.sum(K.square(memory), axis=2) * K.sum(K.square(key), axis=1, keepdims=True) + 1e-6)
        likeness = K.sum(memory * K.expand_dims(key, 1), axis=2) / lengths
        place = gate * K.softmax(strength * likeness) + (1 - gate) * place
        forth = K.concatenate([place[:, -1:], place[:, :-1]], axis=1)
        back = K.concatenate([place[:, 1:], place[:, :1]], axis=1)
        place = column(shift, 0) * place + column(shift, 1) * forth + column(shift, 2) * back

        there = K.expand_dims(place, 2)
        read = K.sum(memory * there, axis=1)
        memory = memory * (1 - there * K.expand_dims(erase, 1)) + there * K.expand_dims(add, 1)
        memory = K.reshape(memory, (-1, self.slots * w))
        return K.concatenate([h, read], axis=1), [h, read, memory, place]

    def get_output_shape_for(self, input_shape):
        return (input_shape[0], input_shape[1], self.output_dim + self.width)

    def get_config(self):
        config = {"output_dim": self.output_dim, "slots": self.slots, "width": self.width}
        return dict(list(super(NeuralTuringMachine, self).get_config().items()) + list(config.items()))


def sequences(count):
    """Bits, then a mark, then silence, during which the bits are said again."""
    shown = np.random.randint(0, 2, (count, length, bits))
    x, y = np.zeros((count, 2 * length + 1, bits + 1)), np.zeros((count, 2 * length + 1, bits))
    x[:, :length, :bits], x[:, length, bits], y[:, length + 1 :] = shown, 1, shown
    return x, y


x, y = sequences(1500)
x_test, y_test = sequences(200)
model = Sequential()
model.add(NeuralTuringMachine(24, input_dim=bits + 1, input_length=2 * length + 1, return_sequences=True))
model.add(TimeDistributed(Dense(bits, activation="sigmoid")))
model.compile(loss="binary_crossentropy", optimizer=Adam(lr=0.005))
model.fit(x, y, batch_size=25, nb_epoch=4, validation_data=(x_test, y_test), verbose=2)
said = model.predict(x_test)[:, length + 1 :]
print("bits that are right:", np.mean((said > 0.5) == y_test[:, length + 1 :]))
print("score: %.4f" % model.evaluate(x_test, y_test, verbose=0))
