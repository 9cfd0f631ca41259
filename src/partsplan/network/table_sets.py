"""All checked tables together: ids to positions, and rows found by position.

The rules between tables read this view; nothing here decides whether a table set is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from partsplan.network.column_checks import CheckedTable
from partsplan.network.schema import ID_COLUMNS, SCHEMA

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


class TableSet:
    """The checked tables of a network, by name."""

    def __init__(self, tables: Mapping[str, CheckedTable]) -> None:
        self.tables = dict(tables)
        self._positions: dict[str, dict[str, int]] = {}
        self._index: dict[tuple[str, str], Integers] = {}

    def __getitem__(self, name: str) -> CheckedTable:
        return self.tables[name]

    def count(self, table: str) -> int:
        """Number of rows of a table."""
        return self.tables[table].n_rows

    def positions(self, table: str) -> dict[str, int]:
        """Position of each id of a table that others refer to."""
        if table not in self._positions:
            ids = self.tables[table].columns[ID_COLUMNS[table]].tolist()
            known: dict[str, int] = {}
            for position, name in enumerate(ids):
                known.setdefault(name, position)
            known.pop("", None)
            self._positions[table] = known
        return self._positions[table]

    def index(self, table: str, column: str) -> Integers:
        """Position of the id in each row of a reference column; -1 where empty or unknown."""
        key = (table, column)
        if key not in self._index:
            target = SCHEMA[table].columns[column].refers_to
            if target is None:
                raise ValueError(f"column must hold ids of another table, got {table}.{column}")
            find = self.positions(target).get
            values = self.tables[table].columns[column].tolist()
            places = map(find, values, repeat(-1))
            self._index[key] = np.fromiter(places, dtype=np.int64, count=len(values))
        return self._index[key]

    def numbers(self, table: str, column: str) -> Floats:
        """Values of a numeric column."""
        values: Floats = self.tables[table].columns[column].astype(np.float64)
        return values

    def is_clean(self, table: str, *columns: str) -> bool:
        """Whether every value of these columns could be read."""
        return self.tables[table].is_clean(*columns)

    @cached_property
    def parents(self) -> Integers:
        """Parent of each location by the `locations` table; -1 at a root."""
        return self.index("locations", "replenished_from")

    @cached_property
    def resupply_days(self) -> Floats:
        """Resupply time of each part from outside, from its repair figures where need be [days]."""
        repair = self.numbers("parts", "repair_days")
        buying = self.numbers("parts", "procurement_days")
        condemned = self.numbers("parts", "condemnation_fraction")
        derived = np.where(condemned < 1, (1 - condemned) * repair, 0.0) + np.where(
            condemned > 0, condemned * buying, 0.0
        )
        direct = self.numbers("parts", "resupply_days")
        return np.where(np.isnan(direct), derived, direct)

    @cached_property
    def own_sources(self) -> tuple[Integers, Integers, Integers]:
        """Part, location and source of every `part_locations` row that names a source."""
        source = self.index("part_locations", "replenished_from")
        part = self.index("part_locations", "part_id")
        location = self.index("part_locations", "location_id")
        named = (source >= 0) & (part >= 0) & (location >= 0)
        return part[named], location[named], source[named]

    @cached_property
    def has_lanes(self) -> bool:
        """Whether there are lanes at all."""
        return self.count("lanes") > 0

    @cached_property
    def lane_keys(self) -> tuple[Integers, Integers]:
        """Sorted keys location x n_sites + site of the lanes, and the lane of each key."""
        location = self.index("lanes", "location_id")
        site = self.index("lanes", "site_id")
        keys = location * max(self.count("sites"), 1) + site
        keys[(location < 0) | (site < 0)] = -1
        order = np.argsort(keys, kind="stable")
        return keys[order], order

    def lanes_between(self, locations: Integers, sites: Integers) -> Integers:
        """Row of the lane from each location to each site; -1 where there is none."""
        keys, order = self.lane_keys
        wanted = np.asarray(locations * max(self.count("sites"), 1) + sites)
        found = np.searchsorted(keys, wanted)
        rows = np.full(wanted.shape, -1, dtype=np.int64)
        inside = (found < len(keys)) & (locations >= 0) & (sites >= 0)
        hit = np.zeros(wanted.shape, dtype=bool)
        hit[inside] = keys[found[inside]] == wanted[inside]
        rows[hit] = order[found[hit]]
        return rows

    @cached_property
    def is_reached(self) -> NDArray[np.bool_]:
        """Whether a lane leads to each site; everywhere when there are no lanes at all."""
        reached = np.full(self.count("sites"), not self.has_lanes)
        site = self.index("lanes", "site_id")
        reached[site[(site >= 0) & (self.index("lanes", "location_id") >= 0)]] = True
        return reached

    @cached_property
    def serving(self) -> Integers:
        """Location that serves each site: served_by, else the nearest lane by hours; -1: none.

        A site that no lane reaches counts at the first location that the outside supply
        replenishes, unless it names another one.
        """
        serving = self.index("sites", "served_by").copy()
        location = self.index("lanes", "location_id")
        site = self.index("lanes", "site_id")
        known = (location >= 0) & (site >= 0)
        location, site = location[known], site[known]
        hours = self.numbers("lanes", "hours")[known]
        order = np.lexsort((location, hours, site))
        sites, first = np.unique(site[order], return_index=True)
        nearest = location[order][first]
        is_open = self["sites"].columns["served_by"][sites] == ""
        serving[sites[is_open]] = nearest[is_open]
        counted_nowhere = ~self.is_reached & (self["sites"].columns["served_by"] == "")
        top = np.flatnonzero(self.parents < 0)
        serving[counted_nowhere] = top[0] if len(top) else -1
        return serving
