"""Service figures of every stock worth a look: what the price search reads.

A context is the stocks above a location; every figure has the axes (part, context..., stock). The
figures hold for any prices, so they are made once and priced many times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from partsplan.evaluation.weights import ServiceWeights
from partsplan.optimization.axes import Floats, Integers

OUTSIDE = -1
"""The parent of a root."""

Change = Callable[[Floats], Floats]
Join = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True)
class Weighed:
    """Which figures the promises weigh; no others are made."""

    windows: tuple[tuple[int, float], ...]
    """(location, days) whose lateness is weighed."""
    has_stockout: bool
    """Whether P(X >= S) is."""
    has_waits: bool
    """Whether units late are."""

    @classmethod
    def of(cls, weights: ServiceWeights) -> Weighed:
        """What is weighed of a block of parts."""
        return cls(weights.windows, not weights.stockout.is_empty, not weights.wait.is_empty)

    @property
    def has_shares(self) -> bool:
        """Whether any shares of demand are weighed."""
        return self.has_stockout or bool(self.windows)


@dataclass(frozen=True, eq=False)
class Figures:
    """Figures of one or more locations; last axis the stock grid, the axes before it the context.

    ``late`` maps a window of the block to P(wait > window); ``stockout`` is None where no promise
    weighs P(X >= S), and ``backorders`` of childless locations are 0 where none weighs units late.
    """

    backorders: Floats
    stockout: Floats | None
    late: Mapping[int, Floats]

    def of_leaf(self, place: int) -> Figures:
        """Figures of one of several leaves: the axis before the last is taken out."""
        stockout = None if self.stockout is None else self.stockout[..., place, :]
        return Figures(self.backorders[..., place, :], stockout, self.late)

    def at_lowest(self) -> Figures:
        """Figures of the lowest tabulated stock: the last axis is taken out."""
        return Figures(
            self.backorders[..., 0],
            None if self.stockout is None else self.stockout[..., 0],
            {window: late[..., 0] for window, late in self.late.items()},
        )

    def mapped(self, units: Change, shares: Change) -> Figures:
        """Figures with their arrays changed: units late by one rule, shares of demand by one."""
        return Figures(
            units(self.backorders),
            None if self.stockout is None else shares(self.stockout),
            {w: shares(a) for w, a in self.late.items()},
        )

    def with_shares(self, other: Figures) -> Figures:
        """These units late, with the shares of demand of other figures."""
        return replace(self, stockout=other.stockout, late=other.late)

    def joined(self, other: Figures, join: Join, join_late: Join) -> Figures:
        """Figures whose arrays are made of those of two sets of the same places."""
        stockout = None
        if self.stockout is not None:
            if other.stockout is None:
                raise AssertionError("figures of the same places have the same kinds")
            stockout = join(self.stockout, other.stockout)
        return Figures(
            join(self.backorders, other.backorders),
            stockout,
            {w: join_late(a, other.late[w]) for w, a in self.late.items()},
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

    def mapped(self, units: Change, shares: Change) -> Family:
        """All figures with their arrays changed, as `Figures.mapped`."""
        return Family(
            replace(self.leaves, figures=self.leaves.figures.mapped(units, shares)),
            tuple(
                Branch(
                    branch.location,
                    branch.figures.mapped(units, shares),
                    branch.family.mapped(units, shares),
                )
                for branch in self.branches
            ),
        )

    def stock_major(self) -> Family:
        """The same figures, in memory stock by stock: least values over stocks are found faster."""
        return self.mapped(_stock_major, _stock_major)

    def plus(self, other: Family) -> Family:
        """Sum with the figures of a family of the same shape."""
        return self.joined(other, np.add, np.add, np.add)

    def with_parts(self, rows: Integers, fresh: Family) -> Family:
        """The tables with some parts' put in place, all lists as long as the fresh ones."""

        def leaf_units(old: Floats, new: Floats) -> Floats:
            return _with_rows(old, rows, new, _endless_axes(new, 2))

        def leaf_shares(old: Floats, new: Floats) -> Floats:
            return _with_rows(old, rows, new, _endless_axes(new, 1))

        def of_branch(old: Floats, new: Floats) -> Floats:
            return _with_rows(old, rows, new, _endless_axes(new, 0))

        return self.joined(fresh, leaf_units, leaf_shares, of_branch)

    def with_shares(self, other: Family) -> Family:
        """These units late, with the shares of demand of another family of the same places."""
        return Family(
            replace(self.leaves, figures=self.leaves.figures.with_shares(other.leaves.figures)),
            tuple(
                Branch(
                    one.location,
                    one.figures.with_shares(another.figures),
                    one.family.with_shares(another.family),
                )
                for one, another in zip(self.branches, other.branches, strict=True)
            ),
        )

    def joined(
        self, other: Family, leaf_arrays: Join, leaf_lateness: Join, branch_arrays: Join
    ) -> Family:
        """Tables whose arrays are made of those of two families of the same places.

        ``leaf_lateness`` joins lateness at childless locations, which has no axis of leaves.
        """
        mine, yours = self.leaves.figures, other.leaves.figures
        figures = mine.joined(yours, leaf_arrays, leaf_lateness)
        return Family(
            replace(self.leaves, figures=figures),
            tuple(
                Branch(
                    one.location,
                    one.figures.joined(another.figures, branch_arrays, branch_arrays),
                    one.family.joined(another.family, leaf_arrays, leaf_lateness, branch_arrays),
                )
                for one, another in zip(self.branches, other.branches, strict=True)
            ),
        )


def _stock_major(array: Floats) -> Floats:
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, -1, 0)), 0, -1)


def _endless_axes(array: Floats, without: int) -> range:
    """Axes that end with the endless stock: all behind the parts, but for the last ``without``."""
    return range(1, array.ndim - without)


def _with_rows(old: Floats, rows: Integers, new: Floats, endless_axes: range) -> Floats:
    """Rows replaced by new ones, the others' lists filled up to the new lengths."""
    for axis in range(1, old.ndim):
        size, wanted = old.shape[axis], new.shape[axis]
        if size != wanted:
            place = np.minimum(np.arange(wanted), size - 1)
            if axis in endless_axes:
                place = np.append(np.minimum(np.arange(wanted - 1), size - 2), size - 1)
            old = _stock_major(np.take(old, place, axis=axis))
    old[rows] = new
    return old
