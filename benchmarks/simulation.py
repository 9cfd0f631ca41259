"""Demands simulated per second, against simpy on the same models in the same run.

Run ``python -m benchmarks.simulation``. One core; processor time and wall clock are both printed.
simpy is optional (``pip install simpy``): without it, its rows are left out and it is said so.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import perf_counter, process_time

import numpy as np
from benchmarks.recipes import recipe_a
from benchmarks.tables import machine, print_table

import partsplan as pp

RATES = [0.05, 0.1, 0.2, 0.02]
TRANSIT_DAYS = [2.0, 3.0, 1.0, 5.0]
RESUPPLY_DAYS = 30.0
STOCK = [9, 1, 2, 3, 1]

POOL_RATES = [0.3, 0.3, 0.3]
POOL_DAYS = [5.0, 5.0, 5.0]
POOL_STOCK = [2, 2, 2]
POOL_ORDERS = [[0, 1, 2], [1, 2, 0], [2, 0, 1]]


def two_level_network(n_parts: int) -> tuple[pp.ServiceNetwork, pp.DemandRates, np.ndarray]:
    """Parts with the demand of the simpy model, all alike."""
    names = [f"F{j}" for j in range(len(RATES))]
    network = pp.ServiceNetwork.from_tables(
        parts={
            "part_id": [f"P{p}" for p in range(n_parts)],
            "unit_cost": np.ones(n_parts),
            "resupply_days": np.full(n_parts, RESUPPLY_DAYS),
        },
        locations={
            "location_id": ["DC", *names],
            "kind": ["central"] + ["forward"] * len(names),
            "replenished_from": [""] + ["DC"] * len(names),
            "replenishment_days": [np.nan, *TRANSIT_DAYS],
        },
        commitments=[{"commitment_id": "fill", "metric": "fill_rate", "target": 0.9}],
    )
    rates = np.tile([0.0, *(365.0 * rate for rate in RATES)], (n_parts, 1))
    demand = pp.DemandRates.from_arrays(network.part_ids, network.location_ids, rates)
    return network, demand, np.tile(STOCK, (n_parts, 1))


def pooled_network(n_parts: int) -> tuple[pp.ServiceNetwork, pp.DemandRates, np.ndarray]:
    """Parts at three locations that help each other out, all alike."""
    n = len(POOL_RATES)
    network = pp.ServiceNetwork.from_tables(
        parts={
            "part_id": [f"P{p}" for p in range(n_parts)],
            "unit_cost": np.ones(n_parts),
            "resupply_days": np.full(n_parts, POOL_DAYS[0]),
            "emergency_hours": np.full(n_parts, 48.0),
        },
        locations=[{"location_id": f"L{j}", "kind": "forward"} for j in range(n)],
        sites=[{"site_id": f"S{j}", "served_by": f"L{j}"} for j in range(n)],
        lanes=[
            {"location_id": f"L{source}", "site_id": f"S{j}", "hours": float(turn)}
            for j, order in enumerate(POOL_ORDERS)
            for turn, source in enumerate(order)
        ],
        commitments=[{"commitment_id": "fill", "metric": "fill_rate", "target": 0.5}],
        shortages="expedite",
    )
    rows = [
        {"part_id": part, "site_id": f"S{j}", "per_year": 365.0 * rate}
        for part in network.part_ids
        for j, rate in enumerate(POOL_RATES)
    ]
    return network, pp.DemandRates.from_table(rows), np.tile(POOL_STOCK, (n_parts, 1))


def stock_of(network: pp.ServiceNetwork, units: np.ndarray) -> dict[tuple[str, str], int]:
    return {
        (part, location): int(units[p, j])
        for p, part in enumerate(network.part_ids)
        for j, location in enumerate(network.location_ids)
    }


def timed(run: Callable[[], tuple[int, float]]) -> tuple[int, float, float, float]:
    """Demands, their figure, wall and processor seconds; the better of two runs."""
    best: tuple[int, float, float, float] | None = None
    for _ in range(2):
        wall, cpu = perf_counter(), process_time()
        demands, figure = run()
        took = demands, figure, perf_counter() - wall, process_time() - cpu
        best = took if best is None or took[3] < best[3] else best
    assert best is not None
    return best


def simulated(
    case: tuple[pp.ServiceNetwork, pp.DemandRates, np.ndarray], years: float, replications: int
) -> tuple[int, float]:
    network, demand, units = case
    seen = pp.simulate(
        network, demand, stock_of(network, units), years=years, replications=replications, rng=1
    )
    fill = seen.commitments[0].achieved
    return seen.demands, float("nan") if fill is None else fill


def recipe(years: float, replications: int) -> tuple[int, float]:
    """200 slow movers in five locations with the plan that keeps their commitments."""
    network, demand = recipe_a(0, 200, 5)
    plan = pp.optimize(network, demand)
    wall, cpu = perf_counter(), process_time()
    seen = pp.simulate(network, demand, plan, years=years, replications=replications, rng=1)
    wall, cpu = perf_counter() - wall, process_time() - cpu
    print(
        f"recipe A, 200 parts x 5 locations: {seen.demands:,} demands, "
        f"{seen.demands / wall:,.0f} per second ({seen.demands / cpu:,.0f} of processor time)\n"
    )
    return seen.demands, 0.0


def with_simpy(days: float) -> list[tuple[str, tuple[int, float, float, float]]]:
    try:
        from benchmarks.simpy_model import Laterals, TwoLevels
    except ImportError:
        print("simpy is not installed (pip install simpy): its rows are left out\n")
        return []

    def waits() -> tuple[int, float]:
        seen = TwoLevels(RATES, TRANSIT_DAYS, RESUPPLY_DAYS, STOCK, seed=1).run(days)
        return len(seen.days), float(np.mean(np.array(seen.wait_days) == 0.0))

    def laterals() -> tuple[int, float]:
        seen = Laterals(POOL_RATES, POOL_DAYS, POOL_STOCK, POOL_ORDERS, seed=1).run(days)
        return len(seen.days), float(np.mean(np.array(seen.source) == np.array(seen.location)))

    return [("two levels, simpy", timed(waits)), ("laterals, simpy", timed(laterals))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=int, default=50)
    parser.add_argument("--years", type=float, default=10.0)
    parser.add_argument("--replications", type=int, default=40)
    options = parser.parse_args()
    print(machine(), "\n")
    size = (options.years, options.replications)
    recipe(10.0, 200)
    levels, pool = two_level_network(options.parts), pooled_network(options.parts)
    found = [
        ("two levels, partsplan", timed(lambda: simulated(levels, *size))),
        ("laterals, partsplan", timed(lambda: simulated(pool, 2.0, options.replications))),
        *with_simpy(100_000.0),
    ]
    print_table(
        ("model and tool", "demands", "from the own shelf", "seconds", "per second", "per cpu s"),
        [
            (
                name,
                f"{n:,}",
                f"{100 * fill:.2f} %",
                f"{wall:.2f}",
                f"{n / wall:,.0f}",
                f"{n / cpu:,.0f}",
            )
            for name, (n, fill, wall, cpu) in found
        ],
    )


if __name__ == "__main__":
    main()
