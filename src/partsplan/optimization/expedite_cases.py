"""Cases of a part: how many units its suppliers hold, and what the locations below order of them.

All cases of a part together cover all its stock vectors. A case is split into two; a lower bound
that holds in every case that is left holds for the part.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from partsplan.optimization.axes import Booleans, Floats, Integers


@dataclass(frozen=True, eq=False)
class Cases:
    """Some cases, one per row; axes (row, supplier)."""

    part: Integers
    """Shape (n_rows,): place of the part in its block."""
    fewest: Integers
    """Fewest units that the supplier holds."""
    most: Integers
    """Most units that it holds."""
    least_orders: Floats
    """Least that the locations below order of it, if anything [units/day]."""
    most_orders: Floats
    """Most that they order; 0: nobody below ships anything that is ordered of it."""
    may_idle: Booleans
    """Whether they may also order nothing."""
    charge: Floats
    """Price of their orders that the case above was bounded with [per unit/day]."""

    def __len__(self) -> int:
        return len(self.part)

    @classmethod
    def joined(cls, many: list[Cases]) -> Cases:
        """All cases in one set, in order."""
        names = [field.name for field in fields(cls)]
        return cls(*[np.concatenate([getattr(one, name) for one in many]) for name in names])

    def of(self, chosen: Booleans | Integers) -> Cases:
        """The chosen cases."""
        return Cases(*[getattr(self, field.name)[chosen] for field in fields(self)])

    @property
    def n_suppliers(self) -> int:
        """Number of suppliers."""
        return int(self.fewest.shape[1])

    @property
    def is_idle(self) -> Booleans:
        """Suppliers of which nobody orders."""
        return np.asarray(self.most_orders <= 0.0)

    @property
    def surely_ordered(self) -> Floats:
        """Least that is ordered, whether anybody orders or not [units/day]."""
        return np.where(self.may_idle, 0.0, self.least_orders)

    def halves(self, way: Integers) -> Cases:
        """Both halves of every case; first all lower ones, then all upper ones.

        ``way`` names what is split: a supplier's units, its orders (from ``n_suppliers`` on), or
        whether anything is ordered of it at all (from twice that on).
        """
        kind, supplier = np.divmod(way, self.n_suppliers)
        low, high = self._copy(), self._copy()
        at = self._places(kind == 0, supplier)
        low.most[at] = (self.fewest[at] + self.most[at]) // 2
        high.fewest[at] = low.most[at] + 1
        at = self._places(kind == 1, supplier)
        low.most_orders[at] = 0.5 * (self.least_orders[at] + self.most_orders[at])
        high.least_orders[at] = low.most_orders[at]
        at = self._places(kind == 2, supplier)
        low.least_orders[at], low.most_orders[at] = 0.0, 0.0
        high.may_idle[at] = False
        return Cases.joined([low, high])

    def _places(self, chosen: Booleans, supplier: Integers) -> tuple[Integers, Integers]:
        rows = np.flatnonzero(chosen)
        return rows, supplier[rows]

    def _copy(self) -> Cases:
        return self.of(np.arange(len(self)))
