"""Optimizers: rules that update weights by their gradients.

    model.compile(optimizer="adam"), model.compile(optimizer=SGD(0.1, momentum=0.9, nesterov=True))

Each is a short rule for one variable; the learning rate and its schedule, clipping, weight decay, averaging and
accumulation are written once around it.
"""

from __future__ import annotations

from amalthea.configurable import renamed
from amalthea.names import missing_in as _missing_in
from amalthea.optimizers import legacy, schedules
from amalthea.optimizers.adafactor import Adafactor
from amalthea.optimizers.adaptive_moments import Adam, Adamax, AdamW, Lamb, Lion, Nadam
from amalthea.optimizers.gradient_descent import SGD, Adadelta, Adagrad, Ftrl, RMSprop
from amalthea.optimizers.loss_scale import LossScaleOptimizer
from amalthea.optimizers.multi import MultiOptimizer, OptimizerMap
from amalthea.optimizers.muon import Muon
from amalthea.optimizers.optimizer import Optimizer, registry
from amalthea.optimizers.schedule_free import ScheduleFreeAdamW

get, serialize, deserialize = registry.get, renamed(registry.serialize, "optimizer"), registry.deserialize

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "legacy",
    "schedules",
    "serialize",
]

__getattr__ = _missing_in("optimizers")
