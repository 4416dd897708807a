"""Names, versions and folders that change."""

import os
import shutil

import numpy as np
import pytest

from amalthea import tree
from amalthea.errors import ArgumentError, ModelFileError
from amalthea.serve.models import Registry, named
from amalthea.serve.refusals import RequestError
from amalthea.serve.settings import Settings
from tests.serve import nets


def registry(*models):
    return Registry([str(model) for model in models], Settings())


def value(version):
    """The number that a version's model answers with."""
    return float(version.batcher._runner.function([np.zeros((1, 2), "float32")])[0][0, 0])


@pytest.fixture
def folder(tmp_path):
    """A folder of two versions: one a file, the other a folder with a file."""
    path = tmp_path / "net"
    (path / "2").mkdir(parents=True)
    nets.constant(1).save(path / "1.keras")
    nets.constant(2).save(path / "2" / "any.h5")
    (path / "notes").mkdir()
    (path / "README").write_text("not a version")
    return path


def test_the_newest_version_is_the_default(folder):
    models = registry(folder)
    assert value(models.find("net")) == 2
    assert [value(models.find("net", n)) for n in ("1", "2")] == [1, 2]


def test_a_name_may_be_given(folder):
    models = registry(f"other={folder}", folder / "1.keras")
    assert sorted(models.models) == ["1", "other"]


def test_a_new_version_takes_over_and_an_old_one_goes(folder):
    models = registry(folder)
    old = models.find("net")
    nets.constant(10).save(folder / "10.keras")
    models.refresh()
    assert value(models.find("net")) == 10 and sorted(models.served("net").versions) == [1, 2, 10]
    shutil.rmtree(folder / "2")
    models.refresh()
    assert sorted(models.served("net").versions) == [1, 10]
    assert value(old) == 2  # requests that hold it finish


def test_nothing_is_loaded_again_without_a_change(folder):
    models = registry(folder)
    before = dict(models.served("net").versions)
    models.refresh()
    assert all(models.served("net").versions[n] is version for n, version in before.items())


def test_a_file_that_changed_is_loaded_again(tmp_path):
    nets.constant(1).save(tmp_path / "net.keras")
    models = registry(tmp_path / "net.keras")
    nets.constant(5).save(tmp_path / "net.keras")
    models.refresh()
    assert value(models.find("net")) == 5


@pytest.mark.parametrize("number", (2, 3))
def test_a_damaged_version_is_reported_and_the_old_one_stays(folder, number, caplog):
    shutil.rmtree(folder / "2")
    nets.constant(2).save(folder / "2.keras")
    models = registry(folder)
    whole = (folder / "1.keras").read_bytes()
    (folder / f"{number}.keras").write_bytes(whole[: len(whole) // 2])
    models.refresh()
    assert value(models.find("net")) == 2
    assert list(models.served("net").failures) == [number]
    assert f"version {number} cannot be loaded" in caplog.text
    caplog.clear()
    models.refresh()
    assert caplog.text == ""  # once
    nets.constant(7).save(folder / f"{number}.keras")
    models.refresh()
    assert value(models.find("net")) == 7 and not models.served("net").failures


def test_the_last_version_stays_when_the_folder_goes(folder):
    models = registry(folder)
    shutil.rmtree(folder)
    models.refresh()
    assert value(models.find("net")) == 2


def test_code_in_a_file_is_refused(tmp_path):
    from amalthea import Sequential, layers

    Sequential([layers.Input((2,)), layers.Lambda(lambda x: x + 1)]).save(tmp_path / "net.keras")
    with pytest.raises(ModelFileError, match="net"):
        registry(tmp_path / "net.keras")


def test_a_version_that_is_not_there_is_named(folder):
    with pytest.raises(RequestError, match="1, 2"):
        registry(folder).find("net", "3")


def test_bad_models_are_refused(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.keras").write_bytes(b"no archive")
    (tmp_path / "two" / "1").mkdir(parents=True)
    for name in ("a.keras", "b.keras"):
        shutil.copy(folder / "1.keras", tmp_path / "two" / "1" / name)
    for path, error in (
        ("missing.keras", ArgumentError),
        ("empty", ModelFileError),
        ("broken.keras", ModelFileError),
        ("two", ModelFileError),
    ):
        with pytest.raises(error):
            registry(tmp_path / path)
    with pytest.raises(ArgumentError, match="same name"):
        registry(folder, folder)
    with pytest.raises(ArgumentError, match="no model"):
        registry()


@pytest.mark.parametrize(
    "name, settings, wanted",
    (
        ("single", {"max_batch": 20}, [1, 2, 4, 8, 16, 20]),
        ("single", {"max_batch": 1}, [1]),
        ("double", {"max_batch": 3, "warm_seconds": 100}, [1, 2, 3]),
        ("double", {"max_batch": 64, "warm_seconds": 0}, [1]),
        ("fixed", {"max_batch": 64}, [4]),
        ("open_sizes", {"max_batch": 64}, []),
    ),
)
def test_every_size_of_a_batch_runs_once_at_loading(tmp_path, monkeypatch, name, settings, wanted):
    from amalthea import Model

    nets.NETS[name]().save(tmp_path / "net.keras")
    ran, predict = [], Model.predict_on_batch
    monkeypatch.setattr(
        Model, "predict_on_batch", lambda self, x: [ran.append(len(tree.flatten(x)[0])), predict(self, x)][1]
    )
    Registry([str(tmp_path / "net.keras")], Settings(**settings)).close()
    assert ran == wanted


@pytest.mark.parametrize("text", ("a b=x", "a/b=x", "a:b=x", "=x", "é=x", "my model.keras"))
def test_a_name_fits_into_an_address(text):
    with pytest.raises(ArgumentError, match="letters"):
        named(text)


def test_the_name_of_a_path_is_its_last_part():
    assert named(os.path.join("a", "b", "net.keras"))[0] == "net"
    assert named(os.path.join("a", "b") + os.sep)[0] == "b"
