"""Random numbers: seeds, streams for initial values, and the draws of a training step.

Both kinds of numbers are seeded in one way. Initial values come from NumPy's Philox generator on the host
(:func:`host_stream`), so a seed gives the same weights on every backend. A draw inside a step takes an explicit key
from a :class:`SeedGenerator`, whose state is a Variable, so a compiled step stays a pure function.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011 (Philox).
"""

from amalthea.random.distributions import beta, binomial, gamma
from amalthea.random.draws import categorical, dropout, normal, randint, shuffle, truncated_normal, uniform
from amalthea.random.seeds import (
    SeedGenerator,
    draw_seed,
    global_seed_generator,
    host_stream,
    make_default_seed,
    random_state,
    restore_random_state,
    set_random_seed,
)
from amalthea.random.seeds import registry as registry

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "draw_seed",
    "dropout",
    "gamma",
    "global_seed_generator",
    "host_stream",
    "make_default_seed",
    "normal",
    "randint",
    "random_state",
    "restore_random_state",
    "set_random_seed",
    "shuffle",
    "truncated_normal",
    "uniform",
]
