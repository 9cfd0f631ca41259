"""Exact tests of counts against direct sums of the probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from partsplan.demand import count_p_values


@pytest.mark.parametrize("mean", [0.01, 0.7, 4.0, 60.0])
def test_poisson_tails_by_direct_sums(mean):
    law = stats.poisson(mean)
    for k in range(12):
        at_most = sum(law.pmf(n) for n in range(k + 1))
        at_least = 1 - sum(law.pmf(n) for n in range(k))
        expected = min(1.0, 2 * min(at_most, at_least))
        assert count_p_values([k], [mean])[0] == pytest.approx(expected, rel=1e-8, abs=1e-15)


@pytest.mark.parametrize(("mean", "variance"), [(0.5, 0.9), (4.0, 12.0), (30.0, 31.0)])
def test_negative_binomial_tails_by_direct_sums(mean, variance):
    law = stats.nbinom(mean**2 / (variance - mean), mean / variance)
    for k in range(12):
        at_least = 1 - sum(law.pmf(n) for n in range(k))
        expected = min(1.0, 2 * min(law.cdf(k), at_least))
        found = count_p_values([k], [mean], [variance])[0]
        assert found == pytest.approx(expected, rel=1e-8, abs=1e-13)


def test_nothing_expected():
    assert count_p_values([0, 1], [0, 0], [0, 0]).tolist() == [1.0, 0.0]


def test_the_poisson_limit_is_smooth():
    near = count_p_values([9], [4.0], [4.0 * (1 + 2e-9)])[0]
    assert near == pytest.approx(count_p_values([9], [4.0])[0], rel=1e-5)


def test_size_is_kept():
    rng = np.random.default_rng(2)
    mean = rng.uniform(0.1, 20, 50_000)
    counted = rng.poisson(rng.gamma(3.0, mean / 3.0))
    p = count_p_values(counted, mean, mean + mean**2 / 3.0)
    for size in (0.1, 0.01):
        assert (p <= size).mean() <= size * 1.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([-1], [1]), "counted must be 0 or more and finite, got -1.0"),
        (([1], [np.nan]), "expected must be 0 or more and finite, got nan"),
        (([1], [1], [np.inf]), "variance must be 0 or more and finite, got inf"),
    ],
)
def test_impossible_figures_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        count_p_values(*arguments)
