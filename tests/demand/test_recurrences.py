"""Mean cumulative function, power law, Duane, trend and age replacement against published values.

../shared/cases/published_crow_amsaa.json: MatthewReid854/reliability, tests and docs (commit
86c93307); the data sets are read where ../shared/data is there.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from partsplan.demand import (
    RepairHistory,
    fit_duane,
    fit_power_law,
    laplace_trend_test,
    mean_cumulative_function,
    optimal_age_replacement,
)
from partsplan.errors import PartsplanError

DATA = Path(__file__).parents[3] / "shared" / "data"

CROW_TIMES = [10400.0, 26900.0, 43400.0, 66400.0, 89400.0, 130400.0, 163400.0, 232000.0, 242000.0]
CROW_TIMES += [340700.0]
LAPLACE_GAPS = [104, 131, 1597, 59, 4, 503, 157, 6, 118, 173, 114, 62, 101, 216, 106, 140, 1, 102]
LAPLACE_GAPS += [3, 393, 96, 232, 89, 61, 37, 293, 7, 165, 87, 99]


def read(*place: str) -> list[dict[str, str]]:
    path = DATA.joinpath(*place)
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_published_crow_amsaa():
    fit = fit_power_law(RepairHistory.from_arrays(CROW_TIMES))
    assert fit.shape == pytest.approx(0.741656619656656, rel=1e-9)
    assert fit.rate == pytest.approx(0.0007886414235385733, rel=1e-6)
    assert fit.mtbf(340700.0) == pytest.approx(45937.70094814556, rel=1e-9)
    assert fit.mtbf(340700.0, "cumulative") == pytest.approx(34070.0, rel=1e-9)
    assert fit.time_to_mtbf(50000.0) == pytest.approx(1503979.9172547427, rel=1e-6)
    assert fit.expected_failures(340700.0) == pytest.approx(10.0)


def test_published_duane():
    fit = fit_duane(RepairHistory.from_arrays(CROW_TIMES))
    assert fit.rate == pytest.approx(0.002355878294089656, rel=1e-9)
    assert fit.growth == pytest.approx(0.33617199465228115, rel=1e-9)
    assert fit.instantaneous_mtbf(340700.0) == pytest.approx(46304.175358824315, rel=1e-9)


def test_published_trend():
    history = RepairHistory.from_arrays(np.cumsum(LAPLACE_GAPS))
    test = laplace_trend_test(history)
    assert test.statistic == pytest.approx(2.4094382960447107, rel=1e-12)
    assert test.p_value == pytest.approx(2 * stats.norm.sf(2.4094382960447107), rel=1e-9)
    assert test.trend == "worsening"
    assert test.is_getting_worse
    assert "Yes, it is getting worse" in test.summary()
    fit = fit_power_law(history)
    assert fit.shape == pytest.approx(1.5880533880966818, rel=1e-9)
    assert fit.rate == pytest.approx(3.702728848984535e-05, rel=1e-6)


def test_published_age_replacement():
    best = optimal_age_replacement(2.5, 1000.0, preventive_cost=1.0, corrective_cost=5.0)
    # the published optimum was found on a grid: its cost is a little above the true minimum
    assert best.hours == pytest.approx(493.1851185118512, rel=5e-4)
    assert best.cost_per_hour == pytest.approx(0.0034620429189943167, rel=1e-6)
    assert best.cost_per_hour < 0.0034620429189943167


@pytest.mark.parametrize(("shape", "costs"), [(1.2, (1, 20)), (2.5, (1, 5)), (6.0, (3, 4))])
def test_age_replacement_is_the_least_of_the_integral(shape, costs):
    life = stats.weibull_min(shape, scale=700.0)

    def cost(age: float) -> float:
        used = integrate.quad(life.sf, 0.0, age, epsabs=1e-10)[0]
        return (costs[0] * life.sf(age) + costs[1] * life.cdf(age)) / used

    best = optimal_age_replacement(shape, 700.0, preventive_cost=costs[0], corrective_cost=costs[1])
    found = optimize.minimize_scalar(cost, bounds=(5.0, 4000.0), method="bounded")
    assert best.cost_per_hour == pytest.approx(found.fun, rel=1e-6)
    assert best.cost_per_hour == pytest.approx(cost(best.hours), rel=1e-9)
    assert best.failures_share == pytest.approx(life.cdf(best.hours))


@pytest.mark.parametrize(("shape", "costs"), [(1.0, (1, 5)), (0.7, (1, 5)), (3.0, (5, 5))])
def test_replacing_before_the_failure_may_not_pay(shape, costs):
    best = optimal_age_replacement(shape, 100.0, preventive_cost=costs[0], corrective_cost=costs[1])
    assert best.hours is None
    assert best.cost_per_hour == best.cost_per_hour_without
    assert "Replace on failure only" in best.summary()


def test_mean_cumulative_function_by_hand():
    history = RepairHistory.from_arrays([[5, 8], [], [1, 8]], end_hours=[12, 12, 16])
    result = mean_cumulative_function(history)
    assert result.hours.tolist() == [1, 5, 8]
    assert result.mean == pytest.approx([1 / 3, 2 / 3, 4 / 3])
    # deviations of the units at the last age: 2 - 4/3, 0 - 4/3, 2 - 4/3, over 3 units
    assert result.standard_error[-1] == pytest.approx(np.sqrt(24 / 9) / 3)
    assert result.at([0, 5, 7.9, 20]) == pytest.approx([0, 2 / 3, 2 / 3, np.nan], nan_ok=True)
    lower, upper = result.interval
    assert ((lower < result.mean) & (result.mean < upper)).all()
    assert result.to_records()[0]["at_risk"] == 3


def test_units_leave_and_enter_the_mean_cumulative_function():
    history = RepairHistory.from_arrays([[2], [6], [7]], [4, 8, 9], start_hours=[0, 0, 3])
    result = mean_cumulative_function(history)
    assert result.at_risk.tolist() == [2, 2, 2]
    assert result.mean == pytest.approx([0.5, 1.0, 1.5])


def test_robust_variance_is_the_spread_of_units_and_covers():
    rng = np.random.default_rng(5)
    counts = rng.poisson(3.0 * rng.gamma(2.0, 0.5, 400))
    units = [rng.uniform(0, 10, n) for n in counts]
    result = mean_cumulative_function(RepairHistory.from_arrays(units, 10.0))
    assert result.mean[-1] == pytest.approx(counts.mean())
    assert result.standard_error[-1] == pytest.approx(counts.std() / np.sqrt(400))
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        units = [np.sort(rng.uniform(0, 10, n)) for n in rng.poisson(2.0, 60)]
        one = mean_cumulative_function(RepairHistory.from_arrays(units, 10.0))
        lower, upper = one.interval
        covered += lower[-1] <= 2.0 <= upper[-1]
    assert 0.90 <= covered / 200 <= 0.99


def simulated(shape: float, scale: float, ends: np.ndarray, rng: np.random.Generator):
    counts = rng.poisson((ends / scale) ** shape)
    return [end * rng.random(n) ** (1 / shape) for end, n in zip(ends, counts, strict=True)]


def test_several_units_with_late_starts_reach_the_greatest_likelihood():
    rng = np.random.default_rng(3)
    ends = np.array([900.0, 1400.0, 2000.0])
    start = np.array([0.0, 100.0, 300.0])
    units = [u[u > s] for u, s in zip(simulated(1.7, 200.0, ends, rng), start, strict=True)]
    fit = fit_power_law(RepairHistory.from_arrays(units, ends, start_hours=start))

    def likelihood(shape: float, rate: float) -> float:
        t = np.concatenate(units)
        covered = (ends**shape - start**shape).sum()
        return float((np.log(rate * shape) + (shape - 1) * np.log(t)).sum() - rate * covered)

    assert fit.log_likelihood == pytest.approx(likelihood(fit.shape, fit.rate), rel=1e-9)
    assert fit.interval_method == "information"
    for step in (0.999, 1.001):
        assert likelihood(fit.shape * step, fit.rate) < fit.log_likelihood
        assert likelihood(fit.shape, fit.rate * step) < fit.log_likelihood


@pytest.mark.parametrize("by_clock", [True, False])
def test_exact_limits_of_the_shape_cover(by_clock):
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(400):
        times = np.cumsum(rng.exponential(size=60)) ** (1 / 1.6)
        if by_clock:
            history = RepairHistory.from_arrays(times[times < 5.0], 5.0)
        else:
            history = RepairHistory.from_arrays(times[:12])
        fit = fit_power_law(history, level=0.9)
        assert fit.interval_method == "chi-squared"
        hits += fit.shape_interval[0] <= 1.6 <= fit.shape_interval[1]
    assert 0.86 <= hits / 400 <= 0.94


def test_limits_of_the_mtbf_cover_roughly():
    rng = np.random.default_rng(2)
    truth = 200.0 * (2000.0 / 200.0) ** (1 - 1.5) / 1.5
    hits = 0
    for _ in range(300):
        units = simulated(1.5, 200.0, np.array([1500.0, 2000.0]), rng)
        fit = fit_power_law(RepairHistory.from_arrays(units, [1500.0, 2000.0]))
        lower, upper = fit.mtbf_interval(2000.0)
        hits += lower <= truth <= upper
    assert 0.92 <= hits / 300 <= 0.98


def test_ages_of_mtbf_invert_it():
    fit = fit_power_law(RepairHistory.from_arrays(CROW_TIMES))
    for kind in ("instantaneous", "cumulative"):
        age = fit.time_to_mtbf(60_000.0, kind)
        assert fit.mtbf(age, kind) == pytest.approx(60_000.0)
    assert fit.scale**fit.shape == pytest.approx(1 / fit.rate)


def test_valve_seats():
    rows = [
        {
            "unit_id": row["engine"],
            "hours": row["days"],
            "outcome": "censored" if row["event"] == "end" else "failed",
        }
        for row in read("smrd_meeker_escobar", "valveseat.csv")
    ]
    history = RepairHistory.from_table(rows)
    assert (history.n_units, history.n_failures, history.hours_observed) == (41, 48, 25_363)
    assert mean_cumulative_function(history).at(400.0) == pytest.approx(0.659, abs=5e-4)


def test_air_conditioning_of_thirteen_aircraft():
    rows = [
        {"unit_id": row["aircraft"], "hours": row["time"], "outcome": "failed"}
        for row in read("boeing720_aircond", "acfail_213.csv")
    ]
    history = RepairHistory.from_lives(rows)
    assert (history.n_units, history.n_failures, history.hours_observed) == (13, 213, 19_839)
    # Proschan's point: each aircraft fails at its own constant rate
    assert laplace_trend_test(history).trend == "none shown"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda h: fit_power_law(h([5.0])), "needs at least two failures at different ages"),
        (lambda h: fit_power_law(h([], 5.0)), "there are 0"),
        (lambda h: fit_power_law(h([[5.0], [5.0]], 5.0)), "all of them lie at the very end"),
        (lambda h: laplace_trend_test(h([5.0])), "needs failures before the end of observation"),
        (lambda h: fit_duane(h([[5.0], [6.0]])), "there are 2 units: use fit_power_law"),
        (lambda h: fit_duane(h([5.0, 5.0])), "failures at two different ages"),
    ],
)
def test_too_little_to_say(call, message):
    with pytest.raises(PartsplanError, match=message):
        call(RepairHistory.from_arrays)


def test_failures_that_thin_out_faster_than_a_power_law():
    history = RepairHistory.from_arrays([[101.0, 102.0, 103.0]], start_hours=100, end_hours=110)
    with pytest.raises(PartsplanError, match=r"or thin out faster than any power law does"):
        fit_power_law(history)


def test_bad_arguments():
    history = RepairHistory.from_arrays(CROW_TIMES)
    with pytest.raises(ValueError, match="level must be strictly between 0 and 1, got 95"):
        fit_power_law(history, level=95)
    with pytest.raises(ValueError, match="level must be strictly between 0 and 1, got 0"):
        mean_cumulative_function(history, level=0)
    with pytest.raises(ValueError, match="significance must be strictly between 0 and 1"):
        laplace_trend_test(history, significance=5)
    with pytest.raises(ValueError, match="preventive_cost must be above 0 and finite, got 0"):
        optimal_age_replacement(2.0, 1.0, preventive_cost=0, corrective_cost=1)
    fit = fit_power_law(history)
    with pytest.raises(ValueError, match="kind must be 'instantaneous' or 'cumulative'"):
        fit.mtbf(5.0, "mean")
    with pytest.raises(ValueError, match="mtbf_hours must be above 0"):
        fit.time_to_mtbf(-5.0)
    with pytest.raises(ValueError, match="hours must be at least 0, got -1"):
        fit.mtbf(-1.0)
    with pytest.raises(ValueError, match="hours must be at least 0, got -1"):
        mean_cumulative_function(history).at(-1.0)
