"""Operating hours of installed machines, month by month: roll-out, retirement and usage.

Days are counted from the first day of the forecast; a machine runs its yearly hours evenly over
the days on which it counts, or what a table says for a month.
"""

from __future__ import annotations

import calendar
import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.own_tables import Columns, OwnColumn, raise_findings, read_own_table
from partsplan.errors import Finding
from partsplan.network import ServiceNetwork
from partsplan.network.scanning import MOST_ROWS, nearest
from partsplan.network.values import CalendarMonth, MisreadError, Number, Text

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

DAYS_PER_YEAR = 365.0
MOST_MONTHS = 1200
_TABLE = "hours"
_COLUMNS = {
    "site_id": OwnColumn(Text()),
    "equipment_id": OwnColumn(Text()),
    "month": OwnColumn(CalendarMonth()),
    "hours": OwnColumn(Number("operating hours of one machine, 0 or more", at_least=0.0)),
}


@dataclass(frozen=True)
class Calendar:
    """The months of a forecast, in days from its first one."""

    months: NDArray[np.datetime64]
    """Shape (n_months,): the months."""
    bounds: Integers
    """Shape (n_months + 1,): first day of each month, and the day after the last [days]."""

    @property
    def start(self) -> np.datetime64:
        """First day of the forecast."""
        return np.datetime64(self.months[0], "D")

    @property
    def last_day(self) -> int:
        """Day after the last one of the forecast."""
        return int(self.bounds[-1])

    def days(self, dates: NDArray[np.datetime64], otherwise: int) -> Integers:
        """Days from the start to dates, held within the forecast; ``otherwise`` where empty."""
        passed = (dates.astype("datetime64[D]") - self.start).astype(np.int64)
        passed = np.where(np.isnat(dates), otherwise, passed)
        return np.asarray(np.clip(passed, 0, self.last_day))


def calendar_of(start: datetime.date | str, months: int) -> Calendar:
    """Read the first month and the number of months.

    Raises
    ------
    ValueError
        When ``start`` is not a month or its first day, or ``months`` not a count.
    """
    try:
        first = CalendarMonth().scan(start)
    except MisreadError as misread:
        raise ValueError(f"start must be a month, got {start!r}. {misread.fix}") from None
    day = str(start)[8:10]
    if day not in ("", "01"):
        raise ValueError(
            f"start must be a month or its first day, got {start!r}: use '{first:%Y-%m}'"
        )
    if isinstance(months, bool) or not isinstance(months, (int, np.integer)):
        raise ValueError(f"months must be a whole number, got {months!r}")
    if not 1 <= months <= MOST_MONTHS:
        raise ValueError(f"months must be 1 to {MOST_MONTHS}, got {months}")
    names = np.datetime64(first, "M") + np.arange(months + 1).astype("timedelta64[M]")
    days = names.astype("datetime64[D]")
    return Calendar(names[:-1], (days - days[0]).astype(np.int64))


@dataclass(frozen=True)
class FleetClock:
    """When the machines of each ``installed_base`` row run, and how many hours a day."""

    calendar: Calendar
    first_day: Integers
    """Shape (n_rows,): first day on which the machines count."""
    last_day: Integers
    """Shape (n_rows,): day on which they no longer count."""
    day_hours: Floats
    """Shape (n_rows, n_months) or (n_rows, 1): hours of one machine on a day [h]."""
    profile: Integers
    """Shape (n_rows,): number of the row's clock; rows with the same number run alike."""
    per_year: Floats
    """Shape (n_rows,): hours that the machines run in a year by the installed base [h]."""

    def hours(self, rows: Integers, first_day: int = 0, last_day: int | None = None) -> Floats:
        """Operating hours of one machine in each month, between two days.

        Returns
        -------
        ndarray of float, shape (len(rows), n_months)
        """
        return self._active_days(rows, first_day, last_day) * self.day_hours[rows]

    def years(self, rows: Integers, first_day: int = 0, last_day: int | None = None) -> Floats:
        """Years of usual operation of one machine in each month, between two days.

        Hours over the usual hours of a year; days over 365 where the machine usually runs none.
        """
        usual = self.per_year[rows, np.newaxis]
        days = self._active_days(rows, first_day, last_day)
        share = np.divide(
            days * self.day_hours[rows], usual, out=days / DAYS_PER_YEAR, where=usual > 0.0
        )
        return np.asarray(share)

    def _active_days(self, rows: Integers, first_day: int, last_day: int | None) -> Floats:
        bounds = self.calendar.bounds
        last = self.calendar.last_day if last_day is None else last_day
        begin = np.maximum(self.first_day[rows], first_day)[:, np.newaxis]
        end = np.minimum(self.last_day[rows], last)[:, np.newaxis]
        days = np.minimum(end, bounds[1:]) - np.maximum(begin, bounds[:-1])
        return np.asarray(np.maximum(days, 0), dtype=np.float64)


def fleet_clock(network: ServiceNetwork, months: Calendar, hours: Any = None) -> FleetClock:
    """Give the clock of every row of the installed base.

    Parameters
    ----------
    network
        The network.
    months
        The months of the forecast.
    hours
        Table of operating hours of one machine in a month: ``site_id``, ``equipment_id``,
        ``month``, ``hours``; None where the yearly hours hold.

    Raises
    ------
    InputError
        With every finding of the table.
    """
    base = network.installed_base
    if len(base) == 0:
        none = np.empty(0, dtype=np.int64)
        return FleetClock(months, none, none, np.empty((0, 1)), none, np.empty(0))
    first = months.days(base["start_date"], 0)
    last = months.days(base["end_date"], months.last_day)
    per_year = np.asarray(base["hours_per_year"], dtype=np.float64)
    day_hours = per_year[:, np.newaxis] / DAYS_PER_YEAR
    named = np.zeros(len(base), dtype=np.int64)
    if hours is not None:
        day_hours, named = _with_table(network, months, hours, day_hours)
    profile = _numbered(first, last, per_year, named)
    return FleetClock(months, first, last, day_hours, profile, per_year)


def _numbered(*columns: NDArray[np.generic]) -> Integers:
    """Number the distinct rows of columns."""
    number = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        values, place = np.unique(column, return_inverse=True)
        combined = number * len(values) + place.reshape(-1)
        number = np.unique(combined, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return number


def _with_table(
    network: ServiceNetwork, months: Calendar, table: Any, usual: Floats
) -> tuple[Floats, Integers]:
    """Put a table's hours over the usual ones; number the machines that it names."""
    read, findings = read_own_table(_TABLE, table, _COLUMNS)
    raise_findings(findings)
    site = _positions(read, "site_id", network.site_ids, findings)
    equipment = _positions(read, "equipment_id", network.equipment_ids, findings)
    findings += _unknown_machines(network, site, equipment, read)
    findings += _repeated(read)
    findings += _too_many_hours(read)
    raise_findings(findings)
    month = (read["month"].astype("datetime64[M]") - months.months[0]).astype(np.int64)
    inside = (month >= 0) & (month < len(months.months))
    base = network.installed_base
    width = len(network.equipment_ids)
    key = base.index("site_id") * width + base.index("equipment_id")
    names, machine = np.unique(key, return_inverse=True)
    by_machine = np.full((len(names), len(months.months)), np.nan)
    place = np.searchsorted(names, site * width + equipment)[inside]
    days = np.diff(months.bounds)[month[inside]]
    by_machine[place, month[inside]] = read["hours"][inside] / days
    own = by_machine[machine.reshape(-1)]
    is_named = ~np.isnan(own).all(axis=1)
    return np.where(np.isnan(own), usual, own), np.where(is_named, machine.reshape(-1) + 1, 0)


def _positions(
    read: Columns, column: str, ids: tuple[str, ...], findings: list[Finding]
) -> Integers:
    known = {name: place for place, name in enumerate(ids)}
    found = np.array([known.get(name, -1) for name in read[column].tolist()], dtype=np.int64)
    noun = "a site" if column == "site_id" else "a machine type"
    for row in np.flatnonzero(found < 0)[:MOST_ROWS].tolist():
        name = read[column][row]
        rule = f"{name!r} is not {noun}."
        findings.append(Finding(_TABLE, row + 1, column, name, rule, nearest(name, ids)))
    return found


def _unknown_machines(
    network: ServiceNetwork, site: Integers, equipment: Integers, read: Columns
) -> list[Finding]:
    base = network.installed_base
    width = len(network.equipment_ids)
    installed = base.index("site_id") * width + base.index("equipment_id")
    known = np.isin(site * width + equipment, installed) | (site < 0) | (equipment < 0)
    return [
        Finding(
            _TABLE,
            row + 1,
            "equipment_id",
            read["equipment_id"][row],
            f"no {read['equipment_id'][row]!r} is installed at {read['site_id'][row]!r}.",
            "Add it to installed_base or mend the ids.",
        )
        for row in np.flatnonzero(~known)[:MOST_ROWS].tolist()
    ]


def _repeated(read: Columns) -> list[Finding]:
    seen: dict[tuple[object, ...], int] = {}
    findings = []
    columns = (read[name].tolist() for name in ("site_id", "equipment_id", "month"))
    for row, key in enumerate(zip(*columns, strict=True)):
        if seen.setdefault(key, row) != row:
            rule = f"{key[0]!r}, {key[1]!r}, {key[2]:%Y-%m} is already in row {seen[key] + 1}."
            findings.append(Finding(_TABLE, row + 1, "site_id", key[0], rule, "Keep one row."))
    return findings[:MOST_ROWS]


def _too_many_hours(read: Columns) -> list[Finding]:
    findings = []
    for row in np.flatnonzero(read["hours"] > 24.0 * 28.0)[:MOST_ROWS].tolist():
        month = read["month"][row].astype("datetime64[D]").item()
        most = 24.0 * calendar.monthrange(month.year, month.month)[1]
        if read["hours"][row] > most:
            rule = f"{read['hours'][row]:g} hours are more than the {most:g} of {month:%Y-%m}."
            fix = "Give the hours of one machine."
            findings.append(Finding(_TABLE, row + 1, "hours", read["hours"][row], rule, fix))
    return findings
