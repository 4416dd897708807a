"""Random models, drawn from a seed.

Weights come from NumPy, and nothing in a model is random, so each library does the same arithmetic. Layers are drawn
for the shapes that the library finds on the way; so a wrong shape gives another model, and is seen.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..build import realise
from .heads import HEADS, compiled
from .layers import Draw, described, layer

ROWS = 8


@dataclass
class Case:
    """A model, and all that ``fit`` and ``evaluate`` are given."""

    model: Any
    x: Any
    y: Any
    options: dict  # of compile, as plain data
    fit: dict
    notes: list = field(default_factory=list)  # each layer as plain data, and the dtype and shape of its output


class Builder:
    """Draws a model layer by layer, in a library."""

    def __init__(self, library, seed):
        self.library, self.d, self.notes = library, Draw(seed), []
        self.inputs, self.data = [], []

    def add(self, spec, *values, **kwargs):
        """A new layer, called."""
        if spec["class_name"] == "MultiHeadAttention":
            values = values * 2
        made = realise(self.library, spec)
        values = list(values)
        out = (
            made(values[0] if len(values) == 1 else values, **kwargs)
            if len(values) < 2 or _merges(spec)
            else made(*values)
        )
        self.note(spec, out)
        return out

    def note(self, spec, out):
        dtype = out.dtype if isinstance(out.dtype, str) else out.dtype.name
        self.notes.append([spec["class_name"], repr(spec["config"]), dtype, list(out.shape)])

    # ------------------------------------------------------------------------------------------------- inputs

    def input(self):
        d = self.d
        kind = d.one("vector", "vector", "sequence", "sequence", "ids", "ids", "image", "image", "volume")
        return getattr(self, f"_{kind}")()

    def _made(self, shape, sizes, dtype="float32", data=None):
        x = self.library.Input(shape, dtype=dtype, name=f"input_{len(self.inputs)}")
        if data is None:
            data = self.d.rng.normal(size=(ROWS, *sizes)).astype(self.d.one("float32", "float32", "float64"))
        self.inputs.append(x)
        self.data.append(data)
        return x

    def _open(self, *sizes):
        share = 0.3
        return tuple(None if self.d.chance(share) else n for n in sizes)

    def _vector(self):
        n = self.d.one(2, 3, 4, 6)
        return self._made((n,), (n,))

    def _sequence(self):
        t, n = self.d.one(3, 4, 5), self.d.one(1, 2, 3)
        x = self._made((*self._open(t), n), (t, n))
        if self.d.chance(0.2):
            self.data[-1][:, -1] *= self.d.rng.uniform(size=(ROWS, 1)) < 0.5  # whole steps of zeros
            return self.add(described("Masking"), x)
        return x

    def _ids(self):
        t, mask = self.d.one(3, 4, 5), self.d.chance(0.5)
        ids = self.d.rng.randint(1, 7, size=(ROWS, t)).astype("int32")
        if mask:
            ids *= np.arange(t) < self.d.rng.randint(1, t + 1, size=(ROWS, 1))
        x = self._made(self._open(t), (t,), "int32", ids)
        return self.add(described("Embedding", input_dim=7, output_dim=self.d.one(2, 3), mask_zero=mask), x)

    def _image(self):
        h, w, c = self.d.one(4, 5), self.d.one(3, 4, 6), self.d.one(1, 2, 3)
        if self.d.chance(0.15):
            pixels = self.d.rng.randint(0, 256, size=(ROWS, h, w, c)).astype("uint8")
            x = self._made((h, w, c), None, self.d.one("uint8", "float32"), pixels)
            return self.add(described("Rescaling", scale=1 / 128, offset=-1), x)
        return self._made((*self._open(h, w), c), (h, w, c))

    def _volume(self):
        sizes = [self.d.one(2, 3) for _ in range(3)]
        return self._made((*self._open(*sizes), 2), (*sizes, 2))

    # ------------------------------------------------------------------------------------------------- bodies

    def chain(self, x, count):
        for _ in range(count):
            x = self.add(layer(self.d, x.shape), x)
        return x

    def branch(self, x):
        """Two ways from one value, merged; the second way is a whole, a row of means, or one feature wide."""
        d, last = self.d, x.shape[-1]
        way = d.one("same", "same", "mean", "narrow", "operator", "concatenate", "shared")
        merge = d.one("Add", "Multiply", "Maximum", "Minimum", "Average", "Subtract")
        if last is None:
            way = "operator"
        if way == "operator":
            out = d.one(lambda v: v * 0.5 + 1.0, lambda v: 1.0 - v, lambda v: v * v, lambda v: -v / 2.0)(x)
            self.note(described("operator"), out)
            return out
        if way == "mean" and len(x.shape) > 2:
            kind = f"GlobalAveragePooling{len(x.shape) - 2}D"
            return self.add(described(merge), x, self.add(described(kind, keepdims=True), x))
        if way == "narrow":
            pair = [x, self.add(described("Dense", units=1, activation="sigmoid"), x)]
            return self.add(described(merge), *pair[:: d.one(1, -1)])
        other = self.add(described("Dense", units=last, activation="tanh"), x)
        if way == "concatenate":
            return self.add(described("Concatenate", **d.some(0.3, axis=(-1,))), x, other)
        if way == "shared":
            made = self.library.layers.Dense(last, activation="sigmoid")
            return self.add(described(merge), made(x), made(other))
        return self.add(described(merge), other, x)

    # -------------------------------------------------------------------------------------------------- heads

    def flat(self, x):
        """A vector for each row."""
        while len(x.shape) > 2:
            rank = len(x.shape) - 2
            if None in x.shape[1:] or self.d.chance(0.6):
                kind = f"Global{self.d.one('Max', 'Average')}Pooling{rank}D"
                x = self.add(described(kind), x)
            else:
                x = self.add(described("Flatten"), x)
        return x

    def head(self, x, name):
        """Labels, a loss and metrics, and the layer that predicts them."""
        units, activation, labels, losses, metrics = self.d.one(*HEADS)
        units = self.d.one(*units)
        steps = () if len(x.shape) == 2 or self.d.chance(0.8) or None in x.shape[1:] else tuple(x.shape[1:-1])
        x = x if steps else self.flat(x)
        out = self.add(described("Dense", units=units, activation=self.d.one(*activation), name=name), x)
        y = labels(self.d.rng, (ROWS, *steps), units)
        several = [self.d.one(*metrics) for _ in range(self.d.one(0, 1, 2))]
        weighted = [self.d.one(*metrics) for _ in range(self.d.one(0, 0, 1))]
        return out, y, self.d.one(*losses), list(dict.fromkeys(several)), list(dict.fromkeys(weighted)), steps


def _merges(spec):
    return spec["class_name"] in ("Add", "Multiply", "Maximum", "Minimum", "Average", "Subtract", "Concatenate", "Dot")


def draw(library, seed, shaken=False):
    """The case of a seed; its weights a millionth off, where ``shaken``."""
    _forget_names(library)
    b = Builder(library, seed)
    d = b.d
    x = b.input()
    sequential = d.chance(0.3)
    if sequential:
        x = b.chain(x, d.rng.randint(1, 4))
    else:
        if d.chance(0.25):
            x = b.add(described("Concatenate"), b.flat(x), b.flat(b.chain(b.input(), 1)))
        x = b.branch(b.chain(x, d.rng.randint(0, 3)))
        x = b.chain(x, d.rng.randint(0, 2))
    count = 1 if sequential else d.one(1, 1, 2, 3)
    heads = [b.head(x, f"head_{i}") for i in range(count)]
    outs = [h[0] for h in heads]
    model = library.Model(b.inputs if len(b.inputs) > 1 else b.inputs[0], outs if count > 1 else outs[0])
    if sequential:
        model = library.Sequential([b.inputs[0], *model.layers[1:]])
    rng = np.random.RandomState(seed + 10**6)
    weights = [_weight(w, rng) for w in model.weights]
    model.set_weights([w * (1 + shaken * 1e-6 * rng.normal(size=w.shape)).astype("float32") for w in weights])
    options, fit = compiled(library, d, heads)
    y = [h[1] for h in heads]
    return Case(model, b.data if len(b.data) > 1 else b.data[0], y if count > 1 else y[0], options, fit, b.notes)


def _forget_names(library):
    """So that objects without a name are called as in a new process."""
    if library.__name__ == "amalthea":
        importlib.import_module("amalthea.engine.auto_names").forget_names()
    else:
        library.utils.clear_session()


def _weight(w, rng):
    size = tuple(w.shape)
    if any(word in w.path for word in ("variance", "gamma", "scale")):
        return rng.uniform(0.5, 1.5, size=size).astype("float32")
    return (0.5 * rng.normal(size=size)).astype("float32")
