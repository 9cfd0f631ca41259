r"""Which stocks are listed at first: those that plans usually hold, as far as prices ask for any.

A location with children needs no stock S whose holding alone, with endless stock's penalties, is
more than the best: as a unit late there costs at most what it costs all who may wait for it,
:math:`S h \le \min_s [s h + p\, EBO(s)]`. Shorter lists would be made longer at once.
"""

from __future__ import annotations

import numpy as np

from partsplan.evaluation.supply import SupplyTree
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.block_problem import StockBounds
from partsplan.optimization.grids import Grids, merged, reach, worst_pipelines
from partsplan.optimization.poisson_tables import poisson_tables
from partsplan.optimization.tables import OUTSIDE

_BRANCH_QUANTILES = (-2.0, -1.0, -0.3, 0.4, 1.2, 2.2)
_LEAF_QUANTILES = (0.0, 1.0, 2.0, 3.0, 4.5)
_FEW = 6
"""Stocks up to which a list has all."""
_LARGEST_WORTH = 1e9


def first_lists(tree: SupplyTree, limits: StockBounds, worth: Floats, *, has_gaps: bool) -> Grids:
    """Lists of stocks to begin with, the lowest allowed one always first.

    Parameters
    ----------
    tree
        The block.
    limits
        Fewest and most units to be looked at.
    worth
        Shape (n_parts, n_locations): what a unit late at a location may cost, there and at those
        below it, over what it costs to hold one there.
    has_gaps
        Whether locations with children may have gaps; without, they have all stocks that may be
        of use.
    """
    lowest, highest = limits
    mean, spread = _mean_and_spread(tree)
    members: dict[int, list[int]] = {OUTSIDE: []}
    branch: dict[int, Integers] = {}
    for location in range(tree.n_locations):
        if not tree.children[location]:
            members.setdefault(int(tree.parents[location]), []).append(location)
            continue
        members.setdefault(location, [])
        first = lowest[:, [location]]
        likely = _likely(mean[:, location], spread[:, location], _BRANCH_QUANTILES)
        busy = (mean + spread - np.sqrt(mean))[:, location]
        last = np.maximum(furthest_of_use(busy, worth[:, location])[:, None], first + 1)
        some = np.concatenate([first + 1, np.maximum(likely, first), last], axis=1)
        found = _counted(first, last) if not has_gaps else _few(first, some, last)
        branch[location] = _within(found, highest[:, location])
    leaves = {}
    for parent, own in members.items():
        first = lowest[:, own, None]
        likely = _likely(mean[:, own], spread[:, own], _LEAF_QUANTILES)
        some = merged(first + np.arange(3), np.maximum(likely, first))
        leaves[parent] = _within(some, highest[:, own])
    return Grids(branch, leaves, {at: tuple(own) for at, own in members.items()}, has_gaps)


def _within(lists: Integers, highest: Floats) -> Integers:
    """The lists as far as the most units to be looked at."""
    within = np.minimum(lists, highest[..., None]).astype(np.int64)
    return merged(within, within[..., :1])


def _counted(first: Integers, last: Integers) -> Integers:
    """All stocks from the first to the last one of each part."""
    count = 1 + int((last - first).max(initial=0))
    return np.asarray(np.minimum(first + np.arange(count), last))


def _few(first: Integers, some: Integers, last: Integers) -> Integers:
    """All stocks of parts that have few, else some."""
    is_short = last <= first + _FEW
    counted = np.minimum(first + np.arange(_FEW + 1), last)
    return merged(np.where(is_short, counted, first), np.where(is_short, last, some))


def _likely(mean: Floats, spread: Floats, deviations: tuple[float, ...]) -> Integers:
    """Stocks some deviations above the mean, on a new last axis."""
    stock = mean[..., None] + spread[..., None] * np.array(deviations)
    return np.asarray(np.rint(stock)).astype(np.int64)


def likely_stock(tree: SupplyTree, deviations: float) -> Integers:
    """Stock some standard deviations above the mean pipeline; shape (n_parts, n_locations)."""
    mean, spread = _mean_and_spread(tree)
    return np.asarray(np.ceil(mean + deviations * spread)).astype(np.int64)


def furthest_of_use(mean: Floats, worth: Floats) -> Integers:
    r"""Largest stock that need be looked at: :math:`S \le \min_s [s + r\, EBO(s)] < S + 1`.

    Parameters
    ----------
    mean
        Shape (n,): mean of the Poisson pipeline [units].
    worth
        Shape (n,): what a unit late may cost, in units held; :math:`r`.

    Examples
    --------
    >>> furthest_of_use(np.array([0.1, 5.0]), np.array([20.0, 20.0])).tolist()
    [1, 10]
    """
    worth = np.clip(worth, 0.0, _LARGEST_WORTH)
    size = 2 + reach(mean, 1.0 / max(float(worth.max(initial=1.0)), 1.0))
    _, late = poisson_tables(mean, size)
    least = (np.arange(size) + worth[:, None] * late).min(axis=1)
    return np.asarray(np.maximum(np.ceil(least) - 1.0, 0.0)).astype(np.int64)


def _mean_and_spread(tree: SupplyTree) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the pipelines when a quarter of the worst delay is felt.

    Lots add what the inventory position is below the stock.
    """
    pipeline = tree.pipeline()
    mean = pipeline + 0.25 * (worst_pipelines(tree) - pipeline)
    variance = mean + mean**2 / tree.rate_shape[:, None] + tree.pipeline_excess()
    return mean + (tree.lots - 1) / 2.0, np.sqrt(variance + (tree.lots**2 - 1) / 12.0)
