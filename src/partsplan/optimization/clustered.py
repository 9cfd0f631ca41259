"""Tables of clustered roots: the exact figures of every tabulated stock, put in place of Poisson's.

A root that supplies nobody with a part has a law of its own (negative binomial), so its rows of
the tables come straight from the kernel of the evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from partsplan.evaluation.orders import clustered_moments
from partsplan.evaluation.supply import SupplyTree
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.grids import Grids
from partsplan.optimization.lots import position_lots
from partsplan.optimization.tables import OUTSIDE, Family, Figures


def with_clustered_roots(
    tables: Family, tree: SupplyTree, grids: Grids, windows: tuple[tuple[int, float], ...]
) -> Family:
    """The tables with the rows of clustered roots replaced."""
    if not tree.clustered_roots.any():
        return tables
    roots = _ClusteredRoots(tree, grids, windows)
    leaves = tables.leaves
    figures = leaves.figures
    for place, location in enumerate(leaves.locations):
        own = roots.replaced(location, figures.of_leaf(place))
        figures = figures.mapped(np.copy, np.copy)
        figures.backorders[..., place, :] = own.backorders
        if figures.stockout is not None and own.stockout is not None:
            figures.stockout[..., place, :] = own.stockout
        figures = replace(figures, late=own.late)
    branches = tuple(
        replace(branch, figures=roots.replaced(branch.location, branch.figures))
        for branch in tables.branches
    )
    return Family(replace(leaves, figures=figures), branches)


@dataclass(frozen=True, eq=False)
class _ClusteredRoots:
    """Figures of the clustered roots of a block."""

    tree: SupplyTree
    grids: Grids
    windows: tuple[tuple[int, float], ...]

    def replaced(self, root: int, figures: Figures) -> Figures:
        """Figures of one root, axes (part, stock), with its clustered parts' own."""
        parts = np.flatnonzero(self.tree.clustered_roots[:, root])
        stock = self.grids.of(root, OUTSIDE)[parts]
        if root in self.grids.branch:  # the endless stock is put back by `_put`
            stock = np.concatenate([stock, stock[:, -1:]], axis=1)
        late_units, stockout = self._at(root, parts, stock, 0.0)
        late = dict(figures.late)
        for window, (location, days) in enumerate(self.windows):
            if location == root:
                is_waiting = self.tree.pipeline(days)[parts, root] > 0
                shares = self._at(root, parts, stock, days)[1] * is_waiting[:, None]
                late[window] = self._put(root, figures.late[window], parts, shares)
        table = figures.stockout
        return Figures(
            self._put(root, figures.backorders, parts, late_units),
            None if table is None else self._put(root, table, parts, stockout),
            late,
        )

    def _at(
        self, root: int, parts: Integers, stock: Integers, days: float
    ) -> tuple[Floats, Floats]:
        """Late units and share of units short of the shelf, of what came ``days`` or longer ago."""
        mean = np.repeat(self.tree.pipeline(days)[parts, root], stock.shape[1])
        extra = np.repeat(self.tree.clustering[parts, root], stock.shape[1])
        lots = position_lots(self.tree.lots_at(root)[parts], stock).ravel()
        figures = clustered_moments(stock.ravel(), mean, mean * extra, extra, lots)
        return (
            figures.expected_backorders.reshape(stock.shape),
            figures.stockout.reshape(stock.shape),
        )

    def _put(self, root: int, table: Floats, parts: Integers, rows: Floats) -> Floats:
        """The table with other rows; the endless stock of a location with children stays."""
        changed = table.copy()
        changed[parts] = rows
        if root in self.grids.branch:
            changed[parts, -1] = table[parts, -1]
        return changed
