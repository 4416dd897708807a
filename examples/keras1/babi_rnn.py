"""Two recurrent encoders answer where a person is (task 1 of bAbI): of the question, and of the story beside it."""

from __future__ import print_function

import re
import tarfile

import numpy as np

np.random.seed(1337)

from keras.layers.core import Dense, Dropout, Merge, RepeatVector
from keras.layers.embeddings import Embedding
from keras.layers.recurrent import GRU
from keras.models import Sequential
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
tar = tarfile.open(path)
task = "tasks_1-20_v1-2/en-10k/qa1_single-supporting-fact_%s.txt"
train, test = [read(tar.extractfile(task % part)) for part in ("train", "test")]
train, test = train[:1500], test[:300]

words = sorted(set(w for story, question, answer in train + test for w in story + question + [answer]))
index = dict((w, i + 1) for i, w in enumerate(words))
vocab_size = len(words) + 1
story_maxlen = max(len(s) for s, _, _ in train + test)
query_maxlen = max(len(q) for _, q, _ in train + test)


def vectors(data):
    stories = pad_sequences([[index[w] for w in s] for s, _, _ in data], maxlen=story_maxlen)
    queries = pad_sequences([[index[w] for w in q] for _, q, _ in data], maxlen=query_maxlen)
    answers = np.zeros((len(data), vocab_size))
    answers[np.arange(len(data)), [index[a] for _, _, a in data]] = 1
    return stories, queries, answers


stories, queries, answers = vectors(train)
stories_test, queries_test, answers_test = vectors(test)

story_words = Sequential()
story_words.add(Embedding(vocab_size, 32, input_length=story_maxlen))
story_words.add(Dropout(0.1))
question_reader = Sequential()
question_reader.add(Embedding(vocab_size, 32, input_length=query_maxlen))
question_reader.add(Dropout(0.1))
question_reader.add(GRU(32, return_sequences=False))
question_reader.add(RepeatVector(story_maxlen))

model = Sequential()
model.add(Merge([story_words, question_reader], mode="sum"))
model.add(GRU(32, return_sequences=False))
model.add(Dropout(0.1))
model.add(Dense(vocab_size, activation="softmax"))

model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
model.fit([stories, queries], answers, batch_size=32, nb_epoch=12, validation_split=0.05, verbose=2)
loss, accuracy = model.evaluate([stories_test, queries_test], answers_test, verbose=0)
print("accuracy:", accuracy)
print("score: %.4f" % loss)
