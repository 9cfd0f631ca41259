"""Do 95 % intervals of lifetimes and counts hold the truth 95 times in 100?

``python -m benchmarks.coverage`` prints, by sample size and share censored, the coverage of the
rate of exponential lives and of the B10 life of Weibull lives (a location-scale family: it is the
same for every shape and scale), their width, and the share of samples without an estimate; then
the exact coverage of the count intervals, by enumeration.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from partsplan.demand import fit_lifetimes, gamma_poisson_posterior
from partsplan.demand.counts import garwood_interval

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SEED = 20240611
SIZES = (5, 10, 20, 50, 100, 200)
CENSORED = (0.0, 0.3, 0.5, 0.7, 0.9)
LEVEL = 0.95
SHAPE, SCALE = 1.7, 4_000.0
ENOUGH = 10.0
"""Failures to be expected from which coverage must lie within the bounds."""
BOUNDS = (0.92, 0.98)


@dataclass(frozen=True)
class Coverage:
    """How one interval did over many samples."""

    covered: float
    """Share of the samples with an estimate whose interval held the truth."""
    width: float
    """Median of upper over lower bound; NaN where most have no upper bound."""
    without: float
    """Share of the samples without an estimate."""


def samples(
    size: int, censored: float, replications: int, shape: float, rng: np.random.Generator
) -> dict[str, NDArray[np.generic]]:
    """Lives of many samples, each a part of its own, all censored at one time."""
    until = SCALE * (-np.log(censored)) ** (1.0 / shape) if censored > 0.0 else np.inf
    life = SCALE * rng.weibull(shape, replications * size)
    part = np.repeat(np.arange(replications), size)
    outcome = np.where(life < until, "failed", "censored").astype(object)
    return {"part_id": part, "hours": np.minimum(life, until), "outcome": outcome}


def covered(
    bounds: tuple[Floats, Floats],
    truth: float,
    has_estimate: NDArray[np.bool_],
) -> Coverage:
    """Hold intervals against the truth; a missing bound is an endless one."""
    lower, upper = bounds
    holds = ~(lower > truth) & ~(upper < truth)
    ratio = np.where(np.isnan(upper) | np.isnan(lower), np.inf, upper / lower)[has_estimate]
    width = float(np.median(ratio)) if len(ratio) else np.nan
    share = float(holds[has_estimate].mean()) if has_estimate.any() else np.nan
    return Coverage(share, width, float((~has_estimate).mean()))


def rate_coverage(size: int, censored: float, replications: int, seed: int) -> Coverage:
    """Coverage of the rate of exponential lives."""
    rng = np.random.default_rng([seed, size, int(100 * censored), 1])
    fits = fit_lifetimes(
        samples(size, censored, replications, 1.0, rng), distribution="exponential"
    )
    return covered(fits.interval("rate", LEVEL), 1.0 / SCALE, ~np.isnan(fits.parameter("rate")))


def quantile_coverage(size: int, censored: float, replications: int, seed: int) -> Coverage:
    """Coverage of the B10 life of Weibull lives."""
    rng = np.random.default_rng([seed, size, int(100 * censored), 2])
    fits = fit_lifetimes(samples(size, censored, replications, SHAPE, rng))
    truth = SCALE * (-np.log(0.9)) ** (1.0 / SHAPE)
    return covered(fits.quantile_interval(0.1, LEVEL), truth, ~np.isnan(fits.parameter("scale")))


def jeffreys_interval(counts: Integers) -> tuple[Floats, Floats]:
    """Credible interval of a rate without a catalogue's prior."""
    return gamma_poisson_posterior(counts, 1.0).interval(LEVEL)


def exact_interval(counts: Integers) -> tuple[Floats, Floats]:
    """Garwood's interval."""
    return garwood_interval(counts, 1.0, LEVEL)


def count_coverage(interval: Callable[[Integers], tuple[Floats, Floats]], mean: float) -> float:
    """Exact coverage of an interval of a count's mean, by enumeration of the counts."""
    counts = np.arange(int(mean + 12.0 * np.sqrt(mean) + 20.0) + 1)
    lower, upper = interval(counts)
    chance = np.exp(counts * np.log(mean) - mean - gammaln(counts + 1.0))
    return float(chance[(lower <= mean) & (mean <= upper)].sum())


def main(replications: int = 5_000) -> None:
    """Print the study."""
    started = time.perf_counter()
    print(f"{replications} samples per line, seed {SEED}; type I censoring; level {LEVEL}")
    print(" size censored expected | rate: cover  width without | B10: cover  width without")
    worst = []
    for size in SIZES:
        for share in CENSORED:
            rate = rate_coverage(size, share, replications, SEED)
            b10 = quantile_coverage(size, share, replications, SEED)
            expected = size * (1.0 - share)
            enough = expected >= ENOUGH - 1e-9
            worst += [rate.covered, b10.covered] if enough else []
            print(
                f"{size:5d} {share:8.0%} {expected:8.1f} |      {rate.covered:6.3f} "
                f"{rate.width:6.2f} {rate.without:7.2%} |     {b10.covered:6.3f} {b10.width:6.2f} "
                f"{b10.without:7.2%} {'' if enough else '(few)'}"
            )
    print(f"with at least {ENOUGH:g} failures expected: {min(worst):.3f} to {max(worst):.3f}")
    is_kept = BOUNDS[0] <= min(worst) and max(worst) <= BOUNDS[1]
    print_count_coverage()
    print(f"{time.perf_counter() - started:.0f} s")
    sys.exit(0 if is_kept else 1)


def print_count_coverage() -> None:
    """Print the exact coverage of the count intervals."""
    means = np.geomspace(0.5, 200.0, 400)
    for name, interval in (("Jeffreys", jeffreys_interval), ("Garwood", exact_interval)):
        exact = np.array([count_coverage(interval, float(mean)) for mean in means])
        for low, high in ((0.5, 2.0), (2.0, 10.0), (10.0, 200.1)):
            part = exact[(means >= low) & (means < high)]
            print(
                f"counts, {name}, mean {low:g} to {high:g}: exact coverage {part.min():.3f} to "
                f"{part.max():.3f}, average {part.mean():.3f}"
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
