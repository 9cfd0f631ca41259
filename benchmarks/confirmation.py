"""Simulation against evaluation on hundreds of random networks: how often intervals hold.

Run ``python -m benchmarks.confirmation``. Where the evaluation is exact, 99 % intervals must hold
its figure 99 times in 100; where it approximates, its error is printed instead.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from benchmarks.tables import machine, print_table

import partsplan as pp

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "simulation"))
from random_stocks import random_network

FIGURES = ("expected_backorders", "fill_rate", "mean_wait_days", "on_hand")


def expedited(network: pp.ServiceNetwork) -> pp.ServiceNetwork:
    """The same network with expedited shortages and lanes from everywhere to everywhere."""
    parts = [row | {"emergency_hours": 48.0} for row in network.parts.to_records()]
    lanes = [
        {
            "location_id": location,
            "site_id": site["site_id"],
            "hours": 2.0 if site["served_by"] == location else 8.0 + step,
        }
        for site in network.sites.to_records()
        for step, location in enumerate(network.location_ids)
    ]
    return network.replace(parts=parts, lanes=lanes, shortages="expedite")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=120)
    parser.add_argument("--years", type=float, default=20.0)
    parser.add_argument("--replications", type=int, default=100)
    options = parser.parse_args()
    print(machine(), "\n")
    inside: dict[str, list[bool]] = defaultdict(list)
    errors: dict[str, list[float]] = defaultdict(list)
    for seed in range(options.networks):
        network, demand, stock = random_network(seed)
        run = {"years": options.years, "replications": options.replications, "rng": seed}
        compare(network, demand, stock, run, words(network, demand, seed), inside, errors)
        if seed % 4 == 0 and len(network.part_locations) == 0:
            fast = expedited(network)
            run |= {"years": 1.0, "replications": 2000}
            compare(fast, pp.estimate_demand(fast), stock, run, "expedited", inside, errors)
    rows = [
        (name, f"{len(found):,}", f"{100 * np.mean(found):.2f} %")
        for name, found in sorted(inside.items())
    ]
    every = [good for found in inside.values() for good in found]
    rows.append(("all", f"{len(every):,}", f"{100 * np.mean(every):.2f} %"))
    print_table(("exact figures of", "compared", "in the 99 % interval"), rows)
    print()
    print_table(
        ("approximate figures of", "compared", "mean error", "largest error"),
        [
            (name, f"{len(e):,}", f"{np.mean(np.abs(e)):.4f}", f"{np.max(np.abs(e)):.4f}")
            for name, e in sorted(errors.items())
        ],
    )


def words(network: pp.ServiceNetwork, demand: pp.DemandRates, seed: int) -> str:
    """What a network is about."""
    told = [f"{1 + seed % 3} levels"]
    if len(network.part_locations):
        told.append("local repair")
    if np.isfinite(demand.rate_shape).any():
        told.append("uncertain rates")
    if network.has_lanes:
        told.append("direct shipping")
    return ", ".join(told)


def compare(network, demand, stock, run, name, inside, errors) -> None:  # type: ignore[no-untyped-def]
    """Add the figures of one network."""
    exact = pp.evaluate(network, demand, stock)
    seen = pp.simulate(network, demand, stock, confidence=0.99, **run)
    repairs = len(network.part_locations) > 0
    for promised, row in zip(exact.commitments, seen.commitments, strict=True):
        if row.lower is None:
            continue
        if exact.is_exact or (network.shortages == "wait" and row.metric != "response"):
            inside[name].append(row.lower - 1e-9 <= promised.achieved <= row.upper + 1e-9)
        elif row.unit == "share":
            kind = "a response with local repair" if repairs else f"{row.metric}, expedited"
            errors[kind].append(promised.achieved - row.achieved)
    if network.shortages != "wait" and not exact.is_exact:
        return
    for figure in FIGURES:
        bounds, value = seen.interval(figure), getattr(exact, figure)
        asked = ~np.isnan(bounds.lower) & (seen.sums.places.demands > 0) & ~np.isnan(value)
        good = (bounds.lower - 1e-9 <= value) & (value <= bounds.upper + 1e-9)
        inside[name] += good[asked].tolist()


if __name__ == "__main__":
    main()
