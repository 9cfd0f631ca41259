"""Rules on places: every site is served over a lane, and no minimum where no stock may be.

Where shortages are expedited, a site that no lane reaches is served by the outside supply alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import Finding
from partsplan.network.column_checks import counted
from partsplan.network.scanning import MOST_ROWS, Mask
from partsplan.network.table_sets import TableSet


def check_serving(tables: TableSet, shortages: str) -> list[Finding]:
    """Check that a location serves every site, over a lane where there are lanes."""
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
    from_outside = ~tables.is_reached & (shortages == "expedite")
    lost = np.flatnonzero(is_open & ((serving < 0) | ~tables.is_reached) & ~from_outside)
    if not tables.has_lanes:
        rule, fix = "is empty, and there are no lanes.", "Name the location that serves the site."
    else:
        rule, fix = "is empty, and no lane goes to the site.", "Add a lane to the site."
    found = [table.finding(r, "served_by", rule, fix) for r in lost[:MOST_ROWS].tolist()]
    findings = counted(found, len(lost), "sites", "served_by")
    if tables.has_lanes:
        without = ~is_open & (serving >= 0) & (tables.lanes_between(serving, site) < 0)
        findings += _missing_lanes(tables, "sites", np.flatnonzero(without & ~from_outside))
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


def check_sourcing(tables: TableSet) -> list[Finding]:
    """Check that a lane leads from the location that a part comes from."""
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
    if not stock.n_rows or not tables.count("locations"):
        return []
    if not tables.is_clean("part_locations", "part_id", "location_id", "stocks_part"):
        return []
    if not tables.is_clean("locations", "location_id", "stocks_parts"):
        return []
    barred = ~_may_stock(tables) & stock.readable("part_id", "location_id")
    findings = []
    for column in ("minimum", "fixed"):
        asked = np.flatnonzero(barred & (stock.columns[column] > 0))
        found = []
        for row in asked[:MOST_ROWS].tolist():
            words = f"{column} {stock.columns[column][row]:g} is asked for where the part "
            words += f"may not be stocked ({stock.columns['location_id'][row]!r})."
            fix = "Allow it with stocks_part in part_locations, or leave it empty."
            found.append(stock.finding(row, column, words, fix))
        findings += counted(found, len(asked), "stock", column)
    return findings


def _may_stock(tables: TableSet) -> Mask:
    """Whether each row of `stock` is about a place where its part may be stocked."""
    location = tables.index("stock", "location_id")
    part = tables.index("stock", "part_id")
    may: Mask = tables["locations"].columns["stocks_parts"][location] | (location < 0) | (part < 0)
    own = tables.numbers("part_locations", "stocks_part")
    is_given = ~np.isnan(own)
    n_locations = tables.count("locations")
    keys = tables.index("part_locations", "part_id") * n_locations
    keys += tables.index("part_locations", "location_id")
    keys, own = keys[is_given], own[is_given]
    if not len(keys):
        return may
    order = np.argsort(keys)
    wanted = part * n_locations + location
    place = order[np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)]
    return np.where((keys[place] == wanted) & (part >= 0), own[place] > 0, may)
