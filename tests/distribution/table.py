"""Each launcher with two processes against one process: the worst relative difference of the losses, and the time.

``python -m tests.distribution.table`` prints a Markdown table of what is installed here; ``table Ray jax`` only
the rows that have these words.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import amalthea
from amalthea.engine import backends
from tests.distribution.launched import HERE, ROOT, alone, launch

EPOCHS, BATCH = 4, 70


def worst(got: Any, want: Any) -> float:
    """The largest relative difference of two histories' losses."""
    a, b = np.asarray(got["loss"]), np.asarray(want["loss"])
    return float(np.max(np.abs(a - b) / np.abs(b)))


def launchers() -> Iterator[tuple[str, str, Callable[[], float]]]:
    """The launchers that start the script."""
    for name, backend in HERE:

        def run(name: str = name, backend: str = backend) -> float:
            with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
                want = alone(backend, Path(one))["history"]
                ranks, ran = launch(name, backend, 2, Path(two))
                assert ran.returncode == 0, ran.stderr[-2000:]
                return max(worst(told["history"], want) for told in ranks)

        yield name, backend, run


def clusters() -> Iterator[tuple[str, str, Callable[[], float]]]:
    """Spark and Ray, by the functions of their tests."""
    if importlib.util.find_spec("pyspark") is not None:
        from tests.distribution import test_spark

        for master in test_spark.MASTERS:
            yield f"Spark, {master}", backends.current().name, lambda master=master: _spark(master)
    if importlib.util.find_spec("ray") is not None:
        for backend in ("onnxruntime", "torch", "jax"):
            if backend in backends.installed():
                yield "Ray", backend, lambda backend=backend: _ray(backend)


def _spark(master: str) -> float:
    from amalthea.distribution import spark as ours
    from tests.distribution import test_spark as tried

    spark = tried.session(master)
    spark.sparkContext.setLogLevel("ERROR")
    try:
        counts, model = (53, 24), tried.network()
        frame = tried.frame_of(spark, counts)
        got = ours.fit(model, frame, features="x", label="y", sample_weight="w", batch_size=20, epochs=EPOCHS)
        return worst(got.history, tried.alone(tried.network(), counts, 20, EPOCHS, shuffle=True).history)
    finally:
        spark.stop()


def _ray(backend: str) -> float:
    import ray
    from ray.train import RunConfig

    from amalthea.distribution import ray as ours
    from tests.distribution import test_ray as tried

    environment = {"env_vars": {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}}
    ray.init(
        num_cpus=3, include_dashboard=False, log_to_driver=False, runtime_env=environment, ignore_reinit_error=True
    )
    x, y, _ = tried.rows()
    with tempfile.TemporaryDirectory() as folder, amalthea.use_backend(backend):
        given = {"batch_size": 20, "epochs": EPOCHS, "shuffle": False}
        got = ours.fit(tried.network(), (x, y), **given, run_config=RunConfig(storage_path=folder))
        return worst(got.history, tried.network().fit(x, y, **given, verbose=0).history)


def main() -> None:
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    print("| launcher | backend | losses' worst relative difference, 2 processes to 1 | time with starts |")
    print("|---|---|---|---|", flush=True)
    for name, backend, run in (*launchers(), *clusters()):
        if not all(word in f"{name} {backend}" for word in sys.argv[1:]):
            continue
        start = time.monotonic()
        difference = run()
        print(f"| {name} | {backend} | {difference:.1e} | {time.monotonic() - start:.0f} s |", flush=True)


if __name__ == "__main__":
    main()
