"""Rules of networks whose shortages are expedited, and of places that only serve themselves.

Out of stock, the next lane's location ships and in the end the outside supply does. Every stock
runs out at times, so every part that a machine may ask for needs the hours of an emergency
shipment. A van or a customer's shelf supplies no location.
"""

from __future__ import annotations

import numpy as np

from partsplan.errors import Finding
from partsplan.network.column_checks import counted
from partsplan.network.scanning import MOST_ROWS, Mask
from partsplan.network.table_sets import TableSet

_NO_SUPPLIER = {"van": "A van", "customer": "A customer's shelf"}


def check_expediting(tables: TableSet) -> list[Finding]:
    """Check that every part asked for at sites can come from outside in an emergency."""
    parts = tables["parts"]
    reads = ("part_id", "emergency_hours")
    if not parts.is_clean(*reads) or not tables.is_clean("bill_of_materials", "parent_part_id"):
        return []
    lacking = np.isnan(parts.columns["emergency_hours"]) & ~_only_inside_others(tables)
    return [*_parts_that_run_out(tables, lacking), *_sites_without_source(tables, lacking)]


def _parts_that_run_out(tables: TableSet, lacking: Mask) -> list[Finding]:
    """Parts that nothing supplies once the locations are out of stock."""
    parts, rows = tables["parts"], np.flatnonzero(lacking)
    found = [
        parts.finding(
            row,
            "emergency_hours",
            f"is empty, so nothing supplies part {parts.columns['part_id'][row]!r} when every "
            "location with a lane to the site is out of stock.",
            "Give the hours of an emergency shipment from outside, or let shortages wait.",
        )
        for row in rows[:MOST_ROWS].tolist()
    ]
    return counted(found, len(rows), "parts", "emergency_hours")


def _sites_without_source(tables: TableSet, lacking: Mask) -> list[Finding]:
    """Sites that no lane reaches and whose machines ask for a part without emergency supply."""
    sites, lacking = tables["sites"], np.append(lacking, False)
    bill = lacking[tables.index("bill_of_materials", "part_id")]
    bill &= tables["bill_of_materials"].columns["parent_part_id"] == ""
    part_of_type = np.full(tables.count("equipment") + 1, -1)
    part_of_type[tables.index("bill_of_materials", "equipment_id")[bill]] = tables.index(
        "bill_of_materials", "part_id"
    )[bill]
    part_of_type[-1] = -1
    asked = np.full(sites.n_rows + 1, -1)
    machine = part_of_type[tables.index("installed_base", "equipment_id")]
    asked[tables.index("installed_base", "site_id")[machine >= 0]] = machine[machine >= 0]
    given = lacking[tables.index("demand", "part_id")]
    asked[tables.index("demand", "site_id")[given]] = tables.index("demand", "part_id")[given]
    rows = np.flatnonzero((asked[:-1] >= 0) & ~tables.is_reached)
    ids = tables["parts"].columns["part_id"]
    found = [
        sites.finding(
            row,
            "site_id",
            f"no lane goes to the site, and part {ids[asked[row]]!r} that it asks for has no "
            "emergency_hours: nothing supplies it.",
            "Add a lane, or give the part's emergency_hours.",
        )
        for row in rows[:MOST_ROWS].tolist()
    ]
    return counted(found, len(rows), "sites", "site_id")


def _only_inside_others(tables: TableSet) -> Mask:
    """Parts that sit in other parts and are never replaced at a machine."""
    is_inside = tables["bill_of_materials"].columns["parent_part_id"] != ""
    part = tables.index("bill_of_materials", "part_id")
    inside = np.isin(np.arange(tables.count("parts")), part[is_inside])
    for replaced in (part[~is_inside], tables.index("demand", "part_id")):
        inside[replaced[replaced >= 0]] = False
    return np.asarray(inside, dtype=np.bool_)


def check_suppliers(tables: TableSet) -> list[Finding]:
    """Check that no van or customer's shelf replenishes another location."""
    if not tables.is_clean("locations", "location_id", "kind", "replenished_from"):
        return []
    return [
        *_supplied_by_wheels(tables, "locations"),
        *_supplied_by_wheels(tables, "part_locations"),
    ]


def _supplied_by_wheels(tables: TableSet, name: str) -> list[Finding]:
    table = tables[name]
    source = tables.index(name, "replenished_from")
    kinds = np.append(tables["locations"].columns["kind"], "")
    rows = np.flatnonzero(np.isin(kinds[source], list(_NO_SUPPLIER)) & (source >= 0))
    found = [
        table.finding(
            row,
            "replenished_from",
            f"{table.columns['location_id'][row]!r} is replenished from "
            f"{table.columns['replenished_from'][row]!r}, whose kind is {kinds[source[row]]!r}.",
            f"{_NO_SUPPLIER[kinds[source[row]]]} replenishes no other location: name a central, "
            "regional or forward location, or change the kind.",
        )
        for row in rows[:MOST_ROWS].tolist()
    ]
    return counted(found, len(rows), name, "replenished_from")
