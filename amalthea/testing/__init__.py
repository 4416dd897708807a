"""Checks that a component must pass, public so that others can hold their own to them."""

from amalthea.testing.primitives import (
    cases,
    check_agreement,
    check_decomposition,
    check_gradient,
    check_typing,
    in_dtype,
    numeric_gradient,
)

__all__ = [
    "cases",
    "check_agreement",
    "check_decomposition",
    "check_gradient",
    "check_typing",
    "in_dtype",
    "numeric_gradient",
]
