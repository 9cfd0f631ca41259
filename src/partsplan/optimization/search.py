"""Price search over blocks: the tables of a block, kept between passes, and its best columns.

Tables are built once and grow only where a lower bound shows that a longer table could matter,
so every pass returns exact values and a bound that holds for all stocks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.model import PartBlock
from partsplan.evaluation.uncertainty import rate_nodes
from partsplan.optimization.columns import Columns
from partsplan.optimization.moment_tables import MomentTableBuilder
from partsplan.optimization.pricing import (
    FamilyChoice,
    PriceSearch,
    chosen_stock,
    figures_of_rows,
    short_grids,
)
from partsplan.optimization.problem import PlanningProblem
from partsplan.optimization.tables import Family, Grids, TableBuilder, first_grids

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_OWNED_PRICE_SHARES = 2.0 ** -np.arange(0.0, 11.0)


class BlockSearch:
    """The price search of one block, with the tables it keeps."""

    def __init__(self, problem: PlanningProblem, block: PartBlock) -> None:
        self.problem = problem
        self.block = block
        self.windows = list(block.weights.windows)
        self.unit_price = problem.unit_price(block.parts)
        self.owned = problem.owned(block.parts)
        self.highest = problem.highest(block.parts)
        self.fixed_use = block.weights.fixed_use()[:, problem.kept]
        self.grids = first_grids(block.tree, problem.lowest(block.parts))
        self._tables: Family | None = None

    @property
    def tables(self) -> Family:
        """Figures of all tabulated stocks."""
        if self._tables is None:
            self._tables = build_tables(self.problem.evaluation, self.block, self.grids)
        return self._tables

    def best(self, price: Floats, tolerance: float) -> tuple[Columns, Floats]:
        """Best column of every part, and a lower bound of its cost and penalties.

        Parameters
        ----------
        price
            Price of one unit of use of every kept promise.
        tolerance
            Relative difference between value and lower bound above which tables grow.

        Returns
        -------
        tuple
            Columns (several per part where owned units cost nothing), and bounds (n_parts,).
        """
        if not self.owned.any():
            choice = self._searched(price, self.unit_price, tolerance)
            return self.columns(chosen_stock(choice, self.grids)), choice.low
        return self._best_with_owned(price, tolerance)

    def _best_with_owned(self, price: Floats, tolerance: float) -> tuple[Columns, Floats]:
        """Bound with owned units free: for any share t, cost >= t * price * (units - owned)."""
        found: list[Columns] = []
        low = np.full(len(self.owned), -np.inf)
        unit = self.unit_price.max(axis=1)
        for share in _OWNED_PRICE_SHARES:
            choice = self._searched(price, self.unit_price * share, tolerance)
            found.append(self.columns(chosen_stock(choice, self.grids)))
            low = np.maximum(low, choice.low - share * unit * self.owned)
            if (found[-1].stock.sum(axis=1) >= self.owned).all():
                break
        return Columns.joined(found), low

    def _searched(self, price: Floats, unit_price: Floats, tolerance: float) -> FamilyChoice:
        full_price = np.zeros(self.problem.model.n_promises)
        full_price[self.problem.kept] = price
        while True:
            choice = PriceSearch(
                self.block, self.grids, self.tables, unit_price, self.highest
            ).search(full_price)
            loose = choice.value - choice.low > tolerance * np.abs(choice.value)
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
        """Columns of tabulated stock vectors of any of the block's parts (by place in the block)."""
        backorders, stockout, late = figures_of_rows(
            self.tables, self.grids, rows, stock, self.windows
        )
        rate = self.block.tree.rate[rows]
        wait = np.divide(backorders, rate, out=np.zeros_like(rate), where=rate > 0)
        weights = self.block.weights.of_parts(rows)
        uses = weights.uses(stock, wait, stockout, late)[:, self.problem.kept]
        parts = self.block.parts[rows]
        return Columns(
            parts, stock, self.problem.cost(parts, stock), uses - self.fixed_use[rows]
        )


def build_tables(evaluation: str, block: PartBlock, grids: Grids) -> Family:
    """Tables of a block under an evaluation method; uncertain rates are mixed over their values."""
    windows = block.weights.windows
    if evaluation != "exact":
        return MomentTableBuilder(block.tree, grids, windows, evaluation).build()
    if np.isinf(block.tree.rate_shape).all():
        return TableBuilder(block.tree, grids, windows).build()
    raise NotImplementedError
