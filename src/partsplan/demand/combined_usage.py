"""What combining usage with the installed base gave: the demand, and where the two disagree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.count_tests import count_p_values
from partsplan.demand.differences import false_discovery_p_values
from partsplan.demand.rates import DemandRates
from partsplan.demand.usage_exposure import ObservedPairs
from partsplan.demand.usage_history import UsageHistory, in_words
from partsplan.demand.usage_rates import clustered_words
from partsplan.errors import Finding
from partsplan.network import ServiceNetwork
from partsplan.network.figure_table import FigureTable

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

SHOWN = 10
"""Disagreements that a summary shows."""


@dataclass(frozen=True, repr=False, eq=False)
class CombinedUsage:
    """Demand by installed base and history together; made by :func:`combine_usage`.

    Rows are first the parts as a whole that have demand or usage, then their pairs with a
    location; arrays of rows have shape (n_rows,).
    """

    network: ServiceNetwork
    """The network."""
    before: DemandRates
    """Demand before the history."""
    demand: DemandRates
    """Demand by both."""
    history: UsageHistory
    """The usage, its span and the rule about months without a row."""
    pairs: ObservedPairs
    """Demand and usage of every part and location."""
    per_year: Floats
    """Shape (n_pairs,): combined rate [units/year]."""
    variance_to_mean: Floats
    """Shape (n_parts,): clustering of the usage that is taken [-]; 1 = none."""
    location_spread: float | None
    """Standard deviation of locations' factors around their part's [-]; None where there are too
    few locations to tell."""
    false_discoveries: float
    """Share of false findings that is accepted."""
    warnings: tuple[Finding, ...]
    """What is doubtful."""

    @cached_property
    def parts(self) -> Integers:
        """Positions of the parts with demand or usage: the first rows."""
        return np.unique(self.pairs.part)

    @cached_property
    def p_value(self) -> Floats:
        """Exact test of the usage of each row against what was expected; NaN where not observed."""
        units, expected = self._rows(self._seen(self.pairs.units)), self._rows(self.pairs.expected)
        part = self._row_part
        variance = self.variance_to_mean[part] * expected
        variance += expected**2 / self.before.rate_shape[part]
        p_value = count_p_values(units, expected, variance)
        return np.where(self._rows(self.pairs.years) > 0.0, p_value, np.nan)

    @cached_property
    def adjusted_p_value(self) -> Floats:
        """P-values adjusted after Benjamini and Hochberg, over the parts and over the pairs."""
        n = len(self.parts)
        of_parts = false_discovery_p_values(self.p_value[:n])
        return np.concatenate([of_parts, false_discovery_p_values(self.p_value[n:])])

    @property
    def disagrees(self) -> Booleans:
        """Whether history and installed base differ beyond chance, row by row."""
        agreed: Booleans = np.nan_to_num(self.adjusted_p_value, nan=1.0) <= self.false_discoveries
        return agreed

    @property
    def disagreements(self) -> FigureTable:
        """The rows that disagree, the surest first, with the columns of :meth:`to_records`."""
        rows = np.flatnonzero(self.disagrees)
        return self._table(rows[np.argsort(self.p_value[rows], kind="stable")])

    @property
    def table(self) -> FigureTable:
        """The rows of :meth:`to_records`."""
        return self._table(np.arange(len(self._row_part)))

    @cached_property
    def _row_part(self) -> Integers:
        return np.concatenate([self.parts, self.pairs.part])

    def _seen(self, amounts: Floats) -> Floats:
        return np.where(self.pairs.years > 0.0, amounts, 0.0)

    def _rows(self, amounts: Floats) -> Floats:
        """Amounts of pairs, behind their sums by part."""
        by_part = np.bincount(self.pairs.part, amounts, self.network.n_parts)[self.parts]
        return np.concatenate([by_part, amounts])

    def _table(self, rows: Integers) -> FigureTable:
        pairs, n = self.pairs, len(self.parts)
        location = np.concatenate([np.full(n, -1), pairs.location])[rows]
        units, expected = self._rows(self._seen(pairs.units)), self._rows(pairs.expected)
        by_history = np.divide(
            pairs.units, pairs.years, out=np.zeros(len(pairs.units)), where=pairs.years > 0.0
        )
        seen = self._rows(pairs.years) > 0.0
        ratio = np.divide(units, expected, out=np.full(len(units), np.nan), where=expected > 0.0)
        return FigureTable(
            {
                "part_id": np.array(self.network.part_ids, dtype=object)[self._row_part[rows]],
                "location_id": np.array([*self.network.location_ids, None], dtype=object)[location],
                "units": np.where(seen, units, np.nan)[rows],
                "expected": np.where(seen, expected, np.nan)[rows],
                "history_per_year": np.where(seen, self._rows(by_history), np.nan)[rows],
                "installed_base_per_year": self._rows(pairs.per_year)[rows],
                "combined_per_year": self._rows(self.per_year)[rows],
                "ratio": ratio[rows],
                "p_value": self.p_value[rows],
                "adjusted_p_value": self.adjusted_p_value[rows],
                "disagrees": self.disagrees[rows],
            },
            self.demand.frame_backend or self.history.frame_backend,
        )

    def to_records(self) -> list[dict[str, Any]]:
        """One dict per part, and per part and location with demand or usage.

        Returns
        -------
        list of dict
            ``part_id``; ``location_id`` (None = the part as a whole); ``units`` used and
            ``expected`` [units]; ``history_per_year``, ``installed_base_per_year`` and
            ``combined_per_year`` [units/year]; ``ratio`` of units to expected; ``p_value``,
            ``adjusted_p_value`` and ``disagrees``. None where not observed or unknown.
        """
        return self.table.to_records()

    def to_frame(self) -> Any:
        """The same as a frame in the library of the user's tables."""
        return self.table.to_frame()

    def summary(self) -> str:
        """Say what the history changed, and the surest disagreements."""
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        n = len(self.parts)
        tested = ~np.isnan(self.p_value)
        parts, pairs = self.disagrees[:n], self.disagrees[n:]
        disagree = (
            f"{int(parts.sum()):,} of {in_words(int(tested[:n].sum()), 'part')}, "
            f"{int(pairs.sum()):,} of {in_words(int(tested[n:].sum()), 'pair')}"
        )
        if self.location_spread is None:
            spread = "locations follow their part (too few to tell them apart)"
        else:
            spread = f"locations differ from their part by {100 * self.location_spread:.0f} %"
        lines = [
            "Usage combined with the installed base",
            f"  observed  {self.history.first} to {self.history.last}, "
            f"{self.history.n_months} months; {self.history.row_rule}",
            f"  usage     {self._seen(self.pairs.units).sum():,.0f} units, "
            f"{self.pairs.expected.sum():,.6g} expected",
            f"  demand    {self.pairs.per_year.sum():,.6g} units per year before, "
            f"{self.per_year.sum():,.6g} combined",
            f"  clustered {clustered_words(self.variance_to_mean)}",
            f"  {spread}",
            f"  disagree  {disagree} of part and location "
            f"(false discoveries at most {100 * self.false_discoveries:g} %)",
        ]
        lines += self._disagreement_lines()
        return lines + [f"  {warning}" for warning in self.warnings]

    def _disagreement_lines(self) -> list[str]:
        rows = self.disagreements.to_records()
        lines = [
            f"    {row['part_id']}{' at ' + row['location_id'] if row['location_id'] else ''}: "
            f"{row['units']:,.0f} used, {row['expected']:,.4g} expected; "
            f"{row['installed_base_per_year']:,.4g} per year before, "
            f"{row['combined_per_year']:,.4g} combined"
            for row in rows[:SHOWN]
        ]
        if len(rows) > SHOWN:
            lines.append(f"    ... and {len(rows) - SHOWN:,} more in .disagreements")
        return lines

    def __repr__(self) -> str:
        return (
            f"CombinedUsage({in_words(len(self.parts), 'part')}, "
            f"{in_words(int(self.disagrees.sum()), 'disagreement')}, "
            f"total={self.per_year.sum():.6g} per year)"
        )

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.summary())}</pre>{self.disagreements._repr_html_()}"
