"""Gamma priors by negative binomial likelihood: a published case, SciPy's optimizer, the edge."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from partsplan.demand import fit_gamma_prior, gamma_poisson_posterior

# BUGS example "Pumps" (George, Makov and Smith 1993; Gaver and O'Muircheartaigh 1987), as in
# ../shared/cases/pumps_gamma_poisson_hierarchical.json.
PUMP_HOURS = [94.3, 15.7, 62.9, 126.0, 5.24, 31.4, 1.05, 1.05, 2.1, 10.5]
PUMP_FAILURES = [5, 1, 5, 14, 3, 19, 1, 1, 4, 22]
PUMP_RATES = [
    0.06093411856747713,
    0.1074756734116062,
    0.09075459892091405,
    0.11647628901412845,
    0.5879989154397486,
    0.6069186059272071,
    0.7885979614404554,
    0.7885979614404554,
    1.4347003157222125,
    1.9404555164108264,
]


def test_pumps_have_the_published_empirical_bayes_fit():
    prior = fit_gamma_prior(PUMP_FAILURES, PUMP_HOURS)
    assert prior.shape == pytest.approx(0.8229651154287431, rel=1e-5)
    assert prior.exposure == pytest.approx(1.2616533450060021, rel=1e-5)
    assert prior.log_likelihood == pytest.approx(-32.25783630332714, abs=1e-8)
    posterior = gamma_poisson_posterior(PUMP_FAILURES, PUMP_HOURS, prior.shape, prior.exposure)
    np.testing.assert_allclose(posterior.mean, PUMP_RATES, rtol=1e-5)


def by_scipy(failures: np.ndarray, exposure: np.ndarray) -> tuple[float, float, float]:
    """Shape, mean and log likelihood by a general optimizer and SciPy's negative binomial."""

    def loss(log_shape_and_mean: np.ndarray) -> float:
        shape, mean = np.exp(log_shape_and_mean)
        law = stats.nbinom(shape, shape / (shape + mean * exposure))
        return -float(law.logpmf(failures).sum())

    start = np.log([1.0, failures.sum() / exposure.sum()])
    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}
    found = optimize.minimize(loss, start, method="Nelder-Mead", options=options)
    return (*np.exp(found.x), -found.fun)


def test_many_families_at_once_equal_one_by_one():
    rng = np.random.default_rng(7)
    family = rng.integers(0, 12, 300)
    exposure = rng.lognormal(1.0, 1.0, 300)
    spread = np.array([0.3, 0.7, 1.0, 2.0])[family % 4]
    failures = rng.poisson(exposure * rng.gamma(1 / spread, spread)).astype(float)
    priors = fit_gamma_prior(failures, exposure, family)
    for f in range(12):
        own = family == f
        shape, mean, log_likelihood = by_scipy(failures[own], exposure[own])
        assert priors.shape[f] == pytest.approx(shape, rel=1e-4)
        assert priors.mean[f] == pytest.approx(mean, rel=1e-5)
        assert priors.log_likelihood[f] == pytest.approx(log_likelihood, abs=1e-7)
        assert priors.members[f] == own.sum()


def test_equal_counts_have_no_spread():
    prior = fit_gamma_prior([10, 10, 11, 9], [1.0, 1.0, 1.0, 1.0])
    assert prior.has_no_spread.tolist() == [True]
    assert prior.shape.tolist() == [np.inf]
    assert prior.mean.tolist() == [10.0]
    assert prior.mean_shape.tolist() == [40.0]
    expected = stats.poisson.logpmf([10, 10, 11, 9], 10.0).sum()
    assert prior.log_likelihood == pytest.approx(expected, rel=1e-12)


def test_families_with_too_little_are_not_fitted():
    failures = [1, 2, 0, 0, 0, 3, 0, 2, 5]
    exposure = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0]
    priors = fit_gamma_prior(failures, exposure, [0, 0, 1, 1, 1, 3, 3, 3, 3])
    assert priors.is_fitted.tolist() == [False, False, False, True]
    assert priors.members.tolist() == [2, 3, 0, 3]
    assert np.isnan(priors.mean[:3]).all()


@pytest.mark.parametrize(
    ("failures", "exposure", "family", "message"),
    [
        ([1, 2], [1.0], None, r"of one shape \(n,\), got \(2,\), \(1,\)"),
        ([1, -2], [1.0, 1.0], None, "failures must be finite and at least 0, got -2.0"),
        ([1, 2], [1.0, np.inf], None, "exposure must be finite and at least 0, got inf"),
        ([1, 2], [1.0, 0.0], None, "exposure must be above 0 where there are failures"),
        ([1, 2], [1.0, 1.0], [0, -1], "family must be finite and at least 0, got -1"),
    ],
)
def test_impossible_counts_are_refused(failures, exposure, family, message):
    with pytest.raises(ValueError, match=message):
        fit_gamma_prior(failures, exposure, family)
