"""Time and gap of ``optimize`` where a few parts have hundreds or thousands of units under way.

Run ``python -m benchmarks.fast_movers [--parts 1000] [--fsls 80] [--fast 3] [--gap 0.02]``: parts
asked for at 1 to 10 FSLs, a fill rate of 92 % at each of them, and some parts with as many demands
a year at their FSLs as `PER_YEAR` says, one run for each. ``--seconds`` sets a time limit,
``--shape`` how uncertain the rates of those parts are.
"""

from __future__ import annotations

import argparse
from time import perf_counter, process_time

import numpy as np
import scipy
from benchmarks.tables import machine, print_table

import partsplan as pp

PER_YEAR = (0.0, 300.0, 1000.0, 3000.0)
_SLOW_PER_YEAR = 0.5
_MOST_FSLS = 10


def sparse_extract(
    seed: int,
    n_parts: int,
    n_fsls: int,
    n_fast: int,
    fast_per_year: float,
    rate_shape: float = np.inf,
) -> tuple[pp.ServiceNetwork, pp.DemandRates, float]:
    """Network, demand, and most units of a part under way at the centre on average.

    The last ``n_fast`` parts have ``fast_per_year`` demands at each FSL, at that ``rate_shape``.
    """
    rng = np.random.default_rng(seed)
    unit_cost = 0.01 + rng.lognormal(4.5, 1.8, n_parts)
    resupply_days = rng.choice([10.0, 30.0, 60.0, 90.0], n_parts)
    fsls = [f"FSL{j:03d}" for j in range(1, n_fsls + 1)]
    network = pp.ServiceNetwork.from_tables(
        parts={
            "part_id": [f"P{p:06d}" for p in range(1, n_parts + 1)],
            "unit_cost": unit_cost,
            "resupply_days": resupply_days,
        },
        locations={
            "location_id": ["DC", *fsls],
            "kind": ["central"] + ["forward"] * n_fsls,
            "replenished_from": [""] + ["DC"] * n_fsls,
            "replenishment_days": [None] + [2.0] * n_fsls,
        },
        commitments=[
            {"commitment_id": "F", "metric": "fill_rate", "target": 0.92, "each": "location"}
        ],
    )
    count = rng.integers(1, min(_MOST_FSLS, n_fsls) + 1, n_parts)
    part = np.repeat(np.arange(n_parts), count)
    fsl = np.concatenate([rng.choice(n_fsls, size, replace=False) for size in count])
    per_year = rng.lognormal(np.log(_SLOW_PER_YEAR), 1.3, len(part))
    if fast_per_year:
        per_year[part >= n_parts - n_fast] = fast_per_year
    shape = (n_parts, 1 + n_fsls)
    rates = scipy.sparse.coo_array((per_year, (part, 1 + fsl)), shape=shape).tocsr()
    shapes = np.where(np.arange(n_parts) >= n_parts - n_fast, rate_shape, np.inf)
    demand = pp.DemandRates.from_arrays(network.part_ids, network.location_ids, rates, shapes)
    under_way = np.bincount(part, per_year) * resupply_days / 365.0
    return network, demand, float(under_way.max())


def measured(arguments: argparse.Namespace, fast_per_year: float) -> list[str]:
    """One row of the table."""
    size = (arguments.parts, arguments.fsls, arguments.fast)
    network, demand, under_way = sparse_extract(
        arguments.seed, *size, fast_per_year, arguments.shape
    )
    started, cpu = perf_counter(), process_time()
    plan = pp.optimize(network, demand, gap=arguments.gap, time_limit=arguments.seconds)
    kept = sum(row.is_met for row in plan.commitments)
    return [
        f"{fast_per_year:,.0f}",
        f"{under_way:,.0f}",
        f"{perf_counter() - started:.1f}",
        f"{process_time() - cpu:.1f}",
        "none" if plan.gap is None else f"{plan.gap:.2%}",
        f"{plan.passes}",
        f"{plan.annual_cost:,.0f}",
        f"{kept} of {len(plan.commitments)}",
        str(plan.stopped_by),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=int, default=1000)
    parser.add_argument("--fsls", type=int, default=80)
    parser.add_argument("--fast", type=int, default=3, help="parts that are fast movers")
    parser.add_argument("--gap", type=float, default=0.02)
    parser.add_argument("--seconds", type=float, default=None, help="time limit of each plan")
    parser.add_argument("--shape", type=float, default=np.inf, help="rate_shape of fast movers")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(f"{arguments.parts:,} parts, {arguments.fsls} FSLs, {arguments.fast} fast movers")
    limit = "none" if arguments.seconds is None else f"{arguments.seconds:g} s"
    print(f"gap asked {arguments.gap:.2%}, time limit {limit}; {machine()}\n")
    head = ["demands a year at an FSL", "units under way at the DC", "seconds", "CPU s", "gap"]
    head += ["passes", "cost a year", "kept", "stopped by"]
    print_table(head, [measured(arguments, per_year) for per_year in PER_YEAR])


if __name__ == "__main__":
    main()
