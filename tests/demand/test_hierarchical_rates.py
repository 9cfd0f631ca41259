"""Full Bayes against the published pumps, and against an integral done another way."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from partsplan.demand import fit_gamma_prior, hierarchical_rates

# BUGS example "Pumps", posterior by 2-D Gauss-Legendre quadrature:
# ../shared/cases/pumps_gamma_poisson_hierarchical.json.
PUMP_HOURS = [94.3, 15.7, 62.9, 126.0, 5.24, 31.4, 1.05, 1.05, 2.1, 10.5]
PUMP_FAILURES = [5, 1, 5, 14, 3, 19, 1, 1, 4, 22]
PUMP_MEANS = [
    0.05981827280834674,
    0.10182635066039555,
    0.08924173899698606,
    0.1157883662999965,
    0.6013383883523623,
    0.6093876126691518,
    0.892535871281173,
    0.892535871281173,
    1.5863116954586591,
    1.9898349151351553,
]


def test_pumps_have_the_published_posterior():
    rates = hierarchical_rates(PUMP_FAILURES, PUMP_HOURS)
    np.testing.assert_allclose(rates.mean, PUMP_MEANS, rtol=1e-5)
    assert rates.law_shape == pytest.approx((0.6971686388215125, 0.27077538267989865), rel=1e-4)
    assert rates.law_exposure == pytest.approx((0.9268070464197524, 0.54282136965185), rel=1e-4)


def test_moments_by_the_midpoint_rule():
    """The same integrals over a / (1 + a) and b / (1 + b), each from 0 to 1."""
    n, h = np.array([0.0, 3.0, 1.0]), np.array([2.0, 4.0, 0.5])
    u = (np.arange(500) + 0.5) / 500
    a, b = (u / (1 - u))[:, np.newaxis], u / (1 - u)
    weight = stats.expon(scale=2.0).pdf(a) / (1 - u[:, np.newaxis]) ** 2
    weight = weight * stats.gamma(1.5, scale=0.5).pdf(b) / (1 - u) ** 2
    for count, hours in zip(n, h, strict=True):
        weight = weight * stats.nbinom(a, b / (b + hours)).pmf(count)
    weight /= weight.sum()
    first = (weight * (a + 3) / (b + 4)).sum()
    second = (weight * (a + 3) * (a + 4) / (b + 4) ** 2).sum()
    rates = hierarchical_rates(n, h, shape_mean=2.0, exposure_prior=(1.5, 2.0))
    assert rates.mean[1] == pytest.approx(first, rel=1e-4)
    assert rates.standard_deviation[1] == pytest.approx(np.sqrt(second - first**2), rel=1e-3)
    assert rates.gamma.mean[1] == pytest.approx(rates.mean[1])
    assert rates.gamma.standard_deviation[1] == pytest.approx(rates.standard_deviation[1])


def test_a_large_family_comes_near_to_empirical_bayes():
    rng = np.random.default_rng(4)
    hours = rng.lognormal(1.0, 0.5, 400)
    failures = rng.poisson(hours * rng.gamma(2.0, 0.5, 400))
    prior = fit_gamma_prior(failures, hours)
    rates = hierarchical_rates(failures, hours)
    assert rates.law_shape[0] == pytest.approx(prior.shape[0], rel=0.1)
    np.testing.assert_allclose(
        rates.mean, (prior.shape + failures) / (prior.exposure + hours), rtol=0.04
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"failures": [1]}, r"must be of one shape \(n,\), got \(1,\) and \(2,\)"),
        ({"failures": [1, -1]}, "failures must be finite and at least 0"),
        ({"exposure": [1.0, 0.0]}, "exposure must be finite and above 0"),
        ({"shape_mean": 0.0}, "shape_mean must be above 0 and finite, got 0.0"),
        ({"exposure_prior": (0.1, -1.0)}, r"exposure_prior\[1\] must be above 0 and finite, got"),
    ],
)
def test_impossible_figures_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        hierarchical_rates(**({"failures": [1, 2], "exposure": [1.0, 2.0]} | options))
