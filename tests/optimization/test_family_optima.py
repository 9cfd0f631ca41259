"""Plans for parts within parts against brute force over all stock vectors."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from plain_families import PlainFamily, vectors_below

import partsplan as pp


def instance(seed):
    """A depot with one to three SRUs, every other time with two bases, in random figures."""
    rng = np.random.default_rng(seed)
    n_srus, has_bases = int(rng.integers(1, 4)), bool(seed % 2)
    n_srus = min(n_srus, 2) if has_bases else n_srus
    rates = [float(r) for r in rng.uniform(0.03, 0.2, 2 if has_bases else 1)]
    shares = [float(s) for s in rng.dirichlet(np.ones(n_srus + 1))[:n_srus]]
    days, sru_days = float(rng.uniform(1, 5)), [float(d) for d in rng.uniform(3, 15, n_srus)]
    prices = [float(rng.integers(20, 60)), *(float(p) for p in rng.integers(8, 30, n_srus))]
    transit = float(rng.uniform(0.5, 3)) if has_bases else None
    targets = {"mean_wait": float(rng.uniform(4, 24)), "fill_rate": float(rng.uniform(0.6, 0.93))}
    names = [f"S{j}" for j in range(n_srus)]
    sites = ["B0", "B1"] if has_bases else ["DEPOT"]
    base = {"kind": "forward", "replenished_from": "DEPOT", "replenishment_days": transit}
    network = pp.ServiceNetwork.from_tables(
        parts=[
            {"part_id": name, "unit_cost": price, "resupply_days": time, "holding_rate": 1.0}
            for name, price, time in zip(["LRU", *names], prices, [days, *sru_days], strict=True)
        ],
        locations=[{"location_id": "DEPOT", "kind": "central"}]
        + [{"location_id": site} | base for site in sites if has_bases],
        sites=[{"site_id": site, "served_by": site} for site in sites],
        equipment=[{"equipment_id": "M"}],
        bill_of_materials=[
            {"equipment_id": "M", "part_id": "LRU", "failures_per_year": 1.0},
            *(
                {
                    "equipment_id": "M",
                    "part_id": name,
                    "parent_part_id": "LRU",
                    "cause_fraction": share,
                }
                for name, share in zip(names, shares, strict=True)
            ),
        ],
        commitments=[
            {"commitment_id": metric, "metric": metric, "target": target}
            for metric, target in targets.items()
        ],
    )
    demand = pp.DemandRates.from_table(
        [
            {"part_id": "LRU", "site_id": site, "per_year": 365.0 * rate}
            for site, rate in zip(sites, rates, strict=True)
        ]
    )
    plain = PlainFamily(rates, days, shares, sru_days, transit)
    return network, demand, plain, prices, targets


def is_kept(plain, targets, vector, n_srus):
    """Whether a vector (depot, bases, SRUs) keeps both promises, by the plain reading."""
    n_places = len(vector) - n_srus
    hours, filled = plain.waits(vector[n_places:], vector[0], vector[1:n_places])
    return hours <= targets["mean_wait"] * (1 + 1e-9) and filled >= targets["fill_rate"] - 1e-9


@pytest.mark.parametrize("seed", range(12))
def test_plan_is_the_cheapest_there_is(seed) -> None:
    network, demand, plain, prices, targets = instance(seed)
    plan = pp.optimize(network, demand, gap=0.0)
    assert plan.stock is not None
    n_srus, n_places = len(prices) - 1, network.n_locations
    vector = tuple(int(s) for s in [*plan.stock.array[0], *plan.stock.array[1:, 0]])
    assert plan.stock.array[1:, 1:].sum() == 0
    hours, filled = plain.waits(vector[n_places:], vector[0], vector[1:n_places])
    wait, fill = plan.commitments
    assert_allclose([wait.achieved, fill.achieved], [hours, filled], rtol=1e-7)
    assert is_kept(plain, targets, vector, n_srus)
    by_place = [prices[0]] * n_places + prices[1:]
    assert plan.cost == pytest.approx(sum(p * s for p, s in zip(by_place, vector, strict=True)))
    better = (
        other
        for other in vectors_below(by_place, plan.cost * (1 - 1e-9))
        if is_kept(plain, targets, other, n_srus)
    )
    assert next(better, None) is None
    assert plan.status == "optimal"
    assert plan.performance is not None
    assert plan.performance.is_exact


@pytest.mark.parametrize("method", ["metric", "vari_metric"])
def test_approximations_plan_together_too(method) -> None:
    network, demand, _, prices, _ = instance(2)
    network = network.replace(
        commitments=[{"commitment_id": "wait", "metric": "mean_wait", "target": 9.0}]
    )
    plan = pp.optimize(network, demand, evaluation=method, gap=0.0)
    names = network.part_ids
    for vector in vectors_below(prices, plan.cost * (1 - 1e-9)):
        stock = {(name, "DEPOT"): s for name, s in zip(names, vector, strict=True)}
        assert not pp.evaluate(network, demand, stock, evaluation=method).commitments[0].is_met
    assert (plan.bound is None) == (method == "vari_metric")


def test_families_share_commitments_with_other_parts() -> None:
    """A family and a part of its own under one promise: all pairs of vectors."""
    network, _, plain, prices, _ = instance(0)
    parts = [*network.parts.to_records()]
    n_srus = len(prices) - 1
    other = {"part_id": "X", "unit_cost": 25.0, "resupply_days": 6.0, "holding_rate": 1.0}
    network = network.replace(
        parts=[*parts, other],
        commitments=[{"commitment_id": "wait", "metric": "mean_wait", "target": 10.0}],
        bill_of_materials=[
            *network.bill_of_materials.to_records(),
            {"equipment_id": "M", "part_id": "X", "failures_per_year": 1.0},
        ],
    )
    rate = plain.rate
    demand = pp.DemandRates.from_table(
        [
            {"part_id": "LRU", "site_id": "DEPOT", "per_year": 365.0 * rate},
            {"part_id": "X", "site_id": "DEPOT", "per_year": 36.5},
        ]
    )
    plan = pp.optimize(network, demand, gap=0.0)
    single = PlainFamily([0.1], 6.0, [], [], None)
    assert plan.status == "optimal"
    family = {}
    for vector in vectors_below(prices, plan.cost):
        family[vector] = plain.waits(vector[1:], vector[0], ())[0] * rate
    cost = {v: sum(p * s for p, s in zip(prices, v, strict=True)) for v in family}
    alone = [single.waits((), s, ())[0] * 0.1 for s in range(int(plan.cost / 25.0) + 1)]
    best = min(
        cost[v] + 25.0 * s
        for v, s in itertools.product(family, range(len(alone)))
        if family[v] + alone[s] <= 10.0 * (rate + 0.1) * (1 + 1e-9)
    )
    assert plan.cost == pytest.approx(best)
    assert len(plan.stock.array) == 2 + n_srus


def test_limits_and_owned_units() -> None:
    network, demand, plain, prices, _ = instance(2)
    free = pp.optimize(network, demand, gap=0.0)
    held = [{"part_id": "S0", "location_id": "DEPOT", "maximum": 0}]
    bound = pp.optimize(network, demand, gap=0.0, limits=held)
    assert bound.stock.array[1, 0] == 0
    assert bound.cost >= free.cost
    few = [{"part_id": "LRU", "location_id": "DEPOT", "maximum": 2}]
    best = plain.waits((0, *[30] * (len(prices) - 2)), 2, ())[1]
    assert plain.waits((30,) * (len(prices) - 1), 2, ())[1] > best + 0.002
    strict = [{"commitment_id": "fill", "metric": "fill_rate", "target": best + 0.002}]
    none = pp.optimize(network.replace(commitments=strict), demand, limits=[*few, *held])
    assert none.status == "infeasible"
    assert none.impossible[0].best_attainable == pytest.approx(best, rel=1e-9)
    assert "parts inside others included: S0 at DEPOT at most 0" in none.impossible[0].reason
    owned = [
        {"part_id": name, "location_id": "DEPOT", "on_hand": int(units)}
        for name, units in zip(network.part_ids, free.stock.array[:, 0], strict=True)
    ]
    buys = pp.optimize(network, demand, gap=0.0, limits=owned, objective="new_investment")
    assert buys.cost == 0.0
    assert buys.status == "optimal"
