"""The service network: validated, immutable facts, and dense blocks of them for the kernels.

It reads tables from anything, checks them all at once and keeps ids beside positions. It holds
facts only; estimating, evaluating and optimizing are functions of other rooms.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partsplan.errors import Finding, InputError
from partsplan.network.column_checks import (
    CheckedTable,
    blank_table,
    check_table,
    rename_columns,
)
from partsplan.network.doubtful import doubtful_figures
from partsplan.network.folders import read_folder
from partsplan.network.forests import Forest, forests_of
from partsplan.network.raw_tables import RawTable, raw_table
from partsplan.network.references import check_references
from partsplan.network.schema import ID_COLUMNS, SCHEMA
from partsplan.network.table import Table
from partsplan.network.table_sets import TableSet

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]

Block = TypeVar("Block", Floats, Integers, Bools)
Shortages = Literal["wait", "expedite"]
_SHORTAGES = ("wait", "expedite")
_NEEDED = ("parts", "locations")


class ServiceNetwork:
    """What exists: parts, locations, customers, machines and what was promised.

    A network is made by `from_folder` or `from_tables` and never changes; `replace` gives a new
    one. Every finding about every table comes in one `InputError`; what is only doubtful is in
    ``warnings``.

    Examples
    --------
    >>> network = ServiceNetwork.from_tables(
    ...     parts={"part_id": ["P1"], "unit_cost": [100.0], "resupply_days": [30]},
    ...     locations=[
    ...         {"location_id": "DC", "kind": "central"},
    ...         {"location_id": "FSL", "kind": "forward", "replenished_from": "DC",
    ...          "replenishment_days": 3},
    ...     ])
    >>> network
    ServiceNetwork(1 part, 2 locations)
    >>> network.transit_days([0])
    array([[30.,  3.]])
    """

    def __init__(self, tables: Mapping[str, CheckedTable], shortages: str) -> None:
        """Use `from_tables` or `from_folder`; this only assembles checked tables."""
        facts = TableSet(tables)
        backends = [table.backend for table in tables.values() if table.backend]
        self.shortages: str = shortages
        self.frame_backend: str | None = backends[0] if backends else None
        self.warnings: tuple[Finding, ...] = tuple(doubtful_figures(facts))
        self._facts = facts
        self._tables = {name: self._table(facts, name) for name in SCHEMA}

    @classmethod
    def from_folder(
        cls,
        path: str | Path,
        *,
        shortages: Shortages = "wait",
        rename: Mapping[str, str] | None = None,
        extra_columns: Literal["error", "ignore"] = "error",
    ) -> Self:
        """Read a folder of tables, one CSV or Parquet file each.

        Parameters
        ----------
        path : str or Path
            Folder with ``parts.csv``, ``locations.parquet`` and so on.
        shortages : {"wait", "expedite"}
            What a customer's demand does when the shelf is empty.
        rename : mapping of str to str, optional
            Your column names to ours, such as ``{"MATNR": "part_id"}``.
        extra_columns : {"error", "ignore"}
            What to do with columns (and files) that are not known.

        Returns
        -------
        ServiceNetwork

        Raises
        ------
        InputError
            With every finding of every table.
        """
        _check_options(shortages, rename, extra_columns)
        raws, findings = read_folder(Path(path), extra_columns)
        return cls._from_raw(raws, {}, findings, shortages, rename, extra_columns)

    @classmethod
    def from_tables(
        cls,
        *,
        parts: Any = None,
        locations: Any = None,
        part_locations: Any = None,
        sites: Any = None,
        sourcing: Any = None,
        equipment: Any = None,
        bill_of_materials: Any = None,
        installed_base: Any = None,
        lanes: Any = None,
        commitments: Any = None,
        stock: Any = None,
        demand: Any = None,
        failures: Any = None,
        shortages: Shortages = "wait",
        rename: Mapping[str, str] | None = None,
        extra_columns: Literal["error", "ignore"] = "error",
    ) -> Self:
        """Make a network of tables in memory.

        Parameters
        ----------
        parts, locations : table
            Needed always. A table is a pandas, polars or Arrow frame, a dict of columns, a list
            of dicts or a list of records such as `Part`.
        part_locations, sites, sourcing, equipment, bill_of_materials : table, optional
        installed_base, lanes, commitments, stock, demand, failures : table, optional
        shortages : {"wait", "expedite"}
            What a customer's demand does when the shelf is empty.
        rename : mapping of str to str, optional
            Your column names to ours, such as ``{"MATNR": "part_id"}``.
        extra_columns : {"error", "ignore"}
            What to do with columns that are not known.

        Returns
        -------
        ServiceNetwork

        Raises
        ------
        InputError
            With every finding of every table.
        """
        _check_options(shortages, rename, extra_columns)
        sources = {
            "parts": parts,
            "locations": locations,
            "part_locations": part_locations,
            "sites": sites,
            "sourcing": sourcing,
            "equipment": equipment,
            "bill_of_materials": bill_of_materials,
            "installed_base": installed_base,
            "lanes": lanes,
            "commitments": commitments,
            "stock": stock,
            "demand": demand,
            "failures": failures,
        }
        return cls._from_sources(sources, {}, shortages, rename, extra_columns)

    def replace(
        self,
        *,
        rename: Mapping[str, str] | None = None,
        extra_columns: Literal["error", "ignore"] = "error",
        shortages: Shortages | None = None,
        **tables: Any,
    ) -> Self:
        """Give a new validated network with some tables replaced; None drops a table.

        Parameters
        ----------
        **tables : table
            New tables by name, such as ``lanes=...``.
        rename, extra_columns
            As in `from_tables`, for the new tables.
        shortages : {"wait", "expedite"}, optional
            A new rule; the present one where not given.

        Returns
        -------
        ServiceNetwork

        Examples
        --------
        >>> network = ServiceNetwork.from_tables(
        ...     parts=[{"part_id": "P1", "unit_cost": 10, "resupply_days": 5}],
        ...     locations=[{"location_id": "DC", "kind": "central"}])
        >>> network.replace(stock={"part_id": ["P1"], "location_id": ["DC"],
        ...                        "base_stock": [2]}).stock["base_stock"]
        array([2.])
        """
        unknown = [name for name in tables if name not in SCHEMA]
        if unknown:
            raise TypeError(f"tables must be among {', '.join(SCHEMA)}, got {unknown[0]!r}")
        rule: Any = self.shortages if shortages is None else shortages
        _check_options(rule, rename, extra_columns)
        kept = {name: table for name, table in self._facts.tables.items() if name not in tables}
        return type(self)._from_sources(tables, kept, rule, rename, extra_columns)

    @classmethod
    def _from_sources(
        cls,
        sources: Mapping[str, Any],
        kept: Mapping[str, CheckedTable],
        shortages: str,
        rename: Mapping[str, str] | None,
        extra_columns: str,
    ) -> Self:
        checked = dict(kept)
        raws: dict[str, RawTable] = {}
        for name, source in sources.items():
            if isinstance(source, Table) and source.name == name:
                checked[name] = source.checked
            elif source is not None:
                raws[name] = raw_table(name, source)
        return cls._from_raw(raws, checked, [], shortages, rename, extra_columns)

    @classmethod
    def _from_raw(
        cls,
        raws: Mapping[str, RawTable],
        kept: Mapping[str, CheckedTable],
        findings: list[Finding],
        shortages: str,
        rename: Mapping[str, str] | None,
        extra_columns: str,
    ) -> Self:
        tables = dict(kept)
        for name, raw in raws.items():
            rename_columns(raw, rename or {})
            tables[name], found = check_table(raw, extra_columns)
            findings += found
        for name in SCHEMA:
            tables.setdefault(name, blank_table(name))
        findings += _check_needed(tables)
        tables = {name: tables[name] for name in SCHEMA}
        findings += check_references(TableSet(tables))
        if findings:
            order = {name: place for place, name in enumerate(SCHEMA)}
            raise InputError(sorted(findings, key=lambda f: order.get(f.table, -1)))
        return cls(tables, shortages)

    def _table(self, facts: TableSet, name: str) -> Table:
        indices = {
            column.name: facts.index(name, column.name)
            for column in SCHEMA[name].columns.values()
            if column.refers_to is not None
        }
        for column, index in indices.items():
            target = SCHEMA[name].columns[column].refers_to
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
        return Table(facts[name], derived, indices, self.frame_backend)

    def __setattr__(self, name: str, value: object) -> None:
        if "_tables" in self.__dict__:
            raise AttributeError(
                f"a ServiceNetwork never changes; use replace() for another {name}"
            )
        object.__setattr__(self, name, value)

    @property
    def facts(self) -> TableSet:
        """The checked tables as one set, for functions of the network room."""
        return self._facts

    @property
    def parts(self) -> Table:
        """Stocked service parts; ``resupply_days`` is filled from the repair figures."""
        return self._tables["parts"]

    @property
    def locations(self) -> Table:
        """Places that can hold stock."""
        return self._tables["locations"]

    @property
    def part_locations(self) -> Table:
        """What differs for a part at a location."""
        return self._tables["part_locations"]

    @property
    def sites(self) -> Table:
        """Customers' places."""
        return self._tables["sites"]

    @property
    def sourcing(self) -> Table:
        """Parts that a site gets from elsewhere."""
        return self._tables["sourcing"]

    @property
    def equipment(self) -> Table:
        """Machine types."""
        return self._tables["equipment"]

    @property
    def bill_of_materials(self) -> Table:
        """Parts in the machine types."""
        return self._tables["bill_of_materials"]

    @property
    def installed_base(self) -> Table:
        """Machines at the sites."""
        return self._tables["installed_base"]

    @property
    def lanes(self) -> Table:
        """Ways from locations to sites."""
        return self._tables["lanes"]

    @property
    def commitments(self) -> Table:
        """Promises to customers."""
        return self._tables["commitments"]

    @property
    def stock(self) -> Table:
        """Stock levels and limits."""
        return self._tables["stock"]

    @property
    def demand(self) -> Table:
        """Demand given directly."""
        return self._tables["demand"]

    @property
    def failures(self) -> Table:
        """Failures counted in the field."""
        return self._tables["failures"]

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

    @cached_property
    def forests(self) -> tuple[Forest, ...]:
        """Replenishment forests, each with the parts that share it; usually one."""
        return forests_of(self._facts.parents, self.n_parts, *self._facts.own_sources)

    def parents(self, parts: ArrayLike | None = None) -> Integers:
        """Position of the location that replenishes each part at each location.

        Parameters
        ----------
        parts : array_like of int, optional
            Positions of parts; all parts by default.

        Returns
        -------
        ndarray of int, shape (len(parts), n_locations)
            -1 where the part enters the network.
        """
        chosen = self._chosen(parts)
        block = np.tile(self._facts.parents, (len(chosen), 1))
        sources = self._facts.index("part_locations", "replenished_from")
        return self._with_own(chosen, block, sources, sources >= 0)

    def transit_days(self, parts: ArrayLike | None = None) -> Floats:
        """Order to shelf when the source has stock [days].

        Parameters
        ----------
        parts : array_like of int, optional
            Positions of parts; all parts by default.

        Returns
        -------
        ndarray of float, shape (len(parts), n_locations)
            Resupply time where the part enters the network, else replenishment time.
        """
        chosen = self._chosen(parts)
        is_root = self.parents(chosen) < 0
        usual = np.tile(self._facts.numbers("locations", "replenishment_days"), (len(chosen), 1))
        shipping = self._overridden(chosen, usual, "replenishment_days")
        outside = np.repeat(self._facts.resupply_days[chosen, None], self.n_locations, axis=1)
        outside = self._overridden(chosen, outside, "resupply_days")
        return np.where(is_root, outside, shipping)

    def holding_rates(self, parts: ArrayLike | None = None) -> Floats:
        """Yearly holding cost as a share of unit cost: part_locations over location over part.

        Parameters
        ----------
        parts : array_like of int, optional
            Positions of parts; all parts by default.

        Returns
        -------
        ndarray of float, shape (len(parts), n_locations)
            [1/year].
        """
        chosen = self._chosen(parts)
        here = self.locations["holding_rate"]
        block = np.where(np.isnan(here), self.parts["holding_rate"][chosen, None], here)
        return self._overridden(chosen, block, "holding_rate")

    def local_repair_fractions(self, parts: ArrayLike | None = None) -> Floats:
        """Share of the demand that is repaired at the location itself [share].

        Parameters
        ----------
        parts : array_like of int, optional
            Positions of parts; all parts by default.

        Returns
        -------
        ndarray of float, shape (len(parts), n_locations)
        """
        chosen = self._chosen(parts)
        block = np.zeros((len(chosen), self.n_locations))
        return self._overridden(chosen, block, "local_repair_fraction")

    def local_repair_days(self, parts: ArrayLike | None = None) -> Floats:
        """Turn-around of a repair at the location itself, 0 where none is done [days].

        Parameters
        ----------
        parts : array_like of int, optional
            Positions of parts; all parts by default.

        Returns
        -------
        ndarray of float, shape (len(parts), n_locations)
        """
        chosen = self._chosen(parts)
        block = np.zeros((len(chosen), self.n_locations))
        return self._overridden(chosen, block, "local_repair_days")

    def may_stock(self, parts: ArrayLike | None = None) -> Bools:
        """Whether a part may be stocked at a location.

        Parameters
        ----------
        parts : array_like of int, optional
            Positions of parts; all parts by default.

        Returns
        -------
        ndarray of bool, shape (len(parts), n_locations)
        """
        chosen = self._chosen(parts)
        block = np.tile(self.locations["stocks_parts"], (len(chosen), 1))
        own = self.part_locations["stocks_part"]
        return self._with_own(chosen, block, own, np.ones(len(own), dtype=bool))

    def serving_locations(self, sites: ArrayLike, parts: ArrayLike) -> Integers:
        """Location that serves a site with a part: sourcing over served_by over nearest lane.

        Parameters
        ----------
        sites, parts : array_like of int
            Positions, broadcast against each other. Of lanes with equal hours the location that
            comes first in `locations` is the nearest.

        Returns
        -------
        ndarray of int
            Positions of locations.
        """
        site, part = np.broadcast_arrays(
            np.asarray(sites, dtype=np.int64), np.asarray(parts, dtype=np.int64)
        )
        serving = self._facts.serving[site]
        keys, sources = self._sourcing
        if len(keys):
            wanted = site * self.n_parts + part
            place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            serving = np.where(keys[place] == wanted, sources[place], serving)
        return serving

    def lane_hours(self, locations: ArrayLike, sites: ArrayLike) -> Floats:
        """Door-to-door time from locations to sites [hours].

        Parameters
        ----------
        locations, sites : array_like of int
            Positions, broadcast against each other.

        Returns
        -------
        ndarray of float
            NaN without a lane; 0 everywhere when the network has no lanes at all.
        """
        return self._lane_figure("hours", locations, sites)

    def lane_costs(self, locations: ArrayLike, sites: ArrayLike) -> Floats:
        """Cost of one shipment from locations to sites [currency].

        Parameters
        ----------
        locations, sites : array_like of int
            Positions, broadcast against each other.

        Returns
        -------
        ndarray of float
            NaN without a lane; 0 everywhere when the network has no lanes at all.
        """
        return self._lane_figure("cost", locations, sites)

    def _lane_figure(self, column: str, locations: ArrayLike, sites: ArrayLike) -> Floats:
        location, site = np.broadcast_arrays(
            np.asarray(locations, dtype=np.int64), np.asarray(sites, dtype=np.int64)
        )
        if not self.has_lanes:
            return np.zeros(location.shape)
        rows = self._facts.lanes_between(location, site)
        figures: Floats = np.where(rows >= 0, self.lanes[column][rows], np.nan)
        return figures

    @cached_property
    def _sourcing(self) -> tuple[Integers, Integers]:
        table = self.sourcing
        keys = table.index("site_id") * self.n_parts + table.index("part_id")
        order = np.argsort(keys)
        return keys[order], table.index("served_by")[order]

    @cached_property
    def _own_rows(self) -> tuple[Integers, Integers]:
        """`part_locations` rows sorted by part, and where each part's rows start."""
        part = self.part_locations.index("part_id")
        order = np.argsort(part, kind="stable")
        starts = np.searchsorted(part[order], np.arange(self.n_parts + 1))
        return order, starts.astype(np.int64)

    def _chosen(self, parts: ArrayLike | None) -> Integers:
        if parts is None:
            return np.arange(self.n_parts, dtype=np.int64)
        return np.atleast_1d(np.asarray(parts, dtype=np.int64))

    def _overridden(self, chosen: Integers, block: Floats, column: str) -> Floats:
        own = self._facts.numbers("part_locations", column)
        return self._with_own(chosen, block, own, ~np.isnan(own))

    def _with_own(
        self, chosen: Integers, block: Block, own: NDArray[Any], is_given: Bools
    ) -> Block:
        """Put the given values of `part_locations` over a block, in place."""
        if not len(own) or not len(chosen):
            return block
        order, starts = self._own_rows
        counts = starts[chosen + 1] - starts[chosen]
        place = np.repeat(np.arange(len(chosen)), counts)
        offset = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
        rows = order[np.repeat(starts[chosen], counts) + offset]
        keep = is_given[rows]
        location = self.part_locations.index("location_id")[rows]
        block[place[keep], location[keep]] = own[rows][keep]
        return block

    def summary(self) -> str:
        """Say in a few lines what the network holds and what is doubtful.

        Returns
        -------
        str
        """
        lines = [f"Service network: {self._counts()}"]
        if self.has_lanes:
            lines.append(f"Lanes: {len(self.lanes)}, hours from the table")
        else:
            lines.append("Lanes: none, so every lane takes 0 hours")
        lines.append(f"Shortages: {'wait' if self.shortages == 'wait' else 'are expedited'}")
        lines.append(f"Warnings: {len(self.warnings) or 'none'}")
        lines += [f"  {warning}" for warning in self.warnings]
        return "\n".join(lines)

    def _counts(self) -> str:
        nouns = {
            "parts": ("part", "parts"),
            "locations": ("location", "locations"),
            "sites": ("site", "sites"),
            "equipment": ("machine type", "machine types"),
            "lanes": ("lane", "lanes"),
            "commitments": ("commitment", "commitments"),
        }
        told = []
        for name, (one, many) in nouns.items():
            count = len(self._tables[name])
            if count or name in _NEEDED:
                told.append(f"{count} {one if count == 1 else many}")
        return ", ".join(told)

    def __repr__(self) -> str:
        return f"ServiceNetwork({self._counts()})"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(self.summary())}</pre>"


def _check_options(shortages: str, rename: object, extra_columns: str) -> None:
    if shortages not in _SHORTAGES:
        raise ValueError(f"shortages must be 'wait' or 'expedite', got {shortages!r}")
    if extra_columns not in ("error", "ignore"):
        raise ValueError(f"extra_columns must be 'error' or 'ignore', got {extra_columns!r}")
    if rename is not None and not (
        isinstance(rename, Mapping)
        and all(isinstance(k, str) and isinstance(v, str) for k, v in rename.items())
    ):
        raise ValueError(f"rename must map your column names to ours, got {rename!r}")


def _check_needed(tables: Mapping[str, CheckedTable]) -> list[Finding]:
    findings = []
    for name in _NEEDED:
        table = tables[name]
        if not table.is_given:
            rule = f"there is no {name} table."
            findings.append(
                Finding(name, None, None, None, rule, "parts and locations are always needed.")
            )
        elif not table.n_rows and not table.bad:
            rule = f"the {name} table has no rows."
            findings.append(Finding(name, None, None, None, rule, "Give at least one row."))
    return findings
