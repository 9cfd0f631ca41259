"""Likelihood-ratio intervals against profiles found by scipy, and their coverage."""

from __future__ import annotations

import numpy as np
import pytest
from life_samples import (
    KINDS,
    NIST,
    lives_of,
    plain_log_likelihood,
    random_lives,
    scipy_law,
)
from scipy import optimize, stats

from partsplan.demand import fit_lifetimes

DROP = stats.chi2.ppf(0.95, 1) / 2


def likelihood_at(lives: list[dict[str, object]], shape: float, log_scale: float) -> float:
    law = stats.weibull_min(shape, scale=np.exp(log_scale))
    return plain_log_likelihood(law, 0.0, lives)


@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)
def test_bounds_of_weibull_figures_lie_on_the_profile(kinds: tuple[str, ...]) -> None:
    lives = random_lives(11, kinds, 60)
    fits = fit_lifetimes(lives)
    best, tops = fits.log_likelihood[0], {}

    def profile(fix: object, figure: float) -> float:
        def loss(log_shape: float) -> float:
            shape = float(np.exp(log_shape))
            return -likelihood_at(lives, shape, fix(shape, figure))  # type: ignore[operator]

        middle = float(np.log(fits.parameter("shape")[0]))
        found = optimize.minimize_scalar(loss, bounds=(middle - 3, middle + 3))
        return -float(found.fun)

    tops["scale"] = lambda shape, figure: np.log(figure)
    tops["quantile"] = lambda shape, figure: np.log(figure) - np.log(-np.log(0.9)) / shape
    tops["mean"] = lambda shape, figure: np.log(figure) - np.log(stats.weibull_min(shape).mean())
    bounds = {
        "scale": fits.interval("scale"),
        "quantile": fits.quantile_interval(0.1),
        "mean": fits.mean_interval(),
    }
    for name, fix in tops.items():
        for bound in bounds[name]:
            assert best - profile(fix, float(bound[0])) == pytest.approx(DROP, abs=2e-3), name
    for bound in fits.interval("shape"):
        found = optimize.minimize_scalar(
            lambda y, shape=float(bound[0]): -likelihood_at(lives, shape, y), bounds=(0, 15)
        )
        assert best + found.fun == pytest.approx(DROP, abs=2e-3)


def test_exponential_bounds_solve_their_equation() -> None:
    fits = fit_lifetimes(lives_of(*NIST), distribution="exponential")
    n, hours = 10, sum(NIST[0]) + sum(NIST[1])
    for bound in fits.interval("rate"):
        fall = (n * np.log(n / hours) - n) - (n * np.log(bound[0]) - bound[0] * hours)
        assert fall == pytest.approx(DROP, rel=1e-5)
    low, high = fits.mean_interval()
    assert [1 / high[0], 1 / low[0]] == pytest.approx([b[0] for b in fits.interval("rate")])


def test_lognormal_bounds_of_complete_lives() -> None:
    r"""The profile of mu is -n/2 log(variance about it): the bound is where it has risen."""
    rng = np.random.default_rng(3)
    logs = rng.normal(6, 0.8, 15)
    fits = fit_lifetimes(lives_of(np.exp(logs).tolist(), []), distribution="lognormal")
    reach = np.sqrt(logs.var() * (np.exp(2 * DROP / 15) - 1))
    low, high = fits.interval("mu")
    assert [low[0], high[0]] == pytest.approx([logs.mean() - reach, logs.mean() + reach], rel=1e-6)
    lower, upper = fits.interval("sigma")
    for bound in (lower[0], upper[0]):
        fall = 15 * (np.log(bound / logs.std()) + 0.5 * (logs.var() / bound**2 - 1))
        assert fall == pytest.approx(DROP, rel=1e-4)
    assert lower[0] < logs.std() < upper[0]


def test_bounds_where_a_fraction_never_fails_lie_on_the_profile() -> None:
    rng = np.random.default_rng(5)
    life = np.where(rng.random(80) < 0.5, 500 * rng.weibull(2.0, 80), np.inf)
    failed = life < 1500
    lives = [
        {"part_id": "P", "hours": float(min(t, 1500)), "weight": 1.0}
        | {"outcome": "failed" if f else "censored"}
        for t, f in zip(life, failed, strict=True)
    ]
    fits = fit_lifetimes(lives, distribution="weibull_never_fails")

    def value(log_shape: float, log_scale: float, never: float) -> float:
        if not 0.0 <= never < 1.0:
            return -1e9
        law, share = scipy_law("weibull_never_fails", [np.exp(log_shape), np.exp(log_scale), never])
        return plain_log_likelihood(law, share, lives)

    for bound in fits.interval("never_fails"):
        found = optimize.minimize(
            lambda x, never=float(bound[0]): -value(*x, never), [0.7, 6.2], method="Nelder-Mead"
        )
        assert fits.log_likelihood[0] + found.fun == pytest.approx(DROP, abs=1e-3)

    def by_quantile(x: np.ndarray, time: float) -> float:
        """Shape and fraction that never fails are free, and 30 % of all have failed by then."""
        among = 0.3 / (1.0 - x[1]) if x[1] < 1.0 else 1.0
        if not 0.0 < among < 1.0:
            return 1e9
        log_scale = np.log(time) - np.log(-np.log(1 - among)) / np.exp(x[0])
        return -value(x[0], log_scale, x[1])

    for bound in fits.quantile_interval(0.3):
        start = [np.log(fits.parameter("shape")[0]), fits.parameter("never_fails")[0]]
        found = optimize.minimize(by_quantile, start, args=(float(bound[0]),), method="Nelder-Mead")
        assert fits.log_likelihood[0] + found.fun == pytest.approx(DROP, abs=1e-3)
    assert np.isnan(fits.quantile(0.9)[0])
    assert np.isnan([bound[0] for bound in fits.quantile_interval(0.9)]).all()


def test_a_bound_that_is_not_there_is_unknown() -> None:
    """Two failures among running units do not bound the mean from above."""
    fits = fit_lifetimes(lives_of([100, 900], [1000] * 40))
    low, high = fits.mean_interval(0.9999)
    assert low[0] > 0
    assert np.isnan(high[0])


def test_levels_are_nested() -> None:
    fits = fit_lifetimes(random_lives(8, KINDS["everything"]), level=0.9)
    assert fits.interval("scale") == fits.interval("scale", 0.9)
    bounds = [fits.interval("scale", level) for level in (0.5, 0.9, 0.99)]
    lows, highs = [low[0] for low, _ in bounds], [high[0] for _, high in bounds]
    assert lows == sorted(lows, reverse=True)
    assert highs == sorted(highs)
    with pytest.raises(ValueError, match="level must be strictly between 0 and 1, got 1"):
        fits.interval("scale", 1)


@pytest.mark.parametrize(
    ("size", "share", "distribution", "shape"),
    [
        (10, 0.0, "exponential", 1.0),
        (100, 0.9, "exponential", 1.0),
        (20, 0.5, "weibull", 1.7),
        (100, 0.9, "weibull", 1.7),
        (50, 0.3, "weibull", 1.7),
    ],
)
def test_intervals_cover(size: int, share: float, distribution: str, shape: float) -> None:
    """A small version of ``benchmarks.coverage``: 1,500 seeded samples, each a part."""
    rng = np.random.default_rng([17, size, int(10 * share)])
    until = (-np.log(share)) ** (1 / shape) if share else np.inf
    life = rng.weibull(shape, 1500 * size)
    fits = fit_lifetimes(
        {
            "part_id": np.repeat(np.arange(1500), size),
            "hours": 1000 * np.minimum(life, until),
            "outcome": np.where(life < until, "failed", "censored"),
        },
        distribution=distribution,
    )
    quantile = 1000 * (-np.log(0.9)) ** (1 / shape)
    low, high = fits.quantile_interval(0.1)
    known = np.isfinite(low) & np.isfinite(high)
    assert known.mean() > 0.995
    assert 0.92 <= ((low <= quantile) & (quantile <= high))[known].mean() <= 0.98
