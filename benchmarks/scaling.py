"""``python -m benchmarks.scaling``: one process and two, ours beside loops written by hand with DDP and sharded JAX.

Each variant trains the same network on the same global batch, in fresh processes with one thread each. A ratio of two
processes to one of 0.5 is perfect on two free cores. The bytes that a rank sends are held against the least that a sum
over n ranks takes, 2 (n - 1) / n of the gradients.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import machine

ROOT = Path(__file__).resolve().parents[1]
NETWORKS = {  # widths of dense layers, rows of the whole batch
    "mlp": ([784, 512, 512, 10], 512),
    "wide": ([256, 2048, 2048, 10], 256),
}
VARIANTS = ("ours on torch", "ours on onnxruntime", "ours on jax", "DDP by hand", "JAX by hand")
WARM, STEPS = 5, 40


def data(widths: list[int], rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, widths[0])).astype("float32"), rng.integers(0, widths[-1], rows).astype("int32")


def parameters(widths: list[int]) -> int:
    return sum(a * b + b for a, b in zip(widths, widths[1:]))


# ----------------------------------------------------------------------------------------- one process


def ours(widths: list[int], rows: int) -> tuple[Callable[[], Any], Callable[[], int]]:
    from amalthea import Input, Sequential, distribution, layers
    from amalthea.engine.partitioned import partitioned_jit

    distribution.initialize()
    distribution.set_distribution(distribution.DataParallel())
    group = distribution.distribution().group  # type: ignore[union-attr]
    hidden = [layers.Dense(n, "relu") for n in widths[1:-1]]
    model = Sequential([Input((widths[0],)), *hidden, layers.Dense(widths[-1])])
    model.compile("sgd", _logits_loss())
    x, y = data(widths, rows)
    model.fit(x, y, batch_size=rows, epochs=1, verbose=0)
    step, sent = model._compiled_step("train"), [0]
    whole = group.exchange

    def counted(arrays: Any, gathers: Any) -> Any:
        sent[0] = sum(int(np.prod(a.shape)) * 4 for a in arrays)
        return whole(arrays, gathers)

    group.exchange = counted  # type: ignore[method-assign]
    given = step.part((x, y, None)) if isinstance(step, partitioned_jit) else (x, y, None)
    return lambda: float(np.asarray(step(given)["loss"])), lambda: sent[0]


def _logits_loss() -> Any:
    from amalthea import losses

    return losses.SparseCategoricalCrossentropy(from_logits=True)


def ddp(widths: list[int], rows: int) -> tuple[Callable[[], Any], Callable[[], int]]:
    import torch
    import torch.distributed as dist
    from torch import nn
    from torch.nn.parallel import DistributedDataParallel

    size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    pairs = list(zip(widths, widths[1:]))
    parts = [part for i, (a, b) in enumerate(pairs) for part in ([nn.ReLU()] if i else []) + [nn.Linear(a, b)]]
    net: Any = nn.Sequential(*parts)
    if size > 1:
        dist.init_process_group("gloo")
        net = DistributedDataParallel(net)
    optimizer, criterion = torch.optim.SGD(net.parameters(), 0.01), nn.CrossEntropyLoss()
    x, y = data(widths, rows)
    own = slice(rank * rows // size, (rank + 1) * rows // size)
    x, y = torch.from_numpy(x[own]), torch.from_numpy(y[own]).long()

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step, lambda: 4 * parameters(widths)


def sharded(widths: list[int], rows: int) -> tuple[Callable[[], Any], Callable[[], int]]:
    import jax
    import jax.numpy as jnp
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    if size > 1:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        address = f"{os.environ['MASTER_ADDR']}:{int(os.environ['MASTER_PORT']) + 1}"
        jax.distributed.initialize(address, size, rank)
    mesh = Mesh(np.array(jax.devices()), ["batch"])
    whole, by_rows = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("batch"))
    rng = np.random.default_rng(1)
    arrays = [(rng.normal(size=s).astype("float32") * 0.05, np.zeros(s[1], "float32")) for s in zip(widths, widths[1:])]
    place = lambda a, s: jax.make_array_from_callback(a.shape, s, lambda i: a[i])  # noqa: E731
    weights = jax.tree.map(lambda a: place(a, whole), arrays)
    x, y = (place(a, by_rows) for a in data(widths, rows))

    def objective(weights: Any, x: Any, y: Any) -> Any:
        for i, (w, b) in enumerate(weights):
            x = (jax.nn.relu(x) if i else x) @ w + b
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1))

    def update(weights: Any, x: Any, y: Any) -> Any:
        loss, g = jax.value_and_grad(objective)(weights, x, y)
        return jax.tree.map(lambda w, d: w - 0.01 * d, weights, g), loss

    run = jax.jit(update, donate_argnums=0, out_shardings=(jax.tree.map(lambda _: whole, weights), whole))
    state = [weights]

    def step() -> float:
        state[0], loss = run(state[0], x, y)
        return float(loss)

    return step, lambda: 4 * parameters(widths)


def work(variant: str, network: str) -> dict[str, Any]:
    """Time the steps of this process."""
    make = {"DDP by hand": ddp, "JAX by hand": sharded}.get(variant, ours)
    step, sent = make(*NETWORKS[network])
    losses = [step() for _ in range(WARM)]
    times = []
    for _ in range(STEPS):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return {"ms": 1000 * median(times), "fell": losses[-1] < losses[0], "bytes": sent()}


# --------------------------------------------------------------------------------------------- the table


def run(variant: str, network: str, processes: int) -> dict[str, Any] | None:
    """One sample, in fresh processes; None where a library is missing."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        env = {
            **os.environ,
            **machine.environment(1),
            "KERAS_HOME": home,
            "PYTHONPATH": str(ROOT),
            "MASTER_ADDR": "127.0.0.1",
        }
        if variant.startswith("ours on "):
            env["AMALTHEA_BACKEND"] = variant.removeprefix("ours on ")
        command = [sys.executable, "-m", "benchmarks.scaling", "--worker", variant, network]
        ranks = []
        for rank in range(processes):
            own = {
                "RANK": str(rank),
                "WORLD_SIZE": str(processes),
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
            }
            bound = ["taskset", "-c", str(machine.cores()[rank % len(machine.cores())])]
            ranks.append(subprocess.Popen([*bound, *command], env={**env, **own}, cwd=ROOT, stdout=subprocess.PIPE,
                                          stderr=subprocess.PIPE, text=True))  # fmt: skip
        told = [rank.communicate(timeout=600) for rank in ranks]
    if any(rank.returncode for rank in ranks):
        print(f"{variant}, {processes} processes: {told[0][1].strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return json.loads(told[0][0].strip().splitlines()[-1])


def table(rounds: int) -> str:
    lines = ["| network | variant | 1 process, ms | 2 processes, ms | ratio | bytes of gradients sent, of the least |",
             "|---|---|--:|--:|--:|--:|"]  # fmt: skip
    for network, (widths, _) in NETWORKS.items():
        samples: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for _ in range(rounds):
            for variant in VARIANTS:
                for count in (1, 2):
                    found = run(variant, network, count)
                    if found is not None:
                        samples.setdefault((variant, count), []).append(found)
        for variant in VARIANTS:
            one, two = (samples.get((variant, count)) for count in (1, 2))
            if not one or not two:
                continue
            a, b = (median(s["ms"] for s in found) for found in (one, two))
            share = two[-1]["bytes"] / (4 * parameters(widths)) if variant in VARIANTS[:2] else None
            told = "" if share is None else f"{share:.3f}"
            lines.append(f"| {network} | {variant} | {a:.2f} | {b:.2f} | {b / a:.2f} | {told} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", nargs=2, metavar=("VARIANT", "NETWORK"), help="time this process")
    parser.add_argument("--rounds", type=int, default=3, help="fresh processes of each variant")
    given = parser.parse_args()
    if given.worker:
        print(json.dumps(work(*given.worker)))
        return
    print(f"{machine.describe()['processor']}, {len(machine.cores())} cores")
    print(table(given.rounds))


if __name__ == "__main__":
    main()
