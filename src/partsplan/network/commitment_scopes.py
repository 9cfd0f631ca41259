"""What falls in the scope of a commitment, by the tables: sites, machines and parts.

Masks over sites and machine types have a last entry that is never in a scope, for position -1.
"""

from __future__ import annotations

import numpy as np

from partsplan.network.scanning import Mask
from partsplan.network.table_sets import TableSet

SITE_SCOPES = ("customer_id", "region", "site_id", "equipment_id")
"""Scope columns that say nothing about demand given by location."""

SCOPES = (*SITE_SCOPES, "location_id", "part_id", "part_group")
"""Scope columns of a commitment; each empty = all."""


class Scopes:
    """What falls in a scope, by the tables."""

    def __init__(self, tables: TableSet) -> None:
        self.tables = tables
        self.table = tables["commitments"]
        self.has_machines = tables.count("installed_base") > 0
        demand_site = tables.index("demand", "site_id")
        self.demand_sites = demand_site[demand_site >= 0]
        demand_location = tables.index("demand", "location_id")
        self.demand_locations = demand_location[demand_location >= 0]
        self.by_location_only = (
            not self.has_machines and not len(self.demand_sites) and tables.count("demand") > 0
        )
        self.machine_site = tables.index("installed_base", "site_id")
        self.machine_type = tables.index("installed_base", "equipment_id")
        self._types_with: dict[tuple[str, str], Mask] = {}

    def scope(self, row: int) -> dict[str, str]:
        """Scope columns of a commitment."""
        return {name: self.table.columns[name][row] for name in SCOPES}

    def needs_machines(self, row: int) -> bool:
        """Whether only demand of machines counts for a commitment."""
        machine = self.tables.index("commitments", "equipment_id")[row]
        return bool(machine >= 0) or self.table.columns["metric"][row] == "uptime"

    def sites(self, scope: dict[str, str]) -> Mask:
        """Sites in the scope, and a last entry that is never in it, for position -1."""
        table = self.tables["sites"]
        sites = np.ones(table.n_rows, dtype=bool)
        for name in ("customer_id", "region", "site_id"):
            if scope[name]:
                sites &= table.columns[name] == scope[name]
        return np.append(sites, False)

    def parts(self, row: int, scope: dict[str, str]) -> Mask:
        """Parts in the scope."""
        table = self.tables["parts"]
        parts = np.ones(table.n_rows, dtype=bool)
        if scope["part_group"]:
            parts &= table.columns["part_group"] == scope["part_group"]
        if scope["part_id"]:
            parts &= np.arange(table.n_rows) == self.tables.index("commitments", "part_id")[row]
        return parts

    def machines(self, row: int, sites: Mask) -> Mask:
        """Rows of ``installed_base`` at these sites with the machine type of the scope."""
        machine = self.tables.index("commitments", "equipment_id")[row]
        machines = sites[self.machine_site]
        return machines & (self.machine_type == machine) if machine >= 0 else machines

    def served(self, location: int) -> Mask:
        """Sites that get some part from a location."""
        served = np.append(self.tables.serving == location, False)
        source = self.tables.index("sourcing", "served_by")
        served[self.tables.index("sourcing", "site_id")[source == location]] = True
        served[-1] = False
        return served

    def types_with(self, scope: dict[str, str], parts: Mask) -> Mask:
        """Machine types with some of these parts, and a last False for position -1."""
        key = (scope["part_id"], scope["part_group"])
        if key in self._types_with:
            return self._types_with[key]
        equipment = self.tables.index("bill_of_materials", "equipment_id")
        part = self.tables.index("bill_of_materials", "part_id")
        types = np.zeros(self.tables.count("equipment") + 1, dtype=bool)
        types[equipment[parts[part] & (part >= 0)]] = True
        types[-1] = False
        self._types_with[key] = types
        return types
