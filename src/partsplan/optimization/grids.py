"""Which stocks are tabulated: from the lowest allowed up to where a bound shows more is useless."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import scipy

from partsplan.evaluation.laws import count_reach
from partsplan.evaluation.supply import SupplyTree
from partsplan.optimization.axes import Floats, Integers

ENDLESS_TAIL = 1e-15
"""Probability at which a stock counts as never running out."""


@dataclass(frozen=True)
class Grids:
    """Which stocks are tabulated: from ``lowest`` on, a number per branch and per set of leaves."""

    lowest: Integers
    """Shape (n_parts, n_locations)."""
    branch: Mapping[int, int]
    """Number of stocks of a location with children, the endless one not counted."""
    leaves: Mapping[int, int]
    """Number of stocks of the childless locations below a location (or OUTSIDE)."""

    def grown(self, branches: Collection[int], leaves: Collection[int]) -> Grids:
        """Grids with more stocks where they were too short."""
        return replace(
            self,
            branch={at: _more(n) if at in branches else n for at, n in self.branch.items()},
            leaves={at: _more(n) if at in leaves else n for at, n in self.leaves.items()},
        )


def _more(size: int) -> int:
    return size + max(2, size // 2)


def first_grids(tree: SupplyTree, lowest: Integers, tail: float = 0.02) -> Grids:
    """Grids that reach the quantile of each location's demand over its worst resupply time."""
    pipeline = tree.pipeline()
    mean = pipeline + 0.25 * (worst_pipelines(tree) - pipeline)
    branch: dict[int, int] = {}
    leaves: dict[int, int] = {}
    spread = 1.5 * np.sqrt(mean + tree.pipeline_excess()) if tree.is_clustered else None
    for location in range(tree.n_locations):
        size = 2 + reach(mean[:, location], tail)
        if spread is not None:
            size = max(size, 2 + int((mean + spread)[:, location].max(initial=0.0)))
        if tree.children[location]:
            branch[location] = size
        else:
            parent = int(tree.parents[location])
            leaves[parent] = max(leaves.get(parent, 0), size)
    return Grids(lowest, branch, leaves)


def reach(mean: Floats, tail: float) -> int:
    """Largest of the quantiles of Poisson variables."""
    return int(poisson_quantile(mean, tail).max(initial=0))


def poisson_quantile(mean: Floats, tail: float) -> Integers:
    """Smallest count that a Poisson variable exceeds with at most probability ``tail``."""
    largest = np.maximum(mean, 1e-300)
    return np.maximum(
        np.ceil(np.nan_to_num(scipy.special.pdtrik(1.0 - tail, largest), nan=0.0)), 0
    ).astype(np.int64)


def worst_pipelines(tree: SupplyTree) -> Floats:
    """Mean pipeline of every location when no location above it holds anything [units]."""
    worst = tree.pipeline()
    for j in tree.order:
        if tree.parents[j] >= 0:
            worst[:, j] += tree.share[:, j] * worst[:, tree.parents[j]]
    return worst


def endless_stock(tree: SupplyTree) -> Integers:
    """Stock that runs out practically never, even with nothing above; (n_parts, n_locations)."""
    shape = np.where(np.isfinite(tree.rate_shape), tree.rate_shape, 1.0)
    factor = np.where(
        np.isfinite(tree.rate_shape),
        scipy.special.gammainccinv(shape + 1.0, ENDLESS_TAIL) / shape,
        1.0,
    )
    poisson = 1 + poisson_quantile(worst_pipelines(tree) * factor[:, None], ENDLESS_TAIL)
    return np.maximum(poisson, clustered_reach(tree, factor)) if tree.is_clustered else poisson


def clustered_reach(tree: SupplyTree, factor: Floats) -> Integers:
    """Stock that clustered demand, times a factor per part, exceeds practically never."""
    mean = worst_pipelines(tree) * factor[:, None]
    excess = worst_excess(tree) * factor[:, None]
    enough = count_reach(mean.ravel(), excess.ravel(), np.zeros(mean.size)).reshape(mean.shape)
    return np.where(excess > 0, 1 + enough, 0)


def worst_excess(tree: SupplyTree) -> Floats:
    """Variance minus mean of `worst_pipelines`, at known rates [units^2]; 0 without clustering."""
    mean, excess = worst_pipelines(tree), tree.pipeline_excess()
    for j in tree.order:
        parent = int(tree.parents[j])
        if parent >= 0:
            share = tree.share[:, j]
            further = excess[:, parent] - tree.clustering[:, parent] * mean[:, parent]
            excess[:, j] += share * tree.order_clustering[:, j] * mean[:, parent]
            excess[:, j] += share**2 * np.maximum(further, 0.0)
    return excess
