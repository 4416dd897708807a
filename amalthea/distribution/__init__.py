"""Many devices and processes train one model: the same ``fit``, the same losses as on one.

Two lines make a script one that runs under ``torchrun``, ``mpirun``, ``horovodrun`` or Slurm:

    distribution.initialize()
    distribution.set_distribution(distribution.DataParallel())

Batches are those of all processes together: ``batch_size=64`` on four processes is 16 rows on each.
"""

from amalthea.distribution.devices import get_device_count, list_devices
from amalthea.distribution.launch import initialize
from amalthea.distribution.mesh import DeviceMesh, LayoutMap, TensorLayout, distribute_tensor
from amalthea.distribution.strategies import DataParallel, ModelParallel, distribution, set_distribution

__all__ = [
    "DataParallel",
    "DeviceMesh",
    "LayoutMap",
    "ModelParallel",
    "TensorLayout",
    "distribute_tensor",
    "distribution",
    "get_device_count",
    "initialize",
    "list_devices",
    "set_distribution",
]
