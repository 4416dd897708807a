"""Opinions of reviews with vectors of words that were learnt elsewhere (a file in GloVe's format)."""

from pathlib import Path

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(1337)

maxlen, dim = 60, 50
(x_train, y_train), (x_test, y_test) = keras.datasets.imdb.load_data(start_char=None, index_from=0)


def texts(reviews):
    return np.array([" ".join(f"word{w}" for w in words) for words in reviews])


x_train, x_test = texts(x_train[:1200]), texts(x_test[:400])
y_train, y_test = y_train[:1200], y_test[:400]

path = keras.utils.get_file("glove.6B.50d.txt", origin="http://nlp.stanford.edu/data/glove.6B.50d.txt")
lines = [line.split() for line in Path(path).read_text().splitlines()]
vectors = {word: np.array(numbers, dtype="float32") for word, *numbers in lines}

vectorizer = layers.TextVectorization(max_tokens=1000, output_sequence_length=maxlen)
vectorizer.adapt(x_train)
vocabulary = vectorizer.get_vocabulary()
matrix = np.array([vectors.get(word, np.zeros(dim)) for word in vocabulary])
x_train, x_test = (keras.ops.convert_to_numpy(vectorizer(x)) for x in (x_train, x_test))

embedding = layers.Embedding(len(vocabulary), dim, embeddings_initializer=keras.initializers.Constant(matrix))
embedding.trainable = False
model = keras.Sequential(
    [
        keras.Input((maxlen,), dtype="int64"),
        embedding,
        layers.Conv1D(16, 3, activation="relu"),
        layers.GlobalMaxPooling1D(),
        layers.Dense(16, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(x_train, y_train, validation_data=(x_test, y_test), epochs=5, batch_size=32, verbose=2)
assert np.allclose(embedding.get_weights()[0], matrix)
print(f"score: {model.evaluate(x_test, y_test, verbose=0)[1]:.4f}")
