"""Stock position: on hand and on order beside the base stock of a plan."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import partsplan as pp
from partsplan.planning import StockPosition
from small_networks import Tables, one_location_tables, two_level_tables

TODAY: list[dict[str, Any]] = [
    {"part_id": "P1", "location_id": "DC", "on_hand": 1, "on_order": 1},
    {"part_id": "P1", "location_id": "F1", "on_hand": 3},
    {"part_id": "P2", "location_id": "F2", "on_hand": 0, "on_order": 0},
    {"part_id": "P2", "location_id": "DC", "on_order": 4},
]
LEVELS = {("P1", "DC"): 5, ("P1", "F1"): 1, ("P1", "F2"): 2, ("P2", "DC"): 4}


@pytest.fixture
def network(two_level_tables: Tables) -> pp.ServiceNetwork:
    """P1 costs 100 and P2 50; today's stock is `TODAY`."""
    return pp.ServiceNetwork.from_tables(**two_level_tables, stock=TODAY)


@pytest.fixture
def position(network: pp.ServiceNetwork) -> StockPosition:
    return pp.stock_position(network, LEVELS)


def test_every_place_with_base_stock_or_position_in_table_order(position: StockPosition) -> None:
    names = ("base_stock", "on_hand", "on_order", "position", "shortfall", "excess")
    found = {
        (row["part_id"], row["location_id"]): [row[name] for name in names]
        for row in position.to_records()
    }
    assert list(found.items()) == [
        (("P1", "DC"), [5, 1, 1, 2, 3, 0]),
        (("P1", "F1"), [1, 3, 0, 3, 0, 2]),
        (("P1", "F2"), [2, 0, 0, 0, 2, 0]),
        (("P2", "DC"), [4, 0, 4, 4, 0, 0]),
    ]


def test_money_is_unit_cost_times_units(position: StockPosition) -> None:
    names = ("base_stock_value", "position_value", "shortfall_value", "excess_value")
    found = [[row[name] for name in names] for row in position.to_records()]
    assert found == [[500, 200, 300, 0], [100, 300, 0, 200], [200, 0, 200, 0], [200, 200, 0, 0]]


def test_totals_are_the_sums_of_the_columns(position: StockPosition) -> None:
    assert position.totals == {
        "base_stock": 12,
        "on_hand": 4,
        "on_order": 5,
        "position": 9,
        "shortfall": 5,
        "excess": 2,
        "base_stock_value": 1000.0,
        "position_value": 700.0,
        "shortfall_value": 500.0,
        "excess_value": 200.0,
    }


def test_records_are_plain_values(position: StockPosition) -> None:
    types = {type(value) for row in position.to_records() for value in row.values()}
    assert types == {str, int, float}


def test_summary_says_units_and_money_in_stock(position: StockPosition) -> None:
    assert position.summary().splitlines() == [
        "Stock position: 2 parts in 4 places, valued at unit cost",
        "  base_stock        12 units         1,000.00 in stock",
        "  position           9 units           700.00 in stock: 4 on hand, 5 on order",
        "  shortfall          5 units           500.00 below the base stock, in 2 places",
        "  excess             2 units           200.00 above the base stock, in 1 place",
        "  largest shortfall",
        "    P1 at DC: base stock 5, position 2, shortfall 3 (300.00)",
        "    P1 at F2: base stock 2, position 0, shortfall 2 (200.00)",
        "  largest excess",
        "    P1 at F1: base stock 1, position 3, excess 2 (200.00)",
    ]


def test_page_shows_where_stock_and_plan_differ(position: StockPosition) -> None:
    page = position._repr_html_()
    assert page.count("<tr>") == 1 + 3
    assert "500.00 below the base stock" in page
    assert "more</p>" not in page


def test_page_escapes_ids() -> None:
    tables = one_location_tables()
    tables["parts"][0]["part_id"] = tables["demand"][0]["part_id"] = "<P1>"
    network = pp.ServiceNetwork.from_tables(**tables)
    page = pp.stock_position(network, {("<P1>", "DC"): 1}, [])._repr_html_()
    assert "&lt;P1&gt;" in page
    assert "<P1>" not in page


def test_nothing_planned_and_nothing_there(network: pp.ServiceNetwork) -> None:
    position = pp.stock_position(network, {}, [])
    assert position.to_records() == []
    assert position.totals["position_value"] == 0.0
    assert "0 parts in 0 places" in position.summary()
    assert "<table>" not in position._repr_html_()


def test_base_stock_and_today_from_one_table(two_level_tables: Tables) -> None:
    row = {"part_id": "P1", "location_id": "F1", "base_stock": 4, "on_hand": 1, "on_order": 1}
    network = pp.ServiceNetwork.from_tables(**two_level_tables, stock=[row])
    assert pp.stock_position(network, None).shortfall.tolist() == [[0, 2, 0], [0, 0, 0]]


def test_a_plan_and_its_stock_are_the_same() -> None:
    tables = one_location_tables()
    tables["commitments"] = [{"commitment_id": "C", "metric": "fill_rate", "target": 0.9}]
    tables["stock"] = [{"part_id": "P1", "location_id": "DC", "on_hand": 1, "on_order": 0}]
    network = pp.ServiceNetwork.from_tables(**tables)
    plan = pp.optimize(network, pp.estimate_demand(network))
    of_plan = pp.stock_position(network, plan)
    assert of_plan.to_records() == pp.stock_position(network, plan.stock).to_records()
    assert of_plan.to_records()[0]["shortfall"] == 2  # fill rate 2.5 / e = 0.92 at S = 3
    other = pp.ServiceNetwork.from_tables(
        parts=[{"part_id": "P0", "unit_cost": 1, "resupply_days": 1}, *tables["parts"]],
        locations=tables["locations"],
        stock=tables["stock"],
    )
    assert pp.stock_position(other, plan).base_stock.tolist() == [[0], [3]]


@pytest.mark.parametrize(
    "today",
    [
        TODAY,
        pd.DataFrame(TODAY),
        pl.DataFrame(TODAY),
        pa.table(pd.DataFrame(TODAY).to_dict(orient="list")),
        {name: [row.get(name) for row in TODAY] for name in TODAY[0]},
        (row for row in TODAY),
    ],
    ids=lambda today: type(today).__module__ + "." + type(today).__name__,
)
def test_today_in_any_form(network: pp.ServiceNetwork, today: Any) -> None:
    position = pp.stock_position(network.replace(stock=None), LEVELS, today)
    assert_array_equal(position.position, [[2, 3, 0], [4, 0, 0]])


@pytest.mark.parametrize(
    ("library", "kind"), [(pd, pd.DataFrame), (pl, pl.DataFrame), (pa, pa.Table)]
)
def test_frames_in_the_library_of_the_network(
    two_level_tables: Tables, library: Any, kind: type
) -> None:
    make = pa.Table.from_pylist if library is pa else library.DataFrame
    tables = two_level_tables | {"sites": make(two_level_tables["sites"])}
    network = pp.ServiceNetwork.from_tables(**tables)
    frame = pp.stock_position(network, LEVELS, TODAY).to_frame()
    assert isinstance(frame, kind)
    columns = frame.column_names if library is pa else list(frame.columns)
    assert columns[:3] == ["part_id", "location_id", "base_stock"]
    shortfall = frame["shortfall"]
    assert (shortfall.to_pylist() if library is pa else shortfall.to_list()) == [3, 0, 2, 0]


def test_frame_in_the_library_of_todays_table(network: pp.ServiceNetwork) -> None:
    assert isinstance(
        pp.stock_position(network, LEVELS, pl.DataFrame(TODAY)).to_frame(), pl.DataFrame
    )
    assert isinstance(pp.stock_position(network, LEVELS).to_frame(), pd.DataFrame)


def test_a_column_left_out_counts_zero_and_is_said(network: pp.ServiceNetwork) -> None:
    today = [{"part_id": "P1", "location_id": "DC", "on_hand": 2}]
    position = pp.stock_position(network, LEVELS, today)
    assert position.not_given == ("on_order",)
    assert "  today's table says no on_order: counted as 0" in position.summary().splitlines()


@pytest.mark.parametrize(
    ("stock", "today", "message"),
    [
        (LEVELS, [TODAY[0] | {"part_id": "PP1"}], "today row 1, column part_id: 'PP1' is not a"),
        (LEVELS, [TODAY[0] | {"location_id": "X"}], "today row 1, column location_id: 'X' is not"),
        (LEVELS, [TODAY[0] | {"on_hand": -1}], "today row 1, column on_hand: -1 is below 0."),
        (LEVELS, [TODAY[0] | {"on_hand": 0.5}], "0.5 is not a whole number."),
        (LEVELS, [TODAY[0], TODAY[0]], "today row 2, column part_id: 'P1', 'DC' is already in"),
        (
            LEVELS,
            [{"part_id": "P1", "location_id": "DC", "base_stock": 2}],
            "today, column on_hand: there is no on_hand and no on_order. Give the units on the "
            "shelf, and on order or in repair, today.",
        ),
        (LEVELS, 5, "today: an object of type int is not a table."),
        (LEVELS, LEVELS, "('P1', 'DC') is not a column name"),
        ({("P9", "DC"): 1}, None, "stock row 1, column part_id: 'P9' is not a part."),
        (None, None, "stock, column base_stock: there is no base_stock."),
        (TODAY, None, "stock, column base_stock: there is no base_stock."),
    ],
)
def test_wrong_tables_are_findings(
    network: pp.ServiceNetwork, stock: Any, today: Any, message: str
) -> None:
    with pytest.raises(pp.InputError) as caught:
        pp.stock_position(network, stock, today)
    assert message in str(caught.value)


def test_a_network_without_stock_needs_todays(two_level_tables: Tables) -> None:
    network = pp.ServiceNetwork.from_tables(**two_level_tables)
    with pytest.raises(pp.InputError, match="stock, column on_hand: there is no on_hand and no"):
        pp.stock_position(network, LEVELS)


def test_a_plan_without_solution_says_so(two_level_tables: Tables) -> None:
    two_level_tables["commitments"] = [
        {"commitment_id": "C", "metric": "response", "within_hours": 1.0, "target": 0.9}
    ]
    network = pp.ServiceNetwork.from_tables(**two_level_tables, stock=TODAY)
    plan = pp.optimize(network, pp.estimate_demand(network))
    assert not plan.has_solution
    with pytest.raises(ValueError, match="stock must have stock, got a plan that is infeasible"):
        pp.stock_position(network, plan)


def test_a_plan_in_the_place_of_the_network() -> None:
    with pytest.raises(ValueError, match=r"the network comes first.*got dict"):
        pp.stock_position(LEVELS, None)


def test_arrays_cannot_be_changed(position: StockPosition) -> None:
    with pytest.raises(ValueError, match="read-only"):
        position.base_stock[0, 0] = 9


UNITS = st.lists(st.integers(0, 10**6), min_size=6, max_size=6)
NETWORK = pp.ServiceNetwork.from_tables(**two_level_tables())


@given(base=UNITS, on_hand=UNITS, on_order=UNITS)
@settings(max_examples=50, deadline=None)
def test_position_less_base_stock_is_excess_less_shortfall(
    base: list[int], on_hand: list[int], on_order: list[int]
) -> None:
    places = [(part, at) for part in NETWORK.part_ids for at in NETWORK.location_ids]
    today = [
        {"part_id": part, "location_id": at, "on_hand": h, "on_order": o}
        for (part, at), h, o in zip(places, on_hand, on_order, strict=True)
    ]
    position = pp.stock_position(NETWORK, dict(zip(places, base, strict=True)), today)
    difference = position.position - position.base_stock
    assert_array_equal(difference, position.excess - position.shortfall)
    assert not (position.excess * position.shortfall).any()
    total = position.totals
    assert total["position"] == sum(on_hand) + sum(on_order)
    rows = position.to_records()
    for name in ("base_stock", "position", "shortfall", "excess"):
        worth = sum((100 if row["part_id"] == "P1" else 50) * row[name] for row in rows)
        assert total[f"{name}_value"] == worth == sum(row[f"{name}_value"] for row in rows)
    assert total["position_value"] - total["base_stock_value"] == (
        total["excess_value"] - total["shortfall_value"]
    )
    left_out = np.count_nonzero((position.base_stock == 0) & (position.position == 0))
    assert len(rows) == 6 - left_out
