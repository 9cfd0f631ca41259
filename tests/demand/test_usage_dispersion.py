"""Clustering within years and changes between them: by hand, by enumeration, by simulation."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from partsplan.demand import UsageHistory, usage_dispersion
from partsplan.demand.usage_dispersion import array_totals, history_totals


def test_one_year_is_the_usual_index_of_dispersion():
    units = np.array([[0, 3, 1, 0, 0, 2, 5, 0, 0, 1, 0, 0], [1] * 12], dtype=float)
    expected = units.var(axis=1, ddof=1) / units.mean(axis=1)
    np.testing.assert_allclose(usage_dispersion(units).ratio, expected, atol=1e-12)


def test_years_have_their_own_levels():
    # Exactly 1 a month, then exactly 5 a month: no spread within, much between.
    found = usage_dispersion([[1] * 12 + [5] * 12])
    assert found.ratio[0] == pytest.approx(0.0, abs=1e-12)
    assert found.clustering_p_value[0] == 1.0
    # 12 and 60 where 36 and 36 were expected: chi-square 2 x 24^2 / 36 = 32 with one degree.
    assert found.drift_p_value[0] == pytest.approx(stats.chi2.sf(32.0, 1))


def test_the_first_span_takes_what_is_left():
    totals = array_totals(np.arange(30.0)[:, np.newaxis])
    assert totals.months.tolist() == [[18, 12]]
    assert totals.units.tolist() == [[sum(range(18)), sum(range(18, 30))]]
    assert array_totals(np.ones((23, 1))).months.tolist() == [[23]]


@pytest.mark.parametrize("missing", ["zero", "zero_after_first", "unknown"])
def test_rows_and_arrays_give_the_same_totals(missing):
    rng = np.random.default_rng(4)
    rows = [
        {"part_id": f"P{s}", "location_id": "X", "month": f"{2022 + m // 12}-{m % 12 + 1:02d}"}
        | {"units": int(rng.poisson(1.5))}
        for s in range(5)
        for m in rng.choice(31, 9, replace=False)
    ]
    history = UsageHistory.from_table(rows, first="2022-01", last="2024-07", missing=missing)
    from_rows, dense = history_totals(history), array_totals(history.units.T)
    for name in ("units", "pairs", "months"):
        np.testing.assert_allclose(getattr(from_rows, name), getattr(dense, name))


def test_pairs_are_unbiased_by_enumeration():
    # Four units fall in six months in 6^4 equally likely ways.
    ratios = []
    for months in product(range(6), repeat=4):
        ratios.append(usage_dispersion([np.bincount(months, minlength=6)]).ratio[0])
    assert np.mean(ratios) == pytest.approx(1.0, rel=1e-12)


def test_locations_share_their_clustering():
    units = np.array([[0, 4, 0, 0], [1, 1, 1, 1], [2, 0, 0, 2]], dtype=float)
    found = usage_dispersion(units, [1, 0, 1])
    alone = usage_dispersion(units[1:2])
    assert found.ratio[0] == alone.ratio[0]
    # pairs 6 + 2, expected 12/8 + 12/8, scale 2 x 4 x 3/4
    assert found.ratio[1] == pytest.approx(1 + 2 * (8 - 3) / 6)


@pytest.mark.parametrize("level", [0.05, 0.5, 4.0])
def test_poisson_demand_is_rarely_called_clustered(level):
    rng = np.random.default_rng(8)
    found = usage_dispersion(rng.poisson(level, (20_000, 36)))
    p = found.clustering_p_value[~np.isnan(found.clustering_p_value)]
    assert (p <= 0.05).mean() <= 0.06
    assert (p <= 0.01).mean() <= 0.015
    assert np.nanmean(found.ratio) == pytest.approx(1.0, abs=0.01)


def test_a_trend_is_no_clustering_but_a_change_of_level():
    rng = np.random.default_rng(9)
    found = usage_dispersion(rng.poisson(np.linspace(0.5, 4.0, 60), (2000, 60)))
    assert np.mean(found.ratio) == pytest.approx(1.0, abs=0.05)
    assert (found.clustering_p_value <= 0.05).mean() < 0.12
    assert (found.drift_p_value <= 0.05).mean() > 0.95


def test_clustered_demand_is_found_and_no_change_of_level():
    rng = np.random.default_rng(10)
    demands = rng.poisson(0.8, (1000, 60))
    units = np.array([[rng.geometric(0.5, n).sum() for n in row] for row in demands])
    found = usage_dispersion(units)
    # variance to mean E[size^2] / E[size] = 6 / 2
    assert np.mean(found.ratio) == pytest.approx(3.0, abs=0.1)
    assert (found.clustering_p_value <= 0.01).mean() > 0.9
    assert np.nanmean(found.drift_p_value <= 0.05) < 0.06


def test_what_cannot_be_told_is_nan():
    found = usage_dispersion([[0] * 24, [1] * 24, [np.nan] * 23 + [3]])
    np.testing.assert_array_equal(np.isnan(found.ratio), [True, False, True])
    np.testing.assert_array_equal(np.isnan(found.clustering_p_value), [True, False, True])
    np.testing.assert_array_equal(np.isnan(found.drift_p_value), [True, False, True])


@pytest.mark.parametrize("group", [[0], [0, 1, 2], [0, -1]])
def test_groups_must_fit(group):
    with pytest.raises(ValueError, match=r"group must be of shape \(n_series,\) = \(2,\)"):
        usage_dispersion([[1, 2], [3, 4]], group)
