"""Make the stored numbers anew: ``python tests/oracles/make.py [family ...]``, with what requirements.txt lists."""

import importlib
import os
import sys
import time
from pathlib import Path

FAMILIES = (
    "layers",
    "activations",
    "losses",
    "metrics",
    "optimizers",
    "schedules",
    "regularizers",
    "constraints",
    "training",
    "ops",
    "models",
    "attributes",
    "applications",
    "vocabulary",
    "text",
    "bounding_boxes",
    "augmentation",
    "linear_algebra",
    "quantizers",
)
# Set before anything imports Keras: the backend, and one thread, so that sums are added in one order.
os.environ.update(
    KERAS_BACKEND="jax",
    JAX_PLATFORMS="cpu",
    OMP_NUM_THREADS="1",
    XLA_FLAGS="--xla_cpu_multi_thread_eigen=false",
)


def main(families):
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    from tests.oracles.read import FOLDER
    from tests.oracles.write import write

    unknown = [family for family in families if family not in FAMILIES]
    if unknown:
        sys.exit(f"Unknown: {', '.join(unknown)}. The families are: {', '.join(FAMILIES)}.")
    for family in families or FAMILIES:
        start = time.monotonic()
        records = importlib.import_module(f"tests.oracles.record.{family}").records()
        write(family, records, FOLDER)
        size = sum((FOLDER / f"{family}.{ending}").stat().st_size for ending in ("json", "npz"))
        print(f"{family:14}{len(records):5} cases{size / 1024:9.0f} KiB{time.monotonic() - start:8.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
