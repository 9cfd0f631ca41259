"""Gamma-Poisson posteriors against closed forms, published figures and direct integration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from partsplan.demand import GammaPosterior, gamma_poisson_posterior, garwood_interval

# ../shared/cases/exact_gamma_poisson.json: conjugate gamma-Poisson, negative binomial predictive,
# computed in double precision.
EXACT_CASES = [
    (
        {"failures": 0, "exposure": 10.0, "prior_shape": 0.5, "prior_exposure": 2.0},
        1.0,
        {
            "mean": 0.041666666666666664,
            "sd": 0.05892556509887897,
            "q05": 0.0001638391666674801,
            "q95": 0.1600607841955885,
            "variance": 0.04513888888888888,
            "pmf": [
                0.9607689228305226,
                0.036952650878096995,
                0.0021318837045055943,
                0.00013665921182728154,
                9.198216180682407e-06,
                6.367995817395507e-07,
            ],
        },
    ),
    (
        {"failures": 7, "exposure": 100.0, "prior_shape": 0.1, "prior_exposure": 0.1},
        12.0,
        {
            "mean": 0.07092907092907093,
            "sd": 0.02661920598296549,
            "q05": 0.03350554550491314,
            "q95": 0.1196198320740929,
            "variance": 0.9531846774604017,
            "pmf": [
                0.4475917785005628,
                0.3401857228211236,
                0.14748462202592866,
                0.04788974345890994,
                0.01294432851743954,
                0.0030761544309062337,
            ],
        },
    ),
]


@pytest.mark.parametrize(("inputs", "horizon", "expected"), EXACT_CASES)
def test_posterior_equals_the_exact_cases(inputs, horizon, expected):
    posterior = gamma_poisson_posterior(**inputs)
    assert posterior.mean == pytest.approx(expected["mean"], rel=1e-12)
    assert posterior.standard_deviation == pytest.approx(expected["sd"], rel=1e-12)
    assert posterior.quantile(0.05) == pytest.approx(expected["q05"], rel=1e-10)
    assert posterior.quantile(0.95) == pytest.approx(expected["q95"], rel=1e-10)
    assert posterior.predictive_variance(horizon) == pytest.approx(expected["variance"], rel=1e-12)
    pmf = posterior.predictive_pmf(np.arange(6), horizon)
    np.testing.assert_allclose(pmf, expected["pmf"], rtol=1e-10)


def test_posterior_of_a_published_drive_fleet():
    # https://www.tlatorre.com/backblaze-q3-2025.html, WUH722222ALE6L4: 50 failures in 3,555,491
    # drive-days, flat prior; mode 0.51 %, mean 0.52 %, upper 95 % 0.65 % per year.
    posterior = gamma_poisson_posterior(50, 3_555_491 / 365, prior_shape=1.0)
    assert float(posterior.shape - 1) / posterior.exposure == pytest.approx(0.0051, abs=6e-5)
    assert posterior.mean == pytest.approx(0.005235563808205392, rel=1e-12)
    assert posterior.quantile(0.95) == pytest.approx(0.006496931660056997, rel=1e-10)


@settings(max_examples=50, deadline=None)
@given(
    failures=st.integers(0, 50),
    exposure=st.floats(0.01, 1e4),
    shape=st.floats(0.1, 20),
    level=st.floats(0.5, 0.99),
)
def test_interval_holds_its_level(failures, exposure, shape, level):
    posterior = gamma_poisson_posterior(failures, exposure, shape, 1.0)
    lower, upper = posterior.interval(level)
    law = stats.gamma(float(posterior.shape), scale=1.0 / float(posterior.exposure))
    assert law.cdf(upper) - law.cdf(lower) == pytest.approx(level, rel=1e-8)


def test_predictive_is_the_mixture_of_poisson_laws():
    posterior = gamma_poisson_posterior(3, 20.0, 1.5, 4.0)
    law = stats.gamma(float(posterior.shape), scale=1.0 / float(posterior.exposure))
    for n in range(4):
        expected = law.expect(lambda rate, n=n: stats.poisson.pmf(n, 5.0 * rate))
        assert posterior.predictive_pmf(n, 5.0) == pytest.approx(expected, rel=1e-7)
    total = posterior.predictive_pmf(np.arange(500), 5.0).sum()
    assert total == pytest.approx(1.0, rel=1e-12)


def test_default_prior_is_jeffreys():
    posterior = gamma_poisson_posterior([0, 4], [10.0, 10.0])
    np.testing.assert_array_equal(posterior.mean, [0.05, 0.45])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"failures": -1, "exposure": 1.0}, "failures must be at least 0, got -1.0"),
        ({"failures": 1, "exposure": np.nan}, "exposure must be at least 0, got nan"),
        ({"failures": 1, "exposure": 0.0}, "exposure must be above 0"),
    ],
)
def test_impossible_counts_are_refused(inputs, message):
    with pytest.raises(ValueError, match=message):
        gamma_poisson_posterior(**inputs)


def test_interval_level_is_checked():
    posterior = GammaPosterior(np.ones(1), np.ones(1))
    with pytest.raises(ValueError, match="level must be strictly between 0 and 1, got 95"):
        posterior.interval(95)


def covered(lower: np.ndarray, upper: np.ndarray, mean: float) -> float:
    """Chance that the interval of the count holds the mean, by enumeration of all counts."""
    counts = np.arange(len(lower))
    return float(stats.poisson.pmf(counts, mean)[(lower <= mean) & (mean <= upper)].sum())


class TestCoverage:
    """Intervals of a Poisson mean, for all counts up to 200 and means up to 100."""

    MEANS = np.concatenate([np.arange(0.05, 5, 0.05), np.arange(5, 100, 0.37)])

    @pytest.mark.parametrize("level", [0.8, 0.95])
    def test_garwood_never_covers_less(self, level):
        lower, upper = garwood_interval(np.arange(201), 1.0, level)
        assert min(covered(lower, upper, mean) for mean in self.MEANS) >= level

    def test_jeffreys_covers_on_average(self):
        """95 %: mean 0.950 over means up to 100; from 10 failures on, 93 to 97 % everywhere."""
        lower, upper = gamma_poisson_posterior(np.arange(201), 1.0).interval(0.95)
        coverage = np.array([covered(lower, upper, mean) for mean in self.MEANS])
        assert coverage[self.MEANS >= 5].mean() == pytest.approx(0.95, abs=0.003)
        assert coverage[self.MEANS >= 10].min() >= 0.93
        assert coverage[self.MEANS >= 10].max() <= 0.97

    def test_credible_interval_holds_its_level_under_its_prior(self):
        """Means drawn from the prior, counts from the mean: 90 % by integration, exactly."""
        counts = np.arange(400)
        lower, upper = gamma_poisson_posterior(counts, 2.0, 3.0, 1.5).interval(0.9)
        means = np.linspace(1e-6, 30, 60_001)
        prior = stats.gamma(3.0, scale=1 / 1.5).pdf(means)
        inside = np.zeros(len(means))
        for n in range(120):
            inside += stats.poisson.pmf(n, 2.0 * means) * (
                (lower[n] <= means) & (means <= upper[n])
            )
        assert (inside * prior).sum() * (means[1] - means[0]) == pytest.approx(0.9, abs=1e-4)


def test_garwood_interval_is_the_published_one():
    # Garwood (1936), 95 %: counts 0, 1, 5, 10, 50 as tabulated, such as in Johnson, Kemp and Kotz.
    lower, upper = garwood_interval([0, 1, 5, 10, 50], 1.0)
    np.testing.assert_allclose(lower, [0, 0.0253, 1.6235, 4.7954, 37.1110], atol=6e-5)
    np.testing.assert_allclose(upper, [3.6889, 5.5716, 11.6683, 18.3904, 65.9188], atol=6e-5)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.999])
def test_predictive_quantile_is_the_negative_binomial_one(share):
    posterior = gamma_poisson_posterior([0, 3, 700], [1.0, 20.0, 5.0], 1.5, 4.0)
    success = posterior.exposure / (posterior.exposure + 5.0)
    expected = stats.nbinom(posterior.shape, success).ppf(share)
    np.testing.assert_array_equal(posterior.predictive_quantile(share, 5.0), expected)
    cdf = posterior.predictive_cdf(np.arange(9)[:, np.newaxis], 5.0)
    pmf = [posterior.predictive_pmf(n, 5.0) for n in range(9)]
    np.testing.assert_allclose(cdf, np.cumsum(pmf, axis=0), rtol=1e-10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: garwood_interval(-1, 1.0), "failures must be at least 0, got -1.0"),
        (lambda: garwood_interval(1, 0.0), "exposure must be above 0, got 0.0"),
        (lambda: garwood_interval(1, 1.0, 95), "level must be strictly between 0 and 1, got 95"),
        (
            lambda: gamma_poisson_posterior(1, 1.0).predictive_quantile(1.0, 1.0),
            "share must be strictly between 0 and 1, got 1.0",
        ),
        (
            lambda: gamma_poisson_posterior(1, 1.0).predictive_quantile(0.5, 0.0),
            "horizon must be above 0 and finite, got 0.0",
        ),
    ],
)
def test_options_are_checked(call, message):
    with pytest.raises(ValueError, match=message):
        call()
