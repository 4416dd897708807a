"""Keras's ``mixed_precision`` module: dtype policies and the optimizer that scales the loss.

from amalthea import mixed_precision

mixed_precision.set_global_policy("mixed_bfloat16")
"""

from amalthea.dtype_policies import DTypePolicy, dtype_policy, set_dtype_policy
from amalthea.optimizers import LossScaleOptimizer

Policy = DTypePolicy
global_policy, set_global_policy = dtype_policy, set_dtype_policy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]
