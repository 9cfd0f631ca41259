"""What a plan remembers of its search, so that a later run need not find it again.

At the prices of its bound a plan knows the least that every part costs, and the columns near the
best ones. Both hold for every part whose inputs are the same, whatever has become of the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from partsplan.evaluation.performance import MeasuredParts
from partsplan.optimization.axes import Booleans, Floats, Integers
from partsplan.optimization.columns import Columns
from partsplan.optimization.fingerprints import Numbers
from partsplan.optimization.nearest import nearest_others

_KEPT_PER_PROMISE = 500
_MOST_KEPT = 1.3
"""Times the columns meant to be kept up to which all are."""
_LARGEST_SHARE_CHANGED = 0.25


@dataclass(frozen=True, eq=False)
class SearchMemory:
    """What was found at the prices of the bound."""

    of: Numbers
    """Fingerprint of every part, shape (n_parts,)."""
    commitments: tuple[str, ...]
    """Names of the kept promises."""
    volume: Floats
    """What the weights of every promise are shares of, of promises not kept as well."""
    kept: Integers
    """Positions of the kept promises."""
    price: Floats
    """Price of one unit of use of each of them."""
    least: Floats
    """Lower bound of every part's cost and penalties at these prices."""
    columns: Columns
    """The best columns, those of the plan, and the nearest others."""
    near: float
    """Excess up to which columns were listed, as `ListNear` has it."""
    measured: MeasuredParts
    """Service of the plan."""

    def unchanged(self, now: Numbers, commitments: tuple[str, ...]) -> Booleans | None:
        """Which parts are as they were; None where promises or too many parts are not."""
        if len(now) != len(self.of) or commitments != self.commitments:
            return None
        same = np.asarray(now == self.of)
        return same if np.mean(~same) <= _LARGEST_SHARE_CHANGED else None

    def of_parts(self, place: Integers) -> SearchMemory:
        """The same for parts in another order; ``place`` is each one's here, -1 of new ones."""
        if np.array_equal(place, np.arange(len(self.of))):
            return self
        is_new, rows = place < 0, np.maximum(place, 0)
        now = np.full(len(self.of), -1, dtype=np.int64)
        now[place[~is_new]] = np.flatnonzero(~is_new)
        columns = self.columns.of(now[self.columns.parts] >= 0)
        return replace(
            self,
            of=np.where(is_new, np.uint64(0), self.of[rows]),
            least=np.where(is_new, 0.0, self.least[rows]),
            columns=replace(columns, parts=now[columns.parts]),
            measured=self.measured.of_parts(rows),
        )

    def at_volume(self, volume: Floats) -> SearchMemory:
        """The same where the promises weigh shares of other volumes.

        Use grows as the volume falls, and prices fall with it: what parts cost stays the same.
        """
        ratio = self.volume / volume
        kept, columns, measured = ratio[self.kept], self.columns, self.measured
        return replace(
            self,
            volume=volume,
            price=self.price / kept,
            columns=replace(columns, uses=columns.uses * kept),
            measured=replace(measured, uses=measured.uses * ratio),
        )


def columns_to_keep(columns: Columns, price: Floats, picked: Integers, n_parts: int) -> Columns:
    """The best columns, the picked ones and the nearest others, in little memory."""
    count = _KEPT_PER_PROMISE * len(price)
    if len(columns) > _MOST_KEPT * (n_parts + count):
        best, others = nearest_others(columns, price, n_parts, count)
        columns = columns.of(np.unique(np.concatenate([best, others, picked])))
    return columns.packed()
