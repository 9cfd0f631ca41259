"""Plans as they leave a run: what was found with its cost and proof, or that there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from partsplan.evaluation import CommitmentResult, ImpossibleCommitment, Performance
from partsplan.evaluation.results import Rows
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.clock import Clock
from partsplan.optimization.integer import relative_gap
from partsplan.optimization.plan import (
    FAR_GAP,
    PlannedStock,
    PlanStatus,
    StockingPlan,
    StoppedBy,
)
from partsplan.optimization.problem import PlanningProblem

OPTIMAL_GAP = 1e-9


def gap_of(cost: float, bound: float) -> float:
    """Relative gap of a plan; 0 where it is optimal but for rounding."""
    gap = relative_gap(cost, bound)
    return 0.0 if gap <= OPTIMAL_GAP else gap


@dataclass(frozen=True, eq=False)
class Found:
    """A stock that a search has found."""

    stock: Integers
    """Shape (n_parts, n_locations) [units]."""
    performance: Performance
    bound: float
    """Lower bound of the cost, in the objective's unit."""
    is_proven: bool
    """Whether the bound is proven."""
    price: Floats
    """Price of one unit of use of every kept promise, at the bound."""
    shipment_cost: float
    """Yearly cost of shipments, where they are part of the cost."""
    passes: int


@dataclass(frozen=True)
class PlanMaker:
    """Makes the plans of a run.

    Parameters
    ----------
    problem
        What is planned.
    target_gap
        Relative gap at which the search may stop.
    clock
        Time that it took.
    """

    problem: PlanningProblem
    target_gap: float
    clock: Clock

    def of(self, found: Found) -> StockingPlan:
        """The plan of a stock."""
        problem, network, stock = self.problem, self.problem.network, found.stock
        parts = np.arange(network.n_parts)
        unit_cost = network.parts["unit_cost"][:, None]
        is_yearly = problem.objective == "holding_cost"
        cost = float(problem.cost(parts, stock).sum()) + is_yearly * found.shipment_cost
        holding = float((unit_cost * network.holding_rates(parts) * stock).sum())
        bound = min(max(found.bound, 0.0), cost)  # no stock costs less than nothing
        gap = gap_of(cost, bound)
        is_proven = found.is_proven and (bound > 0.0 or cost == 0.0)
        commitments = found.performance.commitments
        if is_proven and gap <= FAR_GAP:
            commitments = self._priced(commitments, found.price)
        return StockingPlan(
            status=PlanStatus.OPTIMAL if is_proven and gap == 0.0 else PlanStatus.FEASIBLE,
            objective=problem.objective,
            stock=PlannedStock(network, stock),
            cost=cost,
            annual_cost=holding + found.shipment_cost,
            investment=float((unit_cost * stock).sum()),
            bound=bound if is_proven else None,
            gap=gap if is_proven else None,
            commitments=commitments,
            impossible=self._rows([]),
            performance=found.performance,
            evaluation=problem.evaluation,
            bound_evaluation=problem.evaluation,
            stopped_by=self.stopped_by(gap),
            passes=found.passes,
            runtime_seconds=self.clock.seconds,
        )

    def stopped_by(self, gap: float) -> StoppedBy:
        """What ended the search, by the gap that is left."""
        if gap <= max(self.target_gap, OPTIMAL_GAP):
            return "gap"
        if self.clock.is_interrupted:
            return "interrupt"
        return "time" if self.clock.is_over else "effort"

    def _priced(self, results: Rows[CommitmentResult], price: Floats) -> Rows[CommitmentResult]:
        """The results with the price of tightening each promise."""
        full = np.zeros(self.problem.model.n_promises)
        full[self.problem.kept] = price
        steps = [promise.use_per_target_step for promise in self.problem.model.promises]
        rows = [
            replace(result, price=float(mu * step) if promise.has_demand else 0.0)
            for result, mu, step, promise in zip(
                results, full, steps, self.problem.model.promises, strict=True
            )
        ]
        return Rows(rows, CommitmentResult, self.problem.network.frame_backend)

    def _rows(self, rows: list[ImpossibleCommitment]) -> Rows[ImpossibleCommitment]:
        return Rows(rows, ImpossibleCommitment, self.problem.network.frame_backend)

    def none(self, status: PlanStatus, impossible: list[ImpossibleCommitment]) -> StockingPlan:
        """A result without a plan."""
        return StockingPlan(
            status=status,
            objective=self.problem.objective,
            stock=None,
            cost=None,
            annual_cost=None,
            investment=None,
            bound=None,
            gap=None,
            commitments=Rows([], CommitmentResult, self.problem.network.frame_backend),
            impossible=self._rows(impossible),
            performance=None,
            evaluation=self.problem.evaluation,
            bound_evaluation=self.problem.evaluation,
            stopped_by="time" if self.clock.is_over else None,
            passes=0,
            runtime_seconds=self.clock.seconds,
        )
