"""All blocks at one set of prices: the Lagrangian value, a bound that holds for every plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from partsplan.optimization.axes import Floats
from partsplan.optimization.columns import Columns
from partsplan.optimization.search import BlockSearch
from partsplan.optimization.stock_tables import StockBounds


@dataclass(frozen=True, eq=False)
class PricedParts:
    """All parts at one set of prices."""

    columns: Columns
    used: Floats
    """Use of every kept promise by the best columns."""
    bound: float
    """Lagrangian value: a lower bound of the cost within the limits."""
    value: float
    """The same with the best columns found in place of their lower bounds."""
    least: Floats
    """Least cost and penalties of every part, shape (n_parts,)."""


@dataclass(frozen=True, eq=False)
class AllBlocks:
    """The block searches of all parts, and what they may use together."""

    searches: Sequence[BlockSearch]
    n_parts: int
    allowed: Floats
    """Use allowed to each kept promise once fixed use is taken off; positive."""

    def priced(
        self,
        price: Floats,
        limits: Mapping[int, StockBounds] | None = None,
        *,
        slack: float = 0.0,
    ) -> PricedParts:
        """Price all parts, some blocks (by position) within narrower limits.

        ``slack`` is how far the bound may stay below the best columns, in the objective's unit.
        """
        columns, used = [], np.zeros(len(price))
        least = np.zeros(self.n_parts)
        for place, search in enumerate(self.searches):
            found, low = search.best(price, (limits or {}).get(place), slack=slack / self.n_parts)
            least[search.block.parts] = low
            used += found.uses[-len(low) :].sum(axis=0)
            columns.append(found)
        joined = Columns.joined(columns)
        bound = float(least.sum()) - float(price @ self.allowed)
        found_least = np.full(self.n_parts, np.inf)
        np.minimum.at(found_least, joined.parts, joined.cost + joined.uses @ price)
        value = float(found_least.sum()) - float(price @ self.allowed)
        return PricedParts(joined, used, bound, value, least)

    def prune(self, price: Floats) -> None:
        """Forget stocks that are far from any use at these prices."""
        for search in self.searches:
            search.prune(price)

    def columns_within(
        self,
        price: Floats,
        slack: float,
        limit: int,
        *,
        changes: int | None = None,
        limits: Mapping[int, StockBounds] | None = None,
    ) -> Columns:
        """Columns of all parts within a slack of their least; see `BlockSearch.columns_within`."""
        found: list[Columns] = []
        for place, search in enumerate(self.searches):
            left = limit - sum(len(columns) for columns in found)
            narrow = (limits or {}).get(place)
            found.append(search.columns_within(price, slack, left, changes=changes, limits=narrow))
        return Columns.joined(found)

    @cached_property
    def places(self) -> list[tuple[int, int]]:
        """Block and row of every part."""
        places = [(0, 0)] * self.n_parts
        for block, search in enumerate(self.searches):
            for row, part in enumerate(search.block.parts.tolist()):
                places[part] = block, row
        return places
