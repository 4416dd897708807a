"""How the numbers of a case are drawn. NumPy alone: the maker and the tests both import it.

A table says *what* to draw with a `Draw`; the drawn arrays are stored, so no test depends on NumPy's generators.
Only `cotangent` is a formula that both sides work out for themselves.
"""

import zlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Draw:
    """An array to be drawn: its kind (a row of `KINDS`), its shape, and what that kind needs to know."""

    kind: str
    shape: tuple = ()
    extra: object = None


def normal(*shape):
    return Draw("normal", shape)


def unit(*shape):
    """Between 0.05 and 0.95."""
    return Draw("unit", shape)


def positive(*shape):
    """Between 0.5 and 1.5."""
    return Draw("positive", shape)


def integers(high, *shape):
    return Draw("integers", shape, high)


def binary(*shape):
    return Draw("binary", shape)


def signs(*shape):
    return Draw("signs", shape)


def one_hot(*shape):
    return Draw("one_hot", shape)


def probabilities(*shape):
    """Positive rows along the last axis, each with the sum one."""
    return Draw("probabilities", shape)


def sequence(*shape):
    """0, 1, 2, ... in the given shape: integers that all differ."""
    return Draw("sequence", shape)


def given(values, dtype="float32"):
    return Draw("given", np.shape(values), (tuple_of(values), dtype))


def tuple_of(values):
    return tuple(map(tuple_of, values)) if isinstance(values, (list, tuple)) else values


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


# kind -> (generator, shape, extra) -> array, and the dtype that it is stored in.
KINDS = {
    "normal": (lambda g, s, _: g.normal(size=s), "float32"),
    "unit": (lambda g, s, _: g.uniform(0.05, 0.95, size=s), "float32"),
    "positive": (lambda g, s, _: g.uniform(0.5, 1.5, size=s), "float32"),
    "integers": (lambda g, s, high: g.integers(0, high, size=s), "int32"),
    "binary": (lambda g, s, _: g.integers(0, 2, size=s), "float32"),
    "signs": (lambda g, s, _: 2 * g.integers(0, 2, size=s) - 1, "float32"),
    "one_hot": (lambda g, s, _: np.eye(s[-1])[g.integers(0, s[-1], size=s[:-1])], "float32"),
    "probabilities": (lambda g, s, _: softmax(g.normal(size=s)), "float32"),
    "pixels": (lambda g, s, _: g.integers(0, 256, size=s), "float32"),
    "sequence": (lambda g, s, _: np.arange(np.prod(s)).reshape(s), "int32"),
}


def generator(name):
    """A generator of its own for every case, so that a new row changes no other."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def draw(what, source):
    """The array that a `Draw` describes; through lists, tuples and dictionaries; anything else as it is."""
    if isinstance(what, dict):
        return {key: draw(value, source) for key, value in what.items()}
    if isinstance(what, (list, tuple)):
        return [draw(value, source) for value in what]
    if not isinstance(what, Draw):
        return what
    if what.kind == "given":
        return np.array(what.extra[0], what.extra[1])
    make, dtype = KINDS[what.kind]
    return make(source, what.shape, what.extra).astype(dtype)


def draw_weight(name, shape, source):
    """A value for a layer's weight: positive for a variance or a scale, and never the zeros that hide a mistake."""
    kind = "positive" if any(word in name for word in ("variance", "gamma", "scale")) else "normal"
    value = draw(Draw(kind, tuple(shape)), source)
    return value if kind == "positive" else value * np.float32(0.5)


def cotangent(shape, index=0):
    """What the output number `index` is multiplied by before the sum whose gradients are stored.

    The gradients of a case are those of ``sum over i of sum(outputs[i] * cotangent(outputs[i].shape, i))``,
    over its float outputs.
    """
    size = int(np.prod(shape))
    return np.cos(0.7 * np.arange(size) + index + 0.3).astype("float32").reshape(shape)
