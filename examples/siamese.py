"""A siamese network: digits of one class come to lie together, others apart."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(1337)


class Distance(layers.Layer):
    def call(self, a, b):
        squares = ops.sum(ops.square(a - b), axis=1, keepdims=True)
        return ops.sqrt(ops.maximum(squares, keras.config.epsilon()))


@keras.saving.register_keras_serializable()
def contrastive_loss(y_true, distance, margin=1.0):
    apart = ops.square(ops.relu(margin - distance))
    return ops.mean(y_true * ops.square(distance) + (1 - y_true) * apart, axis=-1)


def pairs(x, y):
    """For each picture one of its class and one of another."""
    places = [np.where(y == digit)[0] for digit in range(10)]
    same = np.array([np.random.choice(places[digit]) for digit in y])
    other = np.array([np.random.choice(places[(digit + np.random.randint(1, 10)) % 10]) for digit in y])
    labels = np.repeat([1.0, 0.0], len(x))[:, None]
    return [np.concatenate([x, x]), np.concatenate([x[same], x[other]])], labels


(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
train = pairs(x_train[:1200].reshape(-1, 784).astype("float32") / 255, y_train[:1200])
test = pairs(x_test[:500].reshape(-1, 784).astype("float32") / 255, y_test[:500])

tower = keras.Sequential(
    [keras.Input((784,)), layers.Dense(64, activation="relu"), layers.Dropout(0.1), layers.Dense(64, activation="relu")]
)
left, right = keras.Input((784,)), keras.Input((784,))
model = keras.Model([left, right], Distance()(tower(left), tower(right)))
model.compile(loss=contrastive_loss, optimizer="rmsprop")
model.fit(*train, batch_size=128, epochs=8, verbose=2, validation_data=test)
accuracy = np.mean((model.predict(test[0], verbose=0) < 0.5) == test[1])
print(f"score: {accuracy:.4f}")
