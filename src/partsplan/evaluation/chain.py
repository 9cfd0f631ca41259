"""Exact laws down a forest with known rates: thinning and convolution, level by level.

Simon (1971) and Graves (1985): a location's pipeline is its share of the parent's backorders,
binomial because backorders are filled first come first served, plus an independent Poisson count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.evaluation.laws import (
    BELOW,
    NEGLIGIBLE,
    UNDERFLOW,
    Law,
    StockMoments,
    backorder_law,
    count_law,
    lot_law,
    poisson_reach,
    short_stock_moments,
    similar_widths,
    stock_moments,
    sum_law,
    thinned_law,
)
from partsplan.evaluation.lazy import lazy
from partsplan.evaluation.supply import Floats, Integers, depths

_NEVER_MET = NEGLIGIBLE + 5.0
"""Log of the likelihood, relative to that of a shortage, of what is left out of its figures."""
_LONG = 100.0
"""Pipeline from which shorter laws are worth looking for."""
_MOSTLY = 2.0
"""Standard deviations by which a pipeline is above the stock where it is mostly short."""


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

    def of_rows(self, positions: Integers) -> Chain:
        """Some rows."""
        return Chain(
            self.parents,
            self.pipeline[positions],
            self.share[positions],
            self.stock[positions],
            None if self.lots is None else self.lots[positions],
        )

    def times(self, factor: Floats) -> Chain:
        """The same with the demand of each row multiplied by a factor."""
        return replace(self, pipeline=self.pipeline * factor[:, np.newaxis])

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
        count with its stockless mean; other nodes' backorders add at most another one. And a
        count that is never met is not met, either, given anything less rare. Where orders come
        in lots, counts are those of `lot_law`.
        """
        mean = self.stockless_mean
        below_stock = 0 if self.lots is None else self.lots - 1
        drop = np.minimum(UNDERFLOW, _NEVER_MET + self._rareness)
        most = self._reach(mean, np.zeros_like(mean), drop) + below_stock
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

    @property
    def _rareness(self) -> Floats:
        """Bound of -log P(X > S) at a node and all below; the most where laws are short anyway."""
        rareness = np.full(self.pipeline.shape, UNDERFLOW)
        rows = np.flatnonzero(self.stockless_mean.max(axis=1, initial=0.0) > _LONG)
        if len(rows):
            own: Floats = np.maximum(self.pipeline[rows], 1e-300)
            short = self.stock[rows].astype(np.float64) + 1.0
            least = np.where(short <= own, np.log(2.0), _log_poisson(short, own))
            least = np.where(self.is_live[rows], least, 0.0)
            for nodes in reversed(self.levels[1:]):
                np.maximum.at(least.T, self.parents[nodes], least.T[nodes])
            rareness[rows] = np.minimum(least, UNDERFLOW)
        return rareness

    def _reach(
        self,
        mean: Floats,
        above: Floats,
        drop: Floats | float = NEGLIGIBLE,
        nodes: Integers | slice = slice(None),
    ) -> Integers:
        """`poisson_reach` at live nodes, 0 at others: where nobody asks nothing is computed."""
        live = self.is_live[:, nodes]
        reach = np.zeros(mean.shape, dtype=np.int64)
        drop = np.broadcast_to(drop, mean.shape)[live]
        reach[live] = poisson_reach(mean[live], above[live], drop)
        return reach


def _log_poisson(count: Floats, mean: Floats) -> Floats:
    """-log P(X = count) of Poisson laws: the tail from there on is at least as likely."""
    return np.asarray(mean - count * np.log(mean) + scipy.special.gammaln(count + 1.0))


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
        has_some_below = has_children[node]
        leaf, inner = np.flatnonzero(~has_some_below), np.flatnonzero(has_some_below)
        _put_leaves(chain, _Cells(row[leaf], node[leaf], above, parent_column[leaf]), figures)
        if inner.size == 0:
            return
        cells = _Cells(row[inner], node[inner], above, parent_column[inner])
        stock, top = chain.stock[cells.at], chain.top[cells.at]
        law = _pipeline_law(chain, cells, top)
        figures.put(cells.at, stock_moments(law, stock))
        above = backorder_law(law, stock, np.maximum(top - stock, 0))
        column[node[inner], at[inner]] = np.arange(inner.size)


@dataclass(frozen=True)
class _Cells:
    """Some nodes of some rows, with the backorders of the level above."""

    row: Integers
    node: Integers
    above: Law | None
    parent_column: Integers
    """Column of each one's parent in these backorders."""

    @property
    def at(self) -> tuple[Integers, Integers]:
        """Their place in arrays of a chain."""
        return self.row, self.node

    def of(self, some: Integers) -> _Cells:
        """Some of them."""
        return _Cells(self.row[some], self.node[some], self.above, self.parent_column[some])


def _put_leaves(chain: Chain, cells: _Cells, figures: StockMoments) -> None:
    """Figures of nodes that have none below, from laws as long as they ask."""
    stock, top = chain.stock[cells.at], chain.top[cells.at]
    is_short = np.zeros(len(top), dtype=np.bool_)
    if cells.above is not None and (top > _LONG).any():
        is_short = _put_short_leaves(chain, cells, cells.above, figures)
    for some in similar_widths(np.where(is_short, 0, top + 1)):
        leaves = cells.of(some)
        law = _pipeline_law(chain, leaves, top[some])
        figures.put(leaves.at, stock_moments(law, stock[some]))


def _put_short_leaves(
    chain: Chain, cells: _Cells, above: Law, figures: StockMoments
) -> NDArray[np.bool_]:
    """Figures of those that are mostly short, from what is left there; which ones they are.

    Nothing is left where as few units as the stock are never under way.
    """
    own, share, stock = chain.pipeline[cells.at], chain.share[cells.at], chain.stock[cells.at]
    parent = cells.row, chain.parents[cells.node]
    mean, variance = pipeline_moments(
        own, share, figures.expected_backorders[parent], figures.backorder_variance[parent]
    )
    is_short = (chain.top[cells.at] > _LONG) & (mean - stock > _MOSTLY * np.sqrt(variance))
    surely = own + share * above.start[cells.parent_column]
    is_empty = is_short & (_log_of_no_more(stock, surely) < -BELOW)
    for some in similar_widths(np.where(is_short & ~is_empty, stock + 1, 0)):
        short = cells.of(some)
        law = _pipeline_law(chain, short, stock[some])
        moments = short_stock_moments(law, stock[some], mean[some], variance[some])
        figures.put(short.at, moments)
    some = np.flatnonzero(is_empty)
    if len(some):
        nothing = Law(stock[some] + 1, np.zeros((1, len(some))))
        moments = short_stock_moments(nothing, stock[some], mean[some], variance[some])
        figures.put(cells.of(some).at, moments)
    return is_short


def _log_of_no_more(count: Integers, mean: Floats) -> Floats:
    """Chernoff's bound of log P(X <= count) of Poisson and binomial counts together."""
    k, mean = count.astype(np.float64), np.maximum(mean, 1e-300)
    return np.where(k < mean, k - mean - scipy.special.xlogy(k, k / mean), 0.0)


def pipeline_moments(
    own: Floats, share: Floats, backorders: Floats, variance: Floats
) -> tuple[Floats, Floats]:
    """Mean and variance of pipelines: Poisson with mean ``own``, and a share of backorders."""
    return (
        own + share * backorders,
        own + share * share * variance + share * (1.0 - share) * backorders,
    )


def _pipeline_law(chain: Chain, cells: _Cells, top: Integers) -> Law:
    """Laws of the pipelines of some cells up to a count.

    At the top, where orders come in lots, plus the units by which the position is below the stock.
    """
    own = chain.pipeline[cells.at]
    law = count_law(own, np.zeros(own.size), np.maximum(chain.top[cells.at], top))
    if cells.above is None:
        return lot_law(law, None if chain.lots is None else chain.lots[cells.at], top)
    above = cells.above.columns(cells.parent_column)
    return sum_law(thinned_law(above, chain.share[cells.at], top), law, top)
