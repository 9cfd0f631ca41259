"""Columns: stock vectors of single parts, with their cost and their use of every promise.

The pool keeps each different column once, in the order it was met.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partsplan.optimization.axes import Floats, Integers

_SEED = 20_011


@dataclass(frozen=True, eq=False)
class Columns:
    """Stock vectors of parts with their cost and use; one row each."""

    parts: Integers
    """Shape (n_columns,): position of the part in the network."""
    stock: Integers
    """Shape (n_columns, n_locations) [units]; of any integer type."""
    cost: Floats
    """Shape (n_columns,), in the objective's unit."""
    uses: Floats
    """Shape (n_columns, n_promises), without fixed use."""

    def __len__(self) -> int:
        return len(self.parts)

    @classmethod
    def joined(cls, many: list[Columns]) -> Columns:
        """All columns in one set, in order."""
        return cls(
            np.concatenate([c.parts for c in many]),
            np.concatenate([c.stock for c in many]),
            np.concatenate([c.cost for c in many]),
            np.concatenate([c.uses for c in many]),
        )

    def of(self, chosen: NDArray[np.bool_] | Integers) -> Columns:
        """The chosen columns."""
        return Columns(self.parts[chosen], self.stock[chosen], self.cost[chosen], self.uses[chosen])

    def packed(self) -> Columns:
        """The same columns, their stocks in the smallest unsigned integers that hold them."""
        small = np.min_scalar_type(int(self.stock.max(initial=0)))
        return replace(self, stock=self.stock.astype(small, copy=False))

    def value(self, price: Floats) -> Floats:
        """Cost and penalties of every column."""
        return np.asarray(self.cost + self.uses @ price)

    def reduced_cost_by(self, price: Floats, least: Floats) -> Floats:
        """Cost and penalties above a least of every column's own."""
        return np.asarray(self.value(price) - least)

    def reduced_cost(self, price: Floats, least: Floats) -> Floats:
        """Cost and penalties above the least possible of the same part, ``least`` by part."""
        return np.asarray(self.value(price) - least[self.parts])

    def excess(self, price: Floats, n_parts: int) -> Floats:
        """Cost and penalties above the least of these columns of the same part."""
        values = self.value(price)
        least = np.full(n_parts, np.inf)
        np.minimum.at(least, self.parts, values)
        return np.asarray(values - least[self.parts])


@dataclass(frozen=True, eq=False)
class _Known:
    """What a pool holds; replaced as a whole, so that an interrupt leaves the old or the new."""

    chunks: tuple[Columns, ...]
    keys: NDArray[np.uint64]
    """Of all columns, sorted."""
    places: Integers
    """Position of the column of each key."""


class ColumnPool:
    """All different columns met so far, in order."""

    def __init__(self) -> None:
        self._known = _Known((), np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64))

    def __len__(self) -> int:
        return len(self._known.keys)

    def add(self, columns: Columns) -> Columns:
        """Keep the columns not met before; returns them."""
        known, keys = self._known, _keys(columns)
        _, first = np.unique(keys, return_index=True)
        first.sort()
        first = first[~_is_among(known.keys, keys[first])]
        new = columns.of(first)
        if len(new):
            places = np.concatenate([known.places, len(known.keys) + np.arange(len(new))])
            keys = np.concatenate([known.keys, keys[first]])
            order = np.argsort(keys)
            self._known = _Known((*known.chunks, new), keys[order], places[order])
        return new

    def places(self, columns: Columns) -> Integers:
        """Positions of columns in the pool; those not met before are added."""
        self.add(columns)
        known = self._known
        return np.asarray(known.places[np.searchsorted(known.keys, _keys(columns))])

    @property
    def columns(self) -> Columns:
        """Everything in the pool."""
        if len(self._known.chunks) > 1:
            joined = Columns.joined(list(self._known.chunks))
            self._known = replace(self._known, chunks=(joined,))
        return self._known.chunks[0]


def _is_among(known: NDArray[np.uint64], keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which keys are among sorted ones."""
    if not len(known):
        return np.zeros(len(keys), dtype=np.bool_)
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.asarray(known[place] == keys)


def _keys(columns: Columns) -> NDArray[np.uint64]:
    """A number for each column's part and stock; that two agree by chance does not happen.

    A sum of random multiples: two different columns agree with probability 2^-63 or so.
    """
    width = columns.stock.shape[1]
    factors = np.random.default_rng(_SEED).integers(1, 2**63, 1 + width, dtype=np.uint64) * 2 + 1
    with np.errstate(over="ignore"):
        keys: NDArray[np.uint64] = columns.parts.astype(np.uint64) * factors[0]
        for at in range(width):
            keys += columns.stock[:, at].astype(np.uint64) * factors[1 + at]
    return keys
