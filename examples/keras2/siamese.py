"""A siamese network: digits of one class come to lie together, others apart."""

import random

import numpy as np

np.random.seed(1337)
random.seed(1337)

from keras import backend as K
from keras.datasets import mnist
from keras.layers import Dense, Dropout, Input, Lambda
from keras.models import Model, Sequential
from keras.optimizers import RMSprop


def euclidean_distance(vects):
    x, y = vects
    return K.sqrt(K.maximum(K.sum(K.square(x - y), axis=1, keepdims=True), K.epsilon()))


def distance_shape(shapes):
    return (shapes[0][0], 1)


def contrastive_loss(y_true, y_pred):
    margin = 1
    return K.mean(y_true * K.square(y_pred) + (1 - y_true) * K.square(K.maximum(margin - y_pred, 0)))


def create_pairs(x, y):
    pairs, labels = [], []
    places = [np.where(y == i)[0] for i in range(10)]
    for digit in range(10):
        for i in range(min(len(p) for p in places) - 1):
            pairs.append([x[places[digit][i]], x[places[digit][i + 1]]])
            other = (digit + random.randrange(1, 10)) % 10
            pairs.append([x[places[digit][i]], x[places[other][i]]])
            labels += [1, 0]
    return np.array(pairs), np.array(labels)


(x_train, y_train), (x_test, y_test) = mnist.load_data()
tr_pairs, tr_y = create_pairs(x_train[:1500].reshape(-1, 784).astype("float32") / 255, y_train[:1500])
te_pairs, te_y = create_pairs(x_test[:500].reshape(-1, 784).astype("float32") / 255, y_test[:500])

base_network = Sequential()
base_network.add(Dense(64, input_shape=(784,), activation="relu"))
base_network.add(Dropout(0.1))
base_network.add(Dense(64, activation="relu"))
input_a, input_b = Input(shape=(784,)), Input(shape=(784,))
distance = Lambda(euclidean_distance, output_shape=distance_shape)([base_network(input_a), base_network(input_b)])
model = Model(inputs=[input_a, input_b], outputs=distance)

model.compile(loss=contrastive_loss, optimizer=RMSprop(lr=0.001))
model.fit(
    [tr_pairs[:, 0], tr_pairs[:, 1]],
    tr_y,
    batch_size=128,
    epochs=8,
    verbose=2,
    validation_data=([te_pairs[:, 0], te_pairs[:, 1]], te_y),
)
pred = model.predict([te_pairs[:, 0], te_pairs[:, 1]])
print("score: %.4f" % np.mean((pred.ravel() < 0.5) == te_y))
