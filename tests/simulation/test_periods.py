"""Contract risk: probabilities that have a closed form, by either method, and what is refused."""

from concurrent.futures import ProcessPoolExecutor
from math import exp, factorial

import numpy as np
import pytest
import scipy

import partsplan as pp
from partsplan.simulation import period_probabilities
from small_networks import one_location_tables, two_level_tables

PERIODS = {"periods": 6000, "rng": 1, "confidence": 0.999}
BY_ANY_METHOD = pytest.mark.parametrize("method", ["formula", "simulation"])


def poisson(mean, k):
    return exp(-mean) * mean**k / factorial(k)


def one_location(metric="fill_rate", target=0.5, months=2, **more):
    tables = one_location_tables()
    tables["commitments"] = [
        {"commitment_id": "C", "metric": metric, "target": target, "period_months": months} | more
    ]
    return pp.ServiceNetwork.from_tables(**tables)


def two_customers(commitments):
    tables = two_level_tables()
    tables["commitments"] = [row | {"period_months": 3} for row in commitments]
    return pp.ServiceNetwork.from_tables(**tables)


def plenty(network):
    return {(part, at): 40 for part in network.part_ids for at in network.location_ids}


def assert_inside(row, probability):
    assert row.lower <= probability <= row.upper
    assert row.upper - row.lower < 0.06


@BY_ANY_METHOD
def test_without_stock_a_fill_rate_is_kept_in_periods_without_demand(method):
    network = one_location()  # 12 a year: 2 in two months
    row = period_probabilities(network, pp.estimate_demand(network), {}, **PERIODS, method=method)[
        0
    ]
    assert_inside(row, exp(-2.0))
    assert (row.period_months, row.median, row.unit) == (2.0, 0.0, "share")
    assert row.demands == pytest.approx(2.0, abs=0.1)


@BY_ANY_METHOD
@pytest.mark.parametrize("shape", [None, 2.0])
def test_a_single_unit_is_never_asked_for_twice_in_a_resupply_time(shape, method):
    """One unit, resupplied in L days: a demand finds it if none came in the L days before.

    All demands of T days do so with the probability that n points in order keep a distance of L,
    also from what came before the period:
    exp(-l T) (1 + sum_n l^n int exp(-l (L - t)+) ((T - t - (n - 1) L)+)^(n-1) / (n-1)! dt).
    """
    network = one_location(target=0.999)
    rows = [{"part_id": "P1", "location_id": "DC", "per_year": 12.0}]
    if shape is not None:
        rows[0]["rate_shape"] = shape
    demand = pp.DemandRates.from_table(rows)
    row = period_probabilities(network, demand, {("P1", "DC"): 1}, **PERIODS, method=method)[0]
    resupply, period = 365 / 12, 2 * 365 / 12

    def never_missed(rate):
        total = 1.0
        for n in range(1, 5):
            last = period - (n - 1) * resupply
            if last > 0:
                total += (
                    rate**n
                    * scipy.integrate.quad(
                        lambda t, n=n, last=last: (
                            (exp(-rate * max(resupply - t, 0.0)) * (last - t) ** (n - 1))
                            / factorial(n - 1)
                        ),
                        0.0,
                        last,
                        points=[resupply] if last > resupply else None,
                    )[0]
                )
        return exp(-rate * period) * total

    rate = 12 / 365
    if shape is None:
        exact = never_missed(rate)
    else:
        nodes, weights = scipy.special.roots_genlaguerre(60, shape - 1.0)
        laws = [never_missed(rate * node / shape) for node in nodes]
        exact = float(np.dot(weights, laws) / weights.sum())
    assert_inside(row, exact)


@BY_ANY_METHOD
def test_an_uncertain_rate_is_drawn_for_every_period(method):
    network = one_location()
    rows = [{"part_id": "P1", "location_id": "DC", "per_year": 12.0, "rate_shape": 0.5}]
    row = period_probabilities(
        network, pp.DemandRates.from_table(rows), {}, **PERIODS, method=method
    )[0]
    assert_inside(row, (1 + 2.0 / 0.5) ** -0.5)


def test_a_mean_wait_is_that_of_the_demands_of_the_period():
    """Without stock each demand waits the resupply time of 730 hours, no more and no less."""
    kept, missed = (
        period_probabilities(network, pp.estimate_demand(network), {}, periods=500, rng=1)[0]
        for network in (one_location("mean_wait", hours) for hours in (730.5, 729.5))
    )
    assert (kept.probability, kept.upper, kept.median) == (1.0, 1.0, pytest.approx(730.0))
    assert missed.probability < 0.25


@BY_ANY_METHOD
def test_uptime_counts_the_stops_of_the_period(method):
    """With parts at hand a stop takes lane and repair hours; half of the failures stop machine A.

    Uptime 0.99 of 2190 hours allows 22.1 hours down: 2 stops of 10 hours, not 3.
    """
    tables = two_level_tables()
    for row in tables["bill_of_materials"]:
        row |= {"stopping_fraction": 0.5, "repair_hours": 6.0, "diagnosis_hours": 2.0}
    tables["commitments"] = [
        {
            "commitment_id": "up",
            "metric": "uptime",
            "target": 0.99,
            "site_id": "A",
            "period_months": 3,
        }
    ]
    network = pp.ServiceNetwork.from_tables(**tables)
    demand = pp.estimate_demand(network)
    row = period_probabilities(network, demand, plenty(network), **PERIODS, method=method)[0]
    mean = (2.0 + 1.0) * 0.5 / 4
    assert_inside(row, sum(poisson(mean, k) for k in range(3)))
    assert row.demands == pytest.approx(mean, abs=0.05)


@BY_ANY_METHOD
def test_a_site_too_far_away_is_late_each_time(method):
    """A is 2 hours away, B 4: a response within 3 hours is that of the failures at A.

    Half in time means that B had no more failures than A; both have 3 a year.
    """
    network = two_customers(
        [
            {"commitment_id": "both", "metric": "response", "target": 0.5, "within_hours": 3.0},
            {"commitment_id": "fill", "metric": "fill_rate", "target": 0.5},
        ]
    )
    rows = period_probabilities(
        network, pp.estimate_demand(network), plenty(network), **PERIODS, method=method
    )
    counts = [poisson(0.75, k) for k in range(30)]
    likely = sum(a * b for i, a in enumerate(counts) for j, b in enumerate(counts) if j <= i)
    assert_inside(rows[0], likely)
    assert rows[1].probability == 1.0


def test_periods_of_any_length_and_rows_in_table_order():
    tables = two_level_tables()
    tables["commitments"] = [
        {"commitment_id": "year", "metric": "fill_rate", "target": 0.5, "period_months": 12},
        {"commitment_id": "never", "metric": "fill_rate", "target": 0.5},
        {"commitment_id": "month", "metric": "fill_rate", "target": 0.5, "period_months": 1},
        {
            "commitment_id": "by site",
            "metric": "uptime",
            "target": 0.9,
            "each": "site",
            "period_months": 12,
        },
    ]
    network = pp.ServiceNetwork.from_tables(**tables)
    demand = pp.estimate_demand(network)
    rows = period_probabilities(network, demand, {}, rng=1, periods=400)
    assert [row.commitment_id for row in rows] == ["year", "month", "by site:A", "by site:B"]
    assert rows[0].probability < rows[1].probability
    assert rows[1].probability == pytest.approx(exp(-6 / 12), abs=0.1)
    named = period_probabilities(network, demand, {}, rng=1, periods=400, period_months=2)
    assert [row.commitment_id for row in named][1] == "never"
    assert named[0] == rows[0]
    assert list(named.to_frame()["period_months"]) == [12.0, 2.0, 1.0, 12.0, 12.0]


def test_same_seed_gives_same_probabilities():
    network = one_location()
    demand = pp.estimate_demand(network)
    first, second = (
        period_probabilities(network, demand, {("P1", "DC"): 2}, rng=9, periods=300)
        for _ in range(2)
    )
    assert first.to_records() == second.to_records()


@pytest.mark.parametrize("shortages", ["wait", "expedite"])
def test_any_workers_give_the_same_probabilities(shortages):
    tables = two_level_tables()
    for part in tables["parts"]:
        part["emergency_hours"] = 24.0
    network = pp.ServiceNetwork.from_tables(**tables, shortages=shortages)
    asked = (network, pp.estimate_demand(network), {("P1", "F1"): 1})
    options = {"rng": 4, "periods": 3000, "period_months": 6}
    here = period_probabilities(*asked, **options)
    with ProcessPoolExecutor(2) as workers:
        there = period_probabilities(*asked, **options, executor=workers)
    assert here.to_records() == there.to_records()


def test_what_is_refused():
    network = one_location(months=None)
    demand = pp.estimate_demand(network)
    with pytest.raises(pp.PartsplanError, match="No commitment has a period"):
        period_probabilities(network, demand, {}, rng=1)
    with pytest.raises(ValueError, match="periods must be a whole number of 2 or more, got 0"):
        period_probabilities(network, demand, {}, rng=1, periods=0, period_months=3)
    with pytest.raises(ValueError, match="method must be 'formula', 'simulation' or None, got 'x'"):
        period_probabilities(network, demand, {}, rng=1, method="x", period_months=3)
    with pytest.raises(ValueError, match="period_months must be above 0, got -1"):
        period_probabilities(network, demand, {}, rng=1, period_months=-1)
    assert np.isfinite(period_probabilities(network, demand, {}, rng=1, period_months=3)[0].lower)


def test_expedited_shipments_are_judged_by_who_shipped():
    """Nothing is held: every demand comes from outside in 24 hours.

    A machine is down 24 + 2 hours a stop; 3 months at 0.97 allow 67.7 hours: 2 stops, not 3.
    """
    tables = two_level_tables()
    for part in tables["parts"]:
        part["emergency_hours"] = 24.0
    for row in tables["bill_of_materials"]:
        row["repair_hours"] = 2.0
    period = {"period_months": 3}
    tables["commitments"] = [
        {"commitment_id": "up", "metric": "uptime", "target": 0.97, "site_id": "A"} | period,
        {"commitment_id": "fill", "metric": "fill_rate", "target": 0.5} | period,
        {"commitment_id": "wait", "metric": "mean_wait", "target": 21.0} | period,
        {"commitment_id": "day", "metric": "response", "target": 0.5, "within_hours": 24.0}
        | period,
    ]
    network = pp.ServiceNetwork.from_tables(**tables, shortages="expedite")
    demand = pp.estimate_demand(network)
    up, fill, wait, day = period_probabilities(network, demand, {}, **PERIODS)
    assert_inside(up, sum(poisson(0.75, k) for k in range(3)))
    assert_inside(fill, exp(-1.5))
    # 22 hours longer at A, 20 at B: at most 21 where B has as many failures as A, or more
    counts = [poisson(0.75, k) for k in range(30)]
    likely = sum(a * b for i, a in enumerate(counts) for j, b in enumerate(counts) if i <= j)
    assert_inside(wait, likely)
    assert day.probability == 1.0
    kept = period_probabilities(network, demand, plenty(network), rng=1, periods=200)
    assert [row.probability for row in kept[1:]] == [1.0, 1.0, 1.0]
