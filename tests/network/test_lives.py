"""Lives in the failures table: the other form of it, and every way to get a life wrong."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from partsplan.errors import InputError
from partsplan.network import FailureCount, Life, ServiceNetwork
from small_networks import lives_tables, one_location_tables

GOOD: dict[str, Any] = {"part_id": "P1", "hours": 900.0, "outcome": "failed"}


def network_of(failures: Any) -> ServiceNetwork:
    return ServiceNetwork.from_tables(**one_location_tables() | {"failures": failures})


def test_lives_are_read_with_their_defaults() -> None:
    failures = ServiceNetwork.from_tables(**lives_tables()).failures
    assert "outcome" in failures
    assert "operating_hours" not in failures
    assert failures["outcome"].tolist() == ["failed", "censored", "left", "interval"]
    np.testing.assert_array_equal(failures["entry_hours"], [0, 0, 0, 10])
    np.testing.assert_array_equal(failures["hours_upper"], [np.nan, np.nan, np.nan, 200])
    np.testing.assert_array_equal(failures["weight"], [1, 1, 1, 2.5])
    assert failures["unit_id"].tolist() == ["01", "", "", ""]
    assert failures["date"][1] == np.datetime64("2024-05-31")
    assert failures.index("part_id").tolist() == [0, 0, 0, 0]


def test_counts_are_still_read_as_counts() -> None:
    failures = network_of([{"part_id": "P1", "failures": 3, "operating_hours": 8760}]).failures
    assert "outcome" not in failures
    assert failures["failures"].tolist() == [3]


def test_lives_come_from_a_csv_file_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "parts.csv").write_text("part_id;unit_cost;resupply_days\n001;10;5\n")
    (tmp_path / "locations.csv").write_text("location_id;kind\nDC;central\n")
    lives = "part_id;unit_id;hours;outcome;date\n001;07;900;failed;2024-03-01\n"
    (tmp_path / "failures.csv").write_text(lives)
    failures = ServiceNetwork.from_folder(tmp_path).failures
    assert (failures["unit_id"][0], failures["hours"][0]) == ("07", 900.0)
    (tmp_path / "failures.csv").write_text(lives + "\n001;08;-1;censored;\n")
    with pytest.raises(
        InputError, match=r"failures row 2 \(line 4\), column hours: '-1' is below 0"
    ):
        ServiceNetwork.from_folder(tmp_path)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "negative hours": ({"hours": -5}, "column hours: -5 is below 0"),
    "no hours": ({"hours": None}, "column hours: is empty, but every row needs it"),
    "hours in words": ({"hours": "long"}, "'long' is not a number. Give a number of hours"),
    "decimal comma": ({"hours": "900,5"}, "Write 900.5 with a decimal point"),
    "thousands": ({"hours": "1,234.5"}, "separator. Write 1234.5 with a decimal point"),
    "either": ({"hours": "1,234"}, "Write 1.234 where the comma is a decimal one, 1234 where not"),
    "two thousands": ({"hours": "1,234,567"}, "separator. Write 1234567."),
    "small decimal": ({"hours": "0,125"}, "Write 0.125 with a decimal point"),
    "minus behind": ({"hours": "12-"}, "'12-' has its minus sign behind the number. Write -12 for"),
    "German date": ({"date": "31.12.2025"}, "is not a date. Write 2025-12-31."),
    "no such day": ({"date": "12.31.2025"}, "is not a date. Write it as YYYY-MM-DD."),
    "other word": ({"outcome": "suspended"}, "Write failed where the unit failed, censored where"),
    "negative entry": ({"entry_hours": -1}, "column entry_hours: -1 is below 0"),
    "entry after exit": (
        {"entry_hours": 1000},
        "column entry_hours: the unit enters at 1000 h, after it leaves at 900 h. "
        "Exchange entry_hours and hours",
    ),
    "failed at entry": (
        {"entry_hours": 900},
        "column hours: the unit failed at 900 h, the very hours at which it entered.",
    ),
    "failed with zero hours": (
        {"hours": 0},
        "column hours: the unit failed at 0 operating hours. Give the hours it ran",
    ),
    "left with zero hours": (
        {"hours": 0, "outcome": "left"},
        "the unit failed before 0 operating hours.",
    ),
    "unknown outcome": (
        {"outcome": "Failed"},
        "column outcome: 'Failed' is not one of failed, censored, left, interval. "
        "Did you mean 'failed'?",
    ),
    "event flag": ({"outcome": 1}, "1 is not one of failed, censored, left, interval."),
    "no outcome": ({"outcome": ""}, "column outcome: is empty, but every row needs it"),
    "interval without end": (
        {"outcome": "interval"},
        "column hours_upper: is empty, but the outcome is interval. Give the hours before which",
    ),
    "interval that ends before it starts": (
        {"outcome": "interval", "hours_upper": 800},
        "column hours_upper: 800 h is not above hours 900 of the interval.",
    ),
    "interval without length": (
        {"outcome": "interval", "hours_upper": 900},
        "where they are the same, make the outcome failed.",
    ),
    "end of what is no interval": (
        {"hours_upper": 1000},
        "column hours_upper: 1000 h is given for outcome 'failed'. Leave it empty",
    ),
    "zero weight": ({"weight": 0}, "column weight: 0 is not above 0"),
    "negative weight": ({"weight": -2}, "column weight: -2 is not above 0"),
    "endless hours": ({"hours": math.inf}, "column hours: inf is not a finite number"),
    "unknown part": ({"part_id": "P2"}, "'P2' is not a part. "),
}


@pytest.mark.parametrize(("values", "message"), BAD.values(), ids=BAD)
def test_a_bad_life_is_told(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        network_of([GOOD, GOOD | values])
    assert len(caught.value.findings) == 1
    assert "failures row 2" in str(caught.value)
    assert message in str(caught.value)


def test_a_life_says_the_same_as_a_row() -> None:
    with pytest.raises(ValidationError, match="the unit failed at 0 operating hours"):
        Life(part_id="P1", hours=0, outcome="failed")
    with pytest.raises(ValidationError, match="is empty, but the outcome is interval"):
        Life(part_id="P1", hours=5, outcome="interval")
    assert Life(part_id="P1", hours=0, outcome="censored").weight == 1.0


def test_all_bad_lives_come_at_once() -> None:
    with pytest.raises(InputError) as caught:
        network_of([GOOD | values for values, _ in BAD.values()])
    assert len({finding.row for finding in caught.value.findings}) == len(BAD)


def test_the_two_forms_are_not_mixed() -> None:
    counts = FailureCount(part_id="P1", failures=2, operating_hours=100)
    with pytest.raises(
        InputError,
        match=r"failures, column unit_id: columns of two kinds of failures are mixed: failures, "
        r"operating_hours and unit_id, .*outcome.* Give one kind in a table: part_id, failures, "
        r"operating_hours, segment; or part_id, unit_id",
    ):
        network_of([counts, Life(**GOOD)])
    with pytest.raises(InputError, match="are mixed: failures and hours"):
        network_of({"part_id": ["P1"], "failures": [1], "hours": [10.0]})


def test_an_unknown_column_is_told_with_both_forms() -> None:
    with pytest.raises(InputError, match="Did you mean 'outcome'"):
        network_of([{"part_id": "P1", "hours": 10, "outcom": "failed"}])
    with pytest.raises(InputError, match="or part_id, unit_id, entry_hours, hours"):
        network_of([{"part_id": "P1", "tt": 10, "xx": 1}])
