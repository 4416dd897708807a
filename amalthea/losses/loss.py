"""The base class of losses: values for each example, weighted, masked and reduced to one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea import config, docstrings, dtype_policies, ops, tree
from amalthea.configurable import Configurable, Registry, auto_name, snake_case
from amalthea.dtype_policies import PolicyLike
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.masks import mask_of
from amalthea.engine.ir.tensor import Type
from amalthea.engine.ir.trace import type_of
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError
from amalthea.losses import checks
from amalthea.ops.base import shape_of
from amalthea.ops.user_functions import call_or_native

registry = Registry("losses", "loss", spell=lambda name: (name,))  # "mean_squared_error" is the function

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None)


def squeeze_or_expand_to_same_rank(x1: Any, x2: Any, expand_rank_1: bool = True) -> tuple[Any, Any]:
    """The two with equal ranks, if all that keeps them apart is a last axis of size 1.

    Shapes: ``(batch, 1)`` beside ``(batch,)`` gives two of ``(batch, 1)``; longer ones lose the 1.
    """
    if len(x1.shape) == len(x2.shape) + 1 and x1.shape[-1] == 1:
        if len(x2.shape) == 1 and expand_rank_1:
            return x1, ops.expand_dims(x2, axis=-1)
        return ops.squeeze(x1, axis=-1), x2
    if len(x2.shape) == len(x1.shape) + 1 and x2.shape[-1] == 1:
        return squeeze_or_expand_to_same_rank(x2, x1, expand_rank_1)[::-1]
    return x1, x2


def as_floats(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Labels and predictions in one dtype to compute in: that of the predictions, float32 at least."""
    y_pred = floats(y_pred)
    return ops.convert_to_tensor(y_true, dtype=y_pred.dtype), y_pred


def floats(x: Any) -> Any:
    """An array or tensor in its dtype, float32 at least."""
    x = ops.convert_to_tensor(x)
    return ops.cast(x, dtypes.at_least_single(dtypes.name_of(x)))


def fit_weight(weight: Any, values: Any) -> Any:
    """A weight for each example (or step, or value) with axes added at its end until it broadcasts to the values."""
    rank = len(values.shape)
    if len(weight.shape) == rank + 1 and weight.shape[-1] == 1:
        return ops.squeeze(weight, axis=-1)
    missing = rank - len(weight.shape)
    if missing <= 0 or not weight.shape:
        return weight
    return ops.reshape(weight, (*ops.shape(weight), *(1,) * missing))


def weighted(values: Any, weight: Any) -> Any:
    """Values times weights; 0 where the weight is, whatever the value (it may be NaN there)."""
    product = ops.multiply(values, weight)
    return ops.where(ops.equal(weight, 0), ops.zeros_like(product), product)


def reduce_weighted_values(
    values: Any,
    sample_weight: Any = None,
    mask: Any = None,
    reduction: str | None = "sum_over_batch_size",
    dtype: Any = None,
) -> Any:
    """Values times their weights, reduced; in float32 at least, whatever the dtype of the result is.

    ``"sum_over_batch_size"`` divides by the number of values that the mask counts, ``"mean_with_sample_weight"`` by
    the sum of the weights.

    Shapes: a weight may lack the last axes of the values: ``(batch,)`` fits values of ``(batch, time)``. (Keras
    demands equal ranks here.)
    """
    dtype = dtypes.standardize(dtype or config.floatx())
    value, _ = reduced(values, sample_weight, mask, reduction, dtypes.at_least_single(dtype))
    return ops.cast(value, dtype)


def reduced(values: Any, sample_weight: Any, mask: Any, reduction: str | None, dtype: str) -> tuple[Any, Any]:
    """Weighted values, reduced, and what a mean was divided by, up to a constant factor; None if it is not a mean."""
    values = ops.convert_to_tensor(values, dtype=dtype)
    weights = [_mask_weight(fit_weight(mask, values), reduction, dtype)] if mask is not None else []
    if sample_weight is not None:
        weights.append(fit_weight(ops.convert_to_tensor(sample_weight, dtype=dtype), values))
    for weight in weights:
        values = weighted(values, weight)
    if reduction in (None, "none"):
        return values, None
    if reduction == "sum":
        return ops.sum(values), None
    if reduction == "mean_with_sample_weight" and weights:
        divisor = _sum_of_weights(values, weights)
        return ops.divide_no_nan(ops.sum(values), divisor), divisor
    return ops.mean(values), _number(values) if mask is None else ops.sum(ops.cast(mask, dtype))


def _mask_weight(mask: Any, reduction: str | None, dtype: str) -> Any:
    """1 where the mask counts; for a mean, grown by the share of those, so that the mean is over them alone."""
    counted = ops.cast(mask, dtype)
    if reduction not in ("sum_over_batch_size", "mean"):
        return counted
    return ops.divide_no_nan(counted, ops.mean(counted))


def _sum_of_weights(values: Any, weights: list[Any]) -> Any:
    weight = ops.ones_like(values)
    for factor in weights:
        weight = ops.multiply(weight, factor)
    return ops.sum(weight)


def _number(values: Any) -> Any:
    """The number of values."""
    size: Any = shapes.size(shape_of(values))
    return float(size) if isinstance(size, int) else ops.cast(size, ops.dtype(values))


def _as_arrays(structure: Any, dtype: str | None) -> Any:
    """The leaves as arrays or tensors, floats as ``dtype``; a plain list of numbers is one leaf."""
    if isinstance(structure, (list, tuple)) and not any(hasattr(x, "shape") for x in tree.flatten(structure)):
        elements: Any = structure
        return ops.convert_to_tensor(elements, dtype=dtype)
    return tree.map_structure(lambda x: ops.convert_to_tensor(x, dtype=dtype), structure)


docstrings.share(
    "options of a loss",
    """
    reduction: str or None; reduction of the values of all examples to one number. ``"sum_over_batch_size"`` and
        ``"mean"`` divide the weighted sum by the number of values that the mask counts, ``"mean_with_sample_weight"``
        divides it by the sum of the weights, ``"sum"`` does not divide, and ``"none"`` or None return the weighted
        values. Defaults to ``"sum_over_batch_size"``.
    name: str or None; name of the object, written to configs. None takes the name of the class or function.
    dtype: str, dtype policy or None; dtype of the result. Values are computed in float32 at least. Defaults to None,
        which gives ``floatx()``, float32 at least; a dtype policy gives its compute dtype.
    """,
)
docstrings.share(
    "shapes of a loss",
    """
    (batch, ..., features) for labels and predictions -> (); with ``reduction="none"`` -> (batch, ...)
    """,
)
docstrings.share("shapes of a loss function", "(batch, ..., features) for labels and predictions -> (batch, ...)")
docstrings.share(
    "labels and predictions",
    """
    y_true: tensor; labels.
    y_pred: tensor; predictions, of the shape of the labels. A last axis of size 1 may be missing in one of them.
    """,
)


class Loss(Configurable, registry=registry):
    """Base class of losses: values for each example, weighted, masked and reduced to one number.

    A subclass overrides ``call(y_true, y_pred)``, which returns a value for each example. A loss is called as
    ``loss(y_true, y_pred, sample_weight=None)``. A weight of 0 leaves its value out, NaN or not.

    Args:
        |options of a loss|

    Shapes:
        (batch, ..., features) for labels and predictions, (batch, ...) for sample weights -> ()

    Raises:
        ArgumentError: no reduction has this name.
        DataError: labels cannot be meant for such predictions (when called).

    Example:
        >>> import numpy as np
        >>> from amalthea import losses, ops
        >>> class Cubed(losses.Loss):
        ...     def call(self, y_true, y_pred):
        ...         return ops.mean(ops.abs(y_pred - y_true) ** 3, axis=-1)
        >>> float(Cubed()(np.zeros((2, 1), "float32"), np.array([[1.0], [2.0]], "float32")))
        4.5
    """

    _only_in_config_if_set: tuple[str, ...] = ("dtype",)
    _keeps_integer_labels = False

    dtype: str = docstrings.attribute("The dtype in which labels and predictions are compared.")

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: PolicyLike | None = None,
    ):
        reduction = {"auto": "sum_over_batch_size"}.get(reduction or "none", reduction)
        if reduction not in REDUCTIONS:
            raise ArgumentError(
                f"There is no reduction {reduction!r}.", expected=", ".join(repr(r) for r in REDUCTIONS)
            )
        self.name = name or auto_name(snake_case(type(self).__name__))
        self.reduction = reduction
        self.dtype = dtype_policies.get(dtype or config.floatx()).compute_dtype
        self._result_dtype = self.dtype if dtype else self._computing

    def _check_types(self, y_true: Type, y_pred: Type) -> None:
        """Raises :class:`~amalthea.errors.DataError` if labels of this type do not fit such predictions."""

    def _check_values(self, y_true: Any, y_pred: Type) -> None:
        """Raises :class:`~amalthea.errors.DataError` if the labels have values that the loss cannot use."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns a value for each example, ``(batch, ...)``."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it computes: write its call.")

    def __call__(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> Any:
        """Returns the weighted and reduced loss of a batch."""
        return self._with_count(y_true, y_pred, sample_weight)[0]

    def _with_count(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Any, Any]:
        """The loss, and what its mean was divided by (see :func:`reduced`)."""
        values, mask = self._values(y_true, y_pred)
        value, count = reduced(values, sample_weight, mask, self.reduction, self._computing)
        return ops.cast(value, self._result_dtype), count

    def _values(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """The values of :meth:`call`, and which of them count."""
        mask = mask_of(y_pred)
        y_pred = _as_arrays(y_pred, self._computing)
        y_true = _as_arrays(y_true, None if self._keeps_integer_labels else self._computing)
        if not tree.is_nested(y_true) and not tree.is_nested(y_pred):
            self._check_types(type_of(y_true), type_of(y_pred))
        values = call_or_native(self.call, y_true, y_pred)
        counted = mask_of(values)
        if counted is not None:
            mask = counted if mask is None else ops.logical_and(mask, counted)
        return values, mask

    @property
    def _computing(self) -> str:
        return dtypes.at_least_single(self.dtype)


class LossFunctionWrapper(Loss):
    """Loss made of a function ``(y_true, y_pred, **options)`` that returns a value for each example.

    Args:
        fn: callable, or the name of a loss function of this library.
        |options of a loss|
        **kwargs: options, passed to ``fn`` at each call.

    Shapes:
        |shapes of a loss|

    Raises:
        UnknownNameError: no loss function has this name.

    Example:
        >>> from amalthea import losses, ops
        >>> def quartic(y_true, y_pred, scale):
        ...     return scale * ops.mean((y_pred - y_true) ** 4, axis=-1)
        >>> loss = losses.LossFunctionWrapper(quartic, scale=0.5)
        >>> loss.name, float(loss([[0.0], [0.0]], [[1.0], [2.0]]))
        ('quartic', 4.25)
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: PolicyLike | None = None,
        **kwargs: Any,
    ):
        self.fn = registry.function(fn) if isinstance(fn, str) else fn
        super().__init__(name or getattr(self.fn, "__name__", None), reduction, dtype)
        self._fn_kwargs = kwargs
        self._keeps_integer_labels = getattr(self.fn, "keeps_integer_labels", self._keeps_integer_labels)

    def _check_types(self, y_true: Type, y_pred: Type) -> None:
        getattr(self.fn, "check", super()._check_types)(y_true, y_pred)

    def _check_values(self, y_true: Any, y_pred: Type) -> None:
        if self.fn not in registry.modules:
            return  # a function of the user's knows what its labels mean
        checks.finite(y_true)
        check = getattr(self.fn, "check_values", None)
        classes = y_pred.shape[self._fn_kwargs.get("axis", -1)] if len(y_pred.shape) > 0 else None
        if check is not None and isinstance(classes, int):
            check(y_true, classes, self._fn_kwargs.get("ignore_class"))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if not tree.is_nested(y_true) and not tree.is_nested(y_pred):
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        return call_or_native(self.fn, y_true, y_pred, **self._fn_kwargs)
