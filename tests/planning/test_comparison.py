"""Several stocks side by side: commitments, holding cost and investment."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import partsplan as pp
from partsplan.planning import StockComparison
from small_networks import Tables

E = math.exp(-1.0)
TODAY: list[dict[str, Any]] = [{"part_id": "P1", "location_id": "DC", "on_hand": 1, "on_order": 1}]


def one_part(tables: Tables, **more: Any) -> pp.ServiceNetwork:
    """A pipeline of 1 unit, at 100 and 20 % a year: fill rate 1/e, 2/e, 2.5/e at S = 1, 2, 3."""
    commitments = [
        {"commitment_id": "fill", "metric": "fill_rate", "target": 0.9},
        {"commitment_id": "wait", "metric": "mean_wait", "target": 400.0},
    ]
    return pp.ServiceNetwork.from_tables(**tables, **{"commitments": commitments} | more)


@pytest.fixture
def network(one_location_tables: Tables) -> pp.ServiceNetwork:
    return one_part(one_location_tables, stock=TODAY)


@pytest.fixture
def demand(network: pp.ServiceNetwork) -> pp.DemandRates:
    return pp.estimate_demand(network)


@pytest.fixture
def comparison(network: pp.ServiceNetwork, demand: pp.DemandRates) -> StockComparison:
    plan = pp.optimize(network, demand)
    stocks = {"today": network.stock, "plan": plan, "one": {("P1", "DC"): 1}}
    return pp.compare_stocks(network, demand, stocks)


def test_commitments_side_by_side(comparison: StockComparison) -> None:
    fill, wait = comparison.to_records()
    assert list(fill) == [
        "commitment_id",
        "metric",
        "unit",
        "target",
        "achieved_today",
        "is_met_today",
        "achieved_plan",
        "is_met_plan",
        "achieved_one",
        "is_met_one",
    ]
    assert [fill[name] for name in ("commitment_id", "metric", "unit", "target")] == [
        "fill",
        "fill_rate",
        "share",
        0.9,
    ]
    assert fill["achieved_today"] == pytest.approx(2 * E)
    assert fill["achieved_plan"] == pytest.approx(2.5 * E)
    assert fill["achieved_one"] == pytest.approx(E)
    assert [fill[f"is_met_{name}"] for name in ("today", "plan", "one")] == [False, True, False]
    # EBO at S = 1 is 1/e units, at S = 2 3/e - 1; divided by 12 a year, in hours
    assert wait["achieved_one"] == pytest.approx(E / 12 * 8760)
    assert wait["achieved_today"] == pytest.approx((3 * E - 1) / 12 * 8760)
    assert wait["unit"] == "hours"


def test_cost_of_every_stock(comparison: StockComparison) -> None:
    today, plan, _ = comparison.stocks.to_records()
    assert today == {
        "stock": "today",
        "levels_from": "position",
        "base_stock": 2,
        "annual_holding_cost": 40.0,
        "investment": 200.0,
        "commitments_kept": 1,
    }
    assert plan["levels_from"] == "base_stock"
    assert (plan["annual_holding_cost"], plan["investment"]) == (60.0, 300.0)


def test_cost_is_the_plans_own(two_level_tables: Tables) -> None:
    network = pp.ServiceNetwork.from_tables(
        **two_level_tables,
        part_locations=[{"part_id": "P1", "location_id": "F1", "holding_rate": 0.35}],
    )
    demand = pp.estimate_demand(network)
    plan = pp.optimize(network, demand)
    compared = pp.compare_stocks(network, demand, {"plan": plan})
    (row,) = compared.stocks.to_records()
    assert row["annual_holding_cost"] == pytest.approx(plan.annual_cost)
    assert row["investment"] == pytest.approx(plan.investment)
    records = compared.to_records()
    assert [r["achieved_plan"] for r in records] == [c.achieved for c in plan.commitments]


def test_base_stock_comes_before_the_position(
    network: pp.ServiceNetwork, demand: pp.DemandRates
) -> None:
    stocks = {
        "level": [TODAY[0] | {"base_stock": 3}],
        "position": [TODAY[0] | {"base_stock": None}],
    }
    compared = pp.compare_stocks(network, demand, stocks)
    assert compared.levels_from == {"level": "base_stock", "position": "position"}
    assert [row["base_stock"] for row in compared.stocks.to_records()] == [3, 2]


def test_none_is_the_stock_of_the_network(
    network: pp.ServiceNetwork, demand: pp.DemandRates
) -> None:
    compared = pp.compare_stocks(network, demand, {"today": None})
    assert compared.stocks.to_records()[0]["base_stock"] == 2


def test_performances_are_those_of_evaluate(comparison: StockComparison) -> None:
    assert list(comparison.performances) == ["today", "plan", "one"]
    assert comparison.performances["one"].fill_rate[0, 0] == pytest.approx(E)


def test_the_method_is_passed_on(network: pp.ServiceNetwork, demand: pp.DemandRates) -> None:
    compared = pp.compare_stocks(network, demand, {"a": None}, evaluation="metric")
    assert compared.performances["a"].evaluation == "metric"
    with pytest.raises(ValueError, match="evaluation must be one of"):
        pp.compare_stocks(network, demand, {"a": None}, evaluation="guess")


def test_summary_says_what_stands_for_s(comparison: StockComparison) -> None:
    assert comparison.summary().splitlines() == [
        "Comparison of 3 stocks, evaluated exactly",
        "                                     today           plan              one",
        "  holding cost per year              40.00          60.00            20.00",
        "  investment in stock               200.00         300.00           100.00",
        "  base stock, units                      2              3                1",
        "  commitments kept                  1 of 2         2 of 2           1 of 2",
        "  fill fill_rate 90.000 %  MISSED 73.576 %  kept 91.970 %  MISSED 36.788 %",
        "  wait mean_wait 400.00 h     kept 75.66 h   kept 17.04 h    kept 268.55 h",
        "  today: no base_stock in the table, so on_hand + on_order stands for S",
    ]


def test_page(comparison: StockComparison) -> None:
    page = comparison._repr_html_()
    assert page.count("<tr>") == 1 + 4 + 2
    assert "MISSED 36.788 %" in page
    assert "today: no base_stock in the table, so on_hand + on_order stands for S" in page
    assert comparison.stocks._repr_html_().count("<tr>") == 1 + 3


def test_of_many_commitments_the_missed_come_first(one_location_tables: Tables) -> None:
    many = [
        {"commitment_id": f"C{k:02}", "metric": "fill_rate", "target": 0.3 if k < 15 else 0.5}
        for k in range(16)
    ]
    network = one_part(one_location_tables, commitments=many)
    demand = pp.estimate_demand(network)
    lines = pp.compare_stocks(network, demand, {"one": {("P1", "DC"): 1}}).summary().splitlines()
    assert lines[6].startswith("  C15 fill_rate 50.000 %  MISSED")
    assert lines[-1] == "  ... and 4 more commitments, 0 missed by a stock"


def test_no_demand_is_none(two_level_tables: Tables) -> None:
    network = pp.ServiceNetwork.from_tables(**two_level_tables)
    demand = pp.DemandRates.from_table([{"part_id": "P1", "location_id": "F2", "per_year": 1.0}])
    compared = pp.compare_stocks(
        network.replace(
            commitments=[
                {
                    "commitment_id": "none",
                    "metric": "fill_rate",
                    "target": 0.9,
                    "location_id": "F1",
                }
            ]
        ),
        demand,
        {"empty": {}},
    )
    (row,) = compared.to_records()
    assert row["achieved_empty"] is None
    assert row["is_met_empty"] is True
    assert "no demand" in compared.summary()


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (pd.DataFrame, pd.DataFrame),
        (pl.DataFrame, pl.DataFrame),
        (pa.Table.from_pylist, pa.Table),
        (list, pd.DataFrame),
    ],
)
def test_frames_in_the_users_library(
    network: pp.ServiceNetwork, demand: pp.DemandRates, make: Any, kind: type
) -> None:
    compared = pp.compare_stocks(network, demand, {"today": make(TODAY), "none": {}})
    assert isinstance(compared.stocks.to_frame(), kind)
    frame = compared.to_frame()
    assert isinstance(frame, kind)
    met = frame["is_met_today"]
    assert (met.to_pylist() if kind is pa.Table else met.to_list()) == [False, True]


@pytest.mark.parametrize(
    ("stocks", "message"),
    [
        ([TODAY], "stocks must be a dict of named stocks such as .*, got list"),
        ({}, "stocks must be a dict of named stocks .*, got none"),
        ({("P1", "DC"): 3}, r"got the name \('P1', 'DC'\)"),
        ({"": None}, "got the name ''"),
    ],
)
def test_wrong_calls(
    network: pp.ServiceNetwork, demand: pp.DemandRates, stocks: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        pp.compare_stocks(network, demand, stocks)


def test_a_swapped_call_is_a_value_error(
    network: pp.ServiceNetwork, demand: pp.DemandRates
) -> None:
    with pytest.raises(ValueError, match="network must be a ServiceNetwork"):
        pp.compare_stocks(demand, network, {"today": None})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([TODAY[0] | {"part_id": "P11"}], "stocks['b'] row 1, column part_id: 'P11' is not a part"),
        ({("P1", "XX"): 1}, "stocks['b'] row 1, column location_id: 'XX' is not a location."),
        (
            [{"part_id": "P1", "location_id": "DC", "minimum": 1}],
            "stocks['b'], column base_stock: there is no base_stock. Give the level S; today's is "
            "usually on_hand + on_order.",
        ),
        (7, "stocks['b']: an object of type int is not a table."),
    ],
)
def test_findings_name_the_stock(
    network: pp.ServiceNetwork, demand: pp.DemandRates, source: Any, message: str
) -> None:
    with pytest.raises(pp.InputError) as caught:
        pp.compare_stocks(network, demand, {"a": None, "b": source})
    assert message in str(caught.value)


def test_a_plan_without_solution_says_which(
    one_location_tables: Tables, demand: pp.DemandRates
) -> None:
    impossible = [{"part_id": "P1", "location_id": "DC", "maximum": 1, "on_hand": 1}]
    network = one_part(one_location_tables, stock=impossible)
    plan = pp.optimize(network, demand)
    assert not plan.has_solution
    with pytest.raises(ValueError, match=r"stocks\['plan'\] must have stock, got a plan that is"):
        pp.compare_stocks(network, demand, {"today": None, "plan": plan})
