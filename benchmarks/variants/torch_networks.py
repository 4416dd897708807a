"""PyTorch by hand: the eager loop of every tutorial with the fused optimizer, and the same with ``torch.compile``."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks import layers as facts
from benchmarks.networks import ADAM, Network


def settle(compiled: bool = False) -> None:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or 1))
    torch.set_flush_denormal(True)  # as ONNX Runtime and XLA do, so that long runs on one batch stay comparable


class BothWays(nn.Module):
    def __init__(self, layer: Any, shape: Any):
        super().__init__()
        self.lstm = nn.LSTM(shape[-1], layer.units, batch_first=True, bidirectional=True)
        self.sequences = layer.sequences

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs, (last, _) = self.lstm(x)
        return outputs if self.sequences else torch.cat([last[0], last[1]], 1)


class Attention(nn.Module):
    def __init__(self, layer: Any, shape: Any):
        super().__init__()
        self.heads = layer.heads
        self.inwards, self.outwards = nn.Linear(shape[-1], 3 * shape[-1]), nn.Linear(shape[-1], shape[-1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.inwards(x).chunk(3, -1))
        seen = functional.scaled_dot_product_attention(q, k, v)
        return self.outwards(seen.transpose(1, 2).flatten(2))


class Residual(nn.Module):
    def __init__(self, layer: Any, shape: Any):
        super().__init__()
        self.body, self.shortcut = sequence(layer.body, shape), sequence(layer.shortcut, shape)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x) + self.shortcut(x)


class Average(nn.Module):
    """Over the places of an image (channels come first here) or of a sequence (they come last)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3) if x.ndim == 4 else 1)


def convolution(layer: Any, shape: Any) -> nn.Module:
    padding = layer.size // 2 if layer.padded else 0
    return nn.Conv2d(shape[-1], layer.filters, layer.size, layer.stride, padding, bias=not layer.padded)


LAYERS: dict[type, Any] = {
    facts.Relu: lambda layer, shape: nn.ReLU(),
    facts.Flatten: lambda layer, shape: nn.Flatten(),
    facts.Average: lambda layer, shape: Average(),
    facts.Embedding: lambda layer, shape: nn.Embedding(layer.words, layer.width),
    facts.Dense: lambda layer, shape: nn.Linear(shape[-1], layer.units),
    facts.Conv: convolution,
    facts.MaxPool: lambda layer, shape: nn.MaxPool2d(2),
    facts.Dropout: lambda layer, shape: nn.Dropout(layer.rate),
    facts.BatchNorm: lambda layer, shape: nn.BatchNorm2d(shape[-1], layer.epsilon, 1 - layer.momentum),
    facts.LayerNorm: lambda layer, shape: nn.LayerNorm(shape[-1], layer.epsilon),
    facts.BothWays: BothWays,
    facts.Attention: Attention,
    facts.Residual: Residual,
}


def sequence(layers: Any, shape: Any) -> nn.Sequential:
    """The layers one after another; the logits come out."""
    made = []
    for layer in layers:
        made.append(LAYERS[type(layer)](layer, shape))
        shape = layer.out(shape)
    return nn.Sequential(*made)


def count(module: nn.Module) -> int:
    """Numbers that are trained, without the second bias that PyTorch gives its LSTM."""
    return sum(p.numel() for name, p in module.named_parameters() if ".bias_hh_" not in name)


def adam(weights: Any) -> torch.optim.Optimizer:
    rate, b1, b2, epsilon = ADAM.values()
    return torch.optim.Adam(weights, lr=rate, betas=(b1, b2), eps=epsilon, fused=True)


class TorchProgram:
    def __init__(self, network: Network, x: np.ndarray, y: np.ndarray, compiled: bool = False):
        torch.manual_seed(1)
        self.batch, self.batches = network.batch, len(x) // network.batch
        if x.ndim == 4:
            x = np.ascontiguousarray(np.moveaxis(x, -1, 1))  # channels come first, as PyTorch's users keep them
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y).long()
        self.module = sequence(network.layers, network.shape)
        self.weights = count(self.module)
        self.optimizer = adam(self.module.parameters())
        self.model = torch.compile(self.module, dynamic=False) if compiled else self.module

    def fit(self) -> float:
        order = torch.randperm(len(self.x)).reshape(-1, self.batch)
        return self._train((self.x[rows], self.y[rows]) for rows in order) / self.batches

    def train_on_batch(self) -> float:
        return self._train([(self.x[: self.batch], self.y[: self.batch])])

    def _train(self, batches: Any) -> float:
        self.module.train()
        total = torch.zeros(())
        for x, y in batches:
            self.optimizer.zero_grad()
            loss = functional.cross_entropy(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            total += loss.detach()
        return float(total)

    def predict(self, rows: int) -> np.ndarray:
        self.module.eval()
        with torch.inference_mode():
            return functional.softmax(self.model(self.x[:rows]), -1).numpy()


class TorchOptimizer:
    def __init__(self, gradients: list[np.ndarray], batches: int, compiled: bool = False):
        self.batches, self.weights = batches, sum(g.size for g in gradients)
        self.values = [nn.Parameter(torch.zeros(g.shape)) for g in gradients]
        for value, gradient in zip(self.values, gradients):
            value.grad = torch.from_numpy(gradient)
        optimizer = adam(self.values)
        self.step = torch.compile(optimizer.step) if compiled else optimizer.step

    def fit(self) -> float:
        for _ in range(self.batches):
            self.step()
        return float(self.values[0][0, 0].detach())


make, optimizer = TorchProgram, TorchOptimizer
