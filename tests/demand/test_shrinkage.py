"""Rates of segments against direct integration of the two-level model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from partsplan.demand.dispersion_fitting import DispersionProfile, fit_dispersion
from partsplan.demand.overdispersion import GroupedCounts, GroupPriors, group_rates
from partsplan.demand.shrinkage import segment_spread, shrunk_rates


def one_group(failures, exposure) -> GroupedCounts:
    n = np.asarray(failures, dtype=float)
    return GroupedCounts(n, np.asarray(exposure, dtype=float), np.zeros(len(n), dtype=np.int64), 1)


def integrated(failures, exposure, alpha, shape):
    """Mean and standard deviation of every segment's rate, the part's rate integrated out."""
    n, e = np.asarray(failures, dtype=float), np.asarray(exposure, dtype=float)
    x = np.linspace(-25, 5, 12001)
    m = np.exp(x)[:, np.newaxis]
    members = stats.nbinom(1 / alpha, 1 / (1 + alpha * m * e)).logpmf(n).sum(axis=1)
    density = np.exp(members + stats.gamma(shape, scale=1 / shape).logpdf(m[:, 0]) + x)
    density /= integrate.simpson(density, x=x)
    mean = (1 / alpha + n) / (1 / (alpha * m) + e)
    square = mean * (1 / alpha + n + 1) / (1 / (alpha * m) + e)
    first = integrate.simpson(density[:, np.newaxis] * mean, x=x, axis=0)
    second = integrate.simpson(density[:, np.newaxis] * square, x=x, axis=0)
    return first, np.sqrt(second - first**2)


@pytest.mark.parametrize("alpha", [0.05, 0.3, 1.0])
@pytest.mark.parametrize(
    ("failures", "exposure", "accuracy"),
    [
        ([0, 2, 9, 30, 0], [1.0, 4.0, 5.0, 20.0, 1e-9], 0.02),
        ([0, 1, 0], [1.0, 0.5, 1e-9], 0.02),
        ([5, 0, 20, 0], [2.0, 2.0, 2.0, 1e-9], 0.02),
        ([0, 0, 0], [5.0, 3.0, 1e-9], 0.10),
    ],
)
def test_rates_of_segments_are_near_the_integral(failures, exposure, accuracy, alpha):
    """Means within 2 % (10 % where nothing failed), deviations within 12 %."""
    found = shrunk_rates(
        one_group(failures, exposure),
        GroupPriors(np.array([1.0]), np.array([1.0])),
        np.array([alpha]),
        np.ones(len(failures), dtype=bool),
    )
    mean, deviation = integrated(failures, exposure, alpha, 1.0)
    np.testing.assert_allclose(found.rate, mean, rtol=accuracy)
    np.testing.assert_allclose(found.posterior.standard_deviation, deviation, rtol=0.12)
    assert found.groups.mean == pytest.approx(mean[-1], rel=accuracy)


def test_without_spread_all_segments_have_the_conjugate_posterior():
    counts = one_group([3, 0, 4], [2.0, 1.0, 7.0])
    prior = GroupPriors(np.array([1.5]), np.array([2.5]))
    found = shrunk_rates(counts, prior, np.zeros(1), np.ones(3, dtype=bool))
    np.testing.assert_allclose(found.rate, 8.5 / 12.5)
    np.testing.assert_allclose(found.posterior.shape, 8.5)
    np.testing.assert_allclose(found.posterior.exposure, 12.5)


def test_group_rate_is_the_most_likely_one():
    counts = one_group([0, 2, 9], [1.0, 4.0, 5.0])
    alpha, prior = np.full(3, 0.4), GroupPriors(np.array([2.0]), np.array([3.0]))
    found = group_rates(counts, alpha, prior)

    def log_density(x: float) -> float:
        m = np.exp(x)
        members = stats.nbinom(2.5, 1 / (1 + 0.4 * m * counts.exposure)).logpmf(counts.failures)
        return float(members.sum() + 2.0 * x - 3.0 * m)

    x, step = np.log(found.mode[0]), 1e-3
    before, here, after = (log_density(x + d) for d in (-step, 0.0, step))
    assert (after - before) / (2 * step) == pytest.approx(0.0, abs=1e-6)
    assert -(after - 2 * here + before) / step**2 == pytest.approx(found.shape[0], rel=1e-4)
    third = log_density(x + 2 * step) - 2 * after + 2 * before - log_density(x - 2 * step)
    assert -third / (2 * step**3) == pytest.approx(found.bend[0], rel=1e-3)


def test_segments_with_many_counts_keep_their_own_rate():
    counts = one_group([1000, 10], [500.0, 10.0])
    prior = GroupPriors(np.array([1.0]), np.array([1.0]))
    found = shrunk_rates(counts, prior, np.array([0.5]), np.ones(2, dtype=bool))
    assert found.rate[0] == pytest.approx(2.0, rel=2e-3)
    assert found.posterior.shape[0] == pytest.approx(1000, rel=0.01)


def many_parts(seed: int, spread: float, n_parts: int = 400, n_segments: int = 3):
    rng = np.random.default_rng(seed)
    part = np.repeat(np.arange(n_parts), n_segments)
    exposure = rng.lognormal(1.5, 0.7, len(part))
    factor = rng.gamma(3.0, 1 / 3.0, n_parts)[part]
    if spread > 0:
        factor = factor * rng.gamma(1 / spread, spread, len(part))
    return GroupedCounts(rng.poisson(factor * exposure).astype(float), exposure, part, n_parts)


def test_spread_is_found_where_parts_have_few_segments():
    """Three segments per part: setting the parts' rates to their best would lose a third."""
    prior = GroupPriors(np.full(400, 3.0), np.full(400, 3.0))
    found = []
    for seed in range(5):
        counts = many_parts(seed, 0.25)
        profile = DispersionProfile(counts, prior, np.zeros(400, dtype=np.int64), 1, True)
        found.append(fit_dispersion(profile).value[0])
    assert np.mean(found) == pytest.approx(0.25, abs=0.03)


def test_classes_with_few_comparisons_are_fitted_together():
    counts = many_parts(1, 0.25, n_parts=40)
    prior = GroupPriors(np.full(40, 3.0), np.full(40, 3.0))
    class_of = np.where(np.arange(40) < 30, 0, np.arange(40))
    found = segment_spread(counts, prior, np.ones(120, dtype=bool), class_of)
    assert found.comparisons == 80
    assert len(set(found.dispersion[:30].tolist())) == 1
    assert len(set(found.dispersion[30:].tolist())) == 1
    assert found.dispersion[0] != found.dispersion[-1]


def test_too_few_comparisons_mean_no_spread():
    counts = many_parts(1, 0.01, n_parts=4)
    prior = GroupPriors(np.ones(4), np.ones(4))
    found = segment_spread(counts, prior, np.ones(12, dtype=bool), np.zeros(4, dtype=np.int64))
    assert found.comparisons == 8
    assert not found.dispersion.any()
    assert not found.is_fitted


def test_few_comparisons_count_where_chance_does_not_explain_them():
    """60 failures beside none in the same exposure: p = 2e-18."""
    prior, named = GroupPriors(np.ones(1), np.ones(1)), np.ones(2, dtype=bool)
    found = segment_spread(one_group([0, 60], [2.0, 2.0]), prior, named, np.zeros(1, dtype=int))
    assert (found.comparisons, found.is_fitted) == (1, True)
    assert found.dispersion[0] > 0.5
    shrunk = shrunk_rates(one_group([0, 60], [2.0, 2.0]), prior, found.dispersion, named)
    assert shrunk.rate[0] < 2.0
    assert 20.0 < shrunk.rate[1] < 31.0


def test_jeffreys_prior_bounds_the_rate_where_segments_differ_widely():
    """Two segments, one failure, spread far above what two segments can bound: still a rate."""
    counts = one_group([0, 1], [100.0, 300.0])
    prior = GroupPriors(np.array([0.5]), np.array([0.0]))
    for alpha in (0.0, 1.0, 10.0, 100.0):
        found = group_rates(counts, np.full(2, alpha), prior)
        assert 1e-4 < found.mode[0] < 0.1
        assert found.shape[0] > 0


def test_jeffreys_prior_is_the_root_of_the_information():
    """The mode of NB likelihood x sqrt(sum of mu / (1 + alpha mu)), by SciPy."""
    counts, alpha = one_group([0, 2, 9], [1.0, 4.0, 5.0]), 0.7
    found = group_rates(counts, np.full(3, alpha), GroupPriors(np.array([0.5]), np.array([0.0])))

    def loss(x: float) -> float:
        mean = np.exp(x) * counts.exposure
        law = stats.nbinom(1 / alpha, 1 / (1 + alpha * mean))
        information = (mean / (1 + alpha * mean)).sum()
        return -float(law.logpmf(counts.failures).sum()) - 0.5 * np.log(information)

    best = optimize.minimize_scalar(loss, bounds=(-5, 5), method="bounded", options={"xatol": 1e-9})
    assert np.log(found.mode[0]) == pytest.approx(best.x, abs=1e-5)
    step = 1e-3
    curve = (loss(best.x + step) - 2 * loss(best.x) + loss(best.x - step)) / step**2
    assert found.shape[0] == pytest.approx(curve, rel=1e-3)
