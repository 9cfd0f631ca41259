"""What a plan remembers: only changed parts are looked at again, and nothing is missed."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from many_parts import all_kept, many_parts

import partsplan as pp
from partsplan.optimization import fingerprints
from partsplan.optimization.all_blocks import AllBlocks

N_PARTS = 400


@pytest.fixture(scope="module")
def first():
    network, demand = many_parts(11, N_PARTS)
    return network, demand, pp.optimize(network, demand, gap=2e-3)


def parts_priced(monkeypatch):
    """Fills a list with the numbers of parts of every pass."""
    seen = []
    original = AllBlocks.priced

    def watched(self, *args, **options):
        seen.append(sum(len(search.parts) for search in self.searches))
        return original(self, *args, **options)

    monkeypatch.setattr(AllBlocks, "priced", watched)
    return seen


def rates_of(network, demand):
    return demand.block(np.arange(network.n_parts)).copy()


def demand_of(network, rates):
    return pp.DemandRates.from_arrays(network.part_ids, network.location_ids, rates)


def test_nothing_changed_needs_no_pass(first, monkeypatch):
    network, demand, plan = first
    seen = parts_priced(monkeypatch)
    again = pp.optimize(network, demand, gap=2e-3, start=pickle.loads(pickle.dumps(plan)))
    assert not seen
    assert (again.stock.array == plan.stock.array).all()
    assert again.bound == pytest.approx(plan.bound, rel=1e-12)
    assert again.gap < 2e-3
    assert all_kept(network, demand, again)


def test_only_changed_parts_are_priced_and_measured(first, monkeypatch):
    network, demand, plan = first
    rates = rates_of(network, demand)
    rates[[3, 50, 77]] *= 1.6
    today = demand_of(network, rates)
    seen = parts_priced(monkeypatch)
    again = pp.optimize(network, today, gap=2e-3, start=plan)
    assert seen == [3]
    monkeypatch.undo()
    anew = pp.optimize(network, today, gap=2e-3)
    assert all_kept(network, today, again)
    assert again.gap < 2e-3
    # each bound holds for the other's plan
    assert again.bound <= anew.cost * (1 + 1e-12)
    assert anew.bound <= again.cost * (1 + 1e-12)
    assert again.bound == pytest.approx(anew.bound, rel=2e-3)
    # what is taken over is what a new evaluation gives, in every figure
    fresh = pp.evaluate(network, today, again.stock)
    for name in ("expected_backorders", "backorder_variance", "mean_wait_days", "on_hand"):
        mine, theirs = getattr(again.performance, name), getattr(fresh, name)
        # to the last bit figures depend on the block that they are worked in
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=0.0)
    for mine, theirs in zip(again.commitments, fresh.commitments, strict=True):
        assert mine.achieved == pytest.approx(theirs.achieved, rel=1e-9)


def test_a_memory_of_a_memory_holds(first):
    network, demand, plan = first
    rates = rates_of(network, demand)
    for night in range(4):
        rates[night::97] *= 1.3
        today = demand_of(network, rates)
        plan = pp.optimize(network, today, gap=2e-3, start=plan)
        assert plan.gap < 2e-3
        assert all_kept(network, today, plan)
    anew = pp.optimize(network, today, gap=2e-3)
    assert plan.bound <= anew.cost * (1 + 1e-12)
    assert plan.bound == pytest.approx(anew.bound, rel=2e-3)


def changed_tables(network, change):
    """The network with one cell of a table changed."""
    tables = many_tables()
    table, column, row, value = change
    tables[table][column] = list(tables[table][column])
    tables[table][column][row] = value
    return pp.ServiceNetwork.from_tables(**tables)


def many_tables():
    rng = np.random.default_rng(5)
    n = 60
    return {
        "parts": {
            "part_id": [f"P{p}" for p in range(n)],
            "unit_cost": rng.lognormal(5.0, 1.0, n),
            "resupply_days": rng.choice([30.0, 60.0], n),
            "holding_rate": np.full(n, 0.2),
        },
        "locations": {
            "location_id": ["DC", "A", "B"],
            "kind": ["central", "forward", "forward"],
            "replenished_from": ["", "DC", "DC"],
            "replenishment_days": [None, 2.0, 5.0],
        },
        "commitments": {
            "commitment_id": ["A", "B"],
            "metric": ["mean_wait", "fill_rate"],
            "target": [10.0, 0.9],
            "location_id": ["A", "B"],
        },
        "stock": {
            "part_id": ["P1", "P2"],
            "location_id": ["A", "B"],
            "minimum": [0, 0],
            "maximum": [None, None],
        },
    }


CHANGES = {
    "unit cost": ("parts", "unit_cost", 4, 5000.0),
    "resupply time": ("parts", "resupply_days", 4, 200.0),
    "holding rate": ("parts", "holding_rate", 4, 0.9),
    "replenishment time": ("locations", "replenishment_days", 1, 9.0),
    "target": ("commitments", "target", 0, 6.0),
    "metric": ("commitments", "metric", 1, "mean_wait"),
    "minimum": ("stock", "minimum", 0, 7),
    "maximum": ("stock", "maximum", 1, 0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_has_changed_is_noticed(change):
    tables = many_tables()
    network = pp.ServiceNetwork.from_tables(**tables)
    rng = np.random.default_rng(6)
    rates = np.column_stack([np.zeros(60), rng.lognormal(0.5, 1.0, (60, 2))])
    demand = demand_of(network, rates)
    plan = pp.optimize(network, demand)
    other = changed_tables(network, change)
    again, anew = (pp.optimize(other, demand, start=start) for start in (plan, None))
    assert again.status == anew.status
    assert all_kept(other, demand, again)
    assert again.bound <= anew.cost * (1 + 1e-12)
    assert anew.bound <= again.cost * (1 + 1e-12)
    assert again.gap < 1e-3


@pytest.mark.parametrize("row", range(2))
def test_units_that_must_be_held_elsewhere_are_noticed(row):
    tables = many_tables()
    rates = np.column_stack([np.zeros(60), np.ones((60, 2))])
    tables["stock"] |= {"part_id": ["P1", "P1"], "minimum": [0, 0]}
    plans = []
    for places in (row, 1 - row):
        tables["stock"]["minimum"][places], tables["stock"]["minimum"][1 - places] = 2, 0
        network = pp.ServiceNetwork.from_tables(**tables)
        start = plans[-1] if plans else None
        plans.append(pp.optimize(network, demand_of(network, rates), start=start))
    assert plans[-1].stock.array[1, 2 - row] >= 2


def test_fingerprints_of_two_small_limits_that_change_places_differ():
    random = np.random.default_rng(0)
    rows = 2.0 * np.eye(100)
    assert len(set(fingerprints._of_array(rows, 100, random).tolist())) == 100


def test_another_method_or_objective_is_noticed(first):
    network, demand, plan = first
    for options in ({"evaluation": "vari_metric"}, {"objective": "investment"}):
        again = pp.optimize(network, demand, gap=2e-3, start=plan, **options)
        anew = pp.optimize(network, demand, gap=2e-3, **options)
        assert again.bound <= anew.cost * (1 + 1e-12)
        assert anew.bound <= again.cost * (1 + 1e-12)


def test_a_forgetful_plan_brings_its_prices(first, monkeypatch):
    network, demand, plan = first
    seen = parts_priced(monkeypatch)
    again = pp.optimize(network, demand, gap=2e-3, start=replace(plan, memory=None))
    assert seen
    assert again.gap < 2e-3


def test_parts_come_and_go_and_change_places():
    rng = np.random.default_rng(8)
    tables = many_tables()
    network = pp.ServiceNetwork.from_tables(**tables)
    rates = np.column_stack([np.zeros(60), rng.lognormal(0.5, 1.0, (60, 2))])
    plan = pp.optimize(network, demand_of(network, rates))
    kept = rng.permutation(60)[:57]  # three go, in another order
    parts = {name: np.array(tables["parts"][name])[kept] for name in tables["parts"]}
    parts["part_id"] = [*parts["part_id"], "NEW"]
    for name, value in (("unit_cost", 90.0), ("resupply_days", 30.0), ("holding_rate", 0.2)):
        parts[name] = [*parts[name], value]
    del tables["stock"]
    other = pp.ServiceNetwork.from_tables(**tables | {"parts": parts})
    today = demand_of(other, np.concatenate([rates[kept], [[0.0, 2.0, 1.0]]]))
    again, anew = (pp.optimize(other, today, start=start) for start in (plan, None))
    assert all_kept(other, today, again)
    assert again.bound <= anew.cost * (1 + 1e-12)
    assert anew.bound <= again.cost * (1 + 1e-12)
    fresh = pp.evaluate(other, today, again.stock)
    np.testing.assert_allclose(again.performance.on_hand, fresh.on_hand, rtol=1e-12)


def test_a_plan_of_other_parts_altogether_is_refused(first):
    _, _, plan = first
    network, demand = many_parts(12, 30)
    parts = pp.ServiceNetwork.from_tables(
        parts={
            "part_id": [f"Q{p}" for p in range(30)],
            "unit_cost": [1.0] * 30,
            "resupply_days": [30.0] * 30,
        },
        locations={
            "location_id": list(network.location_ids),
            "kind": ["central"] + ["forward"] * 5,
            "replenished_from": [""] + ["DC"] * 5,
            "replenishment_days": [None] + [2.0] * 5,
        },
    )
    rates = demand_of(parts, rates_of(network, demand))
    with pytest.raises(ValueError, match="start must be a plan of this network"):
        pp.optimize(parts, rates, start=plan)
