"""Checks for new components: public, so that others can run them on their own."""

from amalthea.testing.backends import Report, check_backend, counted, examine_backend
from amalthea.testing.primitives import (
    cases,
    check_agreement,
    check_decomposition,
    check_finite_gradient,
    check_gradient,
    check_typing,
    in_dtype,
    numeric_gradient,
    special_samples,
)

__all__ = [
    "Report",
    "cases",
    "check_agreement",
    "check_backend",
    "check_decomposition",
    "check_finite_gradient",
    "check_gradient",
    "check_typing",
    "counted",
    "examine_backend",
    "in_dtype",
    "numeric_gradient",
    "special_samples",
]
