r"""Figures of a location over the units late at its parent, where one uncertain rate drives both.

The number n of units under way at the parent says all there is to know of the rate (see
`gamma_rates`): given it, the location's own units are negative binomial, of a shape r that grows
by one with every unit. Their law :math:`p_r(k)` steps with it as

.. math:: p_{r+1}(k) = (1 - q) (1 + k / r) p_r(k), \qquad
          P_{r+1}(X \ge S) = P_r(X \ge S) + (S / r) p_r(S), \qquad
          E_{r+1}[(X - S)^+] = (1 + 1 / r) E_r[(X - S)^+] + (S / r) P_r(X > S),

by positive terms only. So one sweep up the units under way makes the figure with no late unit for
every count, and one sweep down takes late units from it, one by one (see `sweeping`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from partsplan.evaluation.gamma_rates import GammaRates
from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.conditional import Given
from partsplan.optimization.late_units import LateUnits
from partsplan.optimization.poisson_tables import tails
from partsplan.optimization.sweeping import one_more_late

NEVER = 1e-21
"""Probability of so many units under way that is left out."""
_SWEEP_FIGURES = 2_000_000
"""Figures of all counts that are held at once, unless one part has more."""
MOST_FIGURES = 10_000_000
"""The same of one part: locations are worked in groups, and none may have more."""
_ALIKE = 8
"""Locations are worked together up to this and twice the highest stock of the first."""


@dataclass(frozen=True, eq=False)
class GivenCounts(Given):
    """A figure of some locations by the number of units under way at their parent, none late.

    ``none_late`` is its mean over that number.
    """

    mean: Floats
    """The locations' own units under way at factor 1, axes (part, location)."""

    def _of(self, some: slice, places: Integers | slice) -> GivenCounts:
        return GivenCounts(
            self.none_late[some][:, places],
            self.share[some][:, places],
            self.kind,
            self.mean[some][:, places],
        )

    def _swept(self, late: LateUnits, stock: Integers | None) -> Floats:
        """Figures at every stock; axes (part, 1, parent's stock, location, stock)."""
        if late.rates is None or late.n_above != 1 or stock is None:
            raise AssertionError("uncertain rates are swept below roots, at listed stocks")
        last = int(np.flatnonzero(late.under_way.max(axis=0) > NEVER).max(initial=0))
        n, n_places, size = stock.shape
        mixed = np.empty((n, late.stock.shape[1] + 1, n_places, size))
        for places in _places_alike(stock, last):
            figures = len(places) * (1 + int(stock[:, places].max(initial=0))) * (last + 1)
            most = max(1, _SWEEP_FIGURES // figures)
            for start in range(0, n, most):
                some = slice(start, start + most)
                given, rates = self._of(some, places), late.rates.of_parts(some)
                chosen = stock[some][:, places]
                mixed[some][:, :, places] = given._worked(late.of_parts(some), rates, chosen, last)
        return mixed[:, None]

    def _worked(self, late: LateUnits, rates: GammaRates, stock: Integers, last: int) -> Floats:
        """The same without the axis of contexts; ``last`` is the last count worth a look."""
        (n, n_places, size), full = stock.shape, 1 + int(stock.max(initial=0))
        cell = np.arange(n * n_places * full).reshape(n, n_places, full)
        picked = np.take_along_axis(cell, stock, axis=-1)
        mixed = np.empty((n, late.stock.shape[1] + 1, n_places, size))
        weight = late.under_way[:, : last + 1, None, None]
        takes = late.takes(last + 1)
        weighed = np.empty((last + 1, n, n_places, full))
        sums = np.zeros((n, n_places, full))
        for count, figure in enumerate(self._by_count(rates, last, full)):
            np.multiply(figure, weight[:, count], out=weighed[count])
            sums += weighed[count]
            row, entry, _ = takes.at(count)
            if len(row):
                mixed[row, entry] = sums.ravel()[picked[row]]
        mixed[:, -1] = sums.ravel()[picked]
        row, entry = np.nonzero(late.stock > last)
        mixed[row, entry] = mixed[row, -1]
        current, moved = np.zeros_like(sums), np.empty_like(sums)
        share = self.share[..., None]
        chances = share, 1.0 - share
        mass = tails(late.under_way[:, : last + 1])[..., None]
        for count in range(last, takes.lowest, -1):
            current += weighed[count]
            one_more_late(self.kind, current, moved, chances, mass[:, count])
            row, entry, _ = takes.at(count - 1)
            if len(row):
                mixed[row, entry] += current.ravel()[picked[row]]
        return mixed

    def _by_count(self, rates: GammaRates, last: int, full: int) -> Iterator[Floats]:
        """The figure with 0 .. ``last`` units at the parent, in one array that changes."""
        law, tail, loss = tables_of(rates, self.mean, full + 1)
        above = int(self.kind == "loss")
        law, tail = (np.ascontiguousarray(a[..., above : above + full]) for a in (law, tail))
        loss = np.ascontiguousarray(loss[..., :full])
        stock, moved = np.arange(float(full)), np.empty_like(law)
        stay = (1.0 - rates.odds(self.mean))[..., None]
        for count in range(last + 1):
            yield loss if self.kind == "loss" else tail
            by_shape = 1.0 / (rates.shape + count)[:, None, None]
            if self.kind == "loss":
                np.multiply(tail, stock * by_shape, out=moved)
                loss *= 1.0 + by_shape
                loss += moved
            np.multiply(law, (stock + above) * by_shape, out=moved)
            tail += moved
            law += moved
            law *= stay


def _places_alike(stock: Integers, last: int) -> Iterator[Integers]:
    """Locations, by position, whose highest stocks are alike, as many as are worked at once."""
    highest = stock.max(axis=(0, 2), initial=0)
    order = np.argsort(highest, kind="stable")
    start = 0
    while start < len(order):
        limit = _ALIKE + 2 * int(highest[order[start]])
        end = int(np.searchsorted(highest[order], limit, side="right"))
        figures = (1 + int(highest[order[end - 1]])) * (last + 1)
        end = min(end, start + max(1, MOST_FIGURES // figures))
        yield np.sort(order[start:end])
        start = end


def tables_of(rates: GammaRates, mean: Floats, size: int) -> tuple[Floats, Floats, Floats]:
    """P(X = S), P(X >= S) and E[(X - S)+] for S = 0 .. size - 1, by sums from the far end."""
    law = rates.law(mean, int(rates.reach(mean, size).max(initial=size)) + 1)
    tail = tails(law)
    loss = np.zeros_like(tail)
    loss[..., :-1] = tails(tail[..., 1:])
    tail[..., 0] = 1.0
    return law[..., :size], tail[..., :size], loss[..., :size]
