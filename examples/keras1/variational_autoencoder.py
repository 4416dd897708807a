"""A variational autoencoder of digits: the loss is written over tensors of the model."""

import numpy as np

np.random.seed(1337)

from keras import backend as K
from keras import objectives
from keras.datasets import mnist
from keras.layers import Dense, Input, Lambda
from keras.models import Model

batch_size, original_dim, latent_dim, hidden = 100, 784, 2, 64
(x_train, _), (x_test, _) = mnist.load_data()
x_train = x_train[:2000].reshape(-1, original_dim).astype("float32") / 255.0
x_test = x_test[:500].reshape(-1, original_dim).astype("float32") / 255.0

x = Input(batch_shape=(batch_size, original_dim))
h = Dense(hidden, activation="relu")(x)
z_mean = Dense(latent_dim)(h)
z_log_var = Dense(latent_dim)(h)


def sampling(args):
    mean, log_var = args
    epsilon = K.random_normal(shape=(batch_size, latent_dim), mean=0.0, std=1.0)
    return mean + K.exp(log_var / 2) * epsilon


z = Lambda(sampling, output_shape=(latent_dim,))([z_mean, z_log_var])
decoder_h = Dense(hidden, activation="relu")
decoder_mean = Dense(original_dim, activation="sigmoid")
x_decoded_mean = decoder_mean(decoder_h(z))


def vae_loss(x, x_decoded_mean):
    xent_loss = original_dim * objectives.binary_crossentropy(x, x_decoded_mean)
    kl_loss = -0.5 * K.sum(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
    return xent_loss + kl_loss


vae = Model(x, x_decoded_mean)
vae.compile(optimizer="rmsprop", loss=vae_loss)
vae.fit(x_train, x_train, shuffle=True, nb_epoch=8, batch_size=batch_size, validation_data=(x_test, x_test))

encoder = Model(x, z_mean)
points = encoder.predict(x_test, batch_size=batch_size)
assert points.shape == (500, latent_dim)
decoder_input = Input(shape=(latent_dim,))
generator = Model(decoder_input, decoder_mean(decoder_h(decoder_input)))
assert generator.predict(np.array([[0.5, -0.5]])).shape == (1, original_dim)
print("score: %.4f" % vae.evaluate(x_test, x_test, batch_size=batch_size, verbose=0))
