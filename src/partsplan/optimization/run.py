"""One run of the optimization: feasibility, prices, plan, and the check of the plan."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from functools import cached_property, partial
from typing import TypeVar

import numpy as np

from partsplan.errors import PartsplanError
from partsplan.evaluation import ImpossibleCommitment, Performance
from partsplan.evaluation.commitments import Promise
from partsplan.evaluation.model import BlockPiece
from partsplan.evaluation.performance import performance_of
from partsplan.optimization.all_blocks import AllBlocks
from partsplan.optimization.axes import Booleans, Floats, Integers
from partsplan.optimization.block_problem import BlockProblem
from partsplan.optimization.clock import Clock, TimeIsOverError
from partsplan.optimization.compaction import compacted
from partsplan.optimization.crew import Crew
from partsplan.optimization.feasibility import impossible_commitments
from partsplan.optimization.integer import PlanSearch
from partsplan.optimization.kept_blocks import kept_blocks
from partsplan.optimization.plan import PlanStatus, StockingPlan
from partsplan.optimization.plan_maker import Found, PlanMaker
from partsplan.optimization.prices import MANY_PARTS, PriceFinder, PriceState
from partsplan.optimization.problem import PlanningProblem
from partsplan.optimization.recall import Recall, is_worth_remembering
from partsplan.optimization.remote import RemoteCrew
from partsplan.optimization.rounding import Choice
from partsplan.optimization.search import BlockSearch
from partsplan.optimization.single_chains import with_only_children
from partsplan.optimization.warm_start import WarmStart

logger = logging.getLogger("partsplan")

Result = TypeVar("Result")


_DUAL_TOLERANCE = 1e-6
_DUAL_SHARE_OF_GAP = 0.15
_FINE_GAP = 1e-3
"""Gap asked up to which prices are found as closely as can be."""
_FINEST = 1e-9
_TABLE_SHARE_OF_GAP = 0.1
_BLOCK_CELLS = 40_000
_LARGEST_BLOCK = 400
"""Part-locations and parts worked at once: threads only help while numpy has large arrays."""
_SAMPLE_BLOCKS = 8
"""Blocks of a sample at least, so that every thread has some."""
_PROOF_SIZE = 150
_PROOF_NODES = 300
_EFFORT_NODES = 600
_EFFORT_PARTS = 300_000
_LEAST_EFFORT = 5
_TRIAL_NODES = 20
_TRIAL_GAP = 2e-3
_TIGHTENINGS = 5
_MOST_IN_MASTER = 20_000
"""Parts up to which a linear programme with a row for each is worth its time."""
_TIGHTENING = 1e-9
_FAR_OFF = 0.5
"""Gap from which plenty of stock might be cheaper than the stock that a run was given."""
_NAMED = 5
"""Commitments that an error names."""


class OptimizationRun:
    """One run: feasibility, prices, plan, and the check of the plan by the evaluation."""

    def __init__(self, problem: PlanningProblem, gap: float, solver: object, clock: Clock) -> None:
        self.problem = problem
        self.target_gap = gap
        self.solver = solver
        self.clock = clock
        places = problem.network.n_parts * problem.network.n_locations
        self.is_small = places <= _PROOF_SIZE
        self.block_size = max(1, min(_LARGEST_BLOCK, _BLOCK_CELLS // problem.network.n_locations))
        self.executor: Executor | None = None
        """Who works the blocks in place of threads of this process."""
        self.start: WarmStart | None = None
        """Where the search begins, if the user has a stock."""
        self.is_trial = False
        """Whether a good plan is enough, found soon; nothing is proven beyond the effort then."""

    def plan(self) -> StockingPlan:
        """The plan."""
        problem = self.problem
        fixed = self._fixed_use()
        impossible = self._impossible(fixed)
        if impossible:
            return self.without_solution(PlanStatus.INFEASIBLE, impossible)
        allowed = (problem.allowed - fixed)[problem.kept]
        scale = np.maximum(allowed, 1e-12 * np.maximum(problem.allowed[problem.kept], 1e-300))
        blocks = self._blocks(scale)
        state = self._prices(blocks)
        bound = float("inf")
        for _ in range(_TIGHTENINGS):
            search = self._searched(state, blocks)
            bound = min(bound, search.bound)  # the first is for the targets as they were promised
            if search.best is None:
                return self.without_solution(PlanStatus.NO_SOLUTION, [])
            stock = self._stock_of(search)
            measured = None if self.recall is None else self.recall.measured(stock)
            performance = self.performance(stock) if measured is None else measured.performance
            if all(result.is_met for result in performance.commitments):
                plan = self.maker.of(
                    Found(
                        stock=stock,
                        performance=performance,
                        bound=bound,
                        is_proven=self._is_proven(),
                        price=state.price,
                        shipment_cost=self._shipment_cost(performance),
                        passes=state.passes,
                    )
                )
                if self.recall is None or measured is None or not len(state.least):
                    return plan
                return replace(plan, memory=self.recall.remembered(search, measured))
            logger.info("the evaluation misses a commitment; the targets are tightened")
            blocks = replace(blocks, allowed=blocks.allowed * (1.0 - _TIGHTENING))
            state.plan = None
        missed = [row for row in performance.commitments if not row.is_met]
        named = ", ".join(
            f"{row.commitment_id!r} (promised {row.target!r}, evaluated {row.achieved!r})"
            for row in missed[:_NAMED]
        )
        raise PartsplanError(
            f"When it is evaluated, the plan found misses {len(missed)} of its commitments: "
            f"{named}. A target so close to perfect service is beyond what figures can tell: "
            "promise a little less. If it is not, this is a fault of partsplan; please report the "
            "tables."
        )

    def tightened(self, promises: tuple[Promise, ...]) -> OptimizationRun:
        """A trial of other targets for the same promises; the price search's tables are shared."""
        problem = replace(self.problem, model=self.problem.model.with_promises(promises))
        run = type(self)(problem, max(self.target_gap, _TRIAL_GAP), self.solver, self.clock)
        run.is_trial = True
        run._share(self)
        return run

    def _share(self, other: OptimizationRun) -> None:
        self.searches = other.searches

    @property
    def is_monotone(self) -> bool:
        """Whether more stock never harms: no location's customers change their shipper."""
        return not any(self._each(lambda search: search.block.weights.has_direct_routes))

    def _each(self, work: Callable[[BlockSearch], Result]) -> list[Result]:
        return self.crew.each(self.searches, work)

    @cached_property
    def crew(self) -> Crew:
        """Who works the blocks."""
        return Crew() if self.executor is None else RemoteCrew(self.executor, self.clock)

    @cached_property
    def searches(self) -> list[BlockSearch]:
        """Price searches of all blocks; of many parts as if others worked them as well."""
        searches = self.block_searches()
        for search in searches:
            search.is_shared = self.problem.network.n_parts >= MANY_PARTS
        return searches

    def block_searches(self, among: Booleans | None = None) -> list[BlockSearch]:
        """New price searches of all parts, or of some; see `ServiceModel.pieces`.

        Tables are kept of as many as memory is meant for.
        """
        problem, size = self.problem, self.block_size
        if among is not None:
            size = min(size, max(1, int(among.sum()) // _SAMPLE_BLOCKS))
        compacts = type(self) is OptimizationRun
        pieces = list(problem.model.pieces(size, among))
        kept = kept_blocks([len(piece.parts) for piece in pieces], problem)
        return [
            BlockSearch(
                piece.parts,
                partial(_problem_of, problem, piece, compacts=compacts),
                self.tolerance,
                self.clock,
                keeps_tables=keeps,
            )
            for piece, keeps in zip(pieces, kept, strict=True)
        ]

    @property
    def tolerance(self) -> float:
        """Relative difference of a value and its lower bound that tables are refined to."""
        if self.is_small:
            return _FINEST
        return max(_FINEST, _TABLE_SHARE_OF_GAP * self.target_gap)

    def _impossible(self, fixed: Floats) -> list[ImpossibleCommitment]:
        return impossible_commitments(self.problem, self.searches, fixed)

    def _blocks(self, allowed: Floats) -> AllBlocks:
        return AllBlocks(self.searches, self.problem, allowed, self.crew, some=self.block_searches)

    def _prices(self, blocks: AllBlocks) -> PriceState:
        """Prices and bound; many parts need no linear programme where rounding is close enough."""
        finder = PriceFinder(blocks, self.clock)
        try:
            return self._found_prices(finder, blocks)
        except TimeIsOverError:
            return finder.state
        except KeyboardInterrupt:
            if self.start is not None and finder.state.plan is None:
                self._take_stock(finder, blocks)
            if finder.state.passes == 0 and finder.state.plan is None:
                raise
            self.clock.interrupt()
            return finder.state

    def _take_start(self, finder: PriceFinder, blocks: AllBlocks) -> None:
        """Begin with the prices of the user's stock, and with itself where time may run out."""
        if self.start is None:
            return
        finder.given = self.start.price(self.problem)
        if not finder.has_many_parts or np.isfinite(self.clock.seconds_left):
            self._take_stock(finder, blocks)

    def _take_stock(self, finder: PriceFinder, blocks: AllBlocks) -> None:
        """Begin with the stock that the user has, as far as limits allow it."""
        if self.start is None:
            return
        columns = blocks.columns_of(self.start.stock)
        choice = Choice(columns, np.argsort(columns.parts))
        finder.about = max(finder.about, choice.cost)
        PlanSearch(blocks, finder.state, self.solver, self.clock).offer_as_it_is(choice)
        finder.state.pool.add(columns)

    def _found_prices(self, finder: PriceFinder, blocks: AllBlocks) -> PriceState:
        if self._recalled(finder, blocks):
            return finder.state
        self._take_start(finder, blocks)
        state = finder.start()
        if finder.has_many_parts:
            search = PlanSearch(blocks, state, self.solver, self.clock)
            search.approach(self.target_gap, finder)
            if search.gap <= self.target_gap or blocks.n_parts > _MOST_IN_MASTER:
                return state
        is_fine = self.target_gap <= _FINE_GAP
        return finder.finish(_DUAL_TOLERANCE if is_fine else _DUAL_SHARE_OF_GAP * self.target_gap)

    def performance(self, stock: Integers) -> Performance:
        """Service of a stock of shape (n_parts, n_locations)."""
        return performance_of(self.problem.model, stock, self.problem.evaluation)

    def _shipment_cost(self, performance: Performance) -> float:
        """Yearly cost of shipments, where they are part of the cost."""
        return 0.0

    def _is_proven(self) -> bool:
        return self.problem.evaluation != "vari_metric" or all(self._each(_bound_is_proven))

    def _fixed_use(self) -> Floats:
        fixed = np.zeros(self.problem.model.n_promises)
        for use in self._each(lambda search: search.block.weights.unavoidable_use().sum(axis=0)):
            fixed += use
        return fixed

    @cached_property
    def recall(self) -> Recall | None:
        """What this run takes over from its start and leaves to a later one; None for trials."""
        if type(self) is not OptimizationRun or self.is_trial:
            return None
        if not is_worth_remembering(self.problem):
            return None
        memory = None if self.start is None else self.start.memory
        return Recall(self.problem, self.searches, self.crew, memory)

    def _recalled(self, finder: PriceFinder, blocks: AllBlocks) -> bool:
        """Whether what the start remembers gives a plan within the gap."""
        if self.start is None or self.recall is None or not self.recall.into(finder):
            return False
        search = PlanSearch(blocks, finder.state, self.solver, self.clock)
        search.offer_held(self.start.stock)
        if search.gap > self.target_gap:
            search.round_nearest(self.target_gap)
        self.clock.report(finder.state.passes, search.bound, search.cost)
        return search.gap <= self.target_gap

    def _searched(self, state: PriceState, blocks: AllBlocks) -> PlanSearch:
        search = PlanSearch(blocks, state, self.solver, self.clock)
        try:
            if state.passes and len(state.pool):
                self._run(search)
        except KeyboardInterrupt:
            self.clock.interrupt()
        except TimeIsOverError:
            logger.info("time is over, and a pass was cut")
        if self.clock.is_over and (search.best is None or search.gap > _FAR_OFF):
            search.offer_plenty()
            self.clock.report(state.passes, search.bound, search.cost)
        return search

    def _run(self, search: PlanSearch) -> None:
        if self.is_trial:
            search.run(self.target_gap, _TRIAL_NODES, 0)
            return
        is_open_ended = self.target_gap == 0.0 or np.isfinite(self.clock.seconds_left)
        search.run(
            max(self.target_gap, 1e-10),
            None if is_open_ended else self._effort,
            _PROOF_NODES if self.is_small else 0,
        )

    @property
    def _effort(self) -> int:
        """Nodes of the search without a time limit; of many parts each takes longer."""
        most = max(_LEAST_EFFORT, _EFFORT_PARTS // self.problem.network.n_parts)
        return min(_EFFORT_NODES, most)

    def _stock_of(self, search: PlanSearch) -> Integers:
        if search.best is None:
            raise PartsplanError("there is no plan to read; please report the tables")
        columns = search.best.columns.of(search.best.picked)
        stock = np.zeros((len(columns), self.problem.network.n_locations), dtype=np.int64)
        stock[columns.parts] = columns.stock
        return stock

    @property
    def maker(self) -> PlanMaker:
        """Makes the plan of what was found."""
        return PlanMaker(self.problem, self.target_gap, self.clock)

    def without_solution(
        self, status: PlanStatus, impossible: list[ImpossibleCommitment]
    ) -> StockingPlan:
        """A result without a plan."""
        return self.maker.none(status, impossible)


def _problem_of(problem: PlanningProblem, piece: BlockPiece, *, compacts: bool) -> BlockProblem:
    found = problem.of_block(piece())
    return with_only_children(compacted(found)) if compacts else found


def _bound_is_proven(search: BlockSearch) -> bool:
    """Whether, by VARI-METRIC, endless stock above gives the fewest late units there can be.

    So it is under ``exact`` and METRIC always, by VARI-METRIC for two levels of Poisson demand
    (a child's law at endless stock is the least in convex order); deeper down, or with clustered
    demand, a larger mean can come with a thinner tail.
    """
    tree = search.block.tree
    has_demand = tree.rate > 0
    is_deep = bool(has_demand[:, tree.depth >= 2].any())
    is_clustered = (tree.variance_to_mean > 1.0).any(axis=1)
    return not is_deep and not bool(has_demand[is_clustered][:, tree.depth >= 1].any())
