"""Service figures of every stock worth a look: what the price search reads.

A context is the stocks above a location; every figure has the axes (part, context..., stock). The
figures hold for any prices, so they are made once and priced many times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from partsplan.optimization.axes import Floats, trailing

OUTSIDE = -1
"""The parent of a root."""


@dataclass(frozen=True, eq=False)
class Figures:
    """Figures of one or more locations; last axis the stock grid, the axes before it the context.

    ``late`` maps a window of the block to P(wait > window).
    """

    backorders: Floats
    stockout: Floats
    late: Mapping[int, Floats]

    def of_leaf(self, place: int) -> Figures:
        """Figures of one of several leaves: the axis before the last is taken out."""
        return Figures(self.backorders[..., place, :], self.stockout[..., place, :], self.late)

    def at_lowest(self) -> Figures:
        """Figures of the lowest tabulated stock: the last axis is taken out."""
        return Figures(
            self.backorders[..., 0],
            self.stockout[..., 0],
            {window: late[..., 0] for window, late in self.late.items()},
        )

    def scaled(self, weight: Floats, share_weight: Floats) -> Figures:
        """Figures times a weight per part, and another for shares of demand."""
        return Figures(
            self.backorders * trailing(weight, self.backorders.ndim),
            self.stockout * trailing(share_weight, self.stockout.ndim),
            {w: a * trailing(share_weight, a.ndim) for w, a in self.late.items()},
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
