"""All parts where shortages are expedited: priced, bounded and polished together.

`ExpediteBlocks` has the face of `AllBlocks`, so the same prices are found over it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from partsplan.optimization.all_blocks import PricedParts
from partsplan.optimization.axes import Floats
from partsplan.optimization.clock import Clock
from partsplan.optimization.columns import Columns
from partsplan.optimization.expedite_branching import MOST_CASES, raise_bounds
from partsplan.optimization.expedite_search import ExpediteSearch

_POLISHED_PER_BLOCK = 8
"""Parts of a block, those with most money in stock, whose columns are polished."""


@dataclass(frozen=True, eq=False)
class ExpediteBlocks:
    """The searches of all parts, and what they may use together."""

    searches: Sequence[ExpediteSearch]
    n_parts: int
    allowed: Floats
    """Use allowed to each kept promise once fixed use is taken off; positive."""

    is_sample: ClassVar[bool] = False
    sample: ClassVar[None] = None
    """All parts are priced in every pass, also where they are many."""

    @property
    def cost_of_one_each(self) -> float:
        """Cost of a unit of every part, where it is dearest."""
        return sum(float(search.unit_price.max(axis=1).sum()) for search in self.searches)

    def priced(self, price: Floats, *, slack: float = 0.0, share: float = 0.0) -> PricedParts:
        """Price all parts; ``slack`` is shared out evenly, see `ExpediteSearch.best`.

        No part's bound needs the leave to stay below by a ``share`` of itself.
        """
        columns, least = [], np.zeros(self.n_parts)
        for search in self.searches:
            found, low = search.best(price, slack=slack / self.n_parts)
            least[search.block.parts] = low
            columns.append(found)
        joined = Columns.joined(columns)
        bound = float(least.sum()) - float(price @ self.allowed)
        value = float(joined.value(price).sum()) - float(price @ self.allowed)
        return PricedParts(joined, joined.uses.sum(axis=0), bound, value, least)

    def prune(self, price: Floats) -> None:
        """Keep everything: lists are as short as they can be."""

    def proven(self, price: Floats, clock: Clock) -> float:
        """Lagrangian value that no plan's cost is below; rough once time is over."""
        return float(lower_bounds(self.searches, price, clock).sum() - price @ self.allowed)

    def polished(self, price: Floats, clock: Clock) -> Columns | None:
        """Better columns of the parts that cost most, where they are not listed."""
        found = []
        for search in self.searches:
            rows = np.flatnonzero(~search.is_listed)
            value = (search.unit_price * search.latest).sum(axis=1)
            few = rows[np.argsort(-value[rows], kind="stable")[:_POLISHED_PER_BLOCK]]
            if len(few) and not clock.is_over:
                found.append(search.polished(np.sort(few), price, clock))
        return Columns.joined(found) if found else None

    @property
    def is_listed(self) -> bool:
        """Whether every part's best column is found by enumeration."""
        return all(bool(search.is_listed.all()) for search in self.searches)

    def columns_within(self, price: Floats, slack: float, limit: int) -> Columns | None:
        """All columns of all parts within a slack of their least; None where not all are known."""
        found = []
        for search in self.searches:
            some = search.columns_within(price, slack, limit)
            if some is None:
                return None
            found.append(some)
        return Columns.joined(found)


def lower_bounds(
    searches: Sequence[ExpediteSearch], price: Floats, clock: Clock, most: int = MOST_CASES
) -> Floats:
    """Proven lower bound of every part's cost and penalties over all vectors, search by search."""
    low = [search.listed_bound(price) for search in searches]
    open_ = [place for place, search in enumerate(searches) if not search.is_listed.all()]
    trees = [searches[place].case_tree(price, clock) for place in open_]
    raise_bounds(trees, clock, most)
    for place, tree in zip(open_, trees, strict=True):
        low[place] = np.maximum(low[place], searches[place].proven(tree))
    return np.concatenate(low)
