r"""Probability laws of unit counts as windows of mass, and the four operations of a supply tree.

Every operation adds and multiplies positive numbers only, so that far tails keep their relative
accuracy down to underflow. A window drops mass only where that is negligible relative to the tail
that is asked for: in a supply tree :math:`(x + 1) p(x + 1) \le M p(x)`, with M the pipeline
mean of the same tree without stock, so every law falls at least as fast as Poisson(M).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
import scipy

from partsplan.evaluation.supply import Floats, Integers

NEGLIGIBLE = 40.0
"""Log of the relative mass that a window may drop above, exp(-40) = 4e-18."""
BELOW = 75.0
"""Log of the mass that a window may drop below, exp(-75) = 3e-33."""
CELLS = 120_000
"""Probabilities in one working array; a few such arrays fit in the cache of a core."""
UNDERFLOW = 715.0
"""Log of a probability that a double cannot hold."""
_SETTLED = 0.05
"""Change of a reach below which Newton's next step is far below a unit."""
_LEAP = 64
"""Late units that are thinned at once where that pays."""
_STEP_SECONDS, _FIGURE_SECONDS = 3.5e-6, 0.5e-9
"""Of a step of a sum that is worked for all columns together, and of each of its figures, about."""
_COLUMN_SECONDS, _PRODUCT_SECONDS = 4e-6, 0.15e-9
"""Of a convolution of one column, and of each of its products."""
_LAW_SECONDS = 1e-6
"""Of a count of the laws of leaps of a column, about."""
DIRECT_START = 500.0
"""Largest mean for which the law is built up from P(X = 0) instead of its mode."""


@dataclass(frozen=True)
class Law:
    """Laws of n independent counts, one per column.

    Parameters
    ----------
    start
        Shape (n,): the count of the first row.
    mass
        Shape (width, n): :math:`P(X = start + i)`.
    """

    start: Integers
    mass: Floats

    @property
    def width(self) -> int:
        """Number of counts that the window spans."""
        return len(self.mass)

    def columns(self, positions: Integers) -> Law:
        """Laws of the given columns, in that order."""
        return Law(self.start[positions], self.mass[:, positions])


def poisson_reach(
    mean: Floats, above: Floats | float, drop: Floats | float = NEGLIGIBLE
) -> Integers:
    r"""Count beyond which a Poisson law, given that it exceeds ``above``, is negligible.

    Solves :math:`\int_{x}^{K} \log(y / \mu) dy = drop`, :math:`x = \max(above, \mu)`, by Newton's
    method from above (the left side is convex and increasing).
    """
    mean = np.maximum(mean, 1e-300)
    base = np.maximum(above, mean)
    log_base = np.log(base / mean)
    reach = drop + np.sqrt(drop * drop + 2.0 * drop * base)
    for _ in range(8):
        growth = np.log1p(reach / base)
        value = (base + reach) * growth + reach * (log_base - 1.0)
        before, reach = reach, np.maximum(reach - (value - drop) / (growth + log_base), 0.0)
        if np.max(before - reach, initial=0.0) < _SETTLED:
            break
    return np.asarray(np.ceil(base + reach) + 2.0).astype(np.int64)


def count_law(mean: Floats, excess: Floats, top: Integers) -> Law:
    r"""Negative binomial laws by mean and variance, Poisson where the variance is the mean.

    Parameters
    ----------
    mean : ndarray, shape (n,)
        :math:`m` [units].
    excess : ndarray, shape (n,)
        :math:`v - m \ge 0`; 0 gives Poisson, without a switch.
    top : ndarray of int, shape (n,)
        Largest count asked for; at least the reach of the law's bulk.

    Notes
    -----
    With :math:`q = (v - m) / v` and :math:`A = m^2 / v`:
    :math:`p(x + 1) / p(x) = (A + q x) / (x + 1)` and
    :math:`p(0) = \exp(A \log(1 - q) / q)`.
    """
    variance = mean + excess
    q = np.divide(excess, variance, out=np.zeros_like(mean), where=variance > 0)
    a = np.divide(mean * mean, variance, out=np.zeros_like(mean), where=variance > 0)
    if mean.size == 0 or mean.max() <= DIRECT_START:
        return _count_law_from_zero(a, q, int(top.max(initial=0)))
    return _count_law_from_mode(a, q, variance, top)


def _count_law_from_zero(a: Floats, q: Floats, top: int) -> Law:
    log_ratio = np.divide(np.log1p(-q), q, out=np.full_like(q, -1.0), where=q > 1e-300)
    steps = np.arange(top)[:, np.newaxis]
    mass = np.empty((top + 1, a.size))
    mass[0] = np.exp(a * log_ratio)
    mass[1:] = (a + q * steps) / (steps + 1.0)
    return Law(np.zeros(a.size, dtype=np.int64), np.multiply.accumulate(mass, axis=0, out=mass))


def _count_law_from_mode(a: Floats, q: Floats, variance: Floats, top: Integers) -> Law:
    mode = np.maximum(np.floor((a - 1.0) / (1.0 - q)) + 1.0, 0.0)
    below = np.minimum(np.ceil(np.sqrt(2.0 * BELOW * variance)), mode)
    up = mode + np.arange(int((top - mode).max(initial=0.0)))[:, np.newaxis]
    down = np.maximum(mode - np.arange(int(below.max()))[:, np.newaxis], 0.0)
    before = np.where(down > 0, a + q * (down - 1.0), 1.0)
    return _law_around(mode, (a + q * up) / (up + 1.0), down / before)


def _law_around(mode: Floats, up: Floats, down: Floats) -> Law:
    """Law from the ratios of neighboring probabilities above and below its mode."""
    mass = np.empty((len(down) + 1 + len(up), mode.size))
    mass[len(down)] = 1.0
    np.multiply.accumulate(up, axis=0, out=mass[len(down) + 1 :])
    np.multiply.accumulate(down, axis=0, out=mass[: len(down)][::-1])
    mass /= mass.sum(axis=0)
    return Law(mode.astype(np.int64) - len(down), mass)


def binomial_law(count: Integers, share: Floats, top: Integers) -> Law:
    """Binomial laws up to ``top``, built from their modes."""
    n = count.astype(np.float64)
    mode = np.minimum(np.floor((n + 1.0) * share), n)
    reach = BELOW / 3.0 + np.sqrt(BELOW**2 / 9.0 + 2.0 * BELOW * n * share * (1.0 - share))
    below = np.minimum(np.ceil(reach), mode)
    above = np.minimum(np.maximum(top, mode + reach), n) - mode
    odds = np.divide(share, 1.0 - share, out=np.zeros_like(share), where=share < 1.0)
    against = np.divide(1.0 - share, share, out=np.zeros_like(share), where=share > 0.0)
    up = mode + np.arange(int(above.max(initial=0.0)))[:, np.newaxis]
    down = np.maximum(mode - np.arange(int(below.max(initial=0.0)))[:, np.newaxis], 0.0)
    return _law_around(
        mode, np.maximum(n - up, 0.0) / (up + 1.0) * odds, down / (n - down + 1.0) * against
    )


def backorder_law(pipeline: Law, stock: Integers, top: Integers) -> Law:
    """Law of :math:`(X - S)^+` up to ``top`` backorders (per column)."""
    shift = np.maximum(stock - pipeline.start, 0)
    start = np.maximum(pipeline.start - stock, 0)
    width = max(int(np.maximum(top - start, 0).max(initial=0)) + 1, 1)
    row = np.arange(width)[:, np.newaxis] + shift
    inside = row < pipeline.width
    mass = np.take_along_axis(pipeline.mass, np.where(inside, row, 0), axis=0)
    mass *= inside
    below = np.arange(pipeline.width)[:, np.newaxis] < shift
    mass[0] += np.einsum("xn,xn->n", pipeline.mass, below)
    return Law(start, mass)


def thinned_law(backorders: Law, share: Floats, top: Integers) -> Law:
    r"""Law of a binomial share of the backorders, up to ``top``.

    Horner's rule on the generating function :math:`\sum_n p_n (1 - f + f z)^n`, from the highest
    count down; what lies below the window's start is a binomial law of its own.
    """
    if (share == 1.0).all():
        return backorders
    highest = min(backorders.width - 1, int(top.max(initial=0)))
    thin = _thinned_by_leaps if _leaps_pay(backorders, highest) else _thinned_by_steps
    law = Law(np.zeros(share.size, dtype=np.int64), thin(backorders.mass, share, highest))
    if backorders.start.any():
        return sum_law(law, binomial_law(backorders.start, share, top), top)
    return law


def _thinned_by_steps(late: Floats, share: Floats, highest: int) -> Floats:
    """Horner's rule, all columns together; shape (highest + 1, n)."""
    last = len(late) - 1
    mass = np.zeros((highest + 1, share.size))
    carry = np.empty_like(mass)
    mass[0] = late[last]
    keep = 1.0 - share
    for n in range(last - 1, -1, -1):
        used = min(last - n, highest)
        np.multiply(mass[:used], share, out=carry[:used])
        mass[: used + 1] *= keep
        mass[1 : used + 1] += carry[:used]
        mass[0] += late[n]
    return mass


def _leaps_pay(late: Law, highest: int) -> bool:
    """Whether wide laws of few columns are thinned sooner in leaps."""
    n_columns, n_leaps = late.start.size, late.width / _LEAP
    step = _STEP_SECONDS + 2.0 * _FIGURE_SECONDS * n_columns * highest
    leap = _COLUMN_SECONDS + _PRODUCT_SECONDS * _LEAP * highest
    if highest <= _LEAP:
        leap = _STEP_SECONDS / n_columns + _PRODUCT_SECONDS * (_LEAP + highest * highest)
    laws = _LAW_SECONDS * min(_LEAP, highest + 1)
    return n_columns * (n_leaps * leap + laws) < late.width * step


def _thinned_by_leaps(late: Floats, share: Floats, highest: int) -> Floats:
    r"""Horner's rule in powers of :math:`(1 - f + f z)^m`; shape (highest + 1, n).

    The sums over fewer than m counts, which it needs, are products of matrices.
    """
    n_leaps, most = -(-len(late) // _LEAP), min(_LEAP, highest)
    padded = np.zeros((share.size, n_leaps * _LEAP))
    padded[:, : len(late)] = late.T
    laws = _taken_of_few(share, most)
    few = padded.reshape(share.size, n_leaps, _LEAP) @ laws[:, :_LEAP]
    mass = np.zeros((share.size, highest + 1))
    mass[:, : most + 1] = few[:, -1]
    if highest == most:
        leap = _shifted(laws[:, _LEAP])
        for place in range(n_leaps - 2, -1, -1):
            mass = (mass[:, np.newaxis] @ leap)[:, 0]
            mass += few[:, place]
        return mass.T
    for column in range(share.size):
        law = few[column, -1]
        for next_few in few[column, -2::-1]:
            law = np.convolve(law, laws[column, _LEAP])[: highest + 1]
            law[: most + 1] += next_few[: len(law)]
        mass[column, : len(law)] = law
    return mass.T


def _taken_of_few(share: Floats, most: int) -> Floats:
    """Binomial laws of counts up to ``most`` of no more late units than a leap has.

    Shape (n, units + 1, counts + 1).
    """
    units, count = np.arange(_LEAP + 1), np.arange(most + 1)
    chance, others = share[:, np.newaxis], np.maximum(units[:, np.newaxis] - count, 0)
    not_taken = ((1.0 - chance) ** units)[:, others]
    return np.asarray(_ways(_LEAP, most) * (chance**count)[:, np.newaxis] * not_taken)


def _shifted(law: Floats) -> Floats:
    """Matrices that a law times gives the law of a sum, up to the same count; (n, size, size)."""
    size = law.shape[1]
    before = np.concatenate([np.zeros((len(law), size - 1)), law], axis=1)
    count = np.arange(size)
    return np.ascontiguousarray(before[:, size - 1 + count - count[:, np.newaxis]])


@lru_cache(maxsize=2 * _LEAP)
def _ways(units: int, most: int) -> Floats:
    """Ways to take up to ``most`` of 0, 1, ... units, 0 where there are fewer."""
    return np.asarray(scipy.special.binom(np.arange(units + 1)[:, np.newaxis], np.arange(most + 1)))


def sum_law(one: Law, other: Law, top: Integers) -> Law:
    """Law of the sum of independent counts, up to ``top``."""
    short, long = (one, other) if one.width <= other.width else (other, one)
    start = one.start + other.start
    width = min(one.width + other.width - 1, max(int((top - start).max(initial=0)) + 1, 1))
    n_short, n_long = min(short.width, width), min(long.width, width)
    mass = np.zeros((width, start.size))
    steps = n_short * (_STEP_SECONDS + _FIGURE_SECONDS * n_long * start.size)
    if start.size * (_COLUMN_SECONDS + _PRODUCT_SECONDS * n_short * n_long) < steps:
        for column in range(start.size):
            products = np.convolve(short.mass[:n_short, column], long.mass[:n_long, column])
            mass[: len(products), column] = products[:width]
        return Law(start, mass)
    part = np.empty((n_long, start.size))
    for i in range(n_short):
        n = min(n_long, width - i)
        np.multiply(long.mass[:n], short.mass[i], out=part[:n])
        mass[i : i + n] += part[:n]
    return Law(start, mass)


def lot_law(law: Law, lots: Integers | None, top: Integers) -> Law:
    """Law of :math:`X + U` up to ``top``, U uniform on 0, ..., Q - 1: units below the base stock.

    Orders of Q units leave the inventory position at :math:`S - U`, independent of the demand
    over the resupply time (Hadley and Whitin 1963), so :math:`X + U` with a base stock S is what
    X is with the position. ``top`` must have room for U; None for lots leaves the law.
    """
    if lots is None:
        return law
    below = np.arange(int(lots.max(initial=1)))[:, np.newaxis] < lots
    return sum_law(law, Law(np.zeros(lots.size, dtype=np.int64), below / lots), top)


@dataclass(frozen=True)
class StockMoments:
    """Backorders, shortfalls of service and stock on hand; arrays of one shape."""

    expected_backorders: Floats
    backorder_variance: Floats
    stockout: Floats
    unready: Floats
    filled: Floats
    ready: Floats
    on_hand: Floats

    @classmethod
    def idle(cls, stock: Integers, lots: Integers | None = None) -> StockMoments:
        """What a stock is when no unit is ever under way; ``lots`` are of its shape."""
        return cls(
            expected_backorders=np.zeros(stock.shape),
            backorder_variance=np.zeros(stock.shape),
            stockout=(stock <= 0).astype(np.float64),
            unready=np.zeros(stock.shape),
            filled=(stock > 0).astype(np.float64),
            ready=np.ones(stock.shape),
            on_hand=stock.astype(np.float64) - (0.0 if lots is None else (lots - 1) / 2.0),
        )

    def put(self, cells: Any, moments: StockMoments) -> None:
        """Enter the moments of some cells (any numpy index)."""
        for field in fields(self):
            getattr(self, field.name)[cells] = getattr(moments, field.name)

    def reshaped(self, shape: tuple[int, ...]) -> StockMoments:
        """The same figures in another shape."""
        return StockMoments(*(getattr(self, field.name).reshape(shape) for field in fields(self)))


def stock_moments(law: Law, stock: Integers) -> StockMoments:
    """Backorders, shortfalls of service and stock on hand by sums of positive terms."""
    distance = (law.start - stock).astype(np.float64) + np.arange(law.width)[:, np.newaxis]
    short = np.maximum(distance, 0.0)
    backorders = np.einsum("xn,xn->n", short, law.mass)
    unready, stockout, filled, ready = (
        np.minimum(np.einsum("xn,xn->n", event, law.mass), 1.0)
        for event in (distance > 0.0, distance >= 0.0, distance < 0.0, distance <= 0.0)
    )
    on_hand = np.einsum("xn,xn->n", np.maximum(-distance, 0.0), law.mass)
    short -= backorders
    np.square(short, out=short)
    return StockMoments(
        expected_backorders=backorders,
        backorder_variance=np.einsum("xn,xn->n", short, law.mass),
        stockout=np.where(stock <= 0, 1.0, stockout),
        unready=unready,
        filled=np.where(stock <= 0, 0.0, filled),
        ready=ready,
        on_hand=on_hand,
    )


def short_stock_moments(law: Law, stock: Integers, mean: Floats, variance: Floats) -> StockMoments:
    """The same where a shortage is likely, from laws up to the stock, and mean and variance.

    Nothing is lost by differences from 1 and from the mean there.
    """
    left = (stock - law.start).astype(np.float64) - np.arange(law.width)[:, np.newaxis]
    filled, ready = (np.einsum("xn,xn->n", event, law.mass) for event in (left > 0.0, left >= 0.0))
    np.maximum(left, 0.0, out=left)
    on_hand = np.einsum("xn,xn->n", left, law.mass)
    backorders = mean - stock + on_hand
    left_variance = np.einsum("xn,xn,xn->n", left, left, law.mass) - on_hand * on_hand
    return StockMoments(
        expected_backorders=backorders,
        backorder_variance=variance - left_variance - 2.0 * backorders * on_hand,
        stockout=1.0 - filled,
        unready=1.0 - ready,
        filled=filled,
        ready=ready,
        on_hand=on_hand,
    )


def count_reach(
    mean: Floats, excess: Floats, above: Floats, rareness: Floats | float = 0.0
) -> Integers:
    r"""Count beyond which a negative binomial law, given that it exceeds ``above``, is negligible.

    ``rareness`` is -log of the probability of what it is negligible beside, where that is less.

    Newton's method, from above, on :math:`\int_x^{x+w} \log[(y + 1) / (A + q y)] dy = drop` with
    :math:`x = \max(above, m)`; the integral by Gauss-Legendre.
    """
    if not excess.any():
        return poisson_reach(mean, above, NEGLIGIBLE + rareness)
    mean = np.maximum(mean, 1e-300)
    variance = mean + excess
    q, a = excess / variance, mean * (mean / variance)
    base = np.maximum(above, mean)
    slow = mean / variance
    drop = NEGLIGIBLE + 5.0 + rareness
    reach = (drop + np.sqrt(drop * drop + 2.0 * slow * drop * (base + 1.0))) / slow
    points, weights = np.polynomial.legendre.leggauss(6)
    for _ in range(12):
        y = base + np.multiply.outer(0.5 * (points + 1.0), reach)
        value = 0.5 * reach * np.einsum("k,kn->n", weights, np.log((y + 1.0) / (a + q * y)))
        end = base + reach
        slope = np.log((end + 1.0) / (a + q * end))
        before, reach = reach, np.maximum(reach - (value - drop) / slope, 0.0)
        if np.max(np.abs(before - reach), initial=0.0) < _SETTLED:
            break
    return np.asarray(np.ceil(base + 1.1 * reach) + 3.0).astype(np.int64)


def similar_widths(width: Integers, per_row: int = 1) -> Iterator[Integers]:
    """Positions in order of the width they need, cut into blocks that fit the cache.

    Positions of width 0 are left out.
    """
    some = np.flatnonzero(width > 0)
    widths = width[some]
    if widths.max(initial=0) < 2**15:
        widths = widths.astype(np.int16)  # 16 bits are sorted by counting
    order = some[np.argsort(widths, kind="stable")]
    sorted_width = width[order]
    first = 0
    while first < len(order):
        widest = 1.3 * sorted_width[first] + 8
        last = int(np.searchsorted(sorted_width, widest, side="right"))
        block = np.arange(1, last - first + 1) * sorted_width[first:last] * per_row
        last = first + max(int(np.searchsorted(block, CELLS, side="right")), 1)
        yield order[first:last]
        first = last
