"""Figures that can be planned with but are probably not what was meant: warnings.

One finding per rule, with the number of rows it concerns and the first of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from partsplan.errors import Finding
from partsplan.network.scanning import Mask, plain
from partsplan.network.table_sets import TableSet

Found = Iterator[Finding]


def doubtful_figures(tables: TableSet, shortages: str = "wait") -> list[Finding]:
    """List doubtful figures, at most one finding per rule."""
    findings: list[Finding] = []
    for rule in (*_RULES, *_RULES_OF_EXPEDITING * (shortages == "expedite")):
        findings += rule(tables)
    return findings


def _rows(tables: TableSet, place: tuple[str, str], doubtful: Mask, words: str, fix: str) -> Found:
    """Make one finding of the marked rows; ``{value}`` and ``{id}`` are the first one's."""
    name, column = place
    rows = np.flatnonzero(doubtful)
    if not len(rows):
        return
    table = tables[name]
    first = int(rows[0])
    value = plain(table.columns[column][first])
    told = f"{value:g}" if isinstance(value, float) else str(value)
    ids = next(iter(table.columns.values()))
    rule = words.format(value=told, id=repr(str(ids[first])))
    if len(rows) > 1:
        others = len(rows) - 1
        rule += f" {others} more {'row' if others == 1 else 'rows'} like it."
    yield Finding(name, first + 1, column, value, rule, fix, table.line(first))


def _rates_per_hour(tables: TableSet) -> Found:
    rates = tables.numbers("bill_of_materials", "failures_per_year")
    yield from _rows(
        tables,
        ("bill_of_materials", "failures_per_year"),
        (rates > 0) & (rates < 1e-5),
        "{value} failures per year is less than one in 100,000 years and looks like a rate per "
        "hour.",
        "Multiply a rate per hour by 8760, or give mtbf_hours.",
    )


def _mtbf_not_in_hours(tables: TableSet) -> Found:
    hours = tables.numbers("bill_of_materials", "mtbf_hours")
    yield from _rows(
        tables,
        ("bill_of_materials", "mtbf_hours"),
        hours < 1,
        "{value} operating hours between failures is less than one hour.",
        "Give hours, not years and not a rate.",
    )


def _missing_rates(tables: TableSet) -> Found:
    bill = tables["bill_of_materials"].columns
    known = np.concatenate([tables.index("failures", "part_id"), tables.index("demand", "part_id")])
    yield from _rows(
        tables,
        ("bill_of_materials", "part_id"),
        np.isnan(bill["failures_per_year"])
        & np.isnan(bill["mtbf_hours"])
        & (bill["parent_part_id"] == "")
        & ~np.isin(tables.index("bill_of_materials", "part_id"), known),
        "part {value!r} has neither failures_per_year nor mtbf_hours, and neither failures nor "
        "demand has it.",
        "Give one of the two, or its counts: in failures, or as estimate_demand(network, "
        "failures=...).",
    )


def _free_parts(tables: TableSet) -> Found:
    yield from _rows(
        tables,
        ("parts", "unit_cost"),
        tables.numbers("parts", "unit_cost") == 0,
        "part {id} costs nothing, so any stock of it is free.",
        "Give the price of one unit.",
    )


def _holding_in_percent(tables: TableSet) -> Found:
    for name in ("parts", "locations", "part_locations"):
        yield from _rows(
            tables,
            (name, "holding_rate"),
            tables.numbers(name, "holding_rate") > 1,
            "{value} per year is more than the unit costs and looks like a percentage.",
            "Write 0.20 for 20 % per year.",
        )


def _resupply_in_hours(tables: TableSet) -> Found:
    for name, column in (("parts", "resupply_days"), ("locations", "replenishment_days")):
        limit = 1825 if name == "parts" else 365
        yield from _rows(
            tables,
            (name, column),
            tables.numbers(name, column) > limit,
            "{value} days is more than " + f"{limit // 365} year{'s' * (limit > 365)}.",
            "Give days, not hours.",
        )


def _lots_of_free_parts(tables: TableSet) -> Found:
    free = tables.numbers("parts", "unit_cost") * tables.numbers("parts", "holding_rate") == 0
    yield from _rows(
        tables,
        ("parts", "order_cost"),
        (tables.numbers("parts", "order_cost") > 0)
        & np.isnan(tables.numbers("parts", "order_quantity"))
        & free,
        "an order of part {id} costs {value}, but holding it costs nothing: no lot is the most "
        "economic, and it is ordered one for one.",
        "Give order_quantity.",
    )


def _parts_inside_others(tables: TableSet) -> Found:
    parents = tables["bill_of_materials"].columns["parent_part_id"]
    yield from _rows(
        tables,
        ("bill_of_materials", "parent_part_id"),
        parents != "",
        "a part that sits in {value!r} is not planned with where shortages are expedited: repairs "
        "are taken to find it in stock.",
        "Raise resupply_days of the part it sits in by the mean wait "
        "(evaluation.indenture_figures).",
    )


def _sites_without_lanes(tables: TableSet) -> Found:
    yield from _rows(
        tables,
        ("sites", "site_id"),
        ~tables.is_reached,
        "no lane goes to the site: all its parts come from outside, in emergency_hours. Its demand "
        "counts at served_by, or at the first location that the outside supply replenishes.",
        "Add a lane if a location can ship there.",
    )


def _no_lanes(tables: TableSet) -> Found:
    if tables.count("sites") and not tables.has_lanes:
        yield Finding(
            "lanes",
            None,
            None,
            None,
            "there are no lanes, so every part reaches every site in 0 hours.",
            "Give lanes with their hours.",
        )


def _used(tables: TableSet) -> Mask:
    """Parts that some machine, the demand table or the usage table names."""
    used = np.zeros(tables.count("parts"), dtype=bool)
    for name in ("bill_of_materials", "demand", "usage"):
        used[tables.index(name, "part_id")] = True
    return used


def _demanded(tables: TableSet) -> Mask:
    """Parts whose demand is not 0 by the tables, in machines or in other parts."""
    installed = np.zeros(tables.count("equipment") + 1, dtype=bool)
    running = tables.numbers("installed_base", "machines") > 0
    installed[tables.index("installed_base", "equipment_id")[running]] = True
    rate = tables.numbers("bill_of_materials", "failures_per_year")
    alive = installed[tables.index("bill_of_materials", "equipment_id")] & ~(rate == 0)
    demanded = np.zeros(tables.count("parts"), dtype=bool)
    demanded[tables.index("bill_of_materials", "part_id")[alive]] = True
    given = tables.numbers("demand", "per_year") > 0
    demanded[tables.index("demand", "part_id")[given]] = True
    demanded[tables.index("usage", "part_id")] = True
    return demanded


def _knows_demand(tables: TableSet) -> bool:
    """Whether the tables say where demand comes from; else it may be given later."""
    return any(tables.count(name) > 0 for name in ("bill_of_materials", "demand", "usage"))


def _unused_parts(tables: TableSet) -> Found:
    if _knows_demand(tables):
        yield from _rows(
            tables,
            ("parts", "part_id"),
            ~_used(tables) & ~_superseding(tables),
            "no machine uses part {id}, and neither demand nor usage has it: it will get no stock.",
            "Add it to bill_of_materials or take it out.",
        )


def _superseding(tables: TableSet) -> Mask:
    """Parts that replace a superseded one."""
    superseding = np.zeros(tables.count("parts"), dtype=bool)
    superseding[tables.index("supersessions", "superseded_by")] = True
    return superseding


def _superseding_parts(tables: TableSet) -> Found:
    if _knows_demand(tables):
        yield from _rows(
            tables,
            ("parts", "part_id"),
            _superseding(tables) & ~_used(tables),
            "part {id} replaces a superseded one, but no machine and no demand names it: today's "
            "rates give it no stock.",
            "forecast_fleet(...).demand() moves the failures to it from its date.",
        )


def _parts_without_demand(tables: TableSet) -> Found:
    if _knows_demand(tables) and (tables.count("installed_base") or tables.count("demand")):
        yield from _rows(
            tables,
            ("parts", "part_id"),
            _used(tables) & ~_demanded(tables),
            "part {id} has no demand: no machine with it is installed, or its rate is 0. "
            "It will get no stock.",
            "Add the machines or the rate.",
        )


def _machines_without_parts(tables: TableSet) -> Found:
    if not tables.count("bill_of_materials"):
        return
    has_parts = np.zeros(tables.count("equipment") + 1, dtype=bool)
    has_parts[tables.index("bill_of_materials", "equipment_id")] = True
    bare = ~has_parts[tables.index("installed_base", "equipment_id")]
    yield from _rows(
        tables,
        ("installed_base", "equipment_id"),
        bare,
        "machine type {value} has no bill of materials, so these machines never fail.",
        "Give the parts of this machine type.",
    )


def _locations_without_demand(tables: TableSet) -> Found:
    """Locations that serve nobody and replenish nobody."""
    by_location = np.concatenate(
        [tables.index("demand", "location_id"), tables.index("usage", "location_id")]
    )
    if not tables.count("sites") and not (by_location >= 0).any():
        return
    reached = np.zeros(tables.count("locations") + 1, dtype=bool)
    for places in (
        by_location,
        tables.serving,
        tables.index("sourcing", "served_by"),
        tables.parents,
        tables.index("part_locations", "replenished_from"),
    ):
        reached[places] = True
    yield from _rows(
        tables,
        ("locations", "location_id"),
        ~reached[:-1],
        "location {id} serves no site and replenishes no location: it will get no stock.",
        "Name it in served_by or replenished_from, or take it out.",
    )


_RULES: tuple[Callable[[TableSet], Found], ...] = (
    _free_parts,
    _holding_in_percent,
    _resupply_in_hours,
    _lots_of_free_parts,
    _unused_parts,
    _superseding_parts,
    _parts_without_demand,
    _locations_without_demand,
    _rates_per_hour,
    _mtbf_not_in_hours,
    _missing_rates,
    _machines_without_parts,
    _no_lanes,
)
_RULES_OF_EXPEDITING: tuple[Callable[[TableSet], Found], ...] = (
    _parts_inside_others,
    _sites_without_lanes,
)
