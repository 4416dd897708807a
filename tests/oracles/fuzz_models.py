"""Random models, trained: drawn from a seed, for two libraries to be compared on.

    python -m tests.oracles.fuzz_models ask FIRST LAST FOLDER    # with Keras: its answers to these seeds, and its files
    python -m tests.oracles.fuzz_models compare FOLDER           # where this package is: each difference, and a count
    python -m tests.oracles.fuzz_models write FIRST LAST FOLDER  # this package's files beside Keras's
    python -m tests.oracles.fuzz_models go_on LIBRARY FOLDER     # keras, then amalthea: read all files, train on
    python -m tests.oracles.fuzz_models agree FOLDER             # where the two made something else of one file

Weights come from NumPy, and nothing in a model is random, so each library does the same arithmetic. Layers are drawn
for the shapes that the library finds on the way; so a wrong shape gives another model, and is seen.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .build import realise
from .fuzz_layers import Draw, described, layer

ROWS, BATCH, EPOCHS = 8, 4, 2


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


def _reals(rng, shape, units):
    return rng.normal(size=(*shape, units)).astype(("float32", "float64")[rng.randint(2)])


def _positive(rng, shape, units):
    return rng.uniform(0.2, 2.0, size=(*shape, units)).astype("float32")


def _binary(rng, shape, units):
    return rng.randint(0, 2, size=(*shape, units)).astype(("float32", "int32", "uint8", "bool")[rng.randint(4)])


def _classes(rng, shape, units):
    return rng.randint(0, units, size=(*shape, 1)).astype(("int32", "int64", "uint8")[rng.randint(3)])


def _one_hot(rng, shape, units):
    return np.eye(units, dtype="float32")[rng.randint(0, units, size=shape)]


def _signs(rng, shape, units):
    return (2 * rng.randint(0, 2, size=(*shape, units)) - 1).astype(("float32", "int32")[rng.randint(2)])


LOGITS = {"from_logits": True}
# Units, activations, labels, losses, metrics: strings, or a class with its configuration as text, so that sets hold it.
HEADS = (
    ((1, 2, 3), ("linear", "tanh"), _reals,
     ("mse", "mae", "mean_squared_error", "log_cosh", "huber", "Huber(delta=0.5)", "MeanSquaredError(reduction='sum')",
      "cosine_similarity"),
     ("mae", "mse", "root_mean_squared_error", "r2_score", "cosine_similarity", "MeanAbsoluteError(name='off')")),
    ((1, 2), ("softplus", "exponential"), _positive,
     ("poisson", "mape", "msle", "mean_absolute_percentage_error", "kl_divergence"),
     ("poisson", "mape", "msle", "mae")),
    ((1, 3), ("sigmoid",), _binary,
     ("binary_crossentropy", "bce", "BinaryFocalCrossentropy()", "BinaryCrossentropy(label_smoothing=0.1)", "dice"),
     ("accuracy", "binary_accuracy", "AUC(num_thresholds=20)", "precision", "recall",
      "BinaryCrossentropy(name='bc')", "false_positives", "BinaryIoU(target_class_ids=[1])", "true_positives")),
    ((3, 4), ("softmax",), _classes,
     ("sparse_categorical_crossentropy",),
     ("accuracy", "SparseTopKCategoricalAccuracy(k=2)", "sparse_categorical_accuracy", "acc")),
    ((3,), ("linear",), _classes,
     ("SparseCategoricalCrossentropy(from_logits=True)",),
     ("accuracy", "SparseCategoricalCrossentropy(from_logits=True)")),
    ((3, 4), ("softmax",), _one_hot,
     ("categorical_crossentropy", "CategoricalCrossentropy(label_smoothing=0.1)", "CategoricalFocalCrossentropy()",
      "mse"),
     ("accuracy", "TopKCategoricalAccuracy(k=2)", "OneHotMeanIoU(num_classes=3)",
      "categorical_accuracy", "kl_divergence")),
    ((1, 2), ("tanh", "linear"), _signs, ("hinge", "squared_hinge"), ("hinge", "mae")),
)  # fmt: skip
OPTIMIZERS = {
    "SGD": {"momentum": (0.9, 0.5), "nesterov": (True,), "weight_decay": (0.01,)},
    "Adam": {"amsgrad": (True,), "beta_1": (0.5,), "epsilon": (1e-3,)},
    "AdamW": {"weight_decay": (0.02,), "epsilon": (1e-3,)},
    "RMSprop": {"momentum": (0.9,), "centered": (True,), "rho": (0.5,), "epsilon": (1e-3,)},
    "Adagrad": {"initial_accumulator_value": (0.0, 0.3), "epsilon": (1e-3,)},
    "Adadelta": {"rho": (0.5,), "epsilon": (1e-3,)},
    "Nadam": {"beta_2": (0.9,), "epsilon": (1e-3,)},
    "Adamax": {"beta_1": (0.5,), "epsilon": (1e-3,)},
    "Ftrl": {"l1_regularization_strength": (0.01,), "l2_regularization_strength": (0.02,), "beta": (0.1,),
             "learning_rate_power": (-0.3, 0.0), "l2_shrinkage_regularization_strength": (0.05,)},
    "Lion": {"beta_1": (0.5,), "weight_decay": (0.01,)},
}  # fmt: skip
RATES = (
    described("ExponentialDecay", initial_learning_rate=0.02, decay_steps=2, decay_rate=0.7),
    described("CosineDecay", initial_learning_rate=0.02, decay_steps=5),
    described("PiecewiseConstantDecay", boundaries=[1, 3], values=[0.02, 0.01, 0.005]),
)


def _optimizer(d):
    name = d.one(*OPTIMIZERS)
    rate = d.one(*RATES) if d.chance(0.15) else d.one(0.01, 0.02)
    common = d.some(0.1, clipnorm=(0.3,), clipvalue=(0.05,), global_clipnorm=(0.5,))
    if len(common) > 1:
        common = {}
    common |= d.some(0.08, use_ema=(True,), ema_momentum=(0.9,))
    return described(name, learning_rate=rate, **d.some(0.3, **OPTIMIZERS[name]), **common)


def _said(library, text, module):
    """A loss or metric: a name stays one, ``Name(...)`` becomes an object."""
    if "(" not in text:
        return text
    name, _, arguments = text.partition("(")
    return getattr(getattr(library, module), name)(**eval(f"dict({arguments}"))


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
    options, fit = _compiled(library, d, heads)
    y = [h[1] for h in heads]
    return Case(model, b.data if len(b.data) > 1 else b.data[0], y if count > 1 else y[0], options, fit, b.notes)


def _forget_names(library):
    """So that objects without a name are called as in a new process."""
    if library.__name__ == "amalthea":
        importlib.import_module("amalthea.configurable")._counts.clear()
    else:
        library.utils.clear_session()


def _weight(w, rng):
    size = tuple(w.shape)
    if any(word in w.path for word in ("variance", "gamma", "scale")):
        return rng.uniform(0.5, 1.5, size=size).astype("float32")
    return (0.5 * rng.normal(size=size)).astype("float32")


def _compiled(library, d, heads):
    """The options of compile and of fit."""
    said = lambda values, module: [_said(library, v, module) for v in values]  # noqa: E731
    losses = said([h[2] for h in heads], "losses")
    metrics, weighted = ([said(h[i], "metrics") for h in heads] for i in (3, 4))
    options = {
        "optimizer": realise(library, _optimizer(d)),
        "loss": losses,
        "metrics": metrics,
        "weighted_metrics": weighted,
    }
    if len(heads) == 1:
        options = {"optimizer": options["optimizer"], **{k: v[0] for k, v in options.items() if k != "optimizer"}}
    elif d.chance(0.4):
        names = [f"head_{i}" for i in range(len(heads))]
        options |= {k: dict(zip(names, options[k])) for k in ("loss", "metrics", "weighted_metrics")}
    if len(heads) > 1 and d.chance(0.4):
        options["loss_weights"] = [d.one(0.5, 2.0, 1.0) for _ in heads]
        if isinstance(options["loss"], dict):
            options["loss_weights"] = dict(zip(options["loss"], options["loss_weights"]))
    fit = {}
    labels = heads[0][1]
    if d.chance(0.3):
        weights = [d.rng.randint(0, 3, size=h[1].shape[: 1 + len(h[5]) * d.one(0, 1)]) / 1.0 for h in heads]
        fit["sample_weight"] = weights if len(heads) > 1 else weights[0]
    elif (
        len(heads) == 1
        and d.chance(0.4)
        and not heads[0][5]
        and labels.dtype.kind in "iu"
        and labels.shape[-1] == 1
        and labels.min() >= 0
    ):
        fit["class_weight"] = {0: 0.5, 1: 2.0, 2: 1.5, 3: 1.0}
    return options, fit


# ------------------------------------------------------------------------------------------------------ running


def train(model, case, options=None):
    """Fit, evaluate and predict; what came of it, as NumPy arrays by name."""
    if options is not None:
        model.compile(**options)
    found = {}
    history = model.fit(case.x, case.y, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0, **case.fit).history
    found |= {f"history {k}": np.asarray(v, "float64") for k, v in history.items()}
    weights = {k: v for k, v in case.fit.items() if k == "sample_weight"}
    scores = model.evaluate(case.x, case.y, batch_size=BATCH, verbose=0, return_dict=True, **weights)
    found |= {f"evaluate {k}": np.asarray(v, "float64") for k, v in scores.items()}
    found |= predicted(model, case, "after")
    found |= {
        f"weight {i} {_path(w)}": np.asarray(v) for i, (w, v) in enumerate(zip(model.weights, model.get_weights()))
    }
    return found


def _path(w):
    return w.name


def predicted(model, case, when):
    values = model.predict(case.x, batch_size=BATCH, verbose=0)
    values = values if isinstance(values, (list, tuple)) else [values]
    return {f"predictions {when} {i}": np.asarray(v) for i, v in enumerate(values)}


def run(library, seed, shaken=False, **options):
    """The case, and what came of it; ``options`` of compile instead of the case's."""
    case = draw(library, seed, shaken)
    case.model.compile(**{**case.options, **options})
    return case, predicted(case.model, case, "before") | train(case.model, case)


def digest(array):
    """A few numbers that stand for an array: its mean, that of its absolute values, and elements from all over it."""
    flat = np.asarray(array, "float64").ravel()
    if not flat.size:
        return np.zeros(0)
    places = np.unique(np.linspace(0, flat.size - 1, 6).astype(int))
    return np.concatenate([[flat.mean(), np.abs(flat).mean()], flat[places]])


def keep(case, path):
    """Save the model; Keras cannot where a step deleted arrays that it still holds."""
    try:
        case.model.save(path)
    except RuntimeError as error:
        print(f"{path} is not written: {error}")


def answer(library, seed, folder=None, **options):
    """Plain data for a seed: the layers, and shape, dtype and digest of each result; or the words of a refusal."""
    try:
        case, found = run(library, seed, **options)
        if any(np.isnan(x).any() for x in found.values()):  # compiled with little optimization, JAX now and then gives
            case, found = run(library, seed, jit_compile=False)  # NaN where the same steps do not, once run again
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {str(error)[:300]}"}
    if folder is not None:
        keep(case, f"{folder}/{seed}.{library.__name__}.keras")
    return {
        "notes": case.notes,
        "fit": sorted(case.fit),
        "results": {k: [str(v.dtype), list(v.shape), digest(v)] for k, v in found.items()},
    }


# --------------------------------------------------------------------------------------------------- comparing


def difference(found, wanted, allowed=None):
    """The ways in which two answers differ, as words; ``allowed`` are differences of results that rounding explains."""
    if "refused" in found or "refused" in wanted:
        if "refused" in found and "refused" in wanted:
            return ""
        return f"refused: {found.get('refused') or '-'}; Keras: {wanted.get('refused') or '-'}"
    for ours, theirs in zip(found["notes"], wanted["notes"]):
        if list(ours) != list(theirs):
            return f"layer {ours}, not {theirs}"
    wrong = []
    results = found["results"]
    if missing := [k for k in wanted["results"] if k not in results]:
        wrong.append(f"without {missing}, with {[k for k in results if k not in wanted['results']]}")
    for name, (dtype, shape, numbers) in wanted["results"].items():
        if name in results:
            other, size, values = results[name]
            if list(size) != list(shape) or (dtype != other and name.startswith("predictions")):
                wrong.append(f"{name}: {other}{list(size)}, not {dtype}{list(shape)}")
            elif not near(values, numbers, 0 if allowed is None else 20 * allowed[name]):
                wrong.append(f"{name}: {values}, not {numbers}")
    return "\n  ".join(wrong)


def near(values, numbers, allowed=0, rtol=1e-4):
    scale = np.abs(numbers[1]) if len(numbers) else 1.0  # the mean of absolute values
    values, numbers = np.asarray(values), np.asarray(numbers)
    close = np.abs(values - numbers) <= rtol * (np.abs(numbers) + scale) + 1e-6 + allowed
    return np.all(close | (np.isnan(values) & np.isnan(numbers)) | (values == numbers))


def ask(first, last, folder):
    """Write what Keras gives for some seeds, and its files."""
    import pickle
    from pathlib import Path

    import keras

    Path(folder).mkdir(parents=True, exist_ok=True)
    for seed in range(int(first), int(last)):
        found = answer(keras, seed, folder)
        Path(folder, f"{seed}.pickle").write_bytes(pickle.dumps(found))


def write(first, last, folder):
    """Write this package's files for some seeds."""
    import amalthea

    for seed in range(int(first), int(last)):
        answer(amalthea, seed, folder)


def go_on(name, folder, share="1/1"):
    """Let a library read all files, its own and the other's, and train on from them."""
    import pickle
    from pathlib import Path

    library, (part, parts) = importlib.import_module(name), map(int, share.split("/"))
    for file in sorted(Path(folder).glob("*.keras"))[part - 1 :: parts]:
        case = draw(library, int(file.name.split(".")[0]))
        try:
            model = library.saving.load_model(file)
            found = predicted(model, case, "before") | train(model, case)
            found = {"results": {k: [str(v.dtype), list(v.shape), digest(v)] for k, v in found.items()}, "notes": []}
        except Exception as error:
            found = {"refused": f"{type(error).__name__}: {str(error)[:300]}"}
        Path(f"{file}.{name}").write_bytes(pickle.dumps(found))


def agree(folder):
    """Print where the two libraries made something else of one file."""
    import pickle
    from pathlib import Path

    different, total = 0, 0
    for file in sorted(Path(folder).glob("*.keras")):
        if not Path(f"{file}.keras").exists():
            continue
        found, wanted = (pickle.loads(Path(f"{file}.{name}").read_bytes()) for name in ("amalthea", "keras"))
        what = difference(found, wanted)
        total, different = total + 1, different + bool(what)
        if what or "refused" in wanted:
            print(f"{file.name}\n  {what or wanted['refused']}", flush=True)
    print(f"{different} of {total} files differ")


def compare(folder):
    """Print where this package gives something else, but for what test_fuzz_models.py says is meant otherwise."""
    import pickle
    from pathlib import Path

    from tests.properties import test_fuzz_models

    different, total = 0, 0
    for file in sorted(Path(folder).glob("*.pickle"), key=lambda f: int(f.stem)):
        wanted = pickle.loads(file.read_bytes())
        what = test_fuzz_models.judge(int(file.stem), wanted)
        total, different = total + 1, different + bool(what)
        if what:
            kinds = [note[0] for note in wanted["notes"]]
            print(f"{file.stem} {kinds}\n  {what}", flush=True)
    print(f"{different} of {total} models differ")


if __name__ == "__main__":
    import sys

    commands = {"ask": ask, "compare": compare, "write": write, "go_on": go_on, "agree": agree}
    commands[sys.argv[1]](*sys.argv[2:])
