"""The tables of a block with the lists they hold: made when first needed, refined where asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from partsplan.evaluation.measuring import Evaluation
from partsplan.evaluation.model import PartBlock
from partsplan.evaluation.supply import SupplyTree
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.block_problem import StockBounds
from partsplan.optimization.building import build_tables, figures_per_part
from partsplan.optimization.choices import figures_of_rows
from partsplan.optimization.clock import Clock
from partsplan.optimization.grids import Gap, Grids
from partsplan.optimization.holdings import Holdings
from partsplan.optimization.tables import Family, Weighed

_MOST_FIGURES = 30_000_000
"""Figures of one kind of a block up to which lists are made longer."""


class StockTables:
    """Figures of the listed stocks of a block; the lists change, the figures of a stock never.

    Parameters
    ----------
    evaluation
        How stocks are evaluated.
    block
        The parts.
    grids
        The lists to begin with.
    clock
        Cuts what takes too long, as `build_tables` has it.
    """

    def __init__(
        self, evaluation: Evaluation, block: PartBlock, grids: Grids, clock: Clock
    ) -> None:
        self.evaluation = evaluation
        self.block = block
        self.grids = grids
        self.clock = clock
        self._weighed = Weighed.of(block.weights)
        self._figures: Family | None = None
        self._held: tuple[Grids, Floats, StockBounds, Holdings] | None = None

    def holdings(self, unit_price: Floats, limits: StockBounds) -> Holdings:
        """What the listed stocks cost to hold; kept for the next call with the same arrays."""
        asked = (self.grids, unit_price, limits)
        if self._held is None or any(a is not b for a, b in zip(asked, self._held, strict=False)):
            self._held = (*asked, Holdings.of(*asked))
        return self._held[3]

    @property
    def figures(self) -> Family:
        """Figures of all listed stocks."""
        if self._figures is None:
            self._figures = self._built(self.block.tree, self.grids)
        return self._figures

    def copy(self) -> StockTables:
        """Tables of their own that begin with the same lists."""
        twin = StockTables(self.evaluation, self.block, self.grids, self.clock)
        twin._figures = self.figures.mapped(np.copy, np.copy)
        return twin

    def refine(self, gaps: Sequence[Gap]) -> bool:
        """List stocks in gaps; only the figures of the parts concerned are made again.

        Whether there was room for them: figures of fast movers below two levels of stock are a
        product of three long lists.
        """
        finer = self.grids.refined(gaps)
        tree = self.block.tree
        if tree.n_parts * figures_per_part(tree, finer) > _MOST_FIGURES:
            return False
        figures = self.figures
        self._figures = None  # made anew if they are left half changed
        self.grids = finer
        rows = np.unique(np.concatenate([gap.parts for gap in gaps]))
        fresh = self._built(self.block.tree.of_parts(rows), self.grids.of_parts(rows))
        self._figures = figures.with_parts(rows, fresh)
        return True

    def _built(self, tree: SupplyTree, grids: Grids) -> Family:
        return build_tables(self.evaluation, tree, grids, self._weighed, self.clock)

    def replace_lists(self, grids: Grids) -> None:
        """Begin anew with other lists."""
        self._figures = None
        self.grids = grids

    def of_rows(self, rows: Integers, stock: Integers) -> tuple[Floats, Floats, Floats]:
        """Late units, P(X >= S) and lateness of listed stocks; ``rows`` are places in the block."""
        windows = list(self.block.weights.windows)
        return figures_of_rows(self.figures, self.grids, rows, stock, windows)
