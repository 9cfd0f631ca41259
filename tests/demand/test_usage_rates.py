"""Rates from usage by hand, zero series, and whether they cover the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from partsplan.demand import DemandRates, UsageHistory, rates_from_usage
from partsplan.errors import InputError


def monthly(part, location, units, year=2024):
    """Rows of consecutive months from January."""
    return [
        {
            "part_id": part,
            "location_id": location,
            "month": f"{year + m // 12}-{m % 12 + 1:02d}",
            "units": int(used),
        }
        for m, used in enumerate(units)
    ]


TWO_YEARS = [*monthly("A", "X", [1, 0, 2, 0, 0, 1] * 4), *monthly("A", "Y", [0] * 24)]
TWO_YEARS += monthly("Z", "X", [0])


def test_rates_by_hand():
    # Two years; 16 units at X, none at Y; prior 1/2 for the part, 1/4 for each location.
    rates = rates_from_usage(TWO_YEARS)
    np.testing.assert_allclose(rates.per_year, [16.25 / 2, 0.25 / 2, 0.5 / 2])
    np.testing.assert_allclose(rates.rate_shape, [16.5, 0.5])
    np.testing.assert_array_equal(rates.variance_to_mean, [1, 1])
    demand = rates.demand
    assert isinstance(demand, DemandRates)
    assert (demand.part_ids, demand.location_ids) == (("A", "Z"), ("X", "Y"))
    np.testing.assert_allclose(demand.per_year, [[16.25 / 2, 0.25 / 2], [0.5 / 2, 0]])
    np.testing.assert_allclose(demand.rate_shape, [16.5, 0.5])
    lower, upper = rates.interval_per_year
    law = stats.gamma(16.25, scale=1 / 2)
    assert (lower[0], upper[0]) == (pytest.approx(law.ppf(0.025)), pytest.approx(law.ppf(0.975)))


def test_a_given_prior():
    rates = rates_from_usage(TWO_YEARS, prior_units=2.0, prior_years=4.0)
    np.testing.assert_allclose(rates.per_year, [17 / 6, 1 / 6, 2 / 6])


def test_clustering_discounts_the_counts():
    rows = [*monthly("A", "X", [6, 0, 0, 0, 0, 0] * 6), *monthly("B", "X", [1] * 36)]
    rates = rates_from_usage(rows)
    ratio = rates.variance_to_mean[0]
    assert ratio == pytest.approx(rates.dispersion.ratio[0])
    assert ratio > 4
    assert rates.variance_to_mean[1] == 1.0
    assert rates.rate_shape[0] == pytest.approx(0.5 + 36 / ratio)
    assert rates.per_year[0] == pytest.approx((0.5 * ratio + 36) / 3)
    np.testing.assert_allclose(rates.demand.variance_to_mean[:, 0], rates.variance_to_mean)
    assert "clustered 1 of 2 parts, variance to mean" in rates.summary()
    poisson = rates_from_usage(rows, clustering=False)
    np.testing.assert_array_equal(poisson.demand.variance_to_mean, 1.0)
    np.testing.assert_allclose(poisson.demand.per_year, rates.demand.per_year)


def test_a_change_of_level_is_told():
    rates = rates_from_usage(monthly("A", "X", [1] * 24 + [6] * 12))
    (warning,) = rates.warnings
    assert "usage of part 'A' changed its level from year to year (p = " in str(warning)
    assert "Give a later first, or look at forecast_usage(method='tsb')." in rates.summary()
    assert rates_from_usage(monthly("A", "X", [3] * 36)).warnings == ()


def test_what_was_not_observed_has_no_rate():
    rows = [*monthly("A", "X", [1] * 12), *monthly("B", "X", [1], 2025)]
    rates = rates_from_usage(rows, last="2024-12", missing="zero_after_first")
    assert np.isnan(rates.per_year[1])
    assert rates.to_records()[1]["per_year"] is None
    assert rates.to_records()[1]["rate_shape"] is None
    assert rates.demand.to_records() == [
        {
            "part_id": "A",
            "location_id": "X",
            "per_year": 12.5,
            "rate_shape": 12.5,
            "variance_to_mean": 1.0,
        }
    ]
    assert "part 'B' at location 'X' was not observed from 2024-01 to 2024-12" in rates.summary()


def test_different_spans_of_locations_match_two_moments():
    rows = [*monthly("A", "X", [1] * 36), *monthly("A", "Y", [1] * 12, 2026)]
    rates = rates_from_usage(rows, missing="zero_after_first")
    a, b = np.array([36.25, 12.25]), np.array([3.0, 1.0])
    mean, variance = (a / b).sum(), (a / b**2).sum()
    assert rates.rate_shape[0] == pytest.approx(mean**2 / variance)


def test_intervals_cover_clustered_and_plain_demand():
    rng = np.random.default_rng(17)
    true = 0.4
    plain = rng.poisson(true, (300, 60))
    sizes = rng.poisson(true / 3, (300, 60))
    clustered = np.array([[rng.geometric(1 / 3, n).sum() for n in row] for row in sizes])
    for units in (plain, clustered):
        series, month = np.nonzero(units >= 0)
        table = {
            "part_id": [f"P{s}" for s in series],
            "location_id": ["X"] * len(series),
            "month": [f"{2020 + m // 12}-{m % 12 + 1:02d}" for m in month],
            "units": units[series, month],
        }
        lower, upper = rates_from_usage(table).interval_per_year
        covered = ((lower <= 12 * true) & (12 * true <= upper)).mean()
        assert 0.91 <= covered <= 0.99


def test_records_and_frames():
    rates = rates_from_usage(pd.DataFrame(TWO_YEARS))
    first = rates.to_records()[0]
    assert list(first) == [
        "part_id",
        "location_id",
        "observed_months",
        "units",
        "per_year",
        "lower_per_year",
        "upper_per_year",
        "rate_shape",
        "dispersion",
        "clustering_p_value",
        "variance_to_mean",
        "drift_p_value",
    ]
    assert isinstance(rates.to_frame(), pd.DataFrame)
    assert isinstance(rates.demand.to_frame(), pd.DataFrame)
    assert rates.to_records()[2]["dispersion"] is None
    assert repr(rates) == "UsageRates(n_series=3, total=8.5 per year)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prior_units": -1}, "prior_units must be 0 or more and finite, got -1"),
        ({"prior_units": 0.0}, "prior_units must be above 0, or parts without usage"),
        ({"prior_years": np.nan}, "prior_years must be 0 or more and finite, got nan"),
        ({"level": 95}, "level must be strictly between 0 and 1, got 95"),
        ({"false_discoveries": 0}, "false_discoveries must be strictly between 0 and 1, got 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        rates_from_usage(TWO_YEARS, **arguments)


def test_wrong_tables_are_refused():
    with pytest.raises(InputError, match="A return is no usage"):
        rates_from_usage([TWO_YEARS[0] | {"units": -1}])
    history = UsageHistory.from_table(TWO_YEARS)
    with pytest.raises(ValueError, match="must be left out with a UsageHistory"):
        rates_from_usage(history, first="2024-05")
