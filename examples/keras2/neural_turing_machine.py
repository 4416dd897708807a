"""A neural Turing machine: a cell of one's own with a memory beside it learns to copy what it was shown."""

import numpy as np

np.random.seed(1337)

from keras import backend as K
from keras.layers import RNN, Dense, Input, Layer, TimeDistributed
from keras.models import Model
from keras.optimizers import Adam

length, bits = 3, 3


class TuringCell(Layer):
    """A controller that reads from and writes to one place of a memory, which it finds by content and by shifts."""

    def __init__(self, units, slots=6, width=5, **kwargs):
        self.units, self.slots, self.width = units, slots, width
        self.state_size, self.output_size = (units, width, slots * width, slots), units + width
        super(TuringCell, self).__init__(**kwargs)

    def build(self, input_shape):
        def weight(name, shape, initializer="glorot_uniform"):
            return self.add_weight(name=name, shape=shape, initializer=initializer)

        n, head = self.units, 3 * self.width + 5
        self.kernel = weight("kernel", (input_shape[-1] + self.width, n))
        self.recurrent_kernel = weight("recurrent_kernel", (n, n))
        self.bias = weight("bias", (n,), "zeros")
        # The head: key, strength, gate and shifts of where to look, and what to erase and add there.
        self.head_kernel = weight("head_kernel", (n, head))
        self.head_bias = weight("head_bias", (head,), "zeros")
        # States begin with zeros; the memory and the place of the head are kept as differences from these.
        self.first_memory = weight("first_memory", (self.slots * self.width,), "uniform")
        self.first_place = K.constant(np.eye(1, self.slots))
        super(TuringCell, self).build(input_shape)

    def call(self, inputs, states):
        before, read, memory, place = states
        memory, place = memory + self.first_memory, place + self.first_place
        h = K.dot(K.concatenate([inputs, read]), self.kernel) + K.dot(before, self.recurrent_kernel)
        h = K.tanh(K.bias_add(h, self.bias))
        head = K.bias_add(K.dot(h, self.head_kernel), self.head_bias)
        w = self.width
        key, erase, add = K.tanh(head[:, :w]), K.sigmoid(head[:, w : 2 * w]), K.tanh(head[:, 2 * w : 3 * w])
        strength, gate = 1 + K.softplus(head[:, 3 * w : 3 * w + 1]), K.sigmoid(head[:, 3 * w + 1 : 3 * w + 2])
        shift = K.softmax(head[:, 3 * w + 2 :])

        memory = K.reshape(memory, (-1, self.slots, w))
        likeness = K.batch_dot(K.l2_normalize(memory, axis=2), K.l2_normalize(key, axis=1), axes=(2, 1))
        place = gate * K.softmax(strength * likeness) + (1 - gate) * place
        forth = K.concatenate([place[:, -1:], place[:, :-1]])
        back = K.concatenate([place[:, 1:], place[:, :1]])
        place = shift[:, :1] * place + shift[:, 1:2] * forth + shift[:, 2:] * back

        read = K.batch_dot(place, memory, axes=(1, 1))
        there = K.expand_dims(place, 2)
        memory = memory * (1 - there * K.expand_dims(erase, 1)) + there * K.expand_dims(add, 1)
        memory = K.reshape(memory, (-1, self.slots * w)) - self.first_memory
        return K.concatenate([h, read]), [h, read, memory, place - self.first_place]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.units + self.width)


def sequences(count):
    """Bits, then a mark, then silence, during which the bits are said again."""
    shown = np.random.randint(0, 2, (count, length, bits))
    x, y = np.zeros((count, 2 * length + 1, bits + 1)), np.zeros((count, 2 * length + 1, bits))
    x[:, :length, :bits], x[:, length, bits], y[:, length + 1 :] = shown, 1, shown
    return x, y


x, y = sequences(1500)
x_test, y_test = sequences(200)
inputs = Input(shape=(2 * length + 1, bits + 1))
outputs = RNN(TuringCell(24), return_sequences=True)(inputs)
outputs = TimeDistributed(Dense(bits, activation="sigmoid"))(outputs)
model = Model(inputs, outputs)
model.compile(loss="binary_crossentropy", optimizer=Adam(lr=0.005))
model.fit(x, y, batch_size=25, epochs=4, validation_data=(x_test, y_test), verbose=2)
said = model.predict(x_test)[:, length + 1 :]
print("bits that are right:", np.mean((said > 0.5) == y_test[:, length + 1 :]))
print("score: %.4f" % model.evaluate(x_test, y_test, verbose=0))
