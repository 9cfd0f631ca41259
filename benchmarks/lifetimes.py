"""Speed of lifetime fits: 10,000 parts with 1,000,000 lives, loading and fitting apart.

``python -m benchmarks.lifetimes [parts] [lives]`` prints wall clock and processor seconds of
reading the table, of each distribution's fits, and of intervals for every part.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter, process_time
from typing import Any

import numpy as np
from benchmarks.tables import machine

from partsplan.demand import fit_lifetimes
from partsplan.demand.life_data import read_lives

SEED = 7
DISTRIBUTIONS = ("weibull", "exponential", "lognormal", "weibull_never_fails")


def lives_of(n_parts: int, n_lives: int) -> dict[str, np.ndarray]:
    """Weibull lives with half of them censored and a tenth under observation late."""
    rng = np.random.default_rng(SEED)
    part = rng.integers(0, n_parts, n_lives)
    shape, scale = rng.uniform(0.7, 4.0, n_parts), 10 ** rng.uniform(3, 5, n_parts)
    life = scale[part] * rng.weibull(shape[part])
    until = scale[part] * rng.uniform(0.2, 1.5, n_lives)
    hours = np.minimum(life, until)
    is_late = rng.random(n_lives) < 0.1
    ids = np.array([f"P{number:05d}" for number in range(n_parts)], dtype=object)
    return {
        "part_id": ids[part],
        "hours": hours,
        "entry_hours": np.where(is_late, 0.5 * rng.random(n_lives) * hours, 0.0),
        "outcome": np.where(life < until, "failed", "censored").astype(object),
    }


def timed(what: str, work: Callable[..., Any], *options: Any) -> Any:
    """Do it and print how long it took."""
    clock, cpu = perf_counter(), process_time()
    result = work(*options)
    print(f"{what:45s} {perf_counter() - clock:7.2f} s {process_time() - cpu:7.2f} s CPU")
    return result


def main(n_parts: int = 10_000, n_lives: int = 1_000_000) -> None:
    """Print the seconds of every step."""
    print(f"{n_parts:,} parts, {n_lives:,} lives; {machine()}")
    table = timed("read the table (columns, checked)", read_lives, lives_of(n_parts, n_lives))
    for name in DISTRIBUTIONS:
        fit = partial(fit_lifetimes, table, distribution=name)
        fits = timed(f"group and fit: {name}", fit)
        timed("  records with standard errors", fits.to_records)
        for parameter in fits.parameter_names:
            timed(f"  intervals of the {parameter}", fits.interval, parameter)
        if name != "weibull_never_fails":
            timed("  intervals of the B10 life", fits.quantile_interval, 0.1)
        timed("  intervals of the mean", fits.mean_interval)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
