"""Installed units of a forecast: which run where, by which law they fail, what replaces them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.fleet_clock import FleetClock
from partsplan.demand.installed_base import installed_units
from partsplan.demand.life_table import LifeTable
from partsplan.errors import Finding, InputError
from partsplan.network import ServiceNetwork
from partsplan.network.scanning import nearest
from partsplan.network.values import MOST_ROWS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

REPAIRS = ("renewal", "minimal")


@dataclass(frozen=True)
class FleetUnits:
    """Units alike: one entry per (installed_base row, bill_of_materials row)."""

    row: Integers
    """Shape (n,): row of the installed base."""
    part: Integers
    """Shape (n,): position of the part number in place."""
    site: Integers
    """Shape (n,): position of the site."""
    segment: NDArray[Any]
    """Shape (n,): segment of the site."""
    units: Floats
    """Shape (n,): number of units."""
    age: Floats
    """Shape (n,): operating hours behind each unit when it begins to count [h]."""
    law: Integers
    """Shape (n,): law of the life; -1 where the catalogue's rate holds."""
    per_hour: Floats
    """Shape (n,): the catalogue's rate of one unit by mtbf_hours [1/h]; NaN where not given."""
    per_year: Floats
    """Shape (n,): the catalogue's rate of one unit by failures_per_year; NaN where not given."""

    def __len__(self) -> int:
        return len(self.row)

    def select(self, which: Integers | Booleans) -> FleetUnits:
        """Give some of the entries."""
        return FleetUnits(
            row=self.row[which],
            part=self.part[which],
            site=self.site[which],
            segment=self.segment[which],
            units=self.units[which],
            age=self.age[which],
            law=self.law[which],
            per_hour=self.per_hour[which],
            per_year=self.per_year[which],
        )


def fleet_units(network: ServiceNetwork, clock: FleetClock, lives: LifeTable) -> FleetUnits:
    """Join installed base, bills of materials and lives.

    Raises
    ------
    InputError
        With a finding for every bill_of_materials row whose part has neither life nor rate.
    """
    base, bill = network.installed_base, network.bill_of_materials
    counts = clock.last_day > clock.first_day
    running = np.where(counts, base["machines"], 0.0) if len(base) else np.zeros(0)
    joined = installed_units(network, running, np.ones(network.n_parts, dtype=bool))
    row, bill_row, part = joined.installed_row, joined.bill_row, joined.part
    if not len(row):
        none, nothing = np.empty(0, dtype=np.int64), np.empty(0)
        words = np.empty(0, dtype=object)
        return FleetUnits(none, none, none, words, nothing, nothing, none, nothing, nothing)
    site = base.index("site_id")[row]
    segment = network.sites["segment"][site]
    units = FleetUnits(
        row=row,
        part=part,
        site=site,
        segment=segment,
        units=running[row] * bill["quantity"][bill_row],
        age=np.asarray(base["age_hours"], dtype=np.float64)[row],
        law=lives.laws_for(part, segment),
        per_hour=1.0 / bill["mtbf_hours"][bill_row],
        per_year=np.asarray(bill["failures_per_year"], dtype=np.float64)[bill_row],
    )
    _check_laws(network, units, bill_row)
    return units


def _check_laws(network: ServiceNetwork, units: FleetUnits, bill_row: Integers) -> None:
    lacking = (units.law < 0) & np.isnan(units.per_hour) & np.isnan(units.per_year)
    bill = network.bill_of_materials
    findings = [
        Finding(
            bill.name,
            row + 1,
            "failures_per_year",
            None,
            f"part {bill['part_id'][row]!r} has no life in lives, and neither failures_per_year "
            "nor mtbf_hours.",
            "Give its life, or one of the two rates.",
            bill.line(row),
        )
        for row in np.unique(bill_row[lacking])[:MOST_ROWS].tolist()
    ]
    if findings:
        raise InputError(findings)


def minimal_parts(network: ServiceNetwork, repair: str | Mapping[str, str]) -> Booleans:
    """Read how failed units are put right: parts with minimal repair.

    Raises
    ------
    ValueError
        When a word or a part is not known.
    """
    minimal = np.zeros(network.n_parts, dtype=bool)
    if isinstance(repair, str):
        if repair not in REPAIRS:
            raise ValueError(f"repair must be 'renewal' or 'minimal', got {repair!r}")
        minimal[:] = repair == "minimal"
        return minimal
    if not isinstance(repair, Mapping):
        raise ValueError(f"repair must be 'renewal', 'minimal' or map parts to one, got {repair!r}")
    for part_id, word in repair.items():
        if part_id not in network.part_index:
            hint = nearest(str(part_id), network.part_ids)
            raise ValueError(f"repair must name parts of the network, got {part_id!r}. {hint}")
        if word not in REPAIRS:
            raise ValueError(f"repair must be 'renewal' or 'minimal', got {word!r} of {part_id!r}")
        minimal[network.part_index[part_id]] = word == "minimal"
    return minimal
