"""A convolutional autoencoder that takes noise away from digits."""

import numpy as np

np.random.seed(1337)

from keras import backend as K
from keras.datasets import mnist
from keras.layers import Conv2D, Input, MaxPooling2D, UpSampling2D
from keras.models import Model

(x_train, _), (x_test, _) = mnist.load_data()
shape = (1, 28, 28) if K.image_data_format() == "channels_first" else (28, 28, 1)
x_train = x_train[:1000].reshape((-1,) + shape).astype("float32") / 255.0
x_test = x_test[:200].reshape((-1,) + shape).astype("float32") / 255.0
noisy_train = np.clip(x_train + 0.4 * np.random.normal(size=x_train.shape), 0.0, 1.0)
noisy_test = np.clip(x_test + 0.4 * np.random.normal(size=x_test.shape), 0.0, 1.0)

input_img = Input(shape=shape)
x = Conv2D(8, (3, 3), activation="relu", padding="same")(input_img)
x = MaxPooling2D((2, 2), padding="valid")(x)
x = Conv2D(8, (3, 3), activation="relu", padding="same")(x)
encoded = MaxPooling2D((2, 2), padding="valid")(x)
x = Conv2D(8, (3, 3), activation="relu", padding="same")(encoded)
x = UpSampling2D((2, 2))(x)
x = Conv2D(8, (3, 3), activation="relu", padding="same")(x)
x = UpSampling2D((2, 2))(x)
decoded = Conv2D(1, (3, 3), activation="sigmoid", padding="same")(x)

autoencoder = Model(input_img, decoded)
autoencoder.compile(optimizer="adadelta", loss="binary_crossentropy")
autoencoder.fit(
    noisy_train, x_train, epochs=5, batch_size=50, shuffle=True, verbose=2, validation_data=(noisy_test, x_test)
)
print("score: %.4f" % autoencoder.evaluate(noisy_test, x_test, verbose=0))
