"""Deep dream: a picture is changed by gradient ascent until a layer of a trained network answers strongly."""

import numpy as np

np.random.seed(1337)

from keras import backend as K
from keras.datasets import mnist
from keras.layers import Conv2D, Dense, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.utils import to_categorical

(x_train, y_train), _ = mnist.load_data()
th = K.image_data_format() == "channels_first"
shape = (1, 28, 28) if th else (28, 28, 1)
x_train = x_train[:1000].reshape((-1,) + shape).astype("float32") / 255
model = Sequential()
model.add(Conv2D(8, (3, 3), activation="tanh", input_shape=shape, name="conv1"))
model.add(MaxPooling2D((2, 2)))
model.add(Conv2D(8, (3, 3), activation="tanh", name="conv2"))
model.add(Flatten())
model.add(Dense(10, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam")
model.fit(x_train, to_categorical(y_train[:1000], 10), epochs=3, batch_size=50, verbose=2)

layer_dict = dict([(layer.name, layer) for layer in model.layers])
dream = model.input
answer = K.mean(K.square(layer_dict["conv2"].output))
if th:
    change = K.mean(K.square(dream[:, :, 1:, :] - dream[:, :, :-1, :]))
else:
    change = K.mean(K.square(dream[:, 1:, :, :] - dream[:, :-1, :, :]))
loss = answer - 0.1 * change
grads = K.gradients(loss, dream)
grads = grads[0] if isinstance(grads, list) else grads
grads /= K.maximum(K.mean(K.abs(grads)), 1e-7)
fetch_loss_and_grads = K.function([dream], [loss, grads])


def ascent(x, steps, rate):
    for _ in range(steps):
        value, slope = fetch_loss_and_grads([x])
        x = np.clip(x + rate * slope, -1, 2)
    return x, float(value)


start = np.array(x_train[:4])
before = float(fetch_loss_and_grads([start])[0])
picture, after = ascent(start, 30, 0.05)
print("loss before:", before, "after:", after)
print("score: %.4f" % (after / before))
