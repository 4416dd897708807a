"""Keras 2's module of optimizers as they were before it: here they are the same classes as anywhere.

Arguments of old scripts, such as ``lr`` and ``decay``, are taken by all optimizers.
"""

from amalthea.optimizers.adaptive_moments import Adam
from amalthea.optimizers.gradient_descent import SGD, Adagrad, Ftrl, RMSprop
from amalthea.optimizers.optimizer import Optimizer

__all__ = ["SGD", "Adagrad", "Adam", "Ftrl", "Optimizer", "RMSprop"]
