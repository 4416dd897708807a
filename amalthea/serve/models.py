"""Models by name and version, from files and folders that may change while they are served."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from amalthea import saving, tree
from amalthea.engine import dtypes
from amalthea.errors import ArgumentError, ModelFileError, visible
from amalthea.serve.batching import Arrays, Batcher, Runner, batch_sizes
from amalthea.serve.contract import Contract, contract_of, kind_of
from amalthea.serve.refusals import RequestError, sentence_of
from amalthea.serve.settings import Settings

log = logging.getLogger("amalthea.serve")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_VERSION = re.compile(r"([0-9]{1,18})(\.keras|\.h5|\.hdf5)?")
_ENDINGS = (".keras", ".h5", ".hdf5")
_WHOLE = ("saved_model.pb", "config.json", "model.json")  # each marks a folder that is a model by itself

Mark = tuple[Any, ...]  # sizes and times of files: another mark, another content


class Version(NamedTuple):
    """A model that is loaded.

    Args:
        number: int.
        mark: state of its files when it was read.
        contract: its inputs and outputs.
        batcher: answers requests.
    """

    number: int
    mark: Mark
    contract: Contract
    batcher: Batcher


class Failure(NamedTuple):
    """A version that could not be loaded: the state of its files then, and the reason."""

    mark: Mark
    reason: str


class Served:
    """The versions of one model.

    Args:
        name: str; its name in addresses.
        path: str; model file, or folder of versions.
        load: function of a number, a path and a mark; returns a Version.
    """

    def __init__(self, name: str, path: str, load: Callable[[int, Path, Mark], Version]):
        self.name, self.path, self._load = name, Path(path), load
        self.versions: dict[int, Version] = {}
        self.failures: dict[int, Failure] = {}

    def refresh(self) -> None:
        """Load versions that are new or changed, and drop those whose files are gone; the last one stays."""
        found = versions_at(self.path)
        known, failures = dict(self.versions), {n: f for n, f in self.failures.items() if n in found}
        for number, path in sorted(found.items()):
            mark = mark_of(path)
            if mark in (getattr(known.get(number), "mark", None), getattr(failures.get(number), "mark", None)):
                continue
            failures.pop(number, None)
            try:
                known[number] = self._load(number, path, mark)
                log.info("%s: version %d is loaded from %s", self.name, number, path)
            except Exception as error:
                failures[number] = Failure(mark, visible(str(error)))
                log.error("%s: version %d cannot be loaded from %s: %s", self.name, number, path, error)
        kept = {number: version for number, version in known.items() if number in found}
        self.versions, self.failures = kept or known, failures  # requests that hold an older version finish with it


class Registry:
    """All models of a server.

    Args:
        models: sequence of ``path`` or ``name=path``.
        settings: Settings.
        on_batch: called with the model's name and the rows of each batch.
        on_wait: called with the model's name and the change in the number of requests that wait.

    Raises:
        ArgumentError: a name is used twice or cannot stand in an address; a path does not exist.
        ModelFileError: a model has no version that can be loaded.
    """

    def __init__(
        self,
        models: Sequence[str],
        settings: Settings,
        on_batch: Callable[[str, int], None] = lambda name, rows: None,
        on_wait: Callable[[str, int], None] = lambda name, change: None,
    ):
        self._settings, self._on_batch, self._on_wait = settings, on_batch, on_wait
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="amalthea-predict")
        self.models: dict[str, Served] = {}
        for name, path in map(named, models):
            on_wait(name, 0)
            if not os.path.exists(path):
                raise ArgumentError("There is no file or folder at this path.", got=path)
            if name in self.models:
                raise ArgumentError("Two models have the same name.", got=name, cure=f"{name}2={path}")
            self.models[name] = Served(name, path, self._loader(name))
        if not self.models:
            raise ArgumentError("There is no model to serve.", cure="amalthea serve model.keras")
        self.refresh()
        for served in self.models.values():
            if not served.versions:
                reasons = "; ".join(failure.reason for failure in served.failures.values())
                raise ModelFileError(f"Model '{served.name}' cannot be loaded.", got=reasons or "no version")

    def refresh(self) -> None:
        """Look at all files again."""
        for served in self.models.values():
            try:
                served.refresh()
            except OSError as error:
                log.error("%s: %s cannot be read: %s", served.name, served.path, error)

    def find(self, name: str, version: str | None = None) -> Version:
        """Return a version of a model; without a number, the newest.

        Raises:
            RequestError: there is none.
        """
        versions = self.served(name).versions
        if version is None:
            return versions[max(versions)]
        number = int(version) if _VERSION.fullmatch(version) and version.isdigit() else -1
        if number not in versions:
            expected = ", ".join(map(str, sorted(versions)))
            raise RequestError(404, f"Model '{name}' has no such version.", expected=expected, got=version)
        return versions[number]

    def served(self, name: str) -> Served:
        """Return a model.

        Raises:
            RequestError: there is none of the name.
        """
        if name not in self.models:
            raise RequestError(404, "There is no model of this name.", expected=", ".join(self.models), got=name)
        return self.models[name]

    def index(self) -> list[dict[str, str]]:
        """Return name, version, state and reason of every version, as the protocol's model repository words them."""
        rows = []
        for name, served in self.models.items():
            why = {n: reason for n, reason in reasons(served).items() if n not in served.versions}
            states = [(n, "READY", "") for n in served.versions] + [(n, "UNAVAILABLE", why[n]) for n in why]
            rows += [{"name": name, "version": str(n), "state": s, "reason": r} for n, s, r in sorted(states)]
        return rows

    def close(self) -> None:
        """End the thread that runs models."""
        self._thread.shutdown(wait=True)

    def _loader(self, name: str) -> Callable[[int, Path, Mark], Version]:
        def load(number: int, path: Path, mark: Mark) -> Version:
            model = saving.load_model(str(model_in(path)), compile=False, safe_mode=True)
            contract = contract_of(model)
            runner = Runner(
                _function(model, contract),
                self._settings.max_batch,
                contract.rows,
                contract.is_by_row,
                lambda rows: self._on_batch(name, rows),
            )
            _warm_up(runner.function, contract, self._settings)
            batcher = Batcher(runner, self._settings, self._thread, lambda change: self._on_wait(name, change))
            return Version(number, mark, contract, batcher)

        return load


def _function(model: Any, contract: Contract) -> Callable[[Arrays], Arrays]:
    def predict(arrays: Arrays) -> Arrays:
        return tree.flatten(model.predict_on_batch(tree.pack_sequence_as(contract.nest, arrays)))

    return predict


def _warm_up(function: Callable[[Arrays], Arrays], contract: Contract, settings: Settings) -> None:
    """Run one row, so that a model that cannot run is refused when it is loaded, then every other size of a batch.

    Open sizes are left to requests.
    """
    shapes = [tuple(size for size in spec.shape[1:] if size is not None) for spec in contract.inputs]
    if any(len(shape) < len(spec.shape) - 1 for shape, spec in zip(shapes, contract.inputs)):
        return
    dtype = [str if kind_of(spec) == "U" else dtypes.to_numpy(spec.dtype) for spec in contract.inputs]
    end = time.monotonic() + settings.warm_seconds
    for rows in [contract.rows] if contract.rows else batch_sizes(settings.max_batch if contract.is_by_row else 1):
        function([np.zeros((rows, *shape), d) for shape, d in zip(shapes, dtype)])
        if time.monotonic() >= end:
            return


def named(text: str) -> tuple[str, str]:
    """Return the name and path of ``path`` or ``name=path``.

    >>> named("models/digits.keras"), named("a=models/digits.keras")
    (('digits', 'models/digits.keras'), ('a', 'models/digits.keras'))
    """
    name, equals, path = text.partition("=")
    if not equals or os.path.exists(text):
        stem = os.path.basename(os.path.normpath(text))
        name, path = next((stem.removesuffix(e) for e in _ENDINGS if stem.endswith(e)), stem), text
    if not _NAME.fullmatch(name):
        raise ArgumentError(
            "The name of a model has letters, digits, '_', '-' and '.' only.", got=name, cure=f"model={path}"
        )
    return name, path


def versions_at(path: Path) -> dict[int, Path]:
    """Return the versions in a folder by number; a file, or a folder that is a model, is version 1."""
    if not path.is_dir() or any((path / name).is_file() for name in _WHOLE):
        return {1: path} if path.exists() else {}
    found = ((_VERSION.fullmatch(child.name), child) for child in sorted(path.iterdir()))
    return {int(match[1]): child for match, child in found if match and bool(match[2]) != child.is_dir()}


def model_in(path: Path) -> Path:
    """Return the model of a version: the path itself, or the one model file in the folder.

    Raises:
        ModelFileError: the folder holds no model, or several.
    """
    if not path.is_dir() or any((path / name).is_file() for name in _WHOLE):
        return path / "model.json" if (path / "model.json").is_file() else path
    files = [child for child in sorted(path.iterdir()) if child.name.endswith(_ENDINGS)]
    if len(files) != 1:
        raise ModelFileError(
            "The folder of a version holds one model.", expected="a model file or a SavedModel", got=f"{len(files)}"
        )
    return files[0]


def mark_of(path: Path) -> Mark:
    """Return names, sizes and times of the files of a version."""
    files = [path] if not path.is_dir() else sorted(file for file in path.rglob("*") if file.is_file())
    facts = [(str(file), file.stat()) for file in files]
    return tuple((name, found.st_size, found.st_mtime_ns, found.st_ino) for name, found in facts)


def reasons(served: Served) -> dict[int, str]:
    """Return the reasons why versions are not served, by number."""
    return {n: sentence_of(RequestError(400, failure.reason)) for n, failure in served.failures.items()}
