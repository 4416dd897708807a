"""``Model``, ``Sequential`` and the functional API."""

from amalthea.models.model import Model, model_from_json
from amalthea.models.sequential import Sequential

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str):
    from amalthea import saving

    if name in ("load_model", "save_model"):
        return getattr(saving, name)
    if name == "clone_model":
        from amalthea.models.cloning import clone_model

        return clone_model
    raise AttributeError(f"module 'amalthea.models' has no attribute {name!r}")
