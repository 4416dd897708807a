"""``compile``, ``fit``, ``evaluate``, ``predict``."""

from amalthea.training.trainer import Trainer

__all__ = ["Trainer"]
