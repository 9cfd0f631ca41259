"""Exact tests of segments against enumeration, and false discoveries by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from partsplan.demand import false_discovery_p_values, rate_difference_p_values


@settings(max_examples=60, deadline=None)
@given(n=st.integers(0, 12), rest=st.integers(0, 12), share=st.floats(0.05, 0.95))
def test_p_value_is_twice_the_outer_binomial_tail(n, rest, share):
    law = stats.binom(n + rest, share)
    mean = (n + rest) * share
    tail = law.sf(n - 1) if n > mean else law.cdf(n) if n < mean else 1.0
    found = rate_difference_p_values([n], [share], [n + rest], [1.0])
    assert found[0] == pytest.approx(min(2 * tail, 1.0), rel=1e-9)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.7])
def test_a_level_is_never_exceeded(share):
    """P(p <= alpha) by enumeration of all counts, where segments are alike."""
    total = 30
    counts = np.arange(total + 1)
    p = rate_difference_p_values(counts, share, total, 1.0)
    chance = stats.binom.pmf(counts, total, share)
    for alpha in (0.01, 0.05, 0.2):
        assert chance[p <= alpha].sum() <= alpha


def test_nothing_to_compare_with_is_not_tested():
    assert np.isnan(rate_difference_p_values([3], [10.0], [3], [10.0])).all()


def test_adjusted_p_values_equal_scipys():
    p = np.random.default_rng(3).random(200) ** 2
    expected = stats.false_discovery_control(p)
    np.testing.assert_allclose(false_discovery_p_values(p), expected, rtol=1e-13)


def test_false_discoveries_are_held_down():
    """30 of 300 tests are of true differences; of those found, at most 5 % are false on average."""
    rng = np.random.default_rng(11)
    shares = []
    for _ in range(60):
        rates = np.where(np.arange(300) < 30, 3.0, 1.0)
        own, others = rng.poisson(20 * rates), rng.poisson(200, 300)
        found = false_discovery_p_values(rate_difference_p_values(own, 20.0, own + others, 220.0))
        rejected = found <= 0.05
        assert rejected[:30].mean() > 0.8
        shares.append(rejected[30:].sum() / max(rejected.sum(), 1))
    assert np.mean(shares) < 0.05
