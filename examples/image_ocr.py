"""Reads numbers of two digits from pictures: convolutions, recurrent layers, and the CTC loss."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(1337)

length, width = 2, 28
(digits, classes), _ = keras.datasets.mnist.load_data()
digits, classes = digits[:600, ::2, ::2].astype("float32") / 255, classes[:600]


def pictures(count):
    """Pictures of 28 columns of 14 pixels, and the numbers of their digits from 1; 0 is the blank of CTC."""
    chosen = np.random.randint(0, len(digits), (count, length))
    x = np.concatenate([digits[chosen[:, i]] for i in range(length)], axis=2)
    return x.transpose(0, 2, 1)[..., None], classes[chosen].astype("int32") + 1


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 40

    def __getitem__(self, index):
        return pictures(32)


inputs = keras.Input((width, 14, 1))
h = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
h = layers.MaxPooling2D()(h)
h = layers.Reshape((width // 2, 7 * 8))(h)
h = layers.Dense(32, activation="relu")(h)
h = layers.Bidirectional(layers.GRU(32, return_sequences=True), merge_mode="sum")(h)
logits = layers.Dense(11)(h)
model = keras.Model(inputs, logits)
model.compile(loss=keras.losses.CTC(), optimizer=keras.optimizers.Adam(0.005))
model.fit(Batches(), epochs=5, verbose=2)

x, y = pictures(160)
read, _ = ops.ctc_decode(model.predict(x, verbose=0), np.full(len(x), width // 2))
print("read:", ops.convert_to_numpy(read)[0, 0, :length], "shown:", y[0])
print(f"score: {model.evaluate(x, y, verbose=0):.4f}")
