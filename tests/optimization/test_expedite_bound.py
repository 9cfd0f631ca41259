"""Lower bounds of expedited parts: never above the least over all stock vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_expedite_optima import in_lots, random_network, searched

import partsplan as pp
from partsplan.optimization.clock import Clock
from partsplan.optimization.expedite_blocks import ExpediteBlocks, lower_bounds
from partsplan.optimization.expedite_cases import Cases
from partsplan.optimization.expedite_least import LeastMissed
from partsplan.optimization.expedite_plan import ExpeditePlanSearch
from partsplan.optimization.expedite_search import ExpediteSearch


def with_repair(network: pp.ServiceNetwork, seed: int) -> pp.ServiceNetwork:
    """The same with parts that some locations repair, in part or all."""
    rng = np.random.default_rng(seed)
    rows = [
        {
            "part_id": part,
            "location_id": place,
            "local_repair_fraction": float(rng.choice([0.0, 0.0, 0.3, 1.0])),
            "local_repair_days": float(rng.uniform(1, 10)),
        }
        for part in network.part_ids
        for place in network.location_ids
    ]
    return network.replace(part_locations=rows)


def with_two_centres(network: pp.ServiceNetwork, seed: int) -> pp.ServiceNetwork:
    """The same with two centres that serve some sites themselves and most others last."""
    rng = np.random.default_rng(seed)
    forward = [f"F{j}" for j in range(sum(i.startswith("F") for i in network.location_ids))]
    locations: list[dict[str, Any]] = [
        {"location_id": name, "kind": "forward", "replenished_from": "DE"[j % 2]}
        | {"replenishment_days": float(rng.uniform(1, 20))}
        for j, name in enumerate(forward)
    ]
    locations += [{"location_id": name, "kind": "central"} for name in "DE"]
    lanes = [row for row in network.lanes.to_records() if row["location_id"] in forward]
    sites = network.sites.to_records()
    for site in sites:
        hours = {"D": float(rng.uniform(8, 24)), "E": float(rng.uniform(8, 24))}
        if rng.random() < 0.3:
            site["served_by"] = "DE"[int(rng.integers(2))]
        for name, far in hours.items():
            if site["served_by"] == name or rng.random() < 0.85:
                lanes.append(
                    {"location_id": name, "site_id": site["site_id"], "hours": far, "cost": 30.0}
                )
    stock = [
        {"part_id": part, "location_id": row["location_id"]}
        | {"maximum": 2 if row["kind"] == "forward" else 4}
        for part in network.part_ids
        for row in locations
    ]
    names = ("parts", "equipment", "bill_of_materials", "installed_base", "commitments")
    tables: dict[str, Any] = {name: getattr(network, name).to_records() for name in names}
    tables |= {"locations": locations, "sites": sites, "lanes": lanes, "stock": stock}
    return pp.ServiceNetwork.from_tables(**tables, shortages="expedite")


KINDS = {"repair": with_repair, "lots": in_lots, "two centres": with_two_centres}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [1, 2, 4])
def test_branching_over_cases_stays_a_bound(kind: str, seed: int) -> None:
    problem, model = searched(KINDS[kind](random_network(seed), seed))
    price = 1e4 * np.random.default_rng(seed).random(len(problem.kept)) ** 3
    for block in model.blocks(1):
        _, least = ExpediteSearch(problem, model, block, (100_000, 100_000)).best(price)
        relaxed = ExpediteSearch(problem, model, block, (0, 0))
        relaxed.best(price)
        rough = lower_bounds([relaxed], price, Clock(None), 1)
        bound = lower_bounds([relaxed], price, Clock(None), 500)
        assert 0.0 <= rough[0] <= bound[0] * (1 + 1e-9)
        assert bound[0] <= least[0] * (1 + 1e-9) + 1e-9


@pytest.mark.parametrize("seed", [0, 3, 6, 9])
@pytest.mark.parametrize("by_chains", [True, False])
def test_least_missed_is_at_most_what_is_missed(seed: int, by_chains: bool) -> None:
    """All vectors of up to three units at two or three locations that help each other out."""
    _, model = searched(random_network(seed))
    for block in model.blocks(1):
        n_locations = block.tree.n_locations
        stock = np.indices((4,) * n_locations).reshape(n_locations, -1).T
        many = block.of_parts(np.zeros(len(stock), dtype=np.int64))
        missed = many.met(stock, by_chains=by_chains).missed
        least = LeastMissed(block, by_chains=by_chains).of(stock)
        asked = block.rate[0] > 0
        assert (least <= missed * (1 + 1e-9) + 1e-15)[:, asked].all()
        alone = (stock > 0).sum(axis=1) <= 1
        np.testing.assert_allclose(least[alone][:, asked], missed[alone][:, asked], rtol=1e-9)


def test_halves_of_cases_cover_them() -> None:
    """Units, orders and whether anything is ordered are split so that nothing is lost."""
    case = Cases(
        part=np.zeros(3, dtype=np.int64),
        fewest=np.array([[0, 2]] * 3),
        most=np.array([[5, 7]] * 3),
        least_orders=np.array([[0.1, 0.0]] * 3),
        most_orders=np.array([[1.0, 2.0]] * 3),
        may_idle=np.array([[True, False]] * 3),
        charge=np.zeros((3, 2)),
    )
    halves = case.halves(np.array([1, 3, 4]))
    assert halves.most[:, 1].tolist() == [4, 7, 7, 7, 7, 7]
    assert halves.fewest[:, 1].tolist() == [2, 2, 2, 5, 2, 2]
    assert halves.most_orders[[1, 4], 1].tolist() == [1.0, 2.0]
    assert halves.least_orders[[1, 4], 1].tolist() == [0.0, 1.0]
    assert halves.is_idle[2].tolist() == [True, False]
    assert halves.may_idle[5].tolist() == [False, False]
    assert halves.surely_ordered[5].tolist() == [0.1, 0.0]
    assert halves.surely_ordered[0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("seed", [1, 2, 3, 5])
def test_a_plan_is_found_when_time_is_over_at_once(seed: int) -> None:
    network = random_network(seed)
    demand = pp.estimate_demand(network)
    least = pp.optimize(network, demand).cost
    plan = pp.optimize(network, demand, time_limit=1e-3)
    assert plan.has_solution
    assert plan.cost >= least * (1 - 5e-4)
    assert plan.bound is None or plan.bound <= least * (1 + 1e-9)
    assert all(row.is_met for row in plan.commitments)


@pytest.mark.parametrize(
    ("owner", "method", "call"),
    [
        (ExpediteBlocks, "priced", 3),
        (ExpediteBlocks, "proven", 1),
        (ExpeditePlanSearch, "_solve_master", 1),
    ],
)
def test_interrupt_gives_the_best_plan_so_far(
    monkeypatch: pytest.MonkeyPatch, owner: type, method: str, call: int
) -> None:
    """Ctrl-C while prices are sought, bounds are raised or columns are chosen."""
    monkeypatch.setattr("partsplan.optimization.expedite_plan.MOST_VECTORS", 0)
    network = random_network(2)
    demand = pp.estimate_demand(network)
    least = pp.optimize(network, demand).cost
    original, calls = getattr(owner, method), []

    def stopped(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(method)
        if len(calls) == call:
            raise KeyboardInterrupt
        return original(self, *args, **kwargs)

    monkeypatch.setattr(owner, method, stopped)
    plan = pp.optimize(network, demand)
    assert len(calls) >= call
    assert plan.has_solution
    assert all(row.is_met for row in plan.commitments)
    assert plan.stopped_by == "interrupt"
    assert plan.bound is not None
    assert plan.bound <= least * (1 + 1e-9)
