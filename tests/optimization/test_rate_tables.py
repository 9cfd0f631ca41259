"""Tables of uncertain rates in closed form: against a quadrature, and where they are used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from partsplan.evaluation.supply import SupplyTree
from partsplan.evaluation.uncertainty import rate_nodes
from partsplan.optimization import building, conditional_rates, rate_factors
from partsplan.optimization.building import build_tables
from partsplan.optimization.clock import Clock
from partsplan.optimization.grids import Grids
from partsplan.optimization.rate_tabulation import closed_parts
from partsplan.optimization.tables import Weighed

PARENTS = np.array([-1, 0, 0, 0, -1])
"""A centre with three FSLs, one of which never orders, and a location on its own."""


def block(shape, per_day=0.3, n_parts=5):
    """Parts from slow to fast, the last one hundred times as fast as the first."""
    speed = np.geomspace(0.1, 10.0, n_parts)[:, None] * per_day
    size = (n_parts, len(PARENTS))
    return SupplyTree(
        parents=PARENTS,
        own_rate=speed * np.array([[0.2, 1.0, 0.05, 0.0, 0.4]]),
        transit_days=np.tile([12.0, 2.0, 5.0, 3.0, 9.0], (n_parts, 1)),
        repair_fraction=np.tile([0.0, 0.3, 0.0, 0.0, 0.0], (n_parts, 1)),
        repair_days=np.full(size, 4.0),
        rate_shape=np.full(n_parts, shape),
    )


def lists(n_parts=5, centre=(0, 1, 3, 8, 40, 4000), fsl=(0, 1, 2, 5, 14)):
    leaves = {
        -1: np.tile(np.array([[fsl]]), (n_parts, 1, 1)),
        0: np.tile(np.array([[fsl] * 3]), (n_parts, 1, 1)),
    }
    branch = {0: np.tile(np.array(centre), (n_parts, 1))}
    return Grids(branch, leaves, {-1: (4,), 0: (1, 2, 3)}, True)


def tables_of(tree, grids, weighed):
    return build_tables("exact", tree, grids, weighed, Clock(None))


@pytest.fixture
def by_quadrature(monkeypatch):
    def switch():
        nobody = np.zeros(0, dtype=np.int64)
        monkeypatch.setattr(building, "closed_parts", lambda *_: (nobody, nobody))
        monkeypatch.setattr(rate_factors, "_WORTH_THINNING", np.inf)
        monkeypatch.setattr(
            rate_factors,
            "rate_nodes",
            lambda shape, mean, stock, **_: rate_nodes(
                shape, mean, stock, least_share=1e-25, refine=2, digits=34.0
            ),
        )

    return switch


WINDOWS = ((0, 5.0), (1, 1.0), (1, 13.0), (2, 4.0), (3, 0.0), (4, 2.0))


@pytest.mark.parametrize("shape", [0.6, 3.0, 80.0])
@pytest.mark.parametrize(
    "weighed",
    [
        Weighed(WINDOWS, has_stockout=True, has_waits=True),
        Weighed((), has_stockout=True, has_waits=False),
        Weighed((), has_stockout=False, has_waits=True),
    ],
)
def test_tables_are_those_of_a_quadrature(shape, weighed, by_quadrature):
    tree, grids = block(shape), lists()
    assert len(closed_parts(tree, grids)[0]) >= 4
    mine = tables_of(tree, grids, weighed)
    by_quadrature()
    finer = tables_of(tree, grids, weighed)
    for one, other in (
        (mine.leaves.figures, finer.leaves.figures),
        (mine.branches[0].figures, finer.branches[0].figures),
        (mine.branches[0].family.leaves.figures, finer.branches[0].family.leaves.figures),
    ):
        assert_allclose(one.backorders, other.backorders, rtol=1e-9, atol=1e-14)
        assert (one.stockout is None) == (other.stockout is None)
        if other.stockout is not None:
            assert_allclose(one.stockout, other.stockout, rtol=1e-9, atol=1e-14)
        assert one.late.keys() == other.late.keys()
        for window, late in other.late.items():
            assert_allclose(one.late[window], late, rtol=1e-9, atol=1e-14)


def test_small_figures_are_right_relative_to_themselves(by_quadrature):
    weighed = Weighed((), has_stockout=True, has_waits=True)
    tree, grids = block(2.0), lists(centre=(6, 20, 60), fsl=(2, 9, 20))
    mine = tables_of(tree, grids, weighed).branches[0].family.leaves.figures
    by_quadrature()
    finer = tables_of(tree, grids, weighed).branches[0].family.leaves.figures
    matters = finer.backorders > 1e-15
    assert (matters & (finer.backorders < 1e-12)).any()
    assert_allclose(mine.backorders[matters], finer.backorders[matters], rtol=1e-6)


@pytest.mark.parametrize(("most", "together"), [(1, [[0], [2], [1]]), (10**7, [[0, 2], [1]])])
def test_locations_whose_stocks_are_unlike(most, together, by_quadrature, monkeypatch):
    monkeypatch.setattr(conditional_rates, "MOST_FIGURES", most)
    tree, grids = block(2.0), lists()
    fsl = np.array([[0, 1, 2, 3, 4], [0, 25, 60, 100, 150], [0, 1, 5, 9, 12]])
    leaves = {**grids.leaves, 0: np.tile(fsl, (5, 1, 1))}
    grids = replace(grids, leaves=leaves)
    found = conditional_rates._places_alike(leaves[0], 5000)
    assert [some.tolist() for some in found] == together  # with 4 go 16 and fewer
    weighed = Weighed(WINDOWS, has_stockout=True, has_waits=True)
    mine = tables_of(tree, grids, weighed).branches[0].family.leaves.figures
    by_quadrature()
    finer = tables_of(tree, grids, weighed).branches[0].family.leaves.figures
    assert_allclose(mine.backorders, finer.backorders, rtol=1e-9, atol=1e-13)
    assert_allclose(mine.stockout, finer.stockout, rtol=1e-9, atol=1e-13)
    for window, late in mine.late.items():
        assert_allclose(late, finer.late[window], rtol=1e-9, atol=1e-13)


def test_parts_of_all_kinds_in_one_block(by_quadrature):
    """Known rates, uncertain ones in closed form, and a fast mover by quadrature."""
    weighed = Weighed(WINDOWS, has_stockout=True, has_waits=True)
    tree = block(3.0)
    tree = replace(
        tree,
        rate_shape=np.array([np.inf, 3.0, 0.5, 9.0, 0.5]),
        own_rate=tree.own_rate * np.array([1.0, 1.0, 1.0, 1.0, 4.0])[:, None],
    )
    grids = lists(centre=(0, 3, 40, 120))
    closed, counts = closed_parts(tree, grids)
    assert closed.tolist() == [1, 2, 3]
    assert (counts > tree.pipeline()[closed].max(axis=1)).all()
    mine = tables_of(tree, grids, weighed).branches[0].family.leaves.figures
    by_quadrature()
    finer = tables_of(tree, grids, weighed).branches[0].family.leaves.figures
    assert_allclose(mine.backorders, finer.backorders, rtol=1e-9, atol=1e-12)
    assert_allclose(mine.stockout, finer.stockout, rtol=1e-9, atol=1e-12)


def test_where_no_closed_form_is_used():
    tree, grids = block(3.0), lists()
    deeper = replace(tree, parents=np.array([-1, 0, 1, 0, -1]))
    assert len(closed_parts(deeper, grids)[0]) == 0
    in_lots = replace(tree, lots=np.where(PARENTS < 0, 4, 1)[None])
    assert len(closed_parts(in_lots, grids)[0]) == 0
    clustered = replace(tree, variance_to_mean=np.full((1, 5), 2.0))
    assert len(closed_parts(clustered, grids)[0]) == 0
    many = replace(tree, own_rate=tree.own_rate * 300.0)
    assert len(closed_parts(many, grids)[0]) < 5
    # what underflows with none at the centre would grow back with hundreds there
    assert len(closed_parts(block(3.0, 2.0), lists(fsl=(0, 2, 900)))[0]) < 5
    # figures of one location at all counts would fill the memory
    assert len(closed_parts(block(900.0), lists(fsl=(0, 2, 10**6)))[0]) == 0
