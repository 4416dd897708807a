"""What a constraint makes of a weight."""

from ..draws import given, normal
from . import FunctionCase, check_unique

ROWS = {
    "MaxNorm": ({}, {"max_value": 0.5}, {"max_value": 1.0, "axis": 1}),
    "MinMaxNorm": (
        {},
        {"min_value": 0.5, "max_value": 0.8},
        {"min_value": 1.0, "max_value": 2.0, "rate": 0.3, "axis": 1},
    ),
    "NonNeg": ({},),
    "UnitNorm": ({}, {"axis": 1}),
}
ZERO_COLUMN = given([[0.0, 1.0], [0.0, -2.0], [0.0, 3.0]])

CASES = check_unique(
    [
        *(
            FunctionCase(f"{name}/matrix{number or ''}", name, config, (normal(4, 3),))
            for name, configs in ROWS.items()
            for number, config in enumerate(configs)
        ),
        *(FunctionCase(f"{name}/zero_column", name, {}, (ZERO_COLUMN,)) for name in ROWS if name != "NonNeg"),
        FunctionCase("MaxNorm/kernel", "MaxNorm", {"max_value": 1.0, "axis": [0, 1, 2]}, (normal(2, 2, 3, 2),)),
        FunctionCase("UnitNorm/kernel", "UnitNorm", {"axis": [0, 1, 2]}, (normal(2, 2, 3, 2),)),
    ]
)
