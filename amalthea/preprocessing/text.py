"""Text as words and as numbers of words: Keras 1 and 2's ``Tokenizer``. ``layers.TextVectorization`` is today's way."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from hashlib import md5
from typing import Any

import numpy as np

from amalthea.errors import ArgumentError, DataError, brief
from amalthea.names import missing_in as _missing_in

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
MODES = ("binary", "count", "tfidf", "freq")

__all__ = ["Tokenizer", "hashing_trick", "one_hot", "text_to_word_sequence", "tokenizer_from_json"]


def text_to_word_sequence(
    input_text: str | None = None, filters: str = FILTERS, lower: bool = True, split: str = " ", text: Any = None
) -> list[str]:
    """Splits a text into words.

    Args:
        input_text: str; the text.
        filters: str; characters that separate words, as ``split`` does. Defaults to punctuation, tabs and ends of
            lines.
        lower: bool; whether capital letters become small ones. Defaults to True.
        split: str; what separates words. Defaults to a space.
        text: str; the text under its name in Keras 1 and 2. Defaults to None.

    Raises:
        ArgumentError: the text is not a str.

    Example:
        >>> from amalthea.preprocessing.text import text_to_word_sequence
        >>> text_to_word_sequence("The cat, the hat!")
        ['the', 'cat', 'the', 'hat']
    """
    given = text if input_text is None else input_text
    if not isinstance(given, str):
        raise ArgumentError("Only text has words.", expected="a str", got=brief(given))
    given = given.lower() if lower else given
    return [word for word in given.translate(str.maketrans({c: split for c in filters})).split(split) if word]


def one_hot(
    input_text: str | None = None, n: int = 2, filters: str = FILTERS, lower: bool = True, split: str = " ", **old: Any
) -> list[int]:
    """Numbers words from 1 to ``n - 1`` by Python's ``hash``, which is another one in each process.

    Args:
        input_text: str; the text.
        n: int; one more than the largest number.
        filters: str; characters that separate words. Defaults to punctuation, tabs and ends of lines.
        lower: bool; whether capital letters become small ones. Defaults to True.
        split: str; what separates words. Defaults to a space.
        **old: ``text``; the text under its name in Keras 1 and 2.

    Example:
        >>> from amalthea.preprocessing.text import one_hot
        >>> a, b = one_hot("cat cat", 10)
        >>> a == b and 1 <= a < 10
        True
    """
    return hashing_trick(input_text, n, None, filters, lower, split, **old)


def hashing_trick(
    input_text: str | None = None,
    n: int = 2,
    hash_function: Any = None,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    text: Any = None,
) -> list[int]:
    """Numbers words from 1 to ``n - 1`` by a hash function; different words may share a number.

    Args:
        input_text: str; the text.
        n: int; one more than the largest number.
        hash_function: ``"md5"``, or function from a str to an int. Defaults to None, Python's ``hash``, which differs
            in each process.
        filters: str; characters that separate words. Defaults to punctuation, tabs and ends of lines.
        lower: bool; whether capital letters become small ones. Defaults to True.
        split: str; what separates words. Defaults to a space.
        text: str; the text under its name in Keras 1 and 2. Defaults to None.

    Raises:
        ArgumentError: ``n`` is below 2, or the text is not a str.

    Example:
        >>> from amalthea.preprocessing.text import hashing_trick
        >>> hashing_trick("the cat sat", 100, "md5")
        [51, 3, 10]
    """
    if not isinstance(n, (int, np.integer)) or n < 2:
        raise ArgumentError("Words are numbered from 1 to n - 1.", expected="n from 2", got=repr(n))
    function = _md5 if hash_function == "md5" else hash_function or hash
    return [function(w) % (n - 1) + 1 for w in text_to_word_sequence(input_text, filters, lower, split, text)]


def _md5(word: str) -> int:
    return int(md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


class Tokenizer:
    """Numbers words by how often they occur, from 1, the most frequent.

    Args:
        num_words: int; only words with numbers below it are kept. Defaults to None, all.
        filters: str; characters that separate words. Defaults to punctuation, tabs and ends of lines.
        lower: bool; whether capital letters become small ones. Defaults to True.
        split: str; what separates words. Defaults to a space.
        char_level: bool; whether each character counts as a word. Defaults to False.
        oov_token: str; stands for words that are not known, with number 1. Defaults to None, which leaves them out.
        document_count: int; texts that were seen. Defaults to 0.
        analyzer: callable; splits a text into words. Defaults to None, :func:`text_to_word_sequence`.
        nb_words: int; Keras 1's word for ``num_words``. Defaults to None.

    Example:
        >>> from amalthea.preprocessing.text import Tokenizer
        >>> tokenizer = Tokenizer()
        >>> tokenizer.fit_on_texts(["the cat", "the dog"])
        >>> tokenizer.texts_to_sequences(["the dog", "the bird"])
        [[1, 3], [1]]
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        document_count: int = 0,
        analyzer: Callable[[str], Any] | None = None,
        nb_words: int | None = None,
    ):
        self.num_words = num_words if nb_words is None else nb_words
        self.filters, self.lower, self.split, self.char_level = filters, lower, split, char_level
        self.oov_token, self.document_count, self.analyzer = oov_token, document_count, analyzer
        self.word_counts: OrderedDict[str, int] = OrderedDict()
        self.word_docs: dict[str, int] = {}
        self.index_docs: dict[int, int] = {}
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    nb_words = property(lambda self: self.num_words, doc="Keras 1's word for ``num_words``.")

    def _words(self, text: Any) -> Any:
        if self.char_level or isinstance(text, list):
            if not self.lower:
                return text
            return [word.lower() for word in text] if isinstance(text, list) else text.lower()
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Counts words, and numbers them.

        Args:
            texts: iterable of str, or of lists of words.

        Example:
            >>> from amalthea.preprocessing.text import Tokenizer
            >>> tokenizer = Tokenizer(oov_token="?")
            >>> tokenizer.fit_on_texts(["a b", "b"])
            >>> tokenizer.word_index
            {'?': 1, 'b': 2, 'a': 3}
        """
        for text in texts:
            self.document_count += 1
            words = self._words(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in dict.fromkeys(words):
                self.word_docs[word] = self.word_docs.get(word, 0) + 1
        ordered = sorted(self.word_counts, key=lambda word: -self.word_counts[word])
        names = ordered if self.oov_token is None else [self.oov_token, *ordered]
        self.word_index = {word: i for i, word in enumerate(names, 1)}
        self.index_word = {i: word for word, i in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Any) -> None:
        """Counts in how many sequences each number occurs, for the mode ``"tfidf"``.

        Args:
            sequences: list of lists of int.

        Example:
            >>> from amalthea.preprocessing.text import Tokenizer
            >>> tokenizer = Tokenizer(num_words=3)
            >>> tokenizer.fit_on_sequences([[1, 2], [1, 1]])
            >>> tokenizer.index_docs
            {1: 2, 2: 1}
        """
        self.document_count += len(sequences)
        for sequence in sequences:
            for index in dict.fromkeys(sequence):
                self.index_docs[index] = self.index_docs.get(index, 0) + 1

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """Returns the numbers of the words of texts.

        Args:
            texts: iterable of str, or of lists of words.

        Example:
            >>> from amalthea.preprocessing.text import Tokenizer
            >>> tokenizer = Tokenizer()
            >>> tokenizer.fit_on_texts(["a b b"])
            >>> tokenizer.texts_to_sequences(["a b"])
            [[2, 1]]
        """
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """Yields the numbers of the words of each text.

        Args:
            texts: iterable of str, or of lists of words.

        Example:
            >>> from amalthea.preprocessing.text import Tokenizer
            >>> tokenizer = Tokenizer()
            >>> tokenizer.fit_on_texts(["a b b"])
            >>> list(tokenizer.texts_to_sequences_generator(["a"]))
            [[2]]
        """
        for text in texts:
            yield self._kept(text, self._words, self.word_index)

    def _kept(self, given: Any, items: Callable[[Any], Any], known: dict[Any, Any]) -> list[Any]:
        """Numbers of words, or words of numbers; the token for unknown ones in place of those that are not kept."""
        other = self.word_index.get(self.oov_token) if self.oov_token is not None else None
        other = other if known is self.word_index or other is None else self.oov_token
        found = []
        for item in items(given):
            value = known.get(item)
            number: Any = value if known is self.word_index else item
            if value is None or (self.num_words and number >= self.num_words):
                value = other
            if value is not None:
                found.append(value)
        return found

    def sequences_to_texts(self, sequences: Iterable[Any]) -> list[str]:
        """Returns the words of sequences of numbers, joined by spaces.

        Args:
            sequences: iterable of lists of int.

        Example:
            >>> from amalthea.preprocessing.text import Tokenizer
            >>> tokenizer = Tokenizer()
            >>> tokenizer.fit_on_texts(["a b b"])
            >>> tokenizer.sequences_to_texts([[1, 2]])
            ['b a']
        """
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Any]) -> Iterator[str]:
        """Yields the words of each sequence of numbers, joined by spaces.

        Args:
            sequences: iterable of lists of int.

        Example:
            >>> from amalthea.preprocessing.text import Tokenizer
            >>> tokenizer = Tokenizer()
            >>> tokenizer.fit_on_texts(["a b b"])
            >>> list(tokenizer.sequences_to_texts_generator([[2]]))
            ['a']
        """
        for sequence in sequences:
            yield " ".join(self._kept(sequence, lambda numbers: numbers, self.index_word))

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> np.ndarray:
        """Returns a row of word weights for each text; see :meth:`sequences_to_matrix`.

        Args:
            texts: iterable of str, or of lists of words.
            mode: str; ``"binary"``, ``"count"``, ``"tfidf"`` or ``"freq"``. Defaults to ``"binary"``.

        Example:
            >>> from amalthea.preprocessing.text import Tokenizer
            >>> tokenizer = Tokenizer()
            >>> tokenizer.fit_on_texts(["a b b"])
            >>> tokenizer.texts_to_matrix(["b b a"], mode="count").tolist()
            [[0.0, 2.0, 1.0]]
        """
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Any, mode: str = "binary") -> np.ndarray:
        """Returns a row of weights for each sequence: one for each number.

        Args:
            sequences: list of lists of int.
            mode: str; ``"binary"``, ``"count"``, ``"freq"`` (counts divided by the length) or ``"tfidf"`` (
                ``(1 + log(count)) * log(1 + texts / (1 + texts with the word))``). Defaults to ``"binary"``.

        Raises:
            ArgumentError: the mode does not exist.
            DataError: nothing was fitted, so that the number of words is not known.

        Example:
            >>> from amalthea.preprocessing.text import Tokenizer
            >>> Tokenizer(num_words=3).sequences_to_matrix([[1, 1, 2]], mode="freq").round(2).tolist()
            [[0.0, 0.67, 0.33]]
        """
        if mode not in MODES:
            raise ArgumentError("This mode does not exist.", expected=", ".join(MODES), got=repr(mode))
        width = self.num_words or (len(self.word_index) + 1 if self.word_index else 0)
        if not width:
            raise DataError("The number of words is not known.", cure="num_words=..., or fit_on_texts(texts) first")
        if mode == "tfidf" and not self.document_count:
            raise DataError("The mode 'tfidf' needs texts that were seen.", cure="fit_on_texts(texts) first")
        made = np.zeros((len(sequences), width))
        for row, sequence in zip(made, sequences):
            for number, count in Counter(n for n in sequence if n < width).items():
                row[number] = self._weight(number, count, len(sequence), mode)
        return made

    def _weight(self, number: int, count: int, length: int, mode: str) -> float:
        if mode == "tfidf":
            rarity = np.log(1 + self.document_count / (1 + self.index_docs.get(number, 0)))
            return float((1 + np.log(count)) * rarity)
        return {"binary": 1.0, "count": float(count), "freq": count / length}[mode]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments and the counts; tables as JSON, as in Keras.

        Example:
            >>> from amalthea.preprocessing.text import Tokenizer
            >>> Tokenizer(num_words=5).get_config()["num_words"]
            5
        """
        names = ("num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count")
        tables = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        return {**{n: getattr(self, n) for n in names}, **{n: json.dumps(getattr(self, n)) for n in tables}}

    def to_json(self, **kwargs: Any) -> str:
        """Returns the tokenizer as JSON, from which :func:`tokenizer_from_json` makes it again.

        Args:
            **kwargs: arguments of ``json.dumps``, such as ``indent``.

        Example:
            >>> from amalthea.preprocessing.text import Tokenizer, tokenizer_from_json
            >>> tokenizer_from_json(Tokenizer(num_words=5).to_json()).num_words
            5
        """
        return json.dumps({"class_name": "Tokenizer", "config": self.get_config()}, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """Returns the tokenizer that ``to_json`` wrote, here or in Keras.

    Args:
        json_string: str; the JSON.

    Raises:
        ArgumentError: the text is not the JSON of a tokenizer.

    Example:
        >>> from amalthea.preprocessing.text import Tokenizer, tokenizer_from_json
        >>> tokenizer = Tokenizer()
        >>> tokenizer.fit_on_texts(["a b"])
        >>> tokenizer_from_json(tokenizer.to_json()).word_index
        {'a': 1, 'b': 2}
    """
    try:
        config = dict(json.loads(json_string)["config"])
        tables = {
            name: json.loads(config.pop(name))
            for name in ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        }
        made = Tokenizer(**config)
        made.word_counts = OrderedDict(tables["word_counts"])
        made.word_docs, made.word_index = dict(tables["word_docs"]), dict(tables["word_index"])
        made.index_docs = {int(k): v for k, v in tables["index_docs"].items()}
        made.index_word = {int(k): v for k, v in tables["index_word"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArgumentError(
            "This is not the JSON of a tokenizer.", expected="what to_json wrote", got=f"{brief(json_string)} ({error})"
        ) from None
    return made


__getattr__ = _missing_in("preprocessing.text")
