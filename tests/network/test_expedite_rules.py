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


def without_lanes_to_a() -> Tables:
    """`expedited_tables` without a lane to site A."""
    tables = expedited_tables()
    tables["lanes"] = [lane for lane in tables["lanes"] if lane["site_id"] != "A"]
    return tables


@pytest.mark.parametrize("served_by", ["F1", None])
def test_no_lane_and_no_emergency_supply(served_by: str | None) -> None:
    tables = changed(without_lanes_to_a(), "parts", 0, emergency_hours=None)
    told = refused(changed(tables, "sites", 0, served_by=served_by), shortages="expedite")
    assert told == (
        "2 findings\n"
        "  parts row 1, column emergency_hours: is empty, so nothing supplies part 'P1' when every "
        "location with a lane to the site is out of stock. Give the hours of an emergency shipment "
        "from outside, or let shortages wait.\n"
        "  sites row 1, column site_id: no lane goes to the site, and part 'P1' that it asks for "
        "has no emergency_hours: nothing supplies it. Add a lane, or give the part's "
        "emergency_hours."
    )


def test_no_lane_and_a_part_of_the_demand_table_without_emergency_supply() -> None:
    tables = changed(without_lanes_to_a(), "parts", 1, emergency_hours=None)
    del tables["installed_base"], tables["commitments"]
    tables["demand"] = [{"part_id": "P2", "site_id": "A", "per_year": 1.0}]
    assert "part 'P2' that it asks for has no emergency_hours" in refused(
        tables, shortages="expedite"
    )


@pytest.mark.parametrize(("served_by", "counts_at"), [("F1", "F1"), (None, "DC")])
def test_site_without_a_lane_is_served_from_outside(served_by: str | None, counts_at: str) -> None:
    tables = changed(without_lanes_to_a(), "sites", 0, served_by=served_by)
    network = ServiceNetwork.from_tables(**tables, shortages="expedite")
    serving = network.serving_locations([0], [0])[0]
    assert network.location_ids[serving] == counts_at
    assert str(network.warnings[-1]) == (
        "sites row 1, column site_id: no lane goes to the site: all its parts come from outside, "
        "in emergency_hours. Its demand counts at served_by, or at the first location that the "
        "outside supply replenishes. Add a lane if a location can ship there."
    )
    with pytest.raises(InputError, match="no lane"):
        network.replace(shortages="wait")


def test_lane_from_elsewhere_than_the_location_named() -> None:
    """A site that some lane reaches names a location with a lane, or none."""
    tables = changed(without_lanes_to_a(), "sites", 0, served_by="F1")
    tables["lanes"].append({"location_id": "F2", "site_id": "A", "hours": 1.0})
    told = "sites row 1, column served_by: there is no lane from 'F1' to site 'A'. Add the lane, or"
    assert told in refused(tables, shortages="expedite")
    ServiceNetwork.from_tables(**changed(tables, "sites", 0, served_by=None), shortages="expedite")


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
