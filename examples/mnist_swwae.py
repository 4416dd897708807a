"""A stacked what-where autoencoder: max pooling hands on where its maxima were."""

import keras
from keras import layers, ops

keras.utils.set_random_seed(1337)

(x_train, _), (x_test, _) = keras.datasets.mnist.load_data()
x_train = x_train[:600, ..., None].astype("float32") / 255
x_test = x_test[:200, ..., None].astype("float32") / 255


class Where(layers.Layer):
    """1 at the places of the maxima that a pooling found, and 0 elsewhere."""

    def call(self, before, pooled):
        spread = ops.repeat(ops.repeat(pooled, 2, axis=1), 2, axis=2)
        return ops.cast(ops.equal(before, spread), self.compute_dtype)


image = keras.Input((28, 28, 1))
before = layers.Conv2D(8, 3, padding="same", activation="elu")(image)
pooled = layers.MaxPooling2D()(before)
h = layers.Conv2D(4, 3, padding="same", activation="elu")(pooled)
h = layers.Conv2D(8, 3, padding="same")(h)
h = layers.UpSampling2D()(h) * Where()(before, pooled)
model = keras.Model(image, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(h))
model.compile("adam", "mse")
model.fit(x_train, x_train, validation_data=(x_test, x_test), batch_size=50, epochs=6, verbose=2)
print(f"score: {model.evaluate(x_test, x_test, verbose=0):.5f}")
