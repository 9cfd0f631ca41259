"""Late units of every tabulated stock by METRIC or VARI-METRIC.

Moments have no law that could be multiplied with: in every context (the stocks above) the mean
and variance of a pipeline follow from those of the late units above, and one negative binomial
law gives the late units of all stocks listed. Contexts are worked one by one, so that what is
worked at once fits the cache of a core.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from partsplan.evaluation.moments import Clustering, LateUnits, MomentMethod, pipeline_moments
from partsplan.evaluation.negative_binomial import moments_of_stock
from partsplan.evaluation.sharing import late_unit_shares
from partsplan.evaluation.supply import SupplyTree
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.grids import Grids
from partsplan.optimization.lots import over_positions, position_lots
from partsplan.optimization.tables import OUTSIDE, Branch, Family, Figures, Leaves

_LEFT_OUT = 1e-18
"""Units late beyond the counts that a law is written down for."""
_LARGEST_MEAN = 500.0
"""Above it P(X = 0) is too small to begin a law with."""
_CELLS = 24_000
"""Pipelines worked at once; some thirty probabilities of each fit the cache of a core."""


def moment_tables(
    evaluation: MomentMethod, tree: SupplyTree, grids: Grids, shares: Family | None
) -> Family:
    """Tables of a block whose late units come from moments.

    Parameters
    ----------
    evaluation
        "vari_metric" or "metric".
    tree, grids
        The block and the stocks to tabulate.
    shares
        Exact tables that shares of demand are taken from; None where no promise weighs any.
    """
    tables = _MomentTables(evaluation, tree, grids)
    return tables.family(OUTSIDE, tables.outside(), shares)


@dataclass(frozen=True)
class _Contexts:
    """What is late above in every context, the contexts of all locations above in one axis."""

    sizes: tuple[int, ...]
    """Number of stocks of every location above, endless stock counted."""
    late: tuple[LateUnits, ...]
    """By size bias of an uncertain rate; arrays of shape (n_parts, n_contexts)."""
    shares: tuple[Floats, ...] | None = None
    """By size bias, shares of the late units: (n_parts, n_contexts, n_children); None: demand's."""

    @property
    def n(self) -> int:
        """Number of contexts."""
        return int(np.prod(self.sizes, dtype=np.int64))


class _MomentTables:
    """Late units of all stocks, from the roots down."""

    def __init__(self, evaluation: MomentMethod, tree: SupplyTree, grids: Grids) -> None:
        self.tree = tree
        self.grids = grids
        self.pipeline = tree.pipeline()
        self.has_variance = evaluation == "vari_metric"
        known = np.full(tree.n_parts, np.inf)
        self.rate_shape = tree.rate_shape if self.has_variance else known
        self.is_known = bool(np.isinf(self.rate_shape).all())
        self.is_clustered = self.has_variance and tree.is_clustered
        self.height = self._heights()

    def _heights(self) -> Integers:
        """Replenishment steps below every location."""
        height = np.zeros(self.tree.n_locations, dtype=np.int64)
        for j in reversed(self.tree.order):
            parent = int(self.tree.parents[j])
            if parent >= 0:
                height[parent] = max(height[parent], 1 + height[j])
        return height

    def _n_biases(self, height: int) -> int:
        """Size biases of the rate that a location asks the one above for, and the unbiased one."""
        return 1 if self.is_known else height + 1

    def outside(self) -> _Contexts:
        """Nothing is late outside."""
        none = np.zeros((self.tree.n_parts, 1))
        late = LateUnits(none, none, none)
        return _Contexts((), (late,) * self._n_biases(int(self.height.max(initial=0))))

    def family(self, parent: int, above: _Contexts, shares: Family | None) -> Family:
        """Tables of the locations with one parent; ``shares`` has what is not late units."""
        tree = self.tree
        members = np.flatnonzero(tree.parents == parent).tolist()
        leaves = tuple(at for at in members if not tree.children[at])
        inner = [at for at in members if tree.children[at]]
        given = [None] * len(inner) if shares is None else list(shares.branches)
        branches = tuple(self._branch(at, above, one) for at, one in zip(inner, given, strict=True))
        figures = Figures(self._leaf_units(parent, leaves, above), None, {})
        if shares is not None:
            figures = replace(shares.leaves.figures, backorders=figures.backorders)
        return Family(Leaves(leaves, figures), branches)

    def _branch(self, location: int, above: _Contexts, shares: Branch | None) -> Branch:
        contexts = self._contexts_below(location, above)
        late = contexts.late[0].mean.reshape(-1, *contexts.sizes)
        figures = Figures(late, None, {})
        if shares is not None:
            figures = replace(shares.figures, backorders=late)
        below = None if shares is None else shares.family
        return Branch(location, figures, self.family(location, contexts, below))

    def _contexts_below(self, location: int, above: _Contexts) -> _Contexts:
        """Late units of a location at every stock listed and at endless stock."""
        lists = self.grids.branch[location]
        means, variances, shares = [], [], []
        stock = np.broadcast_to(lists[:, None], (len(lists), above.n, lists.shape[1]))
        for bias in range(self._n_biases(int(self.height[location]))):
            moments = self._moments([location], above, bias, slice(None), slice(None))
            mean, excess = (np.broadcast_to(m, stock.shape) for m in moments)
            late = self._late_units(location, stock, mean, excess)
            means.append(_with_endless(late.mean))
            variances.append(_with_endless(late.variance))
            if self.is_clustered:
                shares.append(self._shares_below(location, stock, mean, excess))
        biased = means if self.is_known else means[1:]
        late_units = [LateUnits(*each) for each in zip(means, variances, biased, strict=False)]
        sizes = (*above.sizes, lists.shape[1] + 1)
        return _Contexts(sizes, tuple(late_units), tuple(shares) if shares else None)

    def _late_units(
        self, location: int, stock: Integers, mean: Floats, excess: Floats
    ) -> LateUnits:
        """Mean and variance of the units late; all of the shape of the stock, parts first."""
        lots = self.tree.lots_at(location)
        positions = position_lots(lots, stock).ravel() if (lots > 1).any() else None
        figures = moments_of_stock(stock.ravel(), mean.ravel(), excess.ravel(), positions)
        late = figures.expected_backorders.reshape(stock.shape)
        if not self.has_variance:
            return LateUnits(late, late, late)  # every law is taken for Poisson
        return LateUnits(late, figures.backorder_variance.reshape(stock.shape), late)

    def _shares_below(self, location: int, stock: Integers, mean: Floats, excess: Floats) -> Floats:
        """Shares of the late units that are for each child; with endless stock nothing is late."""
        n, n_contexts, size = stock.shape
        rows = self.tree.of_parts(np.repeat(np.arange(n), n_contexts * size))
        shares = late_unit_shares(rows, location, stock.ravel(), mean.ravel(), excess.ravel())
        shares = shares.reshape(n, n_contexts, size, -1)
        endless = np.zeros((n, n_contexts, 1, shares.shape[-1]))
        return np.concatenate([shares, endless], axis=2).reshape(n, n_contexts * (size + 1), -1)

    def _moments(
        self, places: list[int], above: _Contexts, bias: int, parts: slice, contexts: slice
    ) -> tuple[Floats, Floats]:
        """Mean and excess of the pipelines of locations with one parent: (part, context, place)."""
        late = above.late[bias]
        above_here = LateUnits(
            late.mean[parts, contexts, None],
            late.variance[parts, contexts, None],
            late.biased_mean[parts, contexts, None],
        )
        share, clustering = self.tree.share[parts, None][..., places], None
        if self.is_clustered:
            parent = int(self.tree.parents[places[0]])
            if above.shares is not None:
                chosen = [self.tree.children[parent].index(place) for place in places]
                share = above.shares[bias][parts, contexts][..., chosen]
            clustering = Clustering(
                self.tree.clustering[parts, None, [parent]],
                self.tree.order_clustering[parts, None][..., places],
                self.tree.pipeline_excess()[parts, None][..., places],
            )
        own = self.pipeline[parts, None][..., places], share
        shape = self.rate_shape[parts, None, None]
        return pipeline_moments(own, above_here, shape, bias, clustering)

    def _leaf_units(self, parent: int, leaves: tuple[int, ...], above: _Contexts) -> Floats:
        """Late units of the childless locations below a parent: (part, context..., leaf, stock)."""
        lists = self.grids.leaves[parent]
        n, n_leaves, size = lists.shape
        # stock by stock in memory, as the price search reads it
        late = np.zeros((size, n, above.n, n_leaves))
        for parts in _slices(n, _CELLS // max(n_leaves, 1)) if n_leaves else ():
            stock = lists[parts, None]
            lots = self.tree.asked_lots[parts, None][..., list(leaves)]
            for contexts in _slices(above.n, _CELLS // (n_leaves * len(stock))):
                mean, excess = self._moments(list(leaves), above, 0, parts, contexts)
                late[:, parts, contexts] = _listed_late_units(mean, excess, stock, lots)
        return np.moveaxis(late, 0, -1).reshape(n, *above.sizes, n_leaves, size)


def _with_endless(late: Floats) -> Floats:
    """Figures of (part, context, stock) with endless stock last, as (part, contexts below)."""
    longer = np.concatenate([late, np.zeros((*late.shape[:2], 1))], axis=2)
    return longer.reshape(len(late), -1)


def _slices(n: int, size: int) -> Iterator[slice]:
    """Consecutive slices of about equal sizes."""
    count = -(-n // max(size, 1))
    ends = np.linspace(0, n, count + 1).astype(np.int64).tolist()
    yield from (slice(start, end) for start, end in pairwise(ends))


def _listed_late_units(mean: Floats, excess: Floats, stock: Integers, lots: Integers) -> Floats:
    """E[(X - S)+] of negative binomial pipelines for lists of stocks.

    ``mean`` and ``excess`` have the axes (part, context, place) together, ``stock`` (part, 1,
    place, stock), ``lots`` (part, 1, place); the result (stock, part, context, place).
    """
    mean, excess = np.broadcast_arrays(mean, excess)
    shape, size = mean.shape, stock.shape[-1]
    listed = np.broadcast_to(np.moveaxis(stock, -1, 0), (size, *shape)).reshape(size, -1)
    mean, excess = mean.ravel(), excess.ravel()
    has_lots = bool((lots > 1).any())
    if mean.max(initial=0.0) > _LARGEST_MEAN:
        of_cells = np.broadcast_to(lots, shape).ravel()
        positions = position_lots(of_cells, listed.T).T.ravel() if has_lots else None
        figures = moments_of_stock(
            listed.ravel(), np.tile(mean, size), np.tile(excess, size), positions
        )
        return figures.expected_backorders.reshape(size, *shape)
    late = _late_units_at(mean, excess, 1 + int(stock.max(initial=0)))
    if has_lots:
        of_cells = np.broadcast_to(lots, shape).ravel()
        late = np.ascontiguousarray(over_positions(np.ascontiguousarray(late.T), of_cells).T)
    found = late.ravel()[listed * len(mean) + np.arange(len(mean))]
    return np.asarray(found.reshape(size, *shape))


def _late_units_at(mean: Floats, excess: Floats, size: int) -> Floats:
    r"""E[(X - S)+] for S = 0 .. size - 1, shape (size, n), by sums from the far end.

    :math:`p(k + 1) / p(k) = (m^2 / v + q k) / (k + 1)` with :math:`q = 1 - m / v`.
    """
    variance = np.maximum(mean + excess, 1e-300)
    a, q = mean * (mean / variance), excess / variance
    ratio = np.divide(excess, mean, out=np.zeros_like(mean), where=mean > 0)
    per_unit = np.divide(np.log1p(ratio), ratio, out=np.ones_like(mean), where=ratio > 0)
    law = [np.exp(-mean * per_unit)]
    while True:
        k = len(law) - 1
        step = q * k
        step += a
        step /= k + 1.0
        if len(law) > size and k % 4 == 0:
            room = 1.0 - np.maximum(step, q)  # later steps lie between this one and q
            left = law[-1] / np.maximum(room, 1e-100) ** 2
            if ((room > 0.0) & (left < _LEFT_OUT)).all():
                break
        step *= law[-1]
        law.append(step)
    late = np.empty((size, len(mean)))
    tail, units = np.zeros_like(mean), np.zeros_like(mean)
    for k in range(len(law) - 1, -1, -1):
        if k < size:
            late[k] = units
        tail += law[k]
        units += tail
    return late
