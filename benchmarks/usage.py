"""History of usage: 100,000 series of 60 months, and 1,000,000 rows against an installed base.

Run ``python -m benchmarks.usage``. Seconds are wall and CPU of one run, the best of three.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy
from benchmarks.tables import machine, print_table
from numpy.typing import NDArray

from partsplan import DemandRates, ServiceNetwork
from partsplan.demand import (
    UsageHistory,
    best_smoothing,
    combine_usage,
    croston,
    rates_from_usage,
    sba,
    tsb,
    usage_classes,
    usage_dispersion,
)

Floats = NDArray[np.float64]

N_SERIES = 100_000
N_MONTHS = 60
N_PARTS = 20_000
N_LOCATIONS = 25


def main() -> None:
    """Print both tables."""
    print(machine())
    rng = np.random.default_rng(2026)
    level = rng.gamma(0.5, 1.0, N_SERIES)
    units = rng.poisson(level[:, np.newaxis], (N_SERIES, N_MONTHS)).astype(np.float64)
    print(f"\n{N_SERIES:,} series x {N_MONTHS} months, arrays\n")
    steps: dict[str, Callable[[], Any]] = {
        "croston": lambda: croston(units),
        "sba": lambda: sba(units),
        "tsb": lambda: tsb(units),
        "best_smoothing (sba, 36 pairs of constants)": lambda: best_smoothing(units, "sba"),
        "usage_classes": lambda: usage_classes(units),
        "usage_dispersion": lambda: usage_dispersion(units),
    }
    print_table(("function", "seconds", "CPU"), [_timed(*step) for step in steps.items()])
    network, demand, table, true = _network(rng)
    n_rows = len(table["units"])
    print(f"\n{N_PARTS:,} parts x {N_LOCATIONS} locations, {n_rows:,} rows of usage\n")
    read = UsageHistory.from_table(network.usage)
    steps = {
        "validate the table (with its network)": lambda: network.replace(usage=table),
        "UsageHistory.from_table": lambda: UsageHistory.from_table(network.usage),
        "rates_from_usage": lambda: rates_from_usage(read),
        "combine_usage": lambda: combine_usage(network, demand, read),
        "combine_usage, with its records' columns": lambda: (
            combine_usage(network, demand, read).disagreements
        ),
    }
    print_table(("step", "seconds", "CPU"), [_timed(*step) for step in steps.items()])
    print("\nRates against those that the usage was drawn from\n")
    _print_errors(network, demand, read, true)


def _print_errors(
    network: ServiceNetwork, demand: DemandRates, read: UsageHistory, true: Floats
) -> None:
    """Error of the rates of pairs and parts, by what they are estimated from."""
    combined = combine_usage(network, demand, read)
    alone = rates_from_usage(read)
    counted = np.zeros_like(true)
    counted[combined.pairs.part, combined.pairs.location] = combined.pairs.units
    found = {
        "installed base": demand.per_year,
        "history: units over years": counted / (N_MONTHS / 12.0),
        "history: rates_from_usage": alone.demand.aligned(network).per_year,
        "combine_usage": combined.demand.per_year,
    }
    rows = []
    for name, rates in found.items():
        of_pairs = np.abs(rates - true).sum() / true.sum()
        of_parts = np.abs((rates - true).sum(axis=1)).sum() / true.sum()
        rows.append((name, f"{100 * of_pairs:.1f} %", f"{100 * of_parts:.1f} %"))
    print_table(("estimated from", "error of pairs", "of parts in total"), rows)
    shape, total = combined.demand.rate_shape, combined.demand.per_year.sum(axis=1)
    below = scipy.special.gammainc(shape, shape * true.sum(axis=1) / total)
    inside = ((below > 0.025) & (below < 0.975)).mean()
    print(f"\n{100 * inside:.1f} % of parts within the 95 % interval of their combined total;")
    print(f"spread of locations {combined.location_spread:.3f}, drawn with {8.0**-0.5:.3f}")


def _network(
    rng: np.random.Generator,
) -> tuple[ServiceNetwork, DemandRates, dict[str, Any], Floats]:
    """Random demand, five years of usage, and the rates it was drawn from, which differ."""
    parts = [f"P{p:05d}" for p in range(N_PARTS)]
    places = [f"L{x:02d}" for x in range(N_LOCATIONS)]
    before = rng.gamma(0.4, 1.0, (N_PARTS, N_LOCATIONS))
    true = before * rng.gamma(3.0, 1.0 / 3.0, (N_PARTS, 1))
    true *= rng.gamma(8.0, 1.0 / 8.0, before.shape)
    counts = rng.poisson(true * N_MONTHS / 12.0).ravel()
    cell = np.repeat(np.arange(before.size), counts) * N_MONTHS
    cell, used = np.unique(cell + rng.integers(0, N_MONTHS, len(cell)), return_counts=True)
    pair = cell // N_MONTHS
    table = {
        "part_id": np.array(parts, dtype=object)[pair // N_LOCATIONS],
        "location_id": np.array(places, dtype=object)[pair % N_LOCATIONS],
        "month": np.datetime64("2021-01", "M") + cell % N_MONTHS,
        "units": used,
    }
    network = ServiceNetwork.from_tables(
        parts={"part_id": parts, "unit_cost": np.ones(N_PARTS), "resupply_days": np.ones(N_PARTS)},
        locations={"location_id": places, "kind": ["forward"] * N_LOCATIONS},
        usage=table,
    )
    demand = DemandRates.from_arrays(parts, places, before, 3.0)
    return network, demand, table, true


def _timed(name: str, run: Callable[[], Any], repeats: int = 3) -> tuple[str, str, str]:
    best = (np.inf, np.inf)
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        best = min(best, (time.perf_counter() - wall, time.process_time() - cpu))
    return name, f"{best[0]:.2f}", f"{best[1]:.2f}"


if __name__ == "__main__":
    main()
