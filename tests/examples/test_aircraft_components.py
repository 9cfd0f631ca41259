"""The figures of the second example's tables follow from their source as SOURCES.md says."""

import csv
from collections import Counter, defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT / "examples" / "data" / "aircraft_components"
AIRBUS = ROOT.parent / "shared" / "data" / "airbus_fhs"
GROUP_HOURS = 2500

needs_source = pytest.mark.skipif(not AIRBUS.is_dir(), reason="needs ../shared/data/airbus_fhs")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def source_lives() -> list[tuple[str, str, float, bool]]:
    """Part, airline, flight hours, and whether the unit was removed."""
    removed = [
        (row["pn"], row["customer"], max(float(row["tsi_fh"]), 1.0), True)
        for row in rows(AIRBUS / "removals_DEF_2020.csv")
        if row["tsi_fh"]
    ]
    running = [
        (row["pn"], row["company"], max(float(row["tsi_fh"]), 1.0), False)
        for row in rows(AIRBUS / "sn_list_DEF_2020.csv")
        if row["tsi_fh"] and row["status"] == "On Aircraft"
    ]
    return removed + running


@pytest.mark.parametrize(("part", "mean"), [("D", 24_147), ("E", 11_697), ("F", 12_028)])
def test_mean_hours_between_removals_are_the_published_ones(part, mean):
    own = [row for row in rows(TABLES / "failures.csv") if row["part_id"] == part]
    hours = sum(int(row["operating_hours"]) for row in own)
    assert hours / sum(int(row["failures"]) for row in own) == pytest.approx(mean, abs=0.5)


@needs_source
def test_counts_are_those_of_the_source():
    counted, hours = Counter(), defaultdict(float)
    for part, airline, flown, is_removed in source_lives():
        counted[part, f"AIRLINE-{airline}"] += is_removed
        hours[part, f"AIRLINE-{airline}"] += flown
    table = {(row["part_id"], row["segment"]): row for row in rows(TABLES / "failures.csv")}
    assert set(table) == set(hours)
    for key, row in table.items():
        assert int(row["failures"]) == counted[key]
        assert int(row["operating_hours"]) == round(hours[key])


@needs_source
def test_lives_are_groups_of_the_source():
    groups = defaultdict(list)
    for part, _, flown, is_removed in source_lives():
        groups[part, is_removed, int(flown // GROUP_HOURS)].append(flown)
    table = rows(TABLES / "lives" / "lives.csv")
    assert len(table) == len(groups)
    for row in table:
        is_removed = row["outcome"] != "censored"
        hours = float(row["hours"])
        group = 0 if row["outcome"] == "left" else int(hours // GROUP_HOURS)
        lives = groups[row["part_id"], is_removed, group]
        assert int(row["weight"]) == len(lives)
        if is_removed:
            assert float(row["hours_upper"] or hours) == (group + 1) * GROUP_HOURS
        else:
            assert hours == round(sum(lives) / len(lives))


@needs_source
def test_fleets_are_those_of_the_source():
    fleets = {row["company"]: row for row in rows(AIRBUS / "airlines.csv")}
    for row in rows(TABLES / "installed_base.csv"):
        fleet = fleets[row["site_id"].removeprefix("BASE-")]
        assert int(row["machines"]) == int(fleet["aircraft"])
        assert int(row["hours_per_year"]) == 12 * int(fleet["fh_per_aircraft_month"])
