"""Erlang's loss: reference values, brute force of the chain with orders that wait, errors."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from cases_expedited import ERLANG, KRANENBURG
from hypothesis import given, settings
from hypothesis import strategies as st

from partsplan.evaluation import erlang_loss, full_pooling
from partsplan.evaluation.erlang import shelf_figures


@pytest.mark.parametrize(("load", "stock", "emergency", "on_hand"), ERLANG)
def test_reference_values(load: float, stock: int, emergency: float, on_hand: float) -> None:
    assert float(erlang_loss(stock, load)) == pytest.approx(emergency, rel=1e-12)
    loss, units = full_pooling(stock, load)
    assert loss == pytest.approx(emergency, rel=1e-12)
    assert units == pytest.approx(on_hand, abs=1e-11 * max(load, 1.0))


def test_far_tails_are_right_relative_to_themselves() -> None:
    exact = 0.5**60 / math.factorial(60) / sum(0.5**n / math.factorial(n) for n in range(61))
    assert float(erlang_loss(60, 0.5)) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(("name", "inputs", "published"), KRANENBURG)
def test_kranenburg_table(name: str, inputs: dict, published: tuple) -> None:
    """Separate stock points and full pooling of J locations, the stock randomized (table 5.2)."""
    demand, places, days = inputs["m"], int(inputs["J"]), inputs["treg"]
    r1, c1, r3, c3, ratio = published

    def least(figures: list[tuple[float, float]], scale: int) -> tuple[float, float]:
        """Least cost of two neighboring stocks mixed such that the mean wait is kept."""
        best = (math.inf, math.inf)
        for low, ((wait, cost), (wait_up, cost_up)) in enumerate(itertools.pairwise(figures)):
            share = (wait - inputs["WT"]) / (wait - wait_up)
            if 0.0 <= share <= 1.0:
                mixed = cost + share * (cost_up - cost)
                best = min(best, (mixed, scale * (low + share)))
        return best

    alone = []
    for stock in (0, 1):
        loss = float(erlang_loss(stock, demand * days))
        alone.append(
            (
                loss * inputs["tem"],
                inputs["Ch"] * stock * places + places * demand * inputs["Cem"] * loss,
            )
        )
    pooled = []
    for stock in range(places + 1):
        loss, on_hand = full_pooling(stock, places * demand * days)
        lateral = 1.0 - loss - on_hand / places
        cost = inputs["Cem"] * loss + inputs["Clat"] * lateral
        pooled.append(
            (
                loss * inputs["tem"] + lateral * inputs["tlat"],
                inputs["Ch"] * stock + places * demand * cost,
            )
        )
    cost_alone, stock_alone = least(alone, places)
    cost_pooled, stock_pooled = least(pooled, 1)
    digits = 0.0051 if cost_alone < 900 else 0.51
    assert stock_alone == pytest.approx(r1, abs=0.0051)
    assert stock_pooled == pytest.approx(r3, abs=0.0051)
    assert cost_alone == pytest.approx(c1, abs=digits)
    assert cost_pooled == pytest.approx(c3, abs=digits)
    assert cost_alone / cost_pooled == pytest.approx(ratio, abs=0.0051), name


@settings(max_examples=30, deadline=None)
@given(
    stock=st.integers(0, 12),
    customers=st.floats(0.0, 15.0),
    orders=st.floats(0.0, 15.0),
)
def test_shelf_with_waiting_orders_is_a_birth_death_chain(
    stock: int, customers: float, orders: float
) -> None:
    law = [1.0]
    for n in range(1, 400):
        law.append(law[-1] * (customers * (n <= stock) + orders) / n)
    law_array = np.array(law) / math.fsum(law)
    units = np.arange(400)
    found = shelf_figures(np.array([stock]), np.array([customers]), np.array([orders]))
    assert found.short[0] == pytest.approx(law_array[stock:].sum(), rel=1e-9, abs=1e-250)
    late = (np.maximum(units - stock, 0) * law_array).sum()
    assert found.late[0] == pytest.approx(late, rel=1e-9, abs=1e-250)
    assert found.unready[0] == pytest.approx(law_array[stock + 1 :].sum(), rel=1e-9, abs=1e-250)


def test_shelf_under_heavy_load() -> None:
    found = shelf_figures(
        np.array([0, 5, 120]), np.array([100.0, 3.0, 0.0]), np.array([900.0, 2000.0, 1e-3])
    )
    assert found.short.tolist() == pytest.approx([1.0, 1.0, 0.0])
    assert found.late.tolist() == pytest.approx([900.0, 1995.0, 0.0])


@pytest.mark.parametrize(
    ("stock", "load", "message"),
    [
        (-1, 1.0, "stock must be integers of at least 0"),
        (0.5, 1.0, "stock must be integers of at least 0"),
        (1, -1.0, "load must be finite and at least 0"),
        (1, math.nan, "load must be finite and at least 0"),
    ],
)
def test_arguments_out_of_range(stock: float, load: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        erlang_loss(stock, load)
