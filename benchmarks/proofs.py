"""How far ``optimize`` proves plans of recipe A: small ones to the optimum, 200 parts to 0.02 %.

Run ``python -m benchmarks.proofs [--seeds 10] [--large-seeds 20]``; the status is non-zero when
fewer than 9 of 10 plans of 50 parts x 5 FSLs are proven optimal within 60 s, or a plan of 200 x 5
stays at a gap of 0.02 % or more for 10 minutes.
"""

from __future__ import annotations

import argparse
import sys
from time import perf_counter

from benchmarks.recipes import recipe_a
from benchmarks.tables import machine, print_table

import partsplan as pp

SMALL = (50, 5)
SMALL_SECONDS = 60.0
LARGE = (200, 5)
LARGE_GAP = 2e-4
LARGE_SECONDS = 600.0


def proven(seed: int, size: tuple[int, int], gap: float, seconds: float) -> tuple[list[str], bool]:
    """A row of the table, and whether the gap was reached in time."""
    network, demand = recipe_a(seed, *size)
    start = perf_counter()
    plan = pp.optimize(network, demand, gap=gap, time_limit=seconds)
    elapsed = perf_counter() - start
    if plan.cost is None or plan.gap is None:
        raise SystemExit(f"seed {seed}, {size}: {plan.status}, nothing proven")
    row = [
        f"{size[0]:,} x {size[1]}, seed {seed}",
        f"{plan.cost:,.2f}",
        plan.status.value,
        f"{100 * plan.gap:.4f} %",
        f"{plan.passes}",
        f"{elapsed:.1f}",
    ]
    return row, plan.gap <= gap


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--large-seeds", type=int, default=20)
    options = parser.parse_args()
    print(f"Recipe A; {machine()}\n")
    small = [proven(seed, SMALL, 0.0, SMALL_SECONDS) for seed in range(options.seeds)]
    large = [proven(seed, LARGE, LARGE_GAP, LARGE_SECONDS) for seed in range(options.large_seeds)]
    head = ["instance", "cost per year", "status", "gap", "passes", "seconds"]
    print_table(head, [row for row, _ in small + large])
    n_small, n_large = (sum(holds for _, holds in runs) for runs in (small, large))
    print(f"\n50 x 5 proven optimal within {SMALL_SECONDS:.0f} s: {n_small} of {len(small)}")
    print(f"200 x 5 below 0.02 % within 10 minutes: {n_large} of {len(large)}")
    sys.exit(0 if n_small >= 0.9 * len(small) and n_large == len(large) else 1)


if __name__ == "__main__":
    main()
