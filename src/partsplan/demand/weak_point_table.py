"""Weak points as rows: what fails, what it costs a year, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partsplan.network.figure_table import FigureTable

Floats = NDArray[np.float64]

RankBy = Literal["downtime", "cost"]

SHOWN = 10
"""Rows of a summary."""


@dataclass(frozen=True, eq=False)
class YearlyFigure:
    """An expected amount per year of every group, with its interval; shape (n_groups,)."""

    mean: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True, eq=False, repr=False)
class WeakPoints:
    """Groups of failures in order of what they cost; made by :func:`weak_points`."""

    by: tuple[str, ...]
    """What a row is, such as ("part",) or ("part", "site")."""
    names: tuple[NDArray[np.object_], ...]
    """One array of shape (n_rows,) for each word of ``by``; None where there is no such thing."""
    failures_per_year: Floats
    """Expected failures [1/year]."""
    downtime_hours: YearlyFigure
    """Hours that machines stand still [machine hours/year]."""
    cost: YearlyFigure
    """What ``cost_means`` says [currency/year]."""
    cost_means: str
    """What is counted as cost."""
    downtime_means: str
    """What is counted as downtime."""
    rank_by: RankBy
    """What the rows are ordered by."""
    level: float
    """Probability of the intervals."""
    frame_backend: str | None = None

    def __len__(self) -> int:
        return len(self.failures_per_year)

    @property
    def table(self) -> FigureTable:
        """The rows; see :meth:`to_records`."""
        columns: dict[str, NDArray[Any]] = {"rank": np.arange(1, len(self) + 1)}
        columns |= dict(zip(self.by, self.names, strict=True))
        columns["failures_per_year"] = self.failures_per_year
        for name, figure in (("downtime_hours", self.downtime_hours), ("cost", self.cost)):
            columns[name] = figure.mean
            columns[f"{name}_lower"], columns[f"{name}_upper"] = figure.lower, figure.upper
            columns[f"{name}_share"] = _shares(figure.mean)
        return FigureTable(columns, self.frame_backend)

    def to_records(self) -> list[dict[str, Any]]:
        """One dict per row, the weakest point first.

        ``rank``, the words of ``by``, ``failures_per_year``, then ``downtime_hours`` [machine hours
        per year] and ``cost`` [currency per year], each with ``_lower``, ``_upper`` and ``_share``
        of the total.
        """
        return self.table.to_records()

    def to_frame(self) -> Any:
        """The same as a frame in the library of the network's tables."""
        return self.table.to_frame()

    def summary(self) -> str:
        """Say what fails most, in order, and what is counted."""
        head = [
            " x ".join(self.by),
            "failures/year",
            "downtime h/year",
            f"{100 * self.level:g} % interval",
            "share",
            "cost/year",
            f"{100 * self.level:g} % interval",
        ]
        cells = [head, *(self._cells(row) for row in range(min(len(self), SHOWN)))]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  "
            + row[0].ljust(widths[0])
            + "".join(f"  {cell:>{w}}" for cell, w in zip(row[1:], widths[1:], strict=True))
            for row in cells
        ]
        if len(self) > SHOWN:
            lines.append(f"  ... and {len(self) - SHOWN:,} more")
        return "\n".join([self._headline(), *lines, *self._notes()])

    def _headline(self) -> str:
        return (
            f"Weak points by {' x '.join(self.by)}, in order of {self.rank_by}: "
            f"{self.failures_per_year.sum():,.4g} failures, "
            f"{self.downtime_hours.mean.sum():,.4g} hours of downtime and a cost of "
            f"{self.cost.mean.sum():,.6g} per year"
        )

    def _notes(self) -> list[str]:
        return [f"  downtime: {self.downtime_means}", f"  cost: {self.cost_means}"]

    def _cells(self, row: int) -> list[str]:
        down, cost = self.downtime_hours, self.cost
        share = _shares(down.mean if self.rank_by == "downtime" else cost.mean)[row]
        return [
            ", ".join(str(name[row] or "none") for name in self.names),
            f"{self.failures_per_year[row]:,.2f}",
            f"{down.mean[row]:,.1f}",
            f"{down.lower[row]:,.1f} to {down.upper[row]:,.1f}",
            "" if np.isnan(share) else f"{100 * share:.0f} %",
            f"{cost.mean[row]:,.0f}",
            f"{cost.lower[row]:,.0f} to {cost.upper[row]:,.0f}",
        ]

    def __repr__(self) -> str:
        return f"WeakPoints({len(self)} rows by {' x '.join(self.by)})"

    def _repr_html_(self) -> str:
        notes = "<br>".join(escape(line) for line in [self._headline(), *self._notes()])
        return f"<p>{notes}</p>{self.table._repr_html_()}"


def _shares(amounts: Floats) -> Floats:
    total = float(amounts.sum())
    return amounts / total if total > 0.0 else np.full(len(amounts), np.nan)
