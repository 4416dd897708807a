"""A neural Turing machine: a cell of one's own with a memory beside it learns to copy what it was shown."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(1337)

length, bits = 3, 3


def direction(x):
    return x * ops.rsqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + 1e-6)


class TuringCell(layers.Layer):
    """A controller that reads from and writes to one place of a memory, which it finds by content and by shifts."""

    def __init__(self, units, slots=6, width=5, **kwargs):
        super().__init__(**kwargs)
        self.units, self.slots, self.width = units, slots, width
        self.state_size = [units, width, slots * width, slots]
        self.output_size = units + width
        self.controller = layers.Dense(units, activation="tanh")
        self.head = layers.Dense(3 * width + 5)

    def build(self, input_shape):
        self.controller.build((input_shape[0], input_shape[-1] + self.width + self.units))
        self.head.build((input_shape[0], self.units))
        self.first_memory = self.add_weight(
            shape=(1, self.slots * self.width), initializer="random_uniform", name="first_memory"
        )

    def get_initial_state(self, batch_size):
        place = ops.one_hot(ops.zeros((batch_size,), dtype="int32"), self.slots)
        memory = ops.tile(self.first_memory, (batch_size, 1))
        return [ops.zeros((batch_size, self.units)), ops.zeros((batch_size, self.width)), memory, place]

    def call(self, inputs, states):
        before, read, memory, place = states
        h = self.controller(ops.concatenate([inputs, read, before], axis=-1))
        w = self.width
        # Key, erased and added values; strength and gate; shifts to the same place, the next and the one before.
        key, erase, add, strength, gate, shift = ops.split(
            self.head(h), [w, 2 * w, 3 * w, 3 * w + 1, 3 * w + 2], axis=-1
        )
        key, erase, add = ops.tanh(key), ops.sigmoid(erase), ops.tanh(add)
        strength, gate, shift = 1 + ops.softplus(strength), ops.sigmoid(gate), ops.softmax(shift)

        memory = ops.reshape(memory, (-1, self.slots, w))
        likeness = ops.einsum("bsw,bw->bs", direction(memory), direction(key))
        place = gate * ops.softmax(strength * likeness) + (1 - gate) * place
        moved = ops.stack([place, ops.roll(place, 1, axis=1), ops.roll(place, -1, axis=1)], axis=1)
        place = ops.einsum("bk,bks->bs", shift, moved)

        read = ops.einsum("bs,bsw->bw", place, memory)
        there = ops.expand_dims(place, -1)
        memory = memory * (1 - there * ops.expand_dims(erase, 1)) + there * ops.expand_dims(add, 1)
        memory = ops.reshape(memory, (-1, self.slots * w))
        return ops.concatenate([h, read], axis=-1), [h, read, memory, place]


def sequences(count):
    """Bits, then a mark, then silence, during which the bits are said again."""
    shown = np.random.randint(0, 2, (count, length, bits))
    x, y = np.zeros((count, 2 * length + 1, bits + 1)), np.zeros((count, 2 * length + 1, bits))
    x[:, :length, :bits], x[:, length, bits], y[:, length + 1 :] = shown, 1, shown
    return x, y


x, y = sequences(1500)
x_test, y_test = sequences(200)
inputs = keras.Input((2 * length + 1, bits + 1))
outputs = layers.RNN(TuringCell(24), return_sequences=True)(inputs)
outputs = layers.Dense(bits, activation="sigmoid")(outputs)
model = keras.Model(inputs, outputs)
model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(0.005))
model.fit(x, y, batch_size=25, epochs=4, validation_data=(x_test, y_test), verbose=2)
said = model.predict(x_test, verbose=0)[:, length + 1 :]
print("bits that are right:", np.mean((said > 0.5) == y_test[:, length + 1 :]))
print(f"score: {model.evaluate(x_test, y_test, verbose=0):.4f}")
