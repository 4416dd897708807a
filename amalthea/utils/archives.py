"""Archives, unpacked so that nothing is written outside the folder that they are unpacked to."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path
from typing import Any

from amalthea import writing
from amalthea.errors import ArgumentError, DataError, UnsafeFileError
from amalthea.loading import limits

FORMATS = ("tar", "zip")


def unpack(archive: Path, folder: Path, archive_format: Any = "auto") -> None:
    """Unpack an archive to ``folder``, which is replaced as a whole, or not at all.

    Args:
        archive: a tar file, compressed or not, or a zip file.
        folder: where its contents go.
        archive_format: ``"tar"``, ``"zip"``, a list of them, or ``"auto"`` for either.

    Raises:
        ArgumentError: no format has this name.
        DataError: the file is no such archive.
        UnsafeFileError: a member would be written outside the folder, or is a link or a device; or the archive
            unpacks to more than ``saving.limits`` allow.
    """
    formats = FORMATS if archive_format == "auto" else _listed(archive_format)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with writing.whole_folder(folder) as aside:
        _unpack(archive, Path(aside), formats)


def _listed(archive_format: Any) -> tuple[str, ...]:
    formats = (archive_format,) if isinstance(archive_format, str) else tuple(archive_format or ())
    if not formats or not set(formats) <= set(FORMATS):
        raise ArgumentError(
            "This archive format does not exist.", expected=", ".join(FORMATS), got=repr(archive_format)
        )
    return formats


def _unpack(archive: Path, folder: Path, formats: tuple[str, ...]) -> None:
    if "tar" in formats and tarfile.is_tarfile(archive):
        with tarfile.open(archive) as opened:
            size = _Size(archive)
            for member in opened:
                _check(archive, folder, member.name, member.isfile() or member.isdir())
                size.add(member.size)
            if hasattr(tarfile, "data_filter"):  # sets safe permissions as well; from Python 3.10.12 and 3.11.4
                opened.extractall(folder, filter="data")
            else:
                opened.extractall(folder)
    elif "zip" in formats and zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            size = _Size(archive)
            for member in opened.infolist():
                _check(archive, folder, member.filename, plain=True)
                size.add(member.file_size)
            opened.extractall(folder)
    else:
        raise DataError("The file is no archive that can be unpacked.", expected=" or ".join(formats), got=archive)


class _Size:
    """Adds up what an archive's members say that they unpack to."""

    def __init__(self, archive: Path):
        self.archive, self.members, self.size = archive, 0, 0
        self.most = max(limits.archive_bytes, limits.archive_ratio * archive.stat().st_size)

    def add(self, size: int) -> None:
        self.members, self.size = self.members + 1, self.size + size
        if self.members > limits.archive_members or self.size > self.most:
            raise UnsafeFileError(
                "The archive unpacks to more than it can mean, so nothing was unpacked.",
                expected=f"at most {self.most:,} bytes in {limits.archive_members:,} files",
                got=f"{self.size:,} bytes in the first {self.members:,} members of {self.archive}",
                cure="saving.limits, if you trust it",
            )


def _check(archive: Path, folder: Path, name: str, plain: bool) -> None:
    inside = (folder / name.replace("\\", "/")).resolve().is_relative_to(folder.resolve())
    if not inside or not plain:
        raise UnsafeFileError(
            "The archive has a member that could write outside its folder, so nothing was unpacked.",
            expected="plain files and folders with relative names",
            got=f"{name!r} in {archive}",
        )
