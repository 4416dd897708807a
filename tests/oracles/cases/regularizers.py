"""What a regularizer adds to the loss."""

from ..draws import normal
from . import FunctionCase, check_unique

ROWS = {
    "L1": ({}, {"l1": 0.3}),
    "L2": ({}, {"l2": 0.3}),
    "L1L2": ({}, {"l1": 0.1}, {"l1": 0.1, "l2": 0.2}),
    "OrthogonalRegularizer": ({}, {"factor": 0.2, "mode": "columns"}),
}
SHAPES = {"matrix": (4, 3), "kernel": (2, 2, 3, 2)}

CASES = check_unique(
    FunctionCase(f"{name}/{label}{number or ''}", name, config, (normal(*shape),))
    for name, configs in ROWS.items()
    for number, config in enumerate(configs)
    for label, shape in SHAPES.items()
    if name != "OrthogonalRegularizer" or len(shape) == 2
)
