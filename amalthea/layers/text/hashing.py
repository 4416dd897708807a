"""Features into a given number of bins, by stable hashes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from amalthea import text
from amalthea.checks import Check, one_of, optional
from amalthea.configurable import serialize
from amalthea.dtype_policies import DTypePolicy
from amalthea.engine.ir.tensor import Type
from amalthea.errors import ArgumentError, DtypeError, ShapeError
from amalthea.layers.text import hashes
from amalthea.layers.text.host_layer import VECTORS, HostLayer, whole
from amalthea.layers.text.options import checked_salt, split_dtype
from amalthea.layers.text.string_lookup import hashed

_MASK = Check(
    "a text or a whole number", "str or int", lambda v: isinstance(v, (str, int, np.integer)) and v is not True, "''"
)


def each_once(array: np.ndarray, function: Callable[[Any], int]) -> np.ndarray:
    """The results of a function of each element, computed once for equal ones."""
    flat = array.ravel().tolist()
    known = {element: function(element) for element in set(flat)}
    return np.array([known[element] for element in flat], "int64").reshape(array.shape)


class Hashing(HostLayer):
    """Puts texts or whole numbers into a given number of bins, by a hash that is the same everywhere.

    The layer computes on the host; numbers are hashed as their decimal digits.

    Args:
        num_bins: int, at least 1; number of bins, that of masked values included.
        mask_value: str or int; value that has bin 0 for itself; all others have bins from 1. Defaults to None, which
            reserves no bin.
        salt: int or two ints; key of the hash: SipHash with a key, FarmHash without. Defaults to None.
        output_mode: str; ``"int"`` gives the bin, ``"one_hot"``, ``"multi_hot"`` and ``"count"`` encode it as
            :class:`CategoryEncoding` does. Defaults to ``"int"``.
        |codes of categories|
        |layer options|

    Shapes: any shape; the output of ``"int"`` has the same, vectors have the shapes of :class:`CategoryEncoding`.

    Raises:
        ArgumentError: options do not go together, or a mode does not exist.
        DtypeError: the input is neither text nor of whole numbers.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.Hashing(10)([["A", "B", "C"]])).tolist()
        [[4, 8, 7]]
        >>> np.asarray(layers.Hashing(10, salt=133)([["A", "B", "C"]])).tolist()
        [[9, 8, 2]]
    """

    _argument_checks = {"output_mode": one_of("int", *VECTORS), "mask_value": optional(_MASK)}

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ):
        policy, index_dtype = split_dtype(kwargs.pop("dtype", None), output_mode)
        super().__init__(dtype=policy, **kwargs)
        self._index_dtype = index_dtype
        self._refuse_sparse(sparse)
        if mask_value is not None and num_bins < 2:
            raise ArgumentError("A masked value needs a bin of its own.", expected="num_bins=2 or more", got=num_bins)
        self.num_bins, self.mask_value, self.salt = num_bins, mask_value, checked_salt(salt)
        self.output_mode, self.sparse = output_mode, False

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        is_index = self.output_mode == "int"
        return {**config, "dtype": serialize(DTypePolicy(self._index_dtype))} if is_index else config

    @property
    def input_dtype(self) -> str:
        """The dtype of what the layer reads, where nothing else tells it: text."""
        return text.DTYPE

    def _depth(self) -> int:
        return self.num_bins

    def _result_type(self, *types: Type) -> Type:
        if types[0].dtype.startswith(("float", "bfloat")):
            raise DtypeError(f"'{self.name}' reads text or whole numbers.", got=types[0])
        return Type(types[0].shape, self._index_dtype)

    def _compute(self, *arrays: np.ndarray) -> np.ndarray:
        array = arrays[0] if arrays[0].dtype == object else whole(arrays[0], f"'{self.name}'").astype("int64")
        return each_once(array, self._bin)

    def _bin(self, value: Any) -> int:
        masked = self.mask_value is not None
        if masked and value == self.mask_value:
            return 0
        return int(masked) + hashed(text.encoded(str(value)), self.salt) % (self.num_bins - int(masked))


class HashedCrossing(HostLayer):
    """Puts each combination of several features into a given number of bins, by a hash that is the same everywhere.

    The layer computes on the host.

    Args:
        num_bins: int, at least 1; number of bins.
        output_mode: str; ``"int"`` gives the bin, ``"one_hot"`` a vector with 1 at its place. Defaults to ``"int"``.
        |codes of categories|
        name: str; name of the layer. Defaults to None, which makes one from the class name.
        dtype: str; dtype of the output. Defaults to None: int64 for bins, the policy's dtype for vectors.
        |layer options|

    Shapes: two or more features of one shape, each ``()``, ``(batch,)`` or ``(batch, 1)``; the output of ``"int"`` has
        the same shape, a vector is ``(batch, num_bins)``.

    Raises:
        ArgumentError: there is only one feature, or a mode does not exist.
        ShapeError: the shapes differ, or have more axes.
        DtypeError: a feature is neither text nor of whole numbers.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.HashedCrossing(5)((["A", "B", "A"], [101, 102, 103]))).tolist()
        [1, 1, 4]
    """

    _argument_checks = {"output_mode": one_of("int", "one_hot")}

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        policy, index_dtype = split_dtype(dtype, output_mode)
        super().__init__(name=name, dtype=policy, **kwargs)
        self._index_dtype = index_dtype
        self._refuse_sparse(sparse)
        self.num_bins, self.output_mode, self.sparse = num_bins, output_mode, False

    def _as_arrays(self, inputs: Any) -> Any:
        if not isinstance(inputs, (list, tuple)) or len(inputs) < 2:
            raise ArgumentError(
                f"'{self.name}' crosses two or more features.", got=type(inputs).__name__, cure="layer((first, second))"
            )
        return [_as_feature(super(HashedCrossing, self)._as_arrays(x)) for x in inputs]

    def _depth(self) -> int:
        return self.num_bins

    def _result_type(self, *types: Type) -> Type:
        self._check([t.shape for t in types], [t.dtype for t in types])
        return Type(types[0].shape, self._index_dtype)

    def _check(self, shapes: list[Any], dtypes: list[str]) -> None:
        if any(len(shape) > 2 or (len(shape) == 2 and shape[1] != 1) for shape in shapes):
            raise ShapeError(
                f"'{self.name}' crosses features with one value for each example.",
                expected="(), (batch,) or (batch, 1)",
                got=", ".join(map(str, shapes)),
            )
        if (
            len({len(shape) for shape in shapes}) > 1
            or len({d for s in shapes for d in s[:1] if isinstance(d, int)}) > 1
        ):
            raise ShapeError(
                f"The features of '{self.name}' have different shapes.",
                expected="one shape",
                got=", ".join(map(str, shapes)),
            )
        if any(dtype.startswith(("float", "bfloat")) for dtype in dtypes):
            raise DtypeError(
                f"'{self.name}' reads text or whole numbers.", got=", ".join(dtypes), cure="layers.Discretization first"
            )

    def _compute(self, *arrays: np.ndarray) -> np.ndarray:
        self._check([a.shape for a in arrays], [text.DTYPE if a.dtype == object else a.dtype.name for a in arrays])
        bins = [self._bin(values) for values in zip(*(a.ravel().tolist() for a in arrays))]
        return np.array(bins, "int64").reshape(arrays[0].shape)

    def _bin(self, values: tuple[Any, ...]) -> int:
        found = hashes.CROSSING_KEY
        for value in values:
            number = hashes.fingerprint(text.encoded(value)) if isinstance(value, str) else int(value)
            found = hashes.fingerprint_of_pair(found, number)
        return found % self.num_bins

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("trainable")  # Keras's constructor does not take it
        dtype = self._index_dtype if self.output_mode == "int" else self.dtype_policy.name
        return {**config, "dtype": dtype}


def _as_feature(value: Any) -> Any:
    return value if hasattr(value, "dtype") else np.asarray(value)
