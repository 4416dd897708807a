"""Every activation function, on numbers where it is smooth, at its corners, and far out."""

from ..draws import given, normal
from . import FunctionCase, check_unique

SMOOTH = given([-7.3, -4.2, -2.6, -1.7, -0.8, -0.35, -0.04, 0.03, 0.2, 0.45, 0.7, 1.4, 2.3, 3.7, 5.1, 6.4, 9.2])
# Where a piece of some function ends. The gradients here are conventions, so a test may leave them out.
CORNERS = given([-6.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0])
FAR = given([-1e4, -300.0, -95.0, -40.0, -20.0, 20.0, 40.0, 95.0, 300.0, 1e4])
# Beyond 88, its value is no float32.
NEAR = given([-95.0, -40.0, -20.0, 20.0, 40.0])

ALONE = {
    "celu": [{}, {"alpha": 0.5}],
    "elu": [{}, {"alpha": 0.5}],
    "exponential": [{}],
    "gelu": [{}, {"approximate": True}],
    "hard_shrink": [{}, {"threshold": 0.2}],
    "hard_sigmoid": [{}],
    "hard_silu": [{}],
    "hard_swish": [{}],
    "hard_tanh": [{}],
    "leaky_relu": [{}, {"negative_slope": 0.05}],
    "linear": [{}],
    "log_sigmoid": [{}],
    "mish": [{}],
    "relu": [{}, {"negative_slope": 0.1, "max_value": 2.0, "threshold": 0.4}, {"max_value": 6.0}, {"threshold": 1.0}],
    "relu6": [{}],
    "selu": [{}],
    "sigmoid": [{}],
    "silu": [{}],
    "soft_shrink": [{}, {"threshold": 0.2}],
    "softplus": [{}],
    "softsign": [{}],
    "sparse_plus": [{}],
    "sparse_sigmoid": [{}],
    "squareplus": [{}, {"b": 1.0}],
    "swish": [{}],
    "tanh": [{}],
    "tanh_shrink": [{}],
    "threshold": [{"threshold": 0.5, "default_value": -1.0}],
}
# These look along an axis.
TOGETHER = ("glu", "log_softmax", "softmax", "sparsemax")
ROWS = {
    "matrix": ({}, normal(3, 4)),
    "first_axis": ({"axis": 0}, normal(4, 3)),
    "middle_axis": ({"axis": 1}, normal(2, 4, 3)),
    "far": ({}, given([[100.0, -100.0, 0.0, 99.0], [1e4, 1e4, -1e4, 0.0], [-50.0, -51.0, -52.0, -53.0]])),
    "equal": ({}, given([[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, -1.0, -1.0]])),
}


def alone():
    for name, configs in ALONE.items():
        far = NEAR if name == "exponential" else FAR
        for number, config in enumerate(configs):
            for label, x in (("smooth", SMOOTH), ("corners", CORNERS), ("far", far)):
                yield FunctionCase(f"{name}/{label}{number or ''}", name, config, (x,))


CASES = check_unique(
    [
        *alone(),
        *(
            FunctionCase(f"{name}/{label}", name, config, (x,))
            for name in TOGETHER
            for label, (config, x) in ROWS.items()
        ),
    ]
)
