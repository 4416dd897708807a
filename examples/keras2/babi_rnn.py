"""Two recurrent encoders answer where a person is (task 1 of bAbI): of the question, and of the story beside it."""

from __future__ import print_function

import re
import tarfile

import numpy as np

np.random.seed(1337)

from keras.layers import GRU, Dense, Dropout, Embedding, Input, RepeatVector, add
from keras.models import Model
from keras.preprocessing.sequence import pad_sequences
from keras.utils.data_utils import get_file


def tokens(sentence):
    return [w for w in re.split(r"(\W+)", sentence) if w.strip()]


def read(file):
    data, story = [], []
    for line in file.readlines():
        number, text = line.decode("utf-8").strip().split(" ", 1)
        if int(number) == 1:
            story = []
        if "\t" in text:
            question, answer, _ = text.split("\t")
            data.append((sum(story, []), tokens(question), answer))
        else:
            story.append(tokens(text))
    return data


path = get_file("babi-tasks-v1-2.tar.gz", origin="https://s3.amazonaws.com/text-datasets/babi_tasks_1-20_v1-2.tar.gz")
task = "tasks_1-20_v1-2/en-10k/qa1_single-supporting-fact_{}.txt"
with tarfile.open(path) as tar:
    train, test = [read(tar.extractfile(task.format(part))) for part in ("train", "test")]
train, test = train[:1500], test[:300]

words = sorted(set(w for story, question, answer in train + test for w in story + question + [answer]))
index = dict((w, i + 1) for i, w in enumerate(words))
vocab_size = len(words) + 1
story_maxlen = max(len(s) for s, _, _ in train + test)
query_maxlen = max(len(q) for _, q, _ in train + test)


def vectors(data):
    stories = pad_sequences([[index[w] for w in s] for s, _, _ in data], maxlen=story_maxlen)
    queries = pad_sequences([[index[w] for w in q] for _, q, _ in data], maxlen=query_maxlen)
    return stories, queries, np.array([index[a] for _, _, a in data])


stories, queries, answers = vectors(train)
stories_test, queries_test, answers_test = vectors(test)

story = Input(shape=(story_maxlen,), dtype="int32")
question = Input(shape=(query_maxlen,), dtype="int32")
story_words = Dropout(0.1)(Embedding(vocab_size, 32)(story))
question_words = Dropout(0.1)(Embedding(vocab_size, 32)(question))
read_question = RepeatVector(story_maxlen)(GRU(32)(question_words))
merged = Dropout(0.1)(GRU(32)(add([story_words, read_question])))
answer = Dense(vocab_size, activation="softmax")(merged)

model = Model([story, question], answer)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit([stories, queries], answers, batch_size=32, epochs=12, validation_split=0.05, verbose=2)
loss, accuracy = model.evaluate([stories_test, queries_test], answers_test, verbose=0)
print("accuracy:", accuracy)
print("score: %.4f" % loss)
