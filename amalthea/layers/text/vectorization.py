"""Texts into numbers: standardized, split into tokens, joined to n-grams, looked up."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from amalthea import loading, text
from amalthea.checks import one_of, optional, positive_int, two_or_more
from amalthea.engine.ir.tensor import Type
from amalthea.engine.shapes import Dim
from amalthea.errors import ArgumentError, DataError, DtypeError, ShapeError, brief
from amalthea.layers.text.host_layer import HostLayer, batches_of
from amalthea.layers.text.index_lookup import NOWHERE
from amalthea.layers.text.options import refuse_path, split_dtype
from amalthea.layers.text.string_lookup import StringLookup

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_WORDS = re.compile(r"[^ \t\n\r\f\v]+")

STANDARDIZATIONS: Mapping[str, dict[int, Any]] = {
    "lower_and_strip_punctuation": {**_LOWER, **_NO_PUNCTUATION},
    "lower": _LOWER,
    "strip_punctuation": _NO_PUNCTUATION,
}
SPLITS: Mapping[str, Callable[[str], list[str]]] = {"whitespace": _WORDS.findall, "character": list}


class TextVectorization(HostLayer):
    """Turns texts into sequences of token indices, or into vectors of token counts.

    Each text is standardized, split into tokens, which are joined to n-grams and looked up in a vocabulary. The layer
    computes on the host; a model that begins with ``Input((1,), dtype="string")`` runs it on each batch before its
    compiled step.

    Args:
        max_tokens: int, at least 2; size of the vocabulary, the tokens for unknown and padding included. Defaults to
            None, no limit.
        standardize: str, function or None; ``"lower_and_strip_punctuation"``, ``"lower"`` and ``"strip_punctuation"``
            change letters and punctuation of ASCII alone. A function takes and returns an array of ``str``. None
            changes nothing. Defaults to ``"lower_and_strip_punctuation"``.
        split: str, function or None; ``"whitespace"`` makes words, ``"character"`` characters. A function takes an
            array of ``str`` ``(batch,)`` and returns a list of tokens for each text. None takes a text as one token.
            Defaults to ``"whitespace"``.
        ngrams: int, tuple of int or None; an int n adds the sequences of 2 to n tokens, joined by spaces; a tuple takes
            sequences of these lengths alone. Defaults to None, tokens alone.
        output_mode: str; ``"int"`` gives the indices of the tokens, with 0 after the last one and 1 for unknown ones;
            ``"multi_hot"``, ``"count"`` and ``"tf_idf"`` give a vector for each text, with a place for each token of
            the vocabulary and unknown ones at 0, as :class:`StringLookup` does. Defaults to ``"int"``.
        output_sequence_length: int; number of indices that rows are cut or padded to. Defaults to None, that of
            the longest text in the batch.
        pad_to_max_tokens: bool; whether vectors have ``max_tokens`` elements even if the vocabulary is shorter.
            Defaults to False.
        |vocabulary of a lookup|
        sparse, ragged: must be False; outputs are dense.
        encoding: str; how bytes are decoded. Defaults to ``"utf-8"``.
        name: str; name of the layer. Defaults to None, which makes one from the class name.
        |layer options|

    Shapes: ``(batch,)`` or ``(batch, 1)`` to ``(batch, tokens)``, or ``(batch, vocabulary)`` for vectors.

    Raises:
        ArgumentError: an option does not exist or does not go with others, or nothing was learned before the first
            call.
        DtypeError: the input is not text.
        ShapeError: there are several texts in a row.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.TextVectorization(vocabulary=["the", "cat"])
        >>> np.asarray(layer(["The cat!", "the black cat sat"])).tolist()
        [[2, 3, 0, 0], [2, 1, 3, 1]]

    Source: ``output_mode="one_hot"``, which Keras accepts, gives rows of different lengths there, and is refused here.
    """

    _argument_checks = {
        "max_tokens": optional(two_or_more),
        "output_mode": one_of("int", "multi_hot", "count", "tf_idf"),
        "output_sequence_length": optional(positive_int),
    }
    _not_in_config = ("vocabulary_size",)
    _config_slots = {"standardize": (loading.OWN,), "split": (loading.OWN,)}

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: int | Sequence[int] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ):
        size = kwargs.pop("vocabulary_size", None)
        policy, index_dtype = split_dtype(kwargs.pop("dtype", None), output_mode)
        super().__init__(name=name, dtype=policy, **kwargs)
        self._index_dtype = index_dtype
        self._refuse_sparse(sparse, ragged)
        if output_mode != "int" and output_sequence_length is not None:
            raise ArgumentError(
                "`output_sequence_length` is for sequences of indices.",
                expected='output_mode="int"',
                got=repr(output_mode),
            )
        _known("standardize", standardize, STANDARDIZATIONS)
        _known("split", split, SPLITS)
        self.max_tokens, self.standardize, self.split = max_tokens, standardize, split
        self.ngrams = ngrams
        self._lengths = _ngram_lengths(ngrams)
        self.output_mode, self.output_sequence_length = output_mode, output_sequence_length
        self.pad_to_max_tokens, self.sparse, self.ragged = pad_to_max_tokens, False, False
        self.encoding = encoding
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens, vocabulary=vocabulary, idf_weights=idf_weights, pad_to_max_tokens=pad_to_max_tokens,
            mask_token="", output_mode=output_mode, encoding=encoding,
            vocabulary_size=size, dtype=self.dtype_policy,
        )  # fmt: skip

    @property
    def input_dtype(self) -> str:
        """The dtype of what the layer reads: text."""
        return text.DTYPE

    @property
    def _learned(self) -> int:
        return self._lookup_layer._learned

    # ------------------------------------------------------------------------------- the steps

    def _compute(self, *arrays: np.ndarray) -> np.ndarray:
        self._lookup_layer._require_vocabulary()
        rows = self._tokens_of(arrays[0])
        if rows is None:
            return self._lookup_layer._lookup(self._standardized(arrays[0]))
        flat = self._lookup_layer._lookup(np.array([t for row in rows for t in row], object))
        lengths = [len(row) for row in rows]
        steps = max(lengths, default=0) if self.output_sequence_length is None else self.output_sequence_length
        found = np.full((len(rows), steps), 0 if self.output_mode == "int" else NOWHERE, "int64")
        for target, row in zip(found, np.split(flat, np.cumsum(lengths)[:-1])):
            target[: len(row)] = row[:steps]
        return found if arrays[0].ndim else found[0]

    def _encoded(self, found: Any) -> Any:
        return self._lookup_layer._encoded(found) if self.output_mode != "int" else super()._encoded(found)

    def _result_type(self, *types: Type) -> Type:
        shape, dtype = types[0]
        if dtype != text.DTYPE:
            raise DtypeError(f"'{self.name}' reads text.", expected="Input((1,), dtype='string')", got=types[0])
        self._check_shape(shape)
        steps = self.output_sequence_length or Dim.fresh()
        if self.split is None:
            return Type(shape, self._index_dtype)
        return Type((*shape[:1], steps), self._index_dtype)

    def _check_shape(self, shape: Any) -> None:
        if self.split is not None and len(shape) > 1 and (len(shape) > 2 or shape[-1] != 1):
            raise ShapeError(
                f"'{self.name}' splits one text of each row.",
                expected="(batch,) or (batch, 1)",
                got=shape,
                cure="x[:, 0], or split=None for texts that are split already",
            )

    def _tokens_of(self, array: np.ndarray) -> list[list[str]] | None:
        """The tokens of each text; None without ``split`` and n-grams, where each text is a token."""
        self._check_shape(array.shape)
        texts = self._standardized(array)
        if self.split is None:
            return None if self._lengths == (1,) else [_joined(row, self._lengths) for row in _as_rows(texts)]
        flat = texts.ravel()
        if isinstance(self.split, str):
            rows = list(map(SPLITS[self.split], flat))
        else:
            rows = _split_by(self.split, flat, self.name)
        return rows if self._lengths == (1,) else [_joined(row, self._lengths) for row in rows]

    def _standardized(self, array: np.ndarray) -> np.ndarray:
        texts = text.as_text(array, self.encoding, f"'{self.name}'")
        if self.standardize is None:
            return texts
        if not isinstance(self.standardize, str):
            changed = text.as_text(self.standardize(texts.astype(str)), self.encoding, "`standardize`")
            if changed.size != texts.size:
                raise DataError(
                    "`standardize` returned another number of texts.", expected=texts.shape, got=changed.shape
                )
            return changed.reshape(texts.shape)
        table = STANDARDIZATIONS[self.standardize]
        made = np.empty(texts.size, object)
        made[:] = [t.translate(table) for t in texts.ravel()]
        return made.reshape(texts.shape)

    # ----------------------------------------------------------------------------- vocabulary

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learns the vocabulary from texts, and forgets what was learned before.

        Tokens are ordered by how often they occur, and those that occur equally often from the last in the alphabet to
        the first.

        Args:
            |data to adapt to|
            batch_size: int; number of texts of an array that are taken at a time. Defaults to None, all at once.

        Shapes: ``(batch,)`` or ``(batch, 1)``.

        Raises:
            ArgumentError: there are no tokens in the data.

        Example:
            >>> from amalthea import layers
            >>> layer = layers.TextVectorization()
            >>> layer.adapt(["a cat", "a dog"])
            >>> layer.get_vocabulary()
            ['', '[UNK]', 'a', 'dog', 'cat']
        """
        if batch_size is not None:
            positive_int(batch_size, "batch_size", "adapt")
        self.reset_state()
        for batch in batches_of(data, steps, batch_size):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Counts the tokens of one more batch of texts; :meth:`finalize_state` makes them the vocabulary.

        Args:
            data: array or list of texts.

        Shapes: ``(batch,)`` or ``(batch, 1)``.

        Example:
            >>> from amalthea import layers
            >>> layer = layers.TextVectorization()
            >>> layer.update_state(["a cat"])
            >>> layer.finalize_state()
            >>> layer.vocabulary_size()
            4
        """
        array = text.as_objects(data)
        rows = self._tokens_of(array)
        if rows is None:
            self._lookup_layer.update_state(self._standardized(array))
        else:
            self._lookup_layer._count(rows)

    def reset_state(self) -> None:
        """Forgets what was counted.

        Example:
            >>> from amalthea import layers
            >>> layers.TextVectorization().reset_state()
        """
        self._lookup_layer.reset_state()

    def finalize_state(self) -> None:
        """Makes the vocabulary of what was counted; does nothing if nothing was.

        Raises:
            ArgumentError: there were no tokens.

        Example:
            >>> from amalthea import layers
            >>> layers.TextVectorization(vocabulary=["a"]).finalize_state()
        """
        self._lookup_layer.finalize_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """Returns the tokens in the order of their indices.

        Args:
            include_special_tokens: bool; whether the tokens for padding and unknown are among them. Defaults to True.

        Example:
            >>> from amalthea import layers
            >>> layers.TextVectorization(vocabulary=["a"]).get_vocabulary()
            ['', '[UNK]', 'a']
        """
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """Returns the number of tokens, with those for padding and unknown.

        Example:
            >>> from amalthea import layers
            >>> layers.TextVectorization(vocabulary=["a"]).vocabulary_size()
            3
        """
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the vocabulary, in place of learning it.

        Args:
            vocabulary: list or array of tokens, the most frequent first, or the path of a text file with a token a
                line.
            idf_weights: list of float; inverse document frequency of each token, with ``output_mode="tf_idf"``.
                Defaults to None.

        Raises:
            ArgumentError: there are no tokens, too many, or one of them twice; or the weights do not fit.

        Example:
            >>> from amalthea import layers
            >>> layer = layers.TextVectorization()
            >>> layer.set_vocabulary(["a", "b"])
            >>> layer.get_vocabulary()
            ['', '[UNK]', 'a', 'b']
        """
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    # ---------------------------------------------------------------------------------- files

    def get_config(self) -> dict[str, Any]:
        inner = self._lookup_layer.get_config()
        return {**super().get_config(), **{key: inner[key] for key in ("vocabulary", "idf_weights", "vocabulary_size")}}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        refuse_path(cls.__name__, config)
        return super().from_config(config, custom_objects)

    def save_assets(self, dir_path: str) -> None:
        """Writes the vocabulary to a text file, unless it is part of the configuration.

        Args:
            dir_path: str; the folder of the layer's files.

        Example:
            >>> import os, tempfile
            >>> from amalthea import layers
            >>> layer = layers.TextVectorization()
            >>> layer.adapt(["a cat"])
            >>> folder = tempfile.mkdtemp()
            >>> layer.save_assets(folder)
            >>> os.listdir(folder)
            ['vocabulary.txt']
        """
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: str) -> None:
        """Reads the vocabulary from the file that :meth:`save_assets` wrote.

        Args:
            dir_path: str; the folder of the layer's files.

        Raises:
            ModelFileError: the file does not hold a vocabulary.

        Example:
            >>> import tempfile
            >>> from amalthea import layers
            >>> layer, other = layers.TextVectorization(), layers.TextVectorization()
            >>> layer.adapt(["a cat"])
            >>> folder = tempfile.mkdtemp()
            >>> layer.save_assets(folder)
            >>> other.load_assets(folder)
            >>> other.get_vocabulary() == layer.get_vocabulary()
            True
        """
        self._lookup_layer.load_assets(dir_path)


def _known(name: str, value: Any, table: Mapping[str, Any]) -> None:
    if value is not None and not callable(value) and value not in table:
        raise ArgumentError(
            f"`{name}` of TextVectorization is not known.",
            expected=f"{', '.join(map(repr, table))}, a function, or None",
            got=repr(value),
        )


def _ngram_lengths(ngrams: Any) -> tuple[int, ...]:
    if ngrams is None:
        return (1,)
    is_count = isinstance(ngrams, (int, np.integer)) and not isinstance(ngrams, bool)
    lengths: list[Any] = list(range(1, int(ngrams) + 1)) if is_count else []
    lengths = list(ngrams) if isinstance(ngrams, (list, tuple)) else lengths
    if not lengths or any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1 for n in lengths):
        raise ArgumentError(
            "`ngrams` of TextVectorization is a positive int, or several.", expected="2 or (1, 2)", got=repr(ngrams)
        )
    return tuple(int(n) for n in lengths)


def _joined(tokens: Sequence[str], lengths: Sequence[int]) -> list[str]:
    return [" ".join(tokens[i : i + n]) for n in lengths for i in range(len(tokens) - n + 1)]


def _as_rows(texts: np.ndarray) -> list[list[str]]:
    return texts.reshape(len(texts), -1).tolist() if texts.ndim else [[texts.item()]]


def _split_by(function: Callable[[Any], Any], texts: np.ndarray, name: str) -> list[list[str]]:
    found = function(texts.astype(str))
    rows = found.to_list() if hasattr(found, "to_list") else list(found)
    if len(rows) != len(texts):
        raise DataError(
            f"`split` of '{name}' returned another number of rows than there are texts.",
            expected=len(texts),
            got=f"{len(rows)}: {brief(found)}",
        )
    return [text.as_text(list(row) if not isinstance(row, str) else [row]).tolist() for row in rows]
