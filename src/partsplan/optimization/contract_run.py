"""Plans that keep every commitment in a period with an asked probability, at the least cost found.

A plan at least cost for the long run breaks a contract in about every second period. Targets are
tightened one by one until each commitment is kept often enough in simulated periods; all plans of
a search meet the same failures. The cheapest is confirmed with failures of its own; then single
units are exchanged for cheaper ones, and the cheapest stock so found is confirmed the same way.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from partsplan.errors import PartsplanError
from partsplan.evaluation import CommitmentResult, ExpeditedPerformance, Performance
from partsplan.evaluation.commitments import Promise
from partsplan.evaluation.results import Rows
from partsplan.optimization.axes import Booleans, Floats, Integers
from partsplan.optimization.grids import endless_stock
from partsplan.optimization.period_confidence import (
    ConfidentCommitment,
    PeriodConfidence,
    confident_rows,
    unconfirmed,
    unreachable,
)
from partsplan.optimization.plan import PlannedStock, PlanStatus, StockingPlan
from partsplan.optimization.plan_maker import gap_of
from partsplan.optimization.run import OptimizationRun
from partsplan.optimization.target_search import TargetSearch
from partsplan.optimization.unit_exchange import ExchangedStock, UnitExchange
from partsplan.simulation.measured_periods import (
    ContractPeriods,
    MeasuredPeriods,
    PeriodsByPart,
    measured_periods,
)
from partsplan.simulation.periods import binomial_interval

logger = logging.getLogger("partsplan")

_SEARCH_PERIODS = 4000
_CONFIRM_PERIODS = (4000, 16_000)
"""Periods of the first look at a plan, and of the second where the first does not decide."""
_LIMIT = 0.95
"""Two-sided level whose lower end must reach the probability asked for."""
_MARGIN_ERRORS = 2.0
"""Standard errors of the search by which it aims above the probability asked for."""
_MOST_PLANS = 24
"""Plans looked at, until the targets rest or the search stops."""
_BLOCK_SIZE = 50
_EXCHANGE = 1_000_000
"""Stream of the periods in which units are exchanged, by part."""
_EXCHANGE_PERIODS = 8000
_MOST_CONFIRMED = 6
"""Stocks of an exchange that are put to the proof."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A plan, what it was made for and how it did in the periods of the search."""

    plan: StockingPlan
    cost: float
    """In the objective's unit."""
    aims: Floats
    """Long-run use of every promise that it was made for; shape (n_promises,)."""
    uses: Floats
    """Long-run use of the judged promises; shape (n_judged,)."""
    shares: Floats
    """Share of periods that keep them; shape (n_judged,)."""
    saved: float = 0.0
    """What an exchange of units has saved, in the objective's unit."""

    @property
    def stock(self) -> Integers:
        """Base stock; shape (n_parts, n_locations)."""
        if self.plan.stock is None:
            raise PartsplanError("there is no plan to read; please report the tables")
        return self.plan.stock.array


@dataclass(frozen=True, eq=False)
class Confirmed:
    """A trial that periods of its own have confirmed."""

    trial: Trial
    shares: Floats
    """Share of these periods that keep each judged promise; shape (n_judged,)."""
    lower: Floats
    """Lower confidence limits of these shares."""
    periods: int


class ContractRun:
    """The search for targets around runs of the optimization.

    Parameters
    ----------
    run
        The run for the targets as promised.
    confidence
        Probability asked for.
    entropy
        Seed of the random streams.

    Raises
    ------
    PartsplanError
        If no commitment with demand has a period.
    """

    def __init__(self, run: OptimizationRun, confidence: float, entropy: tuple[int, ...]) -> None:
        self.run = run
        self.confidence = confidence
        self.entropy = entropy
        self.promises = run.problem.model.promises
        self.judged = [
            c for c, p in enumerate(self.promises) if p.period_months is not None and p.has_demand
        ]
        if not self.judged:
            raise PartsplanError(
                "confidence needs a commitment with demand and a period: give period_months in "
                "the commitments table, or leave confidence out."
            )
        error = float(np.sqrt(confidence * (1.0 - confidence) / _SEARCH_PERIODS))
        self.level = min(confidence + _MARGIN_ERRORS * error, (1.0 + confidence) / 2.0)
        self.trials: list[Trial] = []
        self.refused: list[Trial] = []

    def plan(self) -> StockingPlan:
        """The cheapest plan found that is confirmed, or which commitments stand in its way."""
        plain = self.run.plan()
        if plain.stock is None:
            return plain
        stock = self._most_stock()
        most = self._periods(stock, _SEARCH_PERIODS, 0)
        beyond = [m for m in most if m.kept.mean() < self.confidence]
        if beyond:
            return self._unreachable(beyond)
        least = self._long_run(self.run.performance(stock).commitments)
        searches = [
            TargetSearch(m.promise.allowed, float(use), self._quantile(m))
            for m, use in zip(most, least, strict=True)
        ]
        return self._searched(plain, searches) or self._unconfirmed()

    def _searched(self, plain: StockingPlan, searches: list[TargetSearch]) -> StockingPlan | None:
        """Plan, look and move the targets until they rest; then confirm the cheapest plan."""
        aims = np.array([promise.allowed for promise in self.promises])
        plan = plain
        while plan.stock is not None:
            self._look(plan, aims, searches)
            if len(self.trials) >= _MOST_PLANS or self.run.clock.is_over:
                break
            following = self._next(aims, searches)
            if (following == aims).all():
                confirmed = self._confirmed(searches)
                if confirmed is not None:
                    return self._exchanged(confirmed)
                following = self._next(aims, searches)
            aims = following
            plan = self.run.tightened(self._tightened(aims)).plan()
        confirmed = self._confirmed(searches, is_last=True)
        return None if confirmed is None else self._exchanged(confirmed)

    def _exchanged(self, confirmed: Confirmed) -> StockingPlan:
        """The plan of the cheapest stock that an exchange of units finds and that is confirmed."""
        model = self.run.problem.model
        if model.indentures is not None or self.run.clock.is_over:
            return self._result(confirmed)
        exchange = self._exchange(confirmed.trial)
        for _ in range(_MOST_CONFIRMED):
            found = exchange.descend(confirmed.trial.stock, confirmed.trial.cost)
            if not found:
                break
            tried = self._exchanged_trial(confirmed.trial, found[-1])
            cheaper, _ = self._looked_at_anew(tried)
            if cheaper is not None:
                return self._result(cheaper)
            exchange.refuse(found[-1])
            self.refused.append(tried)  # the next stock meets periods of its own
        return self._result(confirmed)

    def _exchange(self, trial: Trial) -> UnitExchange:
        """An exchange of units in a sample of its own; that is aimed low, as proof comes after."""
        model = self.run.problem.model
        judged = ContractPeriods.of(model.network, model.demand, trial.plan.stock)
        sample = PeriodsByPart(
            judged.whole,
            tuple(self.promises[c] for c in self.judged),
            _EXCHANGE_PERIODS,
            (*self.entropy, _EXCHANGE),
        )
        error = (self.confidence * (1.0 - self.confidence) / _EXCHANGE_PERIODS) ** 0.5
        level = min(self.confidence + error, self.level)
        return UnitExchange(
            self.run.problem, sample, level, self._kept_cost, lambda: self.run.clock.is_over
        )

    def _kept_cost(self, stock: Integers) -> float | None:
        """Cost of a stock, None where it breaks a promise in the long run."""
        performance = self.run.performance(stock)
        if not all(row.is_met for row in performance.commitments):
            return None
        return self._money(stock, performance)[0]

    def _money(self, stock: Integers, performance: Performance) -> tuple[float, float, float]:
        """Cost in the objective's unit, cost per year, and value of a stock."""
        problem, network = self.run.problem, self.run.problem.network
        parts = np.arange(network.n_parts)
        shipments = 0.0
        if isinstance(performance, ExpeditedPerformance):
            shipments = performance.shipment_cost
        value = network.parts["unit_cost"][:, None] * stock
        yearly = float((network.holding_rates(parts) * value).sum()) + shipments
        cost = float(problem.cost(parts, stock).sum())
        cost += shipments if problem.objective == "holding_cost" else 0.0
        return cost, yearly, float(value.sum())

    def _exchanged_trial(self, trial: Trial, found: ExchangedStock) -> Trial:
        performance = self.run.performance(found.stock)
        cost, annual_cost, investment = self._money(found.stock, performance)
        plan = replace(
            trial.plan,
            stock=PlannedStock(self.run.problem.network, found.stock),
            cost=cost,
            annual_cost=annual_cost,
            investment=investment,
        )
        uses = self._long_run(performance.commitments)
        return Trial(plan, cost, trial.aims, uses, found.shares, saved=trial.cost - cost)

    def _next(self, aims: Floats, searches: list[TargetSearch]) -> Floats:
        following = aims.copy()
        following[self.judged] = [search.aim for search in searches]
        return following

    def _tightened(self, aims: Floats) -> tuple[Promise, ...]:
        """The promises as the plan keeps them in the long run."""
        return tuple(
            promise if aim == promise.allowed else replace(promise, target=promise.achieved(aim))
            for promise, aim in zip(self.promises, aims.tolist(), strict=True)
        )

    def _look(self, plan: StockingPlan, aims: Floats, searches: list[TargetSearch]) -> None:
        """See a plan in the periods of the search, and learn from each promise."""
        if plan.stock is None or plan.cost is None:
            return
        seen = self._periods(plan.stock.array, _SEARCH_PERIODS, 0)
        shares = np.array([m.kept.mean() for m in seen])
        uses = self._long_run(plan.commitments)
        self.trials.append(Trial(plan, plan.cost, aims, uses, shares))
        for search, use, m, share in zip(searches, uses, seen, shares, strict=True):
            search.saw(float(use), self._quantile(m), is_kept=bool(share >= self.level))
        logger.info(
            "plan %d costs %.6g; the least sure promise is kept in %.2f %% of periods",
            len(self.trials),
            plan.cost,
            100.0 * shares.min(),
        )

    def _confirmed(
        self, searches: list[TargetSearch], *, is_last: bool = False
    ) -> Confirmed | None:
        """The cheapest plan that periods of its own confirm; what refuses others is learnt."""
        for trial in sorted(self.trials, key=lambda trial: trial.cost):
            if trial in self.refused or (trial.shares < self.confidence).any():
                continue
            confirmed, short = self._looked_at_anew(trial)
            if confirmed is not None:
                return confirmed
            self.refused.append(trial)
            for search, use in zip(
                np.array(searches, dtype=object)[short], trial.uses[short], strict=True
            ):
                search.saw(float(use), search.promised, is_kept=False)
            if (trial.shares >= self.level).all() and not is_last:
                return None  # its targets were taken for good: others may be cheaper than the next
        return None

    def _looked_at_anew(self, trial: Trial) -> tuple[Confirmed | None, Booleans]:
        """The trial if other periods confirm it, and which promises stand in its way."""
        kept, n = np.zeros(len(self.judged), dtype=np.int64), 0
        for look, periods in enumerate(_CONFIRM_PERIODS, start=1):
            stream = len(_CONFIRM_PERIODS) * len(self.refused) + look
            seen = self._periods(trial.stock, periods, stream)
            kept += np.array([m.kept.sum() for m in seen])
            n += periods
            limits = np.array([binomial_interval(int(k), n, _LIMIT) for k in kept])
            short = limits[:, 0] < self.confidence
            if not short.any():
                return Confirmed(trial, kept / n, limits[:, 0], n), short
            if (limits[:, 1] < self.confidence).any():
                break
        return None, short

    def _periods(self, stock: Integers, periods: int, stream: int) -> list[MeasuredPeriods]:
        """Simulated periods of the judged promises; stream 0 is that of the search."""
        model = self.run.problem.model
        measured = measured_periods(
            model.network,
            model.demand,
            PlannedStock(model.network, stock),
            periods=periods,
            entropy=(*self.entropy, stream),
        )
        return [m for m in measured if m.promise.has_demand]

    def _quantile(self, measured: MeasuredPeriods) -> float:
        """Measured use that a share `level` of the periods does not exceed."""
        return float(np.quantile(measured.use, self.level, method="inverted_cdf"))

    def _long_run(self, commitments: Sequence[CommitmentResult]) -> Floats:
        """Long-run use of the judged promises, which all have demand."""
        uses = []
        for c in self.judged:
            achieved = commitments[c].achieved
            uses.append(np.nan if achieved is None else self.promises[c].use_of(achieved))
        return np.array(uses)

    def _most_stock(self) -> Integers:
        """So much that it runs out practically never, or as much as is allowed."""
        problem = self.run.problem
        stock = np.zeros((problem.network.n_parts, problem.network.n_locations), dtype=np.int64)
        for block in problem.blocks(_BLOCK_SIZE):
            most = np.minimum(endless_stock(block.tree), problem.highest(block.parts))
            stock[block.parts] = np.maximum(most, problem.lowest(block.parts))
        return stock

    def _result(self, confirmed: Confirmed) -> StockingPlan:
        """The confirmed plan, its service against the promises and its cost against the plain."""
        trial = confirmed.trial
        run, plain = self.run, self.trials[0]
        performance = run.performance(trial.stock)
        backend = run.problem.network.frame_backend
        commitments = [
            replace(row, price=priced.price)
            for row, priced in zip(performance.commitments, plain.plan.commitments, strict=True)
        ]
        bound = plain.plan.bound
        gap = None if bound is None else gap_of(trial.cost, bound)
        rows = confident_rows(
            [self.promises[c] for c in self.judged],
            [self._tightened(trial.aims)[c].target for c in self.judged],
            asked=self.confidence,
            shares=confirmed.shares,
            lower=confirmed.lower,
            plain_shares=plain.shares,
        )
        return replace(
            trial.plan,
            status=PlanStatus.OPTIMAL if gap == 0.0 else PlanStatus.FEASIBLE,
            bound=bound,
            gap=gap,
            commitments=Rows(commitments, CommitmentResult, backend),
            performance=performance,
            stopped_by=run.maker.stopped_by(float("inf") if gap is None else gap),
            passes=sum(t.plan.passes for t in self.trials),
            runtime_seconds=run.clock.seconds,
            period_confidence=PeriodConfidence(
                asked=self.confidence,
                rows=Rows(rows, ConfidentCommitment, backend),
                plain_cost=plain.cost,
                planned_bound=trial.plan.bound,
                periods=confirmed.periods,
                saved_by_exchange=trial.saved,
                plans_tried=len(self.trials),
            ),
        )

    def _unreachable(self, beyond: list[MeasuredPeriods]) -> StockingPlan:
        """Not even the most stock keeps them often enough."""
        rows = [unreachable(measured, self.confidence) for measured in beyond]
        uppers = [binomial_interval(int(m.kept.sum()), len(m.kept), _LIMIT)[1] for m in beyond]
        is_proven = self.run.is_monotone and min(uppers) < self.confidence
        status = PlanStatus.INFEASIBLE if is_proven else PlanStatus.NO_SOLUTION
        return self.run.without_solution(status, rows)

    def _unconfirmed(self) -> StockingPlan:
        """No plan was confirmed; says which promises the surest plan kept too seldom."""
        surest = max(self.trials, key=lambda trial: float(trial.shares.min()))
        short = surest.shares < self.level
        chosen = short if short.any() else surest.shares == surest.shares.min()
        rows = [
            unconfirmed(self.promises[c], float(use), float(share), self.confidence)
            for c, use, share, is_short in zip(
                self.judged, surest.uses, surest.shares, chosen, strict=True
            )
            if is_short
        ]
        return self.run.without_solution(PlanStatus.NO_SOLUTION, rows)
