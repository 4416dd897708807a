"""A script as those for Horovod and Keras are written, but for its import.

``python -m tests.distribution.horovod_script FOLDER``
"""

from __future__ import annotations

import json
import os
import sys

from amalthea import callbacks, datasets, layers, optimizers, utils
from amalthea.distribution import horovod as hvd
from amalthea.models import Sequential

BATCH, EPOCHS, ROWS = 32, 3, 640  # rows of a process's batch


def main(folder: str) -> None:
    hvd.init()
    utils.set_random_seed(7 + hvd.rank())  # each process's weights are its own before the broadcast
    (x, y), (x_test, y_test) = datasets.digits.load_data()
    x, x_test = (z[:ROWS].astype("float32").reshape(-1, 28 * 28) / 255 for z in (x, x_test))
    y, y_test = y[:ROWS], y_test[:ROWS]
    parts = int(os.environ.get("PARTS", hvd.size()))  # one process that stands for several has their batches joined
    x, y = ordered(x, parts), ordered(y, parts)
    own = slice(hvd.rank() * len(x) // hvd.size(), (hvd.rank() + 1) * len(x) // hvd.size())

    model = Sequential([layers.Input((28 * 28,)), layers.Dense(32, "relu"), layers.Dense(10, "softmax")])
    optimizer = hvd.DistributedOptimizer(optimizers.SGD(0.05 * parts, momentum=0.9))
    model.compile(loss="sparse_categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    calls = [hvd.callbacks.BroadcastGlobalVariablesCallback(0), hvd.callbacks.MetricAverageCallback()]
    if hvd.rank() == 0:
        calls.append(callbacks.ModelCheckpoint(os.path.join(folder, "checkpoint-{epoch}.keras")))
    history = model.fit(
        x[own] if hvd.size() > 1 else joined(x, parts),
        y[own] if hvd.size() > 1 else joined(y, parts),
        batch_size=BATCH * parts // hvd.size(),
        shuffle=False,
        epochs=EPOCHS,
        callbacks=calls,
        verbose=1 if hvd.rank() == 0 else 0,
    )
    score = hvd.allreduce(model.evaluate(x_test, y_test, verbose=0))
    told = {
        "rank": hvd.rank(),
        "size": hvd.size(),
        "local": [hvd.local_rank(), hvd.local_size()],
        "loss": history.history["loss"],
        "score": score,
        "first": hvd.broadcast(hvd.rank() + 5, 1 % hvd.size()).item(),
        "parts": hvd.allgather([[hvd.rank()]] * (hvd.rank() + 1)).tolist(),
    }
    with open(os.path.join(folder, f"rank-{hvd.rank()}.json"), "w") as file:
        json.dump(told, file)


def ordered(x, parts):
    return x[: len(x) // parts * parts]


def joined(x, parts):
    """Rows in the order in which the processes' batches meet: a batch of the first, one of the second, ..."""
    return x.reshape(parts, -1, BATCH, *x.shape[1:]).swapaxes(0, 1).reshape(x.shape)


if __name__ == "__main__":
    main(sys.argv[1])
