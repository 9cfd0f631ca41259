"""Rules between tables: ids resolve, replenishment is a forest, sites are served.

Rows and columns that could not be read are left out, so that a finding is never the echo of
another one.
"""

from __future__ import annotations

import numpy as np

from partsplan.errors import Finding
from partsplan.network.column_checks import counted
from partsplan.network.commitment_rules import check_commitments
from partsplan.network.demand_rules import check_bill_of_materials, check_demand
from partsplan.network.expedite_rules import check_expediting, check_suppliers
from partsplan.network.replenishment_rules import (
    check_part_locations,
    check_replenishment,
    check_resupply,
)
from partsplan.network.scanning import MOST_ROWS, nearest, shown
from partsplan.network.schema import ID_COLUMNS, SCHEMA
from partsplan.network.serving_rules import check_serving, check_sourcing, check_stocking_limits
from partsplan.network.supersession_rules import check_supersessions
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


def check_references(tables: TableSet, shortages: str) -> list[Finding]:
    """Check every rule between tables; some depend on what happens to shortages."""
    findings: list[Finding] = []
    for name, spec in SCHEMA.items():
        for column in spec.columns.values():
            target = column.refers_to
            if target is not None and (name, column.name) != (target, ID_COLUMNS[target]):
                findings += check_ids(tables, name, column.name, target)
    findings += check_replenishment(tables)
    findings += check_suppliers(tables)
    findings += check_part_locations(tables)
    findings += check_resupply(tables)
    findings += check_serving(tables, shortages)
    findings += check_sourcing(tables)
    findings += check_bill_of_materials(tables)
    findings += check_demand(tables)
    findings += check_supersessions(tables)
    findings += check_commitments(tables)
    findings += check_stocking_limits(tables)
    if shortages == "expedite":
        findings += check_expediting(tables)
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
        fix = hints[value] or f"Add it to {target} or mend the id, or leave the row out."
        found.append(table.finding(row, column, f"{shown(value)} is not {NOUNS[target]}.", fix))
    return counted(found, len(unknown), name, column)
