"""Stock as the user has it: a plan, a plan's stock, a table or a dict, read for a network.

A stock is read either as base-stock levels S or as what is there today, on hand and on order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partsplan.errors import Finding, InputError
from partsplan.network import ServiceNetwork, Table, read_base_stock, read_limits
from partsplan.optimization import PlannedStock, StockingPlan

Integers = NDArray[np.int64]

LevelsFrom = Literal["base_stock", "position"]


@dataclass(frozen=True)
class StockLevels:
    """Base-stock levels, and where they come from."""

    array: Integers
    """Base stock S, shape (n_parts, n_locations) [units]."""
    levels_from: LevelsFrom
    """``base_stock``, or ``position`` where on hand + on order stands for S."""
    frame_backend: str | None
    """Frame library of the source."""


@dataclass(frozen=True)
class TodayStock:
    """What is there today; arrays of shape (n_parts, n_locations)."""

    on_hand: Integers
    """Units on the shelf [units]."""
    on_order: Integers
    """Units on order or in repair [units]."""
    not_given: tuple[str, ...]
    """Columns without any figure, counted as 0."""
    frame_backend: str | None
    """Frame library of the source."""


def base_stock_levels(network: ServiceNetwork, source: Any, name: str) -> StockLevels:
    """Base stock of a plan, a table or a dict; ``name`` stands for the source in messages."""
    source = _stock_of_plan(source, name)
    with _named_findings(source, name):
        if isinstance(source, PlannedStock) and _has_same_ids(source.network, network):
            return StockLevels(source.array, "base_stock", source.network.frame_backend)
        if isinstance(source, PlannedStock) or _is_pairs(source):
            return StockLevels(read_base_stock(network, source), "base_stock", None)
        table = _stock_table(network, source)
        return StockLevels(read_base_stock(network, table), "base_stock", table.checked.backend)


def usual_levels(network: ServiceNetwork, source: Any, name: str) -> StockLevels:
    """Base stock, or today's position in its place where a table has no base stock."""
    source = _stock_of_plan(source, name)
    if isinstance(source, PlannedStock) or _is_pairs(source):
        return base_stock_levels(network, source, name)
    with _named_findings(source, name):
        table = _stock_table(network, source)
        has_position = _has_figures(table, "on_hand") or _has_figures(table, "on_order")
        if _has_figures(table, "base_stock") or not has_position:
            levels = read_base_stock(network, table)
            return StockLevels(levels, "base_stock", table.checked.backend)
        limits = read_limits(network, table)
        position = (limits.on_hand + limits.on_order).astype(np.int64)
        return StockLevels(position, "position", table.checked.backend)


def today_stock(network: ServiceNetwork, source: Any) -> TodayStock:
    """Units on hand and on order, from a stock table; None is the network's."""
    with _named_findings(source, "today"):
        table = _stock_table(network, source)
        columns = ("on_hand", "on_order")
        not_given = tuple(name for name in columns if not _has_figures(table, name))
        if len(not_given) == len(columns) and (len(table) or not table.is_given):
            rule = "there is no on_hand and no on_order."
            fix = "Give the units on the shelf, and on order or in repair, today."
            raise InputError([Finding("stock", None, "on_hand", None, rule, fix)])
        limits = read_limits(network, table)
    return TodayStock(
        on_hand=limits.on_hand.astype(np.int64),
        on_order=limits.on_order.astype(np.int64),
        not_given=not_given if len(table) else (),
        frame_backend=table.checked.backend,
    )


def _stock_of_plan(source: Any, name: str) -> Any:
    if not isinstance(source, StockingPlan):
        return source
    if source.stock is None:
        raise ValueError(
            f"{name} must have stock, got a plan that is {source.status}: "
            "plan.summary() and plan.impossible say why"
        )
    return source.stock


def _has_same_ids(one: ServiceNetwork, other: ServiceNetwork) -> bool:
    if one is other:
        return True
    return one.part_ids == other.part_ids and one.location_ids == other.location_ids


def _is_pairs(source: Any) -> bool:
    """Whether a source is a dict {(part_id, location_id): S}."""
    return isinstance(source, Mapping) and not all(isinstance(key, str) for key in source)


def _stock_table(network: ServiceNetwork, source: Any) -> Table:
    """The source as a checked stock table, its ids known to the network."""
    if source is None or source is network.stock:
        return network.stock
    known = ServiceNetwork.from_tables(
        parts=network.parts,
        locations=network.locations,
        part_locations=network.part_locations,
        stock=source,
    )
    return known.stock


def _has_figures(table: Table, column: str) -> bool:
    return column in table.given_columns and bool((~np.isnan(table[column])).any())


@contextmanager
def _named_findings(source: Any, name: str) -> Iterator[None]:
    """Name the argument that a table came in, where it is not the network's own."""
    try:
        yield
    except InputError as error:
        if source is None:
            raise
        findings = [replace(finding, table=name) for finding in error.findings]
        raise InputError(findings) from None
