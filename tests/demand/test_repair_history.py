"""Repair histories: arrays, tables and chained lives say the same; what cannot be is told."""

from __future__ import annotations

import numpy as np
import pytest

from partsplan.demand import RepairHistory
from partsplan.errors import InputError
from partsplan.network import ServiceNetwork


def rows(*told: tuple[str, float, str]) -> list[dict[str, object]]:
    return [{"unit_id": u, "hours": h, "outcome": o} for u, h, o in told]


TABLE = rows(("A", 5, "failed"), ("B", 4, "failed"), ("A", 12, "censored"), ("A", 3, "failed"))


def test_a_table_and_arrays_say_the_same():
    table = RepairHistory.from_table(TABLE)
    arrays = RepairHistory.from_arrays([[5, 3], [4]], end_hours=[12, 4], unit_ids=["A", "B"])
    for name in ("unit_ids", "start_hours", "end_hours", "unit", "hours"):
        assert np.array_equal(getattr(table, name), getattr(arrays, name))
    assert table.hours.tolist() == [3, 5, 4]
    assert table.ends_with_failure.tolist() == [False, True]
    assert table.hours_observed == 16


def test_frames_and_columns_are_read_too():
    pandas = pytest.importorskip("pandas")
    columns = {name: [row[name] for row in TABLE] for name in TABLE[0]}
    for source in (columns, pandas.DataFrame(columns)):
        assert RepairHistory.from_table(source).hours.tolist() == [3, 5, 4]


def test_lives_are_chained_in_their_order():
    lives = rows(("A", 3, "failed"), ("B", 4, "failed"), ("A", 2, "failed"), ("A", 7, "censored"))
    history = RepairHistory.from_lives(lives)
    assert history.hours.tolist() == [3, 5, 4]
    assert history.end_hours.tolist() == [12, 4]


def test_a_failures_table_of_lives_makes_a_history_part_by_part():
    def life(part: str, hours: float, outcome: str, date: str) -> dict[str, object]:
        unit = {"part_id": part, "unit_id": "A", "hours": hours, "outcome": outcome}
        return unit | {"date": date, "segment": "mild"}

    lives = [
        life("P", 5, "censored", "2026-03-01"),
        life("P", 3, "failed", "2026-01-01"),
        life("Q", 9, "failed", "2026-01-01"),
        life("P", 4, "failed", "2026-02-01"),
    ]
    history = RepairHistory.from_lives(lives, part_id="P")
    assert history.hours.tolist() == [3, 7]
    assert history.end_hours.tolist() == [12]
    network = ServiceNetwork.from_tables(
        parts=[{"part_id": name, "unit_cost": 1, "resupply_days": 1} for name in "PQ"],
        locations=[{"location_id": "DC", "kind": "central"}],
        failures=lives,
    )
    same = RepairHistory.from_lives(network.failures, part_id="P")
    assert same.hours.tolist() == [3, 7]
    with pytest.raises(ValueError, match="part_id must name one of 2 parts, such as 'P'"):
        RepairHistory.from_lives(lives)
    with pytest.raises(ValueError, match="part_id must be a part of the table, got 'R'"):
        RepairHistory.from_lives(lives, part_id="R")
    lives[1]["entry_hours"] = 2.0
    with pytest.raises(InputError, match="row 2, column entry_hours: lives with a late entry do"):
        RepairHistory.from_lives(lives, part_id="P")


def test_one_unit_may_come_as_a_plain_array():
    assert RepairHistory.from_arrays(np.array([2.0, 1.0])).end_hours.tolist() == [2.0]
    assert RepairHistory.from_arrays([], end_hours=9.0).n_failures == 0


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (rows(("A", -3, "failed")), "repair history row 1, column hours: -3 is below 0."),
        (rows(("A", 3, "broken")), "'broken' is not one of failed, censored."),
        (rows(("A", 3, "interval")), "'interval' is not one of failed, censored."),
        ([{"unit_id": "A", "hours": 3}], "the column outcome is missing."),
        (
            [{"unit_id": "A", "hours": 3, "outcome": "failed", "outcom": 1}],
            "'outcom' is not a column of repair history. Known columns are unit_id, hours, outcome",
        ),
        (rows(("A", None, "failed")), "column hours: is empty, but every row needs it."),
        (
            rows(("A", 9, "failed"), ("A", 5, "censored")),
            "repair history row 1, column hours: unit 'A' failed at 9 h, but is observed from 0 "
            "to 5 h.",
        ),
        (
            rows(("A", 9, "censored"), ("A", 5, "censored")),
            "repair history row 2, column outcome: unit 'A' has more than one censored row.",
        ),
        (rows(("A", 0, "censored")), "unit 'A' is observed from 0 to 0 h."),
        (rows(("A", 0, "failed"), ("A", 9, "censored")), "unit 'A' failed at 0 h"),
        ([], "there is no unit. Give at least one."),
        ("history.csv", "'history.csv' is a text, not a table."),
    ],
)
def test_bad_tables(table, message):
    with pytest.raises(InputError) as caught:
        RepairHistory.from_table(table)
    assert message in str(caught.value)


def test_bad_lives_and_arrays():
    lives = rows(("A", 3, "censored"), ("A", 2, "failed"))
    with pytest.raises(InputError, match="unit 'A' has a life after its censored one"):
        RepairHistory.from_lives(lives)
    with pytest.raises(InputError, match="column hours: -3 is below 0"):
        RepairHistory.from_lives(rows(("A", -3, "failed")))
    with pytest.raises(InputError, match="unit '2' has neither a failure nor an end"):
        RepairHistory.from_arrays([[1.0], []])
    with pytest.raises(InputError, match=r"unit '1' failed at 2 h, but is observed from 5 to 9 h"):
        RepairHistory.from_arrays([2.0], 9.0, start_hours=5.0)
    with pytest.raises(ValueError, match="unit_ids must name each of 2 units once"):
        RepairHistory.from_arrays([[1.0], [2.0]], unit_ids=["A", "A"])
    with pytest.raises(ValueError, match="end_hours must be one number or one per unit"):
        RepairHistory.from_arrays([[1.0], [2.0]], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="hours must be ages of one unit, or one sequence"):
        RepairHistory.from_arrays([[1.0], 2.0])


def test_own_column_names():
    sap = {"EQUNR": ["A", "A"], "STD": [3, 9], "STATUS": ["failed", "censored"], "WERK": [1, 1]}
    names = {"EQUNR": "unit_id", "STD": "hours", "STATUS": "outcome"}
    history = RepairHistory.from_table(sap, rename=names, extra_columns="ignore")
    assert (history.hours.tolist(), history.end_hours.tolist()) == ([3.0], [9.0])
    lives = RepairHistory.from_lives(sap, rename=names, extra_columns="ignore")
    assert lives.end_hours.tolist() == [12.0]
    with pytest.raises(InputError, match="'WERK' is not a column of repair history"):
        RepairHistory.from_table(sap, rename=names)
    with pytest.raises(ValueError, match="extra_columns must be 'error' or 'ignore', got 'drop'"):
        RepairHistory.from_table(sap, extra_columns="drop")
