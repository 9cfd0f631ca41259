"""Optimization where parts sit in each other: a column is a part, or a family with all its stock.

Prices, columns and the integer master are as usual; families are priced by `FamilySearch`. Plans
are found by rounding, the integer master, and closing what is left by listing all columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from partsplan.errors import PartsplanError
from partsplan.evaluation import ImpossibleCommitment
from partsplan.evaluation.performance import MET_TOLERANCE
from partsplan.optimization.all_blocks import PricedParts
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.columns import Columns
from partsplan.optimization.enumeration import TooManyStocksError
from partsplan.optimization.expedite_plan import ExpeditePlanSearch
from partsplan.optimization.family_search import FamilySearch
from partsplan.optimization.feasibility import use_at_most_stock
from partsplan.optimization.integer import PlanSearch
from partsplan.optimization.prices import PriceFinder, PriceState
from partsplan.optimization.run import OptimizationRun
from partsplan.optimization.search import BlockSearch

_NEAR_PER_PART = 20
_NEAR_SHARE = 0.02
_DUAL_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class FamilyBlocks:
    """The searches of all parts and families, and what they may use together.

    ``unit`` numbers what has a column of its own: shape (n_parts of the network,).
    """

    singles: Sequence[BlockSearch]
    families: Sequence[FamilySearch]
    unit: Integers
    width: int
    """Entries of a column's stock."""
    allowed: Floats

    @property
    def n_parts(self) -> int:
        """Number of columns that a plan has."""
        return int(self.unit.max(initial=-1)) + 1

    @property
    def searches(self) -> list[BlockSearch | FamilySearch]:
        """All searches."""
        return [*self.singles, *self.families]

    is_sample: ClassVar[bool] = False
    sample: ClassVar[None] = None
    """Everything is priced in every pass, also where parts are many."""

    @property
    def cost_of_one_each(self) -> float:
        """Cost of a unit of every part, where it is dearest."""
        return sum(float(search.unit_price.max(axis=1).sum()) for search in self.searches)

    def priced(self, price: Floats, *, slack: float = 0.0, share: float = 0.0) -> PricedParts:
        """Price all parts and families; ``slack`` is shared out evenly.

        A single part's bound may also stay below by a ``share`` of itself.
        """
        least, columns = np.zeros(self.n_parts), []
        each = slack / self.n_parts
        for search in self.singles:
            found, low = search.best(price, slack=each, share=share)
            least[self.unit[search.block.parts]] = low
            columns.append(self.placed(found))
        for family in self.families:
            place, least[self.unit[family.block.parts[0]]] = family.best(price, slack=each)
            columns.append(self.placed(family.columns(np.array([place]))))
        joined = Columns.joined(columns)
        values = joined.value(price)
        cheapest = np.lexsort((values, joined.parts))
        first = cheapest[np.flatnonzero(np.diff(joined.parts[cheapest], prepend=-1))]
        offset = float(price @ self.allowed)
        return PricedParts(
            joined,
            joined.uses[first].sum(axis=0),
            float(least.sum()) - offset,
            float(values[first].sum()) - offset,
            least,
        )

    def placed(self, columns: Columns) -> Columns:
        """Columns numbered by unit, their stock filled up to the common width."""
        stock = np.zeros((len(columns), self.width), dtype=np.int64)
        stock[:, : columns.stock.shape[1]] = columns.stock
        return Columns(self.unit[columns.parts], stock, columns.cost, columns.uses)

    def prune(self, price: Floats) -> None:
        """Forget stocks of single parts that are far from any use at these prices."""
        for search in self.singles:
            search.prune(price)

    def columns_within(self, price: Floats, slack: float, limit: int) -> Columns | None:
        """All columns within a slack of their part's least; None where they are too many."""
        found: list[Columns] = []
        for family in self.families:
            places = family.columns_within(price, slack)
            if places is None:
                return None
            found.append(self.placed(family.columns(places)))
        for search in self.singles:
            try:
                found.append(self.placed(search.columns_within(price, slack, limit)))
            except TooManyStocksError:
                return None
            if sum(map(len, found)) > limit:
                return None
        return Columns.joined(found)

    def near(self, price: Floats, slack: float) -> Columns:
        """Columns near the best ones, as many as are of use."""
        found = [
            self.placed(family.columns(family.near(price, 10 * _NEAR_PER_PART)))
            for family in self.families
        ]
        for search in self.singles:
            limit = _NEAR_PER_PART * len(search.block.parts) + 200
            try:
                near = search.near_columns(price, np.full(len(search.parts), slack), limit)
            except TooManyStocksError:
                continue
            found.append(self.placed(near))
        return Columns.joined(found)


class FamilyRun(OptimizationRun):
    """One run where parts sit in each other."""

    @cached_property
    def family_searches(self) -> list[FamilySearch]:
        """Price searches of all families."""
        is_patient = self.target_gap == 0.0
        return [
            FamilySearch(self.problem, block, self.tolerance, self.clock, is_patient=is_patient)
            for block in self.problem.blocks(1)
            if block.family is not None
        ]

    @cached_property
    def single_searches(self) -> list[BlockSearch]:
        """Price searches of the other parts."""
        families = self.problem.model.indentures
        inside = np.zeros(0) if families is None else np.flatnonzero(families.parts)
        return [
            search for search in self.block_searches() if not np.isin(search.parts, inside).any()
        ]

    @cached_property
    def searches(self) -> list[BlockSearch]:
        """Searches of all parts, families with endless inner parts: what is impossible then is."""
        return [*self.single_searches, *(family.relaxed for family in self.family_searches)]

    def _share(self, other: OptimizationRun) -> None:
        if not isinstance(other, FamilyRun):
            raise PartsplanError("runs of different kinds share nothing; please report the tables")
        self.single_searches = other.single_searches
        self.family_searches = other.family_searches

    @cached_property
    def unit(self) -> Integers:
        """Number of the column of every part; parts of a family have one together."""
        unit = np.zeros(self.problem.network.n_parts, dtype=np.int64)
        heads = np.arange(len(unit))
        for family in self.family_searches:
            heads[family.block.parts] = family.block.parts[0]
        _, unit = np.unique(heads, return_inverse=True)
        return unit.reshape(-1).astype(np.int64)

    def _impossible(self, fixed: Floats) -> list[ImpossibleCommitment]:
        """Promises missed with endless inner parts, else those that limits on these forbid."""
        found = super()._impossible(fixed)
        if found or not self.is_monotone or not self._is_proven():
            return found
        kept = self.problem.kept
        least = use_at_most_stock(self.problem, self.single_searches)[kept]
        for family in self.family_searches:
            least += family.use_at_most() + family.relaxed.fixed_use.sum(axis=0)
        for c, use in zip(kept.tolist(), least.tolist(), strict=True):
            promise = self.problem.model.promises[c]
            if use > promise.allowed * (1.0 + MET_TOLERANCE):
                found.append(
                    ImpossibleCommitment(
                        commitment_id=promise.commitment_id,
                        metric=promise.metric,
                        target=promise.target,
                        best_attainable=promise.achieved(use),
                        unit=promise.unit,
                        reason="the limits on stock forbid it, those of parts inside others "
                        f"included{self._bound_inside()}",
                    )
                )
        return found

    def _bound_inside(self) -> str:
        """Names of the limited places of inner parts."""
        named = []
        for search in self.family_searches:
            inner = np.unique(search.family.sru)
            parts = search.block.parts[inner]
            limited = np.isfinite(self.problem.highest(parts)) & (search.block.tree.rate[inner] > 0)
            for row, at in zip(*np.nonzero(limited), strict=True):
                network = self.problem.network
                most = self.problem.limits.maximum[parts[row], at]
                named.append(
                    f"{network.part_ids[parts[row]]} at {network.location_ids[at]} at most {most:g}"
                )
        more = f", and {len(named) - 3} more" if len(named) > 3 else ""
        return f": {', '.join(named[:3])}{more}" if named else ""

    def _blocks(self, allowed: Floats) -> FamilyBlocks:  # type: ignore[override]
        sizes = [len(family.block.parts) for family in self.family_searches]
        width = max([1, *sizes]) * self.problem.network.n_locations
        return FamilyBlocks(self.single_searches, self.family_searches, self.unit, width, allowed)

    def _found_prices(self, finder: PriceFinder, blocks: FamilyBlocks) -> PriceState:  # type: ignore[override]
        return finder.run(_DUAL_TOLERANCE)

    def _searched(self, state: PriceState, blocks: FamilyBlocks) -> PlanSearch:  # type: ignore[override]
        search = FamilyPlanSearch(blocks, state, self.solver, self.clock)  # type: ignore[arg-type]
        try:
            search.find(self.target_gap)
        except KeyboardInterrupt:
            self.clock.interrupt()
        return search

    def _stock_of(self, search: PlanSearch) -> Integers:
        if search.best is None:
            raise PartsplanError("there is no plan to read; please report the tables")
        columns = search.best.columns.of(search.best.picked)
        by_unit = np.zeros_like(columns.stock)
        by_unit[columns.parts] = columns.stock
        n_locations = self.problem.network.n_locations
        stock = by_unit[self.unit, :n_locations].copy()
        for family in self.family_searches:
            parts = family.block.parts
            own = by_unit[self.unit[parts[0]], : len(parts) * n_locations]
            stock[parts] = own.reshape(len(parts), n_locations)
        return stock

    def _is_proven(self) -> bool:
        return self.problem.evaluation != "vari_metric" and super()._is_proven()


class FamilyPlanSearch(ExpeditePlanSearch):
    """From prices to a plan, over columns of parts and of families."""

    blocks: FamilyBlocks  # type: ignore[assignment]

    def find(self, gap: float) -> None:
        """Round, mend and improve; then the integer master; then close what is left."""
        near = self.blocks.near(self.state.price, _NEAR_SHARE * abs(self.state.bound))
        self.state.pool.add(near)
        super().find(gap)
