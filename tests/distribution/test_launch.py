"""What launchers' environments say, meshes, layouts, and the words that choose a distribution."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import Input, Sequential, distribution, layers
from amalthea.distribution import launch, strategies
from amalthea.distribution.communicators import threads
from amalthea.engine import backends, communicator
from amalthea.engine.communicator import part_of, split
from amalthea.errors import ArgumentError, BackendError, DistributionError

TORCHRUN = {"RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"}
ENVIRONMENTS = {
    "nobody": ({}, None),
    "torchrun": (TORCHRUN, ("torchrun", 1, 4, "10.0.0.1:29501")),
    "Open MPI": ({"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "3"}, ("mpirun", 2, 3, None)),
    "MPICH": ({"PMI_RANK": "0", "PMI_SIZE": "2"}, ("mpirun", 0, 2, None)),
    "Horovod": ({"HOROVOD_RANK": "1", "HOROVOD_SIZE": "2", **TORCHRUN}, ("horovodrun", 1, 2, None)),
    "Slurm": (
        {"SLURM_PROCID": "3", "SLURM_NTASKS": "8", "SLURM_JOB_NODELIST": "gpu[003-005,9],login1"},
        ("Slurm", 3, 8, "gpu003:29400"),
    ),
    "Slurm with one task": ({"SLURM_PROCID": "0", "SLURM_NTASKS": "1", "SLURM_JOB_NODELIST": "a"}, None),
    "Keras": (
        {"KERAS_DISTRIBUTION_JOB_ADDRESSES": "a:1,b:2", "KERAS_DISTRIBUTION_PROCESS_ID": "1"},
        ("Keras's variables", 1, 2, "a:1"),
    ),
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_tells_the_launcher(name):
    given, want = ENVIRONMENTS[name]
    found = launch.find(given)
    assert (None if found is None else (found.launcher, found.rank, found.size, found.address)) == want


BAD = [
    (dict(job_addresses="a:1,b:1"), "process_id from 0 to 1"),
    (dict(job_addresses="a:1,b:1", process_id=2), "process_id from 0 to 1"),
    (dict(job_addresses="a,b", process_id=0), "host:port"),
]


@pytest.mark.parametrize(("given", "told"), BAD)
def test_addresses_that_do_not_fit_are_refused(given, told):
    with pytest.raises(ArgumentError, match=told):
        distribution.initialize(**given)
    assert communicator.current() is communicator.ALONE


@pytest.mark.parametrize(("rows", "size"), [(10, 4), (3, 4), (0, 2), (8, 1)])
def test_parts_make_the_whole(rows, size):
    counts = split(rows, size)
    assert sum(counts) == rows and max(counts) - min(counts) <= 1
    assert [i for rank in range(size) for i in range(rows)[part_of(counts, rank)]] == list(range(rows))


def test_a_group_of_threads_exchanges():
    def run(group):
        (total,) = group.all_reduce([np.float32([group.rank, 1])])
        joined = group.exchange([np.full((group.rank + 1, 2), group.rank)], [(0, (1, 2, 3))])[0]
        told = group.all_gather_bytes(b"x" * group.rank)
        (first,) = group.broadcast([np.array([group.rank])])
        return total.tolist(), joined[:, 0].tolist(), [len(x) for x in told], first.tolist()

    assert threads.run(run, 3) == [([3.0, 3.0], [0, 1, 1, 2, 2, 2], [0, 1, 2], [0])] * 3


def test_an_error_of_one_thread_ends_the_others():
    def run(group):
        if group.rank == 1:
            raise KeyError("mine")
        group.barrier()

    with pytest.raises(KeyError, match="mine"):
        threads.run(run, 3)


DEVICES = [f"cpu:{i}" for i in range(4)]


def test_a_mesh_names_its_axes():
    mesh = distribution.DeviceMesh((2, 2), ["batch", "model"], DEVICES)
    assert mesh.devices.tolist() == [DEVICES[:2], DEVICES[2:]]
    assert "shape=[2, 2]" in repr(mesh)


@pytest.mark.parametrize(
    ("shape", "names", "told"), [((2, 2), ["a"], "name for each"), ((3,), ["a"], "fill the mesh"), ((), [], "name")]
)
def test_a_mesh_that_does_not_fit_is_refused(shape, names, told):
    with pytest.raises(ArgumentError, match=told):
        distribution.DeviceMesh(shape, names, DEVICES)


def test_layouts_by_path():
    mesh = distribution.DeviceMesh((2, 2), ["batch", "model"], DEVICES)
    layouts = distribution.LayoutMap(mesh)
    layouts["dense.*kernel"] = (None, "model")
    layouts["embedding"] = distribution.TensorLayout(["model", None])
    assert layouts["dense_1/kernel"].axes == (None, "model")
    assert layouts["embedding/embeddings"].device_mesh is mesh
    assert layouts["conv/kernel"] is None and len(layouts) == 2
    layouts["kernel"] = (None, None)
    with pytest.raises(ArgumentError, match="Several patterns"):
        layouts["dense/kernel"]
    with pytest.raises(ArgumentError, match="already"):
        layouts["kernel"] = (None,)
    del layouts["kernel"]
    assert [*layouts] == ["dense.*kernel", "embedding"]
    with pytest.raises(ArgumentError, match="no such axis"):
        layouts["bias"] = ("rows",)


def test_model_parallelism_lays_variables_by_the_map():
    mesh = distribution.DeviceMesh((2, 2), ["batch", "model"], DEVICES)
    layouts = distribution.LayoutMap(mesh)
    layouts["kernel"] = (None, "model")
    used = distribution.ModelParallel(layout_map=layouts)
    model = Sequential([Input((3,)), layers.Dense(4)])
    assert [used.get_variable_layout(v).axes for v in model.variables] == [(None, "model"), (None,)]
    assert used.get_data_layout((8, 3)).axes == ("batch", None)
    for bad in (dict(layout_map=None), dict(layout_map=layouts, batch_dim_name="rows"), dict(layout_map=layouts, x=1)):
        with pytest.raises(ArgumentError):
            distribution.ModelParallel(**bad)


@pytest.mark.skipif(backends.current().name == "jax", reason="JAX divides variables")
def test_a_backend_that_does_not_divide_variables_says_so():
    layouts = distribution.LayoutMap(distribution.DeviceMesh((2, 2), ["batch", "model"], DEVICES))
    model = Sequential([Input((3,)), layers.Dense(4)])
    model.compile("sgd", "mse")
    used = distribution.ModelParallel(layout_map=layouts)
    with used.scope(), pytest.raises(BackendError, match="does not divide variables"):
        model.fit(np.ones((4, 3)), np.ones((4, 4)), verbose=0)
    assert distribution.DataParallel(devices=DEVICES).num_model_replicas == 1  # a process has one device here


def test_a_distribution_is_set_and_scoped():
    used = distribution.DataParallel(devices=["cpu:0"])
    with used.scope():
        assert distribution.distribution() is used
    assert distribution.distribution() is None
    distribution.set_distribution(used)
    try:
        assert distribution.distribution() is used and strategies.group_in_use() is None  # one device has all of it
    finally:
        distribution.set_distribution(None)
    with pytest.raises(ArgumentError, match="not a distribution"):
        distribution.set_distribution("data")
    with pytest.raises(ArgumentError, match="one axis"):
        distribution.DataParallel(distribution.DeviceMesh((2, 2), ["a", "b"], DEVICES))


def test_a_missing_library_of_a_launcher_is_named(monkeypatch):
    monkeypatch.setattr(launch, "find", lambda env: launch.Place("mpirun", "no_such", 0, 2))
    monkeypatch.setitem(launch.LIBRARIES, "no_such", "amalthea[mpi]")
    with pytest.raises(ImportError, match=r"pip install amalthea\[mpi\]"):
        distribution.initialize()


def test_a_layout_of_an_array():
    mesh = distribution.DeviceMesh((1,), ["batch"], distribution.list_devices()[:1])
    layout = distribution.TensorLayout(["batch", None], mesh)
    assert np.asarray(distribution.distribute_tensor(np.ones((2, 3)), layout)).shape == (2, 3)
    with pytest.raises(ArgumentError, match="number of axes"):
        distribution.distribute_tensor(np.ones(2), layout)
    with pytest.raises(ArgumentError, match="no mesh"):
        distribution.distribute_tensor(np.ones(2), distribution.TensorLayout(["batch"]))


def test_a_distribution_error_is_one_of_ours():
    assert issubclass(DistributionError, RuntimeError)
