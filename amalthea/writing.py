"""Atomic writing of files: a reader of a path sees the complete old file or the complete new one.

Bytes go to a temporary file in the same folder, are flushed to the disk, and then take the target's name in one step;
the folder is flushed too, so that the name survives a loss of power. Every writer of the package uses
:func:`whole_file`.

    temporary (unique, short name) -> write -> fsync -> owner, mode -> rename over the target -> fsync of the folder

A symbolic link is written through; the mode, and where permitted the owner, of a file that is replaced are kept. Other
hard links of a replaced file keep the old bytes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO

from amalthea.errors import ArgumentError

Path = str | os.PathLike[str]
ENDING = ".part"  # of temporary files and folders, which begin with a dot


@contextmanager
def whole_file(path: Path, overwrite: bool = True) -> Generator[IO[bytes], None, None]:
    """An open binary file whose bytes become the file at ``path`` when the block ends without an error.

    Args:
        path: the target. A symbolic link stands for the file that it points to.
        overwrite: whether a file that is there is replaced.

    Raises:
        ArgumentError: a file is there, and ``overwrite`` is false.
        OSError: the folder is missing or cannot be written to, or the file is write-protected.

    Example:
        >>> import os, tempfile
        >>> from amalthea.writing import whole_file
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with whole_file(os.path.join(folder, "numbers")) as file:
        ...         _ = file.write(b"1 2 3")
        ...     os.listdir(folder)
        ['numbers']
    """
    target = _target(path)
    old = _status(target)
    if old is not None and not overwrite:
        raise _there_already(path)
    if old is not None and not stat.S_ISREG(old.st_mode):  # a device or a pipe, which has no other place to write to
        with open(target, "wb") as file:
            yield file
        return
    if old is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "The file is write-protected", target)
    aside = temporary(target)
    try:
        with _created(aside, private=old is not None) as file:
            yield file
            file.flush()
            if old is not None:
                _keep_permissions(file.fileno(), target, old)
            os.fsync(file.fileno())
        if overwrite:
            os.replace(aside, target)
        else:
            _publish_new(aside, target, path)
        flush_folder(os.path.dirname(target))
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(aside)


def write(path: Path, data: bytes | str, overwrite: bool = True) -> None:
    """Make ``data`` the contents of the file at ``path``; text is written as UTF-8. See :func:`whole_file`."""
    with whole_file(path, overwrite) as file:
        file.write(data.encode() if isinstance(data, str) else data)


@contextmanager
def whole_folder(path: Path) -> Generator[str, None, None]:
    """The path of an empty folder whose contents become the folder at ``path`` when the block ends without an error."""
    target = _target(path)
    aside, old = temporary(target), temporary(target)
    os.mkdir(aside)
    try:
        yield aside
        while True:
            with contextlib.suppress(FileNotFoundError):
                os.rename(target, old)
            try:
                os.rename(aside, target)
                break
            except OSError as error:  # another thread or process has put its own there in the meantime
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                shutil.rmtree(old, ignore_errors=True)
        flush_folder(os.path.dirname(target))
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def temporary(target: Path) -> str:
    """A new name beside the target, which fits wherever the target's own fits."""
    return os.path.join(os.path.dirname(os.fspath(target)), f".{secrets.token_hex(8)}{ENDING}")


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files that killed processes left in a folder that nobody else writes to."""
    for name in os.listdir(folder):
        if name.startswith(".") and name.endswith(ENDING):
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(folder, name))


def flush_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    with contextlib.suppress(OSError, AttributeError):  # some systems open no folders, or flush none
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _target(path: Path) -> str:
    """The path with symbolic links followed."""
    target = os.path.realpath(path)
    if os.path.islink(target):
        raise OSError(errno.ELOOP, "The symbolic links go round in a circle", os.fspath(path))
    return target


def _status(target: str) -> os.stat_result | None:
    try:
        found = os.stat(target)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "There is a folder of that name", target)
    return found


def _created(path: str, private: bool) -> IO[bytes]:
    """A new file; ``private`` until it gets the mode of the one that it replaces."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    return os.fdopen(os.open(path, flags, 0o600 if private else 0o666), "w+b")


def _keep_permissions(handle: int, target: str, old: os.stat_result) -> None:
    """Owner and group where permitted, attributes (access lists among them), then the mode: a new owner resets it."""
    if not hasattr(os, "fchown"):  # Windows, where files have neither
        return
    for owner in ((old.st_uid, old.st_gid), (-1, old.st_gid)):
        try:
            os.fchown(handle, *owner)
            break
        except OSError:  # only an administrator gives files away
            continue
    with contextlib.suppress(OSError, AttributeError):
        for name in os.listxattr(target):
            with contextlib.suppress(OSError):
                os.setxattr(handle, name, os.getxattr(target, name))
    os.fchmod(handle, stat.S_IMODE(old.st_mode))


def _publish_new(aside: str, target: str, path: Path) -> None:
    """Give the file its name unless another has come to have it."""
    try:
        os.link(aside, target)
    except FileExistsError:
        raise _there_already(path) from None
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise _there_already(path) from None
        os.replace(aside, target)


def _there_already(path: Path) -> ArgumentError:
    return ArgumentError("The file is there already.", got=os.fspath(path), cure="overwrite=True, or another name")
