"""Optimization where shortages are expedited: prices, columns and a plan with its bound.

The objective adds the expected cost of shipments. The bound is proven by enumeration of every
part's stock vectors, or where there are too many by the relaxation of `expedite_bound`.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from partsplan.evaluation import ImpossibleCommitment, Performance
from partsplan.evaluation.expedite_model import ExpediteModel
from partsplan.evaluation.expedited import ExpeditedPerformance, expedited_performance
from partsplan.evaluation.performance import MET_TOLERANCE
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.clock import Clock
from partsplan.optimization.closing import cheapest_choice, undominated
from partsplan.optimization.expedite_blocks import ExpediteBlocks, lower_bounds
from partsplan.optimization.expedite_search import (
    MOST_CHAINS_TOGETHER,
    MOST_LISTED_TOGETHER,
    MOST_VECTORS,
    MOST_VECTORS_TOGETHER,
    ExpediteSearch,
)
from partsplan.optimization.feasibility import impossible_commitment, limits_reason
from partsplan.optimization.integer import PlanSearch
from partsplan.optimization.plan import PlanStatus, StockingPlan
from partsplan.optimization.plan_maker import OPTIMAL_GAP
from partsplan.optimization.prices import PriceFinder, PriceState
from partsplan.optimization.run import OptimizationRun

_BLOCK_SIZE = 50
_DUAL_TOLERANCE = 1e-6
_MOST_CLOSING = 30_000
_PASSES = 25
_FIRST_SHARE = 0.05
_RAISES = 16
_RAISE = 4.0
_FEW_CASES = 5_000
"""Cases that are bounded to learn whether limits on stock break a promise."""
_ONLY_USE_COUNTS = 1e7
"""Price of all that is allowed, in dearest units, beside which holding costs little."""
_ONLY_USE_TOLERANCE = 1e-3
"""Excess that is not holding and shipments at that price."""


class _PassLimit(Clock):
    """A clock that also runs out after some passes where columns are found by descent."""

    def __init__(self, clock: Clock, state: PriceState, blocks: ExpediteBlocks) -> None:
        super().__init__(None if np.isinf(clock.seconds_left) else max(clock.seconds_left, 0.0))
        self._whole, self._state, self._blocks = clock, state, blocks

    @property
    def is_over(self) -> bool:
        """Whether time or passes have run out."""
        spent = self._state.passes >= _PASSES and not self._blocks.is_listed
        return spent or self._whole.is_over

    def report(self, passes: int, bound: float, cost: float = np.inf) -> None:
        """Tell those who listen to the whole run."""
        self._whole.report(passes, bound, cost)


class ExpediteRun(OptimizationRun):
    """One run where shortages are expedited."""

    @cached_property
    def model(self) -> ExpediteModel:
        """Source orders and emergency supply."""
        return ExpediteModel(self.problem.model)

    @cached_property
    def expedite_searches(self) -> list[ExpediteSearch]:
        """Price searches of all blocks."""
        by_chains = self.problem.evaluation == "exact"
        together = MOST_CHAINS_TOGETHER if by_chains else MOST_VECTORS_TOGETHER
        n_parts = self.problem.network.n_parts
        listed = min(MOST_VECTORS, MOST_LISTED_TOGETHER // n_parts)
        most = listed, min(listed, together // n_parts)
        blocks = self.model.blocks(_BLOCK_SIZE)
        return [
            ExpediteSearch(self.problem, self.model, block, most, self.clock) for block in blocks
        ]

    def _share(self, other: OptimizationRun) -> None:
        if isinstance(other, ExpediteRun):
            self.expedite_searches = other.expedite_searches

    @property
    def is_monotone(self) -> bool:
        """Stock at one location takes demand from others: nothing is claimed."""
        return False

    def _fixed_use(self) -> Floats:
        fixed = np.zeros(self.problem.model.n_promises)
        for search in self.expedite_searches:
            fixed += search.fixed_use.sum(axis=0)
        return fixed

    def _impossible(self, fixed: Floats) -> list[ImpossibleCommitment]:
        """Promises whose least use over all stocks, source by source, is more than allowed."""
        found = []
        for c in self.problem.kept.tolist():
            promise, least = self.problem.model.promises[c], float(fixed[c])
            if least > promise.allowed * (1.0 + MET_TOLERANCE):
                reason = (
                    "diagnosis, lane and repair hours alone exceed it, whatever is stocked and "
                    "whoever ships"
                )
                found.append(impossible_commitment(promise, least, reason))
        return found

    def _blocks(self, allowed: Floats) -> ExpediteBlocks:  # type: ignore[override]
        return ExpediteBlocks(self.expedite_searches, self.problem.network.n_parts, allowed)

    def _prices(self, blocks: ExpediteBlocks) -> PriceState:  # type: ignore[override]
        state = super()._prices(blocks)  # type: ignore[arg-type]
        if not blocks.is_listed:
            try:
                self._prove(state, blocks)
            except KeyboardInterrupt:
                self.clock.interrupt()
                self._prove(state, blocks)  # rough and soon done; without it nothing is proven
        return state

    def _prove(self, state: PriceState, blocks: ExpediteBlocks) -> None:
        """A proven bound in place of what descent found, and better columns."""
        state.bound = blocks.proven(state.price, self.clock)
        polished = blocks.polished(state.price, self.clock)
        if polished is not None:
            state.pool.add(polished)

    def _found_prices(self, finder: PriceFinder, blocks: ExpediteBlocks) -> PriceState:  # type: ignore[override]
        finder.clock = _PassLimit(self.clock, finder.state, blocks)
        return finder.run(_DUAL_TOLERANCE)

    def _searched(self, state: PriceState, blocks: ExpediteBlocks) -> PlanSearch:  # type: ignore[override]
        search = ExpeditePlanSearch(blocks, state, self.solver, self.clock)  # type: ignore[arg-type]
        try:
            search.find(self.target_gap)
        except KeyboardInterrupt:
            self.clock.interrupt()
        return search

    def performance(self, stock: Integers) -> ExpeditedPerformance:
        """Service of a stock of shape (n_parts, n_locations)."""
        return expedited_performance(self.model, stock, self.problem.evaluation)

    def _shipment_cost(self, performance: Performance) -> float:
        return performance.shipment_cost if isinstance(performance, ExpeditedPerformance) else 0.0

    def _is_proven(self) -> bool:
        return True

    def without_solution(
        self, status: PlanStatus, impossible: list[ImpossibleCommitment]
    ) -> StockingPlan:
        """No plan; where limits on stock alone break a promise, that is told."""
        if status is PlanStatus.NO_SOLUTION and not self.clock.is_over:
            impossible = self._forbidden_by_limits()
            status = PlanStatus.INFEASIBLE if impossible else status
        return super().without_solution(status, impossible)

    def _forbidden_by_limits(self) -> list[ImpossibleCommitment]:
        """Promises that no stock within the limits keeps, as the least use of every part shows.

        Where stock vectors are too many to list, no stock attains more than what is told.
        """
        problem, fixed, found = self.problem, self._fixed_use(), []
        dearest = max(
            float(search.unit_price.max(initial=0.0)) for search in self.expedite_searches
        )
        for row, c in enumerate(problem.kept.tolist()):
            promise = problem.model.promises[c]
            price = np.zeros(len(problem.kept))
            price[row] = _ONLY_USE_COUNTS * max(dearest, 1e-9) / promise.allowed
            low = float(lower_bounds(self.expedite_searches, price, self.clock, _FEW_CASES).sum())
            least = float(fixed[c]) + max(low, 0.0) / float(price[row])
            if least > promise.allowed * (1.0 + _ONLY_USE_TOLERANCE):
                reason = limits_reason(problem, promise)
                found.append(impossible_commitment(promise, least, reason))
        return found


class ExpeditePlanSearch(PlanSearch):
    """From prices to a plan, over columns of expedited parts."""

    blocks: ExpediteBlocks  # type: ignore[assignment]

    def find(self, gap: float) -> None:
        """Round, mend and improve; then the integer master; then close what is left."""
        self._offer(self._cheapest_by_part())
        self._first_plan()
        if not len(self.allowed):
            return
        if self.gap > gap and not self.clock.is_over:
            self._least_of_pool()
            self._solve_master(max(gap, 1e-6))
        if self.gap > max(gap, OPTIMAL_GAP) and not self.clock.is_over:
            self._close()

    def _first_plan(self) -> None:
        """Raise prices until a plan is found, from some at which keeping promises matters."""
        if self.state.solution is not None:
            self._offer(self._rounded(self.state.solution.share))
        unit = self.blocks.cost_of_one_each
        lowest = _FIRST_SHARE * max(unit, 1e-12) / (len(self.allowed) * self.allowed)
        price = np.maximum(self.state.price, lowest)
        for _ in range(_RAISES):
            if self.best is not None:
                return
            self.state.pool.add(self.blocks.priced(price, slack=np.inf).columns)
            excess = self.state.pool.columns.reduced_cost(price, self.state.least)
            self._offer(self._rounded(-excess))
            price = _RAISE * price

    def _least_of_pool(self) -> None:
        """Measure columns against the best one met, not against a relaxed bound."""
        columns = self.state.pool.columns
        values = columns.value(self.state.price)
        least = np.full(self.n_parts, np.inf)
        np.minimum.at(least, columns.parts, values)
        self.state.least = least

    def _close(self) -> None:
        """The cheapest choice among all columns that a better plan could use."""
        if self.best is None:
            return
        slack = self.cost - self.bound
        columns = self.blocks.columns_within(self.state.price, slack, _MOST_CLOSING)
        if columns is None:
            return
        chosen = cheapest_choice(
            undominated(columns), self.allowed, self.n_parts, self.cost, self.clock.seconds_left
        )
        if chosen.choice is not None and chosen.choice.keeps(self.allowed):
            self._look(chosen.choice)
        self.bound = max(self.bound, min(chosen.bound, self.cost))
