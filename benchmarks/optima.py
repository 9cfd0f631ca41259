"""Bound and plan of ``optimize`` against true optima of small instances, found another way.

Run ``python -m benchmarks.optima [--parts 8] [--seeds 6]``. Every stock vector of every part with
2 FSLs that could be in a better plan is one binary variable, evaluated exactly; scipy's ``milp``
solves the choice with gap 0. The status is non-zero when a bound is above the optimum.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from time import perf_counter

import numpy as np
from benchmarks.exact_tables import ExactTables, Floats, Integers, TwoLevelProblem
from benchmarks.recipes import recipe_a
from benchmarks.tables import machine, print_table

import partsplan as pp

N_FSLS = 2
_ROUNDING = 1e-9


def all_stock_vectors(
    problem: TwoLevelProblem, tables: ExactTables, most: float
) -> tuple[Integers, Floats, Floats]:
    """(part, cost, hours at every FSL) of all stock vectors that cost at most ``most``."""
    parts, costs, hours = [], [], []
    fsls = np.arange(problem.n_fsls)
    for p, table in enumerate(tables.hours):
        sizes = (table.shape[0], *(table.shape[2] for _ in fsls))
        for stock in itertools.product(*map(range, sizes)):
            cost = problem.unit_price[p] * sum(stock)
            used = table[stock[0], fsls, stock[1:]]
            if cost <= most and (used <= problem.allowed_hours).all():
                parts.append(p)
                costs.append(cost)
                hours.append(used)
    return np.array(parts), np.array(costs), np.array(hours)


def true_optimum(problem: TwoLevelProblem, tables: ExactTables, most: float) -> float | None:
    """Least cost of one stock vector per part, all promises kept; None if not found in time."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    part, cost, hours = all_stock_vectors(problem, tables, most)
    one_per_part = np.zeros((problem.n_parts, len(part)))
    one_per_part[part, np.arange(len(part))] = 1.0
    solved = milp(
        cost,
        constraints=[
            LinearConstraint(one_per_part, 1.0, 1.0),
            LinearConstraint(hours.T / problem.allowed_hours[:, np.newaxis], -np.inf, 1.0),
        ],
        integrality=np.ones(len(part), dtype=np.int64),
        bounds=Bounds(0.0, 1.0),
        options={"mip_rel_gap": 0.0, "time_limit": 60.0},
    )
    return float(solved.fun) if solved.status == 0 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=6)
    options = parser.parse_args()
    rows, wrong = [], 0
    for seed in range(options.seeds):
        network, demand = recipe_a(seed, options.parts, N_FSLS)
        start = perf_counter()
        plan = pp.optimize(network, demand)
        seconds = perf_counter() - start
        if plan.annual_cost is None or plan.bound is None or plan.gap is None:
            raise SystemExit(f"seed {seed}: {plan.status}, nothing proven")
        problem = TwoLevelProblem.of(network, demand)
        most = plan.annual_cost * (1.0 + _ROUNDING)
        optimum = true_optimum(problem, ExactTables.of(problem), most)
        if optimum is not None:
            claimed = plan.status == pp.PlanStatus.OPTIMAL
            is_best = plan.annual_cost <= optimum * (1.0 + _ROUNDING)
            wrong += plan.bound > optimum * (1.0 + _ROUNDING) or (claimed and not is_best)
        figures = (optimum, plan.annual_cost, plan.bound)
        rows.append(
            [
                f"{options.parts} x {N_FSLS}, seed {seed}",
                *("not found" if figure is None else f"{figure:,.4f}" for figure in figures),
                f"{100 * plan.gap:.4f} %",
                str(plan.status),
                f"{seconds:.2f}",
            ]
        )
    print(f"Recipe A, default settings; {machine()}\n")
    head = ["instance", "true optimum", "cost per year", "bound", "gap", "status", "seconds"]
    print_table(head, rows)
    print(f"\n{'FAIL' if wrong else 'pass'}  bounds and claims against true optima: {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
