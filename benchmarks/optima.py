"""Bound and plan of ``optimize`` against true optima of small instances, found another way.

Run ``python -m benchmarks.optima [--parts 8] [--seeds 6]``. Every stock vector of every part with
2 FSLs is evaluated exactly and is a binary variable, unless another one beats it or the linear
relaxation shows that it is too dear; scipy's ``milp`` solves that with gap 0. The status is
non-zero when a bound lies above the optimum, or a plan called optimal is not.
"""

from __future__ import annotations

import argparse
import sys
from time import perf_counter

import numpy as np
from benchmarks.exact_tables import ExactTables, Floats, Integers, TwoLevelProblem
from benchmarks.recipes import recipe_a
from benchmarks.tables import machine, print_table

import partsplan as pp

N_FSLS = 2
_ROUNDING = 1e-9
_LP_ROUNDING = 1e-6


def all_stock_vectors(
    problem: TwoLevelProblem, tables: ExactTables, most: float
) -> tuple[Integers, Floats, Floats]:
    """(part, cost, hours at every FSL) of all stock vectors that cost at most ``most``.

    Those that another one of the part equals or beats in all of these are left out.
    """
    found = []
    for p, table in enumerate(tables.hours):
        sizes = (table.shape[0], *(table.shape[2] for _ in range(problem.n_fsls)))
        stock = np.indices(sizes).reshape(len(sizes), -1).T
        cost = problem.unit_price[p] * stock.sum(axis=1)
        hours = table[stock[:, :1], np.arange(problem.n_fsls), stock[:, 1:]]
        useful = (cost <= most) & (hours <= problem.allowed_hours).all(axis=1)
        kept = _unbeaten(np.column_stack([cost, hours])[useful])
        found.append((np.full(len(kept), p), kept[:, 0], kept[:, 1:]))
    part, cost, hours = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
    return part, cost, hours


def _unbeaten(rows: Floats) -> Floats:
    """Rows (cost, hours, hours) that no other row equals or beats in every column."""
    kept = []
    frontier = np.empty((0, 3))
    for cost in np.unique(rows[:, 0]):
        both = np.concatenate([frontier, rows[rows[:, 0] == cost]])
        both = both[np.lexsort((both[:, 0], both[:, 2], both[:, 1]))]
        before = np.minimum.accumulate(np.concatenate([[np.inf], both[:-1, 2]]))
        frontier = both[both[:, 2] < before]
        kept.append(frontier[frontier[:, 0] == cost])
    return np.concatenate(kept)


def true_optimum(problem: TwoLevelProblem, tables: ExactTables, most: float) -> float | None:
    """Least cost of one stock vector per part, all promises kept; None if not found in time."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    part, cost, hours = all_stock_vectors(problem, tables, most)
    used = hours / problem.allowed_hours
    chosen = _could_be_better(part, cost, used, most)
    part, cost, used = part[chosen], cost[chosen], used[chosen]
    solved = milp(
        cost,
        constraints=[
            LinearConstraint(_one_per_part(part), 1.0, 1.0),
            LinearConstraint(used.T, -np.inf, 1.0),
        ],
        integrality=np.ones(len(part), dtype=np.int64),
        bounds=Bounds(0.0, 1.0),
        options={"mip_rel_gap": 0.0, "time_limit": 60.0},
    )
    return float(solved.fun) if solved.status == 0 else None


def _could_be_better(part: Integers, cost: Floats, used: Floats, most: float) -> Integers:
    """Columns whose reduced cost in the linear relaxation leaves room below ``most``."""
    from scipy.optimize import linprog

    relaxed = linprog(
        cost,
        A_ub=used.T,
        b_ub=np.ones(used.shape[1]),
        A_eq=_one_per_part(part),
        b_eq=np.ones(part.max() + 1),
    )
    price = -relaxed.ineqlin.marginals
    penalized = cost + used @ price
    best = np.full(part.max() + 1, np.inf)
    np.minimum.at(best, part, penalized)
    lowest = best.sum() - price.sum()
    room = most * (1.0 + _LP_ROUNDING) - lowest
    return np.flatnonzero(penalized - best[part] <= room)


def _one_per_part(part: Integers) -> Floats:
    matrix = np.zeros((part.max() + 1, len(part)))
    matrix[part, np.arange(len(part))] = 1.0
    return matrix


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
