"""Sparse demand: places without demand are left out, and nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest
from many_parts import all_kept, many_parts

import partsplan as pp
from partsplan.evaluation.measuring import measure_block
from partsplan.optimization import run
from partsplan.optimization.compaction import compacted


def sparse_case(seed, n_parts, share, n_fsls=12):
    """Parts that are asked for at a share of the locations, nowhere at some of them."""
    network, demand = many_parts(seed, n_parts, n_fsls)
    rates = demand.block(np.arange(n_parts)).copy()
    rng = np.random.default_rng(seed)
    rates *= rng.random(rates.shape) < share
    return network, pp.DemandRates.from_arrays(network.part_ids, network.location_ids, rates)


@pytest.fixture
def without_compaction(monkeypatch):
    def plan(network, demand, **options):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(run, "compacted", lambda problem: problem)
            return pp.optimize(network, demand, **options)

    return plan


@pytest.mark.parametrize("evaluation", ["exact", "vari_metric"])
@pytest.mark.parametrize("share", [0.1, 0.3])
def test_bound_and_plan_are_the_same(without_compaction, evaluation, share):
    network, demand = sparse_case(1, 300, share)
    small = pp.optimize(network, demand, evaluation=evaluation, gap=5e-3)
    whole = without_compaction(network, demand, evaluation=evaluation, gap=5e-3)
    assert all_kept(network, demand, small, evaluation)
    assert small.bound <= whole.cost * (1 + 1e-12)
    assert whole.bound <= small.cost * (1 + 1e-12)
    assert small.gap < 5e-3
    rates = demand.block(np.arange(300))
    asked = rates > 0
    asked[:, 0] = True
    assert not small.stock.array[~asked].any()


def test_many_sparse_parts():
    network, demand = sparse_case(2, 2_400, 0.2)
    plan = pp.optimize(network, demand)
    assert plan.gap < 5e-4
    assert all_kept(network, demand, plan)
    again = pp.optimize(network, demand, start=plan)
    assert again.bound == pytest.approx(plan.bound, rel=1e-9)


def test_problem_of_a_block_by_hand():
    network, demand = sparse_case(3, 60, 0.2)
    seen = []
    original = run.compacted

    def watched(problem):
        seen.append((problem, original(problem)))
        return seen[-1][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "compacted", watched)
        pp.optimize(network, demand, gap=0.01)
    assert any(small is not whole for whole, small in seen)
    for whole, small in seen:
        if small is whole:
            continue
        rows = np.arange(len(whole.block.parts))
        back = small.at_locations(rows, small.block.tree.own_rate)
        np.testing.assert_array_equal(back, whole.block.tree.own_rate)
        stock = np.ones(whole.block.tree.own_rate.shape, dtype=np.int64)
        drawn = small.at_locations(rows, small.at_places(stock))
        assert (drawn[whole.block.tree.own_rate > 0] == 1).all()
        assert compacted(small) is small


WINDOWS = [
    {"commitment_id": "R48", "metric": "response", "target": 0.9, "within_hours": 48.0},
    {"commitment_id": "R4", "metric": "response", "target": 0.7, "within_hours": 4.0},
    {"commitment_id": "F", "metric": "fill_rate", "target": 0.8, "each": "location"},
    {"commitment_id": "W", "metric": "mean_wait", "target": 60.0},
]


def window_case(seed, n_parts=120, n_locations=16, commitments=tuple(WINDOWS)):
    """Two regions above forward locations; promises of windows, fill rates and waits."""
    rng = np.random.default_rng(seed)
    locations = [{"location_id": "C", "kind": "central"}]
    for k in range(1, n_locations):
        above = "C" if k < 3 else f"L{1 + k % 2}"
        days = float(rng.choice([0.1, 1.0, 1.0, 3.0]))
        locations.append(
            {
                "location_id": f"L{k}",
                "kind": "regional" if k < 3 else "forward",
                "replenished_from": above,
                "replenishment_days": days,
            }
        )
    parts = [
        {"part_id": f"P{p}", "unit_cost": float(rng.uniform(5, 500)), "resupply_days": 20.0}
        for p in range(n_parts)
    ]
    network = pp.ServiceNetwork.from_tables(
        parts=parts, locations=locations, commitments=list(commitments)
    )
    rates = rng.uniform(1.0, 30.0, (n_parts, n_locations))
    rates *= rng.random(rates.shape) < 0.15
    rates[:, :3] = 0.0
    return network, pp.DemandRates.from_arrays(network.part_ids, network.location_ids, rates)


def test_promises_of_windows_weigh_the_same_at_their_places():
    network, demand = window_case(5)
    seen = []
    original = run.compacted

    def watched(problem):
        seen.append((problem, original(problem)))
        return seen[-1][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "compacted", watched)
        pp.optimize(network, demand, gap=0.02)
    rng = np.random.default_rng(0)
    assert any(small is not whole and small.block.weights.windows for whole, small in seen)
    for whole, small in seen[:3]:
        stock = rng.integers(0, 6, whole.block.tree.own_rate.shape)
        asked = small.at_locations(np.arange(len(stock)), np.ones_like(small.lowest))
        stock = np.where(asked > 0, stock, 0)
        expected = measure_block(whole.block, stock, "exact").uses()
        found = measure_block(small.block, small.at_places(stock), "exact").uses()
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-14)


def test_plans_of_windows_are_the_same(without_compaction):
    network, demand = window_case(6)
    small = pp.optimize(network, demand, gap=2e-3)
    whole = without_compaction(network, demand, gap=2e-3)
    assert all_kept(network, demand, small)
    assert small.bound <= whole.cost * (1 + 1e-12)
    assert whole.bound <= small.cost * (1 + 1e-12)
    assert small.gap < 5e-3


def test_many_different_windows_leave_the_places_as_they_are():
    network, demand = window_case(
        7,
        30,
        commitments=[
            {"commitment_id": f"R{h}", "metric": "response", "target": 0.7, "within_hours": h}
            for h in (4.0, 8.0, 24.0, 48.0)
        ],
    )
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "compacted", lambda problem: seen.append(problem) or problem)
        pp.optimize(network, demand, gap=0.05)
    assert all(compacted(problem) is problem for problem in seen)


def test_units_that_must_be_held_keep_their_place():
    network, demand = sparse_case(4, 40, 0.2)
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "compacted", lambda problem: seen.append(problem) or problem)
        pp.optimize(network, demand, gap=0.01)
    whole = seen[0]
    row, place = np.argwhere(whole.block.tree.own_rate[:, 1:] == 0.0)[0] + [0, 1]
    lowest = whole.lowest.copy()
    lowest[row, place] = 3
    small = compacted(replace(whole, lowest=lowest))
    assert small.places is not None
    rows = np.arange(len(whole.block.parts))
    np.testing.assert_array_equal(small.at_locations(rows, small.lowest), lowest)


def test_a_part_that_nobody_asks_for_any_more():
    network = pp.ServiceNetwork.from_tables(
        parts=[{"part_id": f"P{p}", "unit_cost": 100, "resupply_days": 30} for p in range(8)],
        locations=[{"location_id": name, "kind": "central"} for name in "AB"],
        commitments=[{"commitment_id": "C", "metric": "fill_rate", "target": 0.9}],
    )
    rates = np.full((8, 2), 4.0)
    plan = None
    for _ in range(2):
        demand = pp.DemandRates.from_arrays(network.part_ids, network.location_ids, rates)
        plan = pp.optimize(network, demand, start=plan)
        rates[7] = 0.0
    assert plan.cost == pytest.approx(pp.optimize(network, demand).cost)
    assert not plan.stock.array[7].any()
