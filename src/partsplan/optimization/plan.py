"""The stocking plan: what to hold where, what it costs, how good it is, and what it keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from html import escape
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation import (
    CommitmentResult,
    ExpeditedPerformance,
    ImpossibleCommitment,
    Performance,
)
from partsplan.evaluation.describing import commitment_lines, commitment_table_html
from partsplan.evaluation.results import Rows
from partsplan.network import ServiceNetwork, frame_of
from partsplan.optimization.axes import Integers
from partsplan.optimization.memory import SearchMemory
from partsplan.optimization.period_confidence import ConfidentCommitment, PeriodConfidence
from partsplan.simulation import Confirmation, confirm


class PlanStatus(StrEnum):
    """How far the optimization came."""

    OPTIMAL = "optimal"
    """A plan with a proven gap of at most 1e-9."""
    FEASIBLE = "feasible"
    """A plan with a larger or unknown gap."""
    INFEASIBLE = "infeasible"
    """Proven: no allowed stock keeps all commitments."""
    NO_SOLUTION = "no_solution"
    """No plan was found, and none was proven impossible."""


@dataclass(frozen=True, eq=False)
class PlannedStock:
    """Base stock of every part at every location; can be handed back to partsplan."""

    network: ServiceNetwork = field(repr=False)
    array: Integers
    """Shape (n_parts, n_locations), in the order of the network's tables [units]."""

    def to_records(self) -> list[dict[str, Any]]:
        """``part_id``, ``location_id``, ``base_stock`` wherever something is held."""
        columns = self.to_columns()
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def to_columns(self) -> dict[str, NDArray[Any]]:
        """The same as a dict of columns, the lightest form for large networks."""
        part, location = np.nonzero(self.array)
        return {
            "part_id": np.array(self.network.part_ids, dtype=object)[part],
            "location_id": np.array(self.network.location_ids, dtype=object)[location],
            "base_stock": self.array[part, location],
        }

    def to_frame(self) -> Any:
        """The same as a frame in the library of the network's tables."""
        return frame_of(self.to_columns(), self.network.frame_backend)


StoppedBy = Literal["gap", "time", "effort", "interrupt"]

FAR_GAP = 0.1
"""Gap above which a plan may cost far more than need be, and its promises have no prices."""
_STOP_WORDS = {"time": "by the time limit", "interrupt": "by an interrupt"}
_OBJECTIVE_WORDS = {
    "holding_cost": ("holding cost", " per year"),
    "investment": ("investment", " in stock"),
    "new_investment": ("new investment", " to buy now"),
}


@dataclass(frozen=True, eq=False)
class StockingPlan:
    """Result of :func:`partsplan.optimize`. Without a solution, stock and figures are ``None``."""

    status: PlanStatus
    """optimal, feasible, infeasible or no_solution."""
    objective: Literal["holding_cost", "investment", "new_investment"]
    """What was minimized; ``cost``, ``bound`` and prices are in its unit."""
    stock: PlannedStock | None
    """Base stock of every part at every location."""
    cost: float | None
    """Cost in the objective's unit [currency per year, or currency]."""
    annual_cost: float | None
    """Holding cost of the plan and, where shortages are expedited, its expected shipment cost
    [currency per year]."""
    investment: float | None
    """Value of the base stock at unit cost [currency]."""
    bound: float | None
    """No plan that keeps the commitments costs less, in the objective's unit; None if unproven."""
    gap: float | None
    """(cost - bound) / cost; None when nothing is proven."""
    commitments: Rows[CommitmentResult]
    """Every commitment, in table order; empty without a solution."""
    impossible: Rows[ImpossibleCommitment]
    """Every commitment that no allowed stock can keep, with the best attainable and why."""
    performance: Performance | None
    """Service of the plan, evaluated anew."""
    evaluation: str
    """Method that the service holds for."""
    bound_evaluation: str
    """Method that the bound holds for."""
    stopped_by: StoppedBy | None
    """What ended the search; None where nothing was searched."""
    passes: int
    """Passes of the price search over all parts."""
    runtime_seconds: float
    """Wall-clock time [s]."""
    period_confidence: PeriodConfidence | None = None
    """How sure the plan is to keep its commitments in a period; None where it was not asked."""
    memory: SearchMemory | None = field(default=None, repr=False)
    """What a later run that starts with this plan need not find again; None where there is none."""

    @property
    def period_probabilities(self) -> Rows[ConfidentCommitment]:
        """Asked and simulated probability of every commitment with a period; empty if not asked."""
        if self.period_confidence is None:
            return Rows([], ConfidentCommitment, None)
        return self.period_confidence.rows

    @property
    def has_solution(self) -> bool:
        """Whether there is a plan."""
        return self.stock is not None

    def contributions(self, commitment_id: str) -> list[dict[str, Any]]:
        """How much each part and location takes from a commitment; see `Performance`."""
        if self.performance is None:
            raise ValueError(f"contributions need a plan, but the status is {self.status}")
        return self.performance.contributions(commitment_id)

    def confirm(self, *, rng: int | np.random.Generator, **options: Any) -> Confirmation:
        """Confirm or refute each commitment by simulation; see `partsplan.simulation.confirm`."""
        if self.performance is None:
            raise ValueError(f"confirm needs a plan, but the status is {self.status}")
        model = self.performance.model
        return confirm(model.network, model.demand, self, rng=rng, **options)

    def summary(self) -> str:
        """The plan as text: status, cost, proof and every commitment."""
        lines = [self._headline(), *self._figure_lines(), *self._commitment_lines()]
        return "\n".join([*lines, *self._period_lines()])

    def _headline(self) -> str:
        if self.stock is None:
            return f"Stocking plan: {self.status}"
        parts = int((self.stock.array.sum(axis=1) > 0).sum())
        places = int((self.stock.array > 0).sum())
        return (
            f"Stocking plan: {self.status}, {int(self.stock.array.sum()):,} units of {parts:,} "
            f"parts in {places:,} places"
        )

    def _figure_lines(self) -> list[str]:
        if self.cost is None or self.annual_cost is None or self.investment is None:
            return []
        word, period = _OBJECTIVE_WORDS[self.objective]
        lines = [
            *self._yearly_lines(self.annual_cost),
            f"  investment    {self.investment:,.2f} in stock",
        ]
        if self.objective == "new_investment":
            lines.append(f"  {word}  {self.cost:,.2f}{period}")
        if self.bound is None or self.gap is None:
            return [*lines, "  proof         none", *self._stop_lines()]
        scope = "" if self.period_confidence is None else "for the long run "
        return [
            *lines,
            f"  proof         no plan {scope}has less than {self.bound:,.2f}{period} of {word}"
            f"{' and shipments' * (len(lines) > 2 and self.objective == 'holding_cost')}: "
            f"gap {100 * self.gap:.4f} %",
            *self._stop_lines(),
        ]

    def _stop_lines(self) -> list[str]:
        word = _STOP_WORDS.get(self.stopped_by or "")
        if word is None:
            return []
        is_far = self.gap is None or self.gap > FAR_GAP
        how_far = "; it may cost far more than need be" if is_far else ""
        after = f"{word} after {self.runtime_seconds:.1f} s"
        return [f"  stopped       {after}, before the gap asked for was reached{how_far}"]

    def _yearly_lines(self, annual_cost: float) -> list[str]:
        if not isinstance(self.performance, ExpeditedPerformance):
            return [f"  holding cost  {annual_cost:,.2f} per year"]
        shipments = self.performance.shipment_cost
        return [
            f"  holding cost  {annual_cost - shipments:,.2f} per year",
            f"  shipments     {shipments:,.2f} per year, "
            f"{100 * self.performance.emergency_share:.3f} % of the demand from outside",
        ]

    def _commitment_lines(self) -> list[str]:
        if self.performance is None:
            return [
                f"  IMPOSSIBLE {row.commitment_id}: promised {row.target:g} {row.unit}, "
                f"best attainable {row.best_attainable:.6g} {row.unit}: {row.reason}"
                for row in self.impossible
            ]
        kept = sum(result.is_met for result in self.commitments)
        exact = "exactly" if self.performance.is_exact else f"by {self.performance.method}"
        head = f"  commitments   {kept} of {len(self.commitments)} kept, evaluated {exact}"
        priced = any(result.price for result in self.commitments)
        _, period = _OBJECTIVE_WORDS[self.objective]
        unit = f" (price{period} for 0.01 more, or 1 hour less)" if priced else ""
        return [head + unit, *commitment_lines(self.commitments)]

    def _period_lines(self) -> list[str]:
        if self.period_confidence is None or self.cost is None:
            return []
        _, period = _OBJECTIVE_WORDS[self.objective]
        return self.period_confidence.lines(self.cost, period)

    def _repr_html_(self) -> str:
        text = "<br>".join(escape(line) for line in [self._headline(), *self._figure_lines()])
        if self.performance is None:
            return text + "<br>" + "<br>".join(escape(line) for line in self._commitment_lines())
        below = "<br>".join(escape(line) for line in self._period_lines())
        table = f"<p>{text}</p>{commitment_table_html(self.commitments)}"
        return f"{table}<p>{below}</p>" if below else table
