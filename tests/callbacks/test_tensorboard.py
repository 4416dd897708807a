"""TensorBoard's event files, read back by TensorBoard itself; numbered checkpoints in a folder."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, layers
from amalthea.callbacks import OrbaxCheckpoint, TensorBoard
from amalthea.errors import ArgumentError, UnknownNameError
from tests.arrays import numbers

X, Y = numbers(12, 4), numbers(12, 1)


def compiled():
    model = Sequential([layers.Input((4,), name="x"), layers.Dense(3, name="a"), layers.Dense(1, name="b")], name="net")
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def read(folder):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = accumulator.EventAccumulator(str(folder), {"tensors": 0, "images": 0, "graph": 1})
    found.Reload()
    return found


def scalars(found):
    make = pytest.importorskip("tensorboard.util.tensor_util").make_ndarray
    tags = found.Tags()["tensors"]
    return {tag: [(e.step, make(e.tensor_proto)) for e in found.Tensors(tag)] for tag in tags}


def test_metrics_of_epochs_and_batches_are_written(tmp_path):
    callback = TensorBoard(tmp_path, update_freq=2, write_steps_per_second=True)
    history = (
        compiled().fit(X, Y, batch_size=3, epochs=2, validation_data=(X, Y), callbacks=[callback], verbose=0).history
    )
    train, validation = scalars(read(tmp_path / "train")), scalars(read(tmp_path / "validation"))
    for tag in ("loss", "mae"):
        assert [float(v) for _, v in train[f"epoch_{tag}"]] == pytest.approx(history[tag], rel=1e-5)
        assert [float(v) for _, v in validation[f"epoch_{tag}"]] == pytest.approx(history[f"val_{tag}"], rel=1e-5)
    assert [step for step, _ in train["batch_loss"]] == [2, 4, 6, 8]
    assert float(train["epoch_learning_rate"][0][1]) == pytest.approx(0.01)
    assert all(float(v) > 0 for _, v in train["epoch_steps_per_second"])


def test_weights_are_written_as_histograms_and_images(tmp_path):
    model = compiled()
    model.fit(X, Y, epochs=3, callbacks=[TensorBoard(tmp_path, histogram_freq=2, write_images=True)], verbose=0)
    found = read(tmp_path / "train")
    values = scalars(found)
    assert [step for step, _ in values["net/a/kernel/histogram"]] == [0, 2]
    assert values["net/a/kernel/histogram"][0][1][:, 2].sum() == 12  # each weight in one bucket
    image = found.Images("net/a/kernel/image")[0]
    assert (image.height, image.width) == (4, 3) and image.encoded_image_string.startswith(b"\x89PNG")


def test_the_graph_of_the_layers_is_written(tmp_path):
    compiled().fit(X, Y, callbacks=[TensorBoard(tmp_path)], verbose=0)
    nodes = {node.name: list(node.input) for node in read(tmp_path / "train").Graph().node}
    assert nodes == {"x": [], "a": ["x"], "b": ["a"]}


def embedded():
    model = Sequential([layers.Input((3,), dtype="int32"), layers.Embedding(5, 2, name="words"), layers.Flatten()])
    model.compile("sgd", "mse")
    return model


def test_tables_of_embeddings_are_written_for_the_projector(tmp_path):
    model = embedded()
    ids = np.arange(12).reshape(4, 3) % 5
    callback = TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"words": "labels.tsv"})
    model.fit(ids, np.zeros((4, 6)), callbacks=[callback], verbose=0)
    config = (tmp_path / "train" / "projector_config.pbtxt").read_text()
    assert 'tensor_path: "words.vectors.tsv"' in config and 'metadata_path: "labels.tsv"' in config
    table = np.loadtxt(tmp_path / "train" / "words.vectors.tsv")
    np.testing.assert_allclose(table, model.layers[0].embeddings.numpy(), 1e-5)
    with pytest.raises(UnknownNameError, match="word"):
        wrong = TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"wrods": "x"})
        model.fit(ids, np.zeros((4, 6)), callbacks=[wrong], verbose=0)


def test_an_evaluation_is_written_by_itself(tmp_path):
    model = compiled()
    scores = model.evaluate(X, Y, callbacks=[TensorBoard(tmp_path)], verbose=0, return_dict=True)
    found = scalars(read(tmp_path / "validation"))
    assert float(found["evaluation_loss_vs_iterations"][0][1]) == pytest.approx(scores["loss"], rel=1e-5)


@pytest.mark.parametrize(
    "wrong", [{"histogram_freq": -1}, {"update_freq": "step"}, {"update_freq": 0}, {"profile_batch": 2}]
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ArgumentError):
        TensorBoard(**wrong)


@pytest.mark.parametrize("weights_only", [False, True])
@pytest.mark.parametrize(("freq", "kept", "names"), [("epoch", 2, ["3", "4"]), (2, 3, ["3-4", "4-2", "4-4"])])
def test_the_latest_checkpoints_of_a_folder_are_kept(tmp_path, weights_only, freq, kept, names):
    model = compiled()
    callback = OrbaxCheckpoint(tmp_path / "c", save_freq=freq, max_to_keep=kept, save_weights_only=weights_only)
    model.fit(X, Y, batch_size=3, epochs=4, callbacks=[callback], verbose=0)
    ending = ".weights.h5" if weights_only else ".keras"
    assert [path.name for path in callback._checkpoints()] == [name + ending for name in names]
    again = compiled()
    if weights_only:
        again.load_weights(callback._checkpoints()[-1])
    else:
        again = amalthea.load_model(callback._checkpoints()[-1])
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
