"""All blocks at one set of prices: the Lagrangian value, a bound that holds for every plan.

Blocks know nothing of each other, so they are worked side by side in threads of this process, and
what they give is added up in block order: a plan is the same for any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from partsplan.optimization.axes import Booleans, Floats, Integers
from partsplan.optimization.block_problem import StockBounds
from partsplan.optimization.columns import Columns
from partsplan.optimization.crew import Crew
from partsplan.optimization.problem import PlanningProblem
from partsplan.optimization.sampling import importance, sampled, share_counted
from partsplan.optimization.search import BlockSearch
from partsplan.optimization.tasks import BlockPass, ListNear, NearExcess, PriceBlock, Prune


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
    near: Columns | None = None
    """Columns one change away from the best ones, where they were asked for."""


@dataclass(frozen=True, eq=False)
class AllBlocks:
    """The block searches of all parts, and what they may use together."""

    searches: Sequence[BlockSearch]
    """Of all parts of the network, or of a sample."""
    problem: PlanningProblem
    allowed: Floats
    """Use allowed to each kept promise once fixed use is taken off; positive."""
    crew: Crew = field(default_factory=Crew)
    """Who works the blocks."""
    some: Callable[[Booleans], Sequence[BlockSearch]] | None = None
    """Makes searches of some parts; None where no sample is to be taken."""
    counted: Floats | None = None
    """Of a sample: how often each part counts, shape (n_parts,)."""

    @property
    def n_parts(self) -> int:
        """Parts of the network."""
        return self.problem.network.n_parts

    @property
    def is_sample(self) -> bool:
        """Whether these are not all parts."""
        return self.counted is not None

    def _times(self, search: BlockSearch) -> Floats:
        """How often each part of a block counts."""
        return np.ones(len(search.parts)) if self.counted is None else self.counted[search.parts]

    @property
    def cost_of_one_each(self) -> float:
        """Cost of a unit of every part, where it is dearest."""
        return sum(
            self.crew.each(
                self.searches, lambda one: float(self._times(one) @ one.unit_price.max(axis=1))
            )
        )

    def priced(
        self,
        price: Floats,
        limits: Mapping[int, StockBounds] | None = None,
        *,
        slack: float = 0.0,
        share: float = 0.0,
        near: float | None = None,
    ) -> PricedParts:
        """Price all parts, some blocks (by position) within narrower limits.

        Parameters
        ----------
        price
            Price of one unit of use of every kept promise.
        limits
            Fewest and most units of some blocks.
        slack
            How far the bound may stay below the best columns, in the objective's unit; every part
            has the same share of it.
        share
            How far a part's bound may stay below its best column relative to itself, where that
            is more.
        near
            Largest excess of columns that differ from a best one at one location and are wanted
            as well; ``None`` for none.
        """
        task = PriceBlock(price, slack / self.n_parts, share, near)
        passes = self.crew.worked(self.searches, task, limits)
        used, least = np.zeros(len(price)), np.zeros(self.n_parts)
        for search, one in zip(self.searches, passes, strict=True):
            times = self._times(search)
            least[search.parts] = times * one.least
            used += times @ one.columns.uses[-len(one.least) :]
        joined = Columns.joined([one.columns for one in passes])
        offset = float(price @ self.allowed)
        found_least = np.full(self.n_parts, np.inf)
        np.minimum.at(found_least, joined.parts, joined.value(price))
        if self.counted is not None:
            found_least *= np.where(self.counted > 0.0, self.counted, np.inf)
        value = float(found_least[np.isfinite(found_least)].sum()) - offset
        return PricedParts(
            joined, used, float(least.sum()) - offset, value, least, _joined_near(passes)
        )

    def prune(self, price: Floats) -> None:
        """Forget stocks that are far from any use at these prices."""
        self.crew.worked(self.searches, Prune(price))

    def near_slack(self, price: Floats, count: int) -> float:
        """Excess that about ``count`` columns one change away from the best ones do not exceed."""
        sample = self.sample or self
        found = sample.crew.worked(sample.searches, NearExcess(price))
        excess = np.concatenate(found)
        times = np.concatenate(
            [
                np.full(len(some), sample._times(search).mean())
                for search, some in zip(sample.searches, found, strict=True)
            ]
        )
        order = np.argsort(excess)
        reached = np.searchsorted(np.cumsum(times[order]), count)
        return float(excess[order[min(int(reached), len(order) - 1)]]) if len(order) else 0.0

    def columns_of(self, stock: Integers) -> Columns:
        """The columns of a stock of all parts, drawn to the limits where it lies outside."""
        return Columns.joined(
            self.crew.each(self.searches, lambda search: search.columns_of(stock[search.parts]))
        )

    def cost_above(self, deviations: float) -> float:
        """Cost of the columns of `columns_above`, which are not measured."""
        return sum(self.crew.each(self.searches, lambda search: search.cost_above(deviations)))

    def columns_above(self, deviations: float) -> Columns:
        """The columns of some standard deviations above the mean demand under way everywhere."""
        return Columns.joined(
            self.crew.each(self.searches, lambda search: search.columns_above(deviations))
        )

    def near_columns(self, price: Floats, slack: float) -> Columns:
        """Columns of all parts that differ at one location from the best; within a slack of it."""
        return Columns.joined(self.crew.worked(self.searches, ListNear(price, slack)))

    def columns_within(
        self,
        price: Floats,
        slack: float,
        limit: int,
        *,
        limits: Mapping[int, StockBounds] | None = None,
    ) -> Columns:
        """All columns of all parts within a slack of their least, at most ``limit``.

        Raises
        ------
        TooManyStocksError
            If there are more.
        """
        found: list[Columns] = []
        for place, search in enumerate(self.searches):
            left = limit - sum(len(columns) for columns in found)
            narrow = (limits or {}).get(place)
            found.append(search.columns_within(price, slack, left, limits=narrow))
        return Columns.joined(found)

    @cached_property
    def sample(self) -> AllBlocks | None:
        """Some parts that stand for all; ``None`` where they would say too little."""
        counted = (
            None if self.some is None else sampled(importance(self.problem), len(self.allowed))
        )
        share = None if counted is None else share_counted(self.problem, counted)
        if self.some is None or counted is None or share is None:
            return None
        # parts of a block count alike
        kinds = [counted == times for times in np.unique(counted[counted > 0.0])]
        searches = [search for kind in kinds for search in self.some(kind)]
        allowed = self.allowed * share
        # worked here whoever works the others: small, passed often, and the same for all
        return replace(
            self, searches=searches, allowed=allowed, some=None, counted=counted, crew=Crew()
        )

    def only(self, chosen: Booleans) -> AllBlocks:
        """New searches of some parts alone."""
        if self.some is None:
            raise AssertionError("a sample is not searched again")
        return replace(self, searches=self.some(chosen), some=None)

    @cached_property
    def places(self) -> list[tuple[int, int]]:
        """Block and row of every part."""
        places = [(0, 0)] * self.n_parts
        for block, search in enumerate(self.searches):
            for row, part in enumerate(search.parts.tolist()):
                places[part] = block, row
        return places


def _joined_near(passes: Sequence[BlockPass]) -> Columns | None:
    near = [one.near for one in passes if one.near is not None]
    return Columns.joined(near) if near else None
