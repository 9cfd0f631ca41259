"""METRIC and VARI-METRIC against exact evaluation: how often a stock decision goes wrong.

Run ``python -m benchmarks.methods``. A case is a two-level network of equal bases, the centre's
stock and a penalty; the decision is the least base stock that is best at that penalty. How often a
method errs depends on the grid: two are printed, each by penalty.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from benchmarks.exact_tables import Floats, Integers, poisson_quantile
from benchmarks.tables import machine, print_table

from partsplan.evaluation import (
    SupplyFigures,
    SupplyTree,
    exact_figures,
    metric_figures,
    vari_metric_figures,
)

CENTRE_STOCK = (None, -1.0, 0.0, 1.0)
"""None: nothing; else the mean pipeline and so many standard deviations, to the nearest unit."""
PENALTIES = (5.0, 20.0, 100.0, 1_000.0)
"""Cost of a late unit per holding cost of a unit: ready rates of 80, 95, 99 and 99.9 %."""


@dataclass(frozen=True)
class Grid:
    """What a table covers."""

    name: str
    bases: Sequence[int]
    rates_per_day: Sequence[float]
    """Demand of one base."""
    resupply_days: Sequence[float]
    replenishment_days: Sequence[float]


SERVICE_PARTS = Grid(
    "service parts (2 to 20 bases, demand of a base 0.5 to 60 per year)",
    bases=(2, 5, 10, 20),
    rates_per_day=tuple(per_year / 365.0 for per_year in (0.5, 2.0, 6.0, 20.0, 60.0)),
    resupply_days=(30.0, 60.0, 120.0),
    replenishment_days=(2.0, 7.0),
)
WIDE = Grid(
    "wide (1 to 10 bases, demand of a base 0.01 to 1 per day)",
    bases=(1, 2, 5, 10),
    rates_per_day=(0.01, 0.03, 0.1, 0.3, 1.0),
    resupply_days=(10.0, 30.0, 90.0),
    replenishment_days=(2.0, 7.0),
)

METHODS: dict[str, Callable[[SupplyTree, Integers], SupplyFigures]] = {
    "vari_metric": vari_metric_figures,
    "metric": metric_figures,
}


@dataclass(frozen=True)
class Cases:
    """Arrays of shape (n_cases,); penalties apart, since figures do not depend on them."""

    bases: Integers
    rate: Floats
    resupply_days: Floats
    replenishment_days: Floats
    centre_stock: Integers

    @classmethod
    def of(cls, grid: Grid) -> Cases:
        """All distinct cases of a grid."""
        rows = set()
        for bases, rate, resupply, replenishment, deviations in itertools.product(
            grid.bases,
            grid.rates_per_day,
            grid.resupply_days,
            grid.replenishment_days,
            CENTRE_STOCK,
        ):
            pipeline = bases * rate * resupply
            stock = 0.0 if deviations is None else pipeline + deviations * pipeline**0.5
            rows.add((bases, rate, resupply, replenishment, max(round(stock), 0)))
        columns = np.array(sorted(rows)).T
        whole = columns.astype(np.int64)
        return cls(whole[0], columns[1], columns[2], columns[3], whole[4])

    @property
    def worst_pipeline(self) -> Floats:
        """Mean units under way to a base when the centre holds nothing."""
        return self.rate * (self.resupply_days + self.replenishment_days)

    def tree(self, rows: Integers) -> SupplyTree:
        """The centre and one base; the other bases' demand comes to the centre directly."""
        rate, none = self.rate[rows], np.zeros((len(rows), 2))
        return SupplyTree(
            parents=np.array([-1, 0]),
            own_rate=np.column_stack([(self.bases[rows] - 1) * rate, rate]),
            transit_days=np.column_stack([self.resupply_days[rows], self.replenishment_days[rows]]),
            repair_fraction=none,
            repair_days=none,
            rate_shape=np.full(len(rows), np.inf),
        )


def late_units(
    cases: Cases, figures: Callable[[SupplyTree, Integers], SupplyFigures]
) -> list[Floats]:
    """Per case the expected backorders of the base for S = 0, 1, ..."""
    counts = poisson_quantile(cases.worst_pipeline, 1e-7) + 8
    rows = np.repeat(np.arange(len(counts)), counts)
    ends = np.cumsum(counts)
    base = np.arange(len(rows)) - np.repeat(ends - counts, counts)
    stock = np.column_stack([cases.centre_stock[rows], base])
    late = np.empty(len(rows))
    order = np.argsort(cases.worst_pipeline[rows] * cases.bases[rows], kind="stable")
    for some in np.array_split(order, max(1, len(order) // 500)):
        found = figures(cases.tree(rows[some]), stock[some])
        late[some] = found.expected_backorders[:, 1]
    return np.split(late, ends[:-1])


def best_stocks(late: list[Floats], penalty: float) -> Integers:
    """Least stock of least holding and penalty cost."""
    return np.array([np.argmin(np.arange(len(b)) + penalty * b) for b in late])


def costs(late: list[Floats], stock: Integers, penalty: float) -> Floats:
    """Holding and penalty cost of a stock per case."""
    return stock + penalty * np.array([b[s] for b, s in zip(late, stock, strict=True)])


@dataclass(frozen=True)
class Errors:
    """Of a method's decisions; arrays with an entry per case and penalty."""

    too_high: Floats
    too_low: Floats
    late_units: Floats
    """Relative error of the expected backorders at the right stock."""
    excess_cost: Floats
    """Exact cost of the decision above that of the right one, relative."""

    @classmethod
    def of(cls, late: list[Floats], exact: list[Floats], penalties: Sequence[float]) -> Errors:
        columns: tuple[list[Floats], ...] = ([], [], [], [])
        for penalty in penalties:
            right, taken = best_stocks(exact, penalty), best_stocks(late, penalty)
            columns[0].append((taken > right).astype(np.float64))
            columns[1].append((taken < right).astype(np.float64))
            pairs = zip(late, exact, right, strict=True)
            columns[2].append(np.array([b[s] / e[s] - 1.0 for b, e, s in pairs]))
            columns[3].append(costs(exact, taken, penalty) / costs(exact, right, penalty) - 1.0)
        return cls(*(np.concatenate(column) for column in columns))

    def cells(self) -> list[str]:
        """Table cells, in the order of `HEAD`."""
        return [
            f"{len(self.too_high):,}",
            f"{100 * (self.too_high + self.too_low).mean():.1f} %",
            f"{100 * self.too_low.mean():.1f} %",
            f"{100 * self.too_high.mean():.1f} %",
            f"{100 * np.abs(self.late_units).mean():.1f} %",
            f"{100 * self.late_units.min():+.0f} %",
            f"{100 * self.late_units.max():+.0f} %",
            f"{100 * self.excess_cost.mean():.2f} %",
            f"{100 * self.excess_cost.max():.0f} %",
        ]


HEAD = [
    "method and ready rate asked",
    "decisions",
    "wrong",
    "too low",
    "too high",
    "EBO error, mean",
    "lowest",
    "highest",
    "excess cost, mean",
    "highest",
]


def print_grid(grid: Grid) -> None:
    """Table of a grid: every method, by penalty and together."""
    cases = Cases.of(grid)
    start = perf_counter()
    exact = late_units(cases, exact_figures)
    print(f"\nGrid: {grid.name}; exact evaluation {perf_counter() - start:.1f} s\n")
    rows = []
    for name, figures in METHODS.items():
        late = late_units(cases, figures)
        rows.append([f"{name}, all", *Errors.of(late, exact, PENALTIES).cells()])
        for penalty in PENALTIES:
            asked = f"{name}, {100 * (1.0 - 1.0 / penalty):g} %"
            rows.append([asked, *Errors.of(late, exact, [penalty]).cells()])
    print_table(HEAD, rows)


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(f"Stock decisions against exact evaluation; {machine()}")
    for grid in (SERVICE_PARTS, WIDE):
        print_grid(grid)


if __name__ == "__main__":
    main()
