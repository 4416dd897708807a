"""Style transfer: a picture is trained to have the content of one and the correlations of features of another."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(1337)

size = 16
rows, columns = np.mgrid[:size, :size]
content = np.where((rows - 8) ** 2 + (columns - 8) ** 2 < 25, 1.0, -1.0).reshape(1, size, size, 1).astype("float32")
style = np.where((rows + columns) % 4 < 2, 1.0, -1.0).reshape(1, size, size, 1).astype("float32")

# Filters that are drawn, not learnt: each sees edges of its own.
image = keras.Input((size, size, 1))
first = layers.Conv2D(8, 3, activation="relu", padding="same")(image)
second = layers.Conv2D(8, 3, activation="relu", padding="same")(layers.MaxPooling2D()(first))
features = keras.Model(image, [first, second])
features.trainable = False


def gram_matrix(x):
    return ops.einsum("bijc,bijd->bcd", x, x)


class Transfer(keras.Model):
    """A picture as a weight; its losses are added while the model is called."""

    def __init__(self):
        super().__init__()
        self.features = features
        self.picture = self.add_weight(
            shape=(1, size, size, 1), initializer=keras.initializers.RandomUniform(-1, 1, seed=3), name="picture"
        )
        self.content = features(content)[-1]
        self.styles = [gram_matrix(x) for x in features(style)]

    def call(self, inputs):
        found = self.features(self.picture)
        self.add_loss(0.05 * ops.sum(ops.square(found[-1] - self.content)))
        for x, wanted in zip(found, self.styles):
            self.add_loss(ops.sum(ops.square(gram_matrix(x) - wanted)) / (4.0 * 64 * size**4))
        return inputs


transfer = Transfer()
transfer.compile(optimizer=keras.optimizers.Adam(0.05))
nothing = np.zeros((1, 1))
start = transfer.evaluate(nothing, verbose=0)
transfer.fit(nothing, epochs=150, verbose=0)
end = transfer.evaluate(nothing, verbose=0)
print("loss before:", start, "after:", end)
print(f"score: {1 - end / start:.4f}")
