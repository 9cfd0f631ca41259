"""Published examples: every figure by the kernels, every optimum by brute force over them."""

from itertools import pairwise, product

import cases_five_bases as five
import cases_kettelle as kettelle
import numpy as np
import pytest
from numpy.testing import assert_allclose
from supply_trees import two_levels

from partsplan.evaluation import poisson
from partsplan.evaluation.exact import exact_figures
from partsplan.evaluation.moments import metric_figures, vari_metric_figures

METHODS = {"metric": metric_figures, "vari_metric": vari_metric_figures, "exact": exact_figures}
BUDGET = 3000.0


def five_bases(n_rows):
    """The same part once per row of a stock table."""
    one = two_levels(
        [five.DEMAND_PER_YEAR / 365.0] * five.BASES,
        [five.ORDER_SHIP_TIME_YR * 365.0] * five.BASES,
        five.DEPOT_REPAIR_TIME_YR * 365.0,
        [five.BASE_REPAIR_FRACTION] * five.BASES,
        [five.BASE_REPAIR_TIME_YR * 365.0] * five.BASES,
    )
    arrays = ("own_rate", "transit_days", "repair_fraction", "repair_days", "rate_shape")
    rows = {name: np.repeat(getattr(one, name), n_rows, axis=0) for name in arrays}
    return type(one)(one.parents, **rows)


def total_backorders(method, stocks):
    figures = METHODS[method](five_bases(len(stocks)), np.array(stocks))
    return figures.expected_backorders[:, 1:].sum(axis=1)


def test_five_bases_inputs_agree():
    tree = five_bases(1)
    assert_allclose(tree.rate[0, 0] * 365.0, five.DEPOT_DEMAND, rtol=1e-12)
    assert_allclose(tree.pipeline()[0, 0], five.DEPOT_PIPELINE, rtol=1e-12)


@pytest.mark.parametrize("column", [2, 3, 4], ids=list(METHODS))
def test_five_bases_evaluations(column):
    stocks = [[row[0], *row[1]] for row in five.EVALUATIONS]
    expected = [row[column] for row in five.EVALUATIONS]
    values = total_backorders(list(METHODS)[column - 2], stocks)
    assert_allclose(values, expected, rtol=five.TOLERANCE)


@pytest.mark.parametrize("column", [1, 2, 3], ids=list(METHODS))
def test_five_bases_optima_by_brute_force(column):
    """Bases are alike, so only falling base stocks need be tried."""
    method = list(METHODS)[column - 1]
    for row in five.OPTIMA:
        total, (ebo, depot, bases) = row[0], row[column]
        stocks = [
            [total - sum(base), *base]
            for base in product(range(total + 1), repeat=five.BASES)
            if sum(base) <= total and all(x >= y for x, y in pairwise(base))
        ]
        values = total_backorders(method, stocks)
        assert_allclose(values.min(), ebo, rtol=five.TOLERANCE)
        assert_allclose(total_backorders(method, [[depot, *bases]])[0], ebo, rtol=five.TOLERANCE)


def unit_tables():
    """Per unit and stock: cost, fill-rate numerator and EBO, up to what the budget buys."""
    for rate, days, cost in kettelle.UNITS:
        stock = np.arange(int(BUDGET // cost) + 1)
        yield (
            stock * cost,
            rate * poisson.fill_rate(stock, rate * days),
            poisson.expected_backorders(stock, rate * days),
        )


def frontier(sign, measure):
    """Undominated (cost, value) pairs within the budget, over all stock vectors."""
    grids = [
        np.add.reduce(np.meshgrid(*column, indexing="ij"))
        for column in ([unit[i] for unit in unit_tables()] for i in (0, measure))
    ]
    cost, value = (grid.ravel() for grid in grids)
    cost, value = cost[cost <= BUDGET], value[cost <= BUDGET]
    order = np.lexsort((-sign * value, cost))
    best, pairs = -np.inf, []
    for position in order:
        if sign * value[position] > best + 1e-13:
            best = sign * value[position]
            pairs.append((cost[position], value[position]))
    return np.array(pairs)


@pytest.mark.parametrize(
    ("allocations", "measure"),
    [
        (kettelle.FILL_UNDOMINATED, 1),
        (kettelle.FILL_GREEDY, 1),
        (kettelle.BACKORDERS_UNDOMINATED, 2),
        (kettelle.BACKORDERS_GREEDY, 2),
    ],
)
def test_kettelle_allocations(allocations, measure):
    tables = list(unit_tables())
    for stock, cost, value in allocations:
        costs = [table[0][s] for table, s in zip(tables, stock, strict=True)]
        values = [table[measure][s] for table, s in zip(tables, stock, strict=True)]
        assert_allclose(sum(costs), cost, rtol=1e-12)
        assert_allclose(sum(values), value, rtol=kettelle.TOLERANCE)


@pytest.mark.parametrize(
    ("undominated", "sign", "measure"),
    [(kettelle.FILL_UNDOMINATED, 1.0, 1), (kettelle.BACKORDERS_UNDOMINATED, -1.0, 2)],
)
def test_kettelle_frontier_by_brute_force(undominated, sign, measure):
    expected = np.array([[cost, value] for _, cost, value in undominated])
    assert_allclose(frontier(sign, measure), expected, rtol=kettelle.TOLERANCE)
