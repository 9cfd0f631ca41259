"""Rules of networks whose shortages are expedited, and of vans, told by their messages."""

from __future__ import annotations

import re
from typing import Any

import pytest

from partsplan.errors import InputError
from partsplan.network import ServiceNetwork
from small_networks import Tables, changed, three_level_tables, two_level_tables


def expedited_tables() -> Tables:
    """`two_level_tables` with emergency supply in 24 hours for both parts."""
    tables = two_level_tables()
    for part in tables["parts"]:
        part.update(emergency_hours=24.0, emergency_cost=500.0)
    return tables


def refused(tables: Tables, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        ServiceNetwork.from_tables(**tables, **options)
    return str(caught.value)


def test_expedited_network() -> None:
    network = ServiceNetwork.from_tables(**expedited_tables(), shortages="expedite")
    assert network.shortages == "expedite"
    assert "Shortages: are expedited" in network.summary()
    assert network.replace(stock=None).shortages == "expedite"


def test_no_emergency_supply() -> None:
    tables = changed(expedited_tables(), "parts", 1, emergency_hours=None)
    assert refused(tables, shortages="expedite") == (
        "1 finding\n"
        "  parts row 2, column emergency_hours: is empty, so nothing supplies part 'P2' when every "
        "location with a lane to the site is out of stock. Give the hours of an emergency shipment "
        "from outside, or let shortages wait."
    )
    waiting = ServiceNetwork.from_tables(**tables)
    with pytest.raises(InputError, match="nothing supplies part 'P2'"):
        waiting.replace(shortages="expedite")


def test_no_lane_and_no_emergency_supply() -> None:
    tables = changed(expedited_tables(), "parts", 0, emergency_hours=None)
    del tables["sites"][0]["served_by"]
    tables["lanes"] = [lane for lane in tables["lanes"] if lane["site_id"] != "A"]
    told = refused(tables, shortages="expedite")
    assert "sites row 1, column served_by: is empty, and no lane goes to the site." in told
    assert "nothing supplies part 'P1'" in told


def test_parts_inside_others_need_no_emergency_supply() -> None:
    tables = expedited_tables()
    tables["parts"].append({"part_id": "S", "unit_cost": 1.0, "resupply_days": 9.0})
    inside = {"equipment_id": "M", "part_id": "S", "parent_part_id": "P1", "cause_fraction": 0.5}
    tables["bill_of_materials"].append(inside)
    ServiceNetwork.from_tables(**tables, shortages="expedite")
    tables["bill_of_materials"].append(
        {"equipment_id": "M", "part_id": "S", "failures_per_year": 1.0}
    )
    assert "nothing supplies part 'S'" in refused(tables, shortages="expedite")


@pytest.mark.parametrize("shortages", ["wait", "expedite"])
def test_part_inside_one_that_is_not_in_the_machine(shortages: str) -> None:
    tables = expedited_tables()
    tables["bill_of_materials"][1] = {
        "equipment_id": "M",
        "part_id": "P2",
        "parent_part_id": "P9",
        "cause_fraction": 0.5,
    }
    tables["parts"].append(tables["parts"][0] | {"part_id": "P9"})
    told = "'P9' is not in the bill of materials of 'M'. Add a row for it, or mend the id."
    assert told in refused(tables, shortages=shortages)


def test_lot_of_nothing() -> None:
    told = refused(changed(expedited_tables(), "parts", 0, order_quantity=0))
    assert (
        "parts row 1, column order_quantity: 0 is below 1. Give a whole number, 1 or more" in told
    )


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("van", "whose kind is 'van'. A van replenishes no other location: name a central"),
        ("customer", "whose kind is 'customer'. A customer's shelf replenishes no other location"),
    ],
)
def test_vans_with_children(kind: str, message: str) -> None:
    told = refused(changed(three_level_tables(), "locations", 2, kind=kind))
    assert told.startswith("2 findings\n  locations row 4, column replenished_from: 'F1' is ")
    assert "'F1' is replenished from 'R1', " + message in told


def test_van_that_replenishes_one_part() -> None:
    tables = changed(three_level_tables(), "locations", 1, kind="van")
    told = re.escape(
        "part_locations row 1, column replenished_from: 'F3' is replenished from 'DC2'"
    )
    with pytest.raises(InputError, match=told):
        ServiceNetwork.from_tables(**tables)
