"""``%load_ext amalthea`` in IPython and Jupyter: ``import keras`` means Amalthea in the cells that follow.

    %load_ext amalthea
    %keras 1            the era; without a number, the line says which it is
    %drift on           cells of Python 2 and of older libraries, too

The era is that of ``%keras`` or of ``AMALTHEA_KERAS``; without them, the first cell with a sign of an older Keras
decides.
"""

from __future__ import annotations

from typing import Any

from amalthea.compat import eras, importer, signs
from amalthea.compat.drift import running
from amalthea.compat.drift.met import MET, Met
from amalthea.compat.drift.rewriting import Cells
from amalthea.errors import ArgumentError

_NAME = "_amalthea"


def load(shell: Any) -> None:
    """Lets ``keras`` mean Amalthea in a shell, and gives it the magics ``%keras`` and ``%drift``.

    Args:
        shell: IPython's shell.
    """
    notebook = Notebook(shell)
    setattr(shell, _NAME, notebook)
    importer.install(notebook.era or 3)
    shell.register_magic_function(notebook.keras, "line", "keras")
    shell.register_magic_function(notebook.drift, "line", "drift")
    shell.events.register("pre_run_cell", notebook.before_cell)


def unload(shell: Any) -> None:
    """Takes all of it back.

    Args:
        shell: IPython's shell.
    """
    notebook = getattr(shell, _NAME, None)
    if notebook is None:
        return
    notebook.drift("off")
    shell.events.unregister("pre_run_cell", notebook.before_cell)
    for name in ("keras", "drift"):
        shell.magics_manager.magics["line"].pop(name, None)
    delattr(shell, _NAME)
    importer.uninstall()


class Notebook:
    """The era and the drift of a shell.

    Args:
        shell: IPython's shell.
    """

    def __init__(self, shell: Any):
        self.shell = shell
        self.era = eras.in_environment()  # None until it is chosen or found
        self._cells: Cells | None = None

    def keras(self, line: str) -> None:
        """``%keras 1``: reads cells in the manner of a version of Keras.

        Args:
            line: str; 1, 2 or 3, or empty to show the era.

        Raises:
            ArgumentError: another word.
        """
        if not line.strip():
            print(f"Cells are read as Keras {eras.era()}.")
            return
        if line.strip() not in ("1", "2", "3"):
            raise ArgumentError("This version of Keras does not exist.", expected="1, 2 or 3", got=line.strip())
        self._read_as(int(line))

    def _read_as(self, era: int) -> None:
        self.era = era
        if era != eras.era():
            importer.uninstall()  # modules of old differ between eras
            importer.install(era)

    def before_cell(self, info: Any) -> None:
        """Finds the era by the signs of a cell, until it is known.

        Args:
            info: IPython's description of the run, with ``raw_cell``.
        """
        if self.era is None and info.raw_cell:
            found, why = signs.detected(_plain(info.raw_cell, self._cells is not None))
            if found < 3:
                print(f"Read as Keras {found}: {why} of this cell. Another one: %keras 3")
                self._read_as(found)

    def drift(self, line: str) -> None:
        """``%drift on`` and ``%drift off``: whether cells may be of Python 2 and of older libraries.

        Args:
            line: str; "on" or "off".

        Raises:
            ArgumentError: another word.
        """
        word = line.strip() or "on"
        if word not in ("on", "off"):
            raise ArgumentError("%drift is on or off.", expected="on or off", got=word)
        sources, trees = self.shell.input_transformers_cleanup, self.shell.ast_transformers
        if self._cells is not None:
            sources.remove(self._translated)
            trees.remove(self._cells)
            self._cells = None
        if word == "on":
            self._cells = Cells(MET)
            sources.append(self._translated)
            trees.append(self._cells)

    def _translated(self, lines: list[str]) -> list[str]:
        """The lines of a cell in the syntax of Python 3; as they are where that fails, as for cells with magics."""
        try:
            translated = running.read("".join(lines))
        except SyntaxError:
            return lines
        if translated is None:
            return lines
        if self._cells is not None:
            self._cells.is_old = True
        return translated.text.splitlines(keepends=True)


def _plain(cell: str, drifts: bool) -> str:
    """A cell without its magics; with drift in the syntax of Python 3."""
    lines = ["\n" if line.lstrip().startswith(("%", "!")) else line for line in cell.splitlines(keepends=True)]
    text = "".join(lines)
    try:
        translated = running.read(text, Met()) if drifts else None
    except SyntaxError:
        return text
    return text if translated is None else translated.text
