"""Late units of every tabulated stock by METRIC or VARI-METRIC.

Moments have no law that could be multiplied with: the mean and variance of every pipeline are
taken from the evaluation, once for all stocks of the locations above; one negative binomial law
then gives the late units of all stocks listed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from partsplan.evaluation.moments import MomentMethod, pipeline_moments
from partsplan.evaluation.negative_binomial import moments_of_stock
from partsplan.evaluation.supply import SupplyTree
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.grids import (
    Grids,
    clustered_reach,
    poisson_quantile,
    worst_pipelines,
)
from partsplan.optimization.lots import over_positions, position_lots
from partsplan.optimization.tables import OUTSIDE, Branch, Family, Figures, Leaves

_ENDLESS_TAIL = 1e-14
_LEFT_OUT = 1e-18
"""Units late beyond the counts that a law is written down for."""
_LARGEST_MEAN = 500.0
"""Above it P(X = 0) is too small to begin a law with."""


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
    return _MomentTables(evaluation, tree, grids).family(OUTSIDE, shares)


class _MomentTables:
    """Moments of all pipelines for every choice of stocks above them.

    All locations with children at one depth take their k-th tabulated stock at the same time, so
    one evaluation of (part, k at depth 0, k at depth 1, ...) serves every location.
    """

    def __init__(self, evaluation: MomentMethod, tree: SupplyTree, grids: Grids) -> None:
        self.tree = tree
        self.grids = grids
        self.children = tree.children
        self.sizes = self._sizes()
        rows = np.indices((tree.n_parts, *self.sizes)).reshape(1 + len(self.sizes), -1)
        stock = np.zeros((rows.shape[1], tree.n_locations), dtype=np.int64)
        endless = self._endless()
        for location, lists in grids.branch.items():
            place = rows[1 + tree.depth[location]]
            listed = lists[rows[0], np.minimum(place, lists.shape[1] - 1)]
            is_endless = place == lists.shape[1]
            stock[:, location] = np.where(is_endless, endless[rows[0], location], listed)
        moments = pipeline_moments(evaluation, tree.of_parts(rows[0]), stock)
        shape = (tree.n_parts, *self.sizes, tree.n_locations)
        self.mean, self.excess = (moment.reshape(shape) for moment in moments)

    def _sizes(self) -> tuple[int, ...]:
        """Entries of the longest list at every depth that has children below it."""
        sizes: dict[int, int] = {}
        for location, lists in self.grids.branch.items():
            depth = int(self.tree.depth[location])
            sizes[depth] = max(sizes.get(depth, 0), lists.shape[1] + 1)
        return tuple(sizes[depth] for depth in sorted(sizes))

    def _endless(self) -> Integers:
        tree = self.tree
        endless = 1 + poisson_quantile(4.0 * worst_pipelines(tree), _ENDLESS_TAIL)
        if tree.is_clustered:
            reach = clustered_reach(tree, np.full(tree.n_parts, 4.0))
            endless = np.maximum(endless, reach)
        return np.asarray(endless + tree.lots - 1)

    def family(self, parent: int, shares: Family | None) -> Family:
        """Tables of the locations with one parent."""
        members = self._members(parent)
        leaves = tuple(at for at in members if not self.children[at])
        inner = [at for at in members if self.children[at]]
        given = [None] * len(inner) if shares is None else list(shares.branches)
        branches = tuple(self._branch(at, one) for at, one in zip(inner, given, strict=True))
        lists = self.grids.leaves[parent]
        figures = Figures(self._late_units(leaves, lists, parent), None, {})
        if shares is not None:
            figures = replace(shares.leaves.figures, backorders=figures.backorders)
        return Family(Leaves(leaves, figures), branches)

    def _members(self, parent: int) -> tuple[int, ...]:
        if parent == OUTSIDE:
            return tuple(np.flatnonzero(self.tree.parents < 0).tolist())
        return tuple(self.children[parent])

    def _branch(self, location: int, shares: Branch | None) -> Branch:
        parent = int(self.tree.parents[location])
        late = self._late_units((location,), self.grids.branch[location][:, None], parent)
        late = late[..., 0, :]
        late = np.concatenate([late, np.zeros((*late.shape[:-1], 1))], axis=-1)
        figures = Figures(late, None, {})
        if shares is not None:
            figures = replace(shares.figures, backorders=late)
        below = None if shares is None else shares.family
        return Branch(location, figures, self.family(location, below))

    def _late_units(self, locations: tuple[int, ...], stock: Integers, parent: int) -> Floats:
        """Late units of some locations below one parent; axes (part, context..., place, stock)."""
        chosen = list(locations)
        mean = self._in_context(self.mean, parent)[..., chosen]
        excess = self._in_context(self.excess, parent)[..., chosen]
        shape = (*mean.shape, stock.shape[-1])
        if not chosen:
            return np.zeros(shape)
        flat = (len(mean), -1, len(chosen))
        lots = np.stack([self.tree.lots_at(location) for location in chosen], axis=1)
        late = _listed_late_units(mean.reshape(flat), excess.reshape(flat), stock, lots)
        return late.reshape(shape)

    def _in_context(self, moments: Floats, parent: int) -> Floats:
        """Moments by the stocks above the children of a parent; any below those will do."""
        path: list[int] = []
        while parent != OUTSIDE:
            path.append(parent)
            parent = int(self.tree.parents[parent])
        sizes = [self.grids.branch[at].shape[1] + 1 for at in reversed(path)]
        place = tuple(slice(0, size) for size in sizes) + (0,) * (len(self.sizes) - len(sizes))
        return np.asarray(moments[(slice(None), *place)])


def _listed_late_units(mean: Floats, excess: Floats, stock: Integers, lots: Integers) -> Floats:
    """E[(X - S)+] of negative binomial pipelines for lists of stocks.

    ``mean`` and ``excess`` have the axes (part, context, place), ``stock`` (part, place, stock),
    ``lots`` (part, place); the result (part, context, place, stock).
    """
    n, n_contexts, n_places = mean.shape
    listed = np.broadcast_to(stock[:, None], (*mean.shape, stock.shape[-1]))
    if mean.max(initial=0.0) > _LARGEST_MEAN:
        size = stock.shape[-1]
        means, excesses = np.repeat(mean.ravel(), size), np.repeat(excess.ravel(), size)
        positions = None
        if (lots > 1).any():
            positions = position_lots(lots[:, None, :, None], listed).ravel()
        figures = moments_of_stock(listed.ravel(), means, excesses, positions)
        return figures.expected_backorders.reshape(listed.shape)
    late = _late_units_at(mean.ravel(), excess.ravel(), 1 + int(stock.max(initial=0)))
    if (lots > 1).any():
        by_cell = np.broadcast_to(lots[:, None], mean.shape).ravel()
        late = over_positions(np.ascontiguousarray(late.T), by_cell).T
    cell = np.arange(mean.size).reshape(n, n_contexts, n_places, 1)
    return np.asarray(late.ravel()[listed * mean.size + cell])


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
        step = (a + q * k) / (k + 1.0)
        if len(law) > size and k % 4 == 0:
            room = 1.0 - np.maximum(step, q)  # later steps lie between this one and q
            left = law[-1] / np.maximum(room, 1e-300) ** 2
            if ((room > 0.0) & (left < _LEFT_OUT)).all():
                break
        law.append(law[-1] * step)
    late = np.empty((size, len(mean)))
    tail, units = np.zeros_like(mean), np.zeros_like(mean)
    for k in range(len(law) - 1, -1, -1):
        if k < size:
            late[k] = units
        tail += law[k]
        units += tail
    return late
