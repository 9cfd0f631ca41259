"""Figures of a location over the law of the units late at its parent (see `sweeping`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.late_units import LateUnits
from partsplan.optimization.sweeping import Kind, Sweep

_STEP_CELLS = 32_000
"""Figures that a step works at once; they stay in the cache of a core."""
_MOST_PLACES = 0.8
"""Share of the locations fed by a parent above which all are worked: it saves copies."""


@dataclass(frozen=True, eq=False)
class Given:
    """A figure of some locations with no unit late at their parent, and how it steps to more.

    ``none_late`` has the axes (part, location, stock or count), ``share`` (part, location).
    """

    none_late: Floats
    share: Floats
    kind: Kind
    """E[(X - S)+], P(X >= S) or P(X = k): what the figure is at one unit less than the first."""

    def over(self, late: LateUnits | None, stock: Integers | None = None) -> Floats:
        """Figure at every stock of the parent.

        Few parts are worked at once, so that a step stays in the cache; where no late unit is
        waited for, nothing is worked.

        Parameters
        ----------
        late
            Units late at the parent; None where there is no parent.
        stock
            Axes (part, location, size): the stocks wanted; by default all given.

        Returns
        -------
        numpy.ndarray
            Axes (part, context..., location, stock).
        """
        alone = self.none_late.copy()
        if stock is not None:
            alone = np.take_along_axis(self.none_late, stock, axis=-1)
        if late is None:
            return alone
        n, n_places, size = alone.shape
        mixed = np.empty((n, late.n_above, late.contexts[-1], n_places, size))
        fed = self.share > 0.0
        cells = int(fed.sum(axis=1).max(initial=0)) * late.n_above * self.none_late.shape[2]
        rows = max(1, _STEP_CELLS // max(cells, 1))
        for start in range(0, n, rows):
            some = slice(start, start + rows)
            places = np.flatnonzero(fed[some].any(axis=0))
            if len(places) > _MOST_PLACES * n_places:
                self._work(some, slice(None), late, stock, mixed)
                continue
            mixed[some] = alone[some, None, None]
            if len(places):
                self._work(some, places, late, stock, mixed)
        return mixed.reshape(n, *late.contexts, n_places, size)

    def _work(
        self,
        some: slice,
        places: Integers | slice,
        late: LateUnits,
        stock: Integers | None,
        mixed: Floats,
    ) -> None:
        """Fill in the figures of some parts and locations."""
        wanted = None if stock is None else stock[some][:, places]
        mixed[some][:, :, :, places] = self._of(some, places)._swept(late.of_parts(some), wanted)

    def _of(self, some: slice, places: Integers | slice) -> Given:
        """The figure of some parts and locations."""
        return Given(self.none_late[some][:, places], self.share[some][:, places], self.kind)

    def _swept(self, late: LateUnits, stock: Integers | None) -> Floats:
        """Figures at every stock; axes (part, above, parent's stock, location, stock)."""
        n, n_places, full = self.none_late.shape
        size = full
        if stock is not None:
            size, full = stock.shape[-1], min(full, 1 + int(stock.max(initial=0)))
        under_way = late.under_way.reshape(n, late.n_above, -1)
        highest = int(late.stock.max(initial=0)) if late.position_lots is None else None
        sweep = Sweep(self.none_late[..., :full], self.share, self.kind, under_way, highest)
        place = np.arange(sweep.current.size).reshape(sweep.current.shape)
        alone = self.none_late[..., :full]
        if stock is not None:
            chosen = np.broadcast_to(stock[:, None], (n, late.n_above, n_places, size))
            place = np.take_along_axis(place, chosen, axis=-1)
            alone = np.take_along_axis(alone, stock, axis=-1)
        picked = place.reshape(n, late.n_above, -1)
        never = late.none_late().reshape(n, late.n_above, -1)
        mixed = never[..., None] * alone.reshape(n, 1, 1, -1)
        takes = late.takes(sweep.position)
        sums = np.zeros_like(sweep.current) if takes.of_sums else None
        while sweep.position > takes.lowest:
            if sums is None:
                sweep.go_down(takes.next_below(sweep.position))
            else:
                sweep.go_down(sweep.position - 1)
                sums += sweep.current
            row, entry, worth = takes.at(sweep.position)
            if len(row):
                taken = (sweep.current if sums is None else sums).ravel()[picked[row]]
                mixed[row, :, entry] += taken if worth is None else worth * taken
        return mixed.reshape(n, late.n_above, -1, n_places, size)
