"""The same model is the same model everywhere: weights, loss curves, dropout, and every primitive of every backend.

NumPy's backend is the reference; a curve of it is computed once. Measured on x86-64: after 50 steps the others differ
from it by at most 3e-6 of the loss, a tenth of which is there from the first step. Where a curve is at the edge of
stability (SGD at 0.1 on the encoder) rounding alone grows to 1e-2 in 50 steps: such a run says nothing of a backend.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, cli, layers, optimizers, testing
from amalthea.cli import backends as pages
from amalthea.engine import backends
from tests.backends import every_backend, every_installed, every_other

STEPS, ROWS = 50, 32


class Run(NamedTuple):
    model: Any
    shape: tuple[int, ...]
    optimizer: Any
    tokens: int = 0


def mlp() -> Model:
    return Sequential(
        [Input((6,)), layers.Dense(12, "tanh"), layers.Dense(8, "relu"), layers.Dense(3, "softmax")], name="mlp"
    )


def convnet() -> Model:
    return Sequential(
        [
            Input((8, 8, 2)),
            layers.Conv2D(4, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(6, 3, strides=2, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("tanh"),
            layers.Flatten(),
            layers.Dense(3, "softmax"),
        ],
        name="convnet",
    )


def lstm() -> Model:
    return Sequential([Input((7, 3)), layers.LSTM(6), layers.Dense(3, "softmax")], name="lstm")


def encoder() -> Model:
    """Two blocks of attention and a dense pair, each with a residual and a normalization after it."""
    x = tokens = Input((5,), dtype="int32")
    x = layers.Embedding(9, 8)(x)
    for _ in range(2):
        x = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)]))
        wide = layers.Dense(16, "gelu")(x)
        x = layers.LayerNormalization()(layers.Add()([x, layers.Dense(8)(wide)]))
    x = layers.GlobalAveragePooling1D()(x)
    return Model(tokens, layers.Dense(3, "softmax")(x), name="encoder")


RUNS = {
    "mlp": Run(mlp, (6,), lambda: optimizers.SGD(0.3)),
    "convnet": Run(convnet, (8, 8, 2), lambda: optimizers.SGD(0.05, momentum=0.5)),
    "lstm": Run(lstm, (7, 3), lambda: optimizers.Adam(0.03)),
    "encoder": Run(encoder, (5,), lambda: optimizers.Adam(0.003), tokens=9),
}
every_run = pytest.mark.parametrize("name", RUNS)


def data(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Rows and a class for each that depends on them: the largest of three sums, or the first token."""
    rng = np.random.default_rng(1)
    if run.tokens:
        x = rng.integers(0, run.tokens, (ROWS, *run.shape)).astype("int32")
        return x, x[:, 0] % 3
    x = rng.normal(size=(ROWS, *run.shape)).astype("float32")
    sums = x.reshape(ROWS, -1) @ rng.normal(size=(int(np.prod(run.shape)), 3))
    return x, (sums - sums.mean(axis=0)).argmax(axis=1).astype("int32")


def made(name: str) -> Model:
    amalthea.random.set_random_seed(5)
    return RUNS[name].model()


def curve(name: str, backend: str) -> np.ndarray:
    """The loss at each of 50 steps over all rows."""
    with backends.use_backend(backend):
        model, (x, y) = made(name), data(RUNS[name])
        model.compile(RUNS[name].optimizer(), "sparse_categorical_crossentropy")
        fitted = model.fit(x, y, batch_size=ROWS, epochs=STEPS, shuffle=False, verbose=0)
    return np.array(fitted.history["loss"])


@functools.cache
def reference(name: str) -> np.ndarray:
    return curve(name, "numpy")


def assert_same_curve(found: np.ndarray, name: str) -> None:
    np.testing.assert_allclose(found, reference(name), rtol=1e-4)


@every_run
def test_a_curve_falls_clearly(name):
    losses = reference(name)
    assert losses.shape == (STEPS,)
    assert losses[-5:].mean() < 0.45 * losses[:5].mean()


@pytest.mark.slow
@every_other
@every_run
def test_the_loss_curve_is_the_same_everywhere(name, backend):
    assert_same_curve(curve(name, backend), name)


@every_other
@every_run
def test_the_same_seed_gives_the_same_initial_weights_everywhere(name, backend):
    with backends.use_backend("numpy"):
        wanted = made(name).get_weights()
    with backends.use_backend(backend):
        found = made(name).get_weights()
    assert len(found) == len(wanted) > 0
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


# ------------------------------------------------------------------------------------------------ dropout

RATE, ONES = 0.3, np.ones((200, 500), "float32")


def masks(seed: int, compiled: bool) -> tuple[np.ndarray, ...]:
    """What two dropout layers make of ones, twice."""
    amalthea.random.set_random_seed(seed)
    first, second = layers.Dropout(RATE), layers.Dropout(RATE)

    def both(x: Any) -> Any:
        return first(x, training=True), second(x, training=True)

    run = amalthea.jit(both) if compiled else both
    to_numpy = backends.current().to_numpy
    return tuple(to_numpy(x) for _ in range(2) for x in run(ONES))


@every_backend
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_dropout_drops_its_share_scales_the_rest_and_is_reproducible(backend, compiled):
    with backends.use_backend(backend):
        found, again, others = masks(7, compiled), masks(7, compiled), masks(8, compiled)
    check_dropout(found)
    for a, b, other in zip(found, again, others, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != other).mean() > 0.3


def check_dropout(found: Any) -> None:
    """Kept values are scaled; the share kept is binomial, and that of no row or column is odd; all are independent."""
    for x in found:
        kept = x != 0
        np.testing.assert_allclose(x[kept], 1 / (1 - RATE), rtol=1e-6)
        for axis in (None, 0, 1):
            share = kept.mean(axis=axis)
            slack = 6 * np.sqrt(RATE * (1 - RATE) * np.size(share) / kept.size)
            assert np.abs(share - (1 - RATE)).max() < slack
    for i, x in enumerate(found):
        for y in found[:i]:
            assert abs(np.corrcoef(x.ravel(), y.ravel())[0, 1]) < 6 / np.sqrt(x.size)


@every_backend
def test_training_with_dropout_is_reproducible_and_drops_in_training_alone(backend):
    def losses():
        amalthea.random.set_random_seed(3)
        model = Sequential([Input((6,)), layers.Dense(16, "relu"), layers.Dropout(0.5), layers.Dense(3, "softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        x, y = data(RUNS["mlp"])
        history = model.fit(x, y, batch_size=8, epochs=3, verbose=0).history["loss"]
        return [*history, *(model.evaluate(x, y, verbose=0) for _ in range(2))]

    with backends.use_backend(backend):
        *first, evaluated, once_more = losses()
        *second, _, _ = losses()
    assert first == second
    assert evaluated == once_more


# ----------------------------------------------------------------------------------------- all primitives


@pytest.mark.slow
@every_installed
def test_every_backend_computes_what_it_says_and_lacks_what_it_says(backend):
    print(testing.check_backend(backend))


# ---------------------------------------------------------------------------------- the page that says so

ROOT = Path(__file__).parents[2]


@every_installed
def test_the_page_and_the_readme_say_what_the_tables_say(backend):
    report = testing.counted(backend)
    check_page(report, (ROOT / "docs/backends.md").read_text(), (ROOT / "README.md").read_text())


def check_page(report: testing.Report, page: str, readme: str) -> None:
    """All but the errors and the devices, which are as they were when it was written: `amalthea backends --write`."""
    measured = len(pages.PAGE_HEAD) - len(pages.FLOATS)
    assert pages.rows_of(page)[report.backend][:measured] == list(pages.page_row(report))[:measured]
    assert pages.rows_of(readme)[report.backend][:-1] == list(pages.readme_row(report))[:-1]
    assert pages.sections_of(page.split("<!-- details -->")[1].split("<!--")[0])[report.backend] == pages.section(
        report
    )


def test_a_backend_that_is_not_there_keeps_its_row_and_its_section():
    text = (ROOT / "docs/backends.md").read_text()
    assert pages.rewritten(text, {}) == text
    report = testing.examine_backend("numpy", quick=True)
    again = pages.rewritten(text, {"numpy": report})
    rows, before = pages.rows_of(again), pages.rows_of(text)
    assert {**before, "numpy": rows["numpy"]} == rows
    assert pages.sections_of(again).keys() == pages.sections_of(text).keys()


def test_the_command_says_what_is_known_and_writes_what_is_measured(tmp_path, capsys):
    assert cli.main(["backends", "numpy"]) == 0
    assert "NumPy" in capsys.readouterr().out
    page = tmp_path / "page.md"
    page.write_text("Before.\n<!-- backends -->\n<!-- /backends -->\nAfter.\n")
    assert cli.main(["backends", "numpy", "--write", str(page)]) == 0
    assert pages.rows_of(page.read_text()).keys() == {"numpy"}
    assert page.read_text().startswith("Before.") and page.read_text().endswith("After.\n")
    assert "float32" in capsys.readouterr().out
