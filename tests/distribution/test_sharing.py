"""``fit(..., devices=2)`` and ``multi_gpu_model``: what there is is used, and how much is said."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from amalthea import Input, Sequential, distribution, layers, models, saving, utils
from amalthea.distribution.communicators import threads
from amalthea.engine import backends
from amalthea.errors import ArgumentError
from tests.distribution.launched import HERE, LAUNCHERS, ROOT, environment
from tests.distribution.test_law import MAKING

X, Y = np.random.default_rng(0).normal(size=(20, 3)).astype("float32"), np.ones((20, 1), "float32")
one_device = pytest.mark.skipif(len(distribution.list_devices()) > 1, reason="more devices are here")


def model():
    made = Sequential([Input((3,)), layers.Dense(2, "tanh", kernel_initializer="ones"), layers.Dense(1)])
    made.compile("adam", "mse")
    return made


@one_device
@pytest.mark.parametrize(
    ("devices", "line"), [(1, "1 device."), (2, "1 device (2 asked"), (["gpu:0", "gpu:1"], "(2 a")]
)
def test_fit_says_how_many_it_uses(devices, line, capsys):
    made = model()
    made.fit(X, Y, devices=devices)
    assert line in capsys.readouterr().out
    made.fit(X, Y, devices=devices, verbose=0), made.fit(X, Y, verbose=2)
    assert "shared" not in capsys.readouterr().out
    assert distribution.distribution() is None


@one_device
def test_a_model_of_several_gpus_is_saved_like_the_original(tmp_path, capsys):
    single = model()
    parallel = utils.multi_gpu_model(single, gpus=2, cpu_merge=False, cpu_relocation=True)
    assert "1 device (2 asked for)" in capsys.readouterr().out
    parallel.compile("sgd", "mse")
    parallel.fit(X, Y, verbose=2)
    assert "1 device (2 asked for)" in capsys.readouterr().out
    single.save(tmp_path / "m.keras")
    loaded = saving.load_model(tmp_path / "m.keras")
    assert loaded.get_config() == single.get_config() and loaded._devices is None
    assert models.clone_model(single)._devices is None
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), parallel.predict(X, verbose=0))


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "gpu", [], True])
def test_refusals(wrong):
    with pytest.raises(ArgumentError):
        model().fit(X, Y, devices=wrong)
    with pytest.raises(ArgumentError):
        utils.multi_gpu_model(model(), gpus=wrong)


@pytest.mark.skipif(backends.current().name in ("jax", "tensorflow"), reason="ranks are threads")
def test_ranks_share_the_batch(capsys):
    def run(group):
        with MAKING:
            utils.set_random_seed(1)
            made = model()
        return made.fit(X, Y, batch_size=5, shuffle=False, devices=2).history["loss"]

    utils.set_random_seed(1)
    want = model().fit(X, Y, batch_size=5, shuffle=False, verbose=0).history["loss"]
    for got in threads.run(run, 2):
        np.testing.assert_allclose(got, want, rtol=1e-5)
    assert capsys.readouterr().out.count("shared by 2 devices.") == 1  # the first rank tells


SCRIPT = """
import numpy as np
from amalthea import Input, Sequential, distribution, layers, utils
utils.set_random_seed(1)
x = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
def train(devices):
    utils.set_random_seed(1)
    model = Sequential([Input((3,)), layers.Dense(2, "tanh"), layers.BatchNormalization(), layers.Dense(1)])
    model.compile("adam", "mse")
    if devices == "old":
        utils.multi_gpu_model(model, gpus=2)
        devices = None
    losses = model.fit(x, x[:, :1], batch_size=10, epochs=2, shuffle=False, devices=devices, verbose=2).history["loss"]
    return [*losses, model.evaluate(x, x[:, :1], verbose=0), *model.predict(x[:3], verbose=0)[:, 0]]
one = train(None)
for devices in (2, ["cpu:2", "cpu:3"], "old"):
    np.testing.assert_allclose(train(devices), one, rtol=1e-5)
print("THE SAME")
"""


@pytest.mark.slow
@pytest.mark.skipif("jax" not in backends.installed(), reason="JAX alone shares a batch among devices of a process")
def test_virtual_devices_of_jax(tmp_path):
    env = environment("jax", tmp_path, XLA_FLAGS="--xla_force_host_platform_device_count=4")
    ran = subprocess.run([sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.count("shared by 2 devices.") == 4 and "THE SAME" in ran.stdout


@pytest.mark.slow
@pytest.mark.skipif(not HERE, reason="no launcher is installed")
def test_processes_of_a_launcher(tmp_path):
    name, backend = HERE[0]
    path = tmp_path / "script.py"
    path.write_text(SCRIPT.replace("one = train(None)", "one = train(1)").replace(', ["cpu:2", "cpu:3"]', ""))
    env = environment(backend, tmp_path)
    ran = subprocess.run([*LAUNCHERS[name].command(2), str(path)], env=env, capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "shared by 2 devices" in ran.stdout and ran.stdout.count("THE SAME") == 2
