"""Rules between tables: ids resolve, replenishment is a forest, sites are served.

Rows and columns that could not be read are left out, so that a finding is never the echo of
another one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import Finding
from partsplan.network.column_checks import counted
from partsplan.network.commitment_rules import check_commitments
from partsplan.network.demand_rules import check_bill_of_materials, check_demand
from partsplan.network.forests import cycle_in, forests_of
from partsplan.network.scanning import MOST_ROWS, Mask, nearest, shown
from partsplan.network.schema import ID_COLUMNS, SCHEMA
from partsplan.network.table_sets import TableSet

NEEDED = ("parts", "locations")
"""Tables that a network cannot do without; that they are missing is told once."""

NOUNS = {
    "parts": "a part",
    "locations": "a location",
    "sites": "a site",
    "equipment": "a machine type",
}

_HINTS = 20


def check_references(tables: TableSet) -> list[Finding]:
    """Check every rule between tables."""
    findings: list[Finding] = []
    for name, spec in SCHEMA.items():
        for column in spec.columns.values():
            target = column.refers_to
            if target is not None and (name, column.name) != (target, ID_COLUMNS[target]):
                findings += check_ids(tables, name, column.name, target)
    findings += _check_replenishment(tables)
    findings += _check_part_locations(tables)
    findings += _check_resupply(tables)
    findings += _check_serving(tables)
    findings += _check_sourcing(tables)
    findings += check_bill_of_materials(tables)
    findings += check_demand(tables)
    findings += check_commitments(tables)
    findings += check_stocking_limits(tables)
    return findings


def check_ids(tables: TableSet, name: str, column: str, target: str) -> list[Finding]:
    """Check that the ids in one column are rows of another table."""
    table = tables[name]
    if not tables.is_clean(target, ID_COLUMNS[target]) or (
        target in NEEDED and not tables.count(target)
    ):
        return []
    values = table.columns[column]
    unknown = np.flatnonzero((tables.index(name, column) < 0) & (values != ""))
    if not len(unknown):
        return []
    if not tables[target].is_given:
        row = int(unknown[0])
        rule = f"{shown(values[row])} is not {NOUNS[target]}: there is no {target} table."
        return [table.finding(row, column, rule, f"Give a {target} table.")]
    known = tuple(tables.positions(target))
    hints: dict[str, str] = {}
    found = []
    for row in unknown[:MOST_ROWS].tolist():
        value = values[row]
        if value not in hints:
            hints[value] = nearest(value, known) if len(hints) < _HINTS else ""
        fix = hints[value] or f"Add it to {target} or mend the id."
        found.append(table.finding(row, column, f"{shown(value)} is not {NOUNS[target]}.", fix))
    return counted(found, len(unknown), name, column)


def _check_replenishment(tables: TableSet) -> list[Finding]:
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


def _check_part_locations(tables: TableSet) -> list[Finding]:
    table = tables["part_locations"]
    location = tables.index("part_locations", "location_id")
    own = tables.index("part_locations", "replenished_from")
    if not tables.is_clean("locations", "location_id", "replenished_from", "replenishment_days"):
        return []
    if not table.n_rows or not tables.count("locations"):
        return []
    usual = np.where(location >= 0, tables.parents[location], -1)
    days = tables.numbers("part_locations", "replenishment_days")
    usual_days = tables.numbers("locations", "replenishment_days")[location]
    good = table.readable(
        "part_id", "location_id", "replenished_from", "replenishment_days", "resupply_days"
    ) & (location >= 0)
    unnamed = table.columns["replenished_from"] == ""
    named = (own >= 0) & (own != location)
    ids = tables["locations"].columns["location_id"]
    rules: tuple[tuple[Mask, str, Callable[[int], str], str], ...] = (
        (
            named & np.isnan(days) & ((own != usual) | np.isnan(usual_days)),
            "replenishment_days",
            lambda r: f"is empty, but the part is replenished from {ids[own[r]]!r} here.",
            "Give the order-and-ship time from there in days.",
        ),
        (
            unnamed & (usual < 0) & (days > 0),
            "replenishment_days",
            lambda r: (
                f"{days[r]:g} days are given, but {ids[location[r]]!r} is replenished from outside."
            ),
            "Give resupply_days, or name the location in replenished_from.",
        ),
        (
            unnamed & (usual >= 0) & ~np.isnan(tables.numbers("part_locations", "resupply_days")),
            "resupply_days",
            lambda r: (
                f"resupply_days are given, but {ids[location[r]]!r} is replenished from "
                f"{ids[usual[r]]!r}."
            ),
            "Give replenishment_days for the time from there.",
        ),
    )
    findings: list[Finding] = []
    for broken, column, words, fix in rules:
        rows = np.flatnonzero(broken & good)
        found = [table.finding(r, column, words(r), fix) for r in rows[:MOST_ROWS].tolist()]
        findings += counted(found, len(rows), "part_locations", column)
    return findings


def _check_resupply(tables: TableSet) -> list[Finding]:
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


def _check_serving(tables: TableSet) -> list[Finding]:
    table = tables["sites"]
    if not (
        tables.is_clean("sites", "site_id", "served_by")
        and tables.is_clean("lanes", "location_id", "site_id", "hours")
        and tables.is_clean("locations", "location_id")
    ):
        return []
    if tables["lanes"].is_given and tables.count("lanes") and not _all_lanes_known(tables):
        return []
    site = np.arange(table.n_rows, dtype=np.int64)
    serving = tables.serving
    is_open = table.columns["served_by"] == ""
    lost = np.flatnonzero(is_open & (serving < 0))
    if not tables.has_lanes:
        rule, fix = "is empty, and there are no lanes.", "Name the location that serves the site."
    else:
        rule, fix = "is empty, and no lane goes to the site.", "Add a lane or name the location."
    found = [table.finding(r, "served_by", rule, fix) for r in lost[:MOST_ROWS].tolist()]
    findings = counted(found, len(lost), "sites", "served_by")
    if tables.has_lanes:
        without = (serving >= 0) & (tables.lanes_between(serving, site) < 0)
        findings += _missing_lanes(tables, "sites", np.flatnonzero(without))
    return findings


def _all_lanes_known(tables: TableSet) -> bool:
    location = tables.index("lanes", "location_id")
    site = tables.index("lanes", "site_id")
    return bool(((location >= 0) & (site >= 0)).all())


def _missing_lanes(tables: TableSet, name: str, rows: NDArray[np.int64]) -> list[Finding]:
    table = tables[name]
    ids = tables["locations"].columns["location_id"]
    serving = tables.serving if name == "sites" else tables.index("sourcing", "served_by")
    found = []
    for row in rows[:MOST_ROWS].tolist():
        site, location = table.columns["site_id"][row], ids[serving[row]]
        rule = f"there is no lane from {location!r} to site {site!r}."
        found.append(
            table.finding(row, "served_by", rule, "Add the lane, or name another location.")
        )
    return counted(found, len(rows), name, "served_by")


def _check_sourcing(tables: TableSet) -> list[Finding]:
    if not tables.has_lanes or not tables.is_clean("lanes", "location_id", "site_id"):
        return []
    if not _all_lanes_known(tables) or not tables.count("sourcing"):
        return []
    site = tables.index("sourcing", "site_id")
    location = tables.index("sourcing", "served_by")
    without = (site >= 0) & (location >= 0) & (tables.lanes_between(location, site) < 0)
    return _missing_lanes(tables, "sourcing", np.flatnonzero(without))


def check_stocking_limits(tables: TableSet) -> list[Finding]:
    """Check that no minimum is asked for where the part may not be stocked."""
    stock = tables["stock"]
    if not stock.n_rows or not tables.is_clean("part_locations", "part_id", "location_id"):
        return []
    location = tables.index("stock", "location_id")
    part = tables.index("stock", "part_id")
    if not tables.is_clean("locations", "location_id", "stocks_parts"):
        return []
    if not tables.count("locations"):
        return []
    may = tables["locations"].columns["stocks_parts"][location] | (location < 0)
    own = tables.numbers("part_locations", "stocks_part")
    n_locations = max(tables.count("locations"), 1)
    keys = (
        tables.index("part_locations", "part_id") * n_locations
        + tables.index("part_locations", "location_id")
    )[~np.isnan(own)]
    order = np.argsort(keys)
    keys, own = keys[order], own[~np.isnan(own)][order]
    wanted = part * n_locations + location
    place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    if len(keys):
        may = np.where(keys[place] == wanted, own[place] > 0, may)
    findings = []
    for column in ("minimum", "fixed"):
        asked = np.flatnonzero(~may & (stock.columns[column] > 0) & (part >= 0))
        found = []
        for row in asked[:MOST_ROWS].tolist():
            words = f"{column} {stock.columns[column][row]:g} is asked for where the part "
            words += f"may not be stocked ({stock.columns['location_id'][row]!r})."
            fix = "Allow it with stocks_part in part_locations, or leave it empty."
            found.append(stock.finding(row, column, words, fix))
        findings += counted(found, len(asked), "stock", column)
    return findings
