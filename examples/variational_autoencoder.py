"""A variational autoencoder of digits: a layer that samples and adds its own loss."""

import keras
from keras import layers, ops

keras.utils.set_random_seed(1337)

batch_size, original_dim, latent_dim, hidden = 100, 784, 2, 64
(x_train, _), (x_test, _) = keras.datasets.mnist.load_data()
x_train = x_train[:2000].reshape(-1, original_dim).astype("float32") / 255
x_test = x_test[:500].reshape(-1, original_dim).astype("float32") / 255


class Sampling(layers.Layer):
    """Draws a point near a mean, and pulls means and variances towards the standard normal distribution."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seeds = keras.random.SeedGenerator(7)

    def call(self, inputs):
        mean, log_var = inputs
        self.add_loss(ops.mean(-0.5 * ops.sum(1 + log_var - ops.square(mean) - ops.exp(log_var), axis=-1)))
        return mean + ops.exp(log_var / 2) * keras.random.normal(ops.shape(mean), seed=self.seeds)


x = keras.Input(shape=(original_dim,))
h = layers.Dense(hidden, activation="relu")(x)
z_mean = layers.Dense(latent_dim)(h)
z = Sampling()([z_mean, layers.Dense(latent_dim)(h)])
decoder = keras.Sequential(
    [
        keras.Input(shape=(latent_dim,)),
        layers.Dense(hidden, activation="relu"),
        layers.Dense(original_dim, activation="sigmoid"),
    ]
)
vae = keras.Model(x, decoder(z))
vae.compile(optimizer="rmsprop", loss=lambda y, p: original_dim * keras.losses.binary_crossentropy(y, p))
vae.fit(x_train, x_train, epochs=8, batch_size=batch_size, validation_data=(x_test, x_test))
assert keras.Model(x, z_mean).predict(x_test).shape == (500, latent_dim)
print(f"score: {vae.evaluate(x_test, x_test, batch_size=batch_size, verbose=0):.4f}")
