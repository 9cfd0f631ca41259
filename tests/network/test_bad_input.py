"""Every kind of bad input gets its own clear finding, told by its message."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from partsplan.errors import InputError
from partsplan.network import ServiceNetwork
from small_networks import Tables, two_level_tables

Change = Callable[[Tables], None]


def put(table: str, row: int, **values: Any) -> Change:
    """Change values of one row."""
    return lambda tables: tables[table][row].update(values)


def add(table: str, **values: Any) -> Change:
    """Add a row."""
    return lambda tables: tables.setdefault(table, []).append(values)


def drop(table: str, row: int, column: str) -> Change:
    """Take a value away."""

    def change(tables: Tables) -> None:
        del tables[table][row][column]

    return change


def without(*names: str) -> Change:
    """Take tables away."""

    def change(tables: Tables) -> None:
        for name in names:
            del tables[name]

    return change


def both(*changes: Change) -> Change:
    """Make several changes."""

    def change(tables: Tables) -> None:
        for one in changes:
            one(tables)

    return change


def given(name: str, source: Any) -> Change:
    """Give a table as it stands."""
    return lambda tables: tables.update({name: source})


COMMIT: dict[str, Any] = {"commitment_id": "new", "metric": "fill_rate", "target": 0.9}
STOCK: dict[str, Any] = {"part_id": "P1", "location_id": "F1"}
DEMAND: dict[str, Any] = {"part_id": "P1", "location_id": "F1", "per_year": 1.0}
BY_LOCATION = both(
    without("commitments", "installed_base", "bill_of_materials"), add("demand", **DEMAND)
)

CASES: dict[str, tuple[Change, str]] = {
    "no parts": (without("parts"), "parts: there is no parts table. parts and locations are"),
    "no locations": (without("locations"), "locations: there is no locations table."),
    "empty parts": (given("parts", []), "parts: the parts table has no rows. Give at least one"),
    "empty frame": (
        given("locations", {"location_id": [], "kind": []}),
        "locations: the locations table has no rows.",
    ),
    "negative cost": (
        put("parts", 0, unit_cost=-1),
        "parts row 1, column unit_cost: -1 is below 0. Give an amount of money, 0 or more.",
    ),
    "NaN cost": (
        put("parts", 1, unit_cost=math.nan),
        "parts row 2, column unit_cost: is empty, but every row needs it.",
    ),
    "infinite cost": (
        put("parts", 0, unit_cost=math.inf),
        "parts row 1, column unit_cost: inf is not a finite number.",
    ),
    "infinite cost as text": (
        put("parts", 0, unit_cost="-Infinity"),
        "'-Infinity' is not a finite number.",
    ),
    "absurd cost": (put("parts", 0, unit_cost=1e300), "1e+300 is above 1e+15."),
    "huge whole number": (put("parts", 0, unit_cost=10**400), "is not a finite number."),
    "no cost at all": (
        both(drop("parts", 0, "unit_cost"), drop("parts", 1, "unit_cost")),
        "parts, column unit_cost: the column unit_cost is missing. Add it, or give yours this",
    ),
    "cost in words": (put("parts", 0, unit_cost="ten"), "'ten' is not a number."),
    "decimal comma": (
        put("parts", 0, unit_cost="12,50"),
        "'12,50' has a decimal comma or a thousands separator. Write 12.50 with a decimal point.",
    ),
    "thousands and comma": (put("parts", 0, unit_cost="1.234,5"), "'1.234,5' has a decimal comma"),
    "underscore": (put("parts", 0, unit_cost="1_000"), "'1_000' is not a number."),
    "bool as number": (put("parts", 0, unit_cost=True), "column unit_cost: True is not a number."),
    "list as number": (put("parts", 0, unit_cost=[1, 2]), "[1, 2] is not a number."),
    "date as number": (put("parts", 0, unit_cost=dt.date(2024, 1, 1)), "2024-01-01 is not a numb"),
    "negative days": (put("parts", 0, resupply_days=-3), "-3 is below 0. Give a number of days"),
    "infinite days": (put("parts", 0, resupply_days="inf"), "'inf' is not a finite number."),
    "condemnation in percent": (
        put("parts", 1, condemnation_fraction=10),
        "parts row 2, column condemnation_fraction: 10 is above 1. Write 0.1 for 10 %.",
    ),
    "negative share": (put("parts", 1, condemnation_fraction=-0.1), "-0.1 is below 0."),
    "fractional id": (
        put("parts", 0, part_id=1.5),
        "parts row 1, column part_id: 1.5 is a fractional number, not an id. Give ids as text.",
    ),
    "bool as id": (put("parts", 0, part_id=True), "True is a bool, not an id."),
    "date as id": (put("parts", 0, part_id=dt.date(2024, 1, 1)), "2024-01-01 is a date, not an"),
    "infinite id": (put("parts", 0, part_id=math.inf), "inf is a fractional number, not an id."),
    "list as id": (put("parts", 0, part_id=["P1"]), "is a list, not an id."),
    "bytes as id": (put("parts", 0, part_id=b"P1"), "is a bytes, not an id."),
    "blanks around an id": (
        put("parts", 0, part_id=" P1"),
        "' P1' has blanks around it. Write 'P1'.",
    ),
    "empty id": (put("parts", 0, part_id=""), "column part_id: is empty, but every row needs it."),
    "None id": (put("sites", 0, site_id=None), "sites row 1, column site_id: is empty, but"),
    "duplicate part": (
        put("parts", 1, part_id="P1"),
        "parts row 2, column part_id: 'P1' is already in row 1. Keep one row.",
    ),
    "duplicate part as number": (
        both(put("parts", 0, part_id=7), put("parts", 1, part_id="7")),
        "'7' is already in row 1.",
    ),
    "two parents": (
        add(
            "locations",
            location_id="F1",
            kind="forward",
            replenished_from="F2",
            replenishment_days=1,
        ),
        "locations row 4, column location_id: 'F1' is already in row 2.",
    ),
    "two sources of a part": (
        both(
            add("part_locations", part_id="P1", location_id="F1", holding_rate=0.1),
            add(
                "part_locations",
                part_id="P1",
                location_id="F1",
                replenished_from="F2",
                replenishment_days=1,
            ),
        ),
        "part_locations row 2, column part_id: 'P1', 'F1' is already in row 1.",
    ),
    "duplicate lane": (
        add("lanes", location_id="F1", site_id="A", hours=1),
        "lanes row 5, column location_id: 'F1', 'A' is already in row 1.",
    ),
    "duplicate machine row": (
        add("installed_base", site_id="A", equipment_id="M", machines=2),
        "installed_base row 3, column site_id: 'A', 'M' is already in row 1.",
    ),
    "duplicate start": (
        both(
            put("installed_base", 0, start_date="2024-01-01"),
            add(
                "installed_base",
                site_id="A",
                equipment_id="M",
                machines=2,
                start_date=dt.date(2024, 1, 1),
            ),
        ),
        "'A', 'M', 2024-01-01 is already in row 1.",
    ),
    "duplicate part in machine": (
        add("bill_of_materials", equipment_id="M", part_id="P1", failures_per_year=1),
        "bill_of_materials row 3, column equipment_id: 'M', 'P1' is already in row 1.",
    ),
    "duplicate commitment": (
        put("commitments", 1, commitment_id="up"),
        "commitments row 2, column commitment_id: 'up' is already in row 1.",
    ),
    "duplicate stock": (
        both(add("stock", **STOCK, base_stock=1), add("stock", **STOCK, base_stock=2)),
        "stock row 2, column part_id: 'P1', 'F1' is already in row 1.",
    ),
    "unknown column": (
        put("parts", 0, unitcost=3),
        "parts, column unitcost: 'unitcost' is not a column of parts. "
        "Known columns are part_id, unit_cost",
    ),
    "near column": (
        both(put("parts", 0, resuply_cv=3)),
        "'resuply_cv' is not a column of parts. Did you mean 'resupply_cv'?",
    ),
    "column in capitals": (
        put("sites", 0, REGION="x", customer_id="C1"),
        "'REGION' is not a column of sites.",
    ),
    "unknown location": (
        put("lanes", 0, location_id="F11"),
        "lanes row 1, column location_id: 'F11' is not a location. Did you mean 'F1'?",
    ),
    "id in other case": (put("lanes", 0, site_id="a"), "'a' is not a site. Did you mean 'A'?"),
    "lost leading zero": (
        both(put("parts", 0, part_id="007"), put("bill_of_materials", 0, part_id=7)),
        "bill_of_materials row 1, column part_id: '7' is not a part. Did you mean '007'?",
    ),
    "unknown part": (
        put("bill_of_materials", 0, part_id="XYZ"),
        "'XYZ' is not a part. Add it to parts or mend the id, or leave the row out.",
    ),
    "unknown machine type": (
        put("installed_base", 0, equipment_id="N"),
        "installed_base row 1, column equipment_id: 'N' is not a machine type.",
    ),
    "unknown source": (
        put("locations", 1, replenished_from="DDC"),
        "locations row 2, column replenished_from: 'DDC' is not a location. Did you mean 'DC'?",
    ),
    "unknown serving location": (put("sites", 0, served_by="Q"), "'Q' is not a location."),
    "unknown parent part": (
        both(
            drop("bill_of_materials", 1, "mtbf_hours"),
            put("bill_of_materials", 1, parent_part_id="P9", cause_fraction=0.5),
        ),
        "column parent_part_id: 'P9' is not a part.",
    ),
    "no sites table": (
        without("sites", "lanes", "commitments"),
        "installed_base row 1, column site_id: 'A' is not a site: there is no sites table.",
    ),
    "no equipment table": (
        without("equipment"),
        "bill_of_materials row 1, column equipment_id: 'M' is not a machine type: there is no "
        "equipment table.",
    ),
    "wrong kind": (
        put("locations", 0, kind="centrl"),
        "'centrl' is not one of central, regional, forward, van, customer. Did you mean 'central'",
    ),
    "kind is a number": (put("locations", 0, kind=1), "1 is not one of central, regional,"),
    "stocks_parts in words": (
        put("locations", 0, stocks_parts="maybe"),
        "'maybe' is not true or false. Write true or false.",
    ),
    "stocks_parts 2": (put("locations", 0, stocks_parts=2), "2 is not true or false."),
    "latitude": (
        put("locations", 0, latitude=91, longitude=0),
        "91 is above 90. Give degrees from -90 to 90.",
    ),
    "latitude alone": (put("locations", 0, latitude=9), "latitude 9.0 is given without longitude"),
    "no replenishment time": (
        drop("locations", 1, "replenishment_days"),
        "locations row 2, column replenishment_days: is empty, but the location is replenished "
        "from 'DC'.",
    ),
    "replenishment time at a root": (
        put("locations", 0, replenishment_days=9),
        "9 days are given without replenished_from.",
    ),
    "from itself": (
        put("locations", 1, replenished_from="F1"),
        "locations row 2, column replenished_from: 'F1' is replenished from itself.",
    ),
    "cycle": (
        both(
            put("locations", 1, replenished_from="F2"),
            put("locations", 2, replenished_from="F1"),
        ),
        "replenishment runs in a circle: 'F1' from 'F2' from 'F1'.",
    ),
    "cycle of one part": (
        both(
            add(
                "part_locations",
                part_id="P2",
                location_id="F1",
                replenished_from="F2",
                replenishment_days=1,
            ),
            add(
                "part_locations",
                part_id="P2",
                location_id="F2",
                replenished_from="F1",
                replenishment_days=1,
            ),
        ),
        "replenishment runs in a circle: 'F1' from 'F2' from 'F1', for part 'P2'.",
    ),
    "own source without time": (
        add("part_locations", part_id="P2", location_id="F1", replenished_from="F2"),
        "column replenishment_days: is empty, but the part is replenished from 'F2' here.",
    ),
    "own time at a root": (
        add("part_locations", part_id="P2", location_id="DC", replenishment_days=4),
        "4 days are given, but 'DC' is replenished from outside.",
    ),
    "resupply below a root": (
        add("part_locations", part_id="P2", location_id="F1", resupply_days=4),
        "resupply_days are given, but 'F1' is replenished from 'DC'.",
    ),
    "repair without time": (
        add("part_locations", part_id="P2", location_id="F1", local_repair_fraction=0.5),
        "column local_repair_days: is empty, but local_repair_fraction is 0.5.",
    ),
    "no resupply time": (
        drop("parts", 0, "resupply_days"),
        "parts row 1, column resupply_days: is empty, and part_locations has none for the part "
        "at 'DC' either.",
    ),
    "two resupply times": (
        put("parts", 0, repair_days=9),
        "resupply_days 30.0 and repair_days 9.0 are both given.",
    ),
    "no procurement time": (
        drop("parts", 1, "procurement_days"),
        "condemnation_fraction is 0.1, but procurement_days is empty.",
    ),
    "no repair time": (
        drop("parts", 1, "repair_days"),
        "procurement_days is given, but repair_days is empty and condemnation_fraction is 0.1.",
    ),
    "lots below the top": (
        put("locations", 0, order_quantity=4),
        "'order_quantity' is not a column of locations. Give order_quantity in parts: only the top",
    ),
    "order of a fraction": (
        put("parts", 0, order_quantity=2.5),
        "2.5 is not a whole number. Give a whole number, 1 or more",
    ),
    "order of nothing": (put("parts", 0, order_quantity=0), "0 is below 1. Give a whole number"),
    "site served by nobody": (
        both(without("lanes"), drop("sites", 0, "served_by")),
        "sites row 1, column served_by: is empty, and there are no lanes.",
    ),
    "site without any lane": (
        both(
            drop("sites", 0, "served_by"),
            given("lanes", [{"location_id": "F2", "site_id": "B", "hours": 4}]),
        ),
        "sites row 1, column served_by: is empty, and no lane goes to the site.",
    ),
    "site without its lane": (
        put("sites", 0, served_by="F2"),
        "sites row 1, column served_by: there is no lane from 'F2' to site 'A'.",
    ),
    "sourcing without lane": (
        add("sourcing", site_id="A", part_id="P1", served_by="F2"),
        "sourcing row 1, column served_by: there is no lane from 'F2' to site 'A'.",
    ),
    "negative hours": (put("lanes", 0, hours=-1), "lanes row 1, column hours: -1 is below 0."),
    "two rates": (
        put("bill_of_materials", 0, mtbf_hours=100),
        "failures_per_year 2.0 and mtbf_hours 100.0 are both given.",
    ),
    "mtbf 0": (put("bill_of_materials", 1, mtbf_hours=0), "0 is not above 0. Give a number of"),
    "fractional quantity": (
        put("bill_of_materials", 0, quantity=1.5),
        "1.5 is not a whole number. Give a whole number, 1 or more.",
    ),
    "stopping in percent": (
        put("bill_of_materials", 0, stopping_fraction=50),
        "50 is above 1. Write 0.5 for 50 %.",
    ),
    "SRU with a rate": (
        put("bill_of_materials", 1, parent_part_id="P1", cause_fraction=0.5),
        "a failure rate is given for a part that sits in 'P1'.",
    ),
    "SRU without share": (
        both(
            drop("bill_of_materials", 1, "mtbf_hours"),
            put("bill_of_materials", 1, parent_part_id="P1"),
        ),
        "column cause_fraction: is empty, but the part sits in 'P1'.",
    ),
    "share without LRU": (
        put("bill_of_materials", 1, cause_fraction=0.5),
        "cause_fraction 0.5 is given without parent_part_id.",
    ),
    "LRU not in machine": (
        both(
            add("parts", part_id="P3", unit_cost=1, resupply_days=1),
            add(
                "bill_of_materials",
                equipment_id="M",
                part_id="P2",
                parent_part_id="P3",
                cause_fraction=0.1,
            ),
        ),
        "'P3' is not in the bill of materials of 'M'.",
    ),
    "indenture cycle": (
        both(
            drop("bill_of_materials", 0, "failures_per_year"),
            drop("bill_of_materials", 1, "mtbf_hours"),
            put("bill_of_materials", 0, parent_part_id="P2", cause_fraction=0.5),
            put("bill_of_materials", 1, parent_part_id="P1", cause_fraction=0.5),
        ),
        "parts sit in each other in a circle: 'P1' in 'P2' in 'P1'.",
    ),
    "part in itself": (
        both(
            drop("bill_of_materials", 1, "mtbf_hours"),
            put("bill_of_materials", 1, parent_part_id="P2", cause_fraction=0.5),
        ),
        "'P2' sits in itself.",
    ),
    "half a machine": (put("installed_base", 0, machines=0.5), "0.5 is not a whole number."),
    "negative machines": (put("installed_base", 0, machines=-1), "-1 is below 0."),
    "9000 hours a year": (
        put("installed_base", 0, hours_per_year=9000),
        "9000 is above 8760. Give operating hours per year, 0 to 8760.",
    ),
    "dates reversed": (
        put("installed_base", 0, start_date="2025-01-01", end_date="2024-01-01"),
        "installed_base row 1, column end_date: 2024-01-01 is not after start_date 2025-01-01.",
    ),
    "date in another order": (
        put("installed_base", 0, start_date="01.02.2024"),
        "'01.02.2024' is not a date. Write 2024-02-01.",
    ),
    "date that is not": (put("installed_base", 0, start_date="2024-02-30"), "'2024-02-30' is not"),
    "start date as number": (
        put("installed_base", 0, start_date=20240101),
        "20240101 is not a date.",
    ),
    "date out of time": (put("installed_base", 0, start_date="1024-01-01"), "not between 1900"),
    "target in percent": (
        put("commitments", 0, target=95),
        "commitments row 1, column target: 95 is not a share strictly between 0 and 1. "
        "Write 0.95 for 95 %.",
    ),
    "target 99.5": (put("commitments", 0, target=99.5), "Write 0.995 for 99.5 %."),
    "uptime 1.0": (
        put("commitments", 0, target=1.0),
        "1 is not a share strictly between 0 and 1. Give a share below 1; 100 % can never be",
    ),
    "uptime 100": (put("commitments", 0, target=100), "Give a share below 1; 100 % can never be"),
    "target 0": (put("commitments", 1, target=0), "0 is not a share strictly between 0 and 1."),
    "negative wait": (
        add("commitments", commitment_id="w", metric="mean_wait", target=-1),
        "commitments row 3, column target: -1 is below 0.",
    ),
    "wrong metric": (
        put("commitments", 0, metric="Uptime"),
        "'Uptime' is not one of uptime, response, fill_rate, mean_wait. Did you mean 'uptime'?",
    ),
    "response without hours": (
        put("commitments", 1, metric="response"),
        "column within_hours: is empty, but a response commitment needs it.",
    ),
    "hours without response": (
        put("commitments", 1, within_hours=4),
        "4 hours are given for a commitment on fill_rate.",
    ),
    "wrong each": (
        put("commitments", 1, each="customers"),
        "'customers' is not one of customer, region, site, equipment, location, part_group. "
        "Did you mean 'customer'?",
    ),
    "unknown customer": (
        put("commitments", 0, customer_id="C11"),
        "'C11' is not the customer_id of a site. Did you mean 'C1'?",
    ),
    "unknown region": (put("commitments", 1, region="nort"), "'nort' is not the region of a site"),
    "unknown part group": (put("commitments", 1, part_group="Z"), "'Z' is not the part_group of"),
    "no site in scope": (
        put("commitments", 0, region="south"),
        "the scope is empty: no site has customer_id 'C1' and region 'south'.",
    ),
    "no part in scope": (
        put("commitments", 1, part_id="P1", part_group="B"),
        "the scope is empty: part 'P1' is not in part_group 'B'.",
    ),
    "no machine in scope": (
        both(
            add("sites", site_id="Z", served_by="F1", customer_id="C9"),
            add("lanes", location_id="F1", site_id="Z", hours=1),
            put("commitments", 0, customer_id="C9"),
        ),
        "column customer_id: the scope is empty: no machine is installed in its scope.",
    ),
    "no such machine in scope": (
        both(add("equipment", equipment_id="N"), put("commitments", 0, equipment_id="N")),
        "column equipment_id: the scope is empty: no machine of type 'N' is installed",
    ),
    "part in no machine of the scope": (
        both(
            add("parts", part_id="P3", unit_cost=1, resupply_days=1, part_group="C"),
            put("commitments", 1, part_group="C"),
        ),
        "the scope is empty: no machine in its scope has a part of part_group 'C'.",
    ),
    "location serves nobody": (
        put("commitments", 1, location_id="DC"),
        "the scope is empty: location 'DC' serves no site in its scope.",
    ),
    "location serves others": (
        put("commitments", 1, location_id="F1", customer_id="C2"),
        "the scope is empty: location 'F1' serves no site in its scope.",
    ),
    "uptime without machines": (
        both(without("installed_base"), given("commitments", [COMMIT | {"metric": "uptime"}])),
        "column metric: an uptime commitment needs installed_base.",
    ),
    "customer with demand by location": (
        both(BY_LOCATION, add("commitments", **COMMIT, customer_id="C1")),
        "column customer_id: 'C1' is named, but demand is given by location.",
    ),
    "each site with demand by location": (
        both(BY_LOCATION, add("commitments", **COMMIT, each="site")),
        "column each: 'site' is asked for, but demand is given by location.",
    ),
    "no demand at location": (
        both(BY_LOCATION, add("commitments", **COMMIT, location_id="F2")),
        "the scope is empty: no demand is given at location 'F2'.",
    ),
    "each region without regions": (
        both(
            drop("sites", 0, "region"),
            drop("sites", 1, "region"),
            add("commitments", **COMMIT, each="region"),
        ),
        "commitments row 3, column each: the scope is empty: each is 'region', but no site with "
        "demand in its scope has a region. Fill region in sites, or leave each empty.",
    ),
    "each customer of sites without one": (
        both(
            drop("sites", 1, "customer_id"),
            add("commitments", **COMMIT, each="customer", region="south"),
        ),
        "each is 'customer', but no site with demand in its scope has a customer_id.",
    ),
    "each region where no machine is": (
        both(
            drop("sites", 0, "region"),
            given("installed_base", [{"site_id": "A", "equipment_id": "M", "machines": 1}]),
            put("commitments", 1, each="region"),
        ),
        "each is 'region', but no site with demand in its scope has a region.",
    ),
    "each part group without groups": (
        both(
            drop("parts", 1, "part_group"),
            add("commitments", **COMMIT, each="part_group", part_id="P2"),
        ),
        "each is 'part_group', but no part with demand in its scope has a part_group. "
        "Fill part_group in parts, or leave each empty.",
    ),
    "each part group with demand by location": (
        both(
            BY_LOCATION,
            drop("parts", 0, "part_group"),
            add("commitments", **COMMIT, each="part_group"),
        ),
        "each is 'part_group', but no part with demand in its scope has a part_group.",
    ),
    "each site without sites": (
        both(
            without("commitments", "installed_base", "bill_of_materials", "sites", "lanes"),
            add("commitments", **COMMIT, each="site"),
        ),
        "each is 'site', but no site with demand is in its scope. "
        "Give its machines in installed_base, or leave each empty.",
    ),
    "each equipment without machines": (
        both(
            without("commitments", "installed_base"),
            add("commitments", **COMMIT, each="equipment"),
        ),
        "each is 'equipment', but no machine is installed in its scope.",
    ),
    "named as a value of each": (
        both(
            add("commitments", **COMMIT, each="customer"),
            add("commitments", **COMMIT | {"commitment_id": "new:C1"}),
        ),
        "commitments row 4, column commitment_id: 'new:C1' is also the id that 'new' makes for a "
        "customer. Rename one of the two.",
    ),
    "named alike by two eaches": (
        both(
            put("sites", 0, customer_id="C1:north"),
            put("commitments", 0, customer_id="C2"),
            add("commitments", **COMMIT | {"commitment_id": "new:C1"}, each="region"),
            add("commitments", **COMMIT, each="customer"),
        ),
        "commitments row 3, column commitment_id: 'new:C1:north' is also the id that 'new' makes",
    ),
    "minimum above maximum": (
        add("stock", **STOCK, minimum=5, maximum=4),
        "stock row 1, column minimum: minimum 5 is above maximum 4.",
    ),
    "fixed below minimum": (add("stock", **STOCK, minimum=5, fixed=4), "fixed 4 is below minimum"),
    "fixed above maximum": (add("stock", **STOCK, maximum=3, fixed=4), "fixed 4 is above maximum"),
    "fractional stock": (add("stock", **STOCK, base_stock=1.5), "1.5 is not a whole number."),
    "negative stock": (add("stock", **STOCK, on_hand=-1), "column on_hand: -1 is below 0."),
    "minimum where no stock may be": (
        both(put("locations", 1, stocks_parts=False), add("stock", **STOCK, minimum=1)),
        "minimum 1 is asked for where the part may not be stocked ('F1').",
    ),
    "demand of nobody": (
        add("demand", part_id="P1", per_year=1),
        "demand row 1, column location_id: location_id and site_id are both empty.",
    ),
    "demand of both": (
        add("demand", **DEMAND, site_id="A"),
        "location_id 'F1' and site_id 'A' are both given.",
    ),
    "negative demand": (add("demand", **DEMAND | {"per_year": -1}), "-1 is below 0. Give a number"),
    "rate shape 0": (add("demand", **DEMAND, rate_shape=0), "0 is not above 0. Give a gamma shape"),
    "ratio below 1": (add("demand", **DEMAND, variance_to_mean=0.5), "0.5 is below 1."),
    "two shapes of a part": (
        both(
            add("demand", **DEMAND, rate_shape=2),
            add("demand", **DEMAND | {"location_id": "F2"}, rate_shape=3),
        ),
        "demand row 2, column rate_shape: rate_shape 3 differs from another row of part 'P1'.",
    ),
    "fractional failures": (
        add("failures", part_id="P1", failures=1.5, operating_hours=100),
        "failures row 1, column failures: 1.5 is not a whole number.",
    ),
    "no hours": (
        add("failures", part_id="P1", failures=1),
        "the column operating_hours is missing",
    ),
    "counts and lives": (
        given("failures", [{"part_id": "P1", "failures": 3, "outcome": "failed"}]),
        "columns of two kinds of failures are mixed: failures and outcome.",
    ),
    "superseded by itself": (
        add("supersessions", part_id="P1", superseded_by="P1"),
        "supersessions row 1, column superseded_by: 'P1' is superseded by itself. Name the new",
    ),
    "superseded by an unknown part": (
        add("supersessions", part_id="P1", superseded_by="P22"),
        "supersessions row 1, column superseded_by: 'P22' is not a part. Did you mean 'P2'?",
    ),
    "superseded twice": (
        both(
            add("supersessions", part_id="P1", superseded_by="P2"),
            add("supersessions", part_id="P1", superseded_by="P2", from_date="2026-01-01"),
        ),
        "supersessions row 2, column part_id: 'P1' is already in row 1. Keep one row.",
    ),
    "superseded in a circle": (
        both(
            add("supersessions", part_id="P1", superseded_by="P2"),
            add("supersessions", part_id="P2", superseded_by="P1"),
        ),
        "supersessions row 1, column superseded_by: supersession runs in a circle: 'P1' by 'P2' "
        "by 'P1'. Take out the row of the number that stays.",
    ),
    "supersession on no day": (
        add("supersessions", part_id="P1", superseded_by="P2", from_date="soon"),
        "supersessions row 1, column from_date: 'soon' is not a date. Write it as YYYY-MM-DD.",
    ),
    "supersession by nothing": (
        add("supersessions", part_id="P1"),
        "supersessions, column superseded_by: the column superseded_by is missing.",
    ),
    "a text for a table": (
        given("parts", "parts.csv"),
        "parts: 'parts.csv' is a text, not a table",
    ),
    "a number for a table": (given("parts", 3), "parts: an object of type int is not a table."),
    "a plain array": (
        given("parts", np.zeros((2, 2))),
        "parts: an object of type ndarray is not a table.",
    ),
    "columns of unequal length": (
        given("parts", {"part_id": ["P1", "P2"], "unit_cost": [1]}),
        "parts: the columns differ in length: part_id 2, unit_cost 1.",
    ),
    "a single value for a column": (
        given("parts", {"part_id": "P1", "unit_cost": [1]}),
        "parts, column part_id: 'P1' is not a list of values.",
    ),
    "a column without a name": (given("parts", {0: ["P1"]}), "parts: 0 is not a column name."),
    "a row that is no record": (
        given("parts", [{"part_id": "P1", "unit_cost": 1}, 5]),
        "parts row 2: 5 is not a record. Give each row as a dict or a pydantic object.",
    ),
    "a record with a nameless value": (
        given("parts", [{"part_id": "P1", None: 1}]),
        "parts: None is not a column name.",
    ),
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_bad_input_gets_a_clear_finding(case: str) -> None:
    change, message = CASES[case]
    tables = two_level_tables()
    change(tables)
    with pytest.raises(InputError) as caught:
        ServiceNetwork.from_tables(**tables)
    assert message in str(caught.value)


def test_there_are_enough_kinds() -> None:
    assert len(CASES) >= 80


def test_all_findings_of_all_tables_come_at_once() -> None:
    tables = two_level_tables()
    tables["parts"][0]["unit_cost"] = -1
    tables["parts"][1]["unit_cost"] = None
    tables["sites"][1]["served_by"] = "F9"
    tables["lanes"][0]["hours"] = "x"
    tables["commitments"][0]["target"] = 95
    with pytest.raises(InputError) as caught:
        ServiceNetwork.from_tables(**tables)
    places = [(f.table, f.row, f.column) for f in caught.value.findings]
    assert places == [
        ("parts", 1, "unit_cost"),
        ("parts", 2, "unit_cost"),
        ("sites", 2, "served_by"),
        ("lanes", 1, "hours"),
        ("commitments", 1, "target"),
    ]
    assert [f.value for f in caught.value.findings] == [-1, None, "F9", "x", 95.0]


def test_one_fault_is_not_echoed_by_others() -> None:
    tables = two_level_tables()
    tables["parts"][0]["part_id"] = 1.5
    tables["locations"][0]["location_id"] = None
    with pytest.raises(InputError) as caught:
        ServiceNetwork.from_tables(**tables)
    assert len(caught.value.findings) == 2


def test_a_million_equal_faults_stay_readable() -> None:
    tables: dict[str, Any] = two_level_tables()
    ids = [f"P{number}" for number in range(3000)]
    tables["parts"] = {"part_id": ids, "unit_cost": np.full(3000, -1.0)}
    with pytest.raises(InputError) as caught:
        ServiceNetwork.from_tables(**tables)
    mine = [f for f in caught.value.findings if f.column == "unit_cost"]
    assert len(mine) == 1001
    assert mine[-1].rule == "2000 more rows have the same fault."


def test_keys_of_three_columns_are_told_apart() -> None:
    tables: dict[str, Any] = two_level_tables()
    rows = [
        {"part_id": "P1", "location_id": f"L{n}", "site_id": f"S{n}", "per_year": 1}
        for n in range(3)
    ]
    tables["demand"] = [*rows, rows[1]]
    with pytest.raises(InputError, match="'P1', 'L1', 'S1' is already in row 2"):
        ServiceNetwork.from_tables(**tables)


@pytest.mark.parametrize(
    "change",
    [
        add("commitments", **COMMIT, each="customer", region="north"),
        both(drop("sites", 0, "region"), add("commitments", **COMMIT, each="region")),
        add("commitments", **COMMIT, each="site", location_id="F1", part_id="P1"),
        add("commitments", **COMMIT, each="equipment", part_group="A"),
        add("commitments", **COMMIT, each="location"),
        both(BY_LOCATION, add("commitments", **COMMIT, each="part_group")),
        both(
            add("commitments", **COMMIT, each="customer", region="north"),
            add("commitments", **COMMIT | {"commitment_id": "new:C2"}),
        ),
    ],
)
def test_each_over_some_values_is_sound(change: Change) -> None:
    tables = two_level_tables()
    change(tables)
    assert len(ServiceNetwork.from_tables(**tables).commitments) == len(tables["commitments"])
