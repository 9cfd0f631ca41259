"""The facts of a network: its tables, its ids and their positions, never changed.

Figures that follow from several tables, such as a part's resupply time, are filled in here once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import Finding
from partsplan.network.doubtful import doubtful_figures
from partsplan.network.schema import ID_COLUMNS, SCHEMA
from partsplan.network.table import Table
from partsplan.network.table_sets import TableSet


class NetworkFacts:
    """Tables and ids of a network; `ServiceNetwork` adds how it is read and what it says."""

    parts: Table
    """Stocked service parts; ``resupply_days`` is filled from the repair figures."""
    locations: Table
    """Places that can hold stock."""
    part_locations: Table
    """What differs for a part at a location; ``stocks_part`` is filled from the location."""
    sites: Table
    """Customers' places."""
    sourcing: Table
    """Parts that a site gets from elsewhere."""
    equipment: Table
    """Machine types."""
    bill_of_materials: Table
    """Parts in the machine types."""
    installed_base: Table
    """Machines at the sites."""
    lanes: Table
    """Ways from locations to sites."""
    commitments: Table
    """Promises to customers."""
    stock: Table
    """Stock levels and limits."""
    demand: Table
    """Demand given directly."""
    failures: Table
    """Failures in the field: counts, or lives (then it has a column ``outcome``)."""
    usage: Table
    """Units used per part, location and month; ``month`` is its first day."""
    supersessions: Table
    """Part numbers that others replace, at most one row per old number, without circles."""
    shortages: str
    """What a customer's demand does when the shelf is empty: ``"wait"`` or ``"expedite"``."""
    frame_backend: str | None
    """Frame library that the user came with; None where there is no sign."""
    warnings: tuple[Finding, ...]
    """Figures that are possible but doubtful."""

    def __init__(self, facts: TableSet, shortages: str) -> None:
        backends = [table.backend for table in facts.tables.values() if table.backend]
        self.shortages = shortages
        self.frame_backend = backends[0] if backends else None
        self.warnings = tuple(doubtful_figures(facts, shortages))
        for name in SCHEMA:
            setattr(self, name, _table_of(facts, name, self.frame_backend))
        self._facts = facts

    def __setattr__(self, name: str, value: object) -> None:
        if "_facts" in self.__dict__:
            raise AttributeError(
                f"a ServiceNetwork never changes; use replace() for another {name}"
            )
        object.__setattr__(self, name, value)

    @property
    def facts(self) -> TableSet:
        """The checked tables as one set, for functions of the network room."""
        return self._facts

    @property
    def n_parts(self) -> int:
        """Number of parts."""
        return len(self.parts)

    @property
    def n_locations(self) -> int:
        """Number of locations."""
        return len(self.locations)

    @cached_property
    def part_ids(self) -> tuple[str, ...]:
        """Part ids in table order."""
        return tuple(self.parts["part_id"].tolist())

    @cached_property
    def location_ids(self) -> tuple[str, ...]:
        """Location ids in table order."""
        return tuple(self.locations["location_id"].tolist())

    @cached_property
    def site_ids(self) -> tuple[str, ...]:
        """Site ids in table order."""
        return tuple(self.sites["site_id"].tolist())

    @cached_property
    def equipment_ids(self) -> tuple[str, ...]:
        """Machine types in table order."""
        return tuple(self.equipment["equipment_id"].tolist())

    @property
    def part_index(self) -> Mapping[str, int]:
        """Position of each part id."""
        return MappingProxyType(self._facts.positions("parts"))

    @property
    def location_index(self) -> Mapping[str, int]:
        """Position of each location id."""
        return MappingProxyType(self._facts.positions("locations"))

    @property
    def site_index(self) -> Mapping[str, int]:
        """Position of each site id."""
        return MappingProxyType(self._facts.positions("sites"))

    @property
    def has_lanes(self) -> bool:
        """Whether there are lanes; without any, all lane hours are 0."""
        return self._facts.has_lanes


def _table_of(facts: TableSet, name: str, backend: str | None) -> Table:
    indices = {
        column.name: facts.index(name, column.name)
        for column in facts[name].spec.columns.values()
        if column.refers_to is not None
    }
    for column, index in indices.items():
        target = facts[name].spec.columns[column].refers_to
        if target is not None and target != name and len(index) and (index >= 0).all():
            ids = facts[target].columns[ID_COLUMNS[target]]
            facts[name].columns[column] = ids[index]
    derived: dict[str, NDArray[Any]] = {}
    if name == "parts":
        derived["resupply_days"] = facts.resupply_days
    if name == "part_locations":
        own = facts.numbers(name, "stocks_part")
        usual = facts["locations"].columns["stocks_parts"][indices["location_id"]]
        derived["stocks_part"] = np.where(np.isnan(own), usual, own > 0)
    return Table(facts[name], derived, indices, backend)
