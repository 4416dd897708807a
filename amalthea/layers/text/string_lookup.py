"""Tokens of text into indices, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import text
from amalthea.engine.ir.tensor import Type
from amalthea.errors import ArgumentError, DtypeError
from amalthea.layers.text import hashes
from amalthea.layers.text.host_layer import whole
from amalthea.layers.text.index_lookup import IndexLookup


class StringLookup(IndexLookup):
    """Replaces texts by their indices in a vocabulary, or by vectors; or indices by texts.

    The layer computes on the host. A model that begins with ``Input(..., dtype="string")`` runs it on each batch
    before its compiled step.

    Args:
        |tokens of a lookup|
        mask_token: str; token with the index 0, such as ``""``. Defaults to None, which reserves no index.
        oov_token: str; token that stands for unknown ones in the vocabulary, and for unknown indices with ``invert``.
            Defaults to ``"[UNK]"``.
        |vocabulary of a lookup|
        invert: bool; whether indices become texts; only with ``output_mode="int"``. Defaults to False.
        |output of a lookup|
        |codes of categories|
        encoding: str; how bytes are decoded. Defaults to ``"utf-8"``.
        name: str; name of the layer. Defaults to None, which makes one from the class name.
        salt: int or two ints; key of the hash that spreads unknown tokens over several indices: SipHash with a key,
            FarmHash without. Defaults to None.
        |layer options|

    Shapes: any shape; the output of ``"int"`` has the same, vectors have the shapes of :class:`CategoryEncoding`.

    Raises:
        ArgumentError: the vocabulary cannot be used, options do not go together, or nothing was learned before the
            first call.
        DtypeError: the input is not text.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.StringLookup(vocabulary=["cat", "dog"])
        >>> np.asarray(layer([["dog", "cow"]])).tolist()
        [[2, 0]]
        >>> layers.StringLookup(vocabulary=layer.get_vocabulary(), invert=True)(np.array([2, 0])).tolist()
        ['dog', '[UNK]']

    Source: vectors are of the compute dtype when the layer is called on arrays too, as symbolic outputs are in Keras.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ):
        kwargs.pop("oov_method", None)  # in Keras's files; text is always hashed
        kwargs.pop("vocabulary_dtype", None)
        super().__init__(
            max_tokens=max_tokens, num_oov_indices=num_oov_indices, mask_token=mask_token, oov_token=oov_token,
            vocabulary=vocabulary, idf_weights=idf_weights, invert=invert, output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens, sparse=sparse, salt=salt, name=name, **kwargs,
        )  # fmt: skip
        self.encoding = encoding

    @property
    def input_dtype(self) -> str:
        """The dtype of what the layer reads: text, or indices with ``invert``."""
        return "int64" if self.invert else text.DTYPE

    def _as_token(self, value: Any) -> str:
        return text.as_text(value, owner=type(self).__name__).item()

    def _tokens_of(self, data: Any) -> np.ndarray:
        return text.as_text(data, self.encoding, f"'{self.name}'")

    def _result_type(self, *types: Type) -> Type:
        if self.invert != (types[0].dtype != text.DTYPE):
            raise DtypeError(
                f"'{self.name}' reads {'indices' if self.invert else 'text'}.",
                expected="Input(shape, dtype='int64')" if self.invert else "Input(shape, dtype='string')",
                got=types[0],
            )
        return Type(types[0].shape, text.DTYPE if self.invert else self._index_dtype)

    def _compute(self, *arrays: np.ndarray) -> np.ndarray:
        self._require_vocabulary()
        if self.invert:
            return self._tokens_at(whole(arrays[0], f"'{self.name}'"))
        return self._lookup(self._tokens_of(arrays[0]))

    def _tokens_at(self, indices: np.ndarray) -> np.ndarray:
        known = np.array([*self.get_vocabulary(), self.oov_token], object)
        return known[np.where((indices >= 0) & (indices < len(known)), indices, len(known) - 1)]

    def _lookup(self, tokens: np.ndarray) -> np.ndarray:
        """The indices of an array of ``str``."""
        flat = tokens.ravel().tolist()
        unknown = set(flat).difference(self._table)
        others = {token: self._index_of_unknown(token, unknown) for token in unknown}
        found = [others[token] if token in others else self._table[token] for token in flat]
        return np.array(found, "int64").reshape(tokens.shape)

    def _index_of_unknown(self, token: str, unknown: set[str]) -> int:
        if not self.num_oov_indices:
            raise ArgumentError(
                f"'{self.name}' has no index for unknown tokens.",
                expected="tokens of the vocabulary",
                got=", ".join(map(repr, sorted(unknown)[:5])),
                cure="num_oov_indices=1",
            )
        before = int(self._has_mask_index)
        if self.num_oov_indices == 1:
            return before
        return before + hashed(text.encoded(token), self.salt) % self.num_oov_indices


def hashed(data: bytes, salt: list[int] | None) -> int:
    """The hash of some bytes: SipHash under a key, FarmHash without one.

    >>> hashed(b"abc", None) == hashes.fingerprint(b"abc")
    True
    """
    return hashes.fingerprint(data) if salt is None else hashes.siphash(data, (salt[0], salt[1]))
