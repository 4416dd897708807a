"""Learning rate schedules, at the steps where something happens to them."""

from ..draws import given
from . import FunctionCase, check_unique

STEPS = (given([0, 1, 2, 3, 5, 7, 9, 10, 11, 14, 15, 19, 20, 25, 31, 40, 100], "int32"),)

ROWS = {
    "CosineDecay": {
        "plain": {"decay_steps": 10},
        "alpha": {"decay_steps": 20, "alpha": 0.1},
        "warmup": {"decay_steps": 10, "warmup_target": 0.5, "warmup_steps": 5},
        "warmup_from_zero": {
            "initial_learning_rate": 0.0,
            "decay_steps": 20,
            "warmup_target": 0.2,
            "warmup_steps": 10,
            "alpha": 0.05,
        },
    },
    "CosineDecayRestarts": {
        "plain": {"first_decay_steps": 5},
        "multiplied": {"first_decay_steps": 4, "t_mul": 1.5, "m_mul": 0.8, "alpha": 0.1},
        "same_length": {"first_decay_steps": 7, "t_mul": 1.0, "m_mul": 0.5},
    },
    "ExponentialDecay": {
        "plain": {"decay_steps": 10, "decay_rate": 0.5},
        "staircase": {"decay_steps": 10, "decay_rate": 0.5, "staircase": True},
    },
    "InverseTimeDecay": {
        "plain": {"decay_steps": 10, "decay_rate": 0.5},
        "staircase": {"decay_steps": 10, "decay_rate": 0.5, "staircase": True},
    },
    "PolynomialDecay": {
        "plain": {"decay_steps": 10},
        "power": {"decay_steps": 20, "end_learning_rate": 0.01, "power": 2.0},
        "cycle": {"decay_steps": 10, "end_learning_rate": 0.01, "power": 0.5, "cycle": True},
    },
}

CASES = check_unique(
    [
        *(
            FunctionCase(f"{name}/{label}", name, {"initial_learning_rate": 0.1, **config}, STEPS)
            for name, rows in ROWS.items()
            for label, config in rows.items()
        ),
        FunctionCase(
            "PiecewiseConstantDecay/plain",
            "PiecewiseConstantDecay",
            {"boundaries": [3, 10], "values": [0.1, 0.05, 0.01]},
            STEPS,
        ),
        FunctionCase(
            "PiecewiseConstantDecay/one_boundary",
            "PiecewiseConstantDecay",
            {"boundaries": [5], "values": [1.0, 0.5]},
            STEPS,
        ),
    ]
)
