"""Stock figures for a network, read from any stock-like source into dense arrays.

A plan's stock, a table, a frame, records, or a dict {(part_id, location_id): S} all become
arrays with axes (part, location).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import Finding, InputError
from partsplan.network.column_checks import CheckedTable, blank_table, check_table, counted
from partsplan.network.network import ServiceNetwork
from partsplan.network.raw_tables import RawTable, raw_table
from partsplan.network.references import check_ids
from partsplan.network.scanning import MOST_ROWS, shown
from partsplan.network.serving_rules import check_stocking_limits
from partsplan.network.table import Table
from partsplan.network.table_sets import TableSet

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Unit = TypeVar("Unit", np.int64, np.float64)


@dataclass(frozen=True)
class StockLimits:
    """What a plan may choose, and what is there today; arrays of shape (part, location).

    Read-only where a table says nothing: the same figure everywhere takes no memory.
    """

    minimum: Integers
    """Least base stock [units]."""
    maximum: Floats
    """Largest base stock; ``inf`` where there is none [units]."""
    on_hand: Floats
    """Units on the shelf [units]."""
    on_order: Floats
    """Units on order or in repair [units]."""
    reasons: Mapping[tuple[int, int], str]
    """Why a limit is there, by positions (part, location)."""


def read_base_stock(network: ServiceNetwork, source: Any) -> Integers:
    """Read base-stock levels for a network.

    Parameters
    ----------
    network : ServiceNetwork
    source : table, dict, plan, array or None
        Anything with ``part_id``, ``location_id`` and ``base_stock``; a dict
        ``{(part_id, location_id): S}``; a plan, whose ``stock`` is taken; an array of shape
        (n_parts, n_locations) in the order of the network's tables; None for ``network.stock``.

    Returns
    -------
    ndarray of int, shape (n_parts, n_locations)
        Base stock S; 0 for pairs that are not named [units].

    Raises
    ------
    InputError
        For unknown ids, levels that are not whole numbers of 0 or more, pairs named twice, a
        table without ``base_stock``, or a plan without ``stock``.
    ValueError
        For an array of another shape.

    Examples
    --------
    >>> network = ServiceNetwork.from_tables(
    ...     parts=[{"part_id": "P1", "unit_cost": 10, "resupply_days": 5}],
    ...     locations=[{"location_id": "DC", "kind": "central"}])
    >>> read_base_stock(network, {("P1", "DC"): 3})
    array([[3]])
    """
    source = _stock_of_plan(source)
    if isinstance(source, np.ndarray) and not source.dtype.names:
        return _levels_of_array(network, source)
    facts = _stock_facts(network, source)
    table = facts["stock"]
    if "base_stock" not in table.given and (table.n_rows or table.given or not table.is_given):
        rule = "there is no base_stock."
        fix = "Give the level S; today's is usually on_hand + on_order."
        raise InputError([Finding("stock", None, "base_stock", None, rule, fix)])
    levels = facts.numbers("stock", "base_stock")
    return np.array(_dense(network, facts, levels, np.int64(0)))


def read_limits(network: ServiceNetwork, source: Any = None) -> StockLimits:
    """Read the limits that a plan must keep.

    Parameters
    ----------
    network : ServiceNetwork
    source : table or None
        Anything with ``part_id``, ``location_id`` and any of ``minimum``, ``maximum``,
        ``fixed``, ``on_hand``, ``on_order``, ``reason``; None for ``network.stock``.

    Returns
    -------
    StockLimits
        ``fixed`` is both minimum and maximum; the maximum is 0 where a part may not be stocked.

    Raises
    ------
    InputError
        For unknown ids, contradictory limits, or a minimum where the part may not be stocked.
    """
    facts = _stock_facts(network, source)

    def units(column: str) -> Floats:
        return facts.numbers("stock", column)

    fixed = units("fixed")
    lowest = np.where(np.isnan(fixed), units("minimum"), fixed)
    highest = np.where(np.isnan(fixed), units("maximum"), fixed)
    maximum = _dense(network, facts, highest, np.float64(np.inf))
    may_stock = network.may_stock()
    if not may_stock.all():
        maximum = np.where(may_stock, maximum, 0.0)
    reasons = facts["stock"].columns["reason"].tolist()
    part, location = _places(facts)
    return StockLimits(
        minimum=_dense(network, facts, lowest, np.int64(0)),
        maximum=maximum,
        on_hand=_dense(network, facts, units("on_hand"), np.float64(0.0)),
        on_order=_dense(network, facts, units("on_order"), np.float64(0.0)),
        reasons={
            (p, j): why
            for p, j, why in zip(part.tolist(), location.tolist(), reasons, strict=True)
            if why
        },
    )


def _stock_of_plan(source: Any) -> Any:
    """Take the stock of whatever has some, such as a plan, and is no table itself."""
    if hasattr(source, "to_records") or not hasattr(source, "stock"):
        return source
    if source.stock is None:
        status = getattr(source, "status", None)
        rule = "the plan has no stock" + (f": it is {status}." if status else ".")
        fix = "plan.summary() and plan.impossible say why; give a plan with a solution."
        raise InputError([Finding("stock", None, None, None, rule, fix)])
    return source.stock if hasattr(source.stock, "to_records") else source


def _stock_facts(network: ServiceNetwork, source: Any) -> TableSet:
    """Check a stock source against the network's parts and locations."""
    if source is None or source is network.stock:
        return network.facts
    table, findings = _checked_stock(source)
    facts = TableSet(network.facts.tables | {"stock": table})
    findings += check_ids(facts, "stock", "part_id", "parts")
    findings += check_ids(facts, "stock", "location_id", "locations")
    findings += check_stocking_limits(facts)
    if findings:
        raise InputError(findings)
    return facts


def _checked_stock(source: Any) -> tuple[CheckedTable, list[Finding]]:
    if isinstance(source, Table) and source.name == "stock":
        return source.checked, []
    if isinstance(source, Mapping) and not all(isinstance(key, str) for key in source):
        raw = _raw_pairs(source)
    else:
        raw = raw_table("stock", source)
    if raw.findings and not raw.columns:
        return blank_table("stock"), raw.findings
    return check_table(raw, "error")


def _raw_pairs(source: Mapping[Any, Any]) -> RawTable:
    """Read {(part_id, location_id): S}."""
    raw = RawTable("stock")
    rows = []
    for key, level in source.items():
        if isinstance(key, tuple) and len(key) == 2:
            rows.append((*key, level))
            continue
        raw.fault(
            f"{shown(key)} is not a pair (part_id, location_id).",
            "Give a dict {(part_id, location_id): S} or a table.",
            value=key,
        )
    if raw.findings:
        return raw
    raw.n_rows = len(rows)
    for place, name in enumerate(("part_id", "location_id", "base_stock")):
        column = np.empty(len(rows), dtype=object)
        column[:] = [row[place] for row in rows]
        raw.columns[name] = column
    return raw


def _places(facts: TableSet) -> tuple[Integers, Integers]:
    return facts.index("stock", "part_id"), facts.index("stock", "location_id")


def _dense(
    network: ServiceNetwork, facts: TableSet, values: Floats, default: Unit
) -> NDArray[Unit]:
    """Values of the stock rows by (part, location); where none is given at all, in no memory."""
    shape = (network.n_parts, network.n_locations)
    is_given = ~np.isnan(values)
    if not is_given.any():
        return np.broadcast_to(np.asarray(default), shape)
    block = np.full(shape, default)
    part, location = _places(facts)
    block[part[is_given], location[is_given]] = values[is_given]
    return block


def _levels_of_array(network: ServiceNetwork, levels: NDArray[Any]) -> Integers:
    """Check levels given in the order of the network's tables."""
    shape = (network.n_parts, network.n_locations)
    if levels.shape != shape:
        raise ValueError(
            f"a stock array must be of shape (n_parts, n_locations) = {shape}, got {levels.shape}"
        )
    if levels.dtype.kind not in "iuf":
        raise ValueError(f"a stock array must hold numbers, got {levels.dtype}")
    wrong = np.argwhere(~((levels >= 0) & (levels < 2**53) & (levels == np.floor(levels))))
    if len(wrong):
        found = [_wrong_level(network, p, j, levels[p, j]) for p, j in wrong[:MOST_ROWS].tolist()]
        raise InputError(counted(found, len(wrong), "stock", "base_stock"))
    return levels.astype(np.int64)


def _wrong_level(network: ServiceNetwork, part: int, location: int, value: Any) -> Finding:
    where = f"part {network.part_ids[part]!r} at location {network.location_ids[location]!r}"
    rule = f"base_stock of {where} is {value:g}; it must be a whole number, 0 or above."
    return Finding("stock", None, "base_stock", float(value), rule, "")
