"""Gap, time and memory of ``optimize`` on recipe B: three levels, uncertain rates, all metrics.

Run ``python -m benchmarks.three_levels [--parts 200 1000] [--seeds 1] [--known]``; the status is
non-zero when a gap is above 0.1 % or a plan misses a commitment when it is evaluated anew.
``--known`` takes the mean rates as known.
"""

from __future__ import annotations

import argparse
import resource
import sys
from time import perf_counter

from benchmarks.recipe_b import recipe_b
from benchmarks.tables import machine, print_table

import partsplan as pp

LARGEST_GAP = 1e-3


def planned(seed: int, n_parts: int, *, known: bool) -> tuple[list[str], bool]:
    """A row of the table, and whether the figures hold."""
    network, demand = recipe_b(seed, n_parts)
    if known:
        demand = pp.estimate_demand(network, uncertainty="mean")
    start = perf_counter()
    plan = pp.optimize(network, demand)
    seconds = perf_counter() - start
    if plan.stock is None or plan.cost is None or plan.bound is None or plan.gap is None:
        raise SystemExit(f"seed {seed}, {n_parts} parts: {plan.status}, nothing proven")
    results = pp.evaluate(network, demand, plan.stock).commitments
    kept = sum(result.is_met for result in results)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    row = [
        f"{n_parts:,} parts x {network.n_locations} locations, seed {seed}",
        f"{plan.cost:,.0f}",
        f"{plan.bound:,.0f}",
        f"{100 * plan.gap:.4f} %",
        f"{plan.passes}",
        f"{seconds:.1f}",
        f"{memory:,.0f}",
        f"{kept} of {len(results)}",
    ]
    return row, plan.gap <= LARGEST_GAP and kept == len(results)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--known", action="store_true", help="mean rates taken as known")
    options = parser.parse_args()
    print(f"Recipe B, default settings; {machine()}\n")
    rows, all_hold = [], True
    for n_parts in options.parts:
        for seed in range(options.seeds):
            row, holds = planned(seed, n_parts, known=options.known)
            rows.append(row)
            all_hold = all_hold and holds
    head = ["instance", "cost per year", "proven bound", "gap", "passes", "seconds"]
    print_table([*head, "peak MiB", "kept"], rows)
    sys.exit(0 if all_hold else 1)


if __name__ == "__main__":
    main()
