"""Usage tables read into series: the span, what a missing month means, and what is doubtful."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from partsplan.demand import UsageHistory, forecast_usage, usage_classes
from partsplan.errors import InputError
from partsplan.network import ServiceNetwork

ROWS = [
    {"part_id": "TUBE", "location_id": "BERN", "month": "2025-02", "units": 3},
    {"part_id": "TUBE", "location_id": "BASEL", "month": "2025-04", "units": 0},
    {"part_id": "BOARD", "location_id": "BERN", "month": "2025-06", "units": 1},
    {"part_id": "TUBE", "location_id": "BERN", "month": "2025-05", "units": 2},
]
NAN = np.nan


def test_span_of_the_table_and_zero_where_there_is_no_row():
    history = UsageHistory.from_table(ROWS)
    assert (str(history.first), str(history.last), history.n_months) == ("2025-02", "2025-06", 5)
    assert history.ids()["part_id"].tolist() == ["TUBE", "TUBE", "BOARD"]
    assert history.ids()["location_id"].tolist() == ["BERN", "BASEL", "BERN"]
    np.testing.assert_array_equal(
        history.units, [[3, 0, 0, 2, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1]]
    )
    assert history.total_units.tolist() == [5, 0, 1]
    assert history.observed_months.tolist() == [5, 5, 5]
    assert history.warnings == ()


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("zero_after_first", [[3, 0, 0, 2, 0], [NAN, NAN, 0, 0, 0], [NAN, NAN, NAN, NAN, 1]]),
        ("unknown", [[3, NAN, NAN, 2, NAN], [NAN, NAN, 0, NAN, NAN], [NAN] * 4 + [1]]),
    ],
)
def test_other_rules_about_missing_months(missing, expected):
    history = UsageHistory.from_table(ROWS, missing=missing)
    np.testing.assert_array_equal(history.units, expected)
    np.testing.assert_array_equal(history.observed_months, (~np.isnan(expected)).sum(axis=1))
    np.testing.assert_array_equal(history.total_units, np.nansum(expected, axis=1))
    assert history.row_rule in history.summary()


def test_rows_outside_a_given_span_are_left_out_and_told():
    history = UsageHistory.from_table(ROWS, first="2025-03", last="2025-05-31")
    np.testing.assert_array_equal(history.units, [[0, 0, 2], [0, 0, 0], [0, 0, 0]])
    (warning,) = history.warnings
    assert str(warning) == (
        "usage row 1, column month: 2 rows lie outside 2025-03 to 2025-05 and were left out, "
        "the first here."
    )
    assert "2 rows lie outside" in history.summary()


def test_a_wider_span_is_observed_without_usage():
    history = UsageHistory.from_table(ROWS, first="2024-11", last="2025-08")
    assert history.units.shape == (3, 10)
    assert history.units.sum() == 6


def test_zero_after_first_counts_from_a_row_before_the_span():
    history = UsageHistory.from_table(ROWS, first="2025-03", missing="zero_after_first")
    assert history.observed_months.tolist() == [4, 3, 1]


def test_a_part_that_comes_late_is_doubtful():
    rows = [
        {"part_id": "OLD", "location_id": "BERN", "month": "2023-01", "units": 1},
        *(
            {"part_id": "NEW", "location_id": "BERN", "month": f"2025-{m:02d}", "units": 2}
            for m in range(1, 13)
        ),
    ]
    history = UsageHistory.from_table(rows)
    (warning,) = history.warnings
    assert str(warning) == (
        "usage, column month: part 'NEW' at location 'BERN' has no row before 2025-01, and 24 "
        "units since: 24 months were counted as no usage. If it came only then, give "
        "missing='zero_after_first' or a later first."
    )
    assert UsageHistory.from_table(rows, missing="zero_after_first").warnings == ()


def test_no_row_of_0_units_is_doubtful_where_missing_is_unknown():
    rows = [ROWS[0] | {"month": f"2025-{m:02d}"} for m in range(1, 13)]
    (warning,) = UsageHistory.from_table(rows, missing="unknown").warnings
    assert str(warning) == (
        "usage, column units: none of 12 rows has 0 units, so every observed month has usage: "
        "rates will be too high if months without usage were left out. Give missing='zero', or "
        "rows of 0 units."
    )
    assert UsageHistory.from_table([*rows, ROWS[1]], missing="unknown").warnings == ()


def test_a_network_and_frames_give_the_same():
    network = ServiceNetwork.from_tables(
        parts=[{"part_id": p, "unit_cost": 1, "resupply_days": 3} for p in ("BOARD", "TUBE")],
        locations=[{"location_id": x, "kind": "forward"} for x in ("BASEL", "BERN")],
        usage=ROWS,
    )
    plain = UsageHistory.from_table(ROWS)
    for source in (network.usage, pd.DataFrame(ROWS)):
        np.testing.assert_array_equal(UsageHistory.from_table(source).units, plain.units)
    assert UsageHistory.from_table(pd.DataFrame(ROWS)).frame_backend == "pandas"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"missing": "none"}, "missing must be one of 'zero', 'zero_after_first', 'unknown', got"),
        ({"first": "2025"}, "first must be a month, got '2025'. Write it as YYYY-MM"),
        ({"last": 202512}, "last must be a month, got 202512. Write 2025-12."),
        ({"first": "2025-05", "last": "2025-03"}, "first must not be after last, got 2025-05"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        UsageHistory.from_table(ROWS, **arguments)


@pytest.mark.parametrize(
    ("table", "arguments", "message"),
    [
        ([], {}, "usage: the usage table has no rows, so no month is observed. Give at least"),
        (ROWS, {"first": "2026-01", "last": "2026-12"}, "no row lies between 2026-01 and 2026-12"),
        (ROWS, {"first": "2026-01"}, "the rows are of 2025-02 to 2025-06"),
        ([ROWS[0], ROWS[0]], {}, "'TUBE', 'BERN', 2025-02 is already in row 1"),
        ([ROWS[0] | {"units": -1}], {}, "A return is no usage"),
    ],
)
def test_tables_that_tell_nothing_are_refused(table, arguments, message):
    with pytest.raises(InputError, match=message):
        UsageHistory.from_table(table, **arguments)


class TestForecast:
    def test_records_hold_what_the_kernels_say(self):
        forecast = forecast_usage(ROWS, alpha=0.3)
        first, second, _ = forecast.to_records()
        assert first["per_month"] == pytest.approx((3 - 0.3) / (1 + 0.3 * 2) * 0.85)
        assert first["per_year"] == 12 * first["per_month"]
        assert first["usage_class"] == usage_classes(forecast.history.units).names[0]
        assert (second["usage_class"], second["interval"], second["cv2"]) == (None, None, None)
        assert forecast.to_frame()["per_month"].tolist()[1] == 0.0
        assert "forecast" in forecast.summary()
        assert "UsageForecast(n_series=3, method='sba'" in repr(forecast)

    def test_a_history_is_taken_with_its_span(self):
        history = UsageHistory.from_table(ROWS, last="2025-12")
        forecast = forecast_usage(history, method="tsb", alpha="optimized")
        assert forecast.history is history
        assert set(forecast.smoothed.alpha) <= {0.02, 0.05, 0.1, 0.15, 0.2, 0.3}

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"method": "holt"}, "method must be one of"),
            ({"alpha": "best"}, "alpha must be a number or 'optimized', got 'best'"),
            ({"alpha": "optimized", "beta": 0.1}, "beta must be left out where alpha is"),
        ],
    )
    def test_wrong_arguments_are_refused(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            forecast_usage(ROWS, **arguments)

    def test_a_history_has_its_own_span(self):
        history = UsageHistory.from_table(ROWS)
        with pytest.raises(ValueError, match="must be left out with a UsageHistory"):
            forecast_usage(history, last="2026-01")
