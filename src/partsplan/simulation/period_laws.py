"""Joint laws of the demands of a period and of those that find no unit, at one place by itself.

Demand is Poisson and every unit comes from a source that never runs out, so a place knows only its
own demands. A law is an array by (demands, missed); what it lacks of 1 is what was cut off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.evaluation.poisson import poisson_pmf

Floats = NDArray[np.float64]

_CUT = 1e-12
"""Probability that a cap on a count may cut off."""
_CUT_OF_CHAIN = 1e-10
_CUT_OF_BLOCKS = 1e-8
"""The same where the work grows with a power of the caps, the lower the higher."""
_MOST_CELLS = 1_500_000
"""Largest table of states."""
_MOST_WORK = 1e9
"""Most states times steps of all tables: a second or two."""
_MOST_SPACED = 20.0
"""Most demands of a period for `law_of_one_unit`: differences of large numbers lose digits."""
_NODES = 48


@dataclass(eq=False)
class LawBook:
    """Laws at places, each worked out once, as long as the work allowed lasts."""

    work_left: float = _MOST_WORK
    """Terms that may still be added up."""
    known: dict[tuple[float, int, float, float, bool], Floats | None] = field(default_factory=dict)

    def spend(self, work: float) -> bool:
        """Whether so much work may be done; it is taken off then."""
        if work > self.work_left:
            return False
        self.work_left -= work
        return True

    def law(
        self, per_day: float, stock: int, lead_days: float, days: float, *, is_exponential: bool
    ) -> Floats | None:
        """The law by whichever method reaches it; None where none does with the work allowed.

        Parameters
        ----------
        per_day : float
            Demand [units/day].
        stock : int
            Base stock S of at least 1 [units].
        lead_days : float
            Time from an order to the shelf, or its mean, less a response window [days].
        days : float
            Length of the period [days].
        is_exponential : bool
            Whether the time is exponential; else it is always the same.

        Returns
        -------
        ndarray, shape (most_demands + 1, most_missed + 1), or None
        """
        key = (per_day, stock, lead_days, days, is_exponential)
        if key not in self.known:
            self.known[key] = self._worked_out(*key)
        return self.known[key]

    def _worked_out(
        self, per_day: float, stock: int, lead_days: float, days: float, is_exponential: bool
    ) -> Floats | None:
        if is_exponential:
            shape, fastest = chain_size(per_day, lead_days, days)
            if not self.spend(float(np.prod(shape)) * (fastest * days + 30.0)):
                return None
            return law_of_exponential_times(per_day, stock, lead_days, days)
        if stock == 1 and per_day * days <= _MOST_SPACED:
            return law_of_one_unit(per_day, lead_days, days)
        cells, steps = blocks_size(per_day, lead_days, days)
        if cells > _MOST_CELLS or not self.spend(cells * steps):
            return None
        return law_over_blocks(per_day, stock, lead_days, days)


def law_of_one_unit(per_day: float, lead_days: float, days: float) -> Floats:
    r"""One unit, resupplied in a time that is always the same: missed is who comes too early.

    A demand is missed when the one before it came less than the resupply time ago. With d demands
    of the period, h of them not missed, volumes of what is left of the period when gaps of h + j
    resupply times are cut out give the law by inclusion and exclusion over the missed ones.

    Examples
    --------
    >>> law = law_of_one_unit(0.1, 10.0, 50.0)  # P(missed) = 1 - exp(-1), in the long run
    >>> asked, missed = (law.sum(axis=1 - axis) @ np.arange(law.shape[axis]) for axis in (0, 1))
    >>> round(float(missed / asked), 6)
    0.632121
    """
    mean, gap = per_day * days, lead_days / days
    counts = _poisson(mean)
    most = len(counts) - 1
    law = np.zeros((most + 1, most + 1))
    law[0, 0] = counts[0]
    index = np.arange(most + 1)
    missed_each = -np.expm1(-per_day * lead_days)  # of the first n demands, binomially many
    most_missed = int((scipy.special.bdtrc(index, most, missed_each) > _CUT).sum())
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    start = np.clip((index + 1) * gap - 1.0, 0.0, gap)  # else no room is left
    half = (gap - start)[:, np.newaxis] / 2.0
    age = start[:, np.newaxis] + half * (nodes + 1.0)
    density = mean * np.exp(-mean * age) * half * weights
    room = np.maximum(1.0 - gap + age - index[:, np.newaxis] * gap, 0.0)
    free = np.maximum(1.0 - index * gap, 0.0)
    for d in range(1, most + 1):
        whole = free.astype(np.longdouble) ** d
        late_start = (density * room.astype(np.longdouble) ** d).sum(axis=1)
        after_hit = np.exp(-mean * gap) * whole + late_start  # the first demand is not missed
        after_miss = -np.expm1(-mean * gap) * whole - late_start
        for missed, ways in enumerate(_binomials(d - 1, most_missed)):
            law[d, missed] += counts[d] * float(ways * after_hit[d - missed - 1])
            law[d, missed + 1] += counts[d] * float(ways * after_miss[d - missed - 1])
            after_hit, after_miss = -np.diff(after_hit), -np.diff(after_miss)
    return np.maximum(law, 0.0)


def law_over_blocks(per_day: float, stock: int, lead_days: float, days: float) -> Floats:
    r"""Any stock, a time that is always the same, in a period of few such times.

    Cut time, with the resupply time before the period, into blocks of the resupply time L and read
    all blocks side by side, by the offset u in [0, L). At u the units on order in block i are the
    demands of block i - 1 after u and those of block i before u. Side by side the blocks are
    independent Poisson processes, so the counts are a Markov chain in u; each block's count is
    guessed at the start, as the demands still to come, and must be used up at the end.

    Examples
    --------
    >>> law = law_over_blocks(0.02, 1, 60.0, 50.0)
    >>> missed = law.sum(axis=0) @ np.arange(law.shape[1])
    >>> round(float(missed), 6)  # 1 - exp(-1.2) of one demand
    0.698806
    """
    n_blocks, last_days, most, in_last = _blocks(per_day, lead_days, days)
    asked = (n_blocks - 1) * most + in_last
    shape = (*(most + 1,) * (2 * n_blocks - 1), in_last + 1, asked + 1)
    blocks = _SideBySide(n_blocks, stock, shape)
    state = blocks.start()
    state = blocks.passed(state, (n_blocks + 1) * per_day * last_days, n_blocks + 1)
    state = blocks.passed(state, n_blocks * per_day * (lead_days - last_days), n_blocks)
    return blocks.law(state, asked)


def blocks_size(per_day: float, lead_days: float, days: float) -> tuple[float, float]:
    """States and steps of `law_over_blocks`."""
    n_blocks, last_days, most, in_last = _blocks(per_day, lead_days, days)
    asked = (n_blocks - 1) * most + in_last
    cells = float(most + 1) ** min(2 * n_blocks - 1, 40) * (in_last + 1) * (asked + 1)
    steps = per_day * (n_blocks * lead_days + last_days) + 30.0
    return cells, steps * (n_blocks + 1)


def _blocks(per_day: float, lead_days: float, days: float) -> tuple[int, float, int, int]:
    """Blocks of a period, days of its last one, and the most demands of a block and of the last."""
    n_blocks = int(np.ceil(days / lead_days - 1e-12))
    last_days = days - (n_blocks - 1) * lead_days
    most, in_last = (
        len(_poisson(per_day * length, _CUT_OF_BLOCKS)) - 1 for length in (lead_days, last_days)
    )
    return n_blocks, last_days, most, in_last


class _SideBySide:
    """Table of states of blocks read side by side.

    Axes: the guessed counts of blocks 1 to m - 1, what is to come of blocks 0 to m - 1, what has
    come of block m, and the missed.
    """

    def __init__(self, n_blocks: int, stock: int, shape: tuple[int, ...]) -> None:
        self.n_blocks, self.shape = n_blocks, shape
        n = n_blocks
        counts = [
            np.arange(size).reshape([-1 if a == axis else 1 for a in range(len(shape) - 1)])
            for axis, size in enumerate(shape[:-1])
        ]
        guessed, left, come = counts[: n - 1], counts[n - 1 : 2 * n - 1], counts[2 * n - 1]
        here = [guess - rest for guess, rest in zip(guessed, left[1:], strict=True)] + [come]
        self.is_missed = [before + own >= stock for before, own in zip(left, here, strict=True)]
        """Whether a demand of block 1, 2, ... would be missed, by state."""

    def start(self) -> Floats:
        """Nothing of any block has come, so what is to come is what was guessed."""
        state = np.zeros(self.shape)
        n = self.n_blocks
        for guess in np.ndindex(self.shape[: n - 1]):
            state[(*guess, slice(None), *guess, 0, 0)] = 1.0
        return state

    def passed(self, state: Floats, mean: float, n_moving: int) -> Floats:
        """The state after a stretch with a Poisson number of demands of the first blocks."""
        if mean <= 0.0:
            return state
        total = np.zeros(self.shape)
        for weight in _poisson(mean):
            total += weight * state
            state = self._after_demand(state, n_moving)
        return total

    def _after_demand(self, state: Floats, n_moving: int) -> Floats:
        """A demand of one of the moving blocks, each as likely."""
        following = np.zeros(self.shape)
        own = self.n_blocks - 1  # axis of what is to come of block 0
        following[_from(own, 0, -1)] += state[_from(own, 1, None)]
        for block in range(1, n_moving):
            axis = own + block
            missed = np.broadcast_to(self.is_missed[block - 1][..., np.newaxis], self.shape)
            for chosen, step in ((~missed, 0), (missed, 1)):
                moved = np.where(chosen, state, 0.0)
                if step:
                    moved = np.concatenate([np.zeros_like(moved[..., :1]), moved[..., :-1]], -1)
                if block == self.n_blocks:
                    following[_from(axis, 1, None)] += moved[_from(axis, 0, -1)]
                else:
                    following[_from(axis, 0, -1)] += moved[_from(axis, 1, None)]
        return following / n_moving

    def law(self, state: Floats, asked: int) -> Floats:
        """What is left where all guesses are used up, by (demands, missed)."""
        n = self.n_blocks
        law = np.zeros((asked + 1, asked + 1))
        for guess in np.ndindex(self.shape[: n - 1]):
            table = state[(*guess, *(0,) * n)]
            law[sum(guess) + np.arange(len(table))] += table
        return law


def law_of_exponential_times(per_day: float, stock: int, mean_days: float, days: float) -> Floats:
    r"""Any stock, exponential resupply times: the units on order are a birth-death chain.

    They rise by one at the demand rate and fall at x / L from x. From their Poisson law at the
    start the chain is followed by uniformization, the missed (x >= S) counted on the way.

    Examples
    --------
    >>> law = law_of_exponential_times(0.1, 1, 10.0, 50.0)
    >>> missed = law.sum(axis=0) @ np.arange(law.shape[1])
    >>> round(float(missed / 5), 6)
    0.632121
    """
    shape, fastest = chain_size(per_day, mean_days, days)
    under_way, on_order = _poisson(per_day * mean_days, _CUT_OF_CHAIN), np.arange(shape[0])
    state = np.zeros(shape)
    state[: len(under_way), 0, 0] = under_way
    rises, falls = per_day / fastest, (on_order / mean_days / fastest)[:, np.newaxis, np.newaxis]
    total = np.zeros(shape)
    for weight in _poisson(fastest * days, _CUT_OF_CHAIN):
        total += weight * state
        following = state * (1.0 - rises - falls)
        following[:-1] += (falls * state)[1:]
        hit, missed = state[:stock], state[stock:-1]
        following[1 : len(hit) + 1, 1:] += rises * hit[: len(on_order) - 1, :-1]
        following[stock + 1 :, 1:, 1:] += rises * missed[:, :-1, :-1]
        state = following
    return np.asarray(total.sum(axis=0))


def chain_size(per_day: float, mean_days: float, days: float) -> tuple[tuple[int, ...], float]:
    """Shape of the states of `law_of_exponential_times`, and the rate of their steps [1/day]."""
    under_way = len(_poisson(per_day * mean_days, _CUT_OF_CHAIN)) + 4
    asked = len(_poisson(per_day * days, _CUT_OF_CHAIN))
    return (under_way, asked, asked), per_day + (under_way - 1) / mean_days


def _poisson(mean: float, cut: float = _CUT) -> Floats:
    """Probabilities of 0, 1, ... demands, until only the cut is left."""
    law = poisson_pmf(mean, int(np.ceil(mean + 12.0 * np.sqrt(mean) + 30.0)))
    above = np.cumsum(law[::-1])[::-1]
    return np.asarray(law[: int((above > cut).sum())])


def _binomials(n: int, most: int) -> Iterator[np.longdouble]:
    """Binomial coefficients n over 0, 1, ..., at most n or a number."""
    value = np.longdouble(1.0)
    for k in range(min(n, most) + 1):
        yield value
        value = value * (n - k) / (k + 1)


def _from(axis: int, start: int, stop: int | None) -> tuple[slice, ...]:
    """A slice of one axis."""
    return (*(slice(None),) * axis, slice(start, stop))
