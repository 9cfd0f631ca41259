"""Croston, SBA and TSB against worked examples, plain loops, and their known biases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partsplan.demand import best_smoothing, croston, one_step_forecasts, sba, tsb

# Monthly sales of a lubricant, productC of the R package fpp2, and their forecast in Hyndman and
# Athanasopoulos, Forecasting: Principles and Practice, 2nd ed., section 12.2 (alpha 0.1):
# sizes 2 1 11 2 6 3 7 3 1 1 1, intervals 2 2 2 5 2 1 6 8 1 3 2. The steps were done by hand.
PRODUCT_C = [
    *[0, 2, 0, 1, 0, 11, 0, 0, 0, 0, 2, 0],
    *[6, 3, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0],
    *[0, 0, 0, 3, 1, 0, 0, 1, 0, 1, 0, 0],
]


def test_croston_of_a_published_series():
    forecast = croston([PRODUCT_C], alpha=0.1)
    assert forecast.size[0] == pytest.approx(2.750, abs=5e-4)
    assert forecast.interval[0] == pytest.approx(2.793, abs=5e-4)
    assert forecast.per_month[0] == pytest.approx(2.750 / 2.793, abs=5e-4)
    assert forecast.per_year[0] == 12.0 * forecast.per_month[0]


def test_as_a_peer_package_has_them():
    # statsforecast 2.1.1: CrostonClassic() and CrostonSBA(), alpha 0.1, and TSB(0.1, 0.1), whose
    # start is the same where the first month has a demand.
    units = [
        [
            *[2, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 1, 1, 0, 0, 1],
            *[1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 3, 0, 0, 1, 0, 1, 0, 0],
        ],
        [
            *[1, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0],
            *[0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0],
        ],
    ]
    expected = {
        croston: [0.6424528474783444, 0.33989391459818175],
        sba: [0.6103302051044271, 0.32289921886827266],
        tsb: [0.529672636937288, 0.19395219265527405],
    }
    for method, per_month in expected.items():
        np.testing.assert_allclose(method(units).per_month, per_month, rtol=1e-12)


def test_all_three_by_hand():
    # 0 3 0 0 0 8, alpha 0.2, beta 0.5. Croston: size 3 then 3 + 0.2 x 5 = 4; interval 2 then
    # 2 + 0.5 x (4 - 2) = 3. TSB: probability 1/2, 1/4, 1/8, 1/16, then 1/32 + 1/2 = 17/32.
    units = [[0, 3, 0, 0, 0, 8]]
    assert croston(units, 0.2, 0.5).per_month[0] == pytest.approx(4 / 3)
    assert sba(units, 0.2, 0.5).per_month[0] == pytest.approx(4 / 3 * 0.75)
    assert tsb(units, 0.2, 0.5).per_month[0] == pytest.approx(4 * 17 / 32)
    steps = one_step_forecasts(units, "tsb", 0.2, 0.5)
    np.testing.assert_allclose(steps, [[0, 0, 3 / 2, 3 / 4, 3 / 8, 3 / 16]])


def by_plain_loop(series, method, alpha, beta):
    """One series, one month after the other; forecasts before each month and after the last."""
    size = pace = None
    waited, forecasts = 0, []

    def forecast():
        if size is None:
            return 0.0
        if method == "tsb":
            return size * pace
        return size / pace * (1 - beta / 2 if method == "sba" else 1)

    for used in series:
        forecasts.append(forecast())
        if math.isnan(used):
            continue
        waited += 1
        if used > 0:
            if size is None:
                size, pace = used, (1 / waited if method == "tsb" else waited)
            else:
                size += alpha * (used - size)
                pace += beta * ((1 if method == "tsb" else waited) - pace)
            waited = 0
        elif method == "tsb" and size is not None:
            pace += beta * (0 - pace)
    return [*forecasts, forecast()]


METHODS = {"croston": croston, "sba": sba, "tsb": tsb}


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n_months=st.integers(0, 30))
def test_all_series_at_once_equal_plain_loops(method, seed, n_months):
    rng = np.random.default_rng(seed)
    units = rng.poisson(rng.gamma(0.5, 1, 7)[:, np.newaxis], (7, n_months)).astype(float)
    units[rng.random(units.shape) < 0.1] = np.nan
    alpha, beta = rng.uniform(0.01, 1, 7), rng.uniform(0.01, 1, 7)
    steps = one_step_forecasts(units, method, alpha, beta)
    final = METHODS[method](units, alpha, beta).per_month
    for i, series in enumerate(units):
        expected = by_plain_loop(series, method, alpha[i], beta[i])
        np.testing.assert_allclose([*steps[i], final[i]], expected, rtol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_scale_and_zero_series(method):
    forecast = METHODS[method]([PRODUCT_C, [0] * 36, [3 * u for u in PRODUCT_C]])
    assert forecast.per_month[2] == pytest.approx(3 * forecast.per_month[0])
    assert forecast.per_month[1] == 0.0
    assert np.isnan(forecast.size[1])
    assert np.isnan(forecast.interval[1])


def test_a_demand_every_month_is_simple_smoothing():
    units = np.array([[3.0, 5.0, 4.0, 6.0]])
    level = 3.0
    for used in units[0, 1:]:
        level += 0.3 * (used - level)
    for method in (croston, tsb):
        assert method(units, 0.3).per_month[0] == pytest.approx(level)


@pytest.mark.parametrize("chance", [0.1, 0.3])
def test_croston_is_biased_and_sba_about_not(chance):
    # Syntetos and Boylan (2001): Croston is high by beta / (2 - beta) x (1 - chance).
    rng = np.random.default_rng(5)
    beta = 0.2
    units = (rng.random((20_000, 150)) < chance) * rng.integers(1, 6, (20_000, 150))
    mean = 3.0 * chance
    high = croston(units, beta).per_month.mean() / mean - 1.0
    left = sba(units, beta).per_month.mean() / mean - 1.0
    even = tsb(units, beta).per_month.mean() / mean - 1.0
    assert high == pytest.approx(beta / (2 - beta) * (1 - chance), abs=0.03)
    assert high > 0.06
    assert abs(left) < 0.05
    assert abs(even) < 0.015


@pytest.mark.parametrize("criterion", ["rate", "one_step"])
@pytest.mark.parametrize("method", METHODS)
def test_best_constants_by_brute_force(method, criterion):
    rng = np.random.default_rng(11)
    units = rng.poisson(0.7, (6, 24)).astype(float)
    units[0, 3], units[5] = np.nan, 0.0
    grid = (0.05, 0.2, 0.6)
    alpha, beta = best_smoothing(units, method, criterion=criterion, grid=grid)
    for i, series in enumerate(units):
        errors = {}
        for a in grid:
            for b in grid:
                steps = by_plain_loop(series, method, a, b)
                total = 0.0
                for t in range(24):
                    if steps[t] > 0 and not math.isnan(series[t]):
                        past = series[: t + 1]
                        mean = np.nanmean(past)
                        total += (steps[t] - (mean if criterion == "rate" else series[t])) ** 2
                errors[a, b] = total
        least = min(errors.values())
        assert errors[alpha[i], beta[i]] == pytest.approx(least, rel=1e-9)
    assert (alpha[5], beta[5]) == (0.05, 0.05)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: croston([1, 2, 3]), r"units must be of shape \(n_series, n_months\), got \(3,\)"),
        (lambda: sba([[1, -2]]), "units must be 0 or more and finite, .* got -2.0"),
        (lambda: tsb([[1, np.inf]]), "units must be 0 or more and finite, .* got inf"),
        (lambda: sba([[1]], alpha=0), "alpha must be above 0 and at most 1, got 0.0"),
        (lambda: sba([[1]], beta=1.2), "beta must be above 0 and at most 1, got 1.2"),
        (lambda: sba([[1]], alpha=np.nan), "alpha must be above 0 and at most 1, got nan"),
        (lambda: sba([[1]], alpha=[0.1, 0.2]), r"shape \(n_series,\) = \(1,\), got shape \(2,\)"),
        (
            lambda: one_step_forecasts([[1]], "holt"),
            "method must be one of 'croston', 'sba', 'tsb', got 'holt'",
        ),
        (lambda: best_smoothing([[1]], "holt"), "method must be one of"),
        (
            lambda: best_smoothing([[1]], "sba", criterion="mse"),
            "criterion must be 'rate' or 'one_step', got 'mse'",
        ),
        (lambda: best_smoothing([[1]], "sba", grid=()), "grid must hold at least one constant"),
        (lambda: best_smoothing([[1]], "sba", grid=(0.1, 2)), "alpha must be above 0 and at"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
