"""The chance that a period keeps a promise, by formulas, where the laws of all parts are known.

Parts are independent, so generating functions of (demands, what they weigh) multiply; a fast
Fourier transform gives back their joint law, and the measured figure is a function of the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.commitments import Promise
from partsplan.evaluation.performance import MET_TOLERANCE
from partsplan.simulation.period_laws import LawBook
from partsplan.simulation.period_outcomes import (
    Kinds,
    PartDemands,
    PlaceDemands,
    factor_rule,
    part_demands,
)
from partsplan.simulation.running import Experiment

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

_MOST_CELLS = 400_000
_MOST_STEPS = 2000
"""Most steps of the lattice that one demand may weigh."""
_MOST_ERROR = 1e-5
"""Error from which on simulation is asked."""
_RULES = (16, 24)
"""Sizes of two rules for an uncertain rate; their difference is the error."""
_LARGEST_SHAPE = 80.0
_SMALLEST_SHARE = 5e-7
"""Weight of a node below which it is left out."""
_EDGE = 0.05
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class ExactPeriod:
    """What formulas say of one promise."""

    probability: float
    error: float
    """Bound of what was cut off, and the estimated error of an uncertain rate's integral."""
    median: float | None
    """Median of the measured use, given demand; None where there is none."""
    demands: float
    """Mean number of units asked for."""


def exact_period(experiment: Experiment, promise: int, book: LawBook) -> ExactPeriod | None:
    """Probability that a period keeps a promise; None where no formula reaches it.

    Parameters
    ----------
    experiment : Experiment
        One replication is one period; weights are those of what is measured.
    promise : int
        Position of the promise.
    book : LawBook
        Laws known so far, and the work still allowed.
    """
    parts = part_demands(experiment, promise)
    if parts is None or any(
        part.places and _LARGEST_SHAPE < part.rate_shape < np.inf for part in parts
    ):
        return None
    days, told = experiment.window_days, experiment.model.promises[promise]
    step = _lattice_step([_kinds_of(part) for part in parts])
    if step is None:
        return None
    mean, most = _demand_range(parts, days)
    heaviest = max((max(k.missed + k.kept) for k in _all_kinds(parts) if k.per_day), default=0.0)
    shape = (most, round(heaviest / step) * (most - 1) + 1)
    if shape[0] * shape[1] > _MOST_CELLS:
        return None
    grid = _Grid(shape, step, days, book)
    figures = []
    is_mixed = any(part.places and np.isfinite(part.rate_shape) for part in parts)
    for size in _RULES if is_mixed else _RULES[:1]:
        law = grid.law(parts, size)
        if law is None:
            return None
        figures.append((law, _kept(told, law, step, days)))
    law, probability = figures[-1]
    error = abs(probability - figures[0][1]) + grid.cut + sum(part.error for part in parts)
    error += abs(1.0 - float(law.sum())) + float(law[-max(1, int(_EDGE * most)) :].sum())
    if error > _MOST_ERROR:
        return None
    return ExactPeriod(
        probability=min(max(probability, 0.0), 1.0),
        error=error + _ROUNDING,
        median=_median(told, law, step, days),
        demands=mean,
    )


def _all_kinds(parts: list[PartDemands]) -> list[Kinds]:
    return [kinds for part in parts for kinds in _kinds_of(part)]


def _kinds_of(part: PartDemands) -> list[Kinds]:
    return [part.alone, *(place.kinds for place in part.places)]


def _lattice_step(parts: list[list[Kinds]]) -> float | None:
    """A step of which all weights are multiples; None where there is no coarse one."""
    given = [value for kinds in parts for kind in kinds for value in kind.kept + kind.missed]
    amounts = np.unique([value for value in given if value > 0.0])
    if len(amounts) == 0:
        return 1.0
    step = float(amounts[0])
    for value in amounts[1:].tolist():
        rest = value
        while rest > 1e-9 * value:  # Euclid's algorithm, up to rounding
            step, rest = rest, step % rest
            rest = 0.0 if step - rest < 1e-7 * step else rest
    whole = np.rint(amounts / step)
    is_lattice = np.allclose(amounts, whole * step, rtol=1e-9)
    return step if is_lattice and whole[-1] <= _MOST_STEPS else None


def _demand_range(parts: list[PartDemands], days: float) -> tuple[float, int]:
    """Mean demand of a period, and a count that it practically never reaches."""
    mean = variance = longest = 0.0
    for part in parts:
        own = days * sum(
            rate * counted
            for kinds in _kinds_of(part)
            for rate, counted in zip(kinds.per_day, kinds.counted, strict=True)
        )
        mean += own
        spread = own / part.rate_shape
        variance += own * (1.0 + spread)
        longest = max(longest, 1.0 + spread if np.isfinite(part.rate_shape) else 1.0)
    return mean, int(np.ceil((mean + 7.0 * variance**0.5 + 25.0 * longest) * (1.0 + _EDGE))) + 2


class _Grid:
    """Generating functions at the roots of unity of a table of (demands, steps)."""

    def __init__(self, shape: tuple[int, int], step: float, days: float, book: LawBook) -> None:
        self.shape, self.step, self.days, self.book = shape, step, days, book
        self.cut = 0.0
        """Probability that caps on counts have cut off."""
        self.of_demand = np.exp(-2j * np.pi * np.arange(shape[0]) / shape[0])[:, np.newaxis]
        self.of_step = np.exp(-2j * np.pi * np.arange(shape[1]) / shape[1])[np.newaxis, :]

    def law(self, parts: list[PartDemands], size: int) -> Floats | None:
        """Joint law of demands and steps; None where a place has none."""
        total = np.ones(self.shape, dtype=np.complex128)
        self.cut = 0.0
        for part in parts:
            own = self._of_part(part, size)
            if own is None:
                return None
            total = total * own
        return np.maximum(np.fft.ifft2(total).real, 0.0)

    def _of_part(self, part: PartDemands, size: int) -> Complexes | None:
        exponent = self._exponent(part.alone)
        if not part.places:
            return _mixed_count(exponent, part.rate_shape)
        factor, weight = np.ones(1), np.ones(1)
        if np.isfinite(part.rate_shape):
            factor, weight = factor_rule(part.rate_shape, size)
        total = np.zeros(self.shape, dtype=np.complex128)
        for theta, share in zip(factor.tolist(), weight.tolist(), strict=True):
            if share < _SMALLEST_SHARE:
                self.cut += share
                continue
            own = share * _mixed_count(theta * exponent, np.inf)
            for place in part.places:
                figure = self._of_place(place, theta, share)
                if figure is None:
                    return None
                own = own * figure
            total = total + own
        return total

    def _exponent(self, kinds: Kinds) -> Complexes:
        """Demand of a period times (generating function of one demand - 1)."""
        rate = sum(kinds.per_day)
        return self.days * (self._of_one(kinds, kinds.kept) - rate)

    def _of_one(self, kinds: Kinds, amounts: list[float]) -> Complexes:
        """Generating function of one demand, times the rate."""
        total = np.zeros(self.shape, dtype=np.complex128)
        merged: dict[tuple[float, int], float] = {}
        for rate, counted, amount in zip(kinds.per_day, kinds.counted, amounts, strict=True):
            key = (counted, round(amount / self.step))
            merged[key] = merged.get(key, 0.0) + rate
        for (counted, steps), rate in merged.items():
            total += rate * self.of_demand**counted * self.of_step**steps
        return total

    def _of_place(self, place: PlaceDemands, theta: float, share: float) -> Complexes | None:
        """Generating function of the demands at a place that may run out."""
        rate = sum(place.kinds.per_day)
        law = self.book.law(
            theta * rate,
            place.stock,
            place.lead_days,
            self.days,
            is_exponential=place.is_exponential,
        )
        if law is None:
            return None
        self.cut += share * abs(1.0 - float(law.sum()))
        n_missed = int(np.flatnonzero(law.sum(axis=0) > 0.0)[-1]) + 1
        n_kept = len(law)
        if not self.book.spend(2.0 * n_kept * n_missed * self.shape[0] * self.shape[1]):
            return None
        kept = self._of_one(place.kinds, place.kinds.kept) / rate
        missed = self._of_one(place.kinds, place.kinds.missed) / rate
        total = np.zeros(self.shape, dtype=np.complex128)
        for k in reversed(range(n_kept)):  # Horner's rule in the kept, within it in the missed
            inner = np.zeros(self.shape, dtype=np.complex128)
            for m in reversed(range(min(n_missed, n_kept - k))):
                inner = inner * missed + law[k + m, m]
            total = total * kept + inner
        return total


def _mixed_count(exponent: Complexes, rate_shape: float) -> Complexes:
    """Generating function of a Poisson count, or of a gamma mixture of them."""
    if np.isinf(rate_shape):
        return np.asarray(np.exp(exponent))
    return np.asarray((1.0 - exponent / rate_shape) ** -rate_shape)


def _uses(promise: Promise, law: Floats, step: float, days: float) -> Floats:
    """Measured use at every entry of a law; 0 without demand."""
    asked = np.arange(law.shape[0], dtype=np.float64)[:, np.newaxis]
    amount = step * np.arange(law.shape[1])[np.newaxis, :]
    over = np.full(asked.shape, days) if promise.metric == "uptime" else np.maximum(asked, 1.0)
    return np.asarray(np.where(asked > 0.0, amount / over, 0.0))


def _kept(promise: Promise, law: Floats, step: float, days: float) -> float:
    is_kept = _uses(promise, law, step, days) <= promise.allowed * (1.0 + MET_TOLERANCE)
    return float(law[is_kept].sum())


def _median(promise: Promise, law: Floats, step: float, days: float) -> float | None:
    """Median of the measured use, given demand."""
    uses, mass = _uses(promise, law, step, days)[1:].ravel(), law[1:].ravel()
    if mass.sum() <= _ROUNDING:
        return None
    order = np.argsort(uses, kind="stable")
    place = np.searchsorted(np.cumsum(mass[order]), mass.sum() / 2.0)
    return float(uses[order[min(int(place), len(order) - 1)]])
