"""Exact figures of every stock worth a look, for the peers: the library's own exact evaluation.

`partsplan.evaluation.exact_figures` is run on every pair (stock of the centre, stock of the FSLs)
of a part up to far quantiles, so that marginal analysis and fill-rate targets search on tables.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtrik

from partsplan import DemandRates, ServiceNetwork
from partsplan.evaluation import SupplyTree, exact_figures

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Surroundings = tuple[Floats, Floats, Floats]

HOURS_PER_DAY = 24.0
DAYS_PER_YEAR = 365.0
_CENTRE_TAIL = 1e-5
_FSL_TAIL = 1e-5
_ROWS_AT_ONCE = 4_000


@dataclass(frozen=True)
class TwoLevelProblem:
    """Recipe A as plain arrays: location 0 is the centre, the others are its FSLs."""

    tree: SupplyTree
    unit_price: Floats
    """Shape (n_parts,): holding cost of one unit for a year, the same everywhere."""
    allowed_hours: Floats
    """Shape (n_fsls,): mean wait promised."""

    @classmethod
    def of(cls, network: ServiceNetwork, demand: DemandRates) -> TwoLevelProblem:
        (forest,) = network.forests
        if not (forest.parents[1:] == 0).all():
            raise ValueError("network must have one centre, first, and FSLs below it")
        parts = np.arange(network.n_parts)
        holding = network.holding_rates(parts)
        tree = SupplyTree(
            parents=forest.parents,
            own_rate=demand.aligned(network).per_year / DAYS_PER_YEAR,
            transit_days=network.transit_days(parts),
            repair_fraction=network.local_repair_fractions(parts),
            repair_days=network.local_repair_days(parts),
            rate_shape=np.full(network.n_parts, np.inf),
        )
        return cls(tree, network.parts["unit_cost"] * holding[:, 0], network.commitments["target"])

    @property
    def n_parts(self) -> int:
        return self.tree.n_parts

    @property
    def n_fsls(self) -> int:
        return self.tree.n_locations - 1

    @property
    def hours_per_late_unit(self) -> Floats:
        """Shape (n_fsls,): mean wait of an FSL per unit late there [hours/unit]."""
        return np.asarray(HOURS_PER_DAY / self.tree.own_rate[:, 1:].sum(axis=0))

    def cost(self, stock: Integers) -> float:
        """Holding cost of a stock [currency/year]."""
        return float((self.unit_price * stock.sum(axis=1)).sum())


@dataclass(frozen=True)
class ExactTables:
    """Per part, arrays with axes (stock of the centre, FSL, stock of the FSL)."""

    hours: list[Floats]
    """What the part adds to the mean wait of the FSL [hours]."""
    stockout: list[Floats]
    """Share of the FSL's demand that finds the shelf empty."""
    unready: list[Floats]
    """Share of time with a unit late at the FSL."""
    centre_stockout: list[Floats]
    """The same at the centre; axis (stock of the centre)."""
    centre_unready: list[Floats]

    @classmethod
    def of(cls, problem: TwoLevelProblem) -> ExactTables:
        centre, fsl = _table_sizes(problem.tree)
        tables = cls(*([np.zeros(0)] * problem.n_parts for _ in range(5)))
        order = np.lexsort((fsl, centre))
        start = 0
        while start < len(order):
            stop = start + 1
            while (
                stop < len(order) and _rows(centre, fsl, order[start : stop + 1]) <= _ROWS_AT_ONCE
            ):
                stop += 1
            tables._fill(problem, order[start:stop], centre, fsl)
            start = stop
        return tables

    def _fill(
        self, problem: TwoLevelProblem, parts: Integers, centre: Integers, fsl: Integers
    ) -> None:
        """Evaluate all pairs of stock of some parts, of the sizes of the largest of them."""
        n0, n1 = int(centre[parts].max()), int(fsl[parts].max())
        part, at_centre, at_fsl = np.indices((len(parts), n0, n1)).reshape(3, -1)
        stock = np.repeat(at_fsl[:, np.newaxis], problem.tree.n_locations, axis=1)
        stock[:, 0] = at_centre
        figures = exact_figures(_rows_of(problem.tree, parts[part]), stock)
        shape = (len(parts), n0, n1, problem.n_fsls)
        hours = figures.expected_backorders[:, 1:] * problem.hours_per_late_unit
        by_fsl = [
            array.reshape(shape).swapaxes(2, 3)
            for array in (hours, figures.stockout[:, 1:], figures.unready[:, 1:])
        ]
        by_centre = [
            array[:, 0].reshape(len(parts), n0, n1)[:, :, 0]
            for array in (figures.stockout, figures.unready)
        ]
        for i, p in enumerate(parts.tolist()):
            self.hours[p], self.stockout[p], self.unready[p] = (array[i] for array in by_fsl)
            self.centre_stockout[p], self.centre_unready[p] = (array[i] for array in by_centre)

    def around(self, parts: Integers, stock: Integers, step: int) -> Surroundings:
        """Hours at the stock of some parts, and one unit further."""
        return hours_around(self.hours, parts, stock, step)

    def wait_hours(self, stock: Integers) -> Floats:
        """Mean wait of every FSL under a stock [hours]."""
        fsls = np.arange(stock.shape[1] - 1)
        hours = np.zeros(len(fsls))
        for table, row in zip(self.hours, stock, strict=True):
            hours += table[row[0], fsls, row[1:]]
        return hours


class ExactMoves:
    """The same hours in tables that grow with the stock of a search: for large instances.

    Parameters
    ----------
    problem
        The instance; tables begin at its mean pipelines.
    """

    def __init__(self, problem: TwoLevelProblem) -> None:
        self.problem = problem
        self.hours: list[Floats] = [np.zeros((0, problem.n_fsls, 0))] * problem.n_parts
        pipeline = problem.tree.pipeline()
        self._extend(
            np.arange(problem.n_parts),
            _beyond(pipeline[:, 0]),
            _beyond(pipeline[:, 1:].max(axis=1, initial=0.0)),
        )

    def around(self, parts: Integers, stock: Integers, step: int) -> Surroundings:
        """What some parts add to the mean wait of every FSL, now and a unit further.

        Parameters
        ----------
        parts, stock
            Parts, and their stock of shape (len(parts), 1 + n_fsls).
        step
            1 or -1: a unit more or less.

        Returns
        -------
        tuple of ndarray, each of shape (len(parts), n_fsls)
            Hours as it is; with each FSL's own stock changed; with the centre's. NaN below 0.
        """
        sizes = np.array([self.hours[p].shape for p in parts.tolist()])
        n0, n1 = stock[:, 0] + 2, stock[:, 1:].max(axis=1) + 2
        short = (n0 > sizes[:, 0]) | (n1 > sizes[:, 2])
        if short.any():
            grown = np.maximum(n0, sizes[:, 0]) + 1, np.maximum(n1, sizes[:, 2]) + 1
            self._extend(parts[short], grown[0][short], grown[1][short])
        return hours_around(self.hours, parts, stock, step)

    def _extend(self, parts: Integers, centre: Integers, fsl: Integers) -> None:
        """Make tables of some parts anew, of the given sizes or a little larger."""
        order = np.lexsort((fsl, centre))
        start = 0
        while start < len(order):
            stop = start + 1
            while (
                stop < len(order) and _rows(centre, fsl, order[start : stop + 1]) <= _ROWS_AT_ONCE
            ):
                stop += 1
            some = order[start:stop]
            tables = self._tables(parts[some], int(centre[some].max()), int(fsl[some].max()))
            for p, table in zip(parts[some].tolist(), tables, strict=True):
                self.hours[p] = table
            start = stop

    def _tables(self, parts: Integers, n0: int, n1: int) -> Floats:
        """Hours of all pairs of stock, axes (part, stock of the centre, FSL, stock of the FSL)."""
        part, at_centre, at_fsl = np.indices((len(parts), n0, n1)).reshape(3, -1)
        stock = np.repeat(at_fsl[:, np.newaxis], self.problem.tree.n_locations, axis=1)
        stock[:, 0] = at_centre
        figures = exact_figures(_rows_of(self.problem.tree, parts[part]), stock)
        hours = figures.expected_backorders[:, 1:] * self.problem.hours_per_late_unit
        return np.ascontiguousarray(hours.reshape(len(parts), n0, n1, -1).swapaxes(2, 3))


def hours_around(tables: list[Floats], parts: Integers, stock: Integers, step: int) -> Surroundings:
    """Hours by tables at the stock of some parts, and one unit further; NaN beyond a table."""
    found = np.full((3, len(parts), stock.shape[1] - 1), np.nan)
    fsls = np.arange(stock.shape[1] - 1)
    for i, p in enumerate(parts.tolist()):
        table, s0, at = tables[p], int(stock[i, 0]), stock[i, 1:]
        found[0, i] = table[s0, fsls, at]
        inside = (at + step >= 0) & (at + step < table.shape[2])
        found[1, i, inside] = table[s0, fsls[inside], at[inside] + step]
        if 0 <= s0 + step < table.shape[0]:
            found[2, i] = table[s0 + step, fsls, at]
    return found[0], found[1], found[2]


def _beyond(mean: Floats) -> Integers:
    """Stocks to begin with: up to a little above a mean pipeline."""
    return np.ceil(mean + np.sqrt(mean)).astype(np.int64) + 2


def _rows(centre: Integers, fsl: Integers, parts: Integers) -> int:
    return int(len(parts) * centre[parts].max() * fsl[parts].max())


def _rows_of(tree: SupplyTree, rows: Integers) -> SupplyTree:
    return replace(
        tree,
        own_rate=tree.own_rate[rows],
        transit_days=tree.transit_days[rows],
        repair_fraction=tree.repair_fraction[rows],
        repair_days=tree.repair_days[rows],
        rate_shape=tree.rate_shape[rows],
    )


def _table_sizes(tree: SupplyTree) -> tuple[Integers, Integers]:
    """Numbers of stocks per part at the centre and at its FSLs, from far Poisson quantiles."""
    pipeline = tree.pipeline()
    worst = pipeline[:, 1:] + tree.share[:, 1:] * pipeline[:, :1]
    return (
        poisson_quantile(pipeline[:, 0], _CENTRE_TAIL) + 3,
        poisson_quantile(worst.max(axis=1), _FSL_TAIL) + 3,
    )


def poisson_quantile(mean: Floats, tail: float) -> Integers:
    """Smallest count that a Poisson variable exceeds with at most probability ``tail``."""
    return np.ceil(np.nan_to_num(pdtrik(1.0 - tail, mean))).clip(min=0.0).astype(np.int64)
