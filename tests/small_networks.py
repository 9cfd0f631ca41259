"""Tiny named networks, each small enough to solve by hand from its docstring.

Each is a factory of plain dicts of records, so a test may change a table before it is read;
`conftest` gives each as a fixture of the same name.
"""

from __future__ import annotations

import copy
from typing import Any

Tables = dict[str, list[dict[str, Any]]]


def one_location_tables() -> Tables:
    """One part at one location: 12 per year over 30.416... days, a pipeline of exactly 1 unit."""
    return {
        "parts": [{"part_id": "P1", "unit_cost": 100.0, "resupply_days": 365 / 12}],
        "locations": [{"location_id": "DC", "kind": "central"}],
        "demand": [{"part_id": "P1", "location_id": "DC", "per_year": 12.0}],
    }


def two_level_tables() -> Tables:
    """One centre, two forward locations, one machine at each of two customers.

    P1 fails 2 times a year in each machine, P2 once in 8760 hours. Machine A (customer C1) is
    served by F1 over a lane of 2 hours, B (C2) by F2 over 4 hours. P1 is resupplied in 30 days;
    P2 is repaired in 20 days 9 times out of 10 and bought in 60 days otherwise: 24 days.
    """
    return {
        "parts": [
            {"part_id": "P1", "unit_cost": 100.0, "resupply_days": 30.0, "part_group": "A"},
            {
                "part_id": "P2",
                "unit_cost": 50.0,
                "repair_days": 20.0,
                "condemnation_fraction": 0.1,
                "procurement_days": 60.0,
                "part_group": "B",
            },
        ],
        "locations": [
            {"location_id": "DC", "kind": "central"},
            {
                "location_id": "F1",
                "kind": "forward",
                "replenished_from": "DC",
                "replenishment_days": 3.0,
            },
            {
                "location_id": "F2",
                "kind": "forward",
                "replenished_from": "DC",
                "replenishment_days": 2.0,
            },
        ],
        "sites": [
            {"site_id": "A", "served_by": "F1", "customer_id": "C1", "region": "north"},
            {"site_id": "B", "served_by": "F2", "customer_id": "C2", "region": "south"},
        ],
        "equipment": [{"equipment_id": "M"}],
        "bill_of_materials": [
            {"equipment_id": "M", "part_id": "P1", "failures_per_year": 2.0},
            {"equipment_id": "M", "part_id": "P2", "mtbf_hours": 8760.0},
        ],
        "installed_base": [
            {"site_id": "A", "equipment_id": "M", "machines": 1},
            {"site_id": "B", "equipment_id": "M", "machines": 1},
        ],
        "lanes": [
            {"location_id": "F1", "site_id": "A", "hours": 2.0, "cost": 10.0},
            {"location_id": "F2", "site_id": "B", "hours": 4.0, "cost": 20.0},
            {"location_id": "DC", "site_id": "A", "hours": 24.0},
            {"location_id": "DC", "site_id": "B", "hours": 24.0},
        ],
        "commitments": [
            {"commitment_id": "up", "metric": "uptime", "target": 0.95, "customer_id": "C1"},
            {"commitment_id": "fill", "metric": "fill_rate", "target": 0.9},
        ],
    }


def three_level_tables() -> Tables:
    """Two centres, one regional location under the first, and three forward ones.

    F1 and F2 hang under R1, R1 and F3 under DC1; DC2 stands alone and serves site D directly.
    P2 comes to F3 from DC2 instead of DC1. Demand is 1 a year per part and site.
    """
    forward = {"kind": "forward", "replenishment_days": 1.0}
    return {
        "parts": [
            {"part_id": "P1", "unit_cost": 10.0, "resupply_days": 20.0},
            {"part_id": "P2", "unit_cost": 20.0, "resupply_days": 40.0},
        ],
        "locations": [
            {"location_id": "DC1", "kind": "central"},
            {"location_id": "DC2", "kind": "central"},
            {
                "location_id": "R1",
                "kind": "regional",
                "replenished_from": "DC1",
                "replenishment_days": 4.0,
            },
            {"location_id": "F1", "replenished_from": "R1"} | forward,
            {"location_id": "F2", "replenished_from": "R1"} | forward,
            {"location_id": "F3", "replenished_from": "DC1"} | forward,
        ],
        "part_locations": [
            {
                "part_id": "P2",
                "location_id": "F3",
                "replenished_from": "DC2",
                "replenishment_days": 5.0,
                "holding_rate": 0.3,
            },
            {"part_id": "P1", "location_id": "DC2", "resupply_days": 25.0},
            {
                "part_id": "P1",
                "location_id": "F1",
                "local_repair_fraction": 0.25,
                "local_repair_days": 6.0,
            },
            {"part_id": "P2", "location_id": "F2", "stocks_part": False},
        ],
        "sites": [
            {"site_id": site, "served_by": location}
            for site, location in (("A", "F1"), ("B", "F2"), ("C", "F3"), ("D", "DC2"))
        ],
        "demand": [
            {"part_id": part, "site_id": site, "per_year": 1.0}
            for part in ("P1", "P2")
            for site in "ABCD"
        ],
    }


def lives_tables() -> Tables:
    """One part with a life of each outcome: failed at 900 h, running at 1,200 h, and so on."""
    return one_location_tables() | {
        "failures": [
            {"part_id": "P1", "unit_id": "01", "hours": 900.0, "outcome": "failed"},
            {"part_id": "P1", "hours": 1200.0, "outcome": "censored", "date": "2024-05-31"},
            {"part_id": "P1", "hours": 50.0, "outcome": "left", "segment": "hot"},
            {
                "part_id": "P1",
                "entry_hours": 10.0,
                "hours": 100.0,
                "hours_upper": 200.0,
                "outcome": "interval",
                "failure_mode": "bearing",
                "weight": 2.5,
            },
        ]
    }


FACTORIES = (one_location_tables, two_level_tables, three_level_tables, lives_tables)


def changed(tables: Tables, table: str, row: int, **values: Any) -> Tables:
    """Give a copy of the tables with some values of one row changed."""
    copied = copy.deepcopy(tables)
    copied[table][row].update(values)
    return copied
