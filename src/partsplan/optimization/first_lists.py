r"""Which stocks are listed at first: those that plans usually hold, as far as prices ask for any.

A location with children needs no stock S whose holding alone, with endless stock's penalties, is
more than the best: as a unit late there costs at most what it costs all who may wait for it,
:math:`S h \le \min_s [s h + p\, EBO(s)]`. Shorter lists would be made longer at once.
"""

from __future__ import annotations

import numpy as np

from partsplan.evaluation.supply import SupplyTree
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.conditional import poisson_tables
from partsplan.optimization.grids import Grids, merged, reach, worst_pipelines
from partsplan.optimization.tables import OUTSIDE

_BRANCH_QUANTILES = (-2.0, -1.0, -0.3, 0.4, 1.2, 2.2)
_LEAF_QUANTILES = (0.0, 1.0, 2.0, 3.0, 4.5)
_FEW = 6
"""Stocks up to which a list has all."""
_LARGEST_WORTH = 1e9


def first_lists(
    tree: SupplyTree,
    lowest: Integers,
    worth: Floats,
    *,
    has_gaps: bool,
    around: Integers | None = None,
) -> Grids:
    """Lists of stocks to begin with, the lowest allowed one always first.

    Parameters
    ----------
    tree
        The block.
    lowest
        Shape (n_parts, n_locations): fewest units allowed.
    worth
        Shape (n_parts, n_locations): what a unit late at a location may cost, there and at those
        below it, over what it costs to hold one there.
    has_gaps
        Whether locations with children may have gaps; without, they have all stocks that may be
        of use.
    around
        Shape (n_parts, n_locations): stock that the best one is probably near; None for none.
    """
    mean, spread = _mean_and_spread(tree)

    def likely(at: int | list[int], deviations: tuple[float, ...]) -> Integers:
        if around is not None:
            stock = around[:, at, None] + np.array([-1, 0, 1])
        else:
            units = mean[:, at, None] + spread[:, at, None] * np.array(deviations)
            stock = np.rint(units).astype(np.int64)
        return np.asarray(np.maximum(stock, lowest[:, at, None]))

    members: dict[int, list[int]] = {OUTSIDE: []}
    branch: dict[int, Integers] = {}
    for location in range(tree.n_locations):
        if not tree.children[location]:
            members.setdefault(int(tree.parents[location]), []).append(location)
            continue
        members.setdefault(location, [])
        first = lowest[:, [location]]
        busy = (mean + spread - np.sqrt(mean))[:, location]
        last = np.maximum(furthest_of_use(busy, worth[:, location])[:, None], first + 1)
        if not has_gaps:
            count = 1 + int((last - first).max(initial=0))
            branch[location] = np.minimum(first + np.arange(count), last)
            continue
        is_short = last <= first + _FEW
        counted = np.where(is_short, np.minimum(first + np.arange(_FEW + 1), last), first)
        some = np.concatenate([first + 1, likely(location, _BRANCH_QUANTILES), last], axis=1)
        branch[location] = merged(
            counted, np.where(is_short, last, some) if around is None else some
        )
    leaves = {}
    for parent, own in members.items():
        first = lowest[:, own, None]
        counted = first + np.arange(3) if around is None else first
        leaves[parent] = merged(counted, likely(own, _LEAF_QUANTILES))
    return Grids(branch, leaves, {at: tuple(own) for at, own in members.items()}, has_gaps)


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
