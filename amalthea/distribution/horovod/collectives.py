"""Sums, gathered parts and broadcast values of all processes, by Horovod's names."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import ops
from amalthea.distribution.horovod.processes import group
from amalthea.engine import communicator
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ArgumentError, NotBuiltError

Average, Sum = "Average", "Sum"
optimizers: weakref.WeakSet[Any] = weakref.WeakSet()  # those whose gradients the processes exchange


class Compression:
    """Dtypes in which gradients travel.

    Example:
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.Compression.fp16
        'float16'
    """

    none = None
    fp16 = "float16"


def check_op(op: Any, average: Any = None) -> bool:
    """Return whether an operation divides the sum by the number of processes."""
    if average is not None:
        return bool(average)
    if op not in (Average, Sum):
        raise ArgumentError("This reduction does not exist.", expected="hvd.Average or hvd.Sum", got=repr(op))
    return op == Average


def allreduce(
    value: Any,
    name: str | None = None,
    average: bool | None = None,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
    op: str = Average,
    compression: Any = Compression.none,
) -> Any:
    """Returns the mean of a value over all processes, or its sum.

    Args:
        value: number or array of one shape on all processes, or a list of those.
        name: not used; values are paired by the order of the calls.
        average: bool; whether to divide the sum by the number of processes. Defaults to None, by ``op``.
        prescale_factor: float; factor of each value. Defaults to 1.
        postscale_factor: float; factor of the result. Defaults to 1.
        op: ``hvd.Average`` or ``hvd.Sum``. Defaults to ``hvd.Average``; whole numbers are divided without a rest.
        compression: dtype in which values travel. Defaults to ``hvd.Compression.none``, their own.

    Returns:
        A NumPy array, a number for a number, a list for a list.

    Raises:
        ArgumentError: the reduction does not exist.
        DistributionError: ``init`` was not called, or another process is gone.

    Example:
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.init()
        >>> hvd.allreduce(0.5), hvd.allreduce([1.0, 2.0])
        (0.5, [1.0, 2.0])
        >>> hvd.shutdown()
    """
    divides, among = check_op(op, average), group()
    values = value if isinstance(value, list) else [value]
    arrays = [_array(x) for x in values]
    sent = [_scaled(x, prescale_factor).astype(compression or x.dtype) for x in arrays]
    sums = [np.asarray(y).astype(x.dtype) for x, y in zip(arrays, among.all_reduce(sent))]
    found = [_scaled(_mean(y, among.size) if divides else y, postscale_factor) for y in sums]
    found = [y.item() if np.isscalar(x) else y for x, y in zip(values, found)]
    return found if isinstance(value, list) else found[0]


def _array(x: Any) -> np.ndarray:
    return np.asarray(x if isinstance(x, (np.ndarray, np.generic)) or np.isscalar(x) else ops.convert_to_numpy(x))


def _mean(total: np.ndarray, count: int) -> np.ndarray:
    return total // count if total.dtype.kind in "iu" else (total / count).astype(total.dtype)


def _scaled(x: np.ndarray, factor: float) -> np.ndarray:
    return x if factor == 1.0 else np.asarray(x * factor).astype(x.dtype)


def allgather(value: Any, name: str | None = None) -> np.ndarray:
    """Returns the arrays of all processes joined along their first axis.

    Args:
        value: array of 1 dimension or more; the processes' may differ in the size of the first axis.
        name: not used.

    Shapes:
        (rows, ...) -> (rows of all, ...)

    Raises:
        ArgumentError: the value has no axis.
        DistributionError: ``init`` was not called, or another process is gone.

    Example:
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.init()
        >>> hvd.allgather([[1, 2]]).tolist()
        [[1, 2]]
        >>> hvd.shutdown()
    """
    own, among = np.asarray(value), group()
    if own.ndim == 0:
        raise ArgumentError("A number has no axis to join along.", expected="an array", got=repr(value),
                            cure="hvd.allgather([value])")  # fmt: skip
    counts = [int(np.asarray(n)[0]) for n in among.all_gather(np.array([len(own)], "int64"))]
    return among.joined(own, 0, counts) if sum(counts) else own


def broadcast(value: Any, root_rank: int, name: str | None = None) -> np.ndarray:
    """Returns the value of one process.

    Args:
        value: number or array of one shape on all processes.
        root_rank: int; the process.
        name: not used.

    Raises:
        ArgumentError: there is no such process.
        DistributionError: ``init`` was not called, or another process is gone.

    Example:
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.init()
        >>> hvd.broadcast([1, 2], root_rank=0).tolist()
        [1, 2]
        >>> hvd.shutdown()
    """
    return np.asarray(group().broadcast([np.asarray(value)], check_rank(root_rank))[0])


def check_rank(root_rank: Any) -> int:
    if not isinstance(root_rank, (int, np.integer)) or not 0 <= root_rank < group().size:
        raise ArgumentError("There is no such process.", expected=f"0 to {group().size - 1}", got=repr(root_rank))
    return int(root_rank)


def broadcast_variables(variables: Sequence[Variable], root_rank: int) -> None:
    """Gives variables the values that they have on one process.

    Args:
        variables: list of variables, in one order on all processes.
        root_rank: int; the process.

    Raises:
        ArgumentError: there is no such process.
        DistributionError: ``init`` was not called, or another process is gone.

    Example:
        >>> from amalthea import Variable
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.init()
        >>> hvd.broadcast_variables([Variable([1.0])], root_rank=0)
        >>> hvd.shutdown()
    """
    communicator.broadcast_variables(variables, group(), check_rank(root_rank))


def broadcast_global_variables(root_rank: int) -> None:
    """Gives the weights that a :class:`DistributedOptimizer` trains, and its slots, the values of one process.

    Statistics of batch normalization are not trained; :class:`callbacks.BroadcastGlobalVariablesCallback` gives them
    too.

    Args:
        root_rank: int; the process.

    Raises:
        NotBuiltError: no such optimizer has weights yet.
        ArgumentError: there is no such process.
        DistributionError: ``init`` was not called, or another process is gone.

    Example:
        >>> from amalthea import Variable, optimizers
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.init()
        >>> optimizer = hvd.DistributedOptimizer(optimizers.SGD())
        >>> optimizer.build([Variable([1.0])])
        >>> hvd.broadcast_global_variables(0)
        >>> hvd.shutdown()
    """
    built = sorted((x for x in optimizers if x.built), key=lambda x: x._horovod_number)
    if not built:
        raise NotBuiltError(
            "No DistributedOptimizer has weights yet.", cure="hvd.callbacks.BroadcastGlobalVariablesCallback(0) in fit"
        )
    broadcast_variables([v for x in built for v in (*x._trainable_variables, *x.variables)], root_rank)
