"""Distillation: a small model, the student, learns from the outputs of a larger one, the teacher.

distiller = Distiller(teacher, student, LogitsDistillation(temperature=3.0))
distiller.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
distiller.fit(x, y)
"""

from amalthea.distillation.distillation_losses import DistillationLoss, FeatureDistillation, LogitsDistillation
from amalthea.distillation.distiller import Distiller
from amalthea.names import missing_in as _missing_in

__all__ = ["DistillationLoss", "Distiller", "FeatureDistillation", "LogitsDistillation"]

__getattr__ = _missing_in("distillation")
