"""Simulated commitments: one record each, and lines of text about them."""

from __future__ import annotations

from dataclasses import dataclass

from partsplan.evaluation.results import Rows


@dataclass(frozen=True, slots=True)
class SimulatedCommitment:
    """One commitment (or one value of its ``each``) as it was simulated."""

    commitment_id: str
    """Id of the commitment; ``id:value`` where ``each`` makes one per value."""
    metric: str
    """uptime, response, fill_rate or mean_wait."""
    target: float
    """Promised share, or hours for mean_wait."""
    achieved: float | None
    """Simulated share, or hours; None where the scope has no demand or none was simulated."""
    lower: float | None
    """Lower bound of the confidence interval, in the same unit."""
    upper: float | None
    """Upper bound of the confidence interval."""
    unit: str
    """``share`` or ``hours``, of target and achieved."""
    is_met: bool | None
    """Whether the simulated figure keeps the promise; None where none was simulated."""


def simulated_lines(results: Rows[SimulatedCommitment], most: int = 12) -> list[str]:
    """Text lines of commitments: the missed ones first."""
    ordered = sorted(results, key=lambda result: result.is_met is not False)
    width = max((len(result.commitment_id) for result in ordered[:most]), default=0)
    marks = {True: "kept   ", False: "MISSED ", None: "unknown"}
    lines = [
        f"  {marks[result.is_met]} {result.commitment_id:<{width}}  {result.metric:<9} "
        f"{figure_words(result.achieved, result.lower, result.upper, result.unit)}, "
        f"promised {_figure(result.target, result.unit)}"
        for result in ordered[:most]
    ]
    if len(ordered) > most:
        lines.append(f"  ... and {len(ordered) - most} more commitments in .commitments")
    return lines


def figure_words(value: float | None, lower: float | None, upper: float | None, unit: str) -> str:
    """A figure, and its interval where there is one, in words."""
    if value is None:
        return "no demand"
    if lower is None or upper is None:
        return _figure(value, unit)
    return f"{_figure(value, unit)} ({_figure(lower, unit)} to {_figure(upper, unit)})"


def _figure(value: float, unit: str) -> str:
    return f"{value:.2f} h" if unit == "hours" else f"{100 * value:.3f} %"
