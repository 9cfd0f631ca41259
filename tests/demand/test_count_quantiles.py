"""Quantiles of counts: published inputs, scipy's laws, and exact convolutions of small fleets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from partsplan.demand import LifeLaws, count_quantile, gamma_poisson_posterior, renewal_count_pmf
from partsplan.demand.count_quantiles import count_distribution


def test_public_inputs_45_drives():
    # Tcl wiki 'Spare Parts from Normal Distribution': 45 drives, 90 days, 95 %
    for mtbf, spares, enough in ((1e5, 3, 0.9826807748830111), (3e5, 1, 0.9575833209109114)):
        mean = 45 * 90 * 24 / mtbf
        assert count_quantile(mean, 0.95) == spares
        assert count_distribution(spares, mean, mean) == pytest.approx(enough, rel=1e-12)


def test_public_inputs_lifetime_buy():
    # eng-tips thread 437516: no failure in 32,441 hours, 90,247 hours to go
    for prior, units in ((0.5, [2, 4, 6]), (1.0, [5, 7, 9])):
        posterior = gamma_poisson_posterior(0, 32441.0, prior)
        mean = 90247.0 * posterior.mean
        assert count_quantile(mean, [0.8, 0.9, 0.95], rate_shape=prior).tolist() == units


@pytest.mark.parametrize("share", [0.001, 0.05, 0.5, 0.95, 0.999999])
def test_laws_are_those_of_scipy(share):
    mean = np.array([1e-6, 0.02, 0.7, 3.0, 44.0, 900.0, 1e6])
    assert count_quantile(mean, share).tolist() == stats.poisson.ppf(share, mean).tolist()
    uncertain = stats.nbinom.ppf(share, 2.5, 2.5 / (2.5 + mean))
    assert count_quantile(mean, share, rate_shape=2.5).tolist() == uncertain.tolist()
    n, p = np.array([1, 7, 400]), np.array([0.3, 0.05, 0.9])
    found = count_quantile(n * p, share, variance=n * p * (1 - p))
    assert found.tolist() == stats.binom.ppf(share, n, p).tolist()


@settings(max_examples=60, deadline=None)
@given(
    mean=st.floats(0.0, 300.0),
    ratio=st.floats(0.01, 20.0),
    share=st.floats(0.001, 0.999),
)
@example(mean=2.3e-313, ratio=2.0, share=0.5)
@example(mean=1e-200, ratio=3.0, share=0.9)
def test_a_quantile_is_the_least_count_that_is_enough(mean, ratio, share):
    variance = mean * ratio
    k = int(count_quantile(mean, share, variance=variance))
    assert count_distribution(k, mean, variance) >= share
    assert k == 0 or count_distribution(k - 1, mean, variance) < share
    assert count_quantile(mean, min(share + 0.0005, 0.9999), variance=variance) >= k


def test_small_fleets_are_off_by_one_unit_at_most():
    off = 0
    cases = [
        (n, shape, hours, age)
        for n in (1, 2, 5, 20)
        for shape in (0.7, 1.5, 3.0, 8.0)
        for hours, age in ((0.1, 1.2), (0.3, 0.5), (1.0, 0.0), (3.0, 0.5))
    ]
    for n, shape, hours, age in cases:
        life = LifeLaws.of("weibull", shape=shape, scale=1.0)
        one = renewal_count_pmf(life, hours, age=age, tolerance=1e-6)
        law = np.ones(1)
        for _ in range(n):
            law = np.convolve(law, one)
        k = np.arange(len(law))
        mean = (k * law).sum()
        variance = (k**2 * law).sum() - mean**2
        for share in (0.5, 0.8, 0.9, 0.95, 0.99):
            exact = int(np.searchsorted(np.cumsum(law), share - 1e-12))
            told = int(count_quantile(mean, share, variance=variance))
            assert abs(told - exact) <= 1
            off += told != exact
    assert off / (5 * len(cases)) < 0.2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mean": -1.0, "share": 0.5}, "mean must be finite and at least 0, got -1"),
        ({"mean": np.inf, "share": 0.5}, "mean must be finite"),
        ({"mean": 1.0, "share": 95.0}, "share must be strictly between 0 and 1, got 95"),
        ({"mean": 1.0, "share": 0.5, "variance": -2.0}, "variance must be finite and at least 0"),
        ({"mean": 1.0, "share": 0.5, "rate_shape": 0.0}, "rate_shape must be above 0, got 0"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        count_quantile(**arguments)
