"""``TensorBoard``: metrics, weights and the graph of a model as event files."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from amalthea.callbacks.callback import Callback, Logs
from amalthea.callbacks.event_files import EventFile, as_pixels, scalars_of, write_embeddings
from amalthea.checks import either, non_negative_int, positive_int
from amalthea.errors import ArgumentError, UnknownNameError, nearest
from amalthea.layers import Embedding


class TensorBoard(Callback):
    """Callback that writes event files, which the program ``tensorboard --logdir logs`` shows.

    The package ``tensorboard`` is needed, and TensorFlow is not. Training is written to the folder ``train`` in
    ``log_dir``, validation to ``validation``.

    Args:
        log_dir: str or path; folder of the files. Defaults to ``"logs"``.
        histogram_freq: int from 0; number of epochs between two histograms of all weights. Defaults to 0, none.
        write_graph: bool; whether the layers of a functional model are written as a graph. Defaults to True.
        write_images: bool; whether weights are written as images too, with the histograms. Defaults to False.
        write_steps_per_second: bool; whether the speed of training is written for each epoch. Defaults to False.
        update_freq: ``"epoch"``, ``"batch"`` or int from 1; number of batches between two points of the metrics of
            batches. Defaults to ``"epoch"``, no such points.
        profile_batch: must be 0: profilers belong to the libraries. Defaults to 0.
        embeddings_freq: int from 0; number of epochs between two copies of the Embedding layers' tables. Defaults to
            0, none.
        embeddings_metadata: str or dict; name of a file in the folder ``train`` with a label for each row, for all
            Embedding layers or by the name of the layer. Defaults to None, no labels.

    Raises:
        ArgumentError: an argument is out of range.
        MissingLibraryError: the package ``tensorboard`` is not installed (in ``fit``).
        UnknownNameError: ``embeddings_metadata`` names a layer that does not exist (in ``fit``).

    Example:
        >>> from amalthea.callbacks import TensorBoard
        >>> TensorBoard("runs/first", histogram_freq=1).log_dir
        'runs/first'
    """

    _writes = True  # of several processes the first calls it

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: str | dict[str, str] | None = None,
    ):
        super().__init__()
        non_negative_int(histogram_freq, "histogram_freq", "TensorBoard")
        non_negative_int(embeddings_freq, "embeddings_freq", "TensorBoard")
        either(positive_int, "epoch", "batch")(update_freq, "update_freq", "TensorBoard")
        if profile_batch:
            raise ArgumentError(
                "TensorBoard writes no profiles.",
                expected="profile_batch=0",
                got=repr(profile_batch),
                cure="the profiler of the backend's library around fit",
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq, self.write_graph, self.write_images = histogram_freq, write_graph, write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.profile_batch = profile_batch
        self.embeddings_freq, self.embeddings_metadata = embeddings_freq, embeddings_metadata
        self._files: dict[str, EventFile] = {}
        self._batches = self._tests = 0
        self._epoch_began: tuple[float, int] = (0.0, 0)

    def _file(self, name: str) -> EventFile:
        if name not in self._files:
            self._files[name] = EventFile(os.path.join(self.log_dir, name))
        return self._files[name]

    # -------------------------------------------------------------------------------------------- hooks

    def on_train_begin(self, logs: Logs | None = None) -> None:
        if self.embeddings_freq:
            self._labels_by_layer()
        self._batches = 0
        if self.write_graph and self.model._network is not None:
            self._file("train").layers(self.model)
        else:
            self._file("train")

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch_began = time.monotonic(), self._batches

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._batches += 1
        if self.update_freq != "epoch" and self._batches % int(self.update_freq) == 0:
            for name, value in scalars_of(logs or {}).items():
                self._file("train").scalar(f"batch_{name}", value, self._batches)

    def _has_hook(self, hook: str) -> bool:
        if hook == "on_train_batch_end" and self.update_freq == "epoch" and not self.write_steps_per_second:
            return False  # so that a step does not wait for its logs
        return super()._has_hook(hook)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        for name, value in scalars_of(logs or {}).items():
            folder, tag = ("validation", name[4:]) if name.startswith("val_") else ("train", name)
            self._file(folder).scalar(f"epoch_{tag}", value, epoch)
        rate = getattr(self.model.optimizer, "learning_rate", None)
        if rate is not None and np.ndim(rate) == 0:
            self._file("train").scalar("epoch_learning_rate", float(np.asarray(rate)), epoch)
        if self.write_steps_per_second:
            began, batches = self._epoch_began
            speed = (self._batches - batches) / max(time.monotonic() - began, 1e-9)
            self._file("train").scalar("epoch_steps_per_second", speed, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings()
        for file in self._files.values():
            file.flush()

    def on_test_end(self, logs: Logs | None = None) -> None:
        if self._files and "train" in self._files:
            return  # a validation of `fit`, whose results are in the logs of the epoch
        for name, value in scalars_of(logs or {}).items():
            self._file("validation").scalar(f"evaluation_{name}_vs_iterations", value, self._iterations())
        self.on_train_end()

    def on_train_end(self, logs: Logs | None = None) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}

    def _iterations(self) -> int:
        optimizer = self.model.optimizer
        return int(np.asarray(optimizer.iterations)) if optimizer is not None else 0

    # ------------------------------------------------------------------------------------------ weights

    def _write_weights(self, epoch: int) -> None:
        file = self._file("train")
        for variable in self.model.weights:
            values = variable.numpy()
            file.histogram(f"{variable.path}/histogram", values, epoch)
            if self.write_images and values.size and values.dtype.kind in "fiu":
                file.image(f"{variable.path}/image", as_pixels(values.astype(np.float64)), epoch)

    def _embeddings(self) -> list[Any]:
        return [layer for layer in self.model._flatten_layers() if isinstance(layer, Embedding)]

    def _labels_by_layer(self) -> dict[str, str | None]:
        names, given = [layer.name for layer in self._embeddings()], self.embeddings_metadata
        if not isinstance(given, dict):
            return dict.fromkeys(names, given)
        for name in given:
            if name not in names:
                raise UnknownNameError(
                    "`embeddings_metadata` names no Embedding layer of the model.", got=name, cure=nearest(name, names)
                )
        return {name: given.get(name) for name in names}

    def _write_embeddings(self) -> None:
        labels = self._labels_by_layer()
        tables = {layer.name: (layer.embeddings.numpy(), labels[layer.name]) for layer in self._embeddings()}
        os.makedirs(os.path.join(self.log_dir, "train"), exist_ok=True)
        write_embeddings(os.path.join(self.log_dir, "train"), tables)
