"""The front door of the optimization: from network and demand to a plan with a proven gap."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np

from partsplan.demand import DemandRates
from partsplan.errors import PartsplanError
from partsplan.evaluation import CommitmentResult, Evaluation, ImpossibleCommitment, Performance
from partsplan.evaluation.measuring import EVALUATIONS
from partsplan.evaluation.performance import (
    check_choice,
    check_network_and_demand,
    performance_of,
    service_model,
)
from partsplan.evaluation.results import Rows
from partsplan.network import ServiceNetwork, read_limits
from partsplan.optimization.all_blocks import AllBlocks
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.clock import Clock
from partsplan.optimization.feasibility import impossible_commitments
from partsplan.optimization.integer import PlanSearch, relative_gap
from partsplan.optimization.master import check_solver
from partsplan.optimization.plan import PlannedStock, PlanStatus, StockingPlan, StoppedBy
from partsplan.optimization.prices import PriceFinder, PriceState
from partsplan.optimization.problem import OBJECTIVES, Objective, PlanningProblem
from partsplan.optimization.search import BlockSearch

logger = logging.getLogger("partsplan")


_OPTIMAL_GAP = 1e-9
_DUAL_TOLERANCE = 1e-6
_FINEST = 1e-9
_TABLE_SHARE_OF_GAP = 1e-2
_BLOCK_SIZE = 50
_PROOF_SIZE = 150
_PROOF_NODES = 300
_EFFORT_NODES = 600
_TIGHTENINGS = 5
_TIGHTENING = 1e-9


def optimize(
    network: ServiceNetwork,
    demand: DemandRates,
    *,
    evaluation: Evaluation = "exact",
    objective: Objective = "holding_cost",
    gap: float = 5e-4,
    time_limit: float | None = None,
    limits: Any = None,
    solver: object = None,
) -> StockingPlan:
    """Find the stock of least cost that keeps every commitment, with a proven gap.

    Parameters
    ----------
    network : ServiceNetwork
        With the commitments to keep.
    demand : DemandRates
        Demand for this network's parts and locations.
    evaluation : {"exact", "vari_metric", "metric"}
        How late units are computed; the proof holds for the same method. Under "vari_metric"
        nothing is proven for three or more levels, nor for clustered demand below the top:
        ``bound``, ``gap`` and prices are ``None`` then.
    objective : {"holding_cost", "investment", "new_investment"}
        unit_cost x holding_rate x S per year; unit_cost x S; or unit_cost x the units of S, per
        part over all locations, above on_hand + on_order.
    gap : float
        Relative gap at which the search may stop; 0 asks for a proven optimum, however long it
        takes. Small problems are usually solved to proven optimality in any case.
    time_limit : float, optional
        Seconds; the best plan found by then comes back. Without it, and with a gap above 0, the
        search also stops when a fixed effort has not reached the gap (``stopped_by`` "effort").
    limits : table, optional
        A ``stock`` table with ``minimum``, ``maximum``, ``fixed`` (and ``on_hand``, ``on_order``
        for new_investment); ``None`` means ``network.stock``.
    solver : str or PuLP solver, optional
        Solver of the integer master; ``None`` is HiGHS.

    Returns
    -------
    StockingPlan
        Infeasible is a status, not an exception: see ``impossible``.

    Raises
    ------
    ValueError
        If an option is not one of its values.
    InputError
        If limits or demand name unknown parts or locations.
    PartsplanError
        If the solver named is not installed, or demand is clustered (``variance_to_mean`` above
        1) where the evaluation has no law.

    References
    ----------
    Kranenburg and van Houtum (2007), Operations Research Letters 35, for the decomposition into
    one column per part; Graves (1985), Management Science 31, for the evaluation.

    Examples
    --------
    >>> import partsplan as pp
    >>> network = pp.ServiceNetwork.from_tables(
    ...     parts=[{"part_id": "P1", "unit_cost": 100, "resupply_days": 10}],
    ...     locations=[{"location_id": "DC", "kind": "central"}],
    ...     commitments=[{"commitment_id": "C1", "metric": "fill_rate", "target": 0.9}],
    ... )
    >>> demand = pp.DemandRates.from_table(
    ...     [{"part_id": "P1", "location_id": "DC", "per_year": 36.5}])
    >>> plan = pp.optimize(network, demand)
    >>> plan.status.value, plan.stock.to_records(), plan.annual_cost
    ('optimal', [{'part_id': 'P1', 'location_id': 'DC', 'base_stock': 3}], 60.0)
    """
    clock = Clock(time_limit)
    check_network_and_demand(network, demand)
    _check_options(network, evaluation, objective, gap, time_limit)
    check_solver(solver)
    model = service_model(network, demand, evaluation)
    problem = PlanningProblem.of(model, read_limits(network, limits), objective, evaluation)
    return _Optimization(problem, gap, solver, clock).plan()


def _check_options(
    network: ServiceNetwork, evaluation: str, objective: str, gap: float, time_limit: float | None
) -> None:
    check_choice("evaluation", evaluation, EVALUATIONS)
    check_choice("objective", objective, OBJECTIVES)
    if not 0.0 <= gap < 1.0:
        raise ValueError(f"gap must be a share from 0 to below 1, got {gap!r}")
    if time_limit is not None and not time_limit > 0.0:
        raise ValueError(f"time_limit must be positive seconds or None, got {time_limit!r}")
    if network.shortages != "wait":
        raise PartsplanError(
            "This version plans networks where shortages wait; shortages='expedite' is not "
            "supported yet. Make the network with shortages='wait'."
        )


class _Optimization:
    """One run: feasibility, prices, plan, and the check of the plan by the evaluation."""

    def __init__(self, problem: PlanningProblem, gap: float, solver: object, clock: Clock) -> None:
        self.problem = problem
        self.target_gap = gap
        self.solver = solver
        self.clock = clock
        places = problem.network.n_parts * problem.network.n_locations
        self.is_small = places <= _PROOF_SIZE
        tolerance = _FINEST if self.is_small else max(_FINEST, _TABLE_SHARE_OF_GAP * gap)
        self.searches = [
            BlockSearch(problem, block, tolerance) for block in problem.blocks(_BLOCK_SIZE)
        ]
        self.fixed = self._fixed_use()

    def plan(self) -> StockingPlan:
        """The plan."""
        problem = self.problem
        impossible = impossible_commitments(problem, self.searches, self.fixed)
        if impossible:
            return self._without_solution(PlanStatus.INFEASIBLE, impossible)
        allowed = (problem.allowed - self.fixed)[problem.kept]
        scale = np.maximum(allowed, 1e-12 * np.maximum(problem.allowed[problem.kept], 1e-300))
        blocks = AllBlocks(self.searches, problem.network.n_parts, scale)
        state = PriceFinder(blocks, self.clock).run(_DUAL_TOLERANCE)
        bound = float("inf")
        for _ in range(_TIGHTENINGS):
            search = self._searched(state, blocks)
            bound = min(bound, search.bound)  # the first is for the targets as they were promised
            if search.best is None:
                return self._without_solution(PlanStatus.NO_SOLUTION, [])
            stock = self._stock_of(search)
            performance = performance_of(problem.model, stock, problem.evaluation)
            if all(result.is_met for result in performance.commitments):
                return self._with_solution(bound, state, stock, performance)
            logger.info("the evaluation misses a commitment; the targets are tightened")
            blocks = replace(blocks, allowed=blocks.allowed * (1.0 - _TIGHTENING))
        raise PartsplanError(
            "The plan found misses a commitment when it is evaluated, by more than rounding. "
            "This is a fault of partsplan; please report the tables."
        )

    def _fixed_use(self) -> Floats:
        fixed = np.zeros(self.problem.model.n_promises)
        for search in self.searches:
            fixed += search.block.weights.unavoidable_use().sum(axis=0)
        return fixed

    def _searched(self, state: PriceState, blocks: AllBlocks) -> PlanSearch:
        search = PlanSearch(blocks, state, self.solver, self.clock)
        is_open_ended = self.target_gap == 0.0 or np.isfinite(self.clock.seconds_left)
        search.run(
            max(self.target_gap, 1e-10),
            None if is_open_ended else _EFFORT_NODES,
            _PROOF_NODES if self.is_small else 0,
        )
        return search

    def _stock_of(self, search: PlanSearch) -> Integers:
        if search.best is None:
            raise PartsplanError("there is no plan to read; please report the tables")
        columns = search.best.columns.of(search.best.picked)
        stock = np.zeros((len(columns), self.problem.network.n_locations), dtype=np.int64)
        stock[columns.parts] = columns.stock
        return stock

    def _with_solution(
        self, bound: float, state: PriceState, stock: Integers, performance: Performance
    ) -> StockingPlan:
        problem, network = self.problem, self.problem.network
        parts = np.arange(network.n_parts)
        unit_cost = network.parts["unit_cost"][:, None]
        cost = float(problem.cost(parts, stock).sum())
        bound = min(max(bound, 0.0), cost)  # no stock costs less than nothing
        is_proven = np.isfinite(bound) and all(map(_bound_is_proven, self.searches))
        gap = relative_gap(cost, bound)
        gap = 0.0 if gap <= _OPTIMAL_GAP else gap
        price = state.price if is_proven else None
        return StockingPlan(
            status=PlanStatus.OPTIMAL if is_proven and gap == 0.0 else PlanStatus.FEASIBLE,
            objective=problem.objective,
            stock=PlannedStock(network, stock),
            cost=cost,
            annual_cost=float((unit_cost * network.holding_rates(parts) * stock).sum()),
            investment=float((unit_cost * stock).sum()),
            bound=bound if is_proven else None,
            gap=gap if is_proven and np.isfinite(gap) else None,
            commitments=self._priced(performance.commitments, price),
            impossible=self._rows([]),
            performance=performance,
            evaluation=problem.evaluation,
            bound_evaluation=problem.evaluation,
            stopped_by=self._stopped_by(gap),
            passes=state.passes,
            runtime_seconds=self.clock.seconds,
        )

    def _stopped_by(self, gap: float) -> StoppedBy:
        if gap <= max(self.target_gap, _OPTIMAL_GAP):
            return "gap"
        return "time" if self.clock.is_over else "effort"

    def _priced(
        self, results: Rows[CommitmentResult], price: Floats | None
    ) -> Rows[CommitmentResult]:
        """The results with the price of tightening each promise, where a bound is proven."""
        if price is None:
            return results
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

    def _without_solution(
        self, status: PlanStatus, impossible: list[ImpossibleCommitment]
    ) -> StockingPlan:
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


def _bound_is_proven(search: BlockSearch) -> bool:
    """Whether late units below a parent that never runs out are the fewest there can be.

    So it is under ``exact`` and METRIC. Under VARI-METRIC it is for two levels of Poisson demand
    (a child's law at endless stock is the least in convex order); deeper down, or with clustered
    demand, a larger mean can come with a thinner tail.
    """
    if search.problem.evaluation != "vari_metric":
        return True
    tree = search.block.tree
    has_demand = tree.rate > 0
    is_deep = bool(has_demand[:, tree.depth >= 2].any())
    is_clustered = (tree.variance_to_mean > 1.0).any(axis=1)
    return not is_deep and not bool(has_demand[is_clustered][:, tree.depth >= 1].any())
