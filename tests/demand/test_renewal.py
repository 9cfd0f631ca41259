"""Renewal function and law of the count: exact cases, closed forms, simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from partsplan.demand import LifeLaws, renewal_count_pmf, renewal_function
from partsplan.demand.renewal_solutions import UnitGroups
from partsplan.demand.renewal_windows import window_counts
from partsplan.errors import PartsplanError

# ../shared/cases/exact_weibull_renewal.json: Smith-Leadbetter series and McShane expansion in
# 60-digit arithmetic; scale 1, t = .25, .5, 1, 1.5, 2; counts up to t = 1.
EXACT = {
    0.7: (
        [
            0.40226668988723857,
            0.676648990616297,
            1.1589740012187362,
            1.6053154331727997,
            2.0345583052444076,
        ],
        [
            0.36787944117144233,
            0.3126762984893531,
            0.18415189785882122,
            0.08568115948453285,
            0.03349122747754397,
            0.011398963108179347,
            0.0034584914663865654,
        ],
    ),
    1.5: (
        [
            0.12190150144749082,
            0.3302698444724811,
            0.8415781366496907,
            1.3909151503393409,
            1.945500799925875,
        ],
        [
            0.36787944117144233,
            0.453306231881109,
            0.15111825193083192,
            0.02495129429494145,
            0.002552904949843761,
            0.00018178795967206373,
            9.670681311725967e-06,
        ],
    ),
    3.0: (
        [
            0.01551572698499698,
            0.11826266899118122,
            0.6723291002383116,
            1.2552351325349702,
            1.801075256893377,
        ],
        [
            0.36787944117144233,
            0.5924349127064165,
            0.039165236218776725,
            0.0005179301209317902,
            2.4741875896037458e-06,
            5.587876151485697e-09,
            6.961683969830625e-12,
        ],
    ),
}


@pytest.mark.parametrize("shape", EXACT)
def test_exact_weibull_renewals(shape):
    life = LifeLaws.of("weibull", shape=shape, scale=1.0)
    renewals, counts = EXACT[shape]
    assert renewal_function(life, [0.25, 0.5, 1.0, 1.5, 2.0]) == pytest.approx(renewals, abs=1e-9)
    pmf = renewal_count_pmf(life, 1.0, most=6)
    assert pmf == pytest.approx(counts, abs=1e-9)
    assert pmf == pytest.approx(counts, rel=1e-6)  # also where little is left


def test_an_exponential_life_makes_a_poisson_process_at_any_age():
    life = LifeLaws.of("exponential", rate=0.01)
    assert renewal_function(life, [50.0, 800.0], age=123.0) == pytest.approx([0.5, 8.0], rel=1e-9)
    pmf = renewal_count_pmf(life, 300.0, age=7.0)
    assert pmf == pytest.approx(stats.poisson.pmf(np.arange(len(pmf)), 3.0), abs=1e-10)


@pytest.mark.parametrize(
    "life",
    [
        LifeLaws.of("weibull", shape=2.5, scale=100.0),
        LifeLaws.of("weibull", shape=0.6, scale=100.0),
        LifeLaws.of("lognormal", mu=4.0, sigma=0.8),
        LifeLaws.of("weibull_never_fails", shape=1.5, scale=60.0, never_fails=0.3),
    ],
)
@pytest.mark.parametrize("age", [0.0, 80.0])
def test_renewals_of_an_old_unit_are_those_of_a_simulation(life, age):
    rng = np.random.default_rng(17)
    n, horizon = 40_000, 250.0
    clock = simulated_lives(life, n, rng, age)
    counts = np.zeros(n)
    while (clock <= horizon).any():
        counts += clock <= horizon
        clock += simulated_lives(life, n, rng)
    pmf = renewal_count_pmf(life, horizon, age=age)
    mean = (pmf * np.arange(len(pmf))).sum()
    assert renewal_function(life, [horizon], age=age)[0] == pytest.approx(mean, abs=1e-7)
    assert counts.mean() == pytest.approx(mean, abs=4 * counts.std() / np.sqrt(n))
    share = (counts == 1).mean()
    assert share == pytest.approx(pmf[1], abs=4 * np.sqrt(share / n))


def simulated_lives(
    life: LifeLaws, n: int, rng: np.random.Generator, age: float = 0.0
) -> np.ndarray:
    """Lives by inverting the law by hand, of the units that reached an age."""
    if life.is_lognormal[0]:
        law = stats.lognorm(1.0 / life.slope[0], scale=np.exp(life.center[0]))
    else:
        law = stats.weibull_min(life.slope[0], scale=np.exp(life.center[0]))
    fails = life.fails[0]
    u = rng.uniform(fails * law.cdf(age), 1.0, n)
    lives = np.full(n, np.inf)
    lives[u < fails] = law.ppf(u[u < fails] / fails)
    return lives - age


@pytest.mark.parametrize(("shape", "age"), [(0.7, 0.0), (1.5, 500.0), (3.0, 1500.0), (8.0, 400.0)])
def test_windows_agree_with_the_exact_law(shape, age):
    life = LifeLaws.of("weibull", shape=shape, scale=1000.0)
    clock = np.linspace(0.0, 3000.0, 13)
    zero = np.zeros(1, dtype=np.int64)
    counts = window_counts(UnitGroups(life, zero, np.array([age]), zero, clock[None]))
    exact = np.diff(renewal_function(life, clock, age=age, tolerance=1e-7))
    assert counts.mean[0] == pytest.approx(exact, rel=2e-3, abs=2e-5)
    for hours, variance in ((250.0, counts.variance[0, 0]), (3000.0, counts.total_variance[0])):
        pmf = renewal_count_pmf(life, hours, age=age, tolerance=1e-7)
        n = np.arange(len(pmf))
        spread = (pmf * n**2).sum() - (pmf * n).sum() ** 2
        assert variance == pytest.approx(spread, rel=5e-3)


def test_groups_of_several_laws_and_clocks_do_not_mix():
    laws = LifeLaws.of("weibull", shape=2.0, scale=500.0).joined(
        LifeLaws.of("lognormal", mu=9.0, sigma=0.5)
    )
    clock = np.array([[0, 100, 900], [0, 0, 0], [0, 0, 40], [0, 3000, 9000]], dtype=float)
    law, age = np.array([0, 0, 1, 1]), np.array([0.0, 10.0, 50.0, 5000.0])
    together = window_counts(UnitGroups(laws, law, age, law, clock))
    assert together.mean[1].tolist() == [0.0, 0.0]
    for i in (0, 2, 3):
        exact = renewal_function(laws[law[i : i + 1]], clock[i], age=age[i])
        assert together.mean[i] == pytest.approx(np.diff(exact), rel=1e-3, abs=1e-12)


def test_what_cannot_be_computed_is_told():
    life = LifeLaws.of("weibull", shape=400.0, scale=1.0)
    with pytest.raises(PartsplanError, match="The renewal function is not known to 1e-09"):
        renewal_function(life, [300.0])
    zero = np.zeros(1, dtype=np.int64)
    groups = UnitGroups(life, zero, np.zeros(1), zero, np.array([[0.0, 1e5]]))
    with pytest.raises(PartsplanError, match="is too short for the 100,000 hours ahead"):
        window_counts(groups)
    life = LifeLaws.of("exponential", rate=1.0)
    with pytest.raises(ValueError, match="hours must be finite and at least 0, got -1"):
        renewal_function(life, [-1.0])
    with pytest.raises(ValueError, match="age must be finite and at least 0, got -1"):
        renewal_count_pmf(life, 1.0, age=-1.0)


@pytest.mark.parametrize(
    ("distribution", "parameters", "message"),
    [
        ("gamma", {"shape": 1}, "distribution must be one of exponential, weibull"),
        ("weibull", {"shape": 1}, "parameters must be shape and scale for weibull, got shape"),
        ("weibull", {"shape": -1, "scale": 2}, "shape must be above 0, got -1"),
        ("lognormal", {"mu": 1e4, "sigma": 1}, "mu must be the log of a life in hours"),
        (
            "weibull_never_fails",
            {"shape": 1, "scale": 2, "never_fails": 1},
            "never_fails must be a share from 0 to below 1",
        ),
    ],
)
def test_bad_laws(distribution, parameters, message):
    with pytest.raises(ValueError, match=message):
        LifeLaws.of(distribution, **parameters)


def test_moments_of_laws():
    life = LifeLaws.of("weibull", shape=2.5, scale=100.0).joined(
        LifeLaws.of("lognormal", mu=4.0, sigma=0.8)
    )
    laws = [stats.weibull_min(2.5, scale=100.0), stats.lognorm(0.8, scale=np.exp(4.0))]
    assert life.mean == pytest.approx([law.mean() for law in laws])
    assert life.standard_deviation == pytest.approx([law.std() for law in laws])
    hours = np.array([[1.0, 300.0]] * 2)
    assert life.cumulative_hazard(hours) == pytest.approx(
        np.array([-law.logsf([1.0, 300.0]) for law in laws])
    )
