"""Large groups that pool fully: Erlang's total, and figures that are shares, whatever the loads."""

from __future__ import annotations

import numpy as np
import pytest

from partsplan.evaluation import erlang_loss
from partsplan.evaluation.damped_pooling import enter_full_pooling
from partsplan.evaluation.overflow import SourceTree, overflow
from partsplan.evaluation.supply import SupplyTree

N_GROUPS = 6


def tree_of(orders: np.ndarray) -> tuple[SourceTree, np.ndarray]:
    """Every order as a branch of its own, and the nodes of each."""
    n_orders, n = orders.shape
    node = np.arange(n_orders * n).reshape(n_orders, n)
    above = np.where(np.arange(n) > 0, node - 1, -1)
    return SourceTree(orders.ravel(), above.ravel()), node


@pytest.mark.parametrize("seed", range(8))
def test_total_is_erlangs_and_figures_are_shares(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, n_orders = int(rng.integers(2, 6)), int(rng.integers(1, 6))
    sources, node = tree_of(np.array([rng.permutation(n) for _ in range(n_orders)]))
    demand = rng.exponential(size=(N_GROUPS, n_orders)) * 10 ** rng.uniform(-2, 1, (N_GROUPS, 1))
    rate = demand[:, np.repeat(np.arange(n_orders), n)]
    stock = rng.integers(0, 5, (N_GROUPS, n))
    stock[:, 0] += 1
    days = np.full((N_GROUPS, n), 6.0)
    none = np.zeros_like(days)
    tree = SupplyTree(np.full(n, -1), none, days, none, none, np.full(N_GROUPS, np.inf))
    found = overflow(sources, rate, tree, stock)
    enter_full_pooling(sources, rate, stock, found, np.arange(N_GROUPS))
    lost = erlang_loss(stock.sum(axis=1), 6.0 * demand.sum(axis=1))
    assert found.missed[:, node[:, -1]] == pytest.approx(np.tile(lost, (n_orders, 1)).T, abs=1e-9)
    met = (1.0 - lost) * demand.sum(axis=1)
    assert found.shipped.sum(axis=1) == pytest.approx(met, rel=1e-9)
    assert (found.shipped >= 0).all()
    for figure in (found.missed, found.short):
        assert (figure >= 0).all()
        assert (figure <= 1).all()
    assert (np.diff(found.missed[:, node], axis=2) <= 1e-12).all()
