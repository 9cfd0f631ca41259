"""Exact laws down a forest with known rates: thinning and convolution, level by level.

Simon (1971) and Graves (1985): a location's pipeline is its share of the parent's backorders,
binomial because backorders are filled first come first served, plus an independent Poisson count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.laws import (
    NEGLIGIBLE,
    UNDERFLOW,
    Law,
    StockMoments,
    backorder_law,
    count_law,
    lot_law,
    poisson_reach,
    similar_widths,
    stock_moments,
    sum_law,
    thinned_law,
)
from partsplan.evaluation.lazy import lazy
from partsplan.evaluation.supply import Floats, Integers, depths


@dataclass(frozen=True)
class Chain:
    """Known rates: pipelines and shares of one forest, one row per part (or part and factor).

    A node is a location, or a location seen some time later (for waiting times). All arrays but
    ``parents`` have the shape (n_rows, n_nodes).

    Parameters
    ----------
    parents
        Shape (n_nodes,): position of the node above, -1 at a root.
    pipeline
        Mean of the Poisson part of the pipeline [units].
    share
        Share of the parent's backorders that are for this node.
    stock
        Base-stock levels [units].
    lots
        Units per order, above 1 at nodes without one above only; None: one for one everywhere.
    """

    parents: Integers
    pipeline: Floats
    share: Floats
    stock: Integers
    lots: Integers | None = None

    def rows(self, positions: Integers, factor: Floats) -> Chain:
        """Some rows, with their demand multiplied by a factor."""
        return Chain(
            self.parents,
            self.pipeline[positions] * factor[:, np.newaxis],
            self.share[positions],
            self.stock[positions],
            None if self.lots is None else self.lots[positions],
        )

    @lazy
    def levels(self) -> tuple[Integers, ...]:
        """Nodes by depth."""
        depth = depths(self.parents)
        return tuple(np.flatnonzero(depth == d) for d in range(int(depth.max(initial=-1)) + 1))

    @lazy
    def stockless_mean(self) -> Floats:
        """Pipeline mean if no node above had any stock; bounds every law of the chain."""
        mean = self.pipeline.copy()
        for nodes in self.levels[1:]:
            mean[:, nodes] += self.share[:, nodes] * mean[:, self.parents[nodes]]
        return mean

    @lazy
    def is_live(self) -> NDArray[np.bool_]:
        """Whether a node, or one below it, ever has a unit in its pipeline."""
        live = self.stockless_mean > 0
        for nodes in reversed(self.levels[1:]):
            for node in nodes:
                live[:, self.parents[node]] |= live[:, node]
        return live

    @lazy
    def top(self) -> Integers:
        """Largest count that matters at a node, for itself and for all nodes below.

        Given that node j is short, its pipeline exceeds the stock by 1 and at most a Poisson
        count with its stockless mean; other nodes' backorders add at most another one. Where
        orders come in lots, counts are those of `lot_law`.
        """
        mean = self.stockless_mean
        below_stock = 0 if self.lots is None else self.lots - 1
        most = self._reach(mean, np.zeros_like(mean), UNDERFLOW) + below_stock
        base = self.stock.astype(np.float64) + 1.0
        spread = mean.copy()
        top = self._reach(mean, self.stock.astype(np.float64)) + below_stock
        for nodes in reversed(self.levels[1:]):
            live = self.is_live[:, nodes]
            others = mean[:, self.parents[nodes]] * (1.0 - self.share[:, nodes])
            below = np.where(live, base[:, nodes], 0.0)
            excess = np.where(live, spread[:, nodes] + others, 0.0)
            nothing = np.zeros_like(excess)
            jointly = below + self._reach(excess, nothing, nodes=nodes)
            apart = top[:, nodes] + self._reach(others, nothing, nodes=nodes)
            needed = np.where(live, np.minimum(jointly, apart), 0.0).astype(np.int64)
            for i, parent in enumerate(self.parents[nodes]):
                stock = self.stock[:, parent]
                base[:, parent] = np.maximum(base[:, parent], stock + below[:, i])
                spread[:, parent] = np.maximum(spread[:, parent], excess[:, i])
                top[:, parent] = np.maximum(top[:, parent], stock + needed[:, i])
            top = np.minimum(top, most)
            base = np.minimum(base, top)
        return np.asarray(np.minimum(top, most))

    def _reach(
        self,
        mean: Floats,
        above: Floats,
        drop: float = NEGLIGIBLE,
        nodes: Integers | slice = slice(None),
    ) -> Integers:
        """`poisson_reach` at live nodes, 0 at others: where nobody asks nothing is computed."""
        live = self.is_live[:, nodes]
        reach = np.zeros(mean.shape, dtype=np.int64)
        reach[live] = poisson_reach(mean[live], above[live], drop)
        return reach


def chain_figures(chain: Chain) -> StockMoments:
    """Figures of every node of a chain, in blocks of rows of similar width."""
    figures = StockMoments.idle(chain.stock, chain.lots)
    if chain.stock.size == 0:
        return figures
    for rows in _blocks(chain):
        _evaluate_block(chain, rows, figures)
    return figures


def _blocks(chain: Chain) -> Iterator[Integers]:
    """Rows of the chain in blocks of similar width."""
    width = np.where(chain.is_live, chain.top + 1, 0).max(axis=1)
    return similar_widths(width, max(len(nodes) for nodes in chain.levels))


def _evaluate_block(chain: Chain, rows: Integers, figures: StockMoments) -> None:
    """Evaluate some rows level by level, keeping only the backorder laws of the level above."""
    above: Law | None = None
    column = np.full((len(chain.parents), len(rows)), -1)
    has_children = np.isin(np.arange(len(chain.parents)), chain.parents)
    for nodes in chain.levels:
        cell, at = np.nonzero(chain.is_live[np.ix_(rows, nodes)].T)
        node, row = nodes[cell], rows[at]
        parent_column = column[chain.parents[node], at]
        is_leaf = ~has_children[node]
        for some in similar_widths(np.where(is_leaf, chain.top[row, node] + 1, 0)):
            law = _pipeline_law(chain, row[some], node[some], above, parent_column[some])
            figures.put(
                (row[some], node[some]), stock_moments(law, chain.stock[row[some], node[some]])
            )
        inner = np.flatnonzero(~is_leaf)
        if inner.size == 0:
            return
        row, node = row[inner], node[inner]
        law = _pipeline_law(chain, row, node, above, parent_column[inner])
        stock = chain.stock[row, node]
        figures.put((row, node), stock_moments(law, stock))
        above = backorder_law(law, stock, np.maximum(chain.top[row, node] - stock, 0))
        column[node, at[inner]] = np.arange(inner.size)


def _pipeline_law(
    chain: Chain, row: Integers, node: Integers, above: Law | None, parent_column: Integers
) -> Law:
    """Laws of the pipelines of some cells, given the backorders of the level above.

    At the top, where orders come in lots, plus the units by which the position is below the stock.
    """
    top = chain.top[row, node]
    law = count_law(chain.pipeline[row, node], np.zeros(row.size), top)
    if above is None:
        return lot_law(law, None if chain.lots is None else chain.lots[row, node], top)
    received = thinned_law(above.columns(parent_column), chain.share[row, node], top)
    return sum_law(received, law, top)
