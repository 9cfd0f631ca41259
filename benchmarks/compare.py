"""Cost and time of ``optimize`` beside what planners use instead, on recipe A, in one run.

Run ``python -m benchmarks.compare [--parts 200] [--fsls 5] [--seeds 20]``. Every stock is evaluated
exactly in the end; costs are relative to the bound that partsplan proves for the instance.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
from benchmarks import peers
from benchmarks.exact_tables import ExactTables, Integers, TwoLevelProblem
from benchmarks.recipes import recipe_a
from benchmarks.tables import machine, print_table

import partsplan as pp

OURS = "partsplan"


@dataclass(frozen=True)
class Run:
    """A method on one instance; without a stock when its solver found none in time."""

    method: str
    seconds: float
    cost: float = np.nan
    relative_cost: float = np.nan
    kept: int = 0
    promised: int = 0
    gap: float | None = None
    passes: int | None = None


class Instance:
    """One instance with the plan of partsplan, whose bound the others are measured by."""

    def __init__(self, seed: int, options: argparse.Namespace) -> None:
        self.seed = seed
        self.options = options
        self.network, self.demand = recipe_a(seed, options.parts, options.fsls)
        self.problem = TwoLevelProblem.of(self.network, self.demand)
        start = perf_counter()
        self.plan = pp.optimize(self.network, self.demand)
        self.plan_seconds = perf_counter() - start
        if self.plan.bound is None:
            raise SystemExit(f"seed {seed}: {self.plan.status}, nothing proven to compare with")
        self.bound = self.plan.bound

    def runs(self) -> Iterator[Run]:
        """All methods."""
        ours = self.plan.stock
        run = self._run_of(OURS, None if ours is None else ours.array, self.plan_seconds)
        yield replace(run, gap=self.plan.gap, passes=self.plan.passes)
        start = perf_counter()
        tables = ExactTables.of(self.problem)
        table_seconds = perf_counter() - start
        for method, stock_by in searches(self.problem, tables).items():
            start = perf_counter()
            stock = stock_by()
            yield self._run_of(method, stock, table_seconds + perf_counter() - start)
        if peers.cbc_missing() is None:
            yield from self._single_level_runs(tables)

    def _single_level_runs(self, tables: ExactTables) -> Iterator[Run]:
        start = perf_counter()
        model = peers.SingleLevelModel(
            self.problem, self.options.centre_fill_rate, self.options.cbc_seconds
        )
        stock = model.stock(self.problem.allowed_hours)
        yield self._run_of("single-level PuLP, CBC", stock, perf_counter() - start)
        start = perf_counter()
        stock = model.tightened_until_kept(tables)
        yield self._run_of("the same, targets tightened", stock, perf_counter() - start)

    def _run_of(self, method: str, stock: Integers | None, seconds: float) -> Run:
        """What a stock costs and keeps, by ``pp.evaluate``."""
        if stock is None:
            return Run(method, seconds)
        cost = self.problem.cost(stock)
        results = pp.evaluate(self.network, self.demand, self._columns(stock)).commitments
        kept = sum(result.is_met for result in results)
        if kept == len(results) and cost < self.bound * (1.0 - 1e-9):
            raise SystemExit(
                f"seed {self.seed}: {method} keeps everything at {cost}, below the proven bound "
                f"{self.bound}: a fault of partsplan"
            )
        return Run(method, seconds, cost, cost / self.bound, kept, len(results))

    def _columns(self, stock: Integers) -> dict[str, Any]:
        part, location = np.nonzero(stock)
        return {
            "part_id": np.array(self.network.part_ids, dtype=object)[part],
            "location_id": np.array(self.network.location_ids, dtype=object)[location],
            "base_stock": stock[part, location],
        }


def searches(problem: TwoLevelProblem, tables: ExactTables) -> dict[str, Callable[[], Integers]]:
    """Peers that search on exact tables."""
    return {
        "marginal analysis": lambda: peers.marginal_analysis(problem, tables),
        "one fill rate for all": lambda: peers.same_fill_rate(problem, tables),
        "one ready rate for all": lambda: peers.same_ready_rate(problem, tables),
    }


def summary_of(method: str, runs: list[Run]) -> list[str]:
    """Table row: means over the instances, with the worst relative cost."""
    solved = [run for run in runs if run.promised]
    if not solved:
        return [method, "no stock found", "", "", f"{_mean(runs, 'seconds'):.2f}", "", "", ""]
    gaps = [run.gap for run in solved if run.gap is not None]
    passes = [run.passes for run in solved if run.passes is not None]
    kept, promised = sum(run.kept for run in solved), sum(run.promised for run in solved)
    return [
        method if len(solved) == len(runs) else f"{method} ({len(solved)} of {len(runs)} solved)",
        f"{_mean(solved, 'cost'):,.0f}",
        f"{_percent_above(_mean(solved, 'relative_cost'))}",
        f"{_percent_above(max(run.relative_cost for run in solved))}",
        f"{_mean(runs, 'seconds'):.2f}",
        f"{kept} of {promised}",
        f"{100 * statistics.mean(gaps):.3f} %" if gaps else "",
        f"{statistics.mean(passes):.0f}" if passes else "",
    ]


def _mean(runs: list[Run], name: str) -> float:
    return float(np.mean([getattr(run, name) for run in runs]))


def _percent_above(relative: float) -> str:
    return f"{100 * (relative - 1.0):+.2f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=int, default=200)
    parser.add_argument("--fsls", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--cbc-seconds", type=float, default=60.0, help="limit of one CBC run")
    parser.add_argument(
        "--centre-fill-rate",
        type=float,
        default=peers.PLANNERS_CENTRE_FILL_RATE,
        help="of the single-level model",
    )
    options = parser.parse_args()
    by_method: dict[str, list[Run]] = {}
    for seed in range(options.seeds):
        for run in Instance(seed, options).runs():
            by_method.setdefault(run.method, []).append(run)
    print(f"Recipe A, {options.parts:,} parts x {options.fsls} FSLs, {options.seeds} seeds, means")
    print(f"{machine()}\n")
    head = ["method", "cost per year", "above bound", "worst", "seconds", "kept", "gap", "passes"]
    print_table(head, [summary_of(method, runs) for method, runs in by_method.items()])
    if (reason := peers.cbc_missing()) is not None:
        print(f"\nsingle-level PuLP model skipped: {reason}")


if __name__ == "__main__":
    main()
