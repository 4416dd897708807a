"""Random models, trained, and the difference between two libraries' results."""

from __future__ import annotations

import numpy as np

from .models import draw

BATCH, EPOCHS = 4, 2


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
