"""The usage table: months in every form, keys by month, and its own errors."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pydantic import ValidationError

from partsplan.errors import InputError
from partsplan.network import ServiceNetwork, UsageMonth
from small_networks import two_level_tables

ROW: dict[str, Any] = {"part_id": "P1", "location_id": "F1", "month": "2025-03", "units": 2}


def network_with(usage: Any) -> ServiceNetwork:
    return ServiceNetwork.from_tables(**two_level_tables(), usage=usage)


MARCH = [
    "2025-03",
    "2025-03-17",
    dt.date(2025, 3, 31),
    dt.datetime(2025, 3, 2, 14, 30),
    dt.datetime(2025, 3, 2, 23, tzinfo=dt.UTC),
    np.datetime64("2025-03"),
    np.datetime64("2025-03-09T10:00"),
    pd.Timestamp("2025-03-31 23:59"),
    pd.Period("2025-03", "M"),
]


@pytest.mark.parametrize("month", MARCH, ids=repr)
def test_any_day_of_a_month_names_it(month: Any) -> None:
    network = network_with([ROW | {"month": month}])
    assert network.usage["month"].tolist() == [dt.date(2025, 3, 1)]
    assert UsageMonth(**ROW | {"month": month}).month == dt.date(2025, 3, 1)


@pytest.mark.parametrize(
    "months",
    [
        pd.to_datetime(["2025-03-31", "2025-04-02"]),
        pd.Series(pd.period_range("2025-03", periods=2, freq="M")),
        ["2025-03", "2025-04-30"],
        np.array(["2025-03", "2025-04"], dtype="datetime64[M]"),
    ],
)
def test_months_of_frames(months: Any) -> None:
    columns = {name: [value] * 2 for name, value in ROW.items()} | {"month": months}
    for source in (columns, pd.DataFrame(columns)):
        usage = network_with(source).usage
        assert [str(month) for month in usage["month"]] == ["2025-03-01", "2025-04-01"]
    frame = pl.DataFrame({**ROW, "month": dt.date(2025, 3, 31)})
    assert network_with(frame).usage.to_records() == [ROW | {"month": dt.date(2025, 3, 1)}]


def test_usage_feeds_back_and_comes_from_a_folder(tmp_path: Any) -> None:
    network = network_with([ROW, ROW | {"month": "2025-04", "units": 0}])
    again = network.replace(usage=network.usage.to_records())
    assert again.usage.to_records() == network.usage.to_records()
    (tmp_path / "parts.csv").write_text("part_id,unit_cost,resupply_days\nP1,5,3\n")
    (tmp_path / "locations.csv").write_text("location_id,kind\nF1,forward\n")
    (tmp_path / "usage.csv").write_text("part_id;location_id;month;units\nP1;F1;2025-03;4\n")
    read = ServiceNetwork.from_folder(tmp_path)
    assert read.usage.to_records() == [ROW | {"units": 4, "month": dt.date(2025, 3, 1)}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"units": -2},
            "usage row 2, column units: -2 is below 0. A return is no usage: take it off the "
            "month in which the units were issued, or leave it out.",
        ),
        ({"units": 1.5}, "usage row 2, column units: 1.5 is not a whole number."),
        ({"units": None}, "usage row 2, column units: is empty, but every row needs it."),
        ({"month": None}, "usage row 2, column month: is empty, but every row needs it."),
        ({"month": 202504}, "column month: 202504 is not a month. Write 2025-04."),
        ({"month": "202504"}, "column month: '202504' is not a month. Write 2025-04."),
        ({"month": "04.2025"}, "'04.2025' is not a month. Write 2025-04."),
        ({"month": "2025/4"}, "'2025/4' is not a month. Write 2025-04."),
        (
            {"month": "April 2025"},
            "'April 2025' is not a month. Write it as YYYY-MM, or give a date in the month.",
        ),
        ({"month": "2025-13"}, "'2025-13' is not a month."),
        ({"month": "1850-01"}, "'1850-01' is not between 1900 and 2200."),
        ({"month": pd.Period("2025Q2")}, "2025Q2 is not a month."),
        ({"part_id": "P9"}, "usage row 2, column part_id: 'P9' is not a part."),
        ({"location_id": "F9"}, "'F9' is not a location. Add it to locations or mend"),
        (
            {"month": "2025-03-20"},
            "'P1', 'F1', 2025-03 is already in row 1. Add up the units of a month in one row.",
        ),
        ({"unit": 3}, "'unit' is not a column of usage."),
    ],
    ids=str,
)
def test_bad_usage_gets_a_clear_finding(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        network_with([ROW, ROW | {"month": "2025-04"} | change])
    assert message in str(caught.value)


def test_a_record_says_the_same() -> None:
    with pytest.raises(ValidationError, match="A return is no usage"):
        UsageMonth(**ROW | {"units": -1})
    with pytest.raises(ValidationError, match=r"202513 is not a month. Write it as YYYY-MM"):
        UsageMonth(**ROW | {"month": 202513})
