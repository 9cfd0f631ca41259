"""The law of the units late at a location with children, at each of its stocks.

What exceeds the stock of the units under way is late, so that a law of the units under way says it
of every stock: n units are late at stock S when S + n are under way. Where orders come in lots, it
is the mean over the inventory positions that a stock stands for (`lots`).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from partsplan.evaluation.gamma_rates import GammaRates
from partsplan.evaluation.lazy import lazy
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.lots import rising_means, window_means
from partsplan.optimization.poisson_tables import tails


@dataclass(frozen=True, eq=False)
class LateUnits:
    """Units late at a location with children, at stocks and, last of them, at endless stock."""

    under_way: Floats
    """Law of the units under way, shape (part, context..., count)."""
    stock: Integers
    """Shape (part, size)."""
    position_lots: Integers | None = None
    """Units per order at the stocks, shape (part, size); None where all are ordered singly."""
    rates: GammaRates | None = None
    """What is known of uncertain rates when no unit is under way; None where they are known."""

    @property
    def contexts(self) -> tuple[int, ...]:
        """Stocks of the ancestors and of the location itself, as axes."""
        return (*self.under_way.shape[1:-1], self.stock.shape[1] + 1)

    @property
    def n_above(self) -> int:
        """Contexts of the location itself."""
        return int(np.prod(self.under_way.shape[1:-1]))

    def of_parts(self, parts: slice) -> LateUnits:
        """The same of some parts."""
        lots = self.position_lots
        return LateUnits(
            self.under_way[parts],
            self.stock[parts],
            None if lots is None else lots[parts],
            None if self.rates is None else self.rates.of_parts(parts),
        )

    def takes(self, top: int) -> Takes:
        """What the stocks take from a sweep over the positions below ``top``."""
        row, entry = np.divmod(np.arange(self.stock.size), self.stock.shape[1])
        stock = self.stock.ravel()
        if self.position_lots is None:
            return Takes.sorted(top, stock, row, entry, None)
        lots = self.position_lots.ravel()
        return Takes.sorted(
            top,
            np.concatenate([stock - lots + 1, stock + 1]),
            np.tile(row, 2),
            np.tile(entry, 2),
            np.concatenate([1.0 / lots, -1.0 / lots]),
        )

    def none_late(self) -> Floats:
        """P(no unit is late); shape (part, context...)."""
        at_most = np.minimum(np.cumsum(self.under_way, axis=-1), 1.0)
        if self.position_lots is None:
            none = at_stock(at_most, self.stock, beyond=1.0)
        else:
            none = rising_means(at_most, self.stock, self.position_lots)
        return _with_last(none, 1.0)

    def mean(self) -> Floats:
        """E[late units]; shape (part, context...)."""
        excess = tails(tails(self.under_way))
        if self.position_lots is None:
            mean = at_stock(excess, self.stock + 1)
        else:
            mean = window_means(excess, self.stock + 1, self.position_lots)
        return with_endless(mean)

    def short(self) -> Floats:
        """P(a unit asked for is late: nothing on the shelf); shape (part, context...)."""
        tail = tails(self.under_way)
        if self.position_lots is None:
            return at_stock(tail, self.stock)
        return window_means(tail, self.stock, self.position_lots)


@dataclass(frozen=True, eq=False)
class Takes:
    """Which stocks take what from a sweep down the positions of a location.

    Singly ordered, a stock takes what is at its own position; in lots it takes the mean over its
    positions, as the difference of two sums from the far end.
    """

    first: Integers
    """First take at every position, and the end."""
    row: Integers
    entry: Integers
    worth: Floats | None

    @classmethod
    def sorted(
        cls, top: int, position: Integers, row: Integers, entry: Integers, worth: Floats | None
    ) -> Takes:
        """Takes by position; nothing is at ``top`` or above."""
        order = np.argsort(position, kind="stable")
        first = np.searchsorted(position[order], np.arange(top + 1))
        return cls(first, row[order], entry[order], None if worth is None else worth[order])

    @property
    def of_sums(self) -> bool:
        """Whether the sums over all positions further up are taken."""
        return self.worth is not None

    @lazy
    def _positions(self) -> list[int]:
        """Where anything is taken."""
        found: list[int] = np.flatnonzero(self.first[1:] > self.first[:-1]).tolist()
        return found

    @property
    def lowest(self) -> int:
        """Least position that anything is taken at; the top where there is none."""
        return self._positions[0] if self._positions else len(self.first) - 1

    def next_below(self, position: int) -> int:
        """The next position further down that anything is taken at."""
        return self._positions[bisect_left(self._positions, position) - 1]

    def at(self, position: int) -> tuple[Integers, Integers, Floats | None]:
        """Row, entry and worth of what is taken at a position."""
        some = slice(self.first[position], self.first[position + 1])
        worth = None if self.worth is None else self.worth[some, None, None]
        return self.row[some], self.entry[some], worth


def at_stock(table: Floats, stock: Integers, beyond: float = 0.0) -> Floats:
    """Values of a table by stock (last axis) at each part's stocks."""
    n, size = stock.shape
    length = table.shape[-1]
    place = stock.reshape(n, *(1 for _ in table.shape[1:-1]), size)
    picked = np.take_along_axis(table, np.minimum(place, length - 1), axis=-1)
    return np.where(place < length, picked, beyond)


def with_endless(figure: Floats) -> Floats:
    """The figure with a last entry 0 for endless stock."""
    return _with_last(figure, 0.0)


def _with_last(figure: Floats, value: float) -> Floats:
    return np.concatenate([figure, np.full((*figure.shape[:-1], 1), value)], axis=-1)
