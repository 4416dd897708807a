"""A stacked what-where autoencoder: max pooling hands on where its maxima were, as a gradient."""

import numpy as np

np.random.seed(1337)

from keras import backend as K
from keras.datasets import mnist
from keras.layers import Convolution2D, Input, Lambda, MaxPooling2D, UpSampling2D, merge
from keras.layers.advanced_activations import ELU
from keras.models import Model

(X_train, _), (X_test, _) = mnist.load_data()
shape = (1, 28, 28) if K.image_dim_ordering() == "th" else (28, 28, 1)
X_train = X_train[:600].reshape((-1,) + shape).astype("float32") / 255
X_test = X_test[:200].reshape((-1,) + shape).astype("float32") / 255


def getwhere(x):
    y_prepool, y_postpool = x
    return K.gradients(K.sum(y_postpool), y_prepool)


img_input = Input(shape=shape)
y = Convolution2D(8, 3, 3, border_mode="same")(img_input)
y_prepool = ELU()(y)
y = MaxPooling2D(pool_size=(2, 2))(y_prepool)
where = Lambda(getwhere, output_shape=lambda shapes: shapes[0])([y_prepool, y])
y = ELU()(Convolution2D(4, 3, 3, border_mode="same")(y))
y = Convolution2D(8, 3, 3, border_mode="same")(y)
y = UpSampling2D(size=(2, 2))(y)
y = merge([y, where], mode="mul")
y = Convolution2D(1, 3, 3, border_mode="same", activation="sigmoid")(y)

model = Model(img_input, y)
model.compile("adam", "mse")
model.fit(X_train, X_train, validation_data=(X_test, X_test), batch_size=50, nb_epoch=6, verbose=2)
print("score: %.5f" % model.evaluate(X_test, X_test, verbose=0))
