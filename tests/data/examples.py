"""Ten rows of data for the tests of adapters."""

import numpy as np

from amalthea import data

ROWS = 10
X = np.arange(ROWS * 3, dtype="float32").reshape(ROWS, 3)
Y = np.arange(ROWS)


class Frame:
    """Stands for a data frame: an array by `to_numpy`, rows by `iloc`."""

    iloc = None

    def __init__(self, array):
        self.array = array

    def to_numpy(self):
        return self.array


class Batches(data.PyDataset):
    """The rows above as a data set of four batches, which keeps a diary."""

    def __init__(self, labels=True):  # without super().__init__(), as people forget it
        self.labels = labels
        self.diary = []

    def __len__(self):
        return 4

    def __getitem__(self, index):
        part = slice(3 * index, 3 * index + 3)
        return (X[part], Y[part]) if self.labels else X[part]

    def on_epoch_begin(self):
        self.diary.append("begin")

    def on_epoch_end(self):
        self.diary.append("end")
