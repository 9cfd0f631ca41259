"""Expedited shortages against the event simulation, which shares no formula with the evaluation."""

from __future__ import annotations

from typing import Any

import pytest
from expedited_networks import pooled_demand, pooled_network, shares

import partsplan as pp
from partsplan.evaluation import erlang_loss


def simulated(network: Any, demand: Any, stock: Any, years: float) -> Any:
    return pp.simulate(network, demand, stock, years=years, replications=8, rng=7)


def test_full_pooling_of_equal_lead_times() -> None:
    """Also with fixed resupply times the emergency share is Erlang's of all stock and load."""
    network = pooled_network([10.0, 10.0], [[0, 1], [1, 0]])
    demand = pooled_demand(network, [0.1, 0.2])
    stock = {("P", "L0"): 2, ("P", "L1"): 2}
    loss = float(erlang_loss(4, 3.0))
    for row in simulated(network, demand, stock, 30.0).sources():
        if row["source"] == "outside":
            assert row["share"] == pytest.approx(loss, abs=0.02)
    exact = [share["outside"] for share in shares(pp.evaluate(network, demand, stock))]
    assert exact == pytest.approx([loss] * 2, rel=1e-9)


@pytest.mark.parametrize(("centre", "error", "joint"), [(2, 0.045, 0.012), (4, 0.02, 0.008)])
def test_centre_and_laterals_at_low_rates(centre: int, error: float, joint: float) -> None:
    """Three shelves that ask each other, then their centre, a load of 1.35 units.

    Where the centre is often empty, so are the shelves: the fixed point does not see that, the
    joint chain does (its error is that times are fixed here, exponential there).
    """
    network = pooled_network(
        [30.0, 2.0, 2.0, 3.0], [[1, 2, 0], [2, 3, 0], [3, 1, 0]], parents=[-1, 0, 0, 0]
    )
    demand = pooled_demand(network, [0.01, 0.015, 0.02])
    stock = {("P", "L0"): centre, ("P", "L1"): 1, ("P", "L2"): 1, ("P", "L3"): 1}
    run = simulated(network, demand, stock, 100.0).sources()
    theirs = {(row["location_id"], row["source"]): row["share"] for row in run}
    for solve_centres, most in ((False, error), (True, joint)):
        found: Any = pp.evaluate(network, demand, stock, solve_centres=solve_centres)
        mine = {(row["location"], row["source"]): row["share"] for row in found.sources("location")}
        worst = max(abs(mine.get(key, 0.0) - share) for key, share in theirs.items())
        assert worst < most
