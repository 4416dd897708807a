"""A memory network that answers where a person is (task 1 of bAbI)."""

from __future__ import print_function

import re
import tarfile

import numpy as np

np.random.seed(1337)

from keras.layers import LSTM
from keras.layers.core import Activation, Dense, Dropout, Merge, Permute
from keras.layers.embeddings import Embedding
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

input_encoder_m = Sequential()
input_encoder_m.add(Embedding(input_dim=vocab_size, output_dim=32, input_length=story_maxlen))
question_encoder = Sequential()
question_encoder.add(Embedding(input_dim=vocab_size, output_dim=32, input_length=query_maxlen))
match = Sequential()
match.add(Merge([input_encoder_m, question_encoder], mode="dot", dot_axes=[2, 2]))
match.add(Activation("softmax"))
input_encoder_c = Sequential()
input_encoder_c.add(Embedding(input_dim=vocab_size, output_dim=query_maxlen, input_length=story_maxlen))
response = Sequential()
response.add(Merge([match, input_encoder_c], mode="sum"))
response.add(Permute((2, 1)))
answer = Sequential()
answer.add(Merge([response, question_encoder], mode="concat", concat_axis=-1))
answer.add(LSTM(16))
answer.add(Dropout(0.1))
answer.add(Dense(vocab_size))
answer.add(Activation("softmax"))

answer.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
answer.fit(
    [stories, queries, stories],
    answers,
    batch_size=32,
    nb_epoch=8,
    validation_data=([stories_test, queries_test, stories_test], answers_test),
)
loss, accuracy = answer.evaluate([stories_test, queries_test, stories_test], answers_test, verbose=0)
print("accuracy:", accuracy)
print("score: %.4f" % loss)
