"""The script that launchers start: it trains by the two lines, and writes what its rank saw.

``python -m tests.distribution.train FOLDER``
"""

from __future__ import annotations

import json
import os
import signal
import sys

import numpy as np

import amalthea
from amalthea import Input, Sequential, distribution, layers

STEPS = 6


def network() -> Sequential:
    net = [layers.Dense(32, "relu"), layers.BatchNormalization(), layers.Dense(3, "softmax")]
    return Sequential([Input((20,)), *net])


def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(300, 20)).astype("float32"), rng.integers(0, 3, 300).astype("int32")


class Fault(amalthea.callbacks.Callback):
    """What a rank does in its second epoch: ``die``, ``hang`` or ``raise``."""

    def on_epoch_begin(self, epoch, logs=None):
        rank, kind = os.environ["FAULT"].split(":")
        is_restarted = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"
        if not is_restarted and epoch == 1 and int(rank) == amalthea.engine.communicator.current().rank:
            if kind == "die":
                os._exit(7)
            if kind == "raise":
                raise ValueError("the data of this rank are damaged")
            os.kill(os.getpid(), signal.SIGSTOP)


def main(folder: str) -> None:
    distribution.initialize()
    distribution.set_distribution(distribution.DataParallel())
    group = distribution.distribution().group
    amalthea.utils.set_random_seed(group.rank)  # the first rank's weights and order are everybody's
    model = network()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = rows()
    callbacks = [
        amalthea.callbacks.ModelCheckpoint(os.path.join(folder, "best.keras"), save_best_only=True, monitor="loss")
    ]
    if "FAULT" in os.environ:
        callbacks.append(Fault())
    if "BACKUP" in os.environ:
        callbacks.append(amalthea.callbacks.BackupAndRestore(os.environ["BACKUP"]))
    epochs = int(os.environ.get("EPOCHS", "4"))
    history = model.fit(
        x, y, batch_size=70, epochs=epochs, verbose=2, callbacks=callbacks, validation_data=(x[:33], y[:33])
    )
    told = {
        "rank": group.rank,
        "size": group.size,
        "by": group.name,
        "history": history.history,
        "scores": model.evaluate(x, y, verbose=0),
        "predictions": model.predict(x[:5], verbose=0).tolist(),
    }
    with open(os.path.join(folder, f"rank-{group.rank}.json"), "w") as file:
        json.dump(told, file)


if __name__ == "__main__":
    main(sys.argv[1])
