"""Pictures that each filter of a convolution answers most strongly, found from noise by gradient ascent."""

import numpy as np

np.random.seed(1337)

from keras import backend as K
from keras.datasets import mnist
from keras.layers import Activation, Conv2D, Dense, Flatten
from keras.models import Sequential
from keras.utils import to_categorical

(x_train, y_train), _ = mnist.load_data()
th = K.image_data_format() == "channels_first"
shape = (1, 28, 28) if th else (28, 28, 1)
x_train = x_train[:1000].reshape((-1,) + shape).astype("float32") / 255
model = Sequential()
model.add(Conv2D(6, (5, 5), strides=(2, 2), input_shape=shape, name="filters"))
model.add(Activation("relu"))
model.add(Flatten())
model.add(Dense(10, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam")
model.fit(x_train, to_categorical(y_train[:1000], 10), epochs=3, batch_size=50, verbose=2)

input_img = model.layers[0].input
output = model.layers[0].output
gains = []
for index in range(6):
    loss = K.mean(output[:, index, :, :]) if th else K.mean(output[:, :, :, index])
    grads = K.gradients(loss, input_img)
    grads = grads[0] if isinstance(grads, list) else grads
    grads = grads / (K.sqrt(K.mean(K.square(grads))) + 1e-5)
    iterate = K.function([input_img], [loss, grads])
    picture = np.random.random((1,) + shape) * 0.2 + 0.4
    first, _ = iterate([picture])
    for _ in range(20):
        value, slope = iterate([picture])
        picture += slope * 0.1
    gains.append(value - first)
print("score: %.4f" % np.mean(gains))
