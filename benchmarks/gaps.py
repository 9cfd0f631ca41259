"""Gap and time of ``optimize`` on recipe A against the figures that partsplan promises.

Run ``python -m benchmarks.gaps [--seeds 20] [--large-seeds 1] [--common-weights]``; the status is
non-zero when a figure is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from dataclasses import dataclass
from time import perf_counter

from benchmarks.recipes import recipe_a
from benchmarks.tables import machine, print_table

import partsplan as pp

SMALL = (200, 5)
LARGE = (1_000, 20)


@dataclass(frozen=True)
class Run:
    """One instance planned, and its plan evaluated anew."""

    seed: int
    size: tuple[int, int]
    cost: float
    bound: float
    gap: float
    passes: int
    seconds: float
    kept: int
    promised: int

    @property
    def cells(self) -> list[str]:
        return [
            f"{self.size[0]:,} x {self.size[1]}, seed {self.seed}",
            f"{self.cost:,.0f}",
            f"{self.bound:,.0f}",
            f"{100 * self.gap:.4f} %",
            f"{self.passes}",
            f"{self.seconds:.2f}",
            f"{self.kept} of {self.promised}",
        ]


def planned(seed: int, size: tuple[int, int], common_weights: bool) -> Run:
    """Plan one instance with the default settings."""
    network, demand = recipe_a(seed, *size, common_weights=common_weights)
    start = perf_counter()
    plan = pp.optimize(network, demand)
    seconds = perf_counter() - start
    if plan.stock is None or plan.annual_cost is None or plan.bound is None or plan.gap is None:
        raise SystemExit(f"seed {seed}, {size}: {plan.status}, nothing proven")
    results = pp.evaluate(network, demand, plan.stock).commitments
    return Run(
        seed,
        size,
        plan.annual_cost,
        plan.bound,
        plan.gap,
        plan.passes,
        seconds,
        sum(result.is_met for result in results),
        len(results),
    )


def checks(small: list[Run], large: list[Run]) -> list[tuple[str, bool, str]]:
    """Figure, whether it is reached, and what was measured."""
    found = []
    if small:
        median = statistics.median(run.gap for run in small)
        worst = max(run.gap for run in small)
        slowest = max(run.seconds for run in small)
        found += [
            ("200 x 5: median gap at most 0.05 %", median <= 5e-4, f"{100 * median:.4f} %"),
            ("200 x 5: worst gap at most 0.12 %", worst <= 1.2e-3, f"{100 * worst:.4f} %"),
            ("200 x 5: at most 5 s each", slowest <= 5.0, f"{slowest:.2f} s"),
        ]
    if large:
        worst = max(run.gap for run in large)
        slowest = max(run.seconds for run in large)
        found += [
            ("1,000 x 20: gap at most 0.05 %", worst <= 5e-4, f"{100 * worst:.4f} %"),
            ("1,000 x 20: at most 30 s", slowest <= 30.0, f"{slowest:.2f} s"),
        ]
    missed = sum(run.promised - run.kept for run in [*small, *large])
    return [*found, ("no commitment missed when evaluated anew", missed == 0, f"{missed} missed")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="instances of 200 x 5")
    parser.add_argument("--large-seeds", type=int, default=1, help="instances of 1,000 x 20")
    parser.add_argument(
        "--common-weights", action="store_true", help="FSLs of different size, for all parts alike"
    )
    options = parser.parse_args()
    small = [planned(seed, SMALL, options.common_weights) for seed in range(options.seeds)]
    large = [planned(seed, LARGE, options.common_weights) for seed in range(options.large_seeds)]
    print(f"Recipe A, default settings; {machine()}\n")
    head = ["instance", "cost per year", "proven bound", "gap", "passes", "seconds", "kept"]
    print_table(head, [run.cells for run in [*small, *large]])
    print()
    results = checks(small, large)
    for figure, reached, measured in results:
        print(f"{'pass' if reached else 'FAIL'}  {figure}: {measured}")
    sys.exit(0 if all(reached for _, reached, _ in results) else 1)


if __name__ == "__main__":
    main()
