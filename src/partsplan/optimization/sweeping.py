r"""Horner's rule over the units under way at a parent: a location's figure at every stock above.

Of one more unit late at the parent a location waits with probability f, so that its figure steps
as :math:`(K g)(S) = (1 - f) g(S) + f g(S - 1)`, and with n units late it is :math:`K^n g`. With
:math:`p_k` the law of the units under way at the parent, the figure over the late units at the
parent's stock s is :math:`A_s = \sum_{n \ge 1} p_{s+n} K^n g`, and

.. math:: A_{s-m} = K^m A_s + \sum_{i=1}^m p_{s-m+i} K^i g .

One sweep from the far end gives it for every stock, by steps of m = 1. As
:math:`K^m g = \sum_j b_m(j) g(S - j)`, where :math:`b_m` is the binomial law of how many of m late
units are this location's, a leap over many stocks that nobody asks for costs a term for every
likely j, of which there are far fewer than m where many locations share; and where so few units
are never under way, the second sum is nothing and leaps may have any length. All terms are
positive.

Where so many units are late that a location has none left with any likelihood, whatever it stocks,
its figure is what it would be if units could be owed: :math:`K^n` of the line :math:`E[X] - S`, or
of 1. So a sweep may begin that many stocks beyond the highest that is asked for, with the line in
place of all that lies further on.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import scipy

from partsplan.optimization.axes import Floats
from partsplan.optimization.poisson_tables import tails

Kind = Literal["loss", "tail", "law"]

_NEVER = 1e-21
"""Probability below which nothing is lost without a count."""
_NOTHING = 1e-25
"""Figure that no other is changed by."""
_WORTH_NARROWING = 64
"""Length of figures from which it pays to leave out what is nothing yet."""
_ENDLESS = 2**40
_LEAPS = 8
"""Leaps of the longest kind in a sweep; the laws of longer ones take too long to make."""
_LONGEST_LEAP = 512
_LAW_FIGURES = 4_000_000
"""Figures of the laws of leaps at most."""
_WORTH_LEAPING = 192
"""Length of a sweep from which the laws of leaps are worth making."""
_STEP_COST = 6.0
_LEAP_COST = 30.0
_TERM_COST = 8.0
_TERM_COST_BY_ROW = 0.8
"""Passes over the figures of a step, and of a leap: without its terms and for every term."""


class Sweep:
    """Figures at one stock of the parent after another, from the far end.

    Parameters
    ----------
    none_late
        The figure with no late unit, axes (part, location, stock or count).
    share
        Axes (part, location).
    kind
        E[(X - S)+], P(X >= S) or P(X = k): what the figure is at less than no stock.
    under_way
        Axes (part, context, count).
    highest
        Highest stock of the parent that is asked for; None where all are.
    """

    def __init__(
        self,
        none_late: Floats,
        share: Floats,
        kind: Kind,
        under_way: Floats,
        highest: int | None = None,
    ) -> None:
        reached = np.flatnonzero(under_way.max(axis=(0, 1), initial=0.0) > _NEVER)
        last = int(reached.max(initial=0))
        self.position = last
        """Stock of the parent that `current` is for."""
        if highest is not None and last - highest > _WORTH_LEAPING:
            until = max(_until_all_are_short(none_late, share, kind), 1)
            self.position = min(last, highest + until)
        n, n_places, size = none_late.shape
        self.kind = kind
        self.current = np.zeros((n, under_way.shape[1], n_places, size))
        self._none_late = none_late[:, None]
        self._under_way = under_way
        mass = tails(under_way[..., : last + 1])
        self._mass = mass[..., None]
        self._share = share[:, None, :, None]
        self._stay = 1.0 - self._share
        self._moved = np.empty_like(self.current)
        self._rare = 0
        """Position below which no units are under way with any likelihood."""
        self._leaps: _Leaps | None = None
        if self.position >= _WORTH_LEAPING:
            self._rare = int(reached.min())
            if (share == share[:1]).all():
                share = share[:1]  # as of one part at many rates
            fits = int(np.sqrt(_LAW_FIGURES / share.size))
            longest = max(1, min(self.position // _LEAPS, _LONGEST_LEAP, fits))
            self._leaps = _Leaps(share, longest, n * n_places * under_way.shape[1])
        self._own = size if size < _WORTH_NARROWING else _last_above(none_late, _NOTHING)
        self._width = self._own
        """Length that is worked: what comes from it, and what has come from further down."""
        self._narrows = self.position == last
        if not self._narrows:
            self._width = size
            self._begin_with_the_line(mass[..., self.position + 1 :])

    def _begin_with_the_line(self, mass: Floats) -> None:
        """All that lies further on, where all are short; figures may be below 0 until they are.

        ``mass`` is P(X >= k), from the first count further on.
        """
        if self.kind == "law":
            return
        some = mass[..., 0, None, None]
        if self.kind == "tail":
            self.current += some
            return
        own = self._none_late[..., :1] - np.arange(self.current.shape[-1])
        self.current += some * own + self._share * mass.sum(axis=-1)[..., None, None]

    def go_down(self, least: int) -> None:
        """One stock further down, or more in one leap, though not below ``least``."""
        distance = self.position - least
        if self._leaps is None:
            self._step()
        elif self.position < self._rare and self._leaps.pay_alone(distance):
            self._leap(distance, *self._leaps.law(distance), None)
        elif self._leaps.pay(distance):
            length = min(distance, self._leaps.longest)
            weight = self._under_way[:, :, self.position - length + 1 : self.position + 1]
            self._leap(length, 0, self._leaps.at(length), self._leaps.mixed(weight))
        else:
            self._step()

    def _step(self) -> None:
        count, kind = self.position, self.kind
        width = min(self._width + 1, self.current.shape[-1])
        current, moved, share = self.current[..., :width], self._moved[..., :width], self._share
        weight = self._under_way[:, :, count, None, None]
        np.multiply(self._none_late[..., :width], weight, out=moved)
        current += moved
        one_more_late(kind, current, moved, (share, self._stay), self._mass[:, :, count])
        self.position -= 1
        if width > self._width and current[..., -1].max(initial=0.0) > _NOTHING:
            self._width = width

    def _leap(self, length: int, first: int, law: Floats, of_none_late: Floats | None) -> None:
        """Some stocks further down.

        ``law`` of how many late units are a location's, from ``first`` on, has the axes (part,
        location, count); ``of_none_late``, of the units that become late, has those of `current`.
        """
        size, n_terms = self.current.shape[-1], first + law.shape[-1]
        width = min(self._width + n_terms - 1, size)
        mass = np.zeros_like(self._mass[:, :, 0])
        if self.position + 1 < self._mass.shape[2]:
            mass = self._mass[:, :, self.position + 1]
        before = self._with_less_than_none(self.current[..., :width], mass[..., None], n_terms)
        current, moved = self.current[..., :width], self._moved[..., :width]
        current[:] = 0.0
        _convolve(before, law[:, None], moved, current)
        if of_none_late is not None:
            alone = self._with_less_than_none(self._none_late[..., :width], np.ones(1), n_terms)
            _convolve(alone, of_none_late, moved, current)
        self.position -= length
        if self._narrows:
            self._width = max(self._own, _last_above(current, _NOTHING))

    def _with_less_than_none(self, figure: Floats, mass: Floats, n_terms: int) -> Floats:
        """The figure with what it is at less than no stock put before it."""
        less = np.arange(n_terms - 1, 0, -1, dtype=np.float64)
        if self.kind == "loss":
            before = figure[..., :1] + mass * less
        else:
            at = 0.0 if self.kind == "law" else 1.0
            before = np.broadcast_to(at * mass, (*figure.shape[:-1], n_terms - 1))
        return np.concatenate([before, figure], axis=-1)


def one_more_late(
    kind: Kind, current: Floats, moved: Floats, chances: tuple[Floats, Floats], mass: Floats
) -> None:
    """Step figures, in place, to one more unit late at the parent.

    Parameters
    ----------
    current, moved
        The figures, stocks on the last axis, and room for as many.
    chances
        That a late unit is the location's, and that it is not; one stock.
    mass
        Total weight of what the figures sum, without the axis of stocks.
    """
    share, stay = chances
    np.multiply(current, share, out=moved)
    current *= stay
    current[..., 1:] += moved[..., :-1]
    if kind != "law":
        current[..., 0] += share[..., 0] * mass
    if kind == "loss":
        current[..., 0] += moved[..., 0]


def _until_all_are_short(none_late: Floats, share: Floats, kind: Kind) -> int:
    """Late units from which no location has any unit left, at whatever stock; at least.

    By Chernoff's bound, of Poisson and binomial counts together, as `_NEVER` has it.
    """
    most = none_late.shape[-1] - 1
    exponent = -np.log(_NEVER)
    enough = most + exponent + np.sqrt(exponent * (exponent + 2.0 * most))
    if kind == "loss":
        own = none_late[..., 0]
    elif kind == "tail":
        own = none_late[..., 1:].sum(axis=-1)
    else:
        own = none_late @ np.arange(most + 1.0)
    lacking = np.maximum(enough - own, 0.0)
    late = np.divide(lacking, share, out=np.full_like(share, np.inf), where=share > 0.0)
    most_late = np.where(lacking > 0.0, late, 0.0).max(initial=0.0)
    return int(min(np.ceil(most_late), _ENDLESS))


class _Leaps:
    """Binomial laws of how many of some late units are a location's.

    ``laws`` has the axes (part, late units, location, count); one part where all have its shares.
    """

    def __init__(self, share: Floats, longest: int, n_rows: int) -> None:
        self._share = share
        self.longest = longest
        self._n_rows = n_rows
        most = _binomial(np.array([[share.max(initial=0.0)]]), longest, longest)
        self.laws = _binomial(share, longest, _last_above(most, _NEVER) - 1)
        length = np.arange(longest + 1)
        self._n_terms = np.array([_last_above(self.laws[:, m], _NEVER) for m in length])
        self._pays = [bool(self._cost(int(self._n_terms[m])) < _STEP_COST * m) for m in length]

    def _cost(self, n_terms: int) -> float:
        by_row = _is_by_row(n_terms, self._n_rows)
        return _LEAP_COST + n_terms * (_TERM_COST_BY_ROW if by_row else _TERM_COST)

    def pay(self, distance: int) -> bool:
        """Whether a leap, as far as leaps go, costs less than single steps."""
        return self._pays[min(distance, self.longest)]

    def pay_alone(self, distance: int) -> bool:
        """Whether one leap of any length does, where no unit becomes late on the way."""
        if _STEP_COST * distance <= _LEAP_COST:
            return False
        first, end = self._likely(distance)
        return self._cost(end - first) < _STEP_COST * distance

    def _likely(self, length: int) -> tuple[int, int]:
        """First count that is likely at some location, and the end of them."""
        first, _ = _likely(float(self._share.min(initial=1.0)), length)
        return first, _likely(float(self._share.max(initial=0.0)), length)[1]

    def law(self, length: int) -> tuple[int, Floats]:
        """First likely count, and the law from there on; axes (part, location, count)."""
        first, end = self._likely(length)
        count, share = np.arange(first, end), self._share[..., None]
        ways = scipy.special.gammaln([length + 1.0]) - scipy.special.gammaln(count + 1.0)
        ways -= scipy.special.gammaln(length - count + 1.0)
        chance = scipy.special.xlogy(count, share)
        return first, np.exp(ways + chance + scipy.special.xlog1py(length - count, -share))

    def at(self, length: int) -> Floats:
        """The law without counts that are never likely; axes (part, location, count)."""
        return np.asarray(self.laws[:, length, :, : self._n_terms[length]])

    def mixed(self, weight: Floats) -> Floats:
        """Laws of 1, 2, ... late units, weighed; axes (part, context, location, count)."""
        length = weight.shape[-1]
        laws = self.laws[:, 1 : length + 1]
        mixed = weight @ laws.reshape(len(laws), length, -1)
        mixed = mixed.reshape(*weight.shape[:2], *laws.shape[2:])
        return np.asarray(mixed[..., : self._n_terms[length]])


def _is_by_row(n_terms: int, n_rows: int) -> bool:
    """Whether there are fewer rows to work one by one than terms."""
    return n_rows < 2 * n_terms


def _convolve(figure: Floats, law: Floats, moved: Floats, out: Floats) -> None:
    """Add sums over counts of a law times a figure that many stocks further down.

    Parameters
    ----------
    figure
        Last axis: what is at the last count of the law below the first stock, and so on up.
    law
        Axes (part, context or 1, location, count).
    moved
        Room for figures.
    out
        Figures to be added to, axes (part, context, location, stock).
    """
    size, n_terms = out.shape[-1], law.shape[-1]
    rows = out.shape[:-1]
    if not _is_by_row(n_terms, int(np.prod(rows))):
        for count in range(n_terms):
            some = slice(n_terms - 1 - count, n_terms - 1 - count + size)
            np.multiply(figure[..., some], law[..., count, None], out=moved)
            out += moved
        return
    figure = np.broadcast_to(figure, (*rows, figure.shape[-1]))
    law = np.broadcast_to(law, (*rows, n_terms))
    for row in np.ndindex(rows):
        likely = np.flatnonzero(law[row] > _NEVER)
        if len(likely):
            first, last = int(likely[0]), int(likely[-1])
            some = slice(n_terms - 1 - last, n_terms - 1 - first + size)
            out[row] += np.convolve(figure[row][some], law[row][first : last + 1], mode="valid")


def _binomial(share: Floats, longest: int, most: int) -> Floats:
    """Laws of counts up to ``most``; axes (part, late units, location, count)."""
    n, n_places = share.shape
    laws = np.zeros((n, longest + 1, n_places, most + 1))
    laws[:, 0, :, 0] = 1.0
    for m in range(longest):
        laws[:, m + 1] = (1.0 - share[..., None]) * laws[:, m]
        laws[:, m + 1, :, 1:] += share[..., None] * laws[:, m, :, :-1]
    return laws


def _likely(share: float, length: int) -> tuple[int, int]:
    """First likely count of a binomial law, and the end of the likely ones."""
    exponent = -np.log(_NEVER)  # Bernstein's inequality says where to look
    further = exponent / 3.0 + np.sqrt(
        (exponent / 3.0) ** 2 + 2.0 * length * share * (1.0 - share) * exponent
    )
    mean = length * share
    count = np.arange(max(int(mean - further), 0), min(int(mean + further) + 1, length) + 1)
    no_more, more = (
        scipy.special.bdtr(count, length, share),
        scipy.special.bdtrc(count, length, share),
    )
    is_likely = (no_more > _NEVER) & (np.append(1.0, more[:-1]) > _NEVER)
    likely = count[is_likely]
    return int(likely[0]), int(likely[-1]) + 1


def _last_above(figures: Floats, least: float) -> int:
    """Length of the last axis without what is never above a least figure; 1 or more."""
    above = (figures > least).any(axis=tuple(range(figures.ndim - 1)))
    return 1 + int(np.flatnonzero(above).max(initial=0))
