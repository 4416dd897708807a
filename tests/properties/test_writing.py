"""Files as they are written: whole or not at all, with their links, modes and names, by every writer."""

from __future__ import annotations

import multiprocessing
import os
import stat
import threading
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import amalthea
from amalthea import Sequential, layers, utils, writing
from amalthea.cli import backends as cli_backends
from amalthea.datasets import digits
from amalthea.errors import ArgumentError


def model(value=1.0):
    made = Sequential([layers.Input((2,)), layers.Dense(3, kernel_initializer="ones")])
    made.set_weights([np.full((2, 3), value, "float32"), np.zeros(3, "float32")])
    return made


def fetched(path, value=1.0):
    source = Path(path).parent / "origin"
    source.write_bytes(np.full(6, value, "float32").tobytes())
    utils.get_file(os.path.abspath(path), source.as_uri(), force_download=True)
    source.unlink()


def the_digits(path, value=1.0):
    source = Path(path).parent / "mnist.npz"
    np.savez(source, **{name: np.full((4, 1), value, "uint8") for name in digits.NAMES})
    digits.make_file(source, path)
    source.unlink()


def a_page(path, value=1.0):
    if not os.path.exists(path):
        Path(path).write_text("<!-- backends -->\n<!-- /backends -->\n")
    assert cli_backends.run(_Arguments(path)) == 0


class _Arguments:
    check, names = False, []

    def __init__(self, path):
        self.write = [path]


def a_row(path, value=1.0):
    logger = amalthea.callbacks.CSVLogger(path)
    logger.set_model(None)
    logger.on_train_begin()
    logger.on_epoch_begin(0)
    logger.on_epoch_end(0, {"loss": value})
    logger.on_train_end()


# name: (ending of the file, a function that writes there)
WRITERS = {
    "a model": (".keras", lambda path, value=1.0: model(value).save(path)),
    "weights": (".weights.h5", lambda path, value=1.0: model(value).save_weights(path)),
    "a checkpoint": (".keras", lambda path, value=1.0: _checkpoint(path, value)),
    "a table": (".csv", a_row),
    "a download": (".bin", fetched),
    "the digits": (".npz", the_digits),
    "bytes": (".bin", lambda path, value=1.0: writing.write(path, np.full(6, value, "float32").tobytes())),
}
every_writer = pytest.mark.parametrize("name", WRITERS)
SAVERS = pytest.mark.parametrize("name", ["a model", "weights", "bytes"])


def _checkpoint(path, value):
    callback = amalthea.callbacks.ModelCheckpoint(path)
    callback.set_model(model(value))
    callback.on_epoch_end(0, {"val_loss": 1.0})


@every_writer
def test_a_symbolic_link_is_written_through(name, tmp_path):
    ending, write = WRITERS[name]
    (tmp_path / "there").mkdir()
    link, target = tmp_path / f"link{ending}", tmp_path / "there" / f"file{ending}"
    link.symlink_to(target)
    write(link)
    first = target.read_bytes()
    write(link)
    assert link.is_symlink() and os.readlink(link) == str(target)
    assert first and target.read_bytes() and not target.is_symlink()
    assert sorted(os.listdir(tmp_path)) == [f"link{ending}", "there"]
    assert os.listdir(tmp_path / "there") == [target.name]


@every_writer
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o660, 0o640])
def test_the_mode_of_a_file_is_kept(name, mode, tmp_path):
    ending, write = WRITERS[name]
    path = tmp_path / f"file{ending}"
    write(path)
    path.chmod(mode)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@every_writer
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o027])
def test_a_new_file_has_the_mode_that_the_process_gives(name, mask, tmp_path):
    ending, write = WRITERS[name]
    before = os.umask(mask)
    try:
        write(tmp_path / f"file{ending}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / f"file{ending}").stat().st_mode) == 0o666 & ~mask


@every_writer
def test_a_name_may_be_as_long_as_the_system_takes(name, tmp_path):
    ending, write = WRITERS[name]
    path = tmp_path / ("n" * (255 - len(ending)) + ending)
    write(path)
    write(path)
    assert os.listdir(tmp_path) == [path.name]


@every_writer
def test_a_file_is_never_open_for_others_while_it_is_private(name, tmp_path, monkeypatch):
    """The temporary file of a private one is private from its first byte on."""
    if name == "a table":
        return  # it grows in place, by whole rows
    ending, write = WRITERS[name]
    path, seen = tmp_path / f"file{ending}", []
    write(path)
    path.chmod(0o600)
    original = writing._created

    def created(aside, private):
        file = original(aside, private)
        seen.append(stat.S_IMODE(os.stat(aside).st_mode))
        return file

    monkeypatch.setattr(writing, "_created", created)
    write(path)
    assert seen == [0o600]


FAILING = ["fsync", "replace", "fchmod"]


@every_writer
@pytest.mark.parametrize("call", FAILING)
def test_a_failure_leaves_the_old_file_and_nothing_else(name, call, tmp_path, monkeypatch):
    if name == "a table":
        return
    ending, write = WRITERS[name]
    path = tmp_path / f"file{ending}"
    write(path, 1.0)
    before = path.read_bytes()

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(writing.os, call, full)
        with pytest.raises(OSError):
            write(path, 2.0)
    assert path.read_bytes() == before
    assert {p.name for p in tmp_path.iterdir()} <= {path.name, "origin", "mnist.npz"}


def _read(name, path):
    """The value that a file was written with; a mixed file has none."""
    if name == "bytes":
        values = np.frombuffer(Path(path).read_bytes(), "float32")
    elif name == "weights":
        with h5py.File(path) as file:
            values = np.asarray(file["layers/dense/vars/0"])
    else:
        values = amalthea.saving.load_model(path).get_weights()[0]
    assert values.size == 6 and (values == values.flat[0]).all()
    return float(values.flat[0])


@SAVERS
def test_threads_that_save_one_path_leave_one_whole_file(name, tmp_path):
    ending, write = WRITERS[name]
    path, errors = tmp_path / f"file{ending}", []
    start = threading.Barrier(4)

    def save(value):
        start.wait()
        try:
            for _ in range(6):
                write(path, value)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=save, args=(float(i),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert _read(name, path) in range(4) and os.listdir(tmp_path) == [path.name]


def _save_often(path, value):
    for _ in range(10):
        writing.write(path, np.full(100_000, value, "float32").tobytes())


def test_processes_that_save_one_path_leave_one_whole_file(tmp_path):
    path, context = tmp_path / "file", multiprocessing.get_context("spawn")
    processes = [context.Process(target=_save_often, args=(path, float(i))) for i in range(2)]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        if path.exists():
            values = np.frombuffer(path.read_bytes(), "float32")
            assert values.size == 100_000 and (values == values[0]).all()
    assert [process.exitcode for process in processes] == [0, 0]
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("links", [True, False])
def test_one_of_two_writers_that_may_not_overwrite_succeeds(links, tmp_path, monkeypatch):
    def none(*arguments, **options):
        raise OSError(1, "Operation not permitted")

    if not links:
        monkeypatch.setattr(writing.os, "link", none)
    path = tmp_path / "file"
    with pytest.raises(ArgumentError, match="there already"), writing.whole_file(path, overwrite=False) as file:
        file.write(b"late")
        writing.write(path, "early", overwrite=False)
    assert path.read_bytes() == b"early" and os.listdir(tmp_path) == ["file"]


def test_data_are_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    done = []
    for call in ("fsync", "replace"):
        original = getattr(os, call)
        monkeypatch.setattr(
            writing.os, call, lambda *a, call=call, original=original: (done.append(call), original(*a))[1]
        )
    writing.write(tmp_path / "file", b"1")
    assert done == ["fsync", "replace", "fsync"]  # the file, its name, the folder


def test_devices_and_pipes_are_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    seen = []
    reader = threading.Thread(target=lambda: seen.append(pipe.read_bytes()))
    reader.start()
    writing.write(pipe, b"through")
    reader.join()
    assert seen == [b"through"] and stat.S_ISFIFO(pipe.stat().st_mode)


def test_links_in_a_circle_and_folders_are_refused(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(OSError, match="circle"):
        writing.write(tmp_path / "a", b"")
    with pytest.raises(IsADirectoryError):
        writing.write(tmp_path, b"")


def test_a_folder_becomes_the_new_one_whole(tmp_path):
    folder = tmp_path / ("f" * 255)
    for content in ("old", "new"):
        with writing.whole_folder(folder) as aside:
            Path(aside, content).write_text(content)
    with pytest.raises(ZeroDivisionError), writing.whole_folder(folder) as aside:
        Path(aside, "harm").write_text(str(1 / 0))
    with writing.whole_folder(folder) as outer:  # another comes first, and this one still ends well
        Path(outer, "outer").write_text("")
        with writing.whole_folder(folder) as inner:
            Path(inner, "inner").write_text("")
    assert os.listdir(folder) == ["outer"] and os.listdir(tmp_path) == [folder.name]


def test_the_page_of_backends_is_written_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(cli_backends.testing, "examine_backend", lambda name: pytest.skip())
    monkeypatch.setattr(cli_backends.backends, "installed", lambda: [])
    target, link = tmp_path / "there.md", tmp_path / "page.md"
    link.symlink_to(target)
    target.write_text("<!-- backends -->\n<!-- /backends -->\n")
    target.chmod(0o600)
    a_page(link)
    assert link.is_symlink() and stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_stored_zip_is_written_by_the_one_function_too(tmp_path):
    WRITERS["the digits"][1](tmp_path / "d.npz")
    assert len(zipfile.ZipFile(tmp_path / "d.npz").namelist()) == 4
