"""Simulation against evaluation on hundreds of random networks: how often intervals hold.

Run ``python -m benchmarks.confirmation``. Where the evaluation is exact, 99 % intervals must hold
its figure 99 times in 100; where it approximates, its error is printed instead.
Missed figures are looked at again with other random numbers and four times the replications: what
was chance, the second look holds.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from benchmarks.tables import machine, print_table

import partsplan as pp

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "simulation"))
from random_stocks import random_network

FIGURES = ("expected_backorders", "fill_rate", "mean_wait_days", "on_hand")
WHERE = dict[str, np.ndarray]


@dataclass
class Case:
    """A network and stock, what is exact about them and what is approximate."""

    name: str
    network: pp.ServiceNetwork
    demand: pp.DemandRates
    stock: dict[tuple[str, str], int]
    places: WHERE
    """Exact figures, each of shape (n_parts, n_locations), NaN where there is none."""
    run: dict[str, object]
    promises: dict[str, float] = field(default_factory=dict)
    """Exact figures of commitments."""
    approximate: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Kind and figure of the others."""

    def held(self, **more: object) -> tuple[dict[str, bool], dict[str, float]]:
        """Whether the 99 % interval holds each exact figure, and the errors of the others."""
        seen = pp.simulate(
            self.network, self.demand, self.stock, confidence=0.99, **(self.run | more)
        )
        good, errors = {}, {}
        for row in seen.commitments:
            if row.lower is not None and row.commitment_id in self.promises:
                value = self.promises[row.commitment_id]
                good[row.commitment_id] = row.lower - 1e-9 <= value <= row.upper + 1e-9
            elif row.lower is not None and row.commitment_id in self.approximate:
                kind, value = self.approximate[row.commitment_id]
                errors[f"{kind}|{row.commitment_id}"] = value - row.achieved
        for figure, value in self.places.items():
            bounds = seen.interval(figure)
            asked = ~np.isnan(bounds.lower) & (seen.sums.places.demands > 0) & ~np.isnan(value)
            inside = (bounds.lower - 1e-9 <= value) & (value <= bounds.upper + 1e-9)
            for p, at in zip(*np.nonzero(asked), strict=True):
                part, place = self.network.part_ids[p], self.network.location_ids[at]
                good[f"{figure} of {part} at {place}"] = bool(inside[p, at])
        return good, errors


def evaluated(name, network, demand, stock, run) -> Case:  # type: ignore[no-untyped-def]
    """A case of `evaluate`."""
    exact = pp.evaluate(network, demand, stock)
    waits = network.shortages == "wait"
    case = Case(name, network, demand, stock, {}, run)
    if waits or exact.is_exact:
        case.places = {figure: np.array(getattr(exact, figure)) for figure in FIGURES}
    if waits and network.has_lanes:  # the evaluation counts customers shipped to directly there too
        is_passed = (exact.stock == 0) & (demand.aligned(network).per_year > 0)
        case.places["expected_backorders"][is_passed] = np.nan
    for row in exact.commitments:
        if row.achieved is None:
            continue
        if exact.is_exact or (waits and row.metric != "response"):
            case.promises[row.commitment_id] = row.achieved
        elif row.unit == "share":
            kind = "a response with local repair" if waits else f"{row.metric}, expedited"
            case.approximate[row.commitment_id] = (kind, row.achieved)
    return case


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


def in_lots(seed: int, run: dict[str, object]) -> Case:
    """The same network with lots at the top."""
    network, demand, stock = random_network(seed)
    rng = np.random.default_rng([11, seed])
    parts = [
        row | {"order_quantity": int(rng.integers(2, 6))} for row in network.parts.to_records()
    ]
    network = network.replace(parts=parts)
    stock = {key: int(units + rng.integers(0, 3)) for key, units in stock.items()}
    return evaluated(f"{1 + seed % 3} levels, lots", network, demand, stock, run)


def parts_within_parts(seed: int, run: dict[str, object]) -> Case:
    """One place that repairs an LRU by replacing SRUs."""
    rng = np.random.default_rng([13, seed])
    n, rate, days, held = 1 + seed % 3, rng.uniform(0.05, 0.5), rng.uniform(1, 10), seed % 4
    shares = rng.dirichlet(np.ones(n + 1))[:n]
    sru_days, sru_stock = rng.uniform(5, 40, n), rng.integers(0, 4, n)
    names = [f"S{j}" for j in range(n)]
    network = pp.ServiceNetwork.from_tables(
        parts=[
            {"part_id": "LRU", "unit_cost": 10, "resupply_days": days},
            *(
                {"part_id": name, "unit_cost": 1, "resupply_days": time}
                for name, time in zip(names, sru_days.tolist(), strict=True)
            ),
        ],
        locations=[{"location_id": "BASE", "kind": "central"}],
        sites=[{"site_id": "A", "served_by": "BASE"}],
        equipment=[{"equipment_id": "M"}],
        bill_of_materials=[
            {"equipment_id": "M", "part_id": "LRU", "failures_per_year": 365.0 * rate},
            *(
                {
                    "equipment_id": "M",
                    "part_id": name,
                    "parent_part_id": "LRU",
                    "cause_fraction": share,
                }
                for name, share in zip(names, shares.tolist(), strict=True)
            ),
        ],
        installed_base=[{"site_id": "A", "equipment_id": "M", "machines": 1}],
    )
    stock = {("LRU", "BASE"): held} | {
        (name, "BASE"): int(units) for name, units in zip(names, sru_stock, strict=True)
    }
    demand = pp.estimate_demand(network)
    return evaluated("SRUs in LRUs, one place", network, demand, stock, run)


def cases(n_networks: int, years: float, replications: int) -> Iterator[Case]:
    """All networks that are compared."""
    for seed in range(n_networks):
        network, demand, stock = random_network(seed)
        run = {"years": years, "replications": replications, "rng": seed}
        yield evaluated(words(network, demand, seed), network, demand, stock, run)
        if seed % 4 == 0 and len(network.part_locations) == 0:
            fast = expedited(network)
            often = run | {"years": 1.0, "replications": 2000}
            yield evaluated("expedited", fast, pp.estimate_demand(fast), stock, often)
        if seed % 4 == 2 and not network.has_lanes:
            yield in_lots(seed, run)
        if seed % 4 == 3:
            yield parts_within_parts(seed, run)


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=120)
    parser.add_argument("--years", type=float, default=20.0)
    parser.add_argument("--replications", type=int, default=100)
    options = parser.parse_args()
    print(machine(), "\n")
    inside: dict[str, list[bool]] = defaultdict(list)
    errors: dict[str, list[float]] = defaultdict(list)
    again: list[bool] = []
    for case in cases(options.networks, options.years, options.replications):
        good, off = case.held()
        inside[case.name] += good.values()
        for label, error in off.items():
            errors[label.partition("|")[0]].append(error)
        missed = [label for label, is_held in good.items() if not is_held]
        if missed:
            replications = 4 * int(str(case.run["replications"]))
            second, _ = case.held(rng=10**6 + int(str(case.run["rng"])), replications=replications)
            again += [second[label] for label in missed]
    rows = [
        (name, f"{len(found):,}", f"{100 * np.mean(found):.2f} %")
        for name, found in sorted(inside.items())
    ]
    every = [good for found in inside.values() for good in found]
    rows.append(("all", f"{len(every):,}", f"{100 * np.mean(every):.2f} %"))
    print_table(("exact figures of", "compared", "in the 99 % interval"), rows)
    print(f"\nmissed {len(again)}; a second look, four times as long, holds {sum(again)} of them\n")
    print_table(
        ("approximate figures of", "compared", "mean error", "largest error"),
        [
            (name, f"{len(e):,}", f"{np.mean(np.abs(e)):.4f}", f"{np.max(np.abs(e)):.4f}")
            for name, e in sorted(errors.items())
        ],
    )


if __name__ == "__main__":
    main()
