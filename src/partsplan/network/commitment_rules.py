"""Rules on commitments: what a scope names exists, and something falls in it.

Who serves and what is installed come from the tables alone; demand given later, outside the
network, can only add to a scope.
"""

from __future__ import annotations

import numpy as np

from partsplan.errors import Finding
from partsplan.network.commitment_scopes import SCOPES, SITE_SCOPES, Scopes
from partsplan.network.each_rules import check_each
from partsplan.network.scanning import Mask, nearest, shown
from partsplan.network.table_sets import TableSet

_VALUE_SCOPES = (
    ("customer_id", "sites", "the customer_id of a site"),
    ("region", "sites", "the region of a site"),
    ("part_group", "parts", "the part_group of a part"),
)
_SITE_EACH = ("customer", "region", "site", "equipment")
_READS = {
    "sites": ("site_id", "customer_id", "region", "served_by"),
    "parts": ("part_id", "part_group"),
    "locations": ("location_id",),
    "equipment": ("equipment_id",),
    "installed_base": ("site_id", "equipment_id"),
    "bill_of_materials": ("equipment_id", "part_id"),
    "demand": ("part_id", "location_id", "site_id"),
    "lanes": ("location_id", "site_id", "hours"),
    "sourcing": ("site_id", "part_id", "served_by"),
}


def check_commitments(tables: TableSet) -> list[Finding]:
    """Check every commitment against the tables."""
    findings: list[Finding] = []
    resolved = np.ones(tables.count("commitments"), dtype=bool)
    for column, source, noun in _VALUE_SCOPES:
        found = _check_values(tables, column, source, noun)
        findings += found
        resolved[[finding.row - 1 for finding in found if finding.row]] = False
    for column in ("site_id", "equipment_id", "location_id", "part_id"):
        unknown = tables.index("commitments", column) < 0
        resolved &= ~(unknown & (tables["commitments"].columns[column] != ""))
    if not all(tables.is_clean(table, *columns) for table, columns in _READS.items()):
        return findings
    scopes = _ScopeRules(tables)
    readable = tables["commitments"].readable("metric", "each", *SCOPES)
    sound = []
    for row in np.flatnonzero(readable & resolved).tolist():
        found = scopes.check(row)
        findings += found
        if not found:
            sound.append(row)
    return findings + check_each(scopes, sound)


def _check_values(tables: TableSet, column: str, source: str, noun: str) -> list[Finding]:
    """Check that a scope value such as a region occurs in the table it comes from."""
    table = tables["commitments"]
    if not tables.is_clean(source, column):
        return []
    known = dict.fromkeys(value for value in tables[source].columns[column].tolist() if value)
    findings = []
    for row, value in enumerate(table.columns[column].tolist()):
        if value and value not in known:
            fix = nearest(value, tuple(known)) or f"Give one that {source} has."
            findings.append(table.finding(row, column, f"{shown(value)} is not {noun}.", fix))
    return findings


class _ScopeRules(Scopes):
    """Whether anything falls in a scope."""

    def check(self, row: int) -> list[Finding]:
        """Check one commitment."""
        scope = self.scope(row)
        if self.table.columns["metric"][row] == "uptime" and not self.has_machines:
            return [
                self.table.finding(
                    row,
                    "metric",
                    "an uptime commitment needs installed_base.",
                    "Give the machines, or commit to response, fill_rate or mean_wait.",
                )
            ]
        if self.by_location_only:
            return self._check_by_location(row, scope)
        return self._check_not_empty(row, scope)

    def _check_by_location(self, row: int, scope: dict[str, str]) -> list[Finding]:
        fix = "Name locations and parts only, or give demand by site."
        findings = [
            self.table.finding(
                row, name, f"{shown(scope[name])} is named, but demand is given by location.", fix
            )
            for name in SITE_SCOPES
            if scope[name]
        ]
        each = self.table.columns["each"][row]
        if each in _SITE_EACH:
            rule = f"{each!r} is asked for, but demand is given by location."
            findings.append(self.table.finding(row, "each", rule, fix))
        location = self.tables.index("commitments", "location_id")[row]
        if not findings and location >= 0 and location not in self.demand_locations:
            rule = f"no demand is given at location {scope['location_id']!r}."
            findings.append(self._empty(row, "location_id", rule))
        return findings

    def _check_not_empty(self, row: int, scope: dict[str, str]) -> list[Finding]:
        sites = self.sites(scope)
        parts = self.parts(row, scope)
        named = [name for name in ("customer_id", "region", "site_id") if scope[name]]
        if named and not sites.any():
            told = " and ".join(f"{name} {scope[name]!r}" for name in named)
            return [self._empty(row, named[0], f"no site has {told}.")]
        if not parts.any():
            told = f"part {scope['part_id']!r} is not in part_group {scope['part_group']!r}."
            return [self._empty(row, "part_id", told)]
        machines = self.machines(row, sites)
        machine = self.tables.index("commitments", "equipment_id")[row]
        demanded = not self.needs_machines(row) and bool(sites[self.demand_sites].any())
        if (self.has_machines or self.needs_machines(row)) and not machines.any() and not demanded:
            if not named and machine < 0 and len(self.demand_locations):
                return []
            column = "equipment_id" if machine >= 0 else (named[0] if named else None)
            what = f"machine of type {scope['equipment_id']!r}" if machine >= 0 else "machine"
            return [self._empty(row, column, f"no {what} is installed in its scope.")]
        return self._check_parts_used(row, scope, machines, parts, demanded) or (
            self._check_location(row, scope, sites)
        )

    def _check_parts_used(
        self,
        row: int,
        scope: dict[str, str],
        machines: Mask,
        parts: Mask,
        demanded: bool,
    ) -> list[Finding]:
        """Some part in the scope is in some machine in the scope."""
        if not (scope["part_id"] or scope["part_group"]) or demanded or not machines.any():
            return []
        if len(self.demand_locations) or not self.tables.count("bill_of_materials"):
            return []
        if self.types_with(scope, parts)[self.machine_type[machines]].any():
            return []
        column = "part_id" if scope["part_id"] else "part_group"
        rule = f"no machine in its scope has a part of {column} {scope[column]!r}."
        return [self._empty(row, column, rule)]

    def _check_location(self, row: int, scope: dict[str, str], sites: Mask) -> list[Finding]:
        location = self.tables.index("commitments", "location_id")[row]
        if location < 0 or location in self.demand_locations:
            return []
        if not self.tables.count("sites"):
            return []
        if (sites & self.served(location)).any():
            return []
        rule = f"location {scope['location_id']!r} serves no site in its scope."
        return [self._empty(row, "location_id", rule)]

    def _empty(self, row: int, column: str | None, rule: str) -> Finding:
        return self.table.finding(
            row, column, f"the scope is empty: {rule}", "Widen the scope or drop the commitment."
        )
