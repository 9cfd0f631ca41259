"""How sure a plan is to keep its commitments in a period: asked, simulated, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from partsplan.evaluation import ImpossibleCommitment
from partsplan.evaluation.commitments import Promise
from partsplan.evaluation.results import Rows
from partsplan.optimization.axes import Floats
from partsplan.simulation.measured_periods import MeasuredPeriods


@dataclass(frozen=True, slots=True)
class ConfidentCommitment:
    """One commitment (or one value of its ``each``) as it is kept in a period under a plan."""

    commitment_id: str
    """Id of the commitment; ``id:value`` where ``each`` makes one per value."""
    metric: str
    """uptime, response, fill_rate or mean_wait."""
    target: float
    """Promised share, or hours for mean_wait."""
    period_months: float
    """Length of the period [months]."""
    asked: float
    """Probability asked for."""
    probability: float
    """Share of simulated periods that keep the promise, independent of the search."""
    lower: float
    """Lower confidence limit (97.5 %, one-sided) of that probability."""
    plain_probability: float
    """The same share under the plain plan, which keeps the promise in the long run only."""
    planned_target: float
    """Long-run target that the plan was made for: the promised one, or a tighter one."""
    unit: str
    """``share`` or ``hours``, of target and planned_target."""


@dataclass(frozen=True, eq=False)
class PeriodConfidence:
    """What `optimize` found when it was asked for a confidence."""

    asked: float
    """Probability asked for, of every commitment with a period."""
    rows: Rows[ConfidentCommitment]
    """Every commitment with a period, in table order."""
    plain_cost: float
    """Cost of the plain plan, which keeps the commitments in the long run, in the objective's
    unit."""
    planned_bound: float | None
    """No plan that keeps the planned targets in the long run costs less; None if unproven. It is
    no bound for the probability asked for."""
    periods: int
    """Independent periods that confirmed the plan."""
    plans_tried: int
    """Plans that the search for targets looked at, the plain one included."""
    saved_by_exchange: float
    """What an exchange of single units took off the cost of the plan for the planned targets; 0
    where it found nothing. After it the plan need not keep the planned targets, nor cost as much as
    their bound."""

    def lines(self, cost: float, period: str) -> list[str]:
        """As text, below the commitments of a plan."""
        more = 100.0 * (cost / self.plain_cost - 1.0) if self.plain_cost > 0 else 0.0
        head = (
            f"  in a period   each kept with {100 * self.asked:g} % or more, in {self.periods:,} "
            f"simulated periods; the plain plan costs {self.plain_cost:,.2f}{period}, this one "
            f"{more:.1f} % more"
        )
        if self.saved_by_exchange > 0.0:
            head += (
                f" (an exchange of single units took {self.saved_by_exchange:,.2f} off the plan "
                "for the targets below)"
            )
        width = max(len(row.commitment_id) for row in self.rows)
        return [head, *(_line(row, width) for row in self.rows)]


def _line(row: ConfidentCommitment, width: int) -> str:
    scale, unit = (1.0, " hours") if row.unit == "hours" else (100.0, " %")
    planned = (
        "as promised"
        if row.planned_target == row.target
        else f"for {scale * row.planned_target:.6g}{unit} in the long run"
    )
    return (
        f"  {100 * row.probability:6.2f} % of {row.period_months:g}-month periods  "
        f"{row.commitment_id:<{width}}  (at least {100 * row.lower:.2f} %; plain plan "
        f"{100 * row.plain_probability:.2f} %), planned {planned}"
    )


def confident_rows(
    promises: Sequence[Promise],
    planned_targets: Sequence[float],
    *,
    asked: float,
    shares: Floats,
    lower: Floats,
    plain_shares: Floats,
) -> list[ConfidentCommitment]:
    """A row for every promise that has a period."""
    return [
        ConfidentCommitment(
            commitment_id=promise.commitment_id,
            metric=promise.metric,
            target=promise.target,
            period_months=float(promise.period_months or 0.0),
            asked=asked,
            probability=float(shares[row]),
            lower=float(lower[row]),
            plain_probability=float(plain_shares[row]),
            planned_target=planned_targets[row],
            unit=promise.unit,
        )
        for row, promise in enumerate(promises)
    ]


def unreachable(measured: MeasuredPeriods, asked: float) -> ImpossibleCommitment:
    """A promise that the most stock keeps too seldom."""
    promise, kept = measured.promise, measured.kept
    reached = promise.achieved(float(np.quantile(measured.use, asked, method="inverted_cdf")))
    return ImpossibleCommitment(
        commitment_id=promise.commitment_id,
        metric=promise.metric,
        target=promise.target,
        best_attainable=reached,
        unit=promise.unit,
        reason=f"kept in {100 * kept.mean():.1f} % of {len(kept):,} simulated "
        f"{promise.period_months:g}-month periods with the most stock that is allowed, not in "
        f"{100 * asked:g} %; the best attainable is what so many of these periods measure or "
        "better",
    )


def unconfirmed(promise: Promise, use: float, share: float, asked: float) -> ImpossibleCommitment:
    """A promise that the surest plan found kept too seldom."""
    return ImpossibleCommitment(
        commitment_id=promise.commitment_id,
        metric=promise.metric,
        target=promise.target,
        best_attainable=promise.achieved(use),
        unit=promise.unit,
        reason=f"kept in {100 * share:.1f} % of simulated {promise.period_months:g}-month periods "
        f"by the surest plan found, which was not confirmed to keep it in {100 * asked:g} %; the "
        "best attainable is its long-run figure",
    )
