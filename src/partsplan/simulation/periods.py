"""Contract risk: how often the figure measured over one period keeps the promise.

A contract is judged each quarter on the failures that happened. Where the laws of all parts are
known the probability comes from formulas; else every replication is one period of its own, with its
own factor of each uncertain rate, after a warm-up.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy

from partsplan.demand import DemandRates
from partsplan.errors import PartsplanError
from partsplan.evaluation.commitments import Promise
from partsplan.evaluation.results import Rows
from partsplan.network import ServiceNetwork
from partsplan.simulation.arguments import check_count, check_executor, check_share, entropy_of
from partsplan.simulation.lead_times import LeadTimeLaw
from partsplan.simulation.measured_periods import ContractPeriods, MeasuredPeriods
from partsplan.simulation.period_formulas import ExactPeriod
from partsplan.simulation.running import Progress

Method = Literal["formula", "simulation"]


@dataclass(frozen=True, slots=True)
class PeriodProbability:
    """How likely one commitment (or one value of its ``each``) is kept in a period."""

    commitment_id: str
    """Id of the commitment; ``id:value`` where ``each`` makes one per value."""
    metric: str
    """uptime, response, fill_rate or mean_wait."""
    target: float
    """Promised share, or hours for mean_wait."""
    period_months: float
    """Length of the period [months]."""
    probability: float
    """Chance that the measured figure keeps the promise: of simulation, the share of periods."""
    lower: float
    """Lower bound of its confidence interval; of formulas, of what their error leaves."""
    upper: float
    """Upper bound of the same."""
    median: float | None
    """Median of the measured figures; None where no period has demand."""
    unit: str
    """``share`` or ``hours``, of target and median."""
    demands: float
    """Mean number of units asked for in a period, in the scope of the commitment."""
    method: Method
    """``formula`` or ``simulation``."""


def period_probabilities(
    network: ServiceNetwork,
    demand: DemandRates,
    stock: Any = None,
    *,
    rng: int | np.random.Generator,
    periods: int = 2000,
    period_months: float | None = None,
    lead_times: LeadTimeLaw = "deterministic",
    resupply_cv: float | None = None,
    method: Literal["formula", "simulation"] | None = None,
    confidence: float = 0.95,
    executor: Executor | None = None,
    progress: Progress = False,
) -> Rows[PeriodProbability]:
    """Probability that each commitment is kept, as measured over one of its periods.

    Parameters
    ----------
    network : ServiceNetwork
    demand : DemandRates
        Uncertain rates (``rate_shape``) are drawn anew for every period.
    stock : table, plan, plan's stock, or dict {(part_id, location_id): S}
        Base stock S [units]; ``None`` means ``network.stock``.
    rng : int or numpy Generator
        Seed; the same seed gives the same figures to the last bit, whatever the executor.
    periods : int
        Periods simulated for every commitment that formulas do not reach.
    period_months : float, optional
        Period of commitments that name none in the table; by default they are left out.
    lead_times, resupply_cv
        Law of the resupply times, as in `simulate`.
    method : {"formula", "simulation"}, optional
        "simulation" uses no formula; "formula" leaves out the commitments that none reaches. By
        default formulas where they hold, simulation otherwise; every row says which.
    confidence : float
        Confidence of the intervals of what is simulated (Clopper and Pearson).
    executor : concurrent.futures.Executor, optional
        Where pieces run; by default here.
    progress : bool or callable
        True logs; a callable is called with the pieces done and all pieces.

    Returns
    -------
    Rows of PeriodProbability
        In table order, for every commitment with a period.

    Raises
    ------
    PartsplanError
        If no commitment has a period.
    ValueError, InputError
        As in `simulate`.

    Notes
    -----
    Measured is what the contract would: units from the shelf, or in time, of the units asked for
    in the period; their mean wait, each counted with its whole wait in the period in which it was
    asked for; and for uptime 1 / (1 + days down per machine / days of the period) with the
    failures that did stop a machine. A period without demand keeps its promise. Where shortages
    are expedited, the wait is what a shipment takes longer than the serving location's.

    Formulas hold for a commitment whose parts all have Poisson demand (rates may be uncertain) in
    networks where shortages wait, without lots, local repair or parts within parts, if on every
    customer's way from outside at most one place can run out by chance: others hold none of the
    part, or so much that fewer than 1e-9 demands a period are expected to miss it. Where no place
    can, what each demand weighs is known and only the counts are random: any metric. Else fill
    rates, and responses with one window at a place, of a place that

    - holds one unit, with resupply times that do not vary and at most 20 demands in a period;
    - or holds any stock, with such times no shorter than about half the period (and few demands);
    - or is at the top and holds any stock, with exponential resupply times (fill rates).

    Beyond, a demand finds the shelf as all demands of the last resupply time left it, whose joint
    law over many resupply times is out of reach (Palm's theorem, by which only the mean
    time matters, speaks of one moment); waits of such a place, and all that stands behind one,
    come from simulation. Laws of parts and places are multiplied as generating functions. Their
    error is what was cut off, and for uncertain rates the difference of two rules of quadrature;
    where it could pass 1e-5, or tables would be large, it is simulation too.

    Examples
    --------
    >>> import partsplan as pp
    >>> network = pp.ServiceNetwork.from_tables(
    ...     parts=[{"part_id": "P1", "unit_cost": 100, "resupply_days": 10}],
    ...     locations=[{"location_id": "DC", "kind": "central"}],
    ...     commitments=[{"commitment_id": "C1", "metric": "fill_rate", "target": 0.9,
    ...                   "period_months": 3}],
    ... )
    >>> demand = pp.DemandRates.from_table(
    ...     [{"part_id": "P1", "location_id": "DC", "per_year": 36.5}])
    >>> stock = {("P1", "DC"): 3}
    >>> pp.evaluate(network, demand, stock).commitments[0].achieved > 0.9
    True
    >>> row = period_probabilities(network, demand, stock, rng=1)[0]
    >>> row.lower < 0.74 < row.upper, row.method  # one quarter in four breaks the promise
    (True, 'simulation')
    >>> row = period_probabilities(network, demand, stock, rng=1, lead_times="exponential")[0]
    >>> round(row.probability, 4), row.method
    (0.7546, 'formula')
    """
    check_share("confidence", confidence)
    check_count("periods", periods, 2)
    check_executor(executor)
    if method not in (None, "formula", "simulation"):
        raise ValueError(f"method must be 'formula', 'simulation' or None, got {method!r}")
    entropy = entropy_of(rng)
    judged = ContractPeriods.of(
        network,
        demand,
        stock,
        period_months=period_months,
        lead_times=lead_times,
        resupply_cv=resupply_cv,
    )
    if not judged.promises:
        raise PartsplanError(
            "No commitment has a period: give period_months in the commitments table or as an "
            "argument."
        )
    known = judged.formulas() if method != "simulation" else {}
    others = [p for p in judged.promises if p.commitment_id not in known and method != "formula"]
    seen = judged.measured(others, periods, entropy, executor=executor, progress=progress)
    rows = []
    for promise in judged.promises:
        if promise.commitment_id in known:
            rows.append(_computed(promise, known[promise.commitment_id]))
        elif promise.commitment_id in seen:
            rows.append(_judged(seen[promise.commitment_id], confidence))
    return Rows(rows, PeriodProbability, network.frame_backend)


def _computed(promise: Promise, exact: ExactPeriod) -> PeriodProbability:
    """A promise with what formulas say."""
    return PeriodProbability(
        commitment_id=promise.commitment_id,
        metric=promise.metric,
        target=promise.target,
        period_months=float(promise.period_months or 0.0),
        probability=exact.probability,
        lower=max(exact.probability - exact.error, 0.0),
        upper=min(exact.probability + exact.error, 1.0),
        median=None if exact.median is None else promise.achieved(exact.median),
        unit=promise.unit,
        demands=exact.demands,
        method="formula",
    )


def _judged(measured: MeasuredPeriods, confidence: float) -> PeriodProbability:
    """A promise with the share of its periods that keep it."""
    promise, kept = measured.promise, measured.kept
    lower, upper = binomial_interval(int(kept.sum()), len(kept), confidence)
    has_figure = measured.demands > 0
    middle = float(np.median(measured.use[has_figure])) if has_figure.any() else None
    return PeriodProbability(
        commitment_id=promise.commitment_id,
        metric=promise.metric,
        target=promise.target,
        period_months=float(promise.period_months or 0.0),
        probability=float(kept.mean()),
        lower=lower,
        upper=upper,
        median=None if middle is None else promise.achieved(middle),
        unit=promise.unit,
        demands=float(measured.demands.mean()),
        method="simulation",
    )


def binomial_interval(kept: int, n: int, confidence: float) -> tuple[float, float]:
    """Clopper and Pearson's interval of a probability.

    Examples
    --------
    >>> [round(bound, 4) for bound in binomial_interval(9, 10, 0.95)]
    [0.555, 0.9975]
    """
    tail = (1.0 - confidence) / 2.0
    lower = scipy.special.betaincinv(kept, n - kept + 1, tail) if kept > 0 else 0.0
    upper = scipy.special.betaincinv(kept + 1, n - kept, 1.0 - tail) if kept < n else 1.0
    return float(lower), float(upper)
