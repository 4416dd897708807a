"""Whole numbers into indices of a vocabulary, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import ops, text, tree
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.types import DTypeLike
from amalthea.errors import ArgumentError, DtypeError
from amalthea.layers.text.host_layer import on_host_or_text, whole
from amalthea.layers.text.index_lookup import IndexLookup
from amalthea.layers.text.string_lookup import hashed


class IntegerLookup(IndexLookup):
    """Replaces whole numbers by their indices in a vocabulary, or by vectors; or indices by numbers.

    Numbers are looked up by ops, so the layer is compiled with the model; it runs on the host only with
    ``num_oov_indices=0``, where unknown numbers are an error, and where unknown ones are hashed.

    Args:
        |tokens of a lookup|
        mask_token: int; number with the index 0. Defaults to None, which reserves no index.
        oov_token: int; number that stands for unknown ones in the vocabulary, and for unknown indices with ``invert``.
            Defaults to -1.
        |vocabulary of a lookup|
        vocabulary_dtype: str; dtype of the numbers. Defaults to ``"int64"``.
        invert: bool; whether indices become numbers; only with ``output_mode="int"``. Defaults to False.
        |output of a lookup|
        |codes of categories|
        oov_method: str; how a number chooses one of several indices for unknown ones: ``"floormod"`` takes ``number %
            num_oov_indices``, ``"farmhash"`` a hash. Defaults to ``"floormod"``.
        salt: int or two ints; key of the hash: SipHash with a key, FarmHash without. Defaults to None.
        name: str; name of the layer. Defaults to None, which makes one from the class name.
        |layer options|

    Shapes: any shape; the output of ``"int"`` has the same, vectors have the shapes of :class:`CategoryEncoding`.

    Raises:
        ArgumentError: the vocabulary cannot be used, options do not go together, or nothing was learned before the
            first call.
        DtypeError: the input is not of whole numbers.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.IntegerLookup(vocabulary=[12, 36, 1138])
        >>> np.asarray(layer(np.array([[12, 1138], [42, 7]]))).tolist()
        [[1, 3], [0, 0]]

    Source: vectors are of the compute dtype when the layer is called on arrays too, as symbolic outputs are in Keras.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: DTypeLike = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        if oov_method not in ("floormod", "farmhash"):
            raise ArgumentError(
                "This way to choose an index does not exist.", expected="floormod, farmhash", got=repr(oov_method)
            )
        if salt is not None and oov_method != "farmhash":
            raise ArgumentError("A salt is for hashes.", expected='oov_method="farmhash"', got=repr(oov_method))
        _check_dtype(vocabulary_dtype)
        super().__init__(
            max_tokens=max_tokens, num_oov_indices=num_oov_indices, mask_token=mask_token, oov_token=oov_token,
            vocabulary=vocabulary, idf_weights=idf_weights, invert=invert, output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens, sparse=sparse, salt=salt, name=name, **kwargs,
        )  # fmt: skip
        self.vocabulary_dtype, self.oov_method = vocabulary_dtype, oov_method

    @property
    def input_dtype(self) -> str:
        """The dtype of the numbers that the layer reads."""
        return "int64"

    @property
    def _runs_on_host(self) -> bool:
        hashes = self.num_oov_indices > 1 and self.oov_method == "farmhash"
        return not self.invert and (hashes or not self.num_oov_indices)

    def _as_token(self, value: Any) -> int:
        try:
            return int(value) if isinstance(value, str) else _index(value)
        except (TypeError, ValueError):
            raise ArgumentError(
                f"The vocabulary of {type(self).__name__} holds whole numbers.", expected="ints", got=repr(value)
            ) from None

    def _tokens_of(self, data: Any) -> np.ndarray:
        if text.is_text(data):
            raise DtypeError(f"'{self.name}' reads whole numbers.", got="text", cure="layers.StringLookup")
        return whole(on_host_or_text(ops.convert_to_tensor(data)), f"'{self.name}'")

    def call(self, inputs: Any) -> Any:
        if self._runs_on_host:
            return super().call(inputs)
        (x,) = tree.flatten(inputs)
        if getattr(x, "dtype", None) is None or text.is_text(x) or not _is_whole(x):
            raise DtypeError(
                f"'{self.name}' reads whole numbers.",
                expected="integers",
                got=getattr(x, "dtype", x),
                cure="x.astype('int64')",
            )
        x = ops.cast(x, "int64")
        return self._encoded(self._inverted(x) if self.invert else self._looked_up(x))

    def _result_type(self, *types: Type) -> Type:
        return Type(types[0].shape, "int64")

    def _inverted(self, x: Any) -> Any:
        self._require_vocabulary()
        known = np.array([*self.get_vocabulary(), self.oov_token], "int64")
        inside = ops.logical_and(ops.greater_equal(x, 0), ops.less(x, len(known)))
        return ops.take(known, ops.where(inside, x, len(known) - 1))

    def _looked_up(self, x: Any) -> Any:
        """A binary search in the sorted vocabulary, whose steps are ops."""
        if not self._tokens and isinstance(x, Tensor) and self._expected_size:
            return ops.zeros_like(x)  # its vocabulary is read later, and only the type counts
        self._require_vocabulary()
        keys = np.array(sorted(self._table), "int64")
        indices = np.array([self._table[key] for key in keys.tolist()], "int64")
        at = ops.zeros_like(x)
        for step in (1 << bits for bits in reversed(range(len(keys).bit_length()))):
            further = ops.add(at, step)
            fits = ops.less_equal(ops.take(keys, ops.minimum(further, len(keys) - 1)), x)
            at = ops.where(ops.logical_and(fits, ops.less(further, len(keys))), further, at)
        is_known = ops.equal(ops.take(keys, at), x)
        return ops.where(is_known, ops.take(indices, at), self._unknown(x))

    def _unknown(self, x: Any) -> Any:
        before = int(self._has_mask_index)
        return (
            ops.add(ops.mod(x, self.num_oov_indices), before) if self.num_oov_indices > 1 else ops.full_like(x, before)
        )

    def _compute(self, *arrays: np.ndarray) -> np.ndarray:
        self._require_vocabulary()
        numbers = whole(arrays[0], f"'{self.name}'").ravel().tolist()
        unknown = {number for number in numbers if number not in self._table}
        if unknown and not self.num_oov_indices:
            raise ArgumentError(
                f"'{self.name}' has no index for unknown numbers.",
                expected="numbers of the vocabulary",
                got=", ".join(map(str, sorted(unknown)[:5])),
                cure="num_oov_indices=1",
            )
        before = int(self._has_mask_index)
        others = {n: before + hashed(str(n).encode(), self.salt) % self.num_oov_indices for n in unknown}
        found = [others[n] if n in others else self._table[n] for n in numbers]
        return np.array(found, "int64").reshape(arrays[0].shape)


def _index(value: Any) -> int:
    if isinstance(value, bool) or int(value) != value:
        raise ValueError(value)
    return int(value)


def _is_whole(x: Any) -> bool:
    return not ops.dtype(x).startswith(("float", "bfloat", "string"))


def _check_dtype(dtype: Any) -> None:
    if dtype not in ("int32", "int64"):
        raise ArgumentError("The numbers of a vocabulary are integers.", expected="int32, int64", got=repr(dtype))
