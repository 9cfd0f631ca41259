"""What arguments of the simulation must be, said in one way."""

from __future__ import annotations

import operator
from concurrent.futures import Executor
from numbers import Real

import numpy as np

from partsplan.errors import PartsplanError
from partsplan.network import ServiceNetwork


def check_run(
    years: float, replications: int, confidence: float, warmup_years: float | None = None
) -> None:
    """Raise ``ValueError`` unless the length of a run makes sense."""
    check_positive("years", years)
    check_count("replications", replications, 2)
    check_share("confidence", confidence)
    if warmup_years is not None and not (
        isinstance(warmup_years, Real) and 0.0 <= warmup_years < np.inf
    ):
        raise ValueError(f"warmup_years must be 0 or more, got {warmup_years!r}")


def check_positive(name: str, value: float) -> None:
    """Raise ``ValueError`` unless a number is above 0 and finite."""
    if not (isinstance(value, Real) and 0.0 < value < np.inf):
        raise ValueError(f"{name} must be above 0, got {value!r}")


def check_share(name: str, value: float) -> None:
    """Raise ``ValueError`` unless a number is strictly between 0 and 1."""
    if not (isinstance(value, Real) and 0.0 < value < 1.0):
        raise ValueError(f"{name} must be strictly between 0 and 1, got {value!r}")


def check_count(name: str, value: int, least: int) -> None:
    """Raise ``ValueError`` unless a value is a whole number that is large enough."""
    try:
        is_enough = operator.index(value) >= least
    except TypeError:
        is_enough = False
    if not is_enough:
        raise ValueError(f"{name} must be a whole number of {least} or more, got {value!r}")


def check_executor(executor: object) -> None:
    """Raise ``ValueError`` unless a value is an executor or None."""
    if executor is not None and not isinstance(executor, Executor):
        raise ValueError(
            f"executor must be a concurrent.futures.Executor or None, got {executor!r}; "
            "ProcessPoolExecutor(4) has four processes"
        )


def entropy_of(rng: int | np.random.Generator) -> tuple[int, ...]:
    """Seed of the random streams; a generator moves on by four draws."""
    if isinstance(rng, np.random.Generator):
        return tuple(int(word) for word in rng.integers(2**32, size=4))
    try:
        seed = operator.index(rng)
    except TypeError:
        seed = -1
    if seed < 0:
        raise ValueError(
            f"rng must be a whole number of 0 or more or a numpy Generator, got {rng!r}"
        )
    return (seed,)


def check_waits(network: ServiceNetwork, what: str) -> None:
    """Raise `PartsplanError` where shortages are expedited and a function knows waiting only."""
    if network.shortages != "wait":
        raise PartsplanError(
            f"{what} knows networks where shortages wait; here they are expedited. Use "
            "network.replace(shortages='wait'), or simulate the long run with simulate."
        )
