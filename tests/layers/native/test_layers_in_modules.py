"""Our layers inside a ``torch.nn.Module``: its optimizer, state and containers reach them."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from amalthea import Sequential, layers
from amalthea.engine.backends import use_backend
from tests.arrays import numbers

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _on_torch():
    with use_backend("torch"):
        yield


def net():
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = layers.Dense(8, activation="relu")  # built at the first call
            self.norm = Sequential([layers.BatchNormalization(name="norm"), layers.Dense(3, name="dense")])
            self.last = torch.nn.Linear(3, 1)

        def forward(self, x):
            return self.last(self.norm(self.first(x)))

    made = Net()
    made(torch.ones(2, 4))
    return made


NAMES = [
    "first.kernel", "first.bias", "norm.norm/gamma", "norm.norm/beta", "norm.dense/kernel", "norm.dense/bias",
    "last.weight", "last.bias",
]  # fmt: skip


def test_parameters_and_state_include_those_of_layers():
    model = net()
    assert [name for name, _ in model.named_parameters()] == NAMES
    buffers = [f"norm.norm/moving_{which}" for which in ("mean", "variance")]
    assert [name for name, _ in model.named_buffers()] == buffers
    assert sorted(model.state_dict()) == sorted(NAMES + buffers)
    model.norm.trainable = False
    assert [name for name, _ in model.named_parameters()] == [n for n in NAMES if not n.startswith("norm")]
    assert sorted(model.state_dict()) == sorted(NAMES + buffers)


def test_an_optimizer_of_torch_trains_them():
    model, x = net(), torch.tensor(numbers(32, 4))
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    optimizer.zero_grad()
    ((model(x) - x.sum(1, keepdim=True)) ** 2).mean().backward()
    gradients = {name: value.grad.clone() for name, value in model.named_parameters()}
    optimizer.step()
    assert set(gradients) == set(NAMES)
    np.testing.assert_allclose(
        model.first.kernel.numpy(), before["first.kernel"] - 0.1 * gradients["first.kernel"], 1e-6
    )
    assert np.abs(gradients["norm.dense/kernel"].numpy()).max() > 0


def test_state_goes_into_another_module_and_a_copy():
    model, other, x = net(), net(), torch.tensor(numbers(5, 4))
    assert not torch.allclose(model(x), other(x))
    other.load_state_dict(model.state_dict())
    again = copy.deepcopy(model)
    for same in (other, again):
        torch.testing.assert_close(same(x), model(x))
        assert same.first is not model.first
    with pytest.raises(RuntimeError, match=r"first\.kernel"):
        net().load_state_dict({k: v for k, v in model.state_dict().items() if k != "first.kernel"})


def test_containers_take_layers_and_an_attribute_can_be_taken_back():
    stack = torch.nn.Sequential(layers.Dense(3), torch.nn.ReLU())
    assert stack(torch.ones(2, 4)).shape == (2, 3)
    assert [name for name, _ in stack.named_parameters()] == ["0.kernel", "0.bias"]
    model = net()
    model.first = None
    assert model.first is None and "first.kernel" not in dict(model.named_parameters())
    model.first = torch.nn.Linear(4, 8)
    assert "first.weight" in dict(model.named_parameters())
    model.first = layers.Dense(8)
    model(torch.ones(2, 4))
    assert "first.kernel" in dict(model.named_parameters()) and "first.weight" not in model.state_dict()
