"""PyTorch by hand: the eager loop of every tutorial with the fused optimizers, and the same with ``torch.compile``."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import nn

from benchmarks.networks import ADAM, CLASSES, SGD, Network, data

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or 1))
torch.set_flush_denormal(True)  # as ONNX Runtime and XLA do, so that long runs on one batch stay comparable


def network_of(network: Network) -> nn.Module:
    """The logits; channels come first, as PyTorch has them."""
    parts: list[nn.Module] = []
    for _, _, before, after in network.kernels():
        parts += [nn.Conv2d(before, after, 3), nn.ReLU(), nn.MaxPool2d(2)]
    if network.filters:
        parts.append(nn.Flatten())
    *hidden, last = network.matrices()
    for before, after in hidden:
        parts += [nn.Linear(before, after), nn.ReLU()]
    assert last[1] == CLASSES
    return nn.Sequential(*parts, nn.Linear(*last))


def optimizer_of(network: Network, model: nn.Module) -> torch.optim.Optimizer:
    if network.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), lr=SGD["learning_rate"], fused=True)
    rate, b1, b2, epsilon = ADAM.values()
    return torch.optim.Adam(model.parameters(), lr=rate, betas=(b1, b2), eps=epsilon, fused=True)


class TorchProgram:
    def __init__(self, network: Network, batches: int, accuracy: bool, compiled: bool = False):
        torch.manual_seed(1)
        self.accuracy, self.batch = accuracy, network.batch
        x, y = (torch.from_numpy(array) for array in data(network, batches))
        self.x = x.movedim(-1, 1).contiguous() if network.filters else x
        self.y = y.long()
        self.module = network_of(network)
        self.optimizer = optimizer_of(network, self.module)
        self.model = torch.compile(self.module) if compiled else self.module

    def epoch(self) -> float:
        order = torch.randperm(len(self.x)).reshape(-1, self.batch)
        return self._train((self.x[rows], self.y[rows]) for rows in order)

    def steps(self, count: int) -> float:
        one = (self.x[: self.batch], self.y[: self.batch])
        return self._train(one for _ in range(count))

    def _train(self, batches: Any) -> float:
        total, hits, count = torch.zeros(()), torch.zeros((), dtype=torch.int64), 0
        for x, y in batches:
            self.optimizer.zero_grad()
            logits = self.model(x)
            loss = nn.functional.cross_entropy(logits, y)
            loss.backward()
            self.optimizer.step()
            total += loss.detach()
            if self.accuracy:
                hits += (logits.argmax(1) == y).sum()
            count += 1
        return float(total) / count


make = TorchProgram
