"""Plans with lots at the top: the least cost of tiny networks by brute force."""

import pytest
from random_networks import check_case, random_case

import partsplan as pp

SEEDS = range(3000, 3120)
BATCH = 10


@pytest.mark.parametrize("first", SEEDS[::BATCH])
def test_random_networks_with_lots(first):
    for seed in range(first, first + BATCH):
        try:
            check_case(*random_case(seed, with_lots=True))
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise


def network_of(lot, **tables):
    return pp.ServiceNetwork.from_tables(
        parts=[
            {"part_id": "A", "unit_cost": 90.0, "resupply_days": 30.0, "order_quantity": lot},
            {"part_id": "B", "unit_cost": 250.0, "resupply_days": 45.0},
        ],
        locations=[
            {"location_id": "DC", "kind": "central"},
            {
                "location_id": "F",
                "kind": "forward",
                "replenished_from": "DC",
                "replenishment_days": 2.0,
            },
        ],
        commitments=[{"commitment_id": "C", "metric": "fill_rate", "target": 0.95}],
        **tables,
    )


DEMAND = pp.DemandRates.from_arrays(["A", "B"], ["DC", "F"], [[15.0, 40.0], [2.0, 9.0]])


def test_the_plan_is_charged_for_its_base_stock_and_keeps_its_promise():
    plans = [pp.optimize(network_of(lot), DEMAND, gap=0) for lot in (1, 2, 5, 12)]
    assert all(plan.status.value == "optimal" for plan in plans)
    costs = [plan.cost for plan in plans]
    assert costs == sorted(costs)
    for plan, lot in zip(plans, (1, 2, 5, 12), strict=True):
        stock = plan.stock.array
        charged = 0.2 * (stock * [[90.0], [250.0]]).sum()
        assert plan.cost == pytest.approx(charged, rel=1e-12)
        found = pp.evaluate(network_of(lot), DEMAND, plan)
        assert found.commitments[0].achieved >= 0.95 - 1e-9
        assert found.commitments[0].achieved == pytest.approx(
            plan.commitments[0].achieved, rel=1e-12
        )
