"""Fetches what runtimes need beyond the package's extras: ``python -m tests.export.runtimes.fetch``.

From the Python package index: the JVM's jar of ONNX Runtime, which the wheel of pyserini holds; TFLite-Micro's
interpreter; wheels for arm64. From Debian: Python for arm64, unpacked beside them; and, for root, QEMU, a JDK and
compilers for ARM. A step that fails says so, and the tests that need it are skipped with the reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.export.runtimes.places import ARM64, JAR, MICRO, ROOT, emulator

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
DEBIAN = {
    "javac": "default-jdk-headless", "clang": "clang", "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
    "arm-linux-gnueabihf-gcc": "gcc-arm-linux-gnueabihf", emulator("aarch64"): "qemu-user-static",
}  # fmt: skip
HEADERS = {"gcc-aarch64-linux-gnu": "libc6-dev-arm64-cross", "gcc-arm-linux-gnueabihf": "libc6-dev-armhf-cross"}
# QEMU shows the host's processor in /proc, where runtimes look for features of ARM's.
PROCESSOR = """processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3
"""


def run(*command: str | Path) -> None:
    subprocess.run([str(word) for word in command], check=True)


def jar(folder: Path) -> None:
    """ONNX Runtime for Java, of which Maven is the usual source."""
    run(*PIP, "download", "--no-deps", "-d", folder, "pyserini==0.40.0")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        (name,) = [n for n in file.namelist() if n.endswith("-fatjar.jar")]
        with file.open(name) as source, open(folder / "jar", "wb") as made:
            shutil.copyfileobj(source, made)
    shutil.move(folder / "jar", JAR)


def micro(folder: Path) -> None:
    run(*PIP, "install", "--no-deps", "--target", folder / "it", "tflite-micro")
    shutil.move(folder / "it", MICRO)


def arm64(folder: Path) -> None:
    """Debian's Python for arm64 without installing it, and wheels for it."""
    state, cache, made = folder / "state", folder / "cache", folder / "root"
    for place in (state / "lists" / "partial", cache / "archives" / "partial", made / "wheels"):
        place.mkdir(parents=True)
    (folder / "status").touch()
    settings = {
        "APT::Architecture": "arm64", "APT::Architectures": "arm64", "Dir::State": state, "Dir::Cache": cache,
        "Dir::State::status": folder / "status",
    }  # fmt: skip
    apt = ["apt-get", "-qq", *(word for key, value in settings.items() for word in ("-o", f"{key}={value}"))]
    run(*apt, "update")
    run(*apt, "install", "-y", "--no-install-recommends", "--download-only", "python3.11", "libstdc++6", "libgcc-s1")
    for package in (cache / "archives").glob("*.deb"):
        run("dpkg", "-x", package, made)
    tags = [f"--platform=manylinux{tag}_aarch64" for tag in ("_2_28", "_2_27", "2014", "_2_17")]
    wheels = ["--only-binary=:all:", "--python-version=3.11", "-d", folder / "wheels"]
    run(*PIP, "download", *tags, *wheels, "numpy", "onnxruntime", "ai-edge-litert")
    for wheel in (folder / "wheels").glob("*.whl"):
        with zipfile.ZipFile(wheel) as file:
            file.extractall(made / "wheels")
    processors = made / "sys" / "devices" / "system" / "cpu"
    for place in (made / "proc", processors):
        place.mkdir(parents=True, exist_ok=True)
    (made / "proc" / "cpuinfo").write_text(PROCESSOR)
    for name in ("possible", "present", "online"):
        (processors / name).write_text("0\n")
    shutil.move(made, ARM64)


def programs(_: Path) -> None:
    wanted = [package for program, package in DEBIAN.items() if shutil.which(program) is None]
    wanted += [HEADERS[package] for package in wanted if package in HEADERS]
    if wanted and os.geteuid():
        raise OSError(f"root installs them: apt-get install {' '.join(wanted)}")
    if wanted:
        run("apt-get", "-qq", "update")
        run("apt-get", "-qq", "install", "-y", "--no-install-recommends", *wanted)


STEPS: Sequence[tuple[str, Path | None, Callable[[Path], None]]] = [
    ("ONNX Runtime Java", JAR, jar), ("TFLite-Micro", MICRO, micro), ("Python for arm64", ARM64, arm64),
    ("programs of Debian", None, programs),
]  # fmt: skip


def main() -> None:
    ROOT.mkdir(exist_ok=True)
    for title, path, step in STEPS:
        if path is not None and path.exists():
            continue
        try:
            with tempfile.TemporaryDirectory(dir=ROOT) as folder:
                step(Path(folder))
            print(f"{title}: fetched" if path else f"{title}: there")
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"{title}: not fetched: {error}")


if __name__ == "__main__":
    main()
