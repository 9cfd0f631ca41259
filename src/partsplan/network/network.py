"""The service network: validated, immutable facts, and dense blocks of them for the kernels.

It reads tables from anything, checks them all at once and keeps ids beside positions. It holds
facts only; estimating, evaluating and optimizing are functions of other rooms.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, Literal, Self

from partsplan.network.assembly import checked_tables, raw_tables
from partsplan.network.blocks import NetworkBlocks
from partsplan.network.folders import read_folder
from partsplan.network.references import NEEDED
from partsplan.network.schema import SCHEMA

Shortages = Literal["wait", "expedite"]
_SHORTAGES = ("wait", "expedite")


class ServiceNetwork(NetworkBlocks):
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
        tables = checked_tables(raws, {}, rename, extra_columns, findings, shortages=shortages)
        return cls(tables, shortages)

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
        usage: Any = None,
        supersessions: Any = None,
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
        installed_base, lanes, commitments, stock, demand, failures, usage : table, optional
        supersessions : table, optional
        shortages : {"wait", "expedite"}
            What a customer's demand does when the shelf is empty: it waits there, or the next
            nearest location with a lane ships, and in the end the outside emergency supply does.
            So expediting needs ``emergency_hours`` of every part that machines ask for (whatever
            is stocked, all locations are empty at times), and a site that no lane reaches gets
            everything from outside.
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
            "usage": usage,
            "supersessions": supersessions,
        }
        raws, kept = raw_tables(sources)
        checked = checked_tables(raws, kept, rename, extra_columns, shortages=shortages)
        return cls(checked, shortages)

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
        kept = {name: table for name, table in self.facts.tables.items() if name not in tables}
        raws, more = raw_tables(tables)
        checked = checked_tables(raws, kept | more, rename, extra_columns, shortages=rule)
        return type(self)(checked, rule)

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
            count = len(getattr(self, name))
            if count or name in NEEDED:
                told.append(f"{count} {one if count == 1 else many}")
        return ", ".join(told)

    def __repr__(self) -> str:
        return f"ServiceNetwork({self._counts()})"

    def _repr_html_(self) -> str:
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
