"""Files from the web: the cache, hashes, archives, and refusals."""

import hashlib
import io
import tarfile
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from amalthea import utils
from amalthea.errors import ArgumentError, DataError, UnsafeFileError
from amalthea.utils import archives, files

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


def _sha256(content):
    return hashlib.sha256(content).hexdigest()


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
def test_a_failed_download_is_refused_and_leaves_nothing_behind(case, site, tmp_path):
    call, kind, words = FETCHES_REFUSED[case]
    with pytest.raises(kind, match=words):
        call(site, tmp_path / "cache")
    left = [path for path in tmp_path.rglob("cache/datasets/*") if path.name != "data.bin"]
    assert left == []


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
