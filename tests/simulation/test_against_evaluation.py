"""Simulation and exact evaluation confirm each other: independent ways to the same figures."""

import numpy as np
import pytest
from random_stocks import random_network

import partsplan as pp

FIGURES = ("expected_backorders", "fill_rate", "mean_wait_days", "on_hand")


def compared(network, demand, stock, *, years=10, replications=40, seed=1):
    """Pairs (name, whether the 99 % interval contains the exact figure)."""
    exact = pp.evaluate(network, demand, stock)
    seen = pp.simulate(
        network, demand, stock, years=years, replications=replications, rng=seed, confidence=0.99
    )
    pairs = []
    for promised, result in zip(exact.commitments, seen.commitments, strict=True):
        if result.lower is not None and is_exact_promise(network, result):
            inside = result.lower - 1e-9 <= promised.achieved <= result.upper + 1e-9
            pairs.append((result.commitment_id, inside))
    for name in FIGURES:
        figure, bounds = getattr(exact, name), seen.interval(name)
        asked = ~np.isnan(bounds.lower) & (seen.sums.places.demands > 0)
        inside = (bounds.lower - 1e-9 <= figure) & (figure <= bounds.upper + 1e-9)
        pairs += [(name, bool(good)) for good in inside[asked]]
    return pairs


def is_exact_promise(network, result):
    """A response is approximated where local repair lets orders cross."""
    return result.metric != "response" or len(network.part_locations) == 0


def test_intervals_contain_the_exact_figures_of_thirty_networks():
    pairs = []
    for seed in range(30):
        pairs += compared(*random_network(seed), seed=seed)
    assert len(pairs) > 600
    share = np.mean([inside for _, inside in pairs])
    assert share >= 0.97


def test_clustered_demand_at_a_root_is_as_evaluated():
    network = pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P1", "unit_cost": 1, "resupply_days": 20}],
        locations=[{"location_id": "DC", "kind": "central"}],
        commitments=[
            {"commitment_id": "fill", "metric": "fill_rate", "target": 0.9},
            {
                "commitment_id": "in 5 days",
                "metric": "response",
                "target": 0.9,
                "within_hours": 120.0,
            },
        ],
    )
    rows = [{"part_id": "P1", "location_id": "DC", "per_year": 30.0, "variance_to_mean": 2.5}]
    demand = pp.DemandRates.from_table(rows)
    pairs = compared(network, demand, {("P1", "DC"): 3}, years=200, replications=60)
    assert all(inside for _, inside in pairs)


def test_mean_resupply_time_is_all_that_backorders_need():
    """Palm: the number under way is Poisson with the mean resupply time, whatever the law."""
    network, demand, stock = random_network(5)
    exact = pp.evaluate(network, demand, stock)
    for law, cv in (("exponential", None), ("gamma", 0.5), ("lognormal", 1.5)):
        seen = pp.simulate(
            network,
            demand,
            stock,
            years=40,
            replications=60,
            rng=3,
            confidence=0.999,
            lead_times=law,
            resupply_cv=cv,
        )
        for name in ("expected_backorders", "fill_rate"):
            bounds = seen.interval(name)
            inside = (bounds.lower <= getattr(exact, name)) & (getattr(exact, name) <= bounds.upper)
            assert inside.all(), (law, name)


def test_rates_of_a_part_move_together():
    """Uncertain rates: the late units of the centre are those of the mixture, not of its mean."""
    network = pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P1", "unit_cost": 1, "resupply_days": 36.5}],
        locations=[{"location_id": "DC", "kind": "central"}],
    )
    rows = [{"part_id": "P1", "location_id": "DC", "per_year": 20.0, "rate_shape": 2.0}]
    demand = pp.DemandRates.from_table(rows)
    known = pp.DemandRates.from_table([rows[0] | {"rate_shape": None}])
    stock = {("P1", "DC"): 3}
    seen = pp.simulate(network, demand, stock, years=2, replications=4000, rng=2)
    bounds = seen.interval("expected_backorders")
    exact = pp.evaluate(network, demand, stock).expected_backorders[0, 0]
    assert bounds.lower[0, 0] < exact < bounds.upper[0, 0]
    assert pp.evaluate(network, known, stock).expected_backorders[0, 0] < bounds.lower[0, 0]


@pytest.mark.parametrize("held", [0, 1, 3])
def test_customers_of_an_empty_location_are_shipped_by_the_next_with_a_lane(held):
    network = pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P1", "unit_cost": 1, "resupply_days": 30}],
        locations=[
            {"location_id": "DC", "kind": "central"},
            {
                "location_id": "F1",
                "kind": "forward",
                "replenished_from": "DC",
                "replenishment_days": 4,
            },
        ],
        sites=[{"site_id": "A", "served_by": "F1"}],
        lanes=[
            {"location_id": "F1", "site_id": "A", "hours": 2.0},
            {"location_id": "DC", "site_id": "A", "hours": 30.0},
        ],
        demand=[{"part_id": "P1", "site_id": "A", "per_year": 10.0}],
        commitments=[
            {"commitment_id": "wait", "metric": "mean_wait", "target": 24.0},
            {"commitment_id": "2h", "metric": "response", "target": 0.9, "within_hours": 2.0},
            {"commitment_id": "30h", "metric": "response", "target": 0.9, "within_hours": 30.0},
            {"commitment_id": "fill", "metric": "fill_rate", "target": 0.9},
        ],
    )
    demand = pp.estimate_demand(network)
    pairs = compared(network, demand, {("P1", "DC"): held}, years=100, replications=50)
    assert all(inside for _, inside in pairs if _ in {"wait", "2h", "30h", "fill"})
    seen = pp.simulate(network, demand, {("P1", "DC"): held}, years=5, replications=5, rng=1)
    shipped_from = set(seen.events("P1")["shipped_from"])
    assert shipped_from == ({"DC"} if held else {"F1"})
