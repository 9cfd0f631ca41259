"""Beginning with a stock: fewer passes, the same proof, whatever the start."""

import numpy as np
import pytest
from many_parts import all_kept, many_parts
from own_networks import CASES

import partsplan as pp


def changed_demand(network, demand):
    """1 % of the parts are asked for half as often again."""
    rates = demand.block(np.arange(network.n_parts))
    rates[::100] *= 1.5
    return pp.DemandRates.from_arrays(network.part_ids, network.location_ids, rates)


def test_last_nights_plan_spares_passes():
    network, demand = many_parts(4, 2_200)
    first = pp.optimize(network, demand)
    today = changed_demand(network, demand)
    again, anew = pp.optimize(network, today, start=first), pp.optimize(network, today)
    assert again.passes < anew.passes / 2
    assert again.gap < 5e-4
    assert all_kept(network, today, again)
    assert again.bound == pytest.approx(anew.bound, rel=5e-4)


def test_any_table_with_base_stock_will_do():
    network, demand = many_parts(5, 300)
    plan = pp.optimize(network, demand)
    table = plan.stock.to_records()
    for start in (table, plan.stock, plan.stock.array, dict.fromkeys([("P00001", "DC")], 7)):
        again = pp.optimize(network, demand, start=start)
        assert again.gap < 5e-4
        assert all_kept(network, demand, again)


def test_a_stock_that_keeps_every_promise_is_a_plan_when_time_is_up():
    network, demand = many_parts(6, 200)
    good = pp.optimize(network, demand)
    plan = pp.optimize(network, demand, start=good.stock.array, time_limit=1e-9)
    assert plan.stopped_by == "time"
    assert all_kept(network, demand, plan)
    assert plan.cost <= good.cost


@pytest.mark.parametrize("name", sorted(CASES))
def test_small_networks_are_proven_from_any_start(name):
    network = pp.ServiceNetwork.from_tables(**CASES[name])
    demand = pp.estimate_demand(network)
    plan = pp.optimize(network, demand)
    for start in (plan, {}, np.full((network.n_parts, network.n_locations), 4)):
        if start is plan and not plan.has_solution:
            continue
        again = pp.optimize(network, demand, start=start)
        assert again.status == plan.status
        assert again.cost == pytest.approx(plan.cost, rel=1e-9)


def test_a_start_that_is_none_says_so():
    network, demand = many_parts(7, 20)
    with pytest.raises(pp.InputError, match="there is no base_stock"):
        pp.optimize(network, demand, start=[{"part_id": "P00001", "location_id": "DC"}])
    with pytest.raises(pp.InputError, match="'P99' is not a part"):
        pp.optimize(network, demand, start={("P99", "DC"): 1})


OWN = {"MATNR": "P00001", "WERKS": "DC", "SOLL": 3}
ROW = {"part_id": "P00001", "location_id": "DC", "base_stock": 3}


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ([OWN], "column part_id is missing. Add it, or give yours this name .* MATNR, WERKS, SOLL"),
        ([ROW, ROW | {"part_id": "OLD"}], "stock row 2, .*'OLD' is not a part.* leave the row out"),
        ([ROW | {"base_stock": -1}], "stock row 1, column base_stock: -1 is below 0"),
        ([ROW | {"base_stock": 1.5}], "1.5 is not a whole number"),
        ([ROW, ROW], "stock row 2, column part_id: 'P00001', 'DC' is already in row 1"),
        ("plan.csv", "'plan.csv' is a text, not a table"),
    ],
)
def test_bad_starts_say_where_and_the_way_out(start, message):
    network, demand = many_parts(5, 20)
    with pytest.raises(pp.InputError, match=message):
        pp.optimize(network, demand, start=start)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gap": "small"}, "gap must be a share from 0 to below 1, got 'small'"),
        ({"gap": None}, "gap must be a share from 0 to below 1, got None"),
        ({"time_limit": "60"}, "time_limit must be positive seconds or None, got '60'"),
        ({"confidence": "0.9"}, "confidence must be strictly between 0 and 1, got '0.9'"),
    ],
)
def test_arguments_that_are_no_numbers_are_named(options, message):
    network, demand = many_parts(5, 20)
    with pytest.raises(ValueError, match=message):
        pp.optimize(network, demand, **options)


def test_absurd_levels_are_drawn_in():
    network, demand = many_parts(9, 60)
    plan = pp.optimize(network, demand)
    absurd = plan.stock.array.copy()
    absurd[3] = 10**9
    again = pp.optimize(network, demand, start=absurd)
    assert again.cost == pytest.approx(plan.cost, rel=1e-3)
    assert all_kept(network, demand, again)
