"""The tables of a block under each evaluation: exact, exact with uncertain rates, by moments.

An uncertain rate is one factor for a part's whole tree, so its tables are a mixture of exact
tables; shares of demand weigh a factor by its size. Moments have no law to multiply with: their
late units come from the evaluation itself, run on every tabulated stock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import scipy

from partsplan.evaluation.model import PartBlock
from partsplan.evaluation.moments import metric_figures, vari_metric_figures
from partsplan.evaluation.supply import SupplyTree
from partsplan.evaluation.uncertainty import rate_nodes
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.clustered import with_clustered_roots
from partsplan.optimization.grids import (
    Grids,
    clustered_reach,
    poisson_quantile,
    worst_pipelines,
)
from partsplan.optimization.tables import OUTSIDE, Branch, Family
from partsplan.optimization.tabulation import TableBuilder

_ENDLESS_TAIL = 1e-14
_MIXED_CELLS = 1_000_000
_DIGITS = 23.0


def build_tables(evaluation: str, block: PartBlock, grids: Grids) -> Family:
    """Tables of a block under an evaluation method."""
    windows = block.weights.windows
    tables = _mixed_tables(block.tree, grids, windows)
    if evaluation != "exact":
        tables = _MomentTables(evaluation, block.tree, grids).replaced(tables)
    return tables.stock_major()


def _mixed_tables(tree: SupplyTree, grids: Grids, windows: tuple[tuple[int, float], ...]) -> Family:
    """Exact tables, mixed over the factors of uncertain rates."""
    if np.isinf(tree.rate_shape).all():
        return _exact_tables(tree, grids, windows)
    mixed: Family | None = None
    for part, factor, weight in _factors(tree, grids):
        given = tree.of_parts(part)
        given = replace(given, own_rate=given.own_rate * factor[:, None])
        tables = _exact_tables(given, grids.of_parts(part), windows)
        mixing = scipy.sparse.csr_array(
            (weight, (part, np.arange(len(part)))), shape=(tree.n_parts, len(part))
        )
        tables = tables.mapped(partial(_mixture, mixing), partial(_mixture, mixing * factor))
        mixed = tables if mixed is None else mixed.plus(tables)
    if mixed is None:
        raise AssertionError("a quadrature rule has at least one node")
    return mixed


def _mixture(mixing: Any, figures: Floats) -> Floats:
    """Sums of rows, a part each."""
    mixed = mixing @ figures.reshape(len(figures), -1)
    return np.asarray(mixed).reshape(mixing.shape[0], *figures.shape[1:])


def _exact_tables(tree: SupplyTree, grids: Grids, windows: tuple[tuple[int, float], ...]) -> Family:
    """Exact tables at known rates; where clustering leaves no exact law, as if it were not there.

    Nothing reads those: late units come from moments there, and no promise weighs their shares
    (`check_clustered_demand`).
    """
    tables = TableBuilder(tree, grids, windows).build()
    return with_clustered_roots(tables, tree, grids, windows)


def _factors(tree: SupplyTree, grids: Grids) -> Iterator[tuple[Integers, Floats, Floats]]:
    """Part, factor on its rates, and weight: all nodes of all parts, alike in pipeline together."""
    pipeline = worst_pipelines(tree).max(axis=1, initial=0.0)
    rounded = np.exp2(np.ceil(2.0 * np.log2(np.maximum(pipeline, 1e-3))) / 2.0)
    lists = [*grids.branch.values(), *grids.leaves.values()]
    highest = max(int(stocks.max(initial=0)) for stocks in lists)
    rules = [
        rate_nodes(shape, mean, min(highest, 5.0 + 1.5 * mean), digits=_DIGITS)
        for shape, mean in zip(tree.rate_shape.tolist(), rounded.tolist(), strict=True)
    ]
    part = np.repeat(np.arange(tree.n_parts), [len(nodes) for nodes, _ in rules])
    factor = np.concatenate([nodes for nodes, _ in rules])
    weight = np.concatenate([weights for _, weights in rules])
    mean = pipeline[part] * factor
    order = np.argsort(mean, kind="stable")
    most = max(1, _MIXED_CELLS // _cells(tree, grids))
    start = 0
    while start < len(order):
        end = int(np.searchsorted(mean[order], 2.0 * mean[order[start]] + 2.0, side="right"))
        chosen = np.sort(order[start : min(end, start + most)])
        yield part[chosen], factor[chosen], weight[chosen]
        start += len(chosen)


def _cells(tree: SupplyTree, grids: Grids) -> int:
    """Figures of one kind per part at the childless locations of the largest family."""
    contexts: dict[int, int] = {OUTSIDE: 1}
    for location in tree.order:
        if location in grids.branch:
            above = contexts[int(tree.parents[location])]
            contexts[location] = above * (grids.branch[location].shape[1] + 1)
    sizes = [
        contexts[parent] * max(int(lists.shape[1]), 1) * int(lists.shape[2])
        for parent, lists in grids.leaves.items()
    ]
    return max(sizes)


class _MomentTables:
    """Late units by METRIC or VARI-METRIC for every tabulated stock.

    All locations at one depth take their k-th tabulated stock at the same time, so one
    evaluation of (part, k at depth 0, k at depth 1, ...) serves every location.
    """

    def __init__(self, evaluation: str, tree: SupplyTree, grids: Grids) -> None:
        self.grids = grids
        self.depth = tree.depth
        self.endless = 1 + poisson_quantile(4.0 * worst_pipelines(tree), _ENDLESS_TAIL)
        if tree.is_clustered:
            reach = clustered_reach(tree, np.full(tree.n_parts, 4.0))
            self.endless = np.maximum(self.endless, reach)
        self.endless = self.endless + tree.lots - 1
        figures = metric_figures if evaluation == "metric" else vari_metric_figures
        self.sizes = self._sizes(tree)
        rows = np.indices((tree.n_parts, *self.sizes)).reshape(1 + len(self.sizes), -1)
        stock = np.zeros((rows.shape[1], tree.n_locations), dtype=np.int64)
        for location in range(tree.n_locations):
            place = rows[1 + self.depth[location]]
            lists = grids.of(location, int(tree.parents[location]))
            listed = lists[rows[0], np.minimum(place, lists.shape[1] - 1)]
            is_endless = (place == lists.shape[1]) & (location in grids.branch)
            stock[:, location] = np.where(is_endless, self.endless[rows[0], location], listed)
        spread = tree.of_parts(rows[0])
        late = figures(spread, stock).expected_backorders
        self.backorders = late.reshape(tree.n_parts, *self.sizes, tree.n_locations)

    def replaced(self, tables: Family) -> Family:
        """The tables with their late units replaced."""
        return self._family(OUTSIDE, tables)

    def _sizes(self, tree: SupplyTree) -> tuple[int, ...]:
        sizes = np.zeros(int(self.depth.max()) + 1, dtype=np.int64)
        for location in range(tree.n_locations):
            size = self.grids.of(location, int(tree.parents[location])).shape[1]
            size += location in self.grids.branch
            depth = self.depth[location]
            sizes[depth] = max(sizes[depth], size)
        return tuple(int(size) for size in sizes)

    def _family(self, parent: int, family: Family) -> Family:
        branches = tuple(
            Branch(
                branch.location,
                replace(branch.figures, backorders=self._of_branch(branch)),
                self._family(branch.location, branch.family),
            )
            for branch in family.branches
        )
        leaves = family.leaves
        if not leaves.locations:
            return Family(leaves, branches)
        by_leaf = [
            self._cut(leaves.figures.backorders[..., here, :].shape, location)
            for here, location in enumerate(leaves.locations)
        ]
        figures = replace(leaves.figures, backorders=np.stack(by_leaf, axis=-2))
        return Family(replace(leaves, figures=figures), branches)

    def _of_branch(self, branch: Branch) -> Floats:
        late = self._cut(branch.figures.backorders.shape, branch.location).copy()
        late[..., -1] = 0.0
        return late

    def _cut(self, shape: tuple[int, ...], location: int) -> Floats:
        """Late units of one location on its own grid and those above it."""
        deeper = len(self.sizes) - (len(shape) - 1)
        place = tuple(slice(0, size) for size in shape[1:]) + (0,) * deeper
        return np.asarray(self.backorders[(slice(None), *place, location)])
