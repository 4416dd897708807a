"""Helpers for scripts: labels, sequences, files from the web, the data sets, and the command."""

import hashlib
import io
import tarfile
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from amalthea import cli, load_model, utils
from amalthea.datasets import digits, mnist
from amalthea.errors import AmaltheaError, ArgumentError, DataError, ShapeError, UnsafeFileError
from amalthea.utils import archives, files

# ------------------------------------------------------------------------------------------ numbers


@pytest.mark.parametrize("shape", [(5,), (5, 1), (2, 3), (2, 3, 1), ()])
@pytest.mark.parametrize("num_classes", [None, 7])
def test_one_hot_rows_have_their_one_at_the_class(shape, num_classes):
    classes = np.arange(int(np.prod(shape))).reshape(shape) % 5
    rows = utils.to_categorical(classes, num_classes)
    squeezed = classes[..., 0] if classes.ndim > 1 and shape[-1] == 1 else classes
    assert rows.shape == (*squeezed.shape, num_classes or classes.max() + 1)
    np.testing.assert_array_equal(rows.argmax(-1), squeezed)
    np.testing.assert_array_equal(rows.sum(-1), 1)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("axis", [0, -1])
def test_normalized_vectors_have_length_one_or_zero(axis, order):
    x = np.random.default_rng(0).normal(size=(3, 4))
    x[1], x[:, 1] = 0, 0
    lengths = np.linalg.norm(utils.normalize(x, axis, order), order, axis)
    assert all(np.isclose(length, 1, atol=1e-6) or length == 0 for length in lengths)


PADDED = {
    "longest": ([[1], [2, 3]], {}, [[0, 1], [2, 3]]),
    "after": ([[1], [2, 3]], {"padding": "post"}, [[1, 0], [2, 3]]),
    "cut before": ([[1, 2, 3]], {"maxlen": 2}, [[2, 3]]),
    "cut after": ([[1, 2, 3]], {"maxlen": 2, "truncating": "post"}, [[1, 2]]),
    "a value": ([[], [2]], {"value": -1, "maxlen": 2}, [[-1, -1], [-1, 2]]),
    "floats": ([[0.5], []], {"dtype": "float32"}, [[0.5], [0]]),
    "arrays": ((np.array([1]), np.array([2, 3])), {}, [[0, 1], [2, 3]]),
    "steps of several numbers": ([[[1, 2]], [[3, 4], [5, 6]]], {}, [[[0, 0], [1, 2]], [[3, 4], [5, 6]]]),
    "text": ([["a"], ["b", "c"]], {"dtype": object, "value": "-"}, [["-", "a"], ["b", "c"]]),
    "length 0": ([[1, 2]], {"maxlen": 0}, [[]]),
    "none": ([], {}, []),
}


@pytest.mark.parametrize("case", PADDED)
def test_sequences_are_filled_up_and_cut(case):
    sequences, arguments, expected = PADDED[case]
    found = utils.pad_sequences(sequences, **arguments)
    assert found.dtype == np.dtype(arguments.get("dtype", "int32"))
    assert found.tolist() == expected


# ------------------------------------------------------------------------------------------ files


def _sha256(content):
    return hashlib.sha256(content).hexdigest()


CONTENT = b"ten bytes!" * 20_000


@pytest.fixture
def site(tmp_path):
    """A folder on a server at localhost; its ``seen`` lists what was asked for."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "data.bin").write_bytes(CONTENT)
    seen = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            seen.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    server.folder, server.seen = folder, seen
    server.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


HASHES = [None, _sha256(CONTENT), hashlib.md5(CONTENT).hexdigest(), _sha256(CONTENT).upper()]


@pytest.mark.parametrize("file_hash", HASHES)
def test_a_file_is_fetched_once_and_kept(site, tmp_path, file_hash):
    for _ in range(2):
        path = utils.get_file(origin=f"{site.address}/data.bin?version=2", file_hash=file_hash, cache_dir=tmp_path)
        assert path == str(tmp_path / "datasets" / "data.bin")
        with open(path, "rb") as file:
            assert file.read() == CONTENT
    assert len(site.seen) == 1
    utils.get_file(origin=f"{site.address}/data.bin", cache_dir=tmp_path, force_download=True)
    assert len(site.seen) == 2


def test_a_file_that_was_changed_is_fetched_again(site, tmp_path):
    fetch = partial(utils.get_file, origin=f"{site.address}/data.bin", file_hash=_sha256(CONTENT), cache_dir=tmp_path)
    path = fetch()
    with open(path, "ab") as file:
        file.write(b"more")
    assert fetch() == path and len(site.seen) == 2
    with open(path, "rb") as file:
        assert file.read() == CONTENT


def test_the_cache_is_where_keras_has_it(site, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    path = utils.get_file("mine.bin", f"{site.address}/data.bin", cache_subdir="models")
    assert path == str(tmp_path / "home" / "models" / "mine.bin")
    assert utils.get_file(tmp_path / "here.bin", site.folder.joinpath("data.bin").as_uri()) == str(
        tmp_path / "here.bin"
    )


FETCHES_REFUSED = {
    "no address": (lambda site, folder: utils.get_file("a"), ArgumentError, "address"),
    "a scheme": (lambda site, folder: utils.get_file("a", "gopher://x/a"), ArgumentError, "https"),
    "no name": (lambda site, folder: utils.get_file(origin=site.address), ArgumentError, "name"),
    "not there": (lambda site, folder: _fetch(site, folder, "nothing"), files.DownloadError, "404"),
    "another hash": (lambda site, folder: _fetch(site, folder, file_hash="0" * 64), files.DownloadError, "another"),
    "no hash": (lambda site, folder: _fetch(site, folder, file_hash="0", hash_algorithm="crc"), ArgumentError, "md5"),
    "no archive": (lambda site, folder: _fetch(site, folder, extract=True), DataError, "archive"),
    "no format": (lambda site, folder: _fetch(site, folder, extract=True, archive_format="rar"), ArgumentError, "zip"),
}


def _fetch(site, folder, name="data.bin", **arguments):
    return utils.get_file(origin=f"{site.address}/{name}", cache_dir=folder, **arguments)


@pytest.mark.parametrize("case", FETCHES_REFUSED)
def test_what_cannot_be_fetched_is_refused_and_leaves_nothing_behind(case, site, tmp_path):
    call, kind, words = FETCHES_REFUSED[case]
    with pytest.raises(kind, match=words):
        call(site, tmp_path / "cache")
    left = [path for path in tmp_path.rglob("cache/datasets/*") if path.name != "data.bin"]
    assert left == []


# ------------------------------------------------------------------------------------------ archives


def _tar(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as opened:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            if content is None:
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            member.size = len(content or b"")
            opened.addfile(member, io.BytesIO(content or b""))


def _zip(path, members):
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in members.items():
            opened.writestr(name, content or b"")


WRITERS = {"a.tar": partial(_tar, mode="w"), "a.tar.gz": _tar, "a.tar.bz2": partial(_tar, mode="w:bz2"), "a.zip": _zip}


@pytest.mark.parametrize("name", WRITERS)
def test_an_archive_is_unpacked_once_beside_itself(site, tmp_path, name):
    WRITERS[name](site.folder / name, {"inner/one.txt": b"1", "two.txt": b"22"})
    for _ in range(2):
        folder = _fetch(site, tmp_path, name, extract=True)
        assert folder == str(tmp_path / "datasets" / "a_extracted")
        assert (tmp_path / "datasets" / "a_extracted" / "inner" / "one.txt").read_bytes() == b"1"
    assert len(site.seen) == 1
    assert utils.get_file("folder", f"{site.address}/{name}", untar=True, cache_dir=tmp_path).endswith("folder")
    assert (tmp_path / "datasets" / "folder" / "two.txt").read_bytes() == b"22"


HOSTILE = ["../out.txt", "/tmp/out.txt", "a/../../out.txt", "..\\out.txt"]


@pytest.mark.parametrize("member", HOSTILE)
@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
def test_an_archive_cannot_write_outside_its_folder(tmp_path, name, member):
    WRITERS[name](tmp_path / name, {"good.txt": b"1", member: b"2"})
    with pytest.raises(UnsafeFileError, match="outside"):
        archives.unpack(tmp_path / name, tmp_path / "deep" / "folder")
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted([name, "deep"])


def test_an_archive_cannot_bring_links(tmp_path):
    _tar(tmp_path / "a.tar.gz", {"link": None})
    with pytest.raises(UnsafeFileError, match="link"):
        archives.unpack(tmp_path / "a.tar.gz", tmp_path / "folder")


# ------------------------------------------------------------------------------------------ names, words


REFUSED = {
    "a negative class": (lambda: utils.to_categorical([-1, 2]), ArgumentError, "-1 to 2"),
    "too large a class": (lambda: utils.to_categorical([3], 3), ArgumentError, "0 to 2"),
    "an order": (lambda: utils.normalize([1.0], order=0), ArgumentError, "positive"),
    "padding": (lambda: utils.pad_sequences([[1]], padding="left"), ArgumentError, "'pre' or 'post'"),
    "a number for a sequence": (lambda: utils.pad_sequences([1]), ArgumentError, "1 at place 0"),
    "different steps": (lambda: utils.pad_sequences([[[1]], [[1, 2]]]), ShapeError, "different shapes"),
    "text among numbers": (lambda: utils.pad_sequences([[1]], value="-"), ArgumentError, "dtype=object"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_meant_is_refused_in_words(case):
    call, kind, words = REFUSED[case]
    with pytest.raises(kind, match=words):
        call()


def test_every_error_is_also_the_builtin_that_fits():
    for kind, builtin in ((files.DownloadError, OSError), (ArgumentError, ValueError)):
        error = kind("It failed.", expected="a", got="b", cure="c")
        assert isinstance(error, builtin) and isinstance(error, AmaltheaError)
        assert str(error) == "It failed.\n  expected: a\n  got:      b\n  try:      c"


def test_custom_objects_are_found_where_they_were_put():
    def double(x):
        return 2 * x

    utils.get_custom_objects()["double"] = double
    try:
        assert utils.get_registered_object("double") is double
    finally:
        del utils.get_custom_objects()["double"]
    assert utils.get_registered_object("double") is None
    with utils.custom_object_scope({"double": double}):
        assert utils.get_registered_object("double") is double


def test_every_public_name_is_there():
    assert all(hasattr(utils, name) for name in utils.__all__)


# ------------------------------------------------------------------------------------------ data sets


def test_the_digits_are_those_of_mnist():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert (x_train.shape, x_test.shape) == ((12_000, 28, 28), (2_000, 28, 28))
    assert x_train.dtype == y_train.dtype == x_test.dtype == y_test.dtype == "uint8"
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9] and y_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(y_train).min() > 1000 and x_train.max() == 255


@pytest.mark.slow
def test_the_digits_file_can_be_made_again(tmp_path):
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    whole = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    np.savez(tmp_path / "mnist.npz", **{name: np.concatenate([part, part[:9]]) for name, part in whole.items()})
    digits.make_file(tmp_path / "mnist.npz", tmp_path / "digits.npz")
    with np.load(tmp_path / "digits.npz") as again:
        assert all((again[name] == part).all() for name, part in whole.items())
    assert (tmp_path / "digits.npz").stat().st_size < 2.5e6


def test_mnist_is_fetched_and_read(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    parts = {"x_train": (6, 28, 28), "y_train": (6,), "x_test": (2, 28, 28), "y_test": (2,)}
    parts = {name: rng.integers(0, 9, shape, "uint8") for name, shape in parts.items()}
    np.savez(tmp_path / "small.npz", **parts)
    monkeypatch.setattr(mnist, "ORIGIN", (tmp_path / "small.npz").as_uri())
    monkeypatch.setattr(mnist, "SHA256", _sha256((tmp_path / "small.npz").read_bytes()))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    for name, found in {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}.items():
        np.testing.assert_array_equal(found, parts[name])


# ------------------------------------------------------------------------------------------ the command


def test_the_command_alone_says_what_there_is(capsys):
    assert cli.main([]) == 0
    out = capsys.readouterr().out
    assert all(name in out and line in out for name, line in cli.COMMANDS.items())


def test_the_doctor_names_versions_and_the_backend(capsys):
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert np.__version__ in out and "backend" in out


def test_an_unknown_command_names_those_there_are(capsys):
    with pytest.raises(SystemExit):
        cli.main(["dance"])
    assert "demo" in capsys.readouterr().err


def test_an_error_of_ours_is_shown_without_a_traceback(monkeypatch, capsys):
    def fail(arguments):
        raise ArgumentError("It failed.", cure="again")

    monkeypatch.setattr("amalthea.cli.doctor.run", fail)
    assert cli.main(["doctor"]) == 1
    assert "ArgumentError: It failed." in capsys.readouterr().err


@pytest.mark.slow
def test_the_demo_learns_saves_and_says_how_to_go_on(tmp_path, capsys):
    file = tmp_path / "digits.keras"
    assert cli.main(["demo", "--epochs", "1", "--save", str(file)]) == 0
    out = capsys.readouterr().out
    assert float(out.partition("Test accuracy: ")[2].split()[0]) > 0.9
    (_, _), (x_test, y_test) = digits.load_data()
    model = load_model(str(file))
    assert (model.predict(x_test[..., None] / 255, verbose=0).argmax(1) == y_test).mean() > 0.9
