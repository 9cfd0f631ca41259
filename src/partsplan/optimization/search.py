"""Price search over blocks: the tables of a block, kept between passes, and its best columns.

Tables are built once and grow only where a lower bound shows that a longer table could matter,
so every pass returns exact values and a bound that holds for all stocks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.model import PartBlock
from partsplan.optimization.building import build_tables
from partsplan.optimization.choices import (
    FamilyChoice,
    chosen_stock,
    figures_of_rows,
    short_grids,
)
from partsplan.optimization.columns import Columns
from partsplan.optimization.grids import first_grids
from partsplan.optimization.pricing import PriceSearch
from partsplan.optimization.problem import PlanningProblem
from partsplan.optimization.tables import Family

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

StockBounds = tuple[Integers, Floats]
"""Fewest and most units, each of shape (n_parts, n_locations)."""

_OWNED_PRICE_SHARES = 2.0 ** -np.arange(0.0, 11.0)


class BlockSearch:
    """The price search of one block, with the tables it keeps."""

    def __init__(self, problem: PlanningProblem, block: PartBlock) -> None:
        self.problem = problem
        self.block = block
        self.windows = list(block.weights.windows)
        self.unit_price = problem.unit_price(block.parts)
        self.owned = problem.owned(block.parts)
        self.limits = problem.lowest(block.parts), problem.highest(block.parts)
        self.fixed_use = block.weights.fixed_use()[:, problem.kept]
        self.grids = first_grids(block.tree, self.limits[0])
        self._tables: Family | None = None

    @property
    def tables(self) -> Family:
        """Figures of all tabulated stocks."""
        if self._tables is None:
            self._tables = build_tables(self.problem.evaluation, self.block, self.grids)
        return self._tables

    def best(
        self, price: Floats, tolerance: float, limits: StockBounds | None = None
    ) -> tuple[Columns, Floats]:
        """Best column of every part, and a lower bound of its cost and penalties.

        Parameters
        ----------
        price
            Price of one unit of use of every kept promise.
        tolerance
            Relative difference between value and lower bound above which tables grow.
        limits
            Fewest and most units, where they are narrower than the problem's.

        Returns
        -------
        tuple
            Columns (several per part where owned units cost nothing), and bounds (n_parts,).
        """
        limits = limits or self.limits
        if not self.owned.any():
            choice = self.searched(price, self.unit_price, tolerance, limits)
            return self.columns(chosen_stock(choice, self.grids)), choice.low
        return self._best_with_owned(price, tolerance, limits)

    def _best_with_owned(
        self, price: Floats, tolerance: float, limits: StockBounds
    ) -> tuple[Columns, Floats]:
        """Bound with owned units free: for any share t, cost >= t * price * (units - owned)."""
        found: list[Columns] = []
        low = np.full(len(self.owned), -np.inf)
        unit = self.unit_price.max(axis=1)
        for share in _OWNED_PRICE_SHARES:
            choice = self.searched(price, self.unit_price * share, tolerance, limits)
            found.append(self.columns(chosen_stock(choice, self.grids)))
            low = np.maximum(low, choice.low - share * unit * self.owned)
            if (found[-1].stock.sum(axis=1) >= self.owned).all():
                break
        return Columns.joined(found), low

    def searched(
        self, price: Floats, unit_price: Floats, tolerance: float, limits: StockBounds
    ) -> FamilyChoice:
        """Values of all tabulated stocks, the tables grown until the lower bound is tight."""
        full_price = np.zeros(self.problem.model.n_promises)
        full_price[self.problem.kept] = price
        while True:
            choice = PriceSearch(self.block, self.grids, self.tables, unit_price, limits).search(
                full_price
            )
            loose = ~(choice.value - choice.low <= tolerance * np.abs(choice.low))
            if not loose.any():
                return choice
            self._grow(choice, np.flatnonzero(loose))

    def _grow(self, choice: FamilyChoice, parts: Integers) -> None:
        self.grids = self.grids.grown(*short_grids(choice, parts))
        self._tables = None

    def columns(self, stock: Integers) -> Columns:
        """Columns of one tabulated stock vector per part of the block."""
        return self.columns_of_rows(np.arange(len(stock)), stock)

    def columns_of_rows(self, rows: Integers, stock: Integers) -> Columns:
        """Columns of tabulated stocks; ``rows`` are places in the block, in any order."""
        backorders, stockout, late = figures_of_rows(
            self.tables, self.grids, rows, stock, self.windows
        )
        rate = self.block.tree.rate[rows]
        wait = np.divide(backorders, rate, out=np.zeros_like(rate), where=rate > 0)
        weights = self.block.weights.of_parts(rows)
        uses = weights.uses(stock, wait, stockout, late)[:, self.problem.kept]
        parts = self.block.parts[rows]
        return Columns(parts, stock, self.problem.cost(parts, stock), uses - self.fixed_use[rows])
