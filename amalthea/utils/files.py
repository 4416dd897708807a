"""``get_file``: a file from the web, kept, and checked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from amalthea import writing
from amalthea.callbacks import console
from amalthea.callbacks.progbar import Progbar
from amalthea.errors import AmaltheaError, ArgumentError, brief

SCHEMES = ("http", "https", "ftp", "file")
CHUNK = 1 << 16  # bytes


class DownloadError(AmaltheaError, OSError):
    """A file could not be fetched, or is not the one that was expected."""


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: Any = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """Returns the path of a file that is downloaded once and then kept.

    A kept file that does not have the hash is downloaded again, and refused if it still does not have it.

    Args:
        fname: str or path; name of the kept file, or a whole path. Defaults to None, which takes the last part of
            ``origin``. For an archive to unpack, a name without an ending is that of the folder.
        origin: str; URL: http, https, ftp or file.
        untar: bool; older name of ``extract``.
        md5_hash: str; older name of ``file_hash``.
        file_hash: str; SHA-256 or MD5 in hexadecimal digits. Defaults to None, which checks nothing.
        cache_subdir: str; folder in ``cache_dir``. Defaults to ``"datasets"``.
        hash_algorithm: str; ``"sha256"``, ``"md5"``, or ``"auto"``, which tells them by the length of ``file_hash``.
        extract: bool; whether the archive is unpacked; then the path is that of its folder. Defaults to False.
        archive_format: str or list; ``"tar"``, ``"zip"``, or ``"auto"``, which tries both.
        cache_dir: path. Defaults to None, which means ``$KERAS_HOME`` or ``~/.keras``.
        force_download: bool; whether a kept file is downloaded again. Defaults to False.

    Raises:
        ArgumentError: the origin is missing or not a URL, or ``fname`` leads out of the cache.
        DownloadError: no answer, or the file has another hash.
        UnsafeFileError: the archive would write outside its folder, or is larger than ``saving.limits`` allows.

    Example:
        >>> import pathlib, tempfile
        >>> from amalthea import utils
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "words.txt").write_text("one two")
        >>> origin = (folder / "words.txt").as_uri()
        >>> path = utils.get_file("kept.txt", origin, cache_dir=folder / "cache")  # doctest: +ELLIPSIS
        Downloading data from file:...
        >>> pathlib.Path(path).read_text()
        'one two'
    """
    origin = _checked_origin(origin)
    folder = Path(cache_dir or os.environ.get("KERAS_HOME") or Path.home() / ".keras").expanduser() / cache_subdir
    path, unpacked = _places(folder, fname, origin, extract or untar)
    expected = file_hash or md5_hash
    if force_download or not _is_kept(path, expected, hash_algorithm):
        path.parent.mkdir(parents=True, exist_ok=True)
        _download(origin, path, expected, hash_algorithm)
        force_download = True
    if unpacked is None:
        return str(path)
    if force_download or not unpacked.exists():
        from amalthea.utils.archives import unpack

        unpack(path, unpacked, archive_format)
    return str(unpacked)


def _checked_origin(origin: str | None) -> str:
    if not origin:
        raise ArgumentError("get_file needs an address to fetch from.", cure="get_file(origin='https://...')")
    scheme = origin.partition(":")[0].lower()
    if scheme not in SCHEMES:
        raise ArgumentError("The address cannot be fetched from.", expected=", ".join(SCHEMES), got=origin)
    return origin


def _places(folder: Path, fname: str | os.PathLike[str] | None, origin: str, extract: bool) -> tuple[Path, Path | None]:
    """The path of the file, and the folder of its contents if it is unpacked."""
    from urllib.parse import unquote, urlparse

    name: str = os.fspath(fname) if fname else os.path.basename(unquote(urlparse(origin).path))
    if not name:
        raise ArgumentError("The address has no file's name.", got=origin, cure="get_file('name', origin=...)")
    path = folder / name
    if not os.path.isabs(name) and not path.resolve().is_relative_to(folder.resolve()):
        raise ArgumentError(
            "The file's name leads out of the folder of downloads.",
            expected="a name in it, or a whole path",
            got=brief(name),
            cure=f"{os.path.basename(name)!r}, or os.path.abspath(...)",
        )
    if not extract:
        return path, None
    stem = path.name.partition(".")[0]
    if stem == path.name:
        return path.with_name(f"{stem}_archive"), path
    return path, path.with_name(f"{stem}_extracted")


def _is_kept(path: Path, expected: str | None, algorithm: str) -> bool:
    if not path.is_file():
        return False
    if expected is None or file_digest(path, expected, algorithm) == expected.lower():
        return True
    console.say(f"{path} is not the file that was expected (its hash is another), so it is fetched again.")
    return False


def file_digest(path: Path, expected: str, algorithm: str = "auto") -> str:
    """The hash of a file in hexadecimal digits, by the algorithm named or by that which ``expected`` looks like."""
    with path.open("rb") as file:
        return _digest(file, expected, algorithm)


def _digest(file: Any, expected: str, algorithm: str) -> str:
    """The hash of the rest of an open file."""
    if algorithm == "auto":
        algorithm = "md5" if len(expected) == 32 else "sha256"
    if algorithm not in ("md5", "sha256"):
        raise ArgumentError("This hash does not exist.", expected="'auto', 'md5' or 'sha256'", got=repr(algorithm))
    import hashlib

    digest = hashlib.new(algorithm, usedforsecurity=False)
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _download(origin: str, path: Path, expected: str | None, algorithm: str) -> None:
    """Fetch to a file aside, check it, and only then give it its name."""
    console.say(f"Downloading data from {origin}")
    with writing.whole_file(path) as file:
        _fetch(origin, file)
        file.seek(0)
        found = _digest(file, expected, algorithm) if expected else None
        if expected and found != expected.lower():
            raise DownloadError(f"{origin} gave another file than expected.", expected=expected.lower(), got=found)


def _fetch(origin: str, file: Any) -> None:
    from urllib.request import Request, urlopen

    try:
        with urlopen(Request(origin, headers={"User-Agent": "amalthea"}), timeout=60) as answer:
            size = int(answer.headers.get("Content-Length") or 0)
            got = _copy(answer, file, size)
    except OSError as error:
        raise DownloadError(f"{origin} could not be fetched.", got=error) from error
    if size and got != size:
        raise DownloadError(f"{origin} broke off.", expected=f"{size} bytes", got=f"{got} bytes")


def _copy(answer: Any, file: Any, size: int) -> int:
    bar = Progbar(size or None, unit_name="byte", interval=0.2 if console.is_terminal() else 1e9)
    bar.postpone(bar.interval)
    got = 0
    while chunk := answer.read(CHUNK):
        file.write(chunk)
        got += len(chunk)
        bar.update(got, finalize=False)
    return got
