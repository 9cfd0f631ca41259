"""Which stocks are tabulated: a list per part and location, refined where a bound says it matters.

Between two tabulated stocks a < b no stock costs less than holding a + 1 and the penalties of b,
because penalties fall with stock. So lists may have gaps, and stay short.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy

from partsplan.evaluation.laws import count_reach
from partsplan.evaluation.supply import SupplyTree
from partsplan.optimization.axes import Floats, Integers

ENDLESS_TAIL = 1e-15
"""Probability at which a stock counts as never running out."""
PIECES = 4
"""Pieces that a gap is cut into where nothing else is known."""
_FILLED = 16
"""Stocks of a gap up to which it is cut into more pieces than it needs: it is soon filled."""
_FAR = 40.0
_TIMES_WORST = 8.0


@dataclass(frozen=True, eq=False)
class Gap:
    """Stocks of one location between tabulated ones, for some parts."""

    location: int
    parts: Integers
    """Place of each part in the block."""
    place: Integers
    """Place in the list that ends the gap; the length of the list means beyond it."""
    pieces: Integers
    """What each gap is to be cut into."""

    def n_stocks(self, lists: Integers) -> int:
        """Number of stocks in the gaps, at least one beyond each list."""
        size = lists.shape[1]
        end = lists[self.parts, np.minimum(self.place, size - 1)]
        before = lists[self.parts, np.maximum(self.place - 1, 0)]
        return int(np.where(self.place == size, 1, end - before - 1).sum())


@dataclass(frozen=True, eq=False)
class Grids:
    """Tabulated stocks, increasing; short lists are filled up with their last entry.

    ``branch`` has an array of shape (n_parts, size) per location with children, the endless stock
    not counted; ``leaves`` one of shape (n_parts, n_leaves, size) per parent of childless ones.
    """

    branch: Mapping[int, Integers]
    leaves: Mapping[int, Integers]
    members: Mapping[int, tuple[int, ...]]
    """Childless locations by parent (or ``OUTSIDE``), in location order."""
    has_gaps: bool
    """Whether locations with children may have gaps in their lists."""

    @property
    def n_locations(self) -> int:
        """Number of locations."""
        return len(self.branch) + sum(map(len, self.members.values()))

    @property
    def n_stocks(self) -> int:
        """Lengths of all lists together."""
        return sum(lists.shape[-1] for lists in (*self.branch.values(), *self.leaves.values()))

    def of(self, location: int, parent: int) -> Integers:
        """The lists of a location, shape (n_parts, size)."""
        if location in self.branch:
            return self.branch[location]
        return self.leaves[parent][:, self.members[parent].index(location)]

    def packed(self) -> Grids:
        """The same lists in half the memory, to be kept."""
        return self._as_type(np.int32)

    def unpacked(self) -> Grids:
        """The lists as they are worked with."""
        return self._as_type(np.int64)

    def _as_type(self, dtype: type[np.int32] | type[np.int64]) -> Grids:
        return replace(
            self,
            branch={at: lists.astype(dtype, copy=False) for at, lists in self.branch.items()},
            leaves={at: lists.astype(dtype, copy=False) for at, lists in self.leaves.items()},
        )

    def of_parts(self, rows: Integers) -> Grids:
        """The lists of some parts; a part may come twice."""
        return replace(
            self,
            branch={at: lists[rows] for at, lists in self.branch.items()},
            leaves={at: lists[rows] for at, lists in self.leaves.items()},
        )

    def pruned(self, lows: Mapping[int, Floats], margins: Floats) -> Grids:
        """Lists without the stocks that are far from any use.

        Parameters
        ----------
        lows
            By location, the least that every stock can cost: (part, stock).
        margins
            Shape (n_parts, n_locations): stocks that cost more than this above the least go, but
            for the first, the last, and the next on both sides.
        """
        branch = {
            at: _without_far(lists, lows[at], margins[:, at]) for at, lists in self.branch.items()
        }
        leaves = {}
        for parent, members in self.members.items():
            lists = self.leaves[parent]
            if members:
                chosen = list(members)
                own = np.stack([lows[at] for at in members], axis=1)
                lists = _without_far(lists, own, margins[:, chosen])
            leaves[parent] = lists
        return replace(self, branch=branch if self.has_gaps else self.branch, leaves=leaves)

    def refined(self, gaps: Sequence[Gap]) -> Grids:
        """Lists with some stocks more in the gaps."""
        branch, leaves = dict(self.branch), dict(self.leaves)
        parent_of = {leaf: parent for parent, members in self.members.items() for leaf in members}
        wider: dict[int, list[Integers]] = {}
        for location in dict.fromkeys(gap.location for gap in gaps):
            own = [gap for gap in gaps if gap.location == location]
            if location in branch:
                lists, has_gaps = branch[location], self.has_gaps
                branch[location] = merged(lists, _stocks_in(lists, own, has_gaps=has_gaps))
                continue
            parent = parent_of[location]
            members = self.members[parent]
            more = wider.setdefault(parent, [leaves[parent][:, k] for k in range(len(members))])
            here = members.index(location)
            more[here] = np.concatenate(
                [more[here], _stocks_in(leaves[parent][:, here], own, has_gaps=True)], axis=1
            )
        for parent, more in wider.items():
            width = max(lists.shape[1] for lists in more)
            stacked = np.stack([_filled_up(lists, width) for lists in more], axis=1)
            leaves[parent] = merged(stacked, stacked[..., :0])
        return replace(self, branch=branch, leaves=leaves)


def _stocks_in(lists: Integers, gaps: Sequence[Gap], *, has_gaps: bool) -> Integers:
    """Stocks that split the gaps, shape (n_parts, count); a part without a gap repeats its last."""
    size = lists.shape[1]
    count = max(PIECES, *(int(gap.pieces.max()) for gap in gaps)) - 1
    if not has_gaps:
        count = max(count, size // 2)
    more = [np.repeat(lists[:, -1:], count, axis=1) for _ in gaps]
    for gap, new in zip(gaps, more, strict=True):
        rows = gap.parts
        last = lists[rows, -1]
        before = np.where(gap.place > 0, lists[rows, np.maximum(gap.place - 1, 0)], -1)
        is_beyond = gap.place == size
        end = np.where(is_beyond, before, lists[rows, np.minimum(gap.place, size - 1)])
        steps = np.arange(1, count + 1)
        # a short gap is filled, a long one cut into equal pieces
        width = np.maximum(end - before - 1, 0)[:, None]
        pieces = np.where(width[:, 0] <= _FILLED, np.maximum(gap.pieces, PIECES), gap.pieces)
        cut = np.minimum(steps, pieces[:, None] - 1)
        inside = before[:, None] + np.maximum(
            np.minimum(cut, width), (width + 1) * cut // pieces[:, None]
        )
        beyond = last[:, None] + steps
        if has_gaps:
            beyond = last[:, None] + np.minimum(steps, 2)
            beyond[:, -1] = last + 2 + np.maximum(2, last // 2)
        new[rows] = np.where(is_beyond[:, None], beyond, inside)
    return np.concatenate(more, axis=1)


def _without_far(lists: Integers, lows: Floats, margin: Floats) -> Integers:
    near = lows <= lows.min(axis=-1, keepdims=True) + margin[..., None]
    near[..., :-1] |= near[..., 1:].copy()
    near[..., 1:] |= near[..., :-1].copy()
    near[..., 0] = True
    # what goes is replaced by the last entry, which stays
    return merged(np.where(near, lists, lists[..., -1:]), lists[..., :0])


def _filled_up(lists: Integers, width: int) -> Integers:
    missing = width - lists.shape[1]
    return np.concatenate([lists, np.repeat(lists[:, -1:], missing, axis=1)], axis=1)


def merged(lists: Integers, more: Integers) -> Integers:
    """Increasing lists without doubles, filled up with their last entries."""
    joined = np.sort(np.concatenate([lists, more], axis=-1), axis=-1)
    last = joined[..., -1:]
    is_double = np.diff(joined, axis=-1, prepend=-1) == 0
    ordered = np.sort(np.where(is_double, np.iinfo(np.int64).max, joined), axis=-1)
    size = int((~is_double).sum(axis=-1).max(initial=1))
    merged: Integers = np.minimum(ordered[..., :size], last)
    return merged


def most_of_use(tree: SupplyTree) -> Floats:
    """Units far beyond any use, even with nothing above; (n_parts, n_locations)."""
    return np.asarray(np.ceil(_FAR + _TIMES_WORST * worst_pipelines(tree)) + tree.lots)


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
    enough = 1 + poisson_quantile(worst_pipelines(tree) * factor[:, None], ENDLESS_TAIL)
    if tree.is_clustered:
        enough = np.maximum(enough, clustered_reach(tree, factor))
    return enough + tree.lots - 1


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
