"""Calibration: how often partsplan says a commitment is kept in a quarter, and how often it is.

Run ``python -m benchmarks.contract_risk`` (needs ``pip install simpy``). Promised is
`period_probabilities`; kept is counted over 5,000 quarters of a simpy model that shares no code
with it: consecutive quarters where the rate is known, else each quarter with a rate of its own.
A second table does the same for what formulas compute, with every part run by itself.
Below it, what plans with a ``confidence`` cost beside the plain plan and how often periods that no
plan has seen keep them: the same cases in simpy's quarters, then the examples in our own.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.simpy_model import OnePlace, TwoLevels
from benchmarks.simulation import RATES, RESUPPLY_DAYS, STOCK, TRANSIT_DAYS
from benchmarks.tables import machine, print_table

import partsplan as pp
from partsplan.simulation import period_probabilities

QUARTER = 365.0 / 4
WARMUP = 60.0
MACHINES = 10
RATE_SHAPE = 4.0
CONFIDENCE = 0.9
EXAMPLES = Path(__file__).parents[1] / "examples" / "data"


@dataclass(frozen=True)
class Case:
    """A commitment over a quarter, and what a quarter's waits [days] at all locations measure."""

    name: str
    commitment: dict[str, object]
    is_kept: Callable[[np.ndarray], bool]
    rate_shape: float | None = None


def share_of(good: np.ndarray, target: float) -> bool:
    return len(good) == 0 or bool(good.mean() >= target)


CASES = (
    Case(
        "fill rate 70 %",
        {"metric": "fill_rate", "target": 0.70},
        lambda waits: share_of(waits == 0.0, 0.70),
    ),
    Case(
        "mean wait 36 h",
        {"metric": "mean_wait", "target": 36.0},
        lambda waits: len(waits) == 0 or float(waits.mean()) * 24.0 <= 36.0,
    ),
    Case(
        "response 85 % in 3 days",
        {"metric": "response", "target": 0.85, "within_hours": 72.0},
        lambda waits: share_of(waits <= 3.0, 0.85),
    ),
    Case(
        "uptime 98.6 %",
        {"metric": "uptime", "target": 0.986},
        lambda waits: 1 / (1 + waits.sum() / (MACHINES * len(RATES) * QUARTER)) >= 0.986,
    ),
    Case(
        "fill rate 70 %, rate uncertain",
        {"metric": "fill_rate", "target": 0.70},
        lambda waits: share_of(waits == 0.0, 0.70),
        RATE_SHAPE,
    ),
    Case(
        "uptime 98.6 %, rate uncertain",
        {"metric": "uptime", "target": 0.986},
        lambda waits: 1 / (1 + waits.sum() / (MACHINES * len(RATES) * QUARTER)) >= 0.986,
        RATE_SHAPE,
    ),
)


def network_of(case: Case) -> tuple[pp.ServiceNetwork, pp.DemandRates]:
    """Ten machines at a site beside each location, one part."""
    names = [f"F{j}" for j in range(len(RATES))]
    network = pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P", "unit_cost": 1, "resupply_days": RESUPPLY_DAYS}],
        locations=[
            {"location_id": "DC", "kind": "central"},
            *(
                {
                    "location_id": name,
                    "kind": "forward",
                    "replenished_from": "DC",
                    "replenishment_days": days,
                }
                for name, days in zip(names, TRANSIT_DAYS, strict=True)
            ),
        ],
        sites=[{"site_id": f"S{name}", "served_by": name} for name in names],
        equipment=[{"equipment_id": f"M{name}"} for name in names],
        bill_of_materials=[
            {
                "equipment_id": f"M{name}",
                "part_id": "P",
                "failures_per_year": 365.0 * rate / MACHINES,
            }
            for name, rate in zip(names, RATES, strict=True)
        ],
        installed_base=[
            {"site_id": f"S{name}", "equipment_id": f"M{name}", "machines": MACHINES}
            for name in names
        ],
        commitments=[{"commitment_id": "C", "period_months": 3} | case.commitment],
    )
    if case.rate_shape is None:
        return network, pp.estimate_demand(network)
    rows = [
        {
            "part_id": "P",
            "site_id": f"S{name}",
            "per_year": 365.0 * rate,
            "rate_shape": case.rate_shape,
        }
        for name, rate in zip(names, RATES, strict=True)
    ]
    return network, pp.DemandRates.from_table(rows).aligned(network)


def quarters(case: Case, n: int, stock: tuple[int, ...] = STOCK) -> list[np.ndarray]:
    """Waits of the demands of each quarter, by simpy."""
    if case.rate_shape is None:
        seen = TwoLevels(RATES, TRANSIT_DAYS, RESUPPLY_DAYS, stock, seed=7).run(
            WARMUP + (n + 1) * QUARTER
        )
        quarter = np.floor((np.array(seen.days) - WARMUP) / QUARTER).astype(int)
        waits = np.array(seen.wait_days)
        return [waits[quarter == q] for q in range(n)]
    rng = random.Random(11)
    found = []
    for q in range(n):
        factor = rng.gammavariate(case.rate_shape, 1 / case.rate_shape)
        rates = [factor * rate for rate in RATES]
        model = TwoLevels(rates, TRANSIT_DAYS, RESUPPLY_DAYS, stock, seed=100_000 + q)
        seen = model.run(WARMUP + QUARTER + 2 * WARMUP)  # late demands get their units
        days = np.array(seen.days)
        inside = (days >= WARMUP) & (days < WARMUP + QUARTER)
        found.append(np.array(seen.wait_days)[inside])
    return found


def kept_by_simpy(case: Case, plan: pp.StockingPlan, n: int) -> float:
    """Share of simpy's quarters that keep the promise at a plan's stock."""
    levels = tuple(int(units) for units in plan.stock.array[0])
    return float(np.mean([case.is_kept(waits) for waits in quarters(case, n, levels)]))


def kept_by_us(
    network: pp.ServiceNetwork, demand: pp.DemandRates, plan: pp.StockingPlan, n: int
) -> float:
    """Share of fresh periods that keep the commitment that is kept least often."""
    rows = period_probabilities(network, demand, plan, rng=2026, periods=n, period_months=3)
    return min(row.probability for row in rows)


@dataclass(frozen=True)
class Computed:
    """A commitment that formulas reach: parts at one place as (per year, resupply days, stock)."""

    name: str
    commitment: dict[str, object]
    parts: tuple[tuple[float, float, int], ...]
    lead_times: str = "deterministic"


COMPUTED = (
    Computed("one unit", {"metric": "fill_rate", "target": 0.8}, ((12.0, 14.0, 1),)),
    Computed("stock 3, 80 days", {"metric": "fill_rate", "target": 0.7}, ((8.0, 80.0, 3),)),
    Computed(
        "five parts",
        {"metric": "fill_rate", "target": 0.8},
        ((9.0, 7.0, 1), (4.0, 21.0, 1), (6.0, 60.0, 2), (3.0, 120.0, 2), (15.0, 3.0, 1)),
    ),
    Computed(
        "five parts, response in a week",
        {"metric": "response", "target": 0.8, "within_hours": 168.0},
        ((9.0, 17.0, 1), (4.0, 21.0, 1), (6.0, 67.0, 2), (3.0, 120.0, 2), (15.0, 10.0, 1)),
    ),
    Computed(
        "three parts, exponential times",
        {"metric": "fill_rate", "target": 0.85},
        ((12.0, 30.0, 2), (20.0, 14.0, 2), (6.0, 90.0, 4)),
        "exponential",
    ),
)


def computed(case: Computed, n: int) -> tuple[str, ...]:
    """A row of the table of formulas."""
    network = pp.ServiceNetwork.from_tables(
        parts=[
            {"part_id": f"P{p}", "unit_cost": 1, "resupply_days": days}
            for p, (_, days, _) in enumerate(case.parts)
        ],
        locations=[{"location_id": "DC", "kind": "central"}],
        commitments=[{"commitment_id": "C", "period_months": 3} | case.commitment],
    )
    demand = pp.DemandRates.from_table(
        [
            {"part_id": f"P{p}", "location_id": "DC", "per_year": rate}
            for p, (rate, *_) in enumerate(case.parts)
        ]
    )
    stock = {(f"P{p}", "DC"): units for p, (*_, units) in enumerate(case.parts)}
    start = time.process_time()
    row = period_probabilities(
        network, demand, stock, rng=1, method="formula", lead_times=case.lead_times
    )[0]
    seconds = time.process_time() - start
    asked, good = np.zeros(n), np.zeros(n)
    window = float(case.commitment.get("within_hours", 0.0)) / 24.0
    for p, (rate, days, units) in enumerate(case.parts):
        model = OnePlace(
            rate / 365.0, days, units, is_exponential=case.lead_times == "exponential", seed=31 + p
        )
        warmup = 12.0 * days
        seen = model.run(warmup + 3 * n * QUARTER + 40.0 * days)
        third, of_three = np.divmod(
            np.floor((np.array(seen.days) - warmup) / QUARTER).astype(int), 3
        )
        quarter = np.where(of_three == 0, third, -1)  # one in three: nearly independent
        inside = (quarter >= 0) & (quarter < n)
        in_time = np.array(seen.wait_days)[inside] <= window + 1e-9
        asked += np.bincount(quarter[inside], minlength=n)
        good += np.bincount(quarter[inside], in_time, minlength=n)
    target = float(case.commitment["target"])
    kept = float(np.mean(good >= target * asked - 1e-9))
    error = (row.probability * (1 - row.probability) / n) ** 0.5
    return (
        case.name,
        f"{100 * row.probability:.3f} %",
        f"{row.upper - row.probability:.0e}",
        f"{100 * kept:.2f} %",
        f"{(kept - row.probability) / error:+.1f}",
        f"{seconds:.2f} s",
    )


def planned(name, network, demand, kept) -> tuple[str, ...]:  # type: ignore[no-untyped-def]
    """A row of the second table; ``kept`` gives the share of periods of a plan."""
    plain = pp.optimize(network, demand)
    start = time.process_time()
    sure = pp.optimize(network, demand, confidence=CONFIDENCE)
    seconds = time.process_time() - start
    return (
        name,
        f"{plain.cost:,.2f}",
        f"{100 * kept(plain):.1f} %",
        f"{sure.cost:,.2f}",
        f"{100 * (sure.cost / plain.cost - 1):+.1f} %",
        f"{100 * kept(sure):.1f} %",
        f"{100 * sure.period_confidence.saved_by_exchange / sure.cost:.1f} %",
        f"{sure.period_confidence.plans_tried}",
        f"{seconds:.1f} s",
    )


def examples() -> list[tuple[str, pp.ServiceNetwork]]:
    """Networks of the examples, every commitment judged each quarter."""
    found = []
    for name in ("aircraft_class", "data_centre_spares"):
        network = pp.ServiceNetwork.from_folder(EXAMPLES / name)
        rows = [row | {"period_months": 3} for row in network.commitments.to_records()]
        found.append((name.replace("_", " "), network.replace(commitments=rows)))
    return found


def print_plans(n: int) -> None:
    """What it costs to be sure."""
    rows = []
    for case in CASES:
        network, demand = network_of(case)
        rows.append(
            planned(case.name, network, demand, lambda plan, c=case: kept_by_simpy(c, plan, n))
        )
    for name, network in examples():
        demand = pp.estimate_demand(network)
        seen = (network, demand)
        rows.append(planned(name, *seen, lambda plan, s=seen: kept_by_us(*s, plan, n)))
    head = (
        "commitment",
        "plain plan",
        "kept",
        "90 % plan",
        "more",
        "kept",
        "exchanged",
        "plans",
        "CPU",
    )
    print_table(head, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--periods", type=int, default=5000)
    options = parser.parse_args()
    n = options.periods
    print(machine(), "\n")
    stock = {("P", "DC"): STOCK[0]} | {("P", f"F{j}"): s for j, s in enumerate(STOCK[1:])}
    rows = []
    for case in CASES:
        network, demand = network_of(case)
        promised = period_probabilities(network, demand, stock, rng=1, periods=4 * n)[0]
        kept = float(np.mean([case.is_kept(waits) for waits in quarters(case, n)]))
        p = promised.probability
        error = (p * (1 - p) * (1 / n + 1 / (4 * n))) ** 0.5
        exact = pp.evaluate(network, demand, stock).commitments[0]
        rows.append(
            (
                case.name,
                f"{exact.achieved:.4f}",
                f"{100 * p:.2f} %",
                f"{100 * kept:.2f} %",
                f"{100 * (kept - p):+.2f}",
                f"{(kept - p) / error:+.1f}",
            )
        )
    head = ("commitment", "long run", "promised", "kept", "points apart", "standard errors")
    print_table(head, rows)
    print()
    head = ("by formulas", "probability", "its error", "kept", "standard errors", "CPU")
    print_table(head, [computed(case, 2 * n) for case in COMPUTED])
    print()
    print_plans(n)


if __name__ == "__main__":
    main()
