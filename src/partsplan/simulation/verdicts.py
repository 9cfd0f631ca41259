"""What a confirmation says: a verdict on every commitment, and what assumptions change."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Literal

from partsplan.evaluation.results import Rows
from partsplan.simulation.describing import figure_words
from partsplan.simulation.performance import SimulatedPerformance

Verdict = Literal["confirmed", "refuted", "undecided", "no demand"]


@dataclass(frozen=True, slots=True)
class ConfirmedCommitment:
    """One commitment (or one value of its ``each``) and what the simulation says of it."""

    commitment_id: str
    """Id of the commitment; ``id:value`` where ``each`` makes one per value."""
    metric: str
    """uptime, response, fill_rate or mean_wait."""
    target: float
    """Promised share, or hours for mean_wait."""
    achieved: float | None
    """Simulated share, or hours."""
    lower: float | None
    """Lower bound of the interval that the verdict rests on."""
    upper: float | None
    """Upper bound of the interval."""
    unit: str
    """``share`` or ``hours``."""
    verdict: Verdict
    """confirmed, refuted, undecided, or no demand in its scope."""


@dataclass(frozen=True, slots=True)
class AssumptionChange:
    """How one commitment changes when an assumption of the formulas is dropped."""

    assumption: str
    """What is assumed no longer."""
    commitment_id: str
    """Id of the commitment."""
    metric: str
    """uptime, response, fill_rate or mean_wait."""
    target: float
    """Promised share, or hours."""
    assumed: float | None
    """Simulated with the assumption."""
    achieved: float | None
    """Simulated without it."""
    lower: float | None
    """Lower bound of ``achieved``."""
    upper: float | None
    """Upper bound of ``achieved``."""
    difference: float | None
    """``achieved`` less ``assumed``."""
    unit: str
    """``share`` or ``hours``."""
    is_certain: bool
    """Whether the two intervals are apart: the difference is not chance."""
    is_met: bool | None
    """Whether the promise is kept without the assumption."""


@dataclass(frozen=True, eq=False, repr=False)
class Confirmation:
    """What a simulation says of every commitment of a plan."""

    commitments: Rows[ConfirmedCommitment]
    """Verdict on every commitment, in table order."""
    changes: Rows[AssumptionChange]
    """Change of every commitment for every assumption dropped."""
    performance: SimulatedPerformance
    """All replications that the verdicts rest on."""
    confidence: float
    """Confidence of all verdicts of one commitment together."""
    margin: float
    """Share of what a promise allows by which a confirmed one may be missed."""
    runtime_seconds: float
    """Wall-clock time [s]."""

    @property
    def is_confirmed(self) -> bool:
        """Whether every commitment with demand is confirmed."""
        return all(row.verdict in ("confirmed", "no demand") for row in self.commitments)

    def summary(self) -> str:
        """Verdicts and changes as text."""
        return "\n".join([*self._headlines(), *self._verdict_lines(), *self._change_lines()])

    def _headlines(self) -> list[str]:
        counts = {
            word: sum(row.verdict == word for row in self.commitments)
            for word in ("confirmed", "refuted", "undecided")
        }
        words = ", ".join(f"{count} {word}" for word, count in counts.items())
        return [
            f"Confirmation of {len(self.commitments)} commitments: {words}",
            f"  {self.performance.replications:,} replications of {self.performance.years:g} "
            f"years, {self.performance.demands:,} demands; confidence "
            f"{100 * self.confidence:g} %, margin {100 * self.margin:g} % of what is allowed",
        ]

    def _verdict_lines(self) -> list[str]:
        width = max((len(row.commitment_id) for row in self.commitments), default=0)
        return [
            f"  {row.verdict:<9} {row.commitment_id:<{width}}  {row.metric:<9} "
            f"{figure_words(row.achieved, row.lower, row.upper, row.unit)}, "
            f"promised {figure_words(row.target, None, None, row.unit)}"
            for row in self.commitments
        ]

    def _change_lines(self) -> list[str]:
        lines = []
        for name in dict.fromkeys(row.assumption for row in self.changes):
            lines.append(f"  {name}:")
            rows = [row for row in self.changes if row.assumption == name and row.is_certain]
            lines += [
                f"    {row.commitment_id}: "
                f"{figure_words(row.assumed, None, None, row.unit)} becomes "
                f"{figure_words(row.achieved, None, None, row.unit)}"
                f"{'' if row.is_met else ', MISSED'}"
                for row in rows
            ]
            if not rows:
                lines.append("    no change beyond chance")
        return lines

    def __repr__(self) -> str:
        return f"Confirmation({self._headlines()[0].partition(': ')[2]})"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.summary())}</pre>"
