"""Orders in lots at the top: the (R, Q) rule against its closed form and a plain loop."""

from math import exp, factorial

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partsplan as pp
from partsplan.simulation.serving import Lots, served_in_lots


def poisson_cdf(mean, k):
    return sum(exp(-mean) * mean**n / factorial(n) for n in range(k + 1))


def network_of(**part):
    return pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P", "unit_cost": 1, "resupply_days": 20.0} | part],
        locations=[
            {"location_id": "DC", "kind": "central"},
            {
                "location_id": "F",
                "kind": "forward",
                "replenished_from": "DC",
                "replenishment_days": 3.0,
            },
        ],
    )


@pytest.mark.parametrize(("stock", "lot"), [(5, 3), (4, 1), (8, 6), (3, 8)])
@pytest.mark.parametrize("law", ["deterministic", "gamma"])
def test_fill_rate_mixes_over_the_inventory_position(stock, lot, law):
    """The position is uniform on R + 1, ..., R + Q; a demand is filled if D(T) <= position - 1.

    For random resupply times the same does not hold (lots cross and come together). A lot of 8 at
    a stock of 3 is one of 3, as evaluated: no order waits for demands that are late.
    """
    network = network_of(order_quantity=lot)
    demand = pp.DemandRates.from_arrays(["P"], ["DC", "F"], [[0.15 * 365, 0.0]])
    seen = pp.simulate(
        network,
        demand,
        {("P", "DC"): stock},
        years=20,
        replications=200,
        rng=1,
        confidence=0.999,
        lead_times=law,
        resupply_cv=0.05 if law == "gamma" else None,
    )
    levels = range(stock - min(lot, stock) + 1, stock + 1)
    fill = np.mean([poisson_cdf(3.0, level - 1) for level in levels])
    bounds = seen.interval("fill_rate")
    slack = 0.0 if law == "deterministic" else 0.005
    assert bounds.lower[0, 0] - slack <= fill <= bounds.upper[0, 0] + slack
    shelf = np.mean(
        [sum((level - n) * exp(-3) * 3**n / factorial(n) for n in range(level)) for level in levels]
    )
    held = seen.interval("on_hand")
    assert held.lower[0, 0] - 4 * slack <= shelf <= held.upper[0, 0] + 4 * slack


def test_lots_of_slow_demand_are_followed_until_they_are_ordered():
    """One demand in two years, four to a lot: the last lots of a window are ordered years later."""
    network = network_of(order_quantity=4)
    demand = pp.DemandRates.from_arrays(["P"], ["DC", "F"], [[0.5, 0.0]])
    stock = {("P", "DC"): 5}
    run = {"years": 4, "replications": 4000, "rng": 1, "confidence": 0.999}
    held = pp.simulate(network, demand, stock, **run).interval("on_hand")
    exact = pp.evaluate(network, demand, stock).on_hand[0, 0]
    assert held.lower[0, 0] <= exact <= held.upper[0, 0]
    assert exact == pytest.approx(3.5 - 0.5 * 20 / 365, abs=1e-3)


def test_a_location_below_is_served_from_lots():
    demand = pp.DemandRates.from_arrays(["P"], ["DC", "F"], [[0.0, 55.0]])
    stock = {("P", "DC"): 5, ("P", "F"): 2}
    one, four = (
        pp.simulate(network_of(order_quantity=lot), demand, stock, years=10, replications=50, rng=1)
        for lot in (1, 4)
    )
    assert four.fill_rate[0, 1] < one.fill_rate[0, 1]
    assert four.on_hand[0, 0] < one.on_hand[0, 0]


def test_lots_are_those_of_a_plain_loop():
    rng = np.random.default_rng(3)
    days = np.cumsum(rng.exponential(1.0, 60))
    lead = rng.uniform(2.0, 6.0, 60)
    size, phase, stock = 4, 1, 6
    out, released, _ = served_in_lots(
        days,
        days + lead,
        np.array([60]),
        np.array([stock]),
        Lots(np.array([size]), np.array([phase])),
        sort=True,
    )
    position, units = stock - phase, [-np.inf] * (stock - phase)
    for t, wait in zip(days, lead, strict=True):
        position -= 1
        if position == stock - size:
            units += [t + wait] * size
            position = stock
    units = sorted(units)
    known = [max(t, u) for t, u in zip(days, units, strict=False)]
    n = min(len(known), 50)  # the last demands wait for lots that are never ordered here
    assert_allclose(released[:n], known[:n])
    assert (out[:n] == (released[:n] > days[:n])).all()
