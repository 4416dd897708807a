"""The rule that all lookups share: a vocabulary, given or learned, in which tokens have indices.

    index   0            1 ... n            n + 1 ...
            mask token   unknown tokens     tokens of the vocabulary

The mask token has an index only if it is given and ``output_mode`` is ``"int"``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from amalthea import docstrings, ops, writing
from amalthea.checks import non_negative_int, one_of, optional, two_or_more
from amalthea.engine.types import DTypeLike
from amalthea.errors import ArgumentError, ModelFileError, brief
from amalthea.layers.categories import encoded
from amalthea.layers.layer import Layer
from amalthea.layers.text.host_layer import VECTORS, HostLayer, batches_of
from amalthea.layers.text.options import check_options, checked_salt, refuse_path, split_dtype

docstrings.share(
    "vocabulary of a lookup",
    """
    vocabulary: list or array of tokens, the most frequent first, or the path of a text file with a token a line.
        Defaults to None; then :meth:`adapt` learns it.
    idf_weights: list of float, one for each token of ``vocabulary``; inverse document frequencies for
        ``output_mode="tf_idf"``. Defaults to None.
    """,
)
docstrings.share(
    "output of a lookup",
    """
    output_mode: str; ``"int"`` gives the index of each token. The others give vectors with a place for each index:
        ``"one_hot"`` one for each token, where a last axis of size 1 is replaced; ``"multi_hot"`` one for the whole
        last axis, with 1 for each token in it; ``"count"`` the number of times that each occurs; ``"tf_idf"`` that
        number times the token's inverse document frequency. Defaults to ``"int"``.
    pad_to_max_tokens: bool; whether vectors have ``max_tokens`` elements even if the vocabulary is shorter. Defaults to
        False.
    """,
)
docstrings.share(
    "tokens of a lookup",
    """
    max_tokens: int, at least 2; size of the vocabulary, the tokens for unknown and mask included. Defaults to None, no
        limit.
    num_oov_indices: int, 0 or more; number of indices for unknown tokens; with several, a token's hash chooses one.
        With 0, an unknown token is an error. Defaults to 1.
    """,
)
FILE = "vocabulary.txt"
NOWHERE = -1  # index of a masked token that has no place in a vector


class IndexLookup(HostLayer):
    """The base of :class:`StringLookup` and :class:`IntegerLookup`.

    Args:
        |tokens of a lookup|
        mask_token: token with the index 0. Defaults to None, which reserves no index.
        oov_token: token that stands for unknown ones in the vocabulary.
        |vocabulary of a lookup|
        invert: bool; whether indices become tokens. Defaults to False.
        |output of a lookup|
        |codes of categories|
        salt: int or two ints; key of the hash of unknown tokens. Defaults to None.
        vocabulary_size: int; in configurations alone: the size of a vocabulary that is read later.
        |layer options|

    Shapes: any shape; vectors have the shapes of :class:`CategoryEncoding`.

    Example:
        >>> from amalthea import layers
        >>> layers.StringLookup(vocabulary=["a", "b"]).get_vocabulary()
        ['[UNK]', 'a', 'b']
    """

    _not_in_config = ("vocabulary_size", "oov_method")  # written below, or an attribute
    _argument_checks = {
        "max_tokens": optional(two_or_more),
        "num_oov_indices": non_negative_int,
        "output_mode": one_of("int", *VECTORS, "tf_idf"),
    }

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: Any = None,
        oov_token: Any = None,
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        salt: Any = None,
        vocabulary_size: int | None = None,
        dtype: DTypeLike | None = None,
        **kwargs: Any,
    ):
        policy, self._index_dtype = split_dtype(dtype, output_mode)
        super().__init__(dtype=policy, **kwargs)
        self._refuse_sparse(sparse)
        check_options(type(self).__name__, invert, output_mode, pad_to_max_tokens, max_tokens, idf_weights)
        self.max_tokens, self.num_oov_indices = max_tokens, num_oov_indices
        self.mask_token, self.oov_token, self.invert = mask_token, oov_token, bool(invert)
        self.output_mode, self.pad_to_max_tokens, self.sparse = output_mode, bool(pad_to_max_tokens), False
        self.salt = checked_salt(salt)
        self._tokens: list[Any] = []
        self._table: dict[Any, int] = {}
        self._is_inline = False  # whether the vocabulary is part of the configuration
        self._expected_size = vocabulary_size or 0
        self.idf_weights: Any = None
        self._frequencies: np.ndarray | None = None
        self._forget_counts()
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
            self.idf_weights = None if idf_weights is None else [float(w) for w in idf_weights]
            self._is_inline = not isinstance(vocabulary, (str, os.PathLike))
        elif idf_weights is not None:
            raise ArgumentError(
                "`idf_weights` are those of a vocabulary.", got="vocabulary=None", cure="vocabulary=[...]"
            )

    # --------------------------------------------------------------------------------- tokens

    def _as_token(self, value: Any) -> Any:
        """One token in the type of this layer's tokens."""
        raise NotImplementedError

    def _special(self) -> list[Any]:
        """The tokens before those of the vocabulary."""
        mask = [self.mask_token] if self._has_mask_index else []
        return [*mask, *[self.oov_token] * self.num_oov_indices]

    @property
    def _has_mask_index(self) -> bool:
        return self.mask_token is not None and self.output_mode == "int"

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """Returns the tokens in the order of their indices.

        Args:
            include_special_tokens: bool; whether the tokens for mask and unknown are among them. Defaults to True.

        Example:
            >>> from amalthea import layers
            >>> layer = layers.StringLookup(vocabulary=["a", "b"], mask_token="")
            >>> layer.get_vocabulary(), layer.get_vocabulary(include_special_tokens=False)
            (['', '[UNK]', 'a', 'b'], ['a', 'b'])
        """
        return [*self._special(), *self._tokens] if include_special_tokens else list(self._tokens)

    def vocabulary_size(self) -> int:
        """Returns the number of tokens, with those for mask and unknown.

        Example:
            >>> from amalthea import layers
            >>> layers.StringLookup(vocabulary=["a", "b"]).vocabulary_size()
            3
        """
        return len(self._special()) + len(self._tokens)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the vocabulary, in place of learning it.

        Args:
            vocabulary: list or array of tokens, the most frequent first, or the path of a text file with a token a
                line; with or without the tokens for mask and unknown at its beginning.
            idf_weights: list of float; inverse document frequency of each token, with ``output_mode="tf_idf"``.
                Defaults to None.

        Raises:
            ArgumentError: there are no tokens, too many, or one of them twice; or the weights do not fit.

        Example:
            >>> import numpy as np
            >>> from amalthea import layers
            >>> layer = layers.StringLookup()
            >>> layer.set_vocabulary(["red", "green"])
            >>> np.asarray(layer(["green", "blue"])).tolist()
            [2, 0]
        """
        is_file = isinstance(vocabulary, (str, os.PathLike))
        given = self._read(Path(vocabulary)) if is_file else np.asarray(vocabulary, object).ravel().tolist()
        tokens = [self._as_token(token) for token in given]
        special = self._special()
        has_special = bool(special) and tokens[: len(special)] == special
        kept = tokens[len(special) :] if has_special else tokens
        self._check_vocabulary(kept)
        weights = self._checked_weights(idf_weights, len(kept), len(special) if has_special else 0)
        self._take(kept, weights)
        self._is_inline = self._is_inline and not is_file

    def _take(self, tokens: Sequence[Any], frequencies: np.ndarray | None) -> None:
        self._tokens, self._frequencies = list(tokens), frequencies
        start = len(self._special())
        self._table = {token: i + start for i, token in enumerate(self._tokens)}
        if self.mask_token is not None:
            self._table[self.mask_token] = 0 if self._has_mask_index else NOWHERE
        self._learned += 1
        Layer._structure_version += 1

    def _check_vocabulary(self, tokens: list[Any]) -> None:
        owner = f"'{self.name}'"
        if not tokens:
            raise ArgumentError(f"The vocabulary of {owner} has no tokens.", expected="at least one", got=repr(tokens))
        repeated = [token for token, count in Counter(tokens).items() if count > 1]
        if repeated:
            raise ArgumentError(
                f"The vocabulary of {owner} holds a token twice.",
                got=", ".join(map(repr, repeated[:5])),
                cure="list(dict.fromkeys(vocabulary))",
            )
        for what, token in (("mask", self.mask_token), ("unknown tokens", self.oov_token)):
            if token is not None and token in tokens and token in self._special():
                raise ArgumentError(
                    f"The token for {what} stands among the others in the vocabulary of {owner}.",
                    expected=f"{self._special()} at the beginning, or none of them",
                    got=f"{token!r} at position {tokens.index(token)}",
                )
        size = len(tokens) + len(self._special())
        if self.max_tokens is not None and size > self.max_tokens:
            raise ArgumentError(
                f"The vocabulary of {owner} is larger than max_tokens, with the tokens for mask and unknown.",
                expected=f"at most {self.max_tokens}",
                got=size,
            )

    def _checked_weights(self, weights: Any, count: int, before: int) -> np.ndarray | None:
        """The inverse document frequencies of all indices; an unknown token has the mean of the others."""
        if self.output_mode != "tf_idf":
            if weights is not None:
                raise ArgumentError('Weights are for "tf_idf".', expected='output_mode="tf_idf"', got=self.output_mode)
            return None
        if weights is None:
            raise ArgumentError(
                'A vocabulary for "tf_idf" comes with its weights.',
                expected="idf_weights",
                got=None,
                cure="adapt(data)",
            )
        found = np.asarray(weights, "float32").ravel()
        if len(found) not in (count, count + before):
            raise ArgumentError(
                "`idf_weights` has a weight for each token.", expected=f"{count} weights", got=f"{len(found)} weights"
            )
        return found if len(found) > count else self._with_unknown(found)

    def _with_unknown(self, weights: np.ndarray) -> np.ndarray:
        mean = weights.mean() if len(weights) else 0.0
        return np.concatenate([np.full(len(self._special()), mean), weights]).astype("float32")

    def _require_vocabulary(self) -> None:
        if not self._tokens:
            raise ArgumentError(
                f"'{self.name}' has no vocabulary yet.", cure="layer.adapt(data), or layer.set_vocabulary(tokens)"
            )

    # ------------------------------------------------------------------------------- learning

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learns the vocabulary from data, and forgets what was learned before.

        Tokens are ordered by how often they occur, and those that occur equally often from the last in the alphabet to
        the first.

        Args:
            |data to adapt to|

        Shapes: any; for ``output_mode="tf_idf"`` each row ``(batch, tokens)`` is a document.

        Raises:
            ArgumentError: there are no tokens in the data.

        Example:
            >>> from amalthea import layers
            >>> layer = layers.StringLookup()
            >>> layer.adapt(["a", "b", "b"])
            >>> layer.get_vocabulary()
            ['[UNK]', 'b', 'a']
        """
        self.reset_state()
        for batch in batches_of(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def _forget_counts(self) -> None:
        self._counts: Counter[Any] = Counter()
        self._documents: Counter[Any] = Counter()
        self._document_count = 0

    def reset_state(self) -> None:
        """Forgets what was counted.

        Example:
            >>> from amalthea import layers
            >>> layers.StringLookup().reset_state()
        """
        self._forget_counts()

    def update_state(self, data: Any) -> None:
        """Counts the tokens of one more batch; :meth:`finalize_state` makes them the vocabulary.

        Args:
            data: array or nested list of tokens.

        Shapes: any; for ``output_mode="tf_idf"`` each row ``(batch, tokens)`` is a document.

        Example:
            >>> from amalthea import layers
            >>> layer = layers.StringLookup()
            >>> for batch in (["a"], ["b", "b"]):
            ...     layer.update_state(batch)
            >>> layer.finalize_state()
            >>> layer.get_vocabulary()
            ['[UNK]', 'b', 'a']
        """
        array = self._tokens_of(data)
        rows = array.reshape(1, -1) if array.ndim < 2 else array.reshape(len(array), -1)
        self._count(rows.tolist())

    def _count(self, rows: list[list[Any]]) -> None:
        for row in rows:
            self._counts.update(row)
            self._documents.update(set(row))
        self._document_count += len(rows)

    def finalize_state(self) -> None:
        """Makes the vocabulary of what was counted; does nothing if nothing was.

        Raises:
            ArgumentError: only the tokens for mask and unknown were counted.

        Example:
            >>> from amalthea import layers
            >>> layer = layers.StringLookup(vocabulary=["a"])
            >>> layer.finalize_state()
            >>> layer.get_vocabulary()
            ['[UNK]', 'a']
        """
        if not self._document_count:
            return
        for token in (self.mask_token, self.oov_token):
            self._counts.pop(token, None)
        ordered = sorted(self._counts, key=lambda token: (self._counts[token], token), reverse=True)
        room = None if self.max_tokens is None else max(self.max_tokens - len(self._special()), 0)
        tokens = ordered[:room]
        if not tokens:
            raise ArgumentError(f"'{self.name}' found no tokens in the data.", expected="at least one")
        weights = None
        if self.output_mode == "tf_idf":
            seen = np.array([self._documents[token] for token in tokens], "float64")
            weights = self._with_unknown(np.log(1 + self._document_count / (1 + seen)).astype("float32"))
        self._take(tokens, weights)
        self._is_inline, self.idf_weights = False, None
        self._forget_counts()

    def _tokens_of(self, data: Any) -> np.ndarray:
        """A batch as an array of tokens."""
        raise NotImplementedError

    # --------------------------------------------------------------------------------- output

    def _depth(self) -> int:
        if self.pad_to_max_tokens:
            return self.max_tokens or 0
        return self.vocabulary_size() if self._tokens else self._expected_size

    def _encoded(self, found: Any) -> Any:
        if self.output_mode != "int" and not self._depth():
            self._require_vocabulary()
        if self.output_mode != "tf_idf":
            return super()._encoded(found)
        counts = encoded(found, "count", self._depth(), dtype=self.compute_dtype)
        weights = np.zeros(self._depth(), "float32")
        if self._frequencies is not None:
            weights[: len(self._frequencies)] = self._frequencies
        return ops.multiply(counts, ops.cast(weights, self.compute_dtype))

    # ---------------------------------------------------------------------------------- files

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {
            **config,
            "vocabulary": self._saved_vocabulary(),
            "idf_weights": self.idf_weights,
            "vocabulary_size": self._size(),
            "oov_method": self.oov_method,
        }

    oov_method = "floormod"

    def _size(self) -> int | None:
        return self.vocabulary_size() if self._tokens else self._expected_size or None

    def _saved_vocabulary(self) -> list[Any] | None:
        """The vocabulary for the configuration: if it was given, or if no file of lines can hold it."""
        unfit = self._tokens[-1:] == [""] or any("\n" in str(t) or "\r" in str(t) for t in self._tokens)
        return list(self._tokens) if self._tokens and (self._is_inline or unfit) else None

    def save_assets(self, dir_path: str) -> None:
        """Writes the vocabulary to a text file, unless it is part of the configuration.

        Args:
            dir_path: str; the folder of the layer's files.

        Example:
            >>> import os, tempfile
            >>> from amalthea import layers
            >>> layer = layers.StringLookup()
            >>> layer.adapt(["a", "b"])
            >>> folder = tempfile.mkdtemp()
            >>> layer.save_assets(folder)
            >>> os.listdir(folder)
            ['vocabulary.txt']
        """
        if self._tokens and self._saved_vocabulary() is None:
            lines = "\n".join(str(token) for token in self.get_vocabulary())
            writing.write(os.path.join(dir_path, FILE), lines.encode("utf-8", "surrogateescape"))

    def load_assets(self, dir_path: str) -> None:
        """Reads the vocabulary from the file that :meth:`save_assets` wrote.

        Args:
            dir_path: str; the folder of the layer's files.

        Raises:
            ModelFileError: the file does not hold a vocabulary.

        Example:
            >>> import tempfile
            >>> from amalthea import layers
            >>> layer, other = layers.StringLookup(), layers.StringLookup()
            >>> layer.adapt(["a", "b"])
            >>> folder = tempfile.mkdtemp()
            >>> layer.save_assets(folder)
            >>> other.load_assets(folder)
            >>> other.get_vocabulary() == layer.get_vocabulary()
            True
        """
        path = Path(dir_path) / FILE
        if not path.is_file() or self._is_inline:
            return
        try:
            tokens = [self._as_token(line) for line in self._read(path)]
            tokens = tokens[len(self._special()) :] if tokens[: len(self._special())] == self._special() else tokens
            self._check_vocabulary(tokens)
        except (ArgumentError, ValueError) as error:
            raise ModelFileError(f"The vocabulary of '{self.name}' in the file cannot be used: {error}.") from None
        if self._expected_size and len(tokens) + len(self._special()) != self._expected_size:
            raise ModelFileError(
                f"The vocabulary of '{self.name}' in the file has another size than its configuration tells.",
                expected=self._expected_size,
                got=len(tokens) + len(self._special()),
            )
        self._take(tokens, self._frequencies)

    def _read(self, path: Path) -> list[str]:
        if not path.is_file():
            raise ArgumentError("This file of a vocabulary does not exist.", got=brief(str(path)))
        lines = path.read_bytes().decode("utf-8", "surrogateescape").split("\n")
        while lines and not lines[-1]:
            lines.pop()
        return [line.removesuffix("\r") for line in lines]

    @property
    def _stored_elements(self) -> int:
        """The most elements that a value in a file of weights may have."""
        return max(self._expected_size, self.vocabulary_size())

    def save_own_variables(self, store: Any) -> None:
        if self._frequencies is not None:
            store["idf_weights"] = self._frequencies

    def load_own_variables(self, store: Any) -> None:
        if self.output_mode != "tf_idf" or "idf_weights" not in store:
            return
        found = np.asarray(store["idf_weights"], "float32")
        if found.ndim != 1 or (self._stored_elements and len(found) < self._stored_elements):
            raise ModelFileError(
                f"The weights of '{self.name}' in the file are not one for each token.",
                expected=self._stored_elements,
                got=brief(found),
            )
        self._frequencies = found

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        refuse_path(cls.__name__, config)
        return super().from_config(config, custom_objects)
