"""Stock-like sources become dense arrays, or findings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from partsplan.errors import InputError
from partsplan.network import ServiceNetwork, StockLevel, read_base_stock, read_limits
from small_networks import Tables, changed


@pytest.fixture
def network(two_level_tables: Tables) -> ServiceNetwork:
    return ServiceNetwork.from_tables(**two_level_tables)


class Plan:
    """Anything that can give records."""

    def to_records(self) -> list[dict[str, Any]]:
        return [{"part_id": "P1", "location_id": "F2", "base_stock": 3}]


class Solution:
    """Anything that has a stock, such as a plan."""

    status = "infeasible"

    def __init__(self, stock: Plan | None) -> None:
        self.stock = stock


ROW: dict[str, Any] = {"part_id": "P1", "location_id": "F2", "base_stock": 3}


@pytest.mark.parametrize(
    "source",
    [
        [ROW],
        {name: [value] for name, value in ROW.items()},
        {("P1", "F2"): 3},
        {("P1", "F2"): np.int64(3), ("P2", "DC"): 0},
        pd.DataFrame([ROW]),
        [StockLevel(**ROW)],
        Plan(),
        Solution(Plan()),
    ],
    ids=lambda source: type(source).__name__,
)
def test_every_source_gives_the_same_levels(network: ServiceNetwork, source: Any) -> None:
    levels = read_base_stock(network, source)
    assert levels.dtype == np.int64
    assert_array_equal(levels, [[0, 0, 3], [0, 0, 0]])


def test_none_is_the_stock_of_the_network(network: ServiceNetwork) -> None:
    stocked = network.replace(stock=[ROW])
    expected = [[0, 0, 3], [0, 0, 0]]
    assert_array_equal(read_base_stock(stocked, None), expected)
    assert_array_equal(read_base_stock(network, stocked.stock), expected)


def test_an_empty_source_is_no_stock(network: ServiceNetwork) -> None:
    assert read_base_stock(network, {}).sum() == 0
    assert read_base_stock(network, []).sum() == 0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            {("PP1", "F1"): 1},
            "stock row 1, column part_id: 'PP1' is not a part. Did you mean 'P1'?",
        ),
        ({("P1", "FF1"): 1}, "'FF1' is not a location. Did you mean 'F1'?"),
        ({("P1", "F1"): -1}, "-1 is below 0."),
        ({("P1", "F1"): 1.5}, "1.5 is not a whole number."),
        ({("P1", "F1"): 1, "P2": 2}, "'P2' is not a pair (part_id, location_id)."),
        ({("P1",): 1}, "('P1',) is not a pair (part_id, location_id)."),
        ([ROW, ROW], "stock row 2, column part_id: 'P1', 'F2' is already in row 1."),
        (
            [{"part_id": "P1", "location_id": "F1", "on_hand": 2, "on_order": 1}],
            "stock, column base_stock: there is no base_stock. Give the level S; today's is "
            "usually on_hand + on_order.",
        ),
        (None, "there is no base_stock."),
        (
            Solution(None),
            "stock: the plan has no stock: it is infeasible. plan.summary() and plan.impossible",
        ),
        (5, "stock: an object of type int is not a table."),
        ([{"part": 1}], "'part' is not a column of stock. Did you mean 'part_id'?"),
    ],
)
def test_wrong_sources_are_findings(network: ServiceNetwork, source: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_base_stock(network, source)
    assert message in str(caught.value)


def test_limits_are_dense(network: ServiceNetwork) -> None:
    rows = [
        {"part_id": "P1", "location_id": "F1", "minimum": 1, "maximum": 4, "on_hand": 2},
        {"part_id": "P2", "location_id": "DC", "fixed": 5, "reason": "contract", "on_order": 1},
    ]
    limits = read_limits(network, rows)
    inf = np.inf
    assert_array_equal(limits.minimum, [[0, 1, 0], [5, 0, 0]])
    assert_array_equal(limits.maximum, [[inf, 4, inf], [5, inf, inf]])
    assert limits.on_hand[0, 1] == 2
    assert limits.on_order[1, 0] == 1
    assert limits.reasons == {(1, 0): "contract"}


def test_no_stock_where_none_may_be(two_level_tables: Tables) -> None:
    tables = changed(two_level_tables, "locations", 1, stocks_parts=False)
    network = ServiceNetwork.from_tables(**tables)
    assert read_limits(network).maximum[:, 1].tolist() == [0.0, 0.0]
    row = {"part_id": "P1", "location_id": "F1", "fixed": 1}
    with pytest.raises(InputError, match="fixed 1 is asked for where the part may not be stocked"):
        read_limits(network, [row])
    assert read_limits(network, [row | {"fixed": 0}]).maximum[0, 1] == 0.0


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float64])
def test_an_array_is_taken_in_the_order_of_the_tables(network: ServiceNetwork, dtype: Any) -> None:
    given = np.array([[0, 2, 3], [1, 0, 0]], dtype=dtype)
    levels = read_base_stock(network, given)
    assert levels.dtype == np.int64
    assert_array_equal(levels, given)
    assert levels is not given


def test_an_array_of_another_shape_is_a_wrong_call(network: ServiceNetwork) -> None:
    with pytest.raises(ValueError, match=r"shape .* = \(2, 3\), got \(3, 2\)"):
        read_base_stock(network, np.zeros((3, 2)))
    with pytest.raises(ValueError, match="must hold numbers, got bool"):
        read_base_stock(network, np.zeros((2, 3), dtype=bool))


def test_levels_of_an_array_are_whole_and_not_negative(network: ServiceNetwork) -> None:
    with pytest.raises(InputError) as caught:
        read_base_stock(network, np.array([[0, -1, 0.5], [np.nan, np.inf, 4]]))
    assert [(f.column, f.value) for f in caught.value.findings[:2]] == [
        ("base_stock", -1.0),
        ("base_stock", 0.5),
    ]
    assert len(caught.value.findings) == 4
    assert "part 'P1' at location 'F1' is -1" in str(caught.value)


class Columns:
    """Anything that can give columns; they are lighter than its records."""

    def to_columns(self) -> dict[str, list[Any]]:
        return {name: [value] for name, value in ROW.items()}

    def to_records(self) -> list[dict[str, Any]]:
        raise AssertionError("columns are to be taken")


def test_columns_are_taken_before_records(network: ServiceNetwork) -> None:
    assert_array_equal(read_base_stock(network, Columns()), [[0, 0, 3], [0, 0, 0]])


def test_limits_that_nobody_gave_take_no_memory(network: ServiceNetwork) -> None:
    limits = read_limits(network, [ROW])
    for array in (limits.minimum, limits.maximum, limits.on_hand, limits.on_order):
        assert array.shape == (2, 3)
        assert array.strides == (0, 0)
    assert limits.minimum.dtype == np.int64
