"""``DistributedOptimizer``: the gradients of all processes are averaged before each update."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from amalthea import optimizers, saving
from amalthea.checks import positive_int, positive_number
from amalthea.distribution.horovod.collectives import Average, Compression, check_op
from amalthea.distribution.horovod.collectives import optimizers as _known
from amalthea.distribution.horovod.processes import group
from amalthea.engine.ir.trace import native, type_of
from amalthea.engine.primitives import collectives
from amalthea.engine.primitives.elementwise import cast
from amalthea.errors import ArgumentError

_numbers = itertools.count()


def DistributedOptimizer(
    optimizer: Any,
    name: str | None = None,
    device_dense: str = "",
    device_sparse: str = "",
    compression: Any = Compression.none,
    sparse_as_dense: bool = False,
    gradient_predivide_factor: float = 1.0,
    op: str = Average,
    backward_passes_per_step: int = 1,
    average_aggregated_gradients: bool = False,
    num_groups: int = 0,
    groups: Any = None,
) -> Any:
    """Makes an optimizer one that averages its gradients over all processes before each update.

    It stays of its class, and files of models keep it as that. All gradients of a step travel as one message, within
    the compiled step.

    Args:
        optimizer: name or optimizer without slots yet; it is changed.
        name: str; not used.
        device_dense: not used; values travel as the processes' library moves them.
        device_sparse: not used.
        compression: ``hvd.Compression.fp16`` sends gradients in float16. Defaults to ``hvd.Compression.none``.
        sparse_as_dense: not used; all gradients are dense.
        gradient_predivide_factor: float, above 0; the mean is ``sum(g / factor) * factor / size``. Defaults to 1.
        op: ``hvd.Average`` or ``hvd.Sum``. Defaults to ``hvd.Average``.
        backward_passes_per_step: int, 1 or more; number of batches whose gradients make one update. They are exchanged
            for each batch all the same. Defaults to 1.
        average_aggregated_gradients: bool; whether the gradients of those batches are averaged, rather than summed.
            Defaults to False.
        num_groups: not used.
        groups: not used.

    Returns:
        The optimizer.

    Raises:
        ArgumentError: an argument is out of range, or the optimizer has slots already.
        DistributionError: ``init`` was not called.

    Example:
        >>> from amalthea import optimizers
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.init()
        >>> optimizer = hvd.DistributedOptimizer(optimizers.Adam(0.001 * hvd.size()))
        >>> type(optimizer).__name__
        'Adam'
        >>> hvd.shutdown()
    """
    made, among, divides = optimizers.get(optimizer), group(), check_op(op)
    if made in _known:
        return made
    passes = positive_int(backward_passes_per_step, "backward_passes_per_step", "DistributedOptimizer")
    positive_number(gradient_predivide_factor, "gradient_predivide_factor", "DistributedOptimizer")
    if passes > 1:
        _accumulate(made, passes)
    scale = (1.0 if not divides else 1.0 / among.size) * (passes if not average_aggregated_gradients else 1)
    before, after = 1.0 / gradient_predivide_factor, scale * gradient_predivide_factor
    apply = made.apply

    def exchanged(grads: Sequence[Any], trainable_variables: Any = None, weight: Any = 1.0) -> None:
        apply(_reduced(grads, among, compression, before, after), trainable_variables, weight)

    made.apply, made._horovod_number = exchanged, next(_numbers)
    _known.add(made)
    return made


def _accumulate(optimizer: Any, passes: int) -> None:
    if optimizer.built or optimizer.gradient_accumulation_steps:
        raise ArgumentError(
            "An optimizer with slots cannot begin to accumulate gradients.",
            got=f"backward_passes_per_step={passes}",
            cure="DistributedOptimizer before fit, and without gradient_accumulation_steps",
        )
    optimizer.gradient_accumulation_steps = passes


def _reduced(grads: Sequence[Any], among: Any, compression: Any, before: float, after: float) -> list[Any]:
    """Return the gradients of all processes in place of one's own; None stays."""
    own = [native(g) for g in grads if g is not None]
    if among.size == 1 and before * after == 1.0 or not own:
        return list(grads)
    sent = [_cast(_times(g, before), compression) for g in own]
    sums = collectives.exchange(*sent, gathers=(None,) * len(sent), group=among)
    found = iter(_times(_cast(y, type_of(g).dtype), after) for g, y in zip(own, sums))
    return [None if g is None else next(found) for g in grads]


def _times(x: Any, factor: float) -> Any:
    return x if factor == 1.0 else x * factor


def _cast(x: Any, dtype: str | None) -> Any:
    return x if dtype is None or type_of(x).dtype == dtype else cast(x, dtype=dtype)


def load_model(
    filepath: Any, custom_optimizers: Any = None, custom_objects: Any = None, compression: Any = Compression.none,
    legacy_opts: bool = False,
) -> Any:  # fmt: skip
    """Reads a model from a file, and makes its optimizer a :func:`DistributedOptimizer`.

    Args:
        filepath: str or path.
        custom_optimizers: list of classes of optimizers of your own. Defaults to None.
        custom_objects: dict of classes and functions of your own by name. Defaults to None.
        compression: as for :func:`DistributedOptimizer`. Defaults to ``hvd.Compression.none``.
        legacy_opts: not used.

    Raises:
        ArgumentError: the file does not exist.
        ModelFileError: the file is damaged.
        DistributionError: ``init`` was not called.

    Example:
        >>> import tempfile
        >>> from amalthea import Sequential, layers
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.init()
        >>> model = Sequential([layers.Input((2,)), layers.Dense(1)])
        >>> model.compile(hvd.DistributedOptimizer("adam"), "mse")
        >>> path = tempfile.mkdtemp() + "/model.keras"
        >>> model.save(path)
        >>> type(hvd.load_model(path).optimizer).__name__
        'Adam'
        >>> hvd.shutdown()
    """
    named = {c.__name__: c for c in custom_optimizers or ()}
    model = saving.load_model(filepath, custom_objects={**named, **(custom_objects or {})})
    if model.optimizer is not None:
        DistributedOptimizer(model.optimizer, compression=compression)
    return model
