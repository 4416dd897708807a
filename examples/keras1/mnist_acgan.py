"""A GAN with an auxiliary classifier: the discriminator also tells the class of a digit."""

from __future__ import print_function

import numpy as np

np.random.seed(1337)

from keras import backend as K
from keras.datasets import mnist
from keras.layers import Dense, Dropout, Embedding, Flatten, Input, Reshape, merge
from keras.layers.advanced_activations import LeakyReLU
from keras.layers.convolutional import Convolution2D
from keras.models import Model, Sequential
from keras.optimizers import Adam

K.set_image_dim_ordering("th")
latent_size, batch_size, nb_batches = 16, 50, 25


def build_generator():
    cnn = Sequential()
    cnn.add(Dense(96, input_dim=latent_size, activation="relu"))
    cnn.add(Dense(784, activation="tanh", init="glorot_normal"))
    latent = Input(shape=(latent_size,))
    image_class = Input(shape=(1,), dtype="int32")
    cls = Flatten()(Embedding(10, latent_size, init="glorot_normal")(image_class))
    return Model(input=[latent, image_class], output=cnn(merge([latent, cls], mode="mul")))


def build_discriminator():
    cnn = Sequential()
    cnn.add(Convolution2D(8, 3, 3, border_mode="same", subsample=(2, 2), input_shape=(1, 28, 28)))
    cnn.add(LeakyReLU())
    cnn.add(Dropout(0.3))
    cnn.add(Convolution2D(16, 3, 3, border_mode="same", subsample=(2, 2)))
    cnn.add(LeakyReLU())
    cnn.add(Flatten())
    image = Input(shape=(1, 28, 28))
    features = cnn(image)
    fake = Dense(1, activation="sigmoid", name="generation")(features)
    aux = Dense(10, activation="softmax", name="auxiliary")(features)
    return Model(input=image, output=[fake, aux])


def adam():
    return Adam(lr=0.001, beta_1=0.5)


losses = ["binary_crossentropy", "sparse_categorical_crossentropy"]
discriminator = build_discriminator()
discriminator.compile(optimizer=adam(), loss=losses)
generator = build_generator()
generator.compile(optimizer=adam(), loss="binary_crossentropy")

latent, image_class = Input(shape=(latent_size,)), Input(shape=(1,), dtype="int32")
fake = Reshape((1, 28, 28))(generator([latent, image_class]))
discriminator.trainable = False
fake, aux = discriminator(fake)
combined = Model(input=[latent, image_class], output=[fake, aux])
combined.compile(optimizer=adam(), loss=losses)

(X_train, y_train), (X_test, y_test) = mnist.load_data()
X_train = np.expand_dims((X_train[:2500].astype("float32") - 127.5) / 127.5, axis=1)
X_test = np.expand_dims((X_test[:500].astype("float32") - 127.5) / 127.5, axis=1)
y_train, y_test = y_train[:2500].reshape(-1, 1).astype("int32"), y_test[:500]

for epoch in range(2):
    for index in range(nb_batches):
        noise = np.random.uniform(-1, 1, (batch_size, latent_size))
        rows = np.arange(index * batch_size, (index + 1) * batch_size) + epoch * nb_batches * batch_size
        sampled_labels = np.random.randint(0, 10, (batch_size, 1))
        generated = generator.predict([noise, sampled_labels], verbose=0).reshape(-1, 1, 28, 28)
        X = np.concatenate((X_train[rows], generated))
        y = np.array([1] * batch_size + [0] * batch_size)
        aux_y = np.concatenate((y_train[rows], sampled_labels), axis=0)
        # The classes of pictures that were made do not count.
        weights = [np.ones(2 * batch_size), np.concatenate([np.ones(batch_size) * 2, np.zeros(batch_size)])]
        d_loss = discriminator.train_on_batch(X, [y, aux_y], sample_weight=weights)
        noise = np.random.uniform(-1, 1, (2 * batch_size, latent_size))
        sampled_labels = np.random.randint(0, 10, (2 * batch_size, 1))
        g_loss = combined.train_on_batch([noise, sampled_labels], [np.ones(2 * batch_size), sampled_labels])
    print("discriminator:", [float(x) for x in d_loss], "generator:", [float(x) for x in g_loss])
score = np.mean(discriminator.predict(X_test)[1].argmax(-1) == y_test)
print("score: %.4f" % score)
