"""Cheaper stocks beside a plan: units taken away or exchanged while periods stay sure enough.

Tightened targets reach stocks that are cheapest for some long-run target. From there single parts
and pairs of parts change by a few units, the largest saving first; all stocks meet the same
simulated failures, and only the parts touched are simulated again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.problem import PlanningProblem
from partsplan.simulation.measured_periods import PeriodsByPart

MOST_ROWS = 300
"""Stocks of single parts that are simulated, at most."""
MOST_CHANGES = 20_000
"""Changes of stock that are looked at, at most."""
MOST_PARTS = 60
"""Parts whose stock may change: those with the dearest units; the others stay as they are."""
_MOST_PLACES = 12
"""Places of a part up to which three of its units change together."""
_FEW_PLACES = 60
"""Parts times locations up to which a part that moves a unit may be paired with another."""
_SCREEN = 0.02
"""How far below the level a change that is estimated unit by unit may be."""
_NEGLIGIBLE = 1e-9

Change = tuple[tuple[int, tuple[int, ...]], ...]
"""Parts that change, each with its new stock by location."""


@dataclass(frozen=True, eq=False)
class ExchangedStock:
    """A stock on the way, what it costs and how often periods of the search keep the promises."""

    stock: Integers
    """Shape (n_parts, n_locations)."""
    cost: float
    shares: Floats
    """Shape (n_judged,)."""


class UnitExchange:
    """Descent by changes of a few units.

    Parameters
    ----------
    problem
        Prices and limits.
    periods
        The sample of periods that every stock meets.
    level
        Share of periods that must keep each promise.
    cost_of
        Cost of a whole stock, None where it breaks a promise in the long run.
    is_over
        Whether the time is used up.
    """

    def __init__(
        self,
        problem: PlanningProblem,
        periods: PeriodsByPart,
        level: float,
        cost_of: Callable[[Integers], float | None],
        is_over: Callable[[], bool],
    ) -> None:
        self.problem, self.periods, self.level = problem, periods, level
        self.cost_of, self.is_over = cost_of, is_over
        self.prices = problem.unit_price(np.arange(problem.network.n_parts))
        self.rows: dict[tuple[int, tuple[int, ...]], Floats] = {}
        self.n_changes = 0
        self.refused: set[bytes] = set()

    def refuse(self, found: ExchangedStock) -> None:
        """Leave out a stock that other periods did not confirm."""
        self.refused.add(found.stock.tobytes())

    def descend(self, stock: Integers, cost: float) -> list[ExchangedStock]:
        """Ever cheaper stocks that periods of the search keep often enough; maybe none."""
        found: list[ExchangedStock] = []
        parts = self._open_parts(stock)
        others = np.setdiff1d(np.arange(len(stock)), parts)
        rest: Floats | float = self.periods.sums_of(others, stock) if len(others) else 0.0
        while True:
            better = self._better(stock, cost, parts, rest)
            if better is None:
                return found
            found.append(better)
            stock, cost = better.stock, better.cost

    def _open_parts(self, stock: Integers) -> Integers:
        """Parts that hold the dearest units, in order."""
        dearest = (self.prices * (stock > 0)).max(axis=1)
        held = np.flatnonzero(dearest > 0.0)
        return np.sort(held[np.argsort(-dearest[held], kind="stable")][:MOST_PARTS])

    def _better(
        self, stock: Integers, cost: float, parts: Integers, rest: Floats | float
    ) -> ExchangedStock | None:
        """The change with the largest saving that keeps the promises."""
        known = [self._row(p, tuple(stock[p].tolist()), stock) for p in parts.tolist()]
        before = {p: row for p, row in zip(parts.tolist(), known, strict=True) if row is not None}
        total = np.asarray(rest + sum(before.values()))
        for change in self._by_saving(stock, parts):
            if self.n_changes >= MOST_CHANGES or self.is_over():
                return None
            self.n_changes += 1
            if self._looks_bad(change, stock, total, before):
                continue
            sums: Floats | None = total
            for p, units in change:
                row = self._row(p, units, stock)
                sums = None if row is None or sums is None else sums + row - before[p]
            if sums is None:
                continue
            shares = self.periods.shares(sums)
            if (shares < self.level).any():
                continue
            following = stock.copy()
            for p, units in change:
                following[p] = units
            if following.tobytes() in self.refused:
                continue
            new_cost = self.cost_of(following)
            if new_cost is not None and new_cost < cost - _NEGLIGIBLE * abs(cost):
                return ExchangedStock(following, new_cost, shares)
        return None

    def _looks_bad(
        self, change: Change, stock: Integers, total: Floats, before: dict[int, Floats]
    ) -> bool:
        """Whether a change of several units fails by what its units do one by one."""
        sums = total
        for p, units in change:
            step = np.array(units) - stock[p]
            if np.abs(step).sum() <= 1 or (p, units) in self.rows:
                row = self._row(p, units, stock)
                sums = sums if row is None else sums + row - before[p]
                continue
            for place in np.flatnonzero(step):
                single = stock[p].copy()
                single[place] += np.sign(step[place])
                row = self._row(p, tuple(single.tolist()), stock)
                sums = sums if row is None else sums + abs(step[place]) * (row - before[p])
        return bool((self.periods.shares(sums) < self.level - _SCREEN).any())

    def _by_saving(self, stock: Integers, parts: Integers) -> Iterator[Change]:
        """Changes that save something, the largest saving first.

        One part by itself, or one that gives with one that takes.
        """
        alone: list[tuple[float, Change]] = []
        paired: list[tuple[float, Change]] = []
        n_places = stock.shape[1]
        for p in parts.tolist():
            for step in self._steps(stock[p], p, most=3 if n_places <= _MOST_PLACES else 2):
                units = tuple((stock[p] + step).tolist())
                both = np.array([p, p])
                now, then = self.problem.cost(both, np.array([stock[p], units]))
                alone.append((float(now - then), ((p, units),)))
                if np.abs(step).sum() <= (2 if len(parts) * n_places <= _FEW_PLACES else 1):
                    paired.append(alone[-1])
        saved = np.array([saving for saving, _ in paired])
        of_part = np.array([change[0][0] for _, change in paired])
        least = _NEGLIGIBLE * max(float(np.abs(saved).max(initial=0.0)), 1e-300)
        gives, takes = np.nonzero(
            (saved[:, np.newaxis] + saved > least)
            & (saved[:, np.newaxis] >= saved)
            & (of_part[:, np.newaxis] != of_part)
            & (saved <= 0.0)
        )
        values = [saving for saving, _ in alone] + (saved[gives] + saved[takes]).tolist()
        for place in np.argsort(-np.array(values), kind="stable").tolist():
            if values[place] <= least:
                return
            if place < len(alone):
                yield alone[place][1]
            else:
                pair = place - len(alone)
                yield paired[gives[pair]][1] + paired[takes[pair]][1]

    def _steps(self, units: Integers, part: int, most: int) -> Iterator[Integers]:
        """Changes of the units of a part: at most two taken away and one put somewhere."""
        places = np.flatnonzero(self.problem.network.may_stock(np.array([part]))[0])
        lowest = self.problem.lowest(np.array([part]))[0]
        highest = self.problem.highest(np.array([part]))[0]
        seen = set()
        nowhere = [-1]
        for first, second, to in product([*nowhere, *places], repeat=3):
            step = np.zeros(len(units), dtype=np.int64)
            for place, by in ((first, -1), (second, -1), (to, 1)):
                if place >= 0:
                    step[place] += by
            key = tuple(step.tolist())
            after = units + step
            if not step.any() or key in seen or np.abs(step).sum() > most:
                continue
            seen.add(key)
            if (after >= lowest).all() and (after <= highest).all():
                yield step

    def _row(self, part: int, units: tuple[int, ...], stock: Integers) -> Floats | None:
        """What a part brings with its units; None where no more are to be simulated."""
        key = (part, units)
        if key not in self.rows:
            if len(self.rows) >= MOST_ROWS + MOST_PARTS:
                return None
            changed = stock.copy()
            changed[part] = units
            self.rows[key] = self.periods.sums_of(np.array([part]), changed)
        return self.rows[key]
