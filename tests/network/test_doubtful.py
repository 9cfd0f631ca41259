"""Doubtful figures are warnings: one per rule, never an error."""

from __future__ import annotations

from typing import Any

import pytest

from partsplan.network import ServiceNetwork
from small_networks import FACTORIES, Tables, changed


def warnings_of(tables: Tables) -> str:
    network = ServiceNetwork.from_tables(**tables)
    assert "Warnings: none" not in network.summary() or not network.warnings
    return "\n".join(map(str, network.warnings))


def test_sound_networks_have_hardly_any_warnings() -> None:
    told = [warnings_of(factory()) for factory in FACTORIES]
    assert told[:2] == ["", ""]
    assert told[2] == (
        "lanes: there are no lanes, so every part reaches every site in 0 hours. "
        "Give lanes with their hours."
    )


@pytest.mark.parametrize(
    ("table", "values", "message"),
    [
        ("bill_of_materials", {"failures_per_year": 2e-6}, "2e-06 failures per year is less than"),
        (
            "bill_of_materials",
            {"failures_per_year": None, "mtbf_hours": 0.5},
            "0.5 operating hours between failures is less than one hour.",
        ),
        (
            "bill_of_materials",
            {"failures_per_year": None},
            "bill_of_materials row 1, column part_id: part 'P1' has neither failures_per_year nor "
            "mtbf_hours, and neither failures nor demand has it. Give one of the two, or its",
        ),
        ("parts", {"unit_cost": 0}, "part 'P1' costs nothing"),
        ("parts", {"holding_rate": 20}, "20 per year is more than the unit costs"),
        ("locations", {"holding_rate": 20}, "locations row 1, column holding_rate: 20 per year"),
        ("parts", {"resupply_days": 4000}, "4000 days is more than 5 years. Give days, not hours."),
        (
            "parts",
            {"order_cost": 5, "holding_rate": 0},
            "an order of part 'P1' costs 5, but holding it costs nothing: no lot",
        ),
        ("bill_of_materials", {"failures_per_year": 0}, "part 'P1' has no demand"),
    ],
)
def test_doubtful_values(
    table: str, values: dict[str, Any], message: str, two_level_tables: Tables
) -> None:
    assert message in warnings_of(changed(two_level_tables, table, 0, **values))


def test_parts_inside_others(two_level_tables: Tables) -> None:
    two_level_tables["parts"].append({"part_id": "S", "unit_cost": 1, "resupply_days": 1})
    inside = {"equipment_id": "M", "part_id": "S", "parent_part_id": "P1", "cause_fraction": 0.5}
    two_level_tables["bill_of_materials"].append(inside)
    assert warnings_of(two_level_tables) == ""
    for part in two_level_tables["parts"][:-1]:
        part["emergency_hours"] = 12
    network = ServiceNetwork.from_tables(**two_level_tables, shortages="expedite")
    assert "\n".join(map(str, network.warnings)) == (
        "bill_of_materials row 3, column parent_part_id: a part that sits in 'P1' is not planned "
        "with where shortages are expedited: repairs are taken to find it in stock. Raise "
        "resupply_days of the part it sits in by the mean wait (evaluation.indenture_figures)."
    )


def test_parts_that_nothing_uses(two_level_tables: Tables) -> None:
    two_level_tables["parts"] += [
        {"part_id": f"X{number}", "unit_cost": 1, "resupply_days": 1} for number in range(3)
    ]
    assert warnings_of(two_level_tables) == (
        "parts row 3, column part_id: no machine uses part 'X0', and neither demand nor usage "
        "has it: it will get no stock. 2 more rows like it. Add it to bill_of_materials or take it "
        "out."
    )


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("failures", {"part_id": "P1", "failures": 3, "operating_hours": 9000}),
        ("demand", {"part_id": "P1", "location_id": "F1", "per_year": 3}),
    ],
)
def test_rates_that_counts_or_demand_give(
    table: str, row: dict[str, Any], two_level_tables: Tables
) -> None:
    tables = changed(two_level_tables, "bill_of_materials", 0, failures_per_year=None)
    assert warnings_of(tables | {table: [row]}) == ""


def test_locations_that_nothing_reaches(two_level_tables: Tables) -> None:
    two_level_tables["locations"].append({"location_id": "DC2", "kind": "central"})
    assert "location 'DC2' serves no site and replenishes no location" in warnings_of(
        two_level_tables
    )


def test_machines_without_parts(two_level_tables: Tables) -> None:
    two_level_tables["equipment"].append({"equipment_id": "N"})
    two_level_tables["installed_base"].append({"site_id": "A", "equipment_id": "N", "machines": 1})
    assert "machine type N has no bill of materials" in warnings_of(two_level_tables)


def test_no_word_on_demand_that_may_come_later(two_level_tables: Tables) -> None:
    only = {name: two_level_tables[name] for name in ("parts", "locations")}
    assert warnings_of(only) == ""


def test_a_superseding_part_is_told_apart_from_an_unused_one(two_level_tables: Tables) -> None:
    two_level_tables["parts"].append({"part_id": "P3", "unit_cost": 1, "resupply_days": 1})
    two_level_tables["supersessions"] = [{"part_id": "P1", "superseded_by": "P3"}]
    assert warnings_of(two_level_tables) == (
        "parts row 3, column part_id: part 'P3' replaces a superseded one, but no machine and no "
        "demand names it: today's rates give it no stock. forecast_fleet(...).demand() moves the "
        "failures to it from its date."
    )
