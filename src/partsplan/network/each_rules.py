"""Rules on commitments made once per value of ``each``: there are values, and no id comes twice.

A commitment without any value would vanish: it becomes no promise at all, and so is never broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import Finding
from partsplan.network.commitment_scopes import Scopes
from partsplan.network.scanning import Mask, shown

_EACH = {
    "customer": ("sites", "customer_id", "no site with demand in its scope has a customer_id."),
    "region": ("sites", "region", "no site with demand in its scope has a region."),
    "site": ("sites", "site_id", "no site with demand is in its scope."),
    "equipment": ("equipment", "equipment_id", "no machine is installed in its scope."),
    "location": ("locations", "location_id", "no location is in its scope."),
    "part_group": ("parts", "part_group", "no part with demand in its scope has a part_group."),
}
"""Table and column of the values, and what is wrong where there are none."""


def check_each(scopes: Scopes, rows: Sequence[int]) -> list[Finding]:
    """Check the commitments in these rows, whose scopes are not empty otherwise."""
    return [*_check_values(scopes, rows), *_check_ids(scopes, rows)]


def _check_values(scopes: Scopes, rows: Sequence[int]) -> Iterator[Finding]:
    table = scopes.table
    for row in rows:
        each = table.columns["each"][row]
        if not each or len(_values(scopes, row)):
            continue
        source, column, told = _EACH[each]
        rule = f"the scope is empty: each is {each!r}, but {told}"
        fix = f"Fill {column} in {source}, or leave each empty."
        if each in ("site", "equipment"):
            fix = "Give its machines in installed_base, or leave each empty."
        yield table.finding(row, "each", rule, fix)


def _check_ids(scopes: Scopes, rows: Sequence[int]) -> Iterator[Finding]:
    """No commitment is named as another one is for a value of its ``each``."""
    table = scopes.table
    names = table.columns["commitment_id"]
    making = {names[row]: row for row in rows if table.columns["each"][row]}
    for row in rows:
        words = names[row].split(":")
        for name in (":".join(words[:count]) for count in range(1, len(words))):
            if name not in making:
                continue
            twice = _made_ids(scopes, making[name]) & _made_ids(scopes, row)
            if twice:
                each = table.columns["each"][making[name]]
                rule = f"{shown(min(twice))} is also the id that {shown(name)} makes for a {each}."
                yield table.finding(row, "commitment_id", rule, "Rename one of the two.")


def _made_ids(scopes: Scopes, row: int) -> set[str]:
    """Ids that a commitment is reported under."""
    name = scopes.table.columns["commitment_id"][row]
    if not scopes.table.columns["each"][row]:
        return {name}
    return {f"{name}:{value}" for value in _values(scopes, row).tolist()}


def _values(scopes: Scopes, row: int) -> NDArray[Any]:
    """Values of ``each`` in the scope, as often as they occur."""
    source, column, _ = _EACH[scopes.table.columns["each"][row]]
    values: NDArray[Any] = scopes.tables[source].columns[column][_rows_inside(scopes, row)]
    given: NDArray[Any] = values[values != ""]
    return given


def _rows_inside(scopes: Scopes, row: int) -> Mask:
    """Rows of the table of the values that something with demand in the scope refers to."""
    each, scope = scopes.table.columns["each"][row], scopes.scope(row)
    inside = np.zeros(scopes.tables.count(_EACH[each][0]) + 1, dtype=bool)
    location = scopes.tables.index("commitments", "location_id")[row]
    sites, parts = scopes.sites(scope), scopes.parts(row, scope)
    if location >= 0:
        sites &= scopes.served(location)
    machines = scopes.machines(row, sites)
    if (scope["part_id"] or scope["part_group"]) and scopes.tables.count("bill_of_materials"):
        machines &= scopes.types_with(scope, parts)[scopes.machine_type]
    if each == "location":
        inside[location if location >= 0 else slice(None)] = True
    elif each == "part_group":
        inside[:-1] = parts & _used_parts(scopes, machines, location)
    elif each == "equipment":
        inside[scopes.machine_type[machines]] = True
    elif scopes.has_machines or len(scopes.demand_sites):
        inside[scopes.machine_site[machines]] = True
        if not scopes.needs_machines(row):
            inside[scopes.demand_sites] |= sites[scopes.demand_sites]
    else:
        inside = sites
    return inside[:-1]


def _used_parts(scopes: Scopes, machines: Mask, location: int) -> Mask:
    """Parts of these machines and parts whose demand is given; all where neither is known."""
    tables = scopes.tables
    by_machines = scopes.has_machines and tables.count("bill_of_materials") > 0
    if not by_machines and not tables.count("demand"):
        return np.ones(tables.count("parts"), dtype=bool)
    used = np.zeros(tables.count("parts") + 1, dtype=bool)
    given_at = tables.index("demand", "location_id")
    is_here = (given_at == location) | (given_at < 0) | (location < 0)
    used[tables.index("demand", "part_id")[is_here]] = True
    if by_machines:
        types = np.zeros(tables.count("equipment") + 1, dtype=bool)
        types[scopes.machine_type[machines]] = True
        types[-1] = False
        bill = tables.index("bill_of_materials", "equipment_id")
        used[tables.index("bill_of_materials", "part_id")[types[bill]]] = True
    return used[:-1]
