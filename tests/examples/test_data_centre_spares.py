"""The figures of the example's tables follow from their sources as SOURCES.md says."""

import csv
import math
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT / "examples" / "data" / "data_centre_spares"
BACKBLAZE = ROOT.parent / "shared" / "data" / "backblaze_summary"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def table(name: str) -> list[dict[str, str]]:
    return rows(TABLES / f"{name}.csv")


def great_circle_km(a: dict[str, str], b: dict[str, str]) -> float:
    lat_a, lon_a = math.radians(float(a["latitude"])), math.radians(float(a["longitude"]))
    lat_b, lon_b = math.radians(float(b["latitude"])), math.radians(float(b["longitude"]))
    haversine = (
        math.sin((lat_b - lat_a) / 2) ** 2
        + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    )
    return 2 * 6371.0 * math.asin(math.sqrt(haversine))


def test_rates_are_failures_per_drive_day():
    figures = {}
    for part in table("parts"):
        counts = re.search(r"(\d+) failures in (\d+) drive-days", part["description"])
        assert counts is not None
        figures[part["part_id"]] = int(counts[1]) / int(counts[2]) * 365
    for line in table("bill_of_materials"):
        assert float(line["failures_per_year"]) == pytest.approx(figures[line["part_id"]], abs=5e-7)


def test_servers_hold_sixty_drives():
    drives: dict[str, int] = {}
    for line in table("bill_of_materials"):
        equipment = line["equipment_id"]
        drives[equipment] = drives.get(equipment, 0) + int(line["quantity"])
    assert set(drives) == {row["equipment_id"] for row in table("equipment")}
    assert set(drives.values()) == {60}


def test_lane_hours_follow_from_the_coordinates():
    locations = {row["location_id"]: row for row in table("locations")}
    sites = {row["site_id"]: row for row in table("sites")}
    for lane in table("lanes"):
        location = locations[lane["location_id"]]
        km = great_circle_km(location, sites[lane["site_id"]])
        by_road = location["kind"] == "forward"
        hours = 0.75 + 1.25 * km / 65 if by_road else 10 + km / 700
        # coordinates are rounded to 4 decimals, hours to 2
        assert float(lane["hours"]) == pytest.approx(hours, abs=0.006)


def test_stock_is_on_hand_plus_on_order():
    for row in table("stock"):
        assert int(row["base_stock"]) == int(row["on_hand"]) + int(row["on_order"])


@pytest.mark.skipif(not BACKBLAZE.is_dir(), reason="needs ../shared/data/backblaze_summary")
def test_prices_and_counts_are_the_published_ones():
    prices = {
        row["model"].split()[-1].upper(): row["price"] for row in rows(BACKBLAZE / "prices.csv")
    }
    survival = {row["model"].split()[-1].upper(): row for row in rows(BACKBLAZE / "survival.csv")}
    for part in table("parts"):
        model = part["part_id"]
        assert float(part["unit_cost"]) == float(prices[model])
        published = survival[model]
        counts = f"{published['failed']} failures in {published['drive_days']} drive-days"
        assert part["description"].endswith(counts)
