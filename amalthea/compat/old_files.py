"""Files as Keras 1 and 2 wrote them: HDF5 under whatever name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from amalthea import saving, writing
from amalthea.compat import eras
from amalthea.models import Model
from amalthea.saving import old_h5

_KNOWN = (".keras", ".h5", ".hdf5", ".json", ".safetensors")
_TODAY = {name: getattr(Model, name) for name in ("save", "save_weights")}


def _is_old(filepath: Any) -> bool:
    return eras.era() < 3 and not str(filepath).endswith(_KNOWN)


def save(self: Any, filepath: Any, overwrite: bool = True, include_optimizer: bool = True, **kwargs: Any) -> None:
    """``Model.save``; a name without a known ending is an HDF5 file in Keras 1 and 2.

    Args:
        filepath: str or path.
        overwrite: bool. Defaults to True.
        include_optimizer: not used: the optimizer is written too.
        **kwargs: as today.
    """
    if _is_old(filepath):
        kwargs["save_format"] = "h5"
    _TODAY["save"](self, filepath, overwrite, **kwargs)


def save_weights(self: Any, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
    """``Model.save_weights``; a name without a known ending is an HDF5 file in Keras 1 and 2.

    Args:
        filepath: str or path.
        overwrite: bool. Defaults to True.
        **kwargs: as today.
    """
    kwargs.pop("save_format", None)
    if not _is_old(filepath):
        return _TODAY["save_weights"](self, filepath, overwrite, **kwargs)
    writing.write(Path(filepath), old_h5.weights_bytes(self), overwrite)


def save_model(
    model: Any, filepath: Any, overwrite: bool = True, include_optimizer: bool = True, **kwargs: Any
) -> None:
    """``keras.models.save_model``, as :func:`save`.

    Args:
        model: model.
        filepath: str or path.
        overwrite: bool. Defaults to True.
        include_optimizer: not used.
        **kwargs: as today.
    """
    if _is_old(filepath):
        kwargs["save_format"] = "h5"
    saving.save_model(model, filepath, overwrite, **kwargs)


METHODS = {"save": save, "save_weights": save_weights}
