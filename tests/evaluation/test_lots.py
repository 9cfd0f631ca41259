"""Lots at the top: brute force over the inventory position, cost tables, children below a root."""

from __future__ import annotations

import math

import numpy as np
import pytest

from partsplan.evaluation import exact_figures
from partsplan.evaluation.lots import economic_lot, lot_figures
from partsplan.evaluation.supply import SupplyTree


def tree_of(own: list[float], days: list[float], parents: list[int], shape: float = math.inf):
    n = len(own)
    return SupplyTree(
        parents=np.array(parents),
        own_rate=np.array([own]),
        transit_days=np.array([days]),
        repair_fraction=np.zeros((1, n)),
        repair_days=np.zeros((1, n)),
        rate_shape=np.array([shape]),
    )


def poisson(mean: float, count: int) -> float:
    return math.exp(-mean + count * math.log(mean) - math.lgamma(count + 1))


@pytest.mark.parametrize("lot", [1, 2, 5, 9])
@pytest.mark.parametrize("shape", [math.inf, 1.5])
def test_one_location_by_brute_force(lot: int, shape: float) -> None:
    """Poisson or negative binomial demand over the resupply time, position uniform on R+1..R+Q."""
    mean, top = 2.4, 9
    found = lot_figures(tree_of([0.2], [12.0], [-1], shape), np.array([[top]]), np.array([[lot]]))

    def law(count: int, more: float = 0.0) -> float:
        if math.isinf(shape):
            return poisson(mean, count)
        a = shape + more
        chance = shape / (shape + mean)
        log = math.lgamma(a + count) - math.lgamma(a) - math.lgamma(count + 1)
        return math.exp(log + a * math.log(chance) + count * math.log(1 - chance))

    late = held = filled = 0.0
    for position in range(top - lot + 1, top + 1):
        for count in range(400):
            late += law(count) * max(count - position, 0) / lot
            held += law(count) * max(position - count, 0) / lot
            filled += law(count, 1.0) * (count < position) / lot  # by demand: size-biased
    assert found.expected_backorders[0, 0] == pytest.approx(late, rel=1e-9)
    assert found.on_hand[0, 0] == pytest.approx(held, rel=1e-9)
    assert found.fill_rate[0, 0] == pytest.approx(filled, rel=1e-9)


def test_cost_table_by_brute_force() -> None:
    """Yearly cost of orders, stock and late units for all R and Q, and where it is least."""
    order_cost, holding, late_cost, per_day, days = 40.0, 12.0, 900.0, 0.15, 20.0
    table, brute = {}, {}
    tree = tree_of([per_day], [days], [-1])
    for lot in range(1, 16):
        for reorder in range(8):
            found = lot_figures(tree, np.array([[reorder + lot]]), np.array([[lot]]))
            yearly = order_cost * 365 * per_day / lot
            table[reorder, lot] = yearly + float(
                holding * found.on_hand[0, 0] + late_cost * found.expected_backorders[0, 0]
            )
            inside = sum(
                poisson(per_day * days, x) * (holding * max(y - x, 0) + late_cost * max(x - y, 0))
                for y in range(reorder + 1, reorder + lot + 1)
                for x in range(80)
            )
            brute[reorder, lot] = yearly + inside / lot
    assert table == pytest.approx(brute, rel=1e-9)
    assert min(table, key=table.__getitem__) == min(brute, key=brute.__getitem__)


def test_children_of_a_root_that_orders_in_lots() -> None:
    """Child law by hand: late units of the mixed root, thinned, plus the child's own pipeline."""
    tree = tree_of([0.0, 0.06, 0.04], [25.0, 3.0, 5.0], [-1, 0, 0])
    top, lot, levels = 5, 3, (1, 2)
    stock = np.array([[top, *levels]])
    found = lot_figures(tree, stock, np.array([[lot, 1, 1]]))
    late_law: dict[int, float] = {}
    for position in range(top - lot + 1, top + 1):
        for count in range(80):
            late = max(count - position, 0)
            late_law[late] = late_law.get(late, 0.0) + poisson(2.5, count) / lot
    for child, (share, mean) in enumerate(((0.6, 0.18), (0.4, 0.2))):
        expected = 0.0
        for late, chance in late_law.items():
            for mine in range(late + 1):
                binomial = math.comb(late, mine) * share**mine * (1 - share) ** (late - mine)
                for own in range(25):
                    short = max(mine + own - levels[child], 0)
                    expected += chance * binomial * poisson(mean, own) * short
        assert found.expected_backorders[0, 1 + child] == pytest.approx(expected, rel=1e-9)


def test_lots_of_one_change_nothing() -> None:
    tree = tree_of([0.0, 0.06, 0.04], [25.0, 3.0, 5.0], [-1, 0, 0], shape=2.0)
    stock = np.array([[4, 1, 2]])
    one, plain = lot_figures(tree, stock, np.ones_like(stock)), exact_figures(tree, stock)
    for name in ("expected_backorders", "backorder_variance", "fill_rate", "pipeline_variance"):
        assert getattr(one, name) == pytest.approx(getattr(plain, name), rel=1e-12)


def test_lots_are_no_larger_than_the_stock() -> None:
    tree = tree_of([0.1], [10.0], [-1])
    small = lot_figures(tree, np.array([[2]]), np.array([[50]]))
    assert small.fill_rate[0, 0] == pytest.approx((3 * math.exp(-1)) / 2)
    with pytest.raises(ValueError, match="lots must be whole numbers of at least 1"):
        lot_figures(tree, np.array([[2]]), np.array([[0]]))


def test_economic_lot_is_the_best_whole_number() -> None:
    for ratio in (0.0, 1.0, 1.9, 2.1, 5.9, 6.1, 250.0):
        best = min(range(1, 60), key=lambda q: ratio / 2 / q + (q + 1) / 2)
        assert int(economic_lot(ratio / 2, 1.0, 1.0)) == best
    with pytest.raises(ValueError, match="holding_cost above 0"):
        economic_lot(1.0, 1.0, 0.0)
