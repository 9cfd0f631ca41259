"""Exchanging units after the search for targets: against lists of all stocks, and its limits."""

from itertools import product

import numpy as np
import pytest

import partsplan as pp
from partsplan.evaluation.model import ServiceModel
from partsplan.network import read_limits
from partsplan.optimization.problem import PlanningProblem
from partsplan.optimization.unit_exchange import UnitExchange
from partsplan.simulation import period_probabilities
from partsplan.simulation.measured_periods import ContractPeriods, PeriodsByPart


def three_places(seed):
    """One part at a centre and two locations below it, by seed; one promise over all, a quarter."""
    rng = np.random.default_rng(seed)
    days = [float(rng.uniform(1, 6)) for _ in range(2)]
    cost, resupply = float(rng.integers(50, 200)), float(rng.uniform(15, 40))
    metric = [("fill_rate", 0.8, None), ("mean_wait", 24.0, None), ("response", 0.85, 72.0)]
    name, target, within = metric[seed % 3]
    network = pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P", "unit_cost": cost, "resupply_days": resupply}],
        locations=[
            {"location_id": "DC", "kind": "central"},
            *(
                {
                    "location_id": f"F{j}",
                    "kind": "forward",
                    "replenished_from": "DC",
                    "replenishment_days": days[j],
                }
                for j in range(2)
            ),
        ],
        commitments=[
            {
                "commitment_id": "C",
                "metric": name,
                "target": target,
                "within_hours": within,
                "period_months": 3,
            }
        ],
    )
    rows = [
        {"part_id": "P", "location_id": f"F{j}", "per_year": float(rng.uniform(8, 40))}
        for j in range(2)
    ]
    return network, pp.DemandRates.from_table(rows)


def sample_of(network, demand, periods=3000):
    judged = ContractPeriods.of(network, demand, {})
    return PeriodsByPart(judged.whole, judged.promises, periods, (7,))


def shares_of(sample, levels):
    return sample.shares(sample.sums_of(np.array([0]), np.array([levels])))


@pytest.mark.parametrize("seed", [12, 14, 10])
def test_no_stock_of_three_places_is_cheaper(seed):
    """Every cheaper stock is looked at in 3,000 periods, and again in 12,000 if it does well.

    Tightened targets alone end a unit dearer in the first two.
    """
    network, demand = three_places(seed)
    plan = pp.optimize(network, demand, confidence=0.9)
    units = int(plan.stock.array.sum())
    assert (plan.period_confidence.saved_by_exchange > 0) == (seed in (12, 14))
    sample = sample_of(network, demand)
    cheaper = [s for s in product(range(units), repeat=3) if sum(s) == units - 1]
    for levels in cheaper:
        if shares_of(sample, levels)[0] < 0.895:
            continue
        stock = {("P", at): n for at, n in zip(network.location_ids, levels, strict=True)}
        row = period_probabilities(network, demand, stock, rng=6, periods=12_000)[0]
        assert row.probability < 0.904, levels  # what no 20,000 periods would confirm
    row = period_probabilities(network, demand, plan, rng=99, periods=20_000)[0]
    assert row.upper >= 0.9
    assert plan.period_confidence.plain_cost < plan.cost


def test_periods_of_parts_add_up_to_those_of_all():
    """A part's streams are its own: what is held of another part changes nothing of them."""
    rows = [{"part_id": f"P{p}", "unit_cost": 10.0, "resupply_days": 20.0 + p} for p in range(3)]
    network = pp.ServiceNetwork.from_tables(
        parts=rows,
        locations=[{"location_id": "DC", "kind": "central"}],
        commitments=[
            {"commitment_id": "C", "metric": "fill_rate", "target": 0.8, "period_months": 3},
            {"commitment_id": "Y", "metric": "mean_wait", "target": 90.0, "period_months": 12},
        ],
    )
    demand = pp.DemandRates.from_table(
        [{"part_id": f"P{p}", "location_id": "DC", "per_year": 12.0} for p in range(3)]
    )
    sample = sample_of(network, demand, periods=4000)
    stock = np.array([[1], [2], [0]])
    alone = [sample.sums_of(np.array([p]), stock) for p in range(3)]
    assert (sample.sums_of(np.array([1]), np.array([[5], [2], [5]])) == alone[1]).all()
    more = sample.sums_of(np.array([1]), np.array([[1], [3], [0]]))
    assert (more[0] == alone[1][0]).all()  # the same demands
    assert (more[1] <= alone[1][1]).all()  # none of them waits longer
    shares = sample.shares(sum(alone))
    levels = {(f"P{p}", "DC"): int(stock[p, 0]) for p in range(3)}
    seen = period_probabilities(network, demand, levels, rng=3, periods=4000, method="simulation")
    assert shares == pytest.approx([row.probability for row in seen], abs=0.04)


def test_dear_units_are_exchanged_for_cheap_ones_of_another_part():
    """Two parts at one place: the same demand, one of them ten times as dear."""
    network = pp.ServiceNetwork.from_tables(
        parts=[
            {"part_id": "dear", "unit_cost": 100.0, "resupply_days": 20.0},
            {"part_id": "cheap", "unit_cost": 10.0, "resupply_days": 20.0},
        ],
        locations=[{"location_id": "DC", "kind": "central"}],
        commitments=[
            {"commitment_id": "C", "metric": "fill_rate", "target": 0.7, "period_months": 3}
        ],
        stock=[{"part_id": "dear", "location_id": "DC", "minimum": 1}],
    )
    demand = pp.DemandRates.from_table(
        [{"part_id": p, "location_id": "DC", "per_year": 18.0} for p in ("dear", "cheap")]
    )
    model = ServiceModel(network, demand.aligned(network))
    problem = PlanningProblem.of(model, read_limits(network, None), "investment", "exact")
    sample = sample_of(network, demand)

    def cost_of(stock):
        return float(problem.cost(np.arange(2), stock).sum())

    start = np.array([[4], [2]])
    exchange = UnitExchange(problem, sample, 0.7, cost_of, lambda: False)
    found = exchange.descend(start, cost_of(start))
    costs = [cost_of(start), *(stock.cost for stock in found)]
    assert costs == sorted(costs, reverse=True)
    assert all((stock.shares >= 0.7).all() for stock in found)
    best = found[-1].stock
    assert best[0, 0] >= 1  # the minimum stays
    assert best[1, 0] > 1
    listed = {}
    rows = [[sample.sums_of(np.array([p]), np.full((2, 1), n)) for n in range(8)] for p in (0, 1)]
    for held in product(range(1, 8), range(8)):
        if sample.shares(rows[0][held[0]] + rows[1][held[1]])[0] >= 0.7:
            listed[held] = 100.0 * held[0] + 10.0 * held[1]
    assert cost_of(best) == min(listed.values())
    exchange.refuse(found[-1])
    again = exchange.descend(start, cost_of(start))
    assert (again[-1].stock != best).any()
    stopped = UnitExchange(problem, sample, 0.7, cost_of, lambda: True)
    assert stopped.descend(start, cost_of(start)) == []
    picky = UnitExchange(problem, sample, 0.7, lambda stock: None, lambda: False)
    assert picky.descend(start, cost_of(start)) == []


def test_the_summary_says_what_the_exchange_saved():
    network, demand = three_places(14)
    plan = pp.optimize(network, demand, confidence=0.9)
    saved = plan.period_confidence.saved_by_exchange
    assert f"took {saved:,.2f} off" in plan.summary()
    assert plan.annual_cost == pytest.approx(plan.cost)
    assert plan.investment == pytest.approx(5.0 * plan.annual_cost)
    assert (plan.performance.stock == plan.stock.array).all()
