"""Two recurrent encoders answer where a person is (task 1 of bAbI): of the question, and of the story beside it."""

import re
import tarfile

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(1337)


def tokens(sentence):
    return re.findall(r"\w+|\?|\.", sentence)


def read(file):
    data, story = [], []
    for line in file.read().decode().splitlines():
        number, text = line.strip().split(" ", 1)
        if number == "1":
            story = []
        if "\t" in text:
            question, answer, _ = text.split("\t")
            data.append((sum(story, []), tokens(question), answer))
        else:
            story.append(tokens(text))
    return data


path = keras.utils.get_file(
    "babi-tasks-v1-2.tar.gz", origin="https://s3.amazonaws.com/text-datasets/babi_tasks_1-20_v1-2.tar.gz"
)
with tarfile.open(path) as tar:
    task = "tasks_1-20_v1-2/en-10k/qa1_single-supporting-fact_{}.txt"
    train, test = [read(tar.extractfile(task.format(part))) for part in ("train", "test")]
train, test = train[:1500], test[:300]

words = sorted({w for story, question, answer in train + test for w in [*story, *question, answer]})
index = {w: i + 1 for i, w in enumerate(words)}
vocab_size = len(words) + 1
story_maxlen = max(len(s) for s, _, _ in train + test)
query_maxlen = max(len(q) for _, q, _ in train + test)


def vectors(data):
    stories = keras.utils.pad_sequences([[index[w] for w in s] for s, _, _ in data], maxlen=story_maxlen)
    queries = keras.utils.pad_sequences([[index[w] for w in q] for _, q, _ in data], maxlen=query_maxlen)
    return [stories, queries], np.array([index[a] for _, _, a in data])


(x_train, y_train), (x_test, y_test) = vectors(train), vectors(test)

story = keras.Input((story_maxlen,), dtype="int32")
question = keras.Input((query_maxlen,), dtype="int32")
story_words = layers.Dropout(0.1)(layers.Embedding(vocab_size, 32)(story))
question_words = layers.Dropout(0.1)(layers.Embedding(vocab_size, 32)(question))
read_question = layers.RepeatVector(story_maxlen)(layers.GRU(32)(question_words))
merged = layers.Dropout(0.1)(layers.GRU(32)(story_words + read_question))
answer = layers.Dense(vocab_size, activation="softmax")(merged)

model = keras.Model([story, question], answer)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=32, epochs=12, validation_split=0.05, verbose=2)
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print("accuracy:", accuracy)
print(f"score: {loss:.4f}")
