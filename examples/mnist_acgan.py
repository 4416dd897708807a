"""A GAN with an auxiliary classifier: the discriminator also tells the class of a digit."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(1337)

latent_size, batch_size, batches = 16, 50, 25
losses = {"generation": "binary_crossentropy", "auxiliary": "sparse_categorical_crossentropy"}


def build_generator():
    latent, digit = keras.Input((latent_size,)), keras.Input((1,), dtype="int32")
    h = layers.Multiply()([latent, layers.Flatten()(layers.Embedding(10, latent_size)(digit))])
    h = layers.Dense(96, activation="relu")(h)
    return keras.Model([latent, digit], layers.Reshape((28, 28, 1))(layers.Dense(784, activation="tanh")(h)))


def build_discriminator():
    image = keras.Input((28, 28, 1))
    h = layers.Conv2D(8, 3, strides=2, padding="same")(image)
    h = layers.Dropout(0.3)(layers.LeakyReLU(negative_slope=0.3)(h))
    h = layers.Conv2D(16, 3, strides=2, padding="same")(h)
    h = layers.Flatten()(layers.LeakyReLU(negative_slope=0.3)(h))
    outputs = {
        "generation": layers.Dense(1, activation="sigmoid", name="generation")(h),
        "auxiliary": layers.Dense(10, activation="softmax", name="auxiliary")(h),
    }
    return keras.Model(image, outputs)


def adam():
    return keras.optimizers.Adam(0.001, beta_1=0.5)


generator, discriminator = build_generator(), build_discriminator()
discriminator.compile(optimizer=adam(), loss=losses)
# A copy with the same weights would be trained too: the discriminator is frozen while the generator learns.
combined = keras.Model(generator.inputs, discriminator(generator.outputs[0]))
discriminator.trainable = False
combined.compile(optimizer=adam(), loss=losses)

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train = (x_train[:2500, ..., None].astype("float32") - 127.5) / 127.5
x_test = (x_test[:500, ..., None].astype("float32") - 127.5) / 127.5
y_train, y_test = y_train[:2500, None].astype("int32"), y_test[:500]


def drawn(count):
    return [np.random.uniform(-1, 1, (count, latent_size)).astype("float32"), np.random.randint(0, 10, (count, 1))]


for epoch in range(2):
    for index in range(batches):
        rows = np.arange(batch_size) + (epoch * batches + index) * batch_size
        noise = drawn(batch_size)
        x = np.concatenate([x_train[rows], generator.predict(noise, verbose=0)])
        is_real = np.repeat([1.0, 0.0], batch_size)[:, None]
        # The classes of pictures that were made do not count.
        weights = {"generation": np.ones(2 * batch_size), "auxiliary": 2 * is_real[:, 0]}
        targets = {"generation": is_real, "auxiliary": np.concatenate([y_train[rows], noise[1]])}
        discriminator.trainable = True
        d_loss = discriminator.train_on_batch(x, targets, sample_weight=weights, return_dict=True)
        discriminator.trainable = False
        noise = drawn(2 * batch_size)
        targets = {"generation": np.ones((2 * batch_size, 1)), "auxiliary": noise[1]}
        g_loss = combined.train_on_batch(noise, targets, return_dict=True)
    print("discriminator:", float(d_loss["loss"]), "generator:", float(g_loss["loss"]))
found = discriminator.predict(x_test, verbose=0)["auxiliary"].argmax(-1)
print(f"score: {np.mean(found == y_test):.4f}")
