"""Good plans without a solver: mend a choice of columns, then improve it by one or two changes.

A choice has one column per part. Mending takes, while a promise is broken, the change of column
whose extra cost is least for what it mends; improvement takes the change that saves most and breaks
nothing, then pairs: one change that saves and breaks a promise, another that mends it for less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from partsplan.optimization.axes import Booleans, Floats, Integers
from partsplan.optimization.columns import Columns

_SLACK = 1e-10
_LEAST_WEIGHT = 1e-3
"""Weight of a promise whose price is nothing, as a share of the largest."""
_USEFUL = 1e-6
_SAVING = 1e-12
_PAIR_ROUNDS = 20


@dataclass(frozen=True, eq=False)
class Choice:
    """One column per part, as positions in a set of columns; entry p is for part p."""

    columns: Columns
    picked: Integers

    @property
    def cost(self) -> float:
        """Cost in the objective's unit."""
        return float(self.columns.cost[self.picked].sum())

    @property
    def used(self) -> Floats:
        """Use of every promise, without fixed use."""
        return np.asarray(self.columns.uses[self.picked].sum(axis=0))

    def keeps(self, allowed: Floats) -> bool:
        """Whether no promise is used beyond what is allowed."""
        return bool((self.used <= allowed * (1.0 + _SLACK)).all())


def mended(
    choice: Choice, price: Floats, allowed: Floats, taken: Floats | None = None
) -> Choice | None:
    """A choice that keeps every promise, by the changes that cost least; None if stuck.

    Parameters
    ----------
    choice
        The choice to begin with.
    price
        What a unit of use of every promise is worth, about; it weighs the promises.
    allowed
        Allowed use of every promise, positive.
    taken
        Use of parts that the choice does not have.
    """
    changes = _Changes(choice, allowed, taken)
    weight = price * allowed
    highest = float(weight.max(initial=0.0))
    weight = np.maximum(weight, _LEAST_WEIGHT * highest) if highest > 0.0 else weight + 1.0
    touches = changes.use != 0.0
    gained = np.zeros(len(changes.cost))
    stale = np.flatnonzero(touches[:, changes.used > 1.0].any(axis=1))
    while not changes.keep():
        gained[stale] = _gained(changes.use[stale], changes.used, weight)
        over = float(weight @ np.maximum(changes.used - 1.0, 0.0))
        useful = np.flatnonzero(gained > _USEFUL * over)
        if len(useful) == 0:
            return None
        best = int(useful[(changes.cost[useful] / gained[useful]).argmin()])
        is_stale = touches[:, touches[best]].any(axis=1)
        rows = changes.make(best)
        touches[rows] = changes.use[rows] != 0.0
        is_stale[rows] = True
        stale = np.flatnonzero(is_stale)
    return changes.choice


def _gained(change: Floats, used: Floats, weight: Floats) -> Floats:
    """What changes take off all use beyond what is allowed, weighed."""
    over = float(weight @ np.maximum(used - 1.0, 0.0))
    after = change + (used - 1.0)
    return np.asarray(over - np.maximum(after, 0.0, out=after) @ weight)


def improved(choice: Choice, allowed: Floats, taken: Floats | None = None) -> Choice:
    """The choice after all single changes that save cost and break no promise."""
    changes = _Changes(choice, allowed, taken)
    _improve(changes)
    return changes.choice


def _improve(changes: _Changes) -> None:
    """Make the single change that saves most and breaks no promise, while there is one."""
    while True:
        cheaper = changes.cheaper()
        fitting = cheaper[changes.are_allowed(changes.use[cheaper])]
        if len(fitting) == 0:
            return
        changes.make(int(fitting[changes.cost[fitting].argmin()]))


def exchanged(choice: Choice, allowed: Floats, taken: Floats | None = None) -> Choice:
    """The choice after single changes, and pairs of them, that save cost and break no promise.

    The first of a pair saves and breaks some promise, the one it breaks most is mended by the
    second; of all seconds the cheapest.
    """
    changes = _Changes(choice, allowed, taken)
    for _ in range(_PAIR_ROUNDS):
        _improve(changes)
        n_made = 0
        for first, second in _pairs(changes):
            n_made += changes.make_if_it_saves(first, second)
        if n_made == 0:
            break
    return changes.choice


def _pairs(changes: _Changes) -> list[tuple[int, int]]:
    """Pairs of changes that save cost and break no promise, those that save most first."""
    first = changes.cheaper()
    if len(first) == 0:
        return []
    lacking = changes.use[first] - changes.room
    worst = lacking.argmax(axis=1)
    found: list[tuple[float, int, int]] = []
    for promise in np.unique(worst).tolist():
        mending = np.flatnonzero(changes.use[:, promise] < 0.0)
        mending = mending[np.argsort(changes.cost[mending], kind="stable")]
        use, cost = changes.use[mending], changes.cost[mending]
        less, parts = -use[:, promise], changes.columns.parts[mending]
        for row in np.flatnonzero(worst == promise).tolist():
            change = int(first[row])
            most = np.searchsorted(cost, -changes.cost[change] - changes.least_saving)
            is_enough = less[:most] >= lacking[row, promise]
            is_other = parts[:most] != changes.columns.parts[change]
            seconds = np.flatnonzero(is_enough & is_other)
            seconds = seconds[changes.are_allowed(use[seconds] + changes.use[change])]
            if len(seconds):
                saved = float(changes.cost[change] + cost[seconds[0]])
                found.append((saved, change, int(mending[seconds[0]])))
    return [(change, second) for _, change, second in sorted(found)]


class _Changes:
    """What taking each column in place of its part's chosen one changes.

    Parameters
    ----------
    choice
        The choice to begin with.
    allowed, taken
        As in `mended`.
    """

    def __init__(self, choice: Choice, allowed: Floats, taken: Floats | None) -> None:
        columns = choice.columns
        self.columns = columns
        self._picked = choice.picked.copy()
        self._uses = columns.uses / allowed
        self.used = self._uses[self._picked].sum(axis=0)
        if taken is not None:
            self.used = self.used + taken / allowed
        chosen = self._picked[columns.parts]
        self.use = self._uses - self._uses[chosen]
        self.cost = columns.cost - columns.cost[chosen]
        self.least_saving = _SAVING * float(np.abs(columns.cost).max(initial=0.0))
        self._order = np.argsort(columns.parts, kind="stable")
        self._starts = np.searchsorted(columns.parts[self._order], np.arange(len(self._picked) + 1))

    @property
    def choice(self) -> Choice:
        """The choice after the changes made."""
        return Choice(self.columns, self._picked)

    @property
    def room(self) -> Floats:
        """Use that is left of every promise, as a share of what is allowed."""
        return np.asarray(1.0 + _SLACK - self.used)

    def keep(self) -> bool:
        """Whether every promise is kept."""
        return bool((self.room >= 0.0).all())

    def are_allowed(self, use: Floats) -> Booleans:
        """Which changes of use break no promise."""
        return np.asarray((use <= self.room).all(axis=-1))

    def cheaper(self) -> Integers:
        """Changes that save cost."""
        return np.flatnonzero(self.cost < -self.least_saving)

    def make(self, change: int) -> Integers:
        """Make a change; returns the positions of the part's columns."""
        part = int(self.columns.parts[change])
        self.used = self.used + self.use[change]
        self._picked[part] = change
        rows = self._order[self._starts[part] : self._starts[part + 1]]
        self.use[rows] = self._uses[rows] - self._uses[change]
        self.cost[rows] = self.columns.cost[rows] - self.columns.cost[change]
        return np.asarray(rows)

    def make_if_it_saves(self, first: int, second: int) -> bool:
        """Make two changes of different parts, if they still save and break nothing."""
        saves = self.cost[first] + self.cost[second] < -self.least_saving
        if not saves or not self.are_allowed(self.use[first] + self.use[second]):
            return False
        self.make(first)
        self.make(second)
        return True


def largest_shares(columns: Columns, share: Floats, n_parts: int) -> Choice:
    """The choice that takes each part's column with the largest share."""
    order = np.lexsort((share, columns.parts))
    last = np.searchsorted(columns.parts[order], np.arange(n_parts), side="right") - 1
    return Choice(columns, order[last].astype(np.int64))
