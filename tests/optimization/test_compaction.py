"""Sparse demand: places without demand are left out, and nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest
from many_parts import all_kept, many_parts

import partsplan as pp
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
