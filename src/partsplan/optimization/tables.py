"""Service figures of every stock worth a look, for a block of parts: the price search's memory.

What a child suffers is linear in the law of its parent's backorders (Simon 1971, Graves 1985):
given n units late at the parent, its own figure follows by one positive step from the figure at
n - 1. So the figures for all stocks of parent and child are one matrix product, whatever the
prices; they are computed once and priced many times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, pdtrik, xlogy

from partsplan.evaluation.supply import SupplyTree

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

OUTSIDE = -1
_LAW_TAIL = 1e-15


@dataclass(frozen=True, eq=False)
class Figures:
    """Figures of one or more locations; last axis the stock grid, the axes before it the context.

    ``late`` maps a window of the block to P(wait > window).
    """

    backorders: Floats
    stockout: Floats
    late: Mapping[int, Floats]

    def scaled(self, weight: Floats, share_weight: Floats) -> Figures:
        """Figures times a weight per part, and another for shares of demand."""
        return Figures(
            self.backorders * _trailing(weight, self.backorders.ndim),
            self.stockout * _trailing(share_weight, self.stockout.ndim),
            {w: a * _trailing(share_weight, a.ndim) for w, a in self.late.items()},
        )

    def plus(self, other: Figures) -> Figures:
        """Sum of two sets of figures of the same places."""
        return Figures(
            self.backorders + other.backorders,
            self.stockout + other.stockout,
            {w: a + other.late[w] for w, a in self.late.items()},
        )


@dataclass(frozen=True, eq=False)
class Leaves:
    """Figures of the childless locations below one parent: axes (part, context..., leaf, stock).

    The arrays of ``late`` have no leaf axis: a window belongs to one location.
    """

    locations: tuple[int, ...]
    figures: Figures


@dataclass(frozen=True, eq=False)
class Branch:
    """Figures of a location with children: axes (part, context..., stock), last stock endless."""

    location: int
    figures: Figures
    family: Family


@dataclass(frozen=True, eq=False)
class Family:
    """All locations with one parent; their context ends with the parent's stock."""

    leaves: Leaves
    branches: tuple[Branch, ...]

    def scaled(self, weight: Floats, share_weight: Floats) -> Family:
        """All figures times a weight per part, and another for shares of demand."""
        return Family(
            replace(self.leaves, figures=self.leaves.figures.scaled(weight, share_weight)),
            tuple(
                Branch(
                    branch.location,
                    branch.figures.scaled(weight, share_weight),
                    branch.family.scaled(weight, share_weight),
                )
                for branch in self.branches
            ),
        )

    def plus(self, other: Family) -> Family:
        """Sum with the figures of a family of the same shape."""
        return Family(
            replace(self.leaves, figures=self.leaves.figures.plus(other.leaves.figures)),
            tuple(
                Branch(
                    mine.location,
                    mine.figures.plus(yours.figures),
                    mine.family.plus(yours.family),
                )
                for mine, yours in zip(self.branches, other.branches, strict=True)
            ),
        )


@dataclass(frozen=True)
class Grids:
    """Which stocks are tabulated: from ``lowest`` on, a number per branch and per set of leaves."""

    lowest: Integers
    """Shape (n_parts, n_locations)."""
    branch: Mapping[int, int]
    """Number of stocks of a location with children, the endless one not counted."""
    leaves: Mapping[int, int]
    """Number of stocks of the childless locations below a location (or OUTSIDE)."""

    def grown(self, branches: Sequence[int], leaves: Sequence[int]) -> Grids:
        """Grids with more stocks where they were too short."""
        return replace(
            self,
            branch={l: _more(g) if l in branches else g for l, g in self.branch.items()},
            leaves={l: _more(g) if l in leaves else g for l, g in self.leaves.items()},
        )


def _more(size: int) -> int:
    return size + max(2, size // 2)


def first_grids(tree: SupplyTree, lowest: Integers, tail: float = 0.02) -> Grids:
    """Grids that reach the quantile of each location's demand over its worst resupply time."""
    pipeline = tree.pipeline()
    worst = worst_pipelines(tree)
    reach = {
        l: _reach(pipeline[:, l] + 0.25 * (worst[:, l] - pipeline[:, l]), tail)
        for l in range(tree.n_locations)
    }
    branch = {l: reach[l] + 2 for l in range(tree.n_locations) if tree.children[l]}
    leaves: dict[int, int] = {}
    for l in range(tree.n_locations):
        if not tree.children[l]:
            parent = int(tree.parents[l])
            leaves[parent] = max(leaves.get(parent, 0), reach[l] + 2)
    return Grids(lowest, branch, leaves)


def _reach(mean: Floats, tail: float) -> int:
    return int(poisson_quantile(mean, tail).max(initial=0))


def poisson_quantile(mean: Floats, tail: float) -> Integers:
    """Smallest count that a Poisson variable exceeds with at most probability ``tail``."""
    largest = np.maximum(mean, 1e-300)
    return np.maximum(np.ceil(np.nan_to_num(pdtrik(1.0 - tail, largest), nan=0.0)), 0).astype(
        np.int64
    )


def worst_pipelines(tree: SupplyTree) -> Floats:
    """Mean pipeline of every location when no location above it holds anything [units]."""
    worst = tree.pipeline()
    for j in tree.order:
        if tree.parents[j] >= 0:
            worst[:, j] += tree.share[:, j] * worst[:, tree.parents[j]]
    return worst


@dataclass(frozen=True, eq=False)
class _Laws:
    """Laws of a parent's late units in every context: shape (part, context..., count)."""

    now: Floats
    """Units late at a random moment."""
    then: Mapping[bytes, Floats]
    """Units still late after a wait, by the key of the wait (days per part)."""
    late: Mapping[bytes, Floats]
    """P(the parent's own customers wait longer), same keys; shape (part, context...)."""

    @property
    def context(self) -> tuple[int, ...]:
        return self.now.shape[1:-1]


class TableBuilder:
    """Builds the tables of one block of parts.

    Parameters
    ----------
    tree
        Supply tree of the block; rates known (one value of an uncertain rate at a time).
    grids
        Stocks to tabulate.
    windows
        (location, days) whose lateness is needed.
    """

    def __init__(
        self, tree: SupplyTree, grids: Grids, windows: Sequence[tuple[int, float]]
    ) -> None:
        self.tree = tree
        self.grids = grids
        self.windows = windows
        self.worst = worst_pipelines(tree)
        self.waits = self._waits_needed()

    def build(self) -> Family:
        """Tables of all locations, from the roots down."""
        n = self.tree.n_parts
        none_late = np.ones((n, 1))
        keys = {key for l in self._roots() for key in self._waits_above(l)}
        laws = _Laws(none_late, dict.fromkeys(keys, none_late), dict.fromkeys(keys, np.zeros(n)))
        return self._family(OUTSIDE, self._roots(), laws)

    def _roots(self) -> tuple[int, ...]:
        return tuple(int(l) for l in np.flatnonzero(self.tree.parents < 0))

    def _waits_needed(self) -> dict[int, dict[bytes, Floats]]:
        """Waits (days per part) at each location that some window at or below it asks for."""
        needed: dict[int, dict[bytes, Floats]] = {l: {} for l in range(self.tree.n_locations)}
        for location, days in self.windows:
            wait = np.full(self.tree.n_parts, days)
            needed[location][wait.tobytes()] = wait
        for j in reversed(self.tree.order):
            parent = int(self.tree.parents[j])
            if parent >= 0:
                for wait in needed[j].values():
                    above = self._wait_above(j, wait)
                    needed[parent][above.tobytes()] = above
        return needed

    def _wait_above(self, location: int, wait: Floats) -> Floats:
        """What is left of a wait for the parent: (u - T)+."""
        return np.maximum(wait - self.tree.transit_days[:, location], 0.0)

    def _waits_above(self, location: int) -> set[bytes]:
        return {self._wait_above(location, w).tobytes() for w in self.waits[location].values()}

    def _family(self, parent: int, members: Sequence[int], laws: _Laws) -> Family:
        leaf = tuple(l for l in members if not self.tree.children[l])
        branches = tuple(self._branch(l, laws) for l in members if self.tree.children[l])
        return Family(self._leaves(parent, leaf, laws), branches)

    # -- childless locations ---------------------------------------------------------------

    def _leaves(self, parent: int, locations: tuple[int, ...], laws: _Laws) -> Leaves:
        size = self.grids.leaves.get(parent, 1)
        chosen = list(locations)
        lowest = self.grids.lowest[:, chosen]
        share = self.tree.share[:, chosen]
        tail, loss = poisson_tables(
            self.tree.pipeline()[:, chosen], size + int(lowest.max(initial=0))
        )
        backorders = self._mixed(laws.now, _given_late(loss, share, "loss"), lowest, size)
        stockout = self._mixed(laws.now, _given_late(tail, share, "tail"), lowest, size)
        late = {
            w: self._leaf_late(location, days, size, laws)
            for w, (location, days) in enumerate(self.windows)
            if location in locations
        }
        return Leaves(locations, Figures(backorders, stockout, late))

    def _leaf_late(self, location: int, days: float, size: int, laws: _Laws) -> Floats:
        wait = np.full(self.tree.n_parts, days)
        lowest = self.grids.lowest[:, [location]]
        above = self._wait_above(location, wait).tobytes()
        tail, _ = poisson_tables(
            self.tree.pipeline(days)[:, [location]], size + int(lowest.max(initial=0))
        )
        given = _given_late(tail, self.tree.share[:, [location]], "tail")
        late = self._mixed(laws.then[above], given, lowest, size)[..., 0, :]
        return self._with_empty_shelf(location, wait, late, laws.late[above])

    def _with_empty_shelf(
        self, location: int, wait: Floats, late: Floats, parent_late: Floats
    ) -> Floats:
        """Lateness with stock 0: the customer's unit is the one that is ordered or repaired."""
        r, R = self.tree.repair_fraction[:, location], self.tree.repair_days[:, location]
        on_the_way = wait < self.tree.transit_days[:, location]
        ndim = late.ndim - 1
        from_parent = np.where(_trailing(on_the_way, ndim), 1.0, parent_late)
        empty = (
            _trailing(r * (wait < R), ndim) + _trailing(1.0 - r, ndim) * from_parent
        )
        starts_empty = _trailing(self.grids.lowest[:, location] == 0, ndim)
        late[..., 0] = np.where(starts_empty, empty, late[..., 0])
        return late

    def _mixed(self, law: Floats, given: Floats, lowest: Integers, size: int) -> Floats:
        """Figures over the law of late units; axes (part, context..., leaf, stock)."""
        counts = law.shape[-1]
        given = given_counts(given, counts)
        n, _, n_leaves, full = given.shape
        context = law.shape[1:-1]
        flat = law.reshape(n, -1, counts) @ given.reshape(n, counts, n_leaves * full)
        figures = flat.reshape(n, *context, n_leaves, full)
        if full == size:
            return figures
        stock = lowest[:, :, None] + np.arange(size)
        stock = stock.reshape(n, *(1 for _ in context), n_leaves, size)
        return np.take_along_axis(figures, stock, axis=-1)

    # -- locations with children -----------------------------------------------------------

    def _branch(self, location: int, laws: _Laws) -> Branch:
        size = self.grids.branch[location]
        stock = self.grids.lowest[:, location, None] + np.arange(size)
        law = self._pipeline_law(location, laws.now, np.zeros(self.tree.n_parts))
        now = _late_units(law, stock)
        then, late = {}, {}
        for key, wait in self.waits[location].items():
            above = self._wait_above(location, wait).tobytes()
            later = self._pipeline_law(location, laws.then[above], wait)
            then[key] = _late_units(later, stock)
            over = _at_stock(_tails(later), stock)
            over = self._with_empty_shelf(location, wait, over, laws.late[above])
            late[key] = _with_endless(over)
        counts = np.arange(now.shape[-1], dtype=np.float64)
        figures = Figures(
            backorders=now @ counts,
            stockout=_with_endless(_at_stock(_tails(law), stock)),
            late={
                w: late[np.full(self.tree.n_parts, days).tobytes()]
                for w, (place, days) in enumerate(self.windows)
                if place == location
            },
        )
        below = _Laws(now, then, late)
        return Branch(
            location, figures, self._family(location, self.tree.children[location], below)
        )

    def _pipeline_law(self, location: int, parent_law: Floats, wait: Floats) -> Floats:
        """P(k units not yet back) after a wait, shape (part, context..., count)."""
        length = 1 + _reach(self.worst[:, location], _LAW_TAIL)
        mean = self.tree.pipeline(wait[:, None])[:, [location]]
        share = self.tree.share[:, [location]]
        given = given_counts(
            _given_late(poisson_law(mean, length), share, "law"), parent_law.shape[-1]
        )
        n, counts = parent_law.shape[0], parent_law.shape[-1]
        flat = parent_law.reshape(n, -1, counts) @ given[:, :, 0, :]
        return flat.reshape(*parent_law.shape[:-1], length)


def _late_units(law: Floats, stock: Integers) -> Floats:
    """Law of (X - S)+ for every stock, the endless one last; shape (part, context..., stock, n)."""
    n, size = stock.shape
    length = law.shape[-1]
    counts = max(length - int(stock.min()), 1)
    flat = law.reshape(n, -1, length)
    place = stock[:, None, :, None] + np.arange(counts)
    rows = np.arange(n)[:, None, None, None]
    contexts = np.arange(flat.shape[1])[None, :, None, None]
    late = np.where(place < length, flat[rows, contexts, np.minimum(place, length - 1)], 0.0)
    at_most = np.minimum(np.cumsum(flat, axis=-1), 1.0)
    late[..., 0] = at_most[
        rows[..., 0], contexts[..., 0], np.minimum(stock[:, None, :], length - 1)
    ]
    never = np.zeros((n, flat.shape[1], 1, counts))
    never[..., 0] = 1.0
    return np.concatenate([late, never], axis=2).reshape(*law.shape[:-1], size + 1, counts)


def _tails(law: Floats) -> Floats:
    """P(X >= k) along the last axis."""
    return np.cumsum(law[..., ::-1], axis=-1)[..., ::-1]


def _at_stock(tails: Floats, stock: Integers) -> Floats:
    """Values at each part's stocks; 0 beyond the table."""
    n, size = stock.shape
    length = tails.shape[-1]
    place = stock.reshape(n, *(1 for _ in tails.shape[1:-1]), size)
    picked = np.take_along_axis(tails, np.minimum(place, length - 1), axis=-1)
    return np.where(place < length, picked, 0.0)


def _with_endless(figure: Floats) -> Floats:
    """The figure with a last entry 0 for endless stock."""
    return np.concatenate([figure, np.zeros((*figure.shape[:-1], 1))], axis=-1)


_Given = tuple[Floats, Floats, str]


def _given_late(none_late: Floats, share: Floats, kind: str) -> _Given:
    """Figure with no unit late at the parent, and how it steps to one more late unit."""
    return none_late, share, kind


def given_counts(given: _Given, counts: int) -> Floats:
    r"""Figure given n = 0, 1, ... units late at the parent; shape (part, n, leaf, stock).

    With one more late unit, this location is the one that waits for it with probability f:
    :math:`g(n + 1, S) = (1 - f) g(n, S) + f g(n, S - 1)`, all terms positive.
    """
    current, share, kind = given
    steps = [current]
    f = share[..., None]
    for _ in range(counts - 1):
        shifted = np.empty_like(current)
        shifted[..., 1:] = current[..., :-1]
        if kind == "loss":
            shifted[..., 0] = current[..., 0] + 1.0
        else:
            shifted[..., 0] = 1.0 if kind == "tail" else 0.0
        current = (1.0 - f) * current + f * shifted
        steps.append(current)
    return np.stack(steps, axis=1)


def poisson_law(mean: Floats, length: int) -> Floats:
    """P(X = k) for k = 0 .. length - 1 on a new last axis."""
    k = np.arange(length, dtype=np.float64)
    m = mean[..., None]
    return np.exp(xlogy(k, m) - m - gammaln(k + 1.0))


def poisson_tables(mean: Floats, size: int) -> tuple[Floats, Floats]:
    """P(X >= S) and E[(X - S)+] for S = 0 .. size - 1, by direct sums from the far end."""
    largest = float(mean.max(initial=0.0))
    length = size + int(largest + 10.0 * np.sqrt(largest)) + 25
    tail = _tails(poisson_law(mean, length))
    loss = np.zeros_like(tail)
    loss[..., :-1] = _tails(tail[..., 1:])
    tail = np.minimum(tail[..., :size], 1.0)
    tail[..., 0] = 1.0
    return tail, loss[..., :size]


def _trailing(x: NDArray[np.generic], ndim: int) -> NDArray[np.generic]:
    """``x`` with axes of length 1 appended up to ``ndim``."""
    return x.reshape(x.shape + (1,) * (ndim - x.ndim))
