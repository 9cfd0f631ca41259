"""Periods as a contract measures them: the figure of every commitment in each simulated period.

Every replication is one period of its own, with its own factor of each uncertain rate, after a
warm-up; so periods are independent of one another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand import DemandRates
from partsplan.evaluation.commitments import DAYS_PER_YEAR, Promise
from partsplan.evaluation.performance import MET_TOLERANCE, check_network_and_demand
from partsplan.network import ServiceNetwork
from partsplan.simulation.arguments import check_positive
from partsplan.simulation.customers import CustomerClasses, customer_stops
from partsplan.simulation.lead_times import LeadTimeLaw
from partsplan.simulation.measured import measured_shipments, measured_weights
from partsplan.simulation.period_formulas import ExactPeriod, exact_period
from partsplan.simulation.period_laws import LawBook
from partsplan.simulation.running import Experiment, Progress, run_pieces
from partsplan.simulation.simulate import experiment_on
from partsplan.simulation.sourced import sourced_stops

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Integers = NDArray[np.int64]

_MONTHS_PER_YEAR = 12.0


@dataclass(frozen=True, eq=False)
class MeasuredPeriods:
    """What one promise measured in simulated periods."""

    promise: Promise
    use: Floats
    """Shape (n_periods,): use as the contract measures it, in the unit of `Promise.allowed`; 0 in
    a period without demand."""
    demands: Floats
    """Shape (n_periods,): units asked for, in the scope of the promise."""

    @property
    def kept(self) -> Booleans:
        """Whether each period keeps the promise; shape (n_periods,)."""
        return np.asarray(self.use <= self.promise.allowed * (1.0 + MET_TOLERANCE))


@dataclass(frozen=True, eq=False)
class ContractPeriods:
    """The promises of a network that are judged by period, at a stock."""

    whole: Experiment
    promises: tuple[Promise, ...]
    """Those with a period, in table order."""

    @classmethod
    def of(
        cls,
        network: ServiceNetwork,
        demand: DemandRates,
        stock: Any,
        *,
        period_months: float | None = None,
        lead_times: LeadTimeLaw = "deterministic",
        resupply_cv: float | None = None,
    ) -> ContractPeriods:
        """Arguments as of `period_probabilities`."""
        check_network_and_demand(network, demand)
        if period_months is not None:
            check_positive("period_months", period_months)
        whole = experiment_on(
            network, demand, stock, years=1.0, lead_times=lead_times, resupply_cv=resupply_cv
        )
        promises = [_with_period(promise, period_months) for promise in whole.model.promises]
        return cls(whole, tuple(p for p in promises if p.period_months is not None))

    def experiments(self, promises: Sequence[Promise]) -> Iterator[tuple[float, Experiment]]:
        """Months of a period and the experiment on it, for each length; shortest first."""
        for months in sorted({float(p.period_months or 0.0) for p in promises}):
            chosen = tuple(p for p in promises if p.period_months == months)
            yield months, _over_periods(self.whole, chosen, months)

    def formulas(self) -> dict[str, ExactPeriod]:
        """What formulas say of the promises that they reach, by commitment."""
        found, book = {}, LawBook()
        for _, experiment in self.experiments(self.promises):
            for place, promise in enumerate(experiment.model.promises):
                exact = exact_period(experiment, place, book)
                if exact is not None:
                    found[promise.commitment_id] = exact
        return found

    def measured(
        self,
        promises: Sequence[Promise],
        periods: int,
        entropy: tuple[int, ...],
        *,
        executor: Executor | None = None,
        progress: Progress = False,
    ) -> dict[str, MeasuredPeriods]:
        """Simulated periods of some promises, by commitment."""
        found: dict[str, MeasuredPeriods] = {}
        for months, experiment in self.experiments(promises):
            sums = run_pieces(
                experiment,
                periods,
                (*entropy, round(months * 1000)),
                executor=executor,
                progress=progress,
            )
            for row in zip(experiment.model.promises, sums.base, sums.amount, strict=True):
                found[row[0].commitment_id] = _figures(*row)
        return found


def measured_periods(
    network: ServiceNetwork,
    demand: DemandRates,
    stock: Any,
    *,
    periods: int,
    entropy: tuple[int, ...],
) -> tuple[MeasuredPeriods, ...]:
    """Simulated periods of every promise that has one, in table order.

    ``entropy`` seeds the random streams: the same entropy gives different stocks the same
    failures, as far as the same locations ship.
    """
    judged = ContractPeriods.of(network, demand, stock)
    found = judged.measured(judged.promises, periods, entropy)
    return tuple(found[promise.commitment_id] for promise in judged.promises)


def _figures(promise: Promise, asked: Floats, bad: Floats) -> MeasuredPeriods:
    """The figure of a promise in each period."""
    days = float(promise.period_months or 0.0) / _MONTHS_PER_YEAR * DAYS_PER_YEAR
    over = np.full(len(asked), days) if promise.metric == "uptime" else asked
    use = np.divide(bad, over, out=np.zeros(len(over)), where=over > 0)
    return MeasuredPeriods(promise, use, asked)


def _with_period(promise: Promise, period_months: float | None) -> Promise:
    if promise.period_months is not None or period_months is None:
        return promise
    return replace(promise, period_months=period_months)


def _over_periods(
    whole: Experiment,
    promises: tuple[Promise, ...],
    months: float,
    parts: Integers | None = None,
) -> Experiment:
    """The same experiment for some promises (and some parts), each replication one period."""
    model = whole.model.with_promises(promises)
    window_days = months / _MONTHS_PER_YEAR * DAYS_PER_YEAR
    if model.network.shortages == "expedite":
        asked = sourced_stops(model, whole.stock)
        asked = replace(asked, classes=_of_parts(asked.classes, parts))
        return Experiment.of_customers(
            model,
            whole.stock,
            asked.classes,
            measured_shipments(model, asked),
            lead_times=whole.lead_times,
            window_days=window_days,
            asked_in_turn=asked.sources,
        )
    return Experiment.of_waiting(
        model,
        whole.stock,
        _of_parts(customer_stops(model, whole.stock), parts),
        measured_weights,
        lead_times=whole.lead_times,
        window_days=window_days,
    )


def _of_parts(customers: CustomerClasses, parts: Integers | None) -> CustomerClasses:
    """The same classes, of which only those of some parts have demand."""
    if parts is None:
        return customers
    per_day = np.where(np.isin(customers.part, parts), customers.per_day, 0.0)
    return replace(customers, per_day=per_day)


@dataclass(eq=False)
class PeriodsByPart:
    """Periods of one sample, in which the stock of single parts can be exchanged.

    Parts are independent given the rules, so what a promise measures is a ratio of sums over
    parts; each part has random streams of its own, the same whatever is held.
    """

    whole: Experiment
    promises: tuple[Promise, ...]
    """The promises judged."""
    periods: int
    entropy: tuple[int, ...]

    def sums_of(self, parts: Integers, stock: Integers) -> Floats:
        """What some parts bring at a stock of shape (n_parts, n_locations) of all parts.

        Returns
        -------
        ndarray, shape (2, n_promises, periods)
            What was weighed, and what of it was bad.
        """
        whole = replace(self.whole, stock=stock)
        found = np.zeros((2, len(self.promises), self.periods))
        for months in sorted({float(p.period_months or 0.0) for p in self.promises}):
            at = [c for c, p in enumerate(self.promises) if p.period_months == months]
            chosen = tuple(self.promises[c] for c in at)
            experiment = _over_periods(whole, chosen, months, parts)
            entropy = (*self.entropy, round(months * 1000), int(parts[0]))
            sums = run_pieces(experiment, self.periods, entropy)
            found[0, at], found[1, at] = sums.base, sums.amount
        return found

    def shares(self, sums: Floats) -> Floats:
        """Share of the periods that keeps each promise, from the sums over all parts."""
        return np.array(
            [
                _figures(promise, base, amount).kept.mean()
                for promise, base, amount in zip(self.promises, *sums, strict=True)
            ]
        )
