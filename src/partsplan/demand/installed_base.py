"""Machines meet their bills of materials: which units run where, and how often they should fail.

Every ``installed_base`` row that counts on the day is joined with every ``bill_of_materials`` row
of its equipment. Rows of parts inside other parts make no demand at sites.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.streams import DemandStreams
from partsplan.errors import Finding, PartsplanError
from partsplan.network import ServiceNetwork
from partsplan.network.values import Day, MisreadError

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class InstalledUnits:
    """Installed units of each part: one entry per (installed_base row, bill_of_materials row)."""

    installed_row: Integers
    """Row of ``installed_base``, counted from 0."""
    bill_row: Integers
    """Row of ``bill_of_materials``, counted from 0."""
    part: Integers
    """Position of the part."""
    hours_per_year: Floats
    """Operating hours of all units of the entry together [h/year]."""
    failures_per_year: Floats
    """Failures of all units together by the catalogue [1/year]; NaN where it gives no rate."""

    def __len__(self) -> int:
        return len(self.part)

    def streams(self, network: ServiceNetwork, per_year: Floats) -> DemandStreams:
        """Make the demand streams of the units when they fail ``per_year`` times a year."""
        bill, base = network.bill_of_materials, network.installed_base
        site = base.index("site_id")[self.installed_row]
        return DemandStreams(
            part=self.part,
            location=serving_locations(network, site, self.part),
            site=site,
            equipment=base.index("equipment_id")[self.installed_row],
            installed_row=self.installed_row,
            per_year=per_year,
            stopping_fraction=bill["stopping_fraction"][self.bill_row],
            diagnosis_hours=bill["diagnosis_hours"][self.bill_row],
            repair_hours=bill["repair_hours"][self.bill_row],
        )


def serving_locations(network: ServiceNetwork, site: Integers, part: Integers) -> Integers:
    """Position of the location that serves each (site, part); none where there are none."""
    if len(site) == 0:
        return np.empty(0, dtype=np.int64)
    return np.asarray(network.serving_locations(site, part), dtype=np.int64)


def day_of(on: datetime.date | str | None) -> np.datetime64 | None:
    """Read the day on which machines are counted.

    Raises
    ------
    ValueError
        When ``on`` is no date.
    """
    if on is None:
        return None
    try:
        return np.datetime64(Day().scan(on), "D")
    except MisreadError as misread:
        raise ValueError(f"on must be a date, got {on!r}. {misread.fix}") from None


def machines_on(network: ServiceNetwork, on: np.datetime64 | None) -> Floats:
    """Machines of each ``installed_base`` row that count on a day: start_date <= on < end_date.

    Parameters
    ----------
    network
        The network; its ``installed_base`` gives the rows.
    on
        The day; needed where the installed base has dates.

    Returns
    -------
    ndarray of float, shape (n_rows,)
        Machines of each row; 0 where the row does not count on the day.

    Raises
    ------
    PartsplanError
        When the installed base has dates and ``on`` is None.
    """
    base = network.installed_base
    if len(base) == 0:
        return np.zeros(0)
    machines = np.asarray(base["machines"], dtype=np.float64)
    start, end = base["start_date"], base["end_date"]
    has_start, has_end = ~np.isnat(start), ~np.isnat(end)
    if not (has_start.any() or has_end.any()):
        return machines
    if on is None:
        raise PartsplanError(
            "installed_base has start_date or end_date, so the day on which machines count must "
            "be named: pass on='2026-01-31' (a datetime.date or an ISO date)."
        )
    counts = ~(has_start & (start > on)) & ~(has_end & (end <= on))
    return np.where(counts, machines, 0.0)


def installed_units(network: ServiceNetwork, machines: Floats, wanted: Booleans) -> InstalledUnits:
    """Join the installed base with the bills of materials of its equipment.

    Parameters
    ----------
    network
        The network.
    machines
        Shape (n_rows,): machines of each ``installed_base`` row, as of :func:`machines_on`.
    wanted
        Shape (n_parts,): parts to give.

    Returns
    -------
    InstalledUnits
        In the order of the installed base, then of the bill of materials.
    """
    bill, base = network.bill_of_materials, network.installed_base
    if len(bill) == 0 or len(base) == 0:
        none, nothing = np.empty(0, dtype=np.int64), np.empty(0)
        return InstalledUnits(none, none, none, nothing, nothing)
    usable = (bill["parent_part_id"] == "") & wanted[bill.index("part_id")]
    base_rows = np.flatnonzero(machines > 0.0)
    base_row, bill_row = _joined_rows(
        base_rows,
        base.index("equipment_id")[base_rows],
        np.flatnonzero(usable),
        bill.index("equipment_id")[usable],
        len(network.equipment_ids),
    )
    units = machines[base_row] * bill["quantity"][bill_row]
    hours = base["hours_per_year"]
    return InstalledUnits(
        installed_row=base_row,
        bill_row=bill_row,
        part=bill.index("part_id")[bill_row],
        hours_per_year=units * hours[base_row],
        failures_per_year=units
        * np.where(
            np.isnan(bill["mtbf_hours"])[bill_row],
            bill["failures_per_year"][bill_row],
            hours[base_row] / bill["mtbf_hours"][bill_row],
        ),
    )


def _joined_rows(
    left: Integers, left_key: Integers, right: Integers, right_key: Integers, n_keys: int
) -> tuple[Integers, Integers]:
    """Pair every left row with every right row of the same key, in left order, then right."""
    by_key = right[np.argsort(right_key, kind="stable")]
    count = np.bincount(right_key, minlength=n_keys)
    first = np.cumsum(count) - count
    matches = count[left_key]
    offset = np.cumsum(matches) - matches
    place = np.repeat(first[left_key] - offset, matches)
    place += np.arange(len(place))
    return np.repeat(left, matches), by_key[place]


@dataclass(frozen=True)
class ReferenceRates:
    """What the catalogue says before field evidence."""

    per_year: Floats
    """Shape of the units: failures per year of all units of an entry [1/year]."""
    per_hour: Floats
    """Shape (n_parts,): failures per operating hour, exposure-weighted over the installed units
    [1/h]; NaN where the part has no operating units."""
    has_catalogue: Booleans
    """Shape (n_parts,): whether any row of the part has a rate; without, per_hour is 1."""


def reference_rates(units: InstalledUnits, n_parts: int) -> ReferenceRates:
    """Fill the gaps of the catalogue, so that one factor per part can scale all its rates.

    Rows without a rate take the part's mean rate per operating hour over its rows that have
    one; a part without any takes one failure per hour, to be scaled by evidence.
    """
    known = ~np.isnan(units.failures_per_year)
    catalogue = np.where(known, units.failures_per_year, 0.0)
    known_hours = np.where(known, units.hours_per_year, 0.0)
    failures = np.bincount(units.part, weights=catalogue, minlength=n_parts)
    hours = np.bincount(units.part, weights=known_hours, minlength=n_parts)
    has_catalogue = np.bincount(units.part, weights=known, minlength=n_parts) > 0
    per_hour = np.full(n_parts, np.nan)
    np.divide(failures, hours, out=per_hour, where=hours > 0.0)
    has_units = np.bincount(units.part, weights=units.hours_per_year, minlength=n_parts) > 0.0
    per_hour[has_units & ~has_catalogue] = 1.0
    idle = np.isnan(units.failures_per_year) & (units.hours_per_year == 0.0)
    filled = units.hours_per_year * np.where(idle, 0.0, per_hour[units.part])
    per_year = np.where(known, catalogue, filled)
    return ReferenceRates(per_year, per_hour, has_catalogue)


def missing_rates(
    network: ServiceNetwork,
    units: InstalledUnits,
    reference: ReferenceRates,
    has_evidence: Booleans,
) -> list[Finding]:
    """Findings where machines use a part that has neither a catalogue rate nor counts."""
    lacking = np.isnan(units.failures_per_year) & ~has_evidence[units.part]
    lacking |= np.isnan(reference.per_year)
    bill = network.bill_of_materials
    return [
        Finding(
            bill.name,
            int(row) + 1,
            "failures_per_year",
            None,
            f"part {bill['part_id'][row]!r} has neither failures_per_year nor mtbf_hours, and "
            "failures has no count of it.",
            "Give one of the two, or its failures and operating_hours.",
        )
        for row in np.unique(units.bill_row[lacking])
    ]
