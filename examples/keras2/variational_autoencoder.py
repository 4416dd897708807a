"""A variational autoencoder of digits, with its loss added by add_loss."""

import numpy as np

np.random.seed(1337)

from keras import backend as K
from keras import metrics
from keras.datasets import mnist
from keras.layers import Dense, Input, Lambda
from keras.models import Model

batch_size, original_dim, latent_dim, hidden = 100, 784, 2, 64
(x_train, _), (x_test, _) = mnist.load_data()
x_train = x_train[:2000].reshape(-1, original_dim).astype("float32") / 255.0
x_test = x_test[:500].reshape(-1, original_dim).astype("float32") / 255.0

x = Input(shape=(original_dim,))
h = Dense(hidden, activation="relu")(x)
z_mean = Dense(latent_dim)(h)
z_log_var = Dense(latent_dim)(h)


def sampling(args):
    mean, log_var = args
    epsilon = K.random_normal(shape=(K.shape(mean)[0], latent_dim), mean=0.0, stddev=1.0)
    return mean + K.exp(log_var / 2) * epsilon


z = Lambda(sampling, output_shape=(latent_dim,))([z_mean, z_log_var])
decoder_h = Dense(hidden, activation="relu")
decoder_mean = Dense(original_dim, activation="sigmoid")
x_decoded_mean = decoder_mean(decoder_h(z))

vae = Model(x, x_decoded_mean)
xent_loss = original_dim * metrics.binary_crossentropy(x, x_decoded_mean)
kl_loss = -0.5 * K.sum(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
vae.add_loss(K.mean(xent_loss + kl_loss))
vae.compile(optimizer="rmsprop")
vae.fit(x_train, shuffle=True, epochs=8, batch_size=batch_size, validation_data=(x_test, None))

encoder = Model(x, z_mean)
assert encoder.predict(x_test, batch_size=batch_size).shape == (500, latent_dim)
decoder_input = Input(shape=(latent_dim,))
generator = Model(decoder_input, decoder_mean(decoder_h(decoder_input)))
assert generator.predict(np.array([[0.5, -0.5]])).shape == (1, original_dim)
print("score: %.4f" % vae.evaluate(x_test, None, batch_size=batch_size, verbose=0))
