"""Branch and bound over the cases of every part: the least bound of all cases left holds for it.

Effort goes to the parts whose bound is furthest from the best stock vector known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from partsplan.optimization.axes import Booleans, Floats, Integers
from partsplan.optimization.clock import Clock
from partsplan.optimization.expedite_bound import Multipliers, RelaxedCases, RelaxedParts
from partsplan.optimization.expedite_cases import Cases

MOST_CASES = 120_000
"""Cases of all parts together that are bounded at most."""
_CASES_PER_ROUND = 6_000
_CELLS_AT_ONCE = 200_000
"""Cases times nodes that are worked at once."""
_CLOSE = 1e-4
"""Relative distance of bound and best vector from which on a part is left alone."""
_TUNING_STEPS = 20
_STEP = 0.5
_NARROW = 1e-3
"""Orders are told apart no finer than this share of a part's demand."""
_WEIGHT_OF_ORDERS = 0.3
"""What a unit of orders' load matters beside a unit in stock."""


class CaseTree:
    """Open cases of the parts of a block.

    Parameters
    ----------
    relaxed
        The relaxation.
    missed_price
        Shape (n_parts, n_nodes): cost and penalties per share missed, 0 or more.
    share
        Shape (n_parts, n_nodes): see `Multipliers`.
    upper
        Shape (n_parts,): value of a stock vector, in the relaxation's unit.
    """

    def __init__(
        self, relaxed: RelaxedParts, missed_price: Floats, share: Floats, upper: Floats
    ) -> None:
        self.relaxed = relaxed
        self.missed_price = missed_price
        self.share = share
        self.upper = upper
        self.holding = np.maximum(relaxed.unit_price, 1e-9 * relaxed.unit_price.max(initial=1e-9))
        first = relaxed.first_cases()
        self.cases, self.bound = self._bounded(first)

    @property
    def least(self) -> Floats:
        """Lower bound of every part; shape (n_parts,)."""
        least = self.upper.copy()
        np.minimum.at(least, self.cases.part, self.bound)
        return least

    @property
    def gap(self) -> Floats:
        """Distance of bound and best vector of every part.

        It is 0 where they are close, or cases are as small as they get.
        """
        gap = self.upper - self.least
        can_split = np.zeros(len(gap), dtype=bool)
        can_split[self.cases.part[self._weights(self.cases).max(axis=1, initial=0.0) > 0]] = True
        return np.where(can_split & (gap > _CLOSE * np.abs(self.upper)), gap, 0.0)

    def refine(self, quota: Integers, clock: Clock) -> int:
        """Split so many cases of every part, those of least bound; returns the cases bounded."""
        weights = self._weights(self.cases)
        chosen = self._lowest(quota, weights.max(axis=1, initial=0.0) > 0)
        count = 0
        rows = max(1, _CELLS_AT_ONCE // max(self.missed_price.shape[1], 1))
        kept = np.ones(len(self.cases), dtype=bool)
        found, bounds = [], []
        for start in range(0, len(chosen), rows):
            if clock.is_over:
                break
            some = chosen[start : start + rows]
            halves = self.cases.of(some).halves(weights[some].argmax(axis=1))
            split, bound = self._bounded(halves)
            bound = np.maximum(bound, np.tile(self.bound[some], 2))
            useful = bound < self.upper[split.part]
            found.append(split.of(useful))
            bounds.append(bound[useful])
            kept[some] = False
            count += len(halves)
        self.cases = Cases.joined([self.cases.of(kept), *found])
        self.bound = np.concatenate([self.bound[kept], *bounds])
        return count

    def _lowest(self, quota: Integers, can_split: Booleans) -> Integers:
        """Cases of least bound that can be split, so many of every part."""
        part = self.cases.part
        order = np.lexsort((self.bound, part))
        order = order[can_split[order] & (quota[part[order]] > 0)]
        own = part[order]
        rank = np.arange(len(order)) - np.searchsorted(own, own)
        return order[rank < quota[own]]

    def _weights(self, cases: Cases) -> Floats:
        """What splitting may gain: units, orders, and whether anything is ordered, by supplier.

        Shape (n_cases, 3 * n_suppliers), as `Cases.halves` counts them.
        """
        demand = self.relaxed.demand
        part, days = cases.part, demand.days[cases.part]
        holding = self.holding[part][:, demand.roots]
        units = holding * np.maximum(cases.most - cases.fewest, 0)
        width = cases.most_orders - cases.least_orders
        is_wide = ~cases.may_idle & (width > _NARROW * demand.total[part][:, None])
        orders = np.where(is_wide, _WEIGHT_OF_ORDERS * holding * width * days, 0.0)
        either = np.where(cases.may_idle & ~cases.is_idle, np.inf, 0.0)
        return np.concatenate([units, orders, either], axis=1)

    def _bounded(self, cases: Cases) -> tuple[Cases, Floats]:
        """Cases with the better one of two charges, and their bound."""
        problem = self.relaxed.relaxed(cases, self.missed_price)
        share = self.share[cases.part]
        first = Multipliers(cases.charge, share)
        value = problem.at(first)
        if cases.fewest.shape[1] == 0:
            return cases, value.bound
        scale = _STEP * problem.charge_scale(share)
        second = problem.raised(first, value, scale)
        other = problem.at(second)
        better = other.bound > value.bound
        charge = np.where(better[:, None], second.charge, first.charge)
        told = Cases(
            cases.part,
            cases.fewest,
            cases.most,
            cases.least_orders,
            cases.most_orders,
            cases.may_idle,
            charge,
        )
        return told, np.maximum(value.bound, other.bound)


def tuned_share(problem: RelaxedCases, share: Floats, clock: Clock) -> Floats:
    """Shares after some steps that raise the bound of some cases; one row per case."""
    best = np.full(len(share), -np.inf)
    found = share.copy()
    now = Multipliers(problem.cases.charge, share)
    for step in range(_TUNING_STEPS):
        value = problem.at(now)
        better = value.bound > best
        best = np.where(better, value.bound, best)
        found[better] = now.share[better]
        if clock.is_over:
            break
        length = 0.2 / (1.0 + 0.1 * step)
        now = Multipliers(now.charge, np.clip(now.share + length * value.lack, 0.0, 1.0))
    return found


def raise_bounds(trees: Sequence[CaseTree], clock: Clock, most: int = MOST_CASES) -> None:
    """Split cases, most where the distance is largest, until that or the effort is spent."""
    count = 0
    while count < most and not clock.is_over:
        gaps = [tree.gap for tree in trees]
        total = sum(float(gap.sum()) for gap in gaps)
        if total <= 0.0:
            return
        for tree, gap in zip(trees, gaps, strict=True):
            quota = np.ceil(0.5 * _CASES_PER_ROUND * gap / total).astype(np.int64)
            if quota.any():
                count += tree.refine(quota, clock)
