"""The relaxed master over the nearest columns: a small linear programme in place of a large one.

At the best prices all but a few parts have one column that is clearly the best. Parts without
another column among the nearest are fixed; the others share what is left of the promises. The
optimum is rounded, mended and improved over the same columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.columns import Columns
from partsplan.optimization.price_steps import StepPowers
from partsplan.optimization.restricted import RestrictedMaster
from partsplan.optimization.rounding import Choice, improved, largest_shares, repaired

_STEPS = 24
_UNDAMPED = 5
"""Steps after which they grow shorter: few columns answer in jumps."""
_MENDED = 1e-3
"""Use beyond what is allowed, as a share of it, that is not tried to be mended."""


@dataclass(frozen=True, eq=False)
class NearestPlan:
    """What the nearest columns give."""

    picked: Integers | None
    """Position of the column chosen for every part; None where no choice keeps every promise."""
    price: Floats
    """Price of one unit of use of every promise, by the linear programme; 0 without one."""


def prices_of_columns(
    columns: Columns, price: Floats, allowed: Floats, n_parts: int
) -> tuple[Floats, float]:
    """Prices at which the best of the columns met use about what is allowed.

    Multiplicative steps from some prices; those with the largest Lagrangian value over these
    columns, and how much more than allowed is used of a promise there, as a share of it.
    """
    order = np.argsort(columns.parts, kind="stable")
    some = columns.of(order)
    starts = np.searchsorted(some.parts, np.arange(n_parts))
    best, highest, over = price, -np.inf, np.inf
    powers = StepPowers()
    for step in range(_STEPS):
        values = some.cost + some.uses @ price
        least = np.minimum.reduceat(values, starts)
        value = float(least.sum() - price @ allowed)
        used = some.uses[values <= least[some.parts]].sum(axis=0)
        if value > highest:
            best, highest = price, value
            over = float((used / allowed).max(initial=1.0)) - 1.0
        ratio = np.clip(used / allowed, 0.1, 10.0)
        power = powers.at(price, ratio) / (1.0 + max(0, step - _UNDAMPED) / 10.0)
        price = price * ratio**power
    return best, over


def nearest_plan(
    columns: Columns, price: Floats, allowed: Floats, n_parts: int, count: int
) -> NearestPlan:
    """A plan of each part's best column or one of the nearest others.

    Nearest are those that the least relative change of prices makes the best ones.

    Parameters
    ----------
    columns
        Columns of all parts, at least one each.
    price
        The best prices known.
    allowed
        Allowed use of every promise, positive.
    n_parts
        Number of parts.
    count
        Number of columns beside the best ones.
    """
    best, others = nearest_others(columns, price, n_parts, count)
    if not len(others):
        is_kept = Choice(columns, best).keeps(allowed)
        return NearestPlan(best if is_kept else None, np.zeros(len(allowed)))
    is_open = np.zeros(n_parts, dtype=np.bool_)
    is_open[columns.parts[others]] = True
    places = np.concatenate([best[is_open], others])
    taken = columns.uses[best[~is_open]].sum(axis=0)
    some = columns.of(places)
    some = Columns((np.cumsum(is_open) - 1)[some.parts], some.stock, some.cost, some.uses)
    n_open = int(is_open.sum())
    cost = max(float(columns.cost[best].sum()), float(some.cost.max()))  # the best may cost nothing
    master = RestrictedMaster(allowed, n_open, cost, taken)
    master.add(some)
    solution = master.solve()
    if solution.slack_share > _MENDED:
        return NearestPlan(None, solution.price)
    chosen = repaired(largest_shares(some, solution.share, n_open), allowed, taken)
    if chosen is None:
        return NearestPlan(None, solution.price)
    picked = best.copy()
    picked[is_open] = places[improved(chosen, allowed, taken).picked]
    return NearestPlan(picked, solution.price)


def nearest_others(
    columns: Columns, price: Floats, n_parts: int, count: int
) -> tuple[Integers, Integers]:
    """Positions of each part's best column, and of those that others prices would soon make so."""
    excess = columns.excess(price, n_parts)
    best = largest_shares(columns, -excess, n_parts).picked
    is_other = np.ones(len(columns), dtype=np.bool_)
    is_other[best] = False
    others = np.flatnonzero(is_other)
    if len(others) > count:
        change = np.abs(columns.uses[others] - columns.uses[best[columns.parts[others]]]) @ price
        far = excess[others] / np.maximum(change, 1e-300)
        others = np.sort(others[np.argpartition(far, count)[:count]])
    return best, others
