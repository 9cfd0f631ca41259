"""Columns: stock vectors of single parts, with their cost and their use of every promise.

The pool keeps each different column once, in the order it was met.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from partsplan.optimization.axes import Floats, Integers


@dataclass(frozen=True, eq=False)
class Columns:
    """Stock vectors of parts with their cost and use; one row each."""

    parts: Integers
    """Shape (n_columns,): position of the part in the network."""
    stock: Integers
    """Shape (n_columns, n_locations) [units]."""
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

    def reduced_cost_by(self, price: Floats, least: Floats) -> Floats:
        """Cost and penalties above a least of every column's own."""
        return np.asarray(self.cost + self.uses @ price - least)

    def reduced_cost(self, price: Floats, least: Floats) -> Floats:
        """Cost and penalties above the least possible of the same part, ``least`` by part."""
        return self.cost + self.uses @ price - least[self.parts]

    def excess(self, price: Floats, n_parts: int) -> Floats:
        """Cost and penalties above the least of these columns of the same part."""
        values = self.cost + self.uses @ price
        least = np.full(n_parts, np.inf)
        np.minimum.at(least, self.parts, values)
        return np.asarray(values - least[self.parts])


class ColumnPool:
    """All different columns met so far, in order."""

    def __init__(self) -> None:
        self._places: dict[bytes, int] = {}
        self._chunks: list[Columns] = []

    def add(self, columns: Columns) -> Columns:
        """Keep the columns not met before; returns them."""
        fresh = np.zeros(len(columns), dtype=bool)
        for i, key in enumerate(_keys(columns)):
            if key not in self._places:
                self._places[key] = len(self._places)
                fresh[i] = True
        new = columns.of(fresh)
        if len(new):
            self._chunks.append(new)
        return new

    def places(self, columns: Columns) -> Integers:
        """Positions of columns in the pool; those not met before are added."""
        self.add(columns)
        return np.array([self._places[key] for key in _keys(columns)], dtype=np.int64)

    @property
    def columns(self) -> Columns:
        """Everything in the pool."""
        if len(self._chunks) > 1:
            self._chunks = [Columns.joined(self._chunks)]
        return self._chunks[0]


def _keys(columns: Columns) -> Iterator[bytes]:
    """A digest of each column's part and stock; that two agree by chance does not happen."""
    for part, stock in zip(columns.parts.tolist(), columns.stock, strict=True):
        digest = blake2b(stock.tobytes(), digest_size=16, key=part.to_bytes(8, "little"))
        yield digest.digest()
