"""The relaxed master over the nearest columns: a small linear programme in place of a large one.

At the best prices all but a few parts have one column that is clearly the best. Parts without
another column among the nearest are fixed; the others share what is left of the promises. The
optimum is rounded, mended and improved over the same columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from partsplan.optimization.axes import Booleans, Floats, Integers
from partsplan.optimization.columns import Columns
from partsplan.optimization.price_steps import StepPowers
from partsplan.optimization.restricted import RestrictedMaster
from partsplan.optimization.rounding import Choice, exchanged, largest_shares, mended

_STEPS = 24
_UNDAMPED = 5
"""Steps after which they grow shorter: few columns answer in jumps."""
_MENDED = 1e-3
"""Use beyond what is allowed, as a share of it, that is not tried to be mended."""
_ROWS = 20_000
"""Columns looked at together."""


@dataclass(frozen=True, eq=False)
class NearestPlan:
    """What the nearest columns give."""

    picked: Integers | None
    """Position of the column chosen for every part; None where no choice keeps every promise."""
    price: Floats
    """Price of one unit of use of every promise, by the linear programme; 0 without one."""


def prices_of_columns(columns: Columns, price: Floats, allowed: Floats, n_parts: int) -> Floats:
    """Prices at which the best of the columns met use about what is allowed.

    Multiplicative steps from some prices; those with the largest Lagrangian value over these
    columns.
    """
    order = np.argsort(columns.parts, kind="stable")
    parts, cost, uses = columns.parts[order], columns.cost[order], columns.uses[order]
    starts = np.searchsorted(parts, np.arange(n_parts))
    best, highest = price, -np.inf
    powers = StepPowers()
    for step in range(_STEPS):
        values = cost + uses @ price
        least = np.minimum.reduceat(values, starts)
        value = float(least.sum() - price @ allowed)
        used = uses[values <= least[parts]].sum(axis=0)
        if value > highest:
            best, highest = price, value
        ratio = np.clip(used / allowed, 0.1, 10.0)
        power = powers.at(price, ratio) / (1.0 + max(0, step - _UNDAMPED) / 10.0)
        price = price * ratio**power
    return best


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
    cheapest = Choice(columns, best)
    if not len(others):
        return NearestPlan(best if cheapest.keeps(allowed) else None, np.zeros(len(allowed)))
    if not _may_mend(cheapest, others, allowed):
        return NearestPlan(None, price)
    near = _Nearby.of(columns, best, others)
    cost = max(cheapest.cost, float(near.columns.cost.max()))  # the cheapest may be free
    master = RestrictedMaster(allowed, near.n_parts, cost, near.taken)
    master.add(near.columns)
    solution = master.solve()
    if solution.slack_share > _MENDED:
        return NearestPlan(None, solution.price)
    rounded = largest_shares(near.columns, solution.share, near.n_parts)
    kept = mended(rounded, solution.price, allowed, near.taken)
    if kept is None:
        return NearestPlan(None, solution.price)
    return NearestPlan(near.picked_of(exchanged(kept, allowed, near.taken)), solution.price)


def exchanged_nearby(choice: Choice, price: Floats, allowed: Floats, count: int) -> Choice:
    """A choice that keeps every promise after changes to the nearest columns, as `exchanged`."""
    columns, n_parts = choice.columns, len(choice.picked)
    best, others = nearest_others(columns, price, n_parts, count)
    others = np.setdiff1d(np.union1d(best, others), choice.picked)
    if not len(others):
        return choice
    near = _Nearby.of(columns, choice.picked, others)
    start = Choice(near.columns, np.arange(near.n_parts))
    return Choice(columns, near.picked_of(exchanged(start, allowed, near.taken)))


@dataclass(frozen=True, eq=False)
class _Nearby:
    """Some columns to choose from in place of chosen ones; the parts concerned in their order."""

    columns: Columns
    """Of every part concerned the chosen one first, then all others."""
    places: Integers
    """Their positions."""
    is_open: Booleans
    """Which parts have another column."""
    picked: Integers
    """Position of the column chosen for every part."""
    taken: Floats
    """Use of the parts that have none."""

    @classmethod
    def of(cls, columns: Columns, picked: Integers, others: Integers) -> _Nearby:
        """The chosen columns and some others."""
        is_open = np.zeros(len(picked), dtype=np.bool_)
        is_open[columns.parts[others]] = True
        places = np.concatenate([picked[is_open], others])
        some = columns.of(places)
        some = Columns((np.cumsum(is_open) - 1)[some.parts], some.stock, some.cost, some.uses)
        return cls(some, places, is_open, picked, columns.uses[picked[~is_open]].sum(axis=0))

    @property
    def n_parts(self) -> int:
        """Number of parts that have another column."""
        return int(self.is_open.sum())

    def picked_of(self, choice: Choice) -> Integers:
        """Position of the column chosen for every part after a choice among these."""
        picked = self.picked.copy()
        picked[self.is_open] = self.places[choice.picked]
        return picked


def _may_mend(choice: Choice, others: Integers, allowed: Floats) -> bool:
    """Whether other columns could take off what a choice uses beyond what is allowed."""
    uses, parts = choice.columns.uses, choice.columns.parts[others]
    saved = uses[choice.picked[parts]] - uses[others]
    order = np.argsort(parts, kind="stable")
    first = np.flatnonzero(np.diff(parts[order], prepend=-1))
    most_saved = np.maximum.reduceat(np.maximum(saved[order], 0.0), first).sum(axis=0)
    return bool((choice.used - most_saved <= (1.0 + _MENDED) * allowed).all())


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
        far = excess[others] / np.maximum(_worth_of_change(columns, best, others, price), 1e-300)
        others = np.sort(others[np.argpartition(far, count)[:count]])
    return best, others


def _worth_of_change(columns: Columns, best: Integers, others: Integers, price: Floats) -> Floats:
    """What columns use more or less of every promise than their part's best one, at its price."""
    worth = np.empty(len(others))
    for start in range(0, len(others), _ROWS):
        some = others[start : start + _ROWS]
        change = columns.uses[some] - columns.uses[best[columns.parts[some]]]
        worth[start : start + _ROWS] = np.abs(change) @ price
    return worth
