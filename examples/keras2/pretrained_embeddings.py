"""Opinions of reviews with vectors of words that were learnt elsewhere (a file in GloVe's format)."""

import numpy as np

np.random.seed(1337)

from keras.datasets import imdb
from keras.layers import Conv1D, Dense, Embedding, GlobalMaxPooling1D, Input
from keras.models import Model
from keras.preprocessing.sequence import pad_sequences
from keras.preprocessing.text import Tokenizer
from keras.utils.data_utils import get_file
from keras.utils import to_categorical

maxlen, dim = 60, 50
(x_train, y_train), (x_test, y_test) = imdb.load_data(start_char=None, index_from=0)
texts = [" ".join("word%d" % w for w in words) for words in list(x_train)[:1200] + list(x_test)[:400]]
labels = to_categorical(np.concatenate([y_train[:1200], y_test[:400]]), 2)

path = get_file("glove.6B.50d.txt", origin="http://nlp.stanford.edu/data/glove.6B.50d.txt")
embeddings_index = {}
with open(path) as f:
    for line in f:
        values = line.split()
        embeddings_index[values[0]] = np.asarray(values[1:], dtype="float32")

tokenizer = Tokenizer(num_words=1000)
tokenizer.fit_on_texts(texts)
data = pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=maxlen)
word_index = tokenizer.word_index
embedding_matrix = np.zeros((len(word_index) + 1, dim))
for word, i in word_index.items():
    vector = embeddings_index.get(word)
    if vector is not None:
        embedding_matrix[i] = vector

sequence_input = Input(shape=(maxlen,), dtype="int32")
embedded = Embedding(len(word_index) + 1, dim, weights=[embedding_matrix], input_length=maxlen, trainable=False)(
    sequence_input
)
x = Conv1D(16, 3, activation="relu")(embedded)
x = GlobalMaxPooling1D()(x)
x = Dense(16, activation="relu")(x)
preds = Dense(2, activation="softmax")(x)
model = Model(sequence_input, preds)
model.compile(loss="categorical_crossentropy", optimizer="rmsprop", metrics=["acc"])
model.fit(data[:1200], labels[:1200], validation_data=(data[1200:], labels[1200:]), epochs=5, batch_size=32, verbose=2)
assert np.allclose(model.layers[1].get_weights()[0], embedding_matrix)
print("score: %.4f" % model.evaluate(data[1200:], labels[1200:], verbose=0)[1])
