"""A stacked what-where autoencoder: max pooling hands on where its maxima were, as a gradient."""

import numpy as np

np.random.seed(1337)

from keras import backend as K
from keras.datasets import mnist
from keras.layers import Activation, Conv2D, Input, Lambda, MaxPooling2D, UpSampling2D, multiply
from keras.models import Model

(x_train, _), (x_test, _) = mnist.load_data()
shape = (1, 28, 28) if K.image_data_format() == "channels_first" else (28, 28, 1)
x_train = x_train[:600].reshape((-1,) + shape).astype("float32") / 255
x_test = x_test[:200].reshape((-1,) + shape).astype("float32") / 255


def getwhere(x):
    y_prepool, y_postpool = x
    return K.gradients(K.sum(y_postpool), y_prepool)


img_input = Input(shape=shape)
y = Conv2D(8, (3, 3), padding="same")(img_input)
y_prepool = Activation("elu")(y)
y = MaxPooling2D(pool_size=(2, 2))(y_prepool)
where = Lambda(getwhere, output_shape=lambda shapes: shapes[0])([y_prepool, y])
y = Conv2D(4, (3, 3), padding="same", activation="elu")(y)
y = Conv2D(8, (3, 3), padding="same")(y)
y = UpSampling2D(size=(2, 2))(y)
y = multiply([y, where])
y = Conv2D(1, (3, 3), padding="same", activation="sigmoid")(y)

model = Model(img_input, y)
model.compile("adam", "mse")
model.fit(x_train, x_train, validation_data=(x_test, x_test), batch_size=50, epochs=6, verbose=2)
print("score: %.5f" % model.evaluate(x_test, x_test, verbose=0))
