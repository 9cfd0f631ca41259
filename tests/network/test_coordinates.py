"""Lanes from coordinates: published great-circle distances, hours, and what is missing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import partsplan as pp
from partsplan.errors import InputError
from partsplan.network import great_circle_km

NASHVILLE = {"latitude": 36.12, "longitude": -86.67}
LOS_ANGELES = {"latitude": 33.94, "longitude": -118.40}


@pytest.mark.parametrize(
    ("ends", "radians"),
    [
        # Williams, Aviation Formulary 1.47: LAX to JFK is 0.623585 radians (2144 nm)
        ((33 + 57 / 60, -(118 + 24 / 60), 40 + 38 / 60, -(73 + 47 / 60)), 0.623585),
        # Rosetta Code, Haversine formula: BNA to LAX is 2887.2599506 km on a sphere of 6372.8 km
        ((36.12, -86.67, 33.94, -118.40), 2887.2599506 / 6372.8),
        ((0.0, 0.0, 0.0, 180.0), math.pi),
        ((90.0, 0.0, 0.0, 77.0), math.pi / 2),
        (
            (10.0, 179.5, 10.0, -179.5),
            2 * math.asin(math.cos(math.radians(10)) * math.sin(math.radians(0.5))),
        ),
    ],
)
def test_published_distances(ends: tuple[float, float, float, float], radians: float) -> None:
    assert float(great_circle_km(*ends)) == pytest.approx(6371.0088 * radians, rel=2e-6)


def test_neighbours_keep_their_digits() -> None:
    distance = float(great_circle_km(50.0, 8.0, 50.0 + 1e-7, 8.0))
    assert distance == pytest.approx(6371.0088 * math.radians(1e-7), rel=1e-6)


def site(name: str, **place: Any) -> dict[str, Any]:
    return {"site_id": name} | place


def location(name: str, **place: Any) -> dict[str, Any]:
    return {"location_id": name, "kind": "central"} | place


def test_lanes_make_a_network_valid() -> None:
    tables: dict[str, Any] = {
        "sites": [site("near", **NASHVILLE), site("far", **LOS_ANGELES)],
        "locations": [location("LAX", **LOS_ANGELES), location("BNA", **NASHVILLE)],
    }
    lanes = pp.lanes_from_coordinates(
        **tables, road_factor=1.2, speed_kmh=80.0, fixed_hours=0.5, fixed_cost=30.0, cost_per_km=2.0
    )
    km = float(great_circle_km(36.12, -86.67, 33.94, -118.40))
    assert lanes["location_id"].tolist() == ["LAX", "LAX", "BNA", "BNA"]
    assert lanes["site_id"].tolist() == ["near", "far", "near", "far"]
    assert lanes["hours"] == pytest.approx([0.5 + 1.2 * km / 80, 0.5, 0.5, 0.5 + 1.2 * km / 80])
    assert lanes["cost"] == pytest.approx([30 + 2.4 * km, 30, 30, 30 + 2.4 * km])
    parts = [{"part_id": "P", "unit_cost": 1.0, "resupply_days": 1.0}]
    network = pp.ServiceNetwork.from_tables(parts=parts, lanes=lanes, **tables)
    assert network.serving_locations([0, 1], [0, 0]).tolist() == [1, 0]
    again = pp.lanes_from_coordinates(network, furthest_hours=10.0)
    assert again.to_records() == [
        {"location_id": "LAX", "site_id": "far", "hours": 0.0, "cost": 0.0},
        {"location_id": "BNA", "site_id": "near", "hours": 0.0, "cost": 0.0},
    ]
    assert len(network.replace(lanes=again).lanes) == 2
    only = pp.lanes_from_coordinates(network, locations=tables["locations"][:1])
    assert set(only["location_id"]) == {"LAX"}


def test_two_million_lanes() -> None:
    rng = np.random.default_rng(1)
    sites = {
        "site_id": [f"S{i}" for i in range(10_000)],
        "latitude": rng.uniform(25, 49, 10_000),
        "longitude": rng.uniform(-120, -70, 10_000),
    }
    locations = {
        "location_id": [f"L{i}" for i in range(200)],
        "kind": ["forward"] * 200,
        "latitude": rng.uniform(25, 49, 200),
        "longitude": rng.uniform(-120, -70, 200),
    }
    lanes = pp.lanes_from_coordinates(sites=sites, locations=locations)
    assert len(lanes) == 2_000_000
    assert lanes["hours"][7 * 10_000 + 3] == pytest.approx(
        1.3
        / 60
        * float(
            great_circle_km(
                locations["latitude"][7],
                locations["longitude"][7],
                sites["latitude"][3],
                sites["longitude"][3],
            )
        )
    )


def test_missing_coordinates_are_all_told() -> None:
    with pytest.raises(InputError) as caught:
        pp.lanes_from_coordinates(
            sites=[site("A"), site("B", **NASHVILLE), site("C")], locations=[location("L")]
        )
    told = (
        "is empty, so {!r} has no place. Give latitude and longitude in degrees, or give the "
        "lane's hours yourself."
    )
    assert str(caught.value).splitlines() == [
        "3 findings",
        f"  sites row 1, column latitude: {told.format('A')}",
        f"  sites row 3, column latitude: {told.format('C')}",
        f"  locations row 1, column latitude: {told.format('L')}",
    ]


@pytest.mark.parametrize(
    ("sites", "message"),
    [
        ([], "sites: the sites table has no rows. Give at least one row."),
        (
            [site("A", latitude=95.0, longitude=0.0)],
            "sites row 1, column latitude: 95.0 is above 90",
        ),
        ([site("A", latitude=9.0)], "latitude 9.0 is given without longitude"),
        ([site("A", latitude=9.0, longitud=9.0)], "'longitud' is not a column"),
    ],
)
def test_tables_that_cannot_be_read(sites: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(InputError, match=message.replace(".", r"\.")):
        pp.lanes_from_coordinates(sites=sites, locations=[location("L", **NASHVILLE)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"road_factor": 0.9}, r"road_factor must be a number of at least 1, got 0\.9"),
        ({"speed_kmh": 0.0}, "speed_kmh must be a speed above 0, got 0"),
        ({"fixed_hours": -1.0}, "fixed_hours must be a number of at least 0, got -1"),
        ({"cost_per_km": math.nan}, "cost_per_km must be a number of at least 0, got nan"),
        ({"furthest_hours": 0.0}, "furthest_hours must be hours above 0 or None, got 0"),
        ({"network": "x"}, "network must be a ServiceNetwork, got str"),
        ({"sites": None}, "sites must be a table where no network is given, got None"),
    ],
)
def test_arguments_out_of_range(options: dict[str, Any], message: str) -> None:
    tables = {
        "sites": [site("A", **NASHVILLE)],
        "locations": [location("L", **NASHVILLE)],
    }
    with pytest.raises(ValueError, match=message):
        pp.lanes_from_coordinates(**(tables | options))
