"""Layers that read text: constructors, what they adapt to, and what they are called on."""

from dataclasses import dataclass, field
from typing import Any

from . import check_unique

WORDS = [["a", "z"], ["c", "b"], ["c", "c"]]
COLUMN = [["a"], ["q"], ["c"]]
NUMBERS = [[12, 1138], [42, 7], [0, -5], [8, 9]]
SENTENCES = ["The cat. sat on the mat", "ÄÖÜ the Ä\u00a0é\u3000x y\tz\nw", "don't stop-it _a_b <x> €5 “q”", "", " "]
VECTORS = ("one_hot", "multi_hot", "count")
LENGTHS = (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 47, 63, 64, 65, 100, 127, 128, 129, 200)
LARGE = 2**62  # bins, so that nearly the whole hash is seen


@dataclass(frozen=True)
class TextCase:
    """`adapt` is a list of batches; `inputs` what the layer is called on; several features in `features`."""

    id: str
    class_name: str
    config: dict[str, Any]
    adapt: list[Any] | None = None
    inputs: Any = None
    features: list[Any] = field(default_factory=list)


def rows():
    yield from strings()
    yield from integers()
    yield from vectorization()
    yield from hashing()


def strings():
    abc = {"vocabulary": ["a", "b", "c"]}
    shapes = {"matrix": WORDS, "column": COLUMN, "vector": ["a", "q"], "scalar": "a", "empty": []}
    for label, inputs in shapes.items():
        yield TextCase(f"StringLookup/int_{label}", "StringLookup", abc, None, inputs)
    for mode in VECTORS:
        for label in ("matrix", "column", "vector"):
            yield TextCase(
                f"StringLookup/{mode}_{label}", "StringLookup", {**abc, "output_mode": mode}, None, shapes[label]
            )
    options = {
        "several_unknown": {**abc, "num_oov_indices": 3},
        "salted": {**abc, "num_oov_indices": 3, "salt": [3, 4]},
        "mask": {**abc, "mask_token": "z", "num_oov_indices": 2},
        "mask_in_vector": {**abc, "mask_token": "z", "output_mode": "multi_hot"},
        "no_unknown": {"vocabulary": ["a", "b", "c", "z"], "num_oov_indices": 0},
        "special_given": {"vocabulary": ["[UNK]", "a", "b"]},
        "idf": {**abc, "output_mode": "tf_idf", "idf_weights": [0.1, 0.2, 0.4], "num_oov_indices": 2},
        "padded": {**abc, "output_mode": "count", "max_tokens": 7, "pad_to_max_tokens": True},
        "idf_padded": {
            **abc, "output_mode": "tf_idf", "idf_weights": [0.1, 0.2, 0.4], "max_tokens": 7, "pad_to_max_tokens": True,
        },
    }  # fmt: skip
    for label, config in options.items():
        yield TextCase(f"StringLookup/{label}", "StringLookup", config, None, WORDS)
    yield TextCase("StringLookup/invert", "StringLookup", {**abc, "invert": True}, None, [[0, 1], [3, 2]])
    yield TextCase("StringLookup/invert_unknown", "StringLookup", {**abc, "invert": True}, None, [9, -1])
    yield TextCase(
        "StringLookup/invert_mask", "StringLookup", {**abc, "invert": True, "mask_token": "m"}, None, [0, 1, 2]
    )
    adapted = {
        "vector": ({}, [["x", "y", "y", "x", "w", "[UNK]", ""]]),
        "matrix": ({}, [[["x", "y"], ["y", "u"]]]),
        "batches": ({}, [["x", "y"], ["y", "u"]]),
        "limited": ({"max_tokens": 4}, [["x", "y", "y", "x", "w", "v"]]),
        "masked": ({"mask_token": "x"}, [["x", "y", "y", "x", "w"]]),
        "idf_vector": ({"output_mode": "tf_idf"}, [["x", "y", "y", "u"]]),
        "idf_matrix": ({"output_mode": "tf_idf"}, [[["x", "y", "y"], ["y", "u", "u"]]]),
        "idf_batches": ({"output_mode": "tf_idf"}, [[["x", "y"]], [["y", "u"]]]),
        "multi_hot": ({"output_mode": "multi_hot", "max_tokens": 7, "pad_to_max_tokens": True}, [["x", "y"]]),
        "other_letters": ({}, [["é", "e", "Z", "a", "日本", "😀"]]),
    }
    for label, (config, data) in adapted.items():
        yield TextCase(f"StringLookup/adapt_{label}", "StringLookup", config, data, [["x", "y"], ["q", "é"]])


def integers():
    known = {"vocabulary": [12, 36, 1138]}
    options = {
        "plain": {},
        "mask": {"mask_token": 0},
        "several_unknown": {"num_oov_indices": 3},
        "several_unknown_mask": {"num_oov_indices": 3, "mask_token": 0},
        "farmhash": {"num_oov_indices": 3, "oov_method": "farmhash"},
        "salted": {"num_oov_indices": 3, "oov_method": "farmhash", "salt": [3, 4]},
        **{mode: {"output_mode": mode} for mode in VECTORS},
        "idf": {"output_mode": "tf_idf", "idf_weights": [0.1, 0.2, 0.4]},
    }
    for label, config in options.items():
        yield TextCase(f"IntegerLookup/{label}", "IntegerLookup", {**known, **config}, None, NUMBERS)
    yield TextCase("IntegerLookup/invert", "IntegerLookup", {**known, "invert": True}, None, [[0, 1], [3, 2]])
    yield TextCase("IntegerLookup/invert_unknown", "IntegerLookup", {**known, "invert": True}, None, [9, -1])
    yield TextCase("IntegerLookup/one", "IntegerLookup", {"vocabulary": [5]}, None, [[5, 4, 6]])
    yield TextCase("IntegerLookup/adapt", "IntegerLookup", {}, [[[5, 5, 7], [7, 7, -1]], [[3, 3, 3]]], [[5, 7, 2, 3]])
    yield TextCase("IntegerLookup/adapt_limited", "IntegerLookup", {"max_tokens": 3}, [[5, 5, 7, 7, 9]], [[5, 7, 9]])
    yield TextCase("IntegerLookup/adapt_mask", "IntegerLookup", {"mask_token": 5}, [[5, 5, 7]], [[5, 7, 9]])
    yield TextCase("IntegerLookup/adapt_zero", "IntegerLookup", {}, [[0, 0, 7]], [[0, 7, 9]])


def vectorization():
    known = {"vocabulary": ["a", "b", "cd", "a b", "B"]}
    texts = ["a b cd a", "Cd, A!x", ""]
    options = {
        "plain": {},
        "length": {"output_sequence_length": 2},
        "longer": {"output_sequence_length": 6},
        "ngrams": {"ngrams": 2},
        "ngram_tuple": {"ngrams": [3, 2]},
        "ngrams_of_characters": {"ngrams": 2, "split": "character"},
        "not_split": {"split": None},
        "characters": {"split": "character"},
        "not_standardized": {"standardize": None},
        "lower": {"standardize": "lower"},
        "strip": {"standardize": "strip_punctuation"},
        "multi_hot": {"output_mode": "multi_hot"},
        "count": {"output_mode": "count"},
        "padded": {"output_mode": "count", "max_tokens": 10, "pad_to_max_tokens": True},
        "idf": {"output_mode": "tf_idf", "idf_weights": [0.1, 0.2, 0.3, 0.4, 0.5]},
        "not_split_count": {"output_mode": "count", "split": None},
    }
    for label, config in options.items():
        yield TextCase(f"TextVectorization/{label}", "TextVectorization", {**known, **config}, None, texts)
    yield TextCase("TextVectorization/column", "TextVectorization", known, None, [["a b"], ["cd q x"]])
    yield TextCase(
        "TextVectorization/count_column", "TextVectorization", {**known, "output_mode": "count"}, None, [["a a"], ["q"]]
    )
    yield TextCase("TextVectorization/scalar", "TextVectorization", known, None, "a b q")
    yield TextCase("TextVectorization/empty_texts", "TextVectorization", known, None, ["", ""])
    learnt = {
        "plain": {}, "lower": {"standardize": "lower"}, "as_it_is": {"standardize": None}, "limited": {"max_tokens": 5},
        "characters": {"split": "character"}, "ngrams": {"ngrams": 2, "max_tokens": 12},
        "idf": {"output_mode": "tf_idf"},
        "count": {"output_mode": "count"},
        "idf_padded": {"output_mode": "tf_idf", "max_tokens": 30, "pad_to_max_tokens": True},
    }  # fmt: skip
    for label, config in learnt.items():
        data = [SENTENCES] if label != "limited" else [SENTENCES[:2], SENTENCES[2:]]
        yield TextCase(f"TextVectorization/adapt_{label}", "TextVectorization", config, data, SENTENCES)


def hashing():
    texts = ["".join(chr(33 + (7 * i + n) % 90) for i in range(n)) for n in LENGTHS] + ["é日本😀"]
    yield TextCase("Hashing/lengths", "Hashing", {"num_bins": LARGE}, None, texts)
    yield TextCase("Hashing/salted_lengths", "Hashing", {"num_bins": LARGE, "salt": [133, -7]}, None, texts)
    numbers = [[0, 1, -1, 10, -2147483648], [2147483647, 123456789012, -9007199254740993, 7, 42]]
    yield TextCase("Hashing/numbers", "Hashing", {"num_bins": LARGE}, None, numbers)
    options = {
        "plain": {},
        "one_salt": {"salt": 133},
        "salts": {"salt": [133, 137]},
        "mask": {"mask_value": "a"},
        "salted_mask": {"mask_value": "a", "salt": 5},
        **{mode: {"output_mode": mode} for mode in VECTORS},
    }
    for label, config in options.items():
        yield TextCase(f"Hashing/{label}", "Hashing", {"num_bins": 5, **config}, None, WORDS)
    yield TextCase("Hashing/mask_of_numbers", "Hashing", {"num_bins": 5, "mask_value": 0}, None, NUMBERS)
    features = {
        "vector": [["A", "B", "A"], [101, 102, 103]],
        "column": [[["A"], ["B"]], [[1], [-2]]],
        "numbers": [[1, 2], [3, 4], [5, 6]],
        "texts": [["x", "y" * 40], ["", "é"], ["1", "2"]],
    }
    for label, given in features.items():
        yield TextCase(f"HashedCrossing/{label}", "HashedCrossing", {"num_bins": 1000003}, None, None, given)
    config = {"num_bins": 5, "output_mode": "one_hot"}
    yield TextCase("HashedCrossing/one_hot", "HashedCrossing", config, None, None, features["column"])


CASES = check_unique(list(rows()))
