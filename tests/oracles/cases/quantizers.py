"""Functions of ``quantizers``, the arrays that they are called on, and their other arguments."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import check_unique


@dataclass(frozen=True)
class QuantizerCase:
    """One call: arrays by seed and shape (see `arrays`), then other arguments by name."""

    id: str
    function: str
    inputs: list[Any]
    config: dict[str, Any] = field(default_factory=dict)
    dtype: str = "float32"
    gradient: bool = False


def arrays(case):
    """Inputs: numbers and lists as they are; ``"normal"``, ``"zeros"`` and ``"nibbles"`` are drawn."""
    generator = np.random.default_rng(sum(map(ord, case.id)))
    return [_array(generator, x, case.dtype) for x in case.inputs]


def _array(generator, x, dtype):
    if not isinstance(x, tuple):
        return np.array(x, "float32")
    kind, *shape = x
    if kind == "nibbles":
        low = -8 if dtype == "int8" else 0
        return generator.integers(low, low + 16, shape).astype(dtype)
    drawn = np.zeros(shape) if kind == "zeros" else generator.normal(size=shape) * (3 if kind == "wide" else 1)
    return drawn.astype("float32")


def rows():
    def row(label, function, *inputs, dtype="float32", gradient=False, **config):
        return QuantizerCase(f"{function}/{label}", function, list(inputs), config, dtype, gradient)

    largest = "abs_max_quantize"
    for axis in (0, -1, 1, [0, 1], [0, 2]):
        shape = (4, 5, 3) if axis == [0, 2] else (7, 5)
        for host in (False, True):
            yield row(f"axis_{axis}_{host}", largest, ("normal", *shape), axis=axis, to_numpy=host)
    for low, high in ((-127, 127), (-128, 127), (-8, 7), (0, 15)):
        yield row(f"range_{low}", largest, ("normal", 6, 4), axis=0, value_range=(low, high))
    yield row("zeros", largest, ("zeros", 3, 2), axis=0)
    yield row("epsilon", largest, ("normal", 3, 2), axis=0, epsilon=0.5)
    yield row("int16", largest, ("normal", 3, 2), axis=0, value_range=(-1000, 1000), dtype_="int16")
    grouped = "abs_max_quantize_grouped_with_zero_point"
    for rows_, block in ((8, 4), (9, 4), (16, 16), (12, 5)):
        for host in (False, True):
            yield row(f"{rows_}_{block}_{host}", grouped, ("wide", rows_, 3), block_size=block, to_numpy=host)
    for dtype in ("int8", "uint8"):
        for axis, shape in ((0, (5, 3)), (1, (4, 5)), (-1, (2, 3, 7)), (0, (6,)), (-2, (2, 4, 3)), (0, (0, 2))):
            name = f"{dtype}_{axis}_{'x'.join(map(str, shape))}"
            yield row(name, "pack_int4", ("nibbles", *shape), dtype=dtype, axis=axis, dtype_=dtype)
    fake = "fake_quant_with_min_max_vars"
    limits = ((-1.0, 1.0), (-0.1, 2.0), (0.5, 2.5), (-2.0, -0.5), (0.0, 1.5))
    for low, high in limits:
        for bits, narrow in ((8, False), (8, True), (4, False), (2, True)):
            yield row(
                f"{low}_{high}_{bits}_{narrow}", fake, ("wide", 4, 5), low, high,
                num_bits=bits, narrow_range=narrow, gradient=True,
            )  # fmt: skip
    yield row("channels", fake, ("wide", 4, 3), [-1.0, -2.0, 0.0], [1.0, 0.5, 2.0], axis=-1, gradient=True)
    for name in ("float8_e4m3fn", "float8_e5m2"):
        for scale in (1.0, 0.01, 300.0, 1e-7):
            yield row(f"{name}_{scale}", "quantize_and_dequantize", ("wide", 40), scale, formats=[name, "float32"])
        ties = [1.0625, 1.1875, -17.0, -19.0, 1e9, -1e9, 0.0, 2.0**-9, 2.0**-10, 3 * 2.0**-10, 2.0**-17, 3 * 2.0**-17]
        yield row(f"{name}_ties", "quantize_and_dequantize", ties, 1.0, formats=[name, "float32"])
    for margin in (0, 2):
        amax = [0.0, 1.0, 448.0, 1e-5, float("inf"), float("nan")]
        yield row(f"{margin}", "compute_float8_scale", amax, [2.0] * 6, dtype_max=448.0, margin=margin)
    yield row("history", "compute_float8_amax_history", ("wide", 3, 4), [5.0, 4.0, 3.0, 2.0])
    yield row("one", "compute_float8_amax_history", ("wide", 3, 4), [5.0])


CASES = list(rows())
check_unique(CASES)


def arguments(case):
    """Arguments by name. Those that share a name with a field of the case end in an underscore."""
    config = {key.rstrip("_"): value for key, value in case.config.items() if key != "formats"}
    config = {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}
    return list(case.config.get("formats", [])), config
