"""Good plans without a solver: repair a choice of columns, then improve it by single changes.

A choice has one column per part. Repair takes, while a promise is broken, the change of column
that mends most per cost; improvement takes the change that saves most and breaks nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.columns import Columns

_SLACK = 1e-10


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


def repaired(choice: Choice, allowed: Floats, taken: Floats | None = None) -> Choice | None:
    """A choice that keeps every promise, by the changes that mend most per cost; None if stuck.

    ``taken`` is the use of parts that the choice does not have.
    """
    columns = choice.columns
    picked = choice.picked.copy()
    scaled = columns.uses / allowed
    used = scaled[picked].sum(axis=0) + (0.0 if taken is None else taken / allowed)
    rows_of_part = _RowsOfParts(columns.parts, len(picked))
    change = scaled - scaled[picked[columns.parts]]
    while (used > 1.0 + _SLACK).any():
        over = float(np.maximum(used - 1.0, 0.0).sum())
        after = change + (used - 1.0)
        mended = over - np.maximum(after, 0.0, out=after).sum(axis=1)
        extra = columns.cost - columns.cost[picked[columns.parts]]
        useful = np.flatnonzero(mended > 1e-6 * over)
        if len(useful) == 0:
            return None
        worth = mended[useful] / np.maximum(
            extra[useful], 1e-6 * float(columns.cost.max()) + 1e-300
        )
        best = useful[int(worth.argmax())]
        used = used + change[best]
        picked[columns.parts[best]] = best
        rows = rows_of_part.at(int(columns.parts[best]))
        change[rows] = scaled[rows] - scaled[best]
    return Choice(columns, picked)


class _RowsOfParts:
    """Positions of each part's columns."""

    def __init__(self, parts: Integers, n_parts: int) -> None:
        self._order = np.argsort(parts, kind="stable")
        self._starts = np.searchsorted(parts[self._order], np.arange(n_parts + 1))

    def at(self, part: int) -> Integers:
        """Positions of one part's."""
        return np.asarray(self._order[self._starts[part] : self._starts[part + 1]])


def improved(choice: Choice, allowed: Floats, taken: Floats | None = None) -> Choice:
    """The choice after all single changes that save cost and break no promise."""
    columns = choice.columns
    picked = choice.picked.copy()
    scaled = columns.uses / allowed
    used = scaled[picked].sum(axis=0) + (0.0 if taken is None else taken / allowed)
    while True:
        saving = columns.cost[picked[columns.parts]] - columns.cost
        cheaper = np.flatnonzero(saving > 1e-12 * np.abs(columns.cost))
        after = used + scaled[cheaper] - scaled[picked[columns.parts[cheaper]]]
        allowed_changes = cheaper[(after <= 1.0 + _SLACK).all(axis=1)]
        if len(allowed_changes) == 0:
            return Choice(columns, picked)
        best = allowed_changes[int(saving[allowed_changes].argmax())]
        used = used + scaled[best] - scaled[picked[columns.parts[best]]]
        picked[columns.parts[best]] = best


def largest_shares(columns: Columns, share: Floats, n_parts: int) -> Choice:
    """The choice that takes each part's column with the largest share."""
    order = np.lexsort((share, columns.parts))
    last = np.searchsorted(columns.parts[order], np.arange(n_parts), side="right") - 1
    return Choice(columns, order[last].astype(np.int64))
