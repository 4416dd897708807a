"""Training in the workers of a cluster with its own scheduler; models travel as their files."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from amalthea import saving, writing
from amalthea.callbacks import History
from amalthea.checks import check_all, positive_int
from amalthea.data import unpack_x_y_sample_weight
from amalthea.distribution import launch, strategies
from amalthea.engine import backends, communicator
from amalthea.errors import ArgumentError, NotBuiltError, NotCompiledError, brief
from amalthea.models import Model


class Job(NamedTuple):
    """The work of each worker.

    Args:
        model: bytes of a ``.keras`` file.
        backend: str; the backend of the process that sent it.
        settings: dict; arguments of ``Model.fit``.
        callbacks: list of callbacks, or a function without arguments that makes them in each worker.
        custom_objects: dict of the user's classes by name, or None.
    """

    model: bytes
    backend: str
    settings: Mapping[str, Any]
    callbacks: Any = ()
    custom_objects: Mapping[str, Any] | None = None


class Result(NamedTuple):
    """The outcome of a run: the bytes of a ``.weights.h5`` file with the optimizer's state, and the history."""

    weights: bytes
    history: dict[str, list[Any]]

    def to_bytes(self) -> bytes:
        return json.dumps(self.history).encode() + b"\n" + self.weights

    @classmethod
    def from_bytes(cls, content: bytes) -> Result:
        history, weights = content.split(b"\n", 1)
        return cls(weights, json.loads(history))


def check(model: Any, needs_compile: bool = True, **sizes: Any) -> None:
    """Raise an error before any worker starts.

    Raises:
        ArgumentError: the model is not a model, or a size is not a positive integer.
        NotBuiltError: the model has no weights yet.
        NotCompiledError: the model has no loss.
    """
    if not isinstance(model, Model):
        raise ArgumentError("Workers train a model.", expected="a compiled Model", got=brief(model))
    if not model.built:
        raise NotBuiltError(
            "The model has no weights yet, so it cannot be sent to workers.",
            cure="layers.Input(...) as the first layer, or model.build(input_shape)",
        )
    if needs_compile and (not model.compiled or model.optimizer is None):
        raise NotCompiledError(
            "The model has to be compiled with a loss and an optimizer.", cure='model.compile("adam", "mse")'
        )
    check_all("fit", dict.fromkeys(sizes, positive_int), sizes)


def model_bytes(model: Any) -> bytes:
    """Return the ``.keras`` file of a model."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        saving.save_model(model, path)
        return _read(path)


def model_of(content: bytes, custom_objects: Mapping[str, Any] | None = None, compile: bool = True) -> Any:
    """Return the model of a ``.keras`` file."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        writing.write(path, content)
        return saving.load_model(path, custom_objects=dict(custom_objects or {}), compile=compile)


def weights_bytes(model: Any) -> bytes:
    """Return the file of a model's weights and its optimizer's state."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.weights.h5")
        model.save_weights(path)
        return _read(path)


def take_weights(model: Any, content: bytes) -> None:
    """Give a model the weights and the optimizer's state of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.weights.h5")
        writing.write(path, content)
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        model.load_weights(path)


def take_result(model: Any, result: Result) -> Any:
    """Give a model the outcome of a run, and return its history."""
    take_weights(model, result.weights)
    history = History()
    history.set_model(model)
    history.history, history.epoch = result.history, [*range(len(next(iter(result.history.values()), ())))]
    model.history = history
    return history


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def error_in(text: str) -> str:
    """Return the line of a worker's traceback that has its error, and the facts below it."""
    lines = text.splitlines()
    starts = [i for i, line in enumerate(lines) if line[:1].isalpha() and "Error" in line.split(":")[0]]
    if not starts:
        return lines[0] if lines else ""
    first = starts[0]
    facts = [line.strip() for line in lines[first + 1 : first + 4] if line.startswith("  ") and ":" in line[:12]]
    return " ".join([lines[first], *facts])


def free_address(host: str) -> str:
    """Return ``"host:port"`` with a port that is free on this machine now."""
    with socket.socket() as s:
        s.bind(("", 0))
        return f"{host}:{s.getsockname()[1]}"


def train(
    job: Job,
    feed: Callable[[], tuple[Any, Any]],
    address: str,
    size: int,
    rank: int,
    more: Callable[[Any], Sequence[Any]] = lambda model: (),
) -> Result | None:
    """Join the other workers, train, leave them; return the result on the first.

    Args:
        job: Job.
        feed: function that returns the data of this worker and its validation data or None, called in the group.
        address: str; ``"host:port"`` of the first worker.
        size, rank: int; the number of workers, and that of this one.
        more: function from the model to further callbacks.
    """
    with group_of(job.backend, address, size, rank):
        model = model_of(job.model, job.custom_objects)
        data, validation = feed()
        parts: Any = unpack_x_y_sample_weight(data)
        x, y, weight = parts
        own: Any = job.callbacks() if callable(job.callbacks) else job.callbacks
        callbacks = [*own, *more(model)]
        with strategies.DataParallel().scope():
            history = model.fit(
                x, y, sample_weight=weight, validation_data=validation, callbacks=callbacks, **job.settings
            ).history
        return Result(weights_bytes(model), history) if rank == 0 else None


_sent: dict[str, Any] = {}  # the model that this worker applied last, by the hash of its file


def sent_model(content: bytes, backend: str, custom_objects: Mapping[str, Any] | None) -> Any:
    """Return the model of a ``.keras`` file; a worker that is used again keeps it."""
    key = hashlib.sha256(content).hexdigest()
    if key not in _sent or custom_objects or backends.current().name != backend:
        if backends.current().name != backend:
            backends.set_backend(backend)
        _sent.clear()
        _sent[key] = model_of(content, custom_objects, compile=False)
    return _sent[key]


def forget() -> None:
    """Make the process of a worker as it was when it began."""
    _sent.clear()
    backends.current().leave()


class group_of:
    """The group of workers while a block runs; the process can join another one afterwards.

    Args:
        backend: str; the backend to use.
        address, size, rank: as in :func:`train`.
    """

    def __init__(self, backend: str, address: str, size: int, rank: int):
        self.backend, self.place = backend, (address, size, rank)

    def __enter__(self) -> communicator.Communicator:
        if backends.current().name != self.backend:
            backends.set_backend(self.backend)
        forget()
        launch.initialize(*self.place)
        return communicator.current()

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        group = communicator.current()
        communicator.join(communicator.ALONE)
        if error is not None:
            group.fail(error)
            return
        group.close()
        forget()
