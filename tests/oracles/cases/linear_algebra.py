"""Ops of linear algebra and Fourier transforms: matrices tall, wide and square, batches, edges, several dtypes."""

from dataclasses import dataclass

import numpy as np

from ..draws import given, integers, normal
from . import check_unique


@dataclass(frozen=True)
class Case:
    """A call of an op.

    `prepare`: what is made of the first input, a row of `PREPARED`. `pair`: the inputs go in as one tuple.
    `signs`: the signs of the outputs are conventions. `gradient`: the derivative is stored too.
    """

    id: str
    name: str
    inputs: tuple
    config: dict
    prepare: str = ""
    pair: bool = False
    signs: bool = False
    gradient: bool = True
    dtype: str = "float32"


def _turned(x):
    return np.swapaxes(x, -1, -2)


PREPARED = {
    "": lambda x: x,
    "definite": lambda x: (x @ _turned(x) + np.eye(x.shape[-1])).astype("float32"),
    "symmetric": lambda x: x + _turned(x),
    "regular": lambda x: (x + 3 * np.eye(x.shape[-1])).astype("float32"),
    "rank one": lambda x: x[..., :1] * x[..., :1, :],
}
SQUARE, BATCH, TALL, WIDE = normal(3, 3), normal(2, 3, 3), normal(4, 2), normal(2, 4)
NUMBERS = given([[1.0, -2.0, 0.0], [3.0, 0.5, -1.0]])


def _cases(name, rows, **options):
    return [
        Case(f"{name}/{label}", name, inputs, config, **{**options, **more}) for label, inputs, config, more in rows
    ]


def _same(name, configs=({},), shapes=(("square", SQUARE), ("batch", BATCH)), **options):
    return _cases(
        name,
        [(f"{label}{number or ''}", (x,), config, {}) for number, config in enumerate(configs) for label, x in shapes],
        **options,
    )


ANY = (("square", SQUARE), ("batch", BATCH), ("tall", TALL), ("wide", WIDE))
RIGHT = {"vector": (SQUARE, normal(3)), "matrix": (SQUARE, normal(3, 2)), "batch": (BATCH, normal(2, 3, 2))}
FULL, REDUCED, VALUES = {}, {"full_matrices": False}, {"compute_uv": False}
NORMS = {
    "all": ({}, normal(2, 3, 4)),
    "frobenius": ({"ord": "fro"}, TALL),
    "nuclear": ({"ord": "nuc"}, TALL),
    "vector_inf": ({"ord": float("inf"), "axis": 1}, TALL),
    "vector_low": ({"ord": float("-inf"), "axis": -1}, TALL),
    "vector_1": ({"ord": 1}, normal(5)),
    "vector_3": ({"ord": 3, "axis": 0, "keepdims": True}, TALL),
    "vector_half": ({"ord": 0.5, "axis": 0}, TALL),
    "vector_-1": ({"ord": -1, "axis": 0}, TALL),
    "vector_0": ({"ord": 0, "axis": 1}, NUMBERS),
    "matrix_1": ({"ord": 1, "axis": (0, 2)}, normal(2, 3, 4)),
    "matrix_-1": ({"ord": -1, "axis": (2, 0), "keepdims": True}, normal(2, 3, 4)),
    "matrix_inf": ({"ord": float("inf"), "axis": (-2, -1)}, normal(2, 3, 4)),
    "matrix_low": ({"ord": float("-inf")}, TALL),
    "matrix_2": ({"ord": 2}, TALL),
    "matrix_-2": ({"ord": -2, "axis": (0, 1), "keepdims": True}, WIDE),
}
SHORT = {"sequence_length": 4, "sequence_stride": 2, "fft_length": 4}
STFT = {
    "plain": SHORT,
    "hamming": {**SHORT, "window": "hamming"},
    "no_window": {**SHORT, "window": None},
    "longer_transform": {"sequence_length": 3, "sequence_stride": 2, "fft_length": 8},
    "odd": {"sequence_length": 5, "sequence_stride": 1, "fft_length": 7},
    "begins": {**SHORT, "center": False},
    "begins_longer": {"sequence_length": 3, "sequence_stride": 1, "fft_length": 6, "center": False},
}
PAIR = (normal(2, 5), normal(2, 5))
DEFINITE = ("cholesky", "cholesky_inverse", "logdet", "inv", "det", "slogdet", "lu_factor")
VECTORS = {"eigh": "symmetric", "svd": "", "qr": ""}

CASES = check_unique(
    [
        *_same("cholesky", ({}, {"upper": True}), prepare="definite"),
        *_same("cholesky_inverse", ({}, {"upper": True}), (("square", SQUARE),), prepare="definite"),
        *_same("det", shapes=(("square", SQUARE), ("batch", BATCH), ("one", normal(1, 1)))),
        *_same("slogdet", shapes=(("square", SQUARE),)),
        *_same("logdet", shapes=(("square", SQUARE),), prepare="definite"),
        *_same("inv", prepare="regular"),
        *_same("lu_factor"),
        *_same("eigh", prepare="symmetric", signs=True, gradient=False),
        *_same("qr", ({}, {"mode": "complete"}), ANY, signs=True, gradient=False),
        *_same("svd", (REDUCED, VALUES), ANY, signs=True, gradient=False),
        *_same("svd", (FULL,), (("full", normal(3, 3)), ("full_tall", normal(4, 3))), signs=True, gradient=False),
        *_same("pinv", ({}, {"rcond": 0.5}), ANY),
        *_same("pinv", shapes=(("deficient", normal(3, 3)),), prepare="rank one", gradient=False),
        *_same("matrix_rank", ({}, {"tol": 1.0}), ANY, gradient=False),
        *_same("matrix_rank", shapes=(("deficient", normal(3, 3)),), prepare="rank one", gradient=False),
        *_cases("solve", [(label, inputs, {}, {}) for label, inputs in RIGHT.items()], prepare="regular"),
        *_cases(
            "solve_triangular",
            [
                (f"{label}/{lower}", inputs, {"lower": lower}, {})
                for label, inputs in RIGHT.items()
                for lower in (False, True)
            ],
            prepare="regular",
        ),
        *_cases(
            "lstsq",
            [
                ("tall", (TALL, normal(4)), {}, {}),
                ("several", (TALL, normal(4, 3)), {}, {}),
                ("wide", (WIDE, normal(2)), {}, {}),
                ("square", (SQUARE, normal(3)), {}, {}),
                ("deficient", (SQUARE, normal(3)), {}, {"prepare": "rank one", "gradient": False}),
            ],
        ),
        *_cases("norm", [(label, (x,), config, {}) for label, (config, x) in NORMS.items()]),
        *_cases(
            "fft",
            [("plain", PAIR, {}, {}), ("one", (normal(1), normal(1)), {}, {})],
            pair=True,
        ),
        *_cases("fft2", [("plain", (normal(2, 3, 4), normal(2, 3, 4)), {}, {})], pair=True),
        *_cases("ifft2", [("plain", (normal(2, 3, 4), normal(2, 3, 4)), {}, {})], pair=True),
        *_cases(
            "rfft",
            [
                (f"{size}_{length}", (normal(2, size),), {"fft_length": length} if length else {}, {})
                for size in (5, 6)
                for length in (None, 3, 4, 8, 1)
            ],
        ),
        *_cases(
            "irfft",
            [
                (f"{size}_{length}", (normal(2, size), normal(2, size)), {"fft_length": length} if length else {}, {})
                for size in (4, 5)
                for length in (None, 3, 4, 7, 9, 12, 1)
            ],
            pair=True,
        ),
        *_cases(
            "extract_sequences",
            [
                ("overlap", (normal(2, 7),), {"sequence_length": 3, "sequence_stride": 2}, {}),
                ("apart", (normal(9),), {"sequence_length": 2, "sequence_stride": 3}, {}),
                ("whole", (integers(9, 4),), {"sequence_length": 4, "sequence_stride": 1}, {"gradient": False}),
            ],
        ),
        *_cases("stft", [(label, (normal(2, 12),), config, {}) for label, config in STFT.items()]),
        *_cases(
            "istft",
            [
                ("plain", (normal(2, 5, 3), normal(2, 5, 3)), SHORT, {}),
                ("length", (normal(5, 3), normal(5, 3)), {**SHORT, "length": 6}, {}),
                ("longer", (normal(5, 3), normal(5, 3)), {**SHORT, "length": 13}, {}),
                ("hamming", (normal(5, 3), normal(5, 3)), {**SHORT, "window": "hamming", "center": False}, {}),
                ("no_window", (normal(5, 3), normal(5, 3)), {**SHORT, "window": None}, {}),
                ("longer_transform", (normal(5, 5), normal(5, 5)), STFT["longer_transform"], {}),
            ],
            pair=True,
        ),
        *[
            Case(f"{name}/{dtype}", name, (SQUARE,), {}, "definite", gradient=False, dtype=dtype)
            for name in DEFINITE
            for dtype in ("float16", "bfloat16", "int32")
        ],
        *[
            Case(f"{name}/{dtype}", name, (SQUARE,), {}, prepare, signs=True, gradient=False, dtype=dtype)
            for name, prepare in VECTORS.items()
            for dtype in ("float16", "bfloat16", "int32")
        ],
        *[
            Case(f"{name}/{dtype}", name, inputs, {}, "regular", gradient=False, dtype=dtype)
            for name, inputs in (("solve", RIGHT["vector"]), ("lstsq", RIGHT["vector"]), ("pinv", (SQUARE,)),
                                 ("norm", (SQUARE,)), ("matrix_rank", (SQUARE,)), ("rfft", (SQUARE,)))
            for dtype in ("float16", "bfloat16", "int32")
        ],
    ]
)  # fmt: skip


def arrays(case, source):
    """The inputs of a case, before they are cast to its dtype."""
    from ..draws import draw

    inputs = draw(list(case.inputs), source)
    return [PREPARED[case.prepare](inputs[0]), *inputs[1:]]
