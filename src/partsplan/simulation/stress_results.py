"""What a stress test says: every commitment in every scenario, its course, and extra stock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.results import Rows
from partsplan.simulation.describing import figure_words
from partsplan.simulation.extra_stock import ExtraStock

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StressedCommitment:
    """One commitment (or one value of its ``each``) in one scenario."""

    scenario: str
    """Name of the scenario."""
    commitment_id: str
    """Id of the commitment."""
    metric: str
    """uptime, response, fill_rate or mean_wait."""
    target: float
    """Promised share, or hours for mean_wait."""
    usual: float | None
    """Figure without the scenario."""
    stressed: float | None
    """Figure of the demand of the judged days from the start of the scenario."""
    worst: float | None
    """Figure of the worst step of time."""
    worst_day: float | None
    """Day on which that step begins."""
    recovery_days: float | None
    """Days until it is kept again (or as good as usual) for good; None: not within the horizon."""
    unit: str
    """``share`` or ``hours``."""
    is_met: bool | None
    """Whether the figure of the judged days keeps the promise."""


@dataclass(frozen=True, eq=False, repr=False)
class StressTest:
    """What scenarios do to the commitments of a stock."""

    commitments: Rows[StressedCommitment]
    """One row per scenario and commitment."""
    extra_stock: Rows[ExtraStock]
    """Units that would have carried each scenario; none where it breaks nothing."""
    curves: dict[str, Floats]
    """Per scenario, shape (n_commitments, n_steps): figure of the demand of each step of time."""
    step_days: float
    """Length of a step [days]."""
    judged_days: float
    """Days that ``stressed`` speaks of."""
    horizon_days: float
    """Days simulated from the start of the scenario."""
    replications: int
    """Independent replications."""

    def summary(self) -> str:
        """What each scenario breaks, how long, and what would have carried it, as text."""
        lines = [
            f"Stress test: {len(self.curves)} scenarios, judged over {self.judged_days:g} days, "
            f"{self.replications:,} replications of {self.horizon_days:g} days"
        ]
        for name in self.curves:
            rows = [row for row in self.commitments if row.scenario == name]
            broken = sum(row.is_met is False for row in rows)
            lines.append(f"  {name}: {broken} of {len(rows)} commitments broken")
            lines += [_line(row, self.horizon_days) for row in rows]
            lines += self._stock_lines(name)
        return "\n".join(lines)

    def _stock_lines(self, name: str) -> list[str]:
        extra = [row for row in self.extra_stock if row.scenario == name]
        return [
            f"    carried by {sum(row.units for row in extra if row.part_id == part):,} more "
            f"{part} {row_at}"
            for part in dict.fromkeys(row.part_id for row in extra)
            for row_at in [_places(row for row in extra if row.part_id == part)]
        ]

    def __repr__(self) -> str:
        broken = sum(row.is_met is False for row in self.commitments)
        return f"StressTest({len(self.curves)} scenarios, {broken} commitments broken)"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.summary())}</pre>"


def _line(row: StressedCommitment, horizon_days: float) -> str:
    if row.stressed is None:
        return f"    {row.commitment_id}: no demand"
    usual, stressed, worst = (
        figure_words(figure, None, None, row.unit)
        for figure in (row.usual, row.stressed, row.worst)
    )
    mark = "kept  " if row.is_met else "BROKEN"
    if row.recovery_days is None:
        recovery = f"not recovered within {horizon_days:g} days"
    else:
        recovery = f"recovered after {row.recovery_days:g} days" if row.recovery_days else "no harm"
    return (
        f"    {mark} {row.commitment_id}: {usual} becomes {stressed}, in the worst step {worst}; "
        f"{recovery}"
    )


def _places(rows: Iterable[ExtraStock]) -> str:
    """Where extra units are put: "at DC", or at how many locations."""
    names = [row.location_id for row in rows]
    return f"at {names[0]}" if len(names) == 1 else f"over {len(names)} locations"
