"""Tables mixed over few factors of an uncertain rate, against many."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from partsplan.evaluation.supply import SupplyTree
from partsplan.evaluation.uncertainty import rate_nodes
from partsplan.optimization import building
from partsplan.optimization import rate_factors as rule
from partsplan.optimization.building import build_tables
from partsplan.optimization.clock import Clock
from partsplan.optimization.grids import Grids
from partsplan.optimization.tables import Family, Weighed

TWO_LEVELS = [-1, 0, 0, 0]
THREE_LEVELS = [-1, 0, 1, 1, 0]


def fast_mover(parents, per_day, days, shape):
    none = np.zeros((1, len(parents)))
    return SupplyTree(
        np.array(parents),
        np.array([per_day]),
        np.array([days]),
        none,
        none,
        np.array([shape]),
    )


def all_figures(family: Family):
    yield family.leaves.figures
    for branch in family.branches:
        yield branch.figures
        yield from all_figures(branch.family)


def tables_of(tree, grids, windows):
    return build_tables("exact", tree, grids, Weighed(windows, True, True), Clock(None))


def lists_of_two_levels(centre, fsl):
    leaves = {-1: np.zeros((1, 0, 1), dtype=np.int64), 0: np.array([fsl] * 3)[None]}
    return Grids({0: np.array([centre])}, leaves, {-1: (), 0: (1, 2, 3)}, True)


def lists_of_three_levels(centre, middle, fsl):
    leaves = {
        -1: np.zeros((1, 0, 1), dtype=np.int64),
        0: np.array([[fsl]]),
        1: np.array([[fsl, fsl]]),
    }
    branch = {0: np.array([centre]), 1: np.array([middle])}
    return Grids(branch, leaves, {-1: (), 0: (4,), 1: (2, 3)}, True)


CASES = {
    "two levels": (
        fast_mover(TWO_LEVELS, [0.0, 2.0, 0.4, 1e-3], [60.0, 2.0, 3.0, 1.0], 1.0),
        lists_of_two_levels([0, 60, 130, 260], [0, 3, 15, 40]),
    ),
    "two levels, most uncertain": (
        fast_mover(TWO_LEVELS, [1.0, 2.0, 0.4, 0.01], [40.0, 2.0, 3.0, 8.0], 0.5),
        lists_of_two_levels([0, 20, 120, 200], [0, 2, 20]),
    ),
    "three levels": (
        fast_mover(THREE_LEVELS, [0.1, 0.2, 1.0, 0.02, 1.0], [60.0, 10.0, 2.0, 1.0, 3.0], 1.0),
        lists_of_three_levels([0, 50, 150], [0, 10, 40], [0, 3, 15]),
    ),
}


@pytest.mark.parametrize("windows", [(), ((0, 30.0), (1, 12.5), (2, 1.5))])
@pytest.mark.parametrize("case", CASES)
def test_fewer_factors_give_the_same_tables(case, windows, monkeypatch):
    tree, grids = CASES[case]
    nobody = np.zeros(0, dtype=np.int64)
    monkeypatch.setattr(building, "closed_parts", lambda *_: (nobody, nobody))
    few = len(rule.rate_factors(tree, grids, windows)[0])
    mine = tables_of(tree, grids, windows)
    monkeypatch.setattr(rule, "_WORTH_THINNING", np.inf)
    assert few < 0.8 * len(rule.rate_factors(tree, grids, windows)[0])
    monkeypatch.setattr(
        rule,
        "rate_nodes",
        lambda shape, mean, stock, **_: rate_nodes(
            shape, mean, 0.0, least_share=1e-25, refine=2, digits=34.0
        ),
    )
    finer = tables_of(tree, grids, windows)
    for one, other in zip(all_figures(mine), all_figures(finer), strict=True):
        for window, late in one.late.items():
            assert_allclose(late, other.late[window], rtol=1e-9, atol=1e-12)
        assert_allclose(one.backorders, other.backorders, rtol=1e-9, atol=1e-12)
        assert_allclose(one.stockout, other.stockout, rtol=1e-9, atol=1e-12)


def test_seldom_late_units_come_from_factors_that_are_kept():
    """Without a least share, factors go on as far as they would for a pipeline of hardly a unit."""
    for shape, mean, stock in ((1.0, 100.0, 155.0), (0.5, 2500.0, 3755.0), (8.0, 100.0, 155.0)):
        nodes, weights = rate_nodes(shape, mean, stock, least_share=1e-9)
        all_nodes, all_weights = rate_nodes(shape, mean, stock)
        assert len(nodes) < 0.8 * len(all_nodes)
        beyond = all_nodes > nodes[-1]
        assert (all_weights * all_nodes**2)[beyond].sum() < 1e-9 * 1e-11
        assert_allclose(weights @ nodes, 1.0, rtol=1e-11)
