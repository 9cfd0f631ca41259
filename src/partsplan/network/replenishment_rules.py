"""Rules on replenishment: no circles, and a time wherever a part moves or enters the network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import Finding
from partsplan.network.column_checks import counted
from partsplan.network.forests import cycle_in, forests_of
from partsplan.network.scanning import MOST_ROWS, Mask
from partsplan.network.table_sets import TableSet


def check_replenishment(tables: TableSet) -> list[Finding]:
    """Check that no part runs in a circle."""
    if not tables.is_clean("locations", "location_id", "replenished_from"):
        return []
    parents = tables.parents
    cycle = cycle_in(_without_loops(parents))
    if cycle:
        return [_cycle_finding(tables, cycle, "")]
    if not tables.is_clean("part_locations", "part_id", "location_id", "replenished_from"):
        return []
    part, location, source = tables.own_sources
    apart = location != source
    findings = []
    for forest in forests_of(
        parents, tables.count("parts"), part[apart], location[apart], source[apart]
    ):
        cycle = cycle_in(_without_loops(forest.parents))
        if cycle:
            first = tables["parts"].columns["part_id"][forest.parts[0]]
            findings.append(_cycle_finding(tables, cycle, first))
    return findings[:MOST_ROWS]


def _without_loops(parents: NDArray[np.int64]) -> NDArray[np.int64]:
    """Drop locations replenished from themselves, which the rules within a row report."""
    return np.where(parents == np.arange(len(parents)), -1, parents)


def _cycle_finding(tables: TableSet, cycle: list[int], part: str) -> Finding:
    ids = tables["locations"].columns["location_id"]
    names = [str(ids[position]) for position in [*cycle, cycle[0]]]
    rule = f"replenishment runs in a circle: {' from '.join(map(repr, names))}"
    fix = "Leave replenished_from empty where the outside supply replenishes."
    if not part:
        return tables["locations"].finding(cycle[0], "replenished_from", rule + ".", fix)
    table = tables["part_locations"]
    row = int(np.flatnonzero(table.columns["part_id"] == part)[0])
    return table.finding(row, "replenished_from", f"{rule}, for part {part!r}.", fix)


def check_part_locations(tables: TableSet) -> list[Finding]:
    """Check the times of what differs for a part at a location."""
    if not tables.count("part_locations") or not tables.count("locations"):
        return []
    if not tables.is_clean("locations", "location_id", "replenished_from", "replenishment_days"):
        return []
    return [
        *_check_own_times(tables),
        *_check_times_at_roots(tables),
        *_check_resupply_below_roots(tables),
    ]


def _check_own_times(tables: TableSet) -> list[Finding]:
    """A part with its own source has the time from there."""
    location = tables.index("part_locations", "location_id")
    own = tables.index("part_locations", "replenished_from")
    days = tables.numbers("part_locations", "replenishment_days")
    usual_days = tables.numbers("locations", "replenishment_days")[location]
    has_usual = (own == tables.parents[location]) & ~np.isnan(usual_days)
    lacking = (own >= 0) & (own != location) & np.isnan(days) & ~has_usual
    ids = tables["locations"].columns["location_id"]
    return _findings(
        tables,
        lacking,
        "replenishment_days",
        lambda row: f"is empty, but the part is replenished from {ids[own[row]]!r} here.",
        "Give the order-and-ship time from there in days.",
    )


def _check_times_at_roots(tables: TableSet) -> list[Finding]:
    """A part that comes from outside has no replenishment time."""
    location = tables.index("part_locations", "location_id")
    days = tables.numbers("part_locations", "replenishment_days")
    unnamed = tables["part_locations"].columns["replenished_from"] == ""
    ids = tables["locations"].columns["location_id"]
    return _findings(
        tables,
        unnamed & (tables.parents[location] < 0) & (days > 0),
        "replenishment_days",
        lambda row: (
            f"{days[row]:g} days are given, but {ids[location[row]]!r} is replenished from outside."
        ),
        "Give resupply_days, or name the location in replenished_from.",
    )


def _check_resupply_below_roots(tables: TableSet) -> list[Finding]:
    """A part that comes from another location has no resupply time from outside."""
    location = tables.index("part_locations", "location_id")
    usual = tables.parents[location]
    is_given = ~np.isnan(tables.numbers("part_locations", "resupply_days"))
    unnamed = tables["part_locations"].columns["replenished_from"] == ""
    ids = tables["locations"].columns["location_id"]
    return _findings(
        tables,
        unnamed & (usual >= 0) & is_given,
        "resupply_days",
        lambda row: (
            f"resupply_days are given, but {ids[location[row]]!r} is replenished from "
            f"{ids[usual[row]]!r}."
        ),
        "Give replenishment_days for the time from there.",
    )


def _findings(
    tables: TableSet, broken: Mask, column: str, words: Callable[[int], str], fix: str
) -> list[Finding]:
    """Write out the broken rows of `part_locations` that could be read."""
    table = tables["part_locations"]
    good = table.readable(
        "part_id", "location_id", "replenished_from", "replenishment_days", "resupply_days"
    )
    rows = np.flatnonzero(broken & good & (tables.index("part_locations", "location_id") >= 0))
    found = [table.finding(row, column, words(row), fix) for row in rows[:MOST_ROWS].tolist()]
    return counted(found, len(rows), "part_locations", column)


def check_resupply(tables: TableSet) -> list[Finding]:
    """Each part has a resupply time wherever it enters the network."""
    parts = tables["parts"]
    reads = (
        "part_id",
        "resupply_days",
        "repair_days",
        "procurement_days",
        "condemnation_fraction",
    )
    own_reads = ("part_id", "location_id", "replenished_from", "resupply_days")
    if not (
        tables.is_clean("parts", *reads)
        and tables.is_clean("locations", "location_id", "replenished_from")
        and tables.is_clean("part_locations", *own_reads)
    ):
        return []
    lacking = np.isnan(tables.resupply_days) & ~_is_half_given(tables)
    given = ~np.isnan(tables.numbers("part_locations", "resupply_days"))
    n_locations = max(tables.count("locations"), 1)
    have = np.unique(
        tables.index("part_locations", "part_id")[given] * n_locations
        + tables.index("part_locations", "location_id")[given]
    )
    ids = tables["locations"].columns["location_id"]
    findings = []
    total = 0
    for forest in forests_of(tables.parents, tables.count("parts"), *tables.own_sources):
        roots = np.flatnonzero(forest.parents < 0)
        wanting = forest.parts[lacking[forest.parts]]
        missing = ~np.isin(wanting[:, None] * n_locations + roots, have)
        hit = missing.any(axis=1)
        total += int(hit.sum())
        for part, gaps in zip(wanting[hit][:MOST_ROWS], missing[hit], strict=False):
            root = ids[roots[int(np.argmax(gaps))]]
            rule = f"is empty, and part_locations has none for the part at {root!r} either."
            fix = "Give resupply_days, or repair_days with procurement_days."
            findings.append(parts.finding(int(part), "resupply_days", rule, fix))
    findings = sorted(findings[:MOST_ROWS], key=lambda f: f.row or 0)
    return counted(findings, total, "parts", "resupply_days")


def _is_half_given(tables: TableSet) -> NDArray[np.bool_]:
    """Parts whose repair figures are incomplete, which the rules within a row report."""
    repair = tables.numbers("parts", "repair_days")
    buying = tables.numbers("parts", "procurement_days")
    half: NDArray[np.bool_] = ~np.isnan(repair) | ~np.isnan(buying)
    return half
