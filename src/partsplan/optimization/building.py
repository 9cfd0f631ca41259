"""The tables of a block under each evaluation: exact, exact with uncertain rates, by moments.

An uncertain rate is one factor for a part's whole tree, so its tables are a mixture of exact
tables; shares of demand weigh a factor by its size. Moments have no law to multiply with: their
late units come from the evaluation itself, run on every tabulated stock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from partsplan.evaluation.model import PartBlock
from partsplan.evaluation.moments import metric_figures, vari_metric_figures
from partsplan.evaluation.supply import SupplyTree
from partsplan.evaluation.uncertainty import rate_nodes
from partsplan.optimization.axes import Floats
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


def build_tables(evaluation: str, block: PartBlock, grids: Grids) -> Family:
    """Tables of a block under an evaluation method."""
    windows = block.weights.windows
    tables = _mixed_tables(block.tree, grids, windows)
    if evaluation == "exact":
        return tables
    return _MomentTables(evaluation, block.tree, grids).replaced(tables)


def _mixed_tables(tree: SupplyTree, grids: Grids, windows: tuple[tuple[int, float], ...]) -> Family:
    """Exact tables, mixed over the factors of uncertain rates."""
    if np.isinf(tree.rate_shape).all():
        return _exact_tables(tree, grids, windows)
    mixed: Family | None = None
    for factor, weight in _factors(tree, grids):
        given = replace(tree, own_rate=tree.own_rate * factor[:, None])
        tables = _exact_tables(given, grids, windows).scaled(weight, weight * factor)
        mixed = tables if mixed is None else mixed.plus(tables)
    if mixed is None:
        raise AssertionError("a quadrature rule has at least one node")
    return mixed


def _exact_tables(tree: SupplyTree, grids: Grids, windows: tuple[tuple[int, float], ...]) -> Family:
    """Exact tables at known rates; where clustering leaves no exact law, as if it were not there.

    Nothing reads those: late units come from moments there, and no promise weighs their shares
    (`check_clustered_demand`).
    """
    tables = TableBuilder(tree, grids, windows).build()
    return with_clustered_roots(tables, tree, grids, windows)


def _factors(tree: SupplyTree, grids: Grids) -> Iterator[tuple[Floats, Floats]]:
    """Factors on the rates and their weights, one of each per part; padded with weight 0."""
    pipeline = worst_pipelines(tree).max(axis=1, initial=0.0)
    rounded = np.exp2(np.ceil(2.0 * np.log2(np.maximum(pipeline, 1e-3))) / 2.0)
    reach = max([*grids.branch.values(), *grids.leaves.values()])
    rules = {
        case: rate_nodes(case[0], case[1], float(reach))
        for case in set(zip(tree.rate_shape.tolist(), rounded.tolist(), strict=True))
    }
    cases = list(zip(tree.rate_shape.tolist(), rounded.tolist(), strict=True))
    for k in range(max(len(nodes) for nodes, _ in rules.values())):
        taken = [rules[case] for case in cases]
        factor = np.array([nodes[k] if k < len(nodes) else 1.0 for nodes, _ in taken])
        weight = np.array([weights[k] if k < len(nodes) else 0.0 for nodes, weights in taken])
        yield factor, weight


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
        figures = metric_figures if evaluation == "metric" else vari_metric_figures
        self.sizes = self._sizes(tree)
        rows = np.indices((tree.n_parts, *self.sizes)).reshape(1 + len(self.sizes), -1)
        stock = grids.lowest[rows[0]]
        for location in range(tree.n_locations):
            place = rows[1 + self.depth[location]]
            last = self._branch_size(location)
            stock[:, location] = np.where(
                place == last, self.endless[rows[0], location], stock[:, location] + place
            )
        spread = tree.of_parts(rows[0])
        late = figures(spread, stock).expected_backorders
        self.backorders = late.reshape(tree.n_parts, *self.sizes, tree.n_locations)

    def replaced(self, tables: Family) -> Family:
        """The tables with their late units replaced."""
        return self._family(OUTSIDE, tables)

    def _branch_size(self, location: int) -> int:
        """Place of the endless stock of a location with children; none for the others."""
        return self.grids.branch.get(location, -1)

    def _sizes(self, tree: SupplyTree) -> tuple[int, ...]:
        sizes = np.zeros(int(self.depth.max()) + 1, dtype=np.int64)
        for location in range(tree.n_locations):
            if location in self.grids.branch:
                size = self.grids.branch[location] + 1
            else:
                size = self.grids.leaves[int(tree.parents[location])]
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
