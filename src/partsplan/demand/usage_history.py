"""History of usage: units per part, location and month, and which months were observed.

A table names the months with usage; what a month without a row means is a rule that the caller
chooses and the history keeps. Months are counted from 0 at the first month of the span.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.given import numbered
from partsplan.demand.reading import read_alone
from partsplan.errors import Finding, InputError
from partsplan.network import Table
from partsplan.network.values import MOST_ROWS, CalendarMonth, MisreadError

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

Missing = Literal["zero", "zero_after_first", "unknown"]
"""What a month without a row means."""

LATE_START = 1e-4
"""A series without a row in its first months is doubtful when, at a constant rate, that would
have a smaller probability than this."""


LEAST_ROWS = 12
"""Fewest rows from which it is doubtful that none has 0 units."""


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class UsageHistory:
    """Units used per series (a part at a location) and month; made by :meth:`from_table`."""

    part_ids: tuple[str, ...]
    """Distinct parts, in order of first appearance."""
    location_ids: tuple[str, ...]
    """Distinct locations, in order of first appearance."""
    part: Integers
    """Shape (n_series,): position of each series' part."""
    location: Integers
    """Shape (n_series,): position of each series' location."""
    first: np.datetime64
    """First month of the observed span."""
    last: np.datetime64
    """Last month of the observed span, included."""
    missing: Missing
    """What a month without a row means."""
    start: Integers
    """Shape (n_series,): month from which a series is observed; 0 unless ``zero_after_first``."""
    row_series: Integers
    """Shape (n_rows,): series of each row within the span."""
    row_month: Integers
    """Shape (n_rows,): months of each row after ``first``."""
    row_units: Floats
    """Shape (n_rows,): units of each row [units]."""
    warnings: tuple[Finding, ...] = ()
    """What is doubtful about the history."""
    frame_backend: str | None = None
    """Frame library of the source; None when it was no frame."""

    @classmethod
    def from_table(
        cls,
        table: Any,
        *,
        first: datetime.date | str | None = None,
        last: datetime.date | str | None = None,
        missing: Missing = "zero",
        rename: Mapping[str, str] | None = None,
        extra_columns: Literal["error", "ignore"] = "error",
    ) -> UsageHistory:
        """Read a ``usage`` table: rows, dict of columns, frame, or ``network.usage``.

        Parameters
        ----------
        table
            Columns ``part_id``, ``location_id``, ``month`` and ``units``.
        first, last
            The observed span, both months included, such as ``"2023-01"``. By default the first
            and the last month that any row of the table names: the same span for all series.
        missing : {"zero", "zero_after_first", "unknown"}, default "zero"
            What a month of the span without a row means: no usage; no usage from the first row
            of the series on, and not observed before it (a row of 0 units marks the start of a
            part that came later); or not observed.
        rename, extra_columns
            As in ``ServiceNetwork.from_tables``.

        Returns
        -------
        UsageHistory
            Series in order of first appearance. Rows outside the span are left out and counted
            in ``warnings``; a series of such rows only stays, with the months of the span.

        Raises
        ------
        InputError
            With every finding of the table, or when no row lies in the span.
        ValueError
            When ``first`` or ``last`` is no month, or ``missing`` none of the words.

        Examples
        --------
        >>> rows = [{"part_id": "FAN", "location_id": "BERN", "month": "2025-01", "units": 2},
        ...         {"part_id": "FAN", "location_id": "BERN", "month": "2025-04", "units": 1}]
        >>> history = UsageHistory.from_table(rows, last="2025-06")
        >>> history.units
        array([[2., 0., 0., 1., 0., 0.]])
        >>> history.row_rule
        'no row means no usage'
        """
        if missing not in get_args(Missing):
            words = ", ".join(repr(word) for word in get_args(Missing))
            raise ValueError(f"missing must be one of {words}, got {missing!r}")
        read = read_alone("usage", table, rename=rename, extra_columns=extra_columns)
        months = read["month"].astype("datetime64[M]")
        span = _span_of(months, first, last)
        part_ids, part = numbered(read["part_id"])
        location_ids, location = numbered(read["location_id"])
        keys = part * max(len(location_ids), 1) + location
        _, where, series = np.unique(keys, return_index=True, return_inverse=True)
        by_appearance = np.argsort(where, kind="stable")
        place = np.empty(len(where), dtype=np.int64)
        place[by_appearance] = np.arange(len(where))
        series = place[series.reshape(-1)]
        place_in = (months - span[0]).astype(np.int64)
        inside = (months >= span[0]) & (months <= span[1])
        earliest = np.full(len(where), np.iinfo(np.int64).max)
        np.minimum.at(earliest, series, place_in)
        first_rows = where[by_appearance]
        history = cls(
            part_ids=part_ids,
            location_ids=location_ids,
            part=part[first_rows],
            location=location[first_rows],
            first=span[0],
            last=span[1],
            missing=missing,
            start=np.maximum(earliest, 0) if missing == "zero_after_first" else 0 * earliest,
            row_series=series[inside],
            row_month=place_in[inside],
            row_units=np.asarray(read["units"], dtype=np.float64)[inside],
            warnings=tuple(_outside_span(read, inside, span)),
            frame_backend=read.checked.backend,
        )
        return history._with_doubts(np.maximum(earliest, 0))

    def _with_doubts(self, earliest: Integers) -> UsageHistory:
        doubts = []
        if self.missing == "zero":
            doubts = _late_starts(self, earliest)
        if self.missing == "unknown":
            doubts = _no_zeros(self)
        return replace(self, warnings=(*self.warnings, *doubts))

    @property
    def n_series(self) -> int:
        """Number of series."""
        return len(self.part)

    @property
    def n_months(self) -> int:
        """Months of the span."""
        return int((self.last - self.first).astype(np.int64)) + 1

    @property
    def row_rule(self) -> str:
        """What a month without a row means, in words."""
        return {
            "zero": "no row means no usage",
            "zero_after_first": "no row means no usage from the first row of a series on",
            "unknown": "no row means not observed",
        }[self.missing]

    @cached_property
    def total_units(self) -> Floats:
        """Shape (n_series,): units in the span [units]."""
        weights = self.row_units
        return np.bincount(self.row_series, weights, self.n_series).astype(np.float64)

    @cached_property
    def observed_months(self) -> Integers:
        """Shape (n_series,): months that were observed [months]."""
        if self.missing == "unknown":
            return np.bincount(self.row_series, minlength=self.n_series).astype(np.int64)
        return np.maximum(self.n_months - self.start, 0)

    @cached_property
    def units(self) -> Floats:
        """Shape (n_series, n_months): units used; NaN where not observed [units]."""
        dense = np.zeros((self.n_series, self.n_months))
        if self.missing == "unknown":
            dense[:] = np.nan
        elif self.missing == "zero_after_first":
            dense[np.arange(self.n_months) < self.start[:, np.newaxis]] = np.nan
        dense[self.row_series, self.row_month] = self.row_units
        dense.flags.writeable = False
        return dense

    def ids(self) -> dict[str, NDArray[Any]]:
        """Columns ``part_id`` and ``location_id`` of the series."""
        return {
            "part_id": np.array(self.part_ids, dtype=object)[self.part],
            "location_id": np.array(self.location_ids, dtype=object)[self.location],
        }

    def summary(self) -> str:
        """Say in a few lines what was observed, by which rule, and what is doubtful."""
        lines = [
            f"Usage: {in_words(len(self.part_ids), 'part')} at "
            f"{in_words(len(self.location_ids), 'location')}, "
            f"{in_words(self.n_series, 'pair')} with a row, "
            f"{in_words(round(self.total_units.sum()), 'unit')}",
            f"  observed  {self.first} to {self.last}, {in_words(self.n_months, 'month')}; "
            f"{self.row_rule}",
            f"  no usage  {in_words(int((self.total_units == 0).sum()), 'pair')}",
        ]
        return "\n".join(lines + [f"  {warning}" for warning in self.warnings])

    def __repr__(self) -> str:
        return f"UsageHistory(n_series={self.n_series}, {self.first} to {self.last})"


def history_of(
    usage: Any,
    *,
    first: datetime.date | str | None,
    last: datetime.date | str | None,
    missing: Missing,
) -> UsageHistory:
    """Take a history as it is, or read a table with the span and rule given."""
    if not isinstance(usage, UsageHistory):
        return UsageHistory.from_table(usage, first=first, last=last, missing=missing)
    if first is not None or last is not None or missing != "zero":
        raise ValueError(
            "first, last and missing must be left out with a UsageHistory: it has its own"
        )
    return usage


def in_words(count: int, noun: str) -> str:
    """Write a number of things."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def month_of(name: str, value: object) -> np.datetime64:
    """Read a month given as an argument.

    Raises
    ------
    ValueError
        When it is no month.
    """
    try:
        return np.datetime64(CalendarMonth().scan(value), "M")
    except MisreadError as misread:
        raise ValueError(f"{name} must be a month, got {value!r}. {misread.fix}") from None


def _span_of(
    months: NDArray[Any], first: object, last: object
) -> tuple[np.datetime64, np.datetime64]:
    """First and last month of the span, given or by the rows."""
    given = [None if m is None else month_of(w, m) for w, m in (("first", first), ("last", last))]
    if len(months) == 0:
        fix = "Give at least one row; a month without usage is a row of 0 units."
        rule = "the usage table has no rows, so no month is observed."
        raise InputError([Finding("usage", None, None, None, rule, fix)])
    start = months.min() if given[0] is None else given[0]
    end = months.max() if given[1] is None else given[1]
    if given[0] is not None and given[1] is not None and start > end:
        raise ValueError(f"first must not be after last, got {start} and {end}")
    if not ((months >= start) & (months <= end)).any():
        rule = f"no row lies between {start} and {end}; the rows are of {months.min()} to "
        fix = "Give another first and last month."
        raise InputError([Finding("usage", None, "month", None, f"{rule}{months.max()}.", fix)])
    return start, end


def _outside_span(
    read: Table, inside: Booleans, span: tuple[np.datetime64, np.datetime64]
) -> list[Finding]:
    if inside.all():
        return []
    row = int(np.flatnonzero(~inside)[0])
    count = int((~inside).sum())
    rule = f"{count:,} rows lie outside {span[0]} to {span[1]} and were left out, the first here."
    return [Finding("usage", row + 1, "month", str(read["month"][row])[:7], rule)]


def _no_zeros(history: UsageHistory) -> list[Finding]:
    """Only months with usage, taken as all that was observed, make any rate too high."""
    if (history.row_units == 0.0).any() or len(history.row_units) < LEAST_ROWS:
        return []
    return [
        Finding(
            "usage",
            None,
            "units",
            None,
            f"none of {len(history.row_units):,} rows has 0 units, so every observed month has "
            "usage: rates will be too high if months without usage were left out.",
            "Give missing='zero', or rows of 0 units.",
        )
    ]


def _late_starts(history: UsageHistory, earliest: Integers) -> list[Finding]:
    """Series that begin too late in the span for chance."""
    share = 1.0 - np.minimum(earliest, history.n_months) / history.n_months
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = np.where(history.total_units > 0.0, share**history.total_units, 1.0)
    late = np.flatnonzero(chance < LATE_START)
    found = []
    for series in late[:MOST_ROWS].tolist():
        part = history.part_ids[history.part[series]]
        location = history.location_ids[history.location[series]]
        begin = history.first + earliest[series]
        found.append(
            Finding(
                "usage",
                None,
                "month",
                str(begin),
                f"part {part!r} at location {location!r} has no row before {begin}, and "
                f"{history.total_units[series]:,.0f} units since: {earliest[series]} months were "
                "counted as no usage.",
                "If it came only then, give missing='zero_after_first' or a later first.",
            )
        )
    if len(late) > MOST_ROWS:
        rule = f"{len(late) - MOST_ROWS} more part-locations begin as late."
        found.append(Finding("usage", None, "month", None, rule))
    return found
