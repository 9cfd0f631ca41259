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

    def wait_hours(self, stock: Integers) -> Floats:
        """Mean wait of every FSL under a stock [hours]."""
        fsls = np.arange(stock.shape[1] - 1)
        hours = np.zeros(len(fsls))
        for table, row in zip(self.hours, stock, strict=True):
            hours += table[row[0], fsls, row[1:]]
        return hours


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
