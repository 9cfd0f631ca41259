"""Failures of repairable units over their age: what recurrence methods read.

A repairable unit fails, is repaired and goes on; its failures are a sequence of ages, and the age
at which observation ends is as much a fact as each failure (Nelson, Recurrent Events Data
Analysis, 2003).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partsplan.demand.own_tables import raise_findings
from partsplan.demand.repair_tables import TABLE, named, read_chained_lives, read_events
from partsplan.errors import Finding
from partsplan.network.scanning import MOST_ROWS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RepairHistory:
    """Failures of repairable units, by age, and when the observation of each unit ends.

    Made by :meth:`from_arrays`, :meth:`from_table` or :meth:`from_lives`.

    Examples
    --------
    >>> history = RepairHistory.from_arrays([[98.0], [12.0, 40.0]], end_hours=[667.0, 650.0])
    >>> history
    RepairHistory(2 units, 3 failures, 1,317 hours observed)
    """

    unit_ids: tuple[str, ...]
    """Ids of the units, in order of first appearance."""
    start_hours: Floats
    """Shape (n_units,): age at which observation begins [hours]."""
    end_hours: Floats
    """Shape (n_units,): age at which observation ends [hours]."""
    ends_with_failure: NDArray[np.bool_]
    """Shape (n_units,): whether observation was stopped by the last failure (failure-truncated)
    and not by the clock (time-truncated)."""
    unit: Integers
    """Shape (n_failures,): position of the unit of each failure, ascending."""
    hours: Floats
    """Shape (n_failures,): age at each failure, ascending within a unit [hours]."""

    @classmethod
    def from_arrays(
        cls,
        hours: Sequence[float] | Sequence[Sequence[float]] | Floats,
        end_hours: ArrayLike | None = None,
        *,
        start_hours: ArrayLike = 0.0,
        unit_ids: Sequence[object] | None = None,
    ) -> RepairHistory:
        """Take the ages at failure of one unit, or of several.

        Parameters
        ----------
        hours : sequence of float, or sequence of such
            Ages at failure of one unit, or of each unit [hours].
        end_hours : array_like of float, optional
            Age at which observation ends, of each unit or of all [hours]. Without it observation
            ends at the last failure of each unit (failure-truncated).
        start_hours : array_like of float, default 0
            Age at which observation begins [hours].
        unit_ids : sequence, optional
            Names of the units; 1, 2, ... where not given.

        Returns
        -------
        RepairHistory

        Raises
        ------
        InputError
            When ages are negative, outside the observation, or a unit has neither failure nor end.
        ValueError
            When shapes do not fit.
        """
        units = _per_unit(hours)
        n_units = len(units)
        names = tuple(str(i + 1) for i in range(n_units))
        if unit_ids is not None:
            names = tuple(str(name) for name in unit_ids)
            if len(names) != n_units or len(set(names)) != n_units:
                raise ValueError(f"unit_ids must name each of {n_units} units once, got {names!r}")
        unit = np.repeat(np.arange(n_units), [len(ages) for ages in units])
        ages = np.concatenate(units) if units else np.empty(0)
        start = _of_units("start_hours", start_hours, n_units)
        is_clocked = np.full(n_units, end_hours is not None)
        end = _last(unit, ages, n_units) if end_hours is None else np.empty(0)
        if end_hours is not None:
            end = _of_units("end_hours", end_hours, n_units)
        return _checked(names, (start, end), ~is_clocked, (unit, ages))

    @classmethod
    def from_table(
        cls,
        table: Any,
        *,
        rename: Mapping[str, str] | None = None,
        extra_columns: Literal["error", "ignore"] = "error",
    ) -> RepairHistory:
        """Read a table with one row per failure and one per end of observation.

        Parameters
        ----------
        table
            A frame, dict of columns or list of records with ``unit_id``, ``hours`` (age of the
            unit, counted from new and never set back by a repair) and ``outcome``: failed, or
            censored for the age at which observation ends, at most one such row per unit. The
            observation of a unit without one ends at its last failure.
        rename, extra_columns
            As in ``ServiceNetwork.from_tables``: ``rename={"EQUNR": "unit_id"}`` maps own names.

        Returns
        -------
        RepairHistory

        Raises
        ------
        InputError
            With every finding of the table.

        Examples
        --------
        >>> rows = [{"unit_id": "E251", "hours": 761, "outcome": "censored"},
        ...         {"unit_id": "E327", "hours": 98, "outcome": "failed"},
        ...         {"unit_id": "E327", "hours": 667, "outcome": "censored"}]
        >>> RepairHistory.from_table(rows)
        RepairHistory(2 units, 1 failure, 1,428 hours observed)
        """
        read = read_events(table, rename=rename, extra_columns=extra_columns)
        names, unit = named(read["unit_id"])
        failed = np.flatnonzero(read["outcome"] == "failed")
        ends = np.flatnonzero(read["outcome"] == "censored")
        end = _last(unit[failed], read["hours"][failed], len(names))
        has_end = np.zeros(len(names), dtype=bool)
        has_end[unit[ends]] = True
        end[unit[ends]] = read["hours"][ends]
        start = np.zeros(len(names))
        events = (unit[failed], read["hours"][failed])
        return _checked(names, (start, end), ~has_end, events, failed)

    @classmethod
    def from_lives(
        cls,
        table: Any,
        *,
        part_id: str | None = None,
        rename: Mapping[str, str] | None = None,
        extra_columns: Literal["error", "ignore"] = "error",
    ) -> RepairHistory:
        """Chain lives, or times between failures, to the age of the unit they were spent in.

        Parameters
        ----------
        table
            ``unit_id``, ``hours`` (operating hours since the last failure) and ``outcome``
            (failed, or censored for the last, unfinished life). The rows of a unit follow each
            other by ``date`` where there is one, else as they stand. A ``failures`` table of lives
            will do, without late entry: the unit is then the place that a part is replaced in.
        part_id : str, optional
            The part, where the table has lives of several.
        rename, extra_columns
            As in ``ServiceNetwork.from_tables``.

        Returns
        -------
        RepairHistory

        Raises
        ------
        InputError
            With every finding of the table.

        Examples
        --------
        >>> RepairHistory.from_lives({"unit_id": ["7902", "7902"], "hours": [413, 14],
        ...                           "outcome": ["failed", "failed"]}).hours
        array([413., 427.])
        """
        lives = read_chained_lives(table, part_id, rename=rename, extra_columns=extra_columns)
        return cls.from_table(lives)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.unit_ids)

    @property
    def n_failures(self) -> int:
        """Number of failures of all units."""
        return len(self.hours)

    @property
    def hours_observed(self) -> float:
        """Age spent under observation, all units together [hours]."""
        return float((self.end_hours - self.start_hours).sum())

    def __repr__(self) -> str:
        return (
            f"RepairHistory({_counted(self.n_units, 'unit')}, "
            f"{_counted(self.n_failures, 'failure')}, {self.hours_observed:,.6g} hours observed)"
        )


def as_history(history: RepairHistory | Any) -> RepairHistory:
    """Take a history as it is, or read it from a table."""
    return history if isinstance(history, RepairHistory) else RepairHistory.from_table(history)


def _per_unit(hours: Any) -> list[Floats]:
    if isinstance(hours, np.ndarray) and hours.ndim == 1 and hours.dtype != object:
        return [hours.astype(np.float64)]
    items = list(hours)
    if any(np.ndim(item) for item in items):
        if not all(np.ndim(item) == 1 for item in items):
            raise ValueError("hours must be ages of one unit, or one sequence of ages per unit")
        return [np.asarray(item, dtype=np.float64) for item in items]
    return [np.asarray(items, dtype=np.float64)]


def _of_units(name: str, values: ArrayLike, n_units: int) -> Floats:
    figures = np.asarray(values, dtype=np.float64)
    if figures.shape not in ((), (n_units,)):
        raise ValueError(f"{name} must be one number or one per unit, got shape {figures.shape}")
    return np.broadcast_to(figures, (n_units,)).copy()


def _last(unit: Integers, hours: Floats, n_units: int) -> Floats:
    """Greatest age per unit; NaN where it has no failure."""
    last = np.full(n_units, np.nan)
    np.fmax.at(last, unit, hours)
    return last


def _checked(
    names: tuple[str, ...],
    span: tuple[Floats, Floats],
    ends_with_failure: NDArray[np.bool_],
    events: tuple[Integers, Floats],
    rows: Integers | None = None,
) -> RepairHistory:
    """Check ages against each unit's observation and sort failures by unit and age."""
    (start, end), (unit, hours) = span, events
    findings = [*_bad_ends(names, start, end), *_bad_failures(names, start, end, events, rows)]
    if not names:
        rule = "there is no unit."
        findings.append(Finding(TABLE, None, None, None, rule, "Give at least one."))
    raise_findings(findings)
    order = np.lexsort((hours, unit))
    return RepairHistory(names, start, end, ends_with_failure, unit[order], hours[order])


def _bad_ends(names: tuple[str, ...], start: Floats, end: Floats) -> list[Finding]:
    findings = []
    for i in np.flatnonzero(~((end > start) & (start >= 0.0) & np.isfinite(end)))[:MOST_ROWS]:
        if np.isnan(end[i]):
            rule = f"unit {names[i]!r} has neither a failure nor an end of observation."
            fix = "Give the age at which its observation ends."
        else:
            rule = f"unit {names[i]!r} is observed from {start[i]:g} to {end[i]:g} h."
            fix = "Give an end after the start, both 0 or more."
        findings.append(Finding(TABLE, None, "hours", float(end[i]), rule, fix))
    return findings


def _bad_failures(
    names: tuple[str, ...],
    start: Floats,
    end: Floats,
    events: tuple[Integers, Floats],
    rows: Integers | None,
) -> list[Finding]:
    unit, hours = events
    outside = ~((hours > start[unit]) & (hours <= end[unit]))
    findings = []
    for i in np.flatnonzero(outside & np.isfinite(end)[unit])[:MOST_ROWS]:
        name, low, high = names[unit[i]], start[unit[i]], end[unit[i]]
        rule = f"unit {name!r} failed at {hours[i]:g} h, but is observed from {low:g} to {high:g} h"
        fix = "Ages at failure are after the start and not after the end of observation."
        row = None if rows is None else int(rows[i]) + 1
        findings.append(Finding(TABLE, row, "hours", float(hours[i]), rule + ".", fix))
    return findings


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
