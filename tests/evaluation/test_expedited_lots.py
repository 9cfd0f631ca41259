"""Lots at the top where shortages are expedited: the waiting law, the simulation and plans."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from expedited_networks import pooled_demand, pooled_network

import partsplan as pp


def in_lots(network: pp.ServiceNetwork, lot: int) -> pp.ServiceNetwork:
    return network.replace(parts=[network.parts.to_records()[0] | {"order_quantity": lot}])


def stock_of(levels: list[int]) -> dict[tuple[str, str], int]:
    return {("P", f"L{j}"): units for j, units in enumerate(levels)}


@pytest.mark.parametrize(("held", "lot"), [(4, 3), (9, 4), (2, 5)])
def test_orders_that_wait_see_the_lots_of_a_waiting_network(held: int, lot: int) -> None:
    """FSLs that never run out: their centre is that of the waiting rules, which are exact there."""
    network = in_lots(pooled_network([20.0, 1.0, 2.0], [[1], [2]], parents=[-1, 0, 0]), lot)
    demand = pooled_demand(network, [0.1, 0.15])
    stock = stock_of([held, 60, 60])
    expedited = pp.evaluate(network, demand, stock)
    waiting = pp.evaluate(network.replace(shortages="wait"), demand, stock)
    for name in ("expected_backorders", "ready_rate", "fill_rate", "on_hand"):
        mine, theirs = getattr(expedited, name)[0, 0], getattr(waiting, name)[0, 0]
        assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-12)
    assert not expedited.is_exact


def test_one_lot_of_one_unit_is_no_lot() -> None:
    network = pooled_network([10.0], [[0]])
    demand = pooled_demand(network, [0.1])
    for lot, held in ((1, 3), (7, 1)):
        found: Any = pp.evaluate(in_lots(network, lot), demand, stock_of([held]))
        plain: Any = pp.evaluate(network, demand, stock_of([held]))
        assert found.emergency_share == plain.emergency_share
        assert found.is_exact


CASES: list[tuple[list[float], list[list[int]], list[int], list[float], list[int], int, float]] = [
    ([10.0], [[0]], [-1], [0.1], [6], 3, 0.004),
    ([10.0], [[0]], [-1], [0.25], [10], 5, 0.006),
    ([20.0, 2.0, 3.0], [[1], [2]], [-1, 0, 0], [0.1, 0.15], [10, 2, 2], 5, 0.008),
    ([20.0, 2.0, 3.0], [[1, 2, 0], [2, 0]], [-1, 0, 0], [0.03, 0.04], [6, 1, 1], 3, 0.012),
]


@pytest.mark.parametrize(("days", "orders", "parents", "rates", "stock", "lot", "error"), CASES)
def test_lots_against_the_simulation(
    days: list[float],
    orders: list[list[int]],
    parents: list[int],
    rates: list[float],
    stock: list[int],
    lot: int,
    error: float,
) -> None:
    network = in_lots(pooled_network(days, orders, parents=parents), lot)
    demand = pooled_demand(network, rates)
    found: Any = pp.evaluate(network, demand, stock_of(stock))
    seen: Any = pp.simulate(network, demand, stock_of(stock), years=50, replications=30, rng=4)
    mine = {(row["location"], row["source"]): row["share"] for row in found.sources("location")}
    for row in seen.sources():
        share = mine.get((row["location_id"], row["source"]), 0.0)
        assert row["lower"] - error < share < row["upper"] + error
    assert found.on_hand == pytest.approx(seen.on_hand, abs=0.1)


def test_simulated_order_of_all_stock_at_once() -> None:
    """Lot and stock of 5, a load of 1: one order outstanding at most, so 1 / (5 + 1) is lost."""
    network = in_lots(pooled_network([10.0], [[0]]), 5)
    seen: Any = pp.simulate(
        network,
        pooled_demand(network, [0.1]),
        stock_of([5]),
        years=100,
        replications=40,
        rng=2,
        confidence=0.999,
    )
    lost = next(row for row in seen.sources() if row["source"] == "outside")
    assert lost["lower"] <= 1 / 6 <= lost["upper"]
    shelf = seen.interval("on_hand")
    assert shelf.lower[0, 0] <= 15 / 6 <= shelf.upper[0, 0]


def test_economic_lots_are_used() -> None:
    network = pooled_network([10.0], [[0]])
    part = network.parts.to_records()[0]
    part.pop("order_quantity", None)
    network = network.replace(parts=[part | {"order_cost": 20.0}])
    demand = pooled_demand(network, [0.1])
    lot = 9  # the smallest Q with Q (Q + 1) at least 2 x 20 x 36.5 / 20 = 73
    found: Any = pp.evaluate(network, demand, stock_of([12]))
    given: Any = pp.evaluate(in_lots(network, lot), demand, stock_of([12]))
    assert found.emergency_share == given.emergency_share
    assert np.array_equal(found.on_hand, given.on_hand)
