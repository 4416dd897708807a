"""``Model``, ``Sequential`` and the functional API."""

from amalthea.models.cloning import clone_model
from amalthea.models.model import Model
from amalthea.models.sequential import Sequential

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json", "model_from_yaml", "save_model"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str):
    if name in ("load_model", "model_from_json", "model_from_yaml", "save_model"):
        from amalthea import saving

        return getattr(saving, name)
    raise AttributeError(f"module 'amalthea.models' has no attribute {name!r}")
