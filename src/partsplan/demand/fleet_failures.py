"""Failures of the installed units, part number by part number: who fails how.

Constant rates and minimal repair give Poisson counts in closed form; lives that end in a
replacement go through the renewal equation; superseded numbers go stage by stage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from partsplan.demand.fleet_clock import FleetClock
from partsplan.demand.fleet_tally import FleetTally
from partsplan.demand.fleet_units import FleetUnits
from partsplan.demand.installed_base import serving_locations
from partsplan.demand.life_laws import LifeLaws
from partsplan.demand.life_table import LifeTable
from partsplan.demand.renewal_solutions import ShortLifeError, UnitGroups
from partsplan.demand.renewal_windows import window_counts
from partsplan.demand.succession import Stage, StagedGroups, staged_counts
from partsplan.errors import PartsplanError
from partsplan.network import ServiceNetwork

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

HARDLY = 0.01
"""Share of the units that live to an age, below which the age is doubtful."""

Ages = Literal["parts", "machines"]

_BLOCK = 50_000
"""Groups under minimal repair that are counted at a time."""


@dataclass(frozen=True)
class Fleet:
    """All that decides how installed units fail."""

    network: ServiceNetwork
    clock: FleetClock
    lives: LifeTable
    minimal: Booleans
    """Shape (n_parts,): parts under minimal repair."""
    stages: Mapping[int, tuple[Stage, ...]]
    """Stages of the superseded parts."""
    ages: Ages
    """Whether parts are as old as their machines, or were replaced on failure since."""

    def wears(self, units: FleetUnits) -> Booleans:
        """Entries whose failure rate changes with age."""
        has_life = units.law >= 0
        wears = np.zeros(len(units), dtype=bool)
        wears[has_life] = ~self.lives.laws.is_exponential[units.law[has_life]]
        return wears

    def key(self, part: Integers, site: Integers) -> Integers:
        """Number a part number at the location that serves the site with it."""
        location = serving_locations(self.network, site, part)
        return part * self.network.n_locations + location


def tallied(fleet: Fleet, units: FleetUnits) -> FleetTally:
    """Count the failures of all units per part number and location.

    Raises
    ------
    PartsplanError
        When lives are too short for the months, or a rate per year meets a life in hours on a
        machine that does not run.
    """
    tally = FleetTally(len(fleet.clock.calendar.months))
    staged = np.isin(units.part, np.fromiter(fleet.stages, np.int64, len(fleet.stages)))
    whole = Stage(-1, 0, fleet.clock.calendar.last_day)
    wears = fleet.wears(units)
    plain = units.select(~staged & ~wears)
    _add_constant(fleet, tally, plain, plain.part, whole)
    own = units.select(~staged & wears)
    _add_minimal(fleet, tally, own.select(fleet.minimal[own.part]), None, whole)
    _add_renewals(fleet, tally, own.select(~fleet.minimal[own.part]))
    for part, stages in fleet.stages.items():
        _add_stages(fleet, tally, units.select(units.part == part), stages)
    return tally


def _add_constant(
    fleet: Fleet, tally: FleetTally, units: FleetUnits, number: Integers, stage: Stage
) -> None:
    """Constant rates: per operating hour, or per year where the catalogue says so."""
    by_year = (units.law < 0) & np.isnan(units.per_hour)
    clocks = (fleet.clock.hours, units.per_hour), (fleet.clock.years, units.per_year)
    for some, (clock, catalogue) in zip((~by_year, by_year), clocks, strict=True):
        own = units.select(some)
        if not len(own):
            continue
        rate = catalogue[some]
        has_life = own.law >= 0
        rate[has_life] = fleet.lives.laws.rate[own.law[has_life]]
        rows, group = np.unique(own.row, return_inverse=True)
        time = clock(rows, stage.first_day, stage.last_day)
        key = fleet.key(number[some], own.site)
        tally.add_poisson(key, group.reshape(-1), own.units * rate, time)


def _add_minimal(
    fleet: Fleet, tally: FleetTally, units: FleetUnits, number: Integers | None, stage: Stage
) -> None:
    r"""Same-as-old repair: :math:`H(a + t) - H(a + s)` failures expected in a window."""
    key = fleet.key(units.part if number is None else number, units.site)
    example, group = _alike(fleet, units)
    for first in range(0, len(example), _BLOCK):
        some = example[first : first + _BLOCK]
        rows = units.row[some]
        before = fleet.clock.hours(rows, 0, stage.first_day).sum(axis=1)
        hours = fleet.clock.hours(rows, stage.first_day, stage.last_day)
        age = (units.age[some] + before)[:, np.newaxis] + _elapsed(hours)
        mean = np.diff(fleet.lives.laws[units.law[some]].cumulative_hazard(age))
        own = (group >= first) & (group < first + _BLOCK)
        tally.add_poisson(key[own], group[own] - first, units.units[own], mean)


def _add_renewals(fleet: Fleet, tally: FleetTally, units: FleetUnits) -> None:
    """Replacement on failure by the same part number."""
    if not len(units):
        return
    example, group = _alike(fleet, units)
    law, age = units.law[example], units.age[example]
    clock = _elapsed(fleet.clock.hours(units.row[example]))
    if fleet.ages == "machines":
        clock, age = clock + age[:, np.newaxis], np.zeros(len(age))
    groups = UnitGroups(fleet.lives.laws, law, age, law, clock)
    key = fleet.key(units.part, units.site)
    try:
        counts = window_counts(groups)
    except ShortLifeError as short:
        part = int(units.part[np.argmax(units.law == short.law)])
        raise PartsplanError(f"Part {fleet.network.part_ids[part]!r}: {short}") from None
    tally.add(key, group, units.units, counts)


def _add_stages(
    fleet: Fleet, tally: FleetTally, units: FleetUnits, stages: tuple[Stage, ...]
) -> None:
    """A superseded part: failures take the number of their stage."""
    later = np.array([_laws_of(fleet, units, stage.part) for stage in stages])
    later = later.reshape(len(stages), len(units))
    minimal = fleet.minimal[units.part]
    constant = ~fleet.wears(units) & (minimal | (later == units.law).all(axis=0))
    aging = minimal & ~constant
    for stage in stages:
        for some, add in ((constant, _add_constant), (aging, _add_minimal)):
            own = units.select(some)
            if len(own):
                add(fleet, tally, own, np.full(len(own), stage.part), stage)
    rest = ~constant & ~aging
    if rest.any():
        _add_successions(fleet, tally, units.select(rest), stages, later[:, rest])


def _add_successions(
    fleet: Fleet,
    tally: FleetTally,
    units: FleetUnits,
    stages: tuple[Stage, ...],
    later: Integers,
) -> None:
    """Replacement on failure by another part number, of its own life, from a date."""
    rate = _hourly_rates(fleet, units)
    laws = fleet.lives.laws.joined(LifeLaws.exponential(rate))
    catalogue = len(fleet.lives.laws) + np.arange(len(units))
    first = np.where(units.law < 0, catalogue, units.law)
    later = np.where(later < 0, catalogue, later)
    clocks = np.array(
        [_elapsed(fleet.clock.hours(units.row, s.first_day, s.last_day)) for s in stages]
    )
    groups = StagedGroups(laws, first, units.age, later, clocks)
    if fleet.ages == "machines":
        groups = _since_new(groups)
    try:
        counted = staged_counts(groups)[-len(stages) :]
    except ShortLifeError as short:
        part = int(units.part[0])
        raise PartsplanError(
            f"Part {fleet.network.part_ids[part]!r}, or a number that supersedes it: {short}"
        ) from None
    everyone = np.arange(len(units))
    for stage, counts in zip(stages, counted, strict=True):
        key = fleet.key(np.full(len(units), stage.part), units.site)
        tally.add(key, everyone, units.units, counts)


def _since_new(groups: StagedGroups) -> StagedGroups:
    """Put the stage before, in which new machines came to their age with parts of one number."""
    passed = np.zeros(groups.clocks.shape[1:])
    passed[:, 1:] = groups.age[:, np.newaxis]
    return StagedGroups(
        laws=groups.laws,
        first=groups.first,
        age=np.zeros(len(groups.age)),
        later=np.concatenate([groups.first[np.newaxis], groups.later]),
        clocks=np.concatenate([passed[np.newaxis], groups.clocks]),
    )


def hardly_reached(fleet: Fleet, units: FleetUnits) -> Booleans:
    """Entries whose parts would hardly ever live to the age that they are said to have."""
    hardly = np.zeros(len(units), dtype=bool)
    some = np.flatnonzero((units.law >= 0) & ~fleet.minimal[units.part] & (units.age > 0.0))
    if fleet.ages == "parts" and len(some):
        laws = fleet.lives.laws[units.law[some]]
        hardly[some] = laws.log_survival(units.age[some]) < np.log(HARDLY)
    return hardly


def _laws_of(fleet: Fleet, units: FleetUnits, number: int) -> Integers:
    """Law of a part number in the units' segments; theirs where it has none of its own."""
    own = fleet.lives.laws_for(np.full(len(units), number), units.segment)
    return np.where(own < 0, units.law, own)


def _hourly_rates(fleet: Fleet, units: FleetUnits) -> Floats:
    """Catalogue rates per operating hour, above 0 so that they are a law."""
    per_year = fleet.clock.per_year[units.row]
    by_year = (units.law < 0) & np.isnan(units.per_hour)
    if (by_year & (per_year == 0.0)).any():
        part = fleet.network.part_ids[int(units.part[np.argmax(by_year & (per_year == 0.0))])]
        raise PartsplanError(
            f"Part {part!r} has failures_per_year on machines with hours_per_year 0, and is "
            "superseded by a part whose life is in operating hours. Give the machines their "
            "hours_per_year, or the part a life."
        )
    rate = np.where(by_year, units.per_year / np.where(per_year > 0.0, per_year, 1.0), 0.0)
    rate = np.where((units.law < 0) & ~by_year, units.per_hour, rate)
    return np.where(rate > 0.0, rate, 1e-15)


def _alike(fleet: Fleet, units: FleetUnits) -> tuple[Integers, Integers]:
    """One example of each group of entries alike in law, age and clock, and each entry's group."""
    profile = fleet.clock.profile[units.row]
    age = np.unique(units.age, return_inverse=True)[1].reshape(-1)
    key = (units.law * (profile.max(initial=0) + 1) + profile) * (age.max(initial=0) + 1) + age
    _, example, group = np.unique(key, return_index=True, return_inverse=True)
    return example, group.reshape(-1)


def _elapsed(hours: Floats) -> Floats:
    """Hours since the start at the windows' bounds."""
    return np.concatenate([np.zeros((len(hours), 1)), np.cumsum(hours, axis=1)], axis=1)


def stage_parts(stages: Mapping[int, tuple[Stage, ...]]) -> Iterator[tuple[int, int]]:
    """Give each superseded part with every number that failures take in its place."""
    for part, own in stages.items():
        for stage in own:
            if stage.part != part:
                yield part, stage.part
