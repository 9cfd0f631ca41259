"""Ratios over replications with confidence intervals: waits per demand, stock-outs per demand.

A ratio of sums is estimated over all replications, its error from their scatter (Student t by the
delta method), on the logarithm of a wait and the log odds of a share, so that an interval near
zero stays above it. Where all that was seen is alike, such as no late unit at all, the bound is
that of the rule of three.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ROUNDING = 1e-9
_MOST_SPREAD = 50.0


@dataclass(frozen=True, eq=False)
class Interval:
    """Bounds that contain the figure with the stated confidence; NaN where nothing was seen."""

    lower: Floats
    upper: Floats


@dataclass(frozen=True, eq=False)
class RatioSums:
    """Sums over replications of what was weighed (base) and what of it was bad (amount)."""

    n: int
    """Replications."""
    base: Floats
    base2: Floats
    amount: Floats
    amount2: Floats
    cross: Floats

    @classmethod
    def of(cls, base: Floats, amount: Floats) -> RatioSums:
        """Sums of arrays whose last axis is the replications."""
        return cls(
            base.shape[-1],
            base.sum(axis=-1),
            (base * base).sum(axis=-1),
            amount.sum(axis=-1),
            (amount * amount).sum(axis=-1),
            (base * amount).sum(axis=-1),
        )

    @property
    def ratio(self) -> Floats:
        """Amount per base; NaN where the base is 0."""
        empty = np.full(np.shape(self.base), np.nan)
        return np.asarray(np.divide(self.amount, self.base, out=empty, where=self.base > 0))

    @property
    def error(self) -> Floats:
        r"""Standard error of the ratio R, from the scatter of amount - R base."""
        ratio = np.nan_to_num(self.ratio)
        squares = self.amount2 - 2.0 * ratio * self.cross + ratio * ratio * self.base2
        scatter = np.sqrt(np.maximum(squares, 0.0) * self.n / max(self.n - 1, 1))
        empty = np.full(np.shape(self.base), np.nan)
        return np.asarray(np.divide(scatter, self.base, out=empty, where=self.base > 0))


def student_factor(n: int, confidence: float) -> float:
    """Two-sided Student t quantile for n replications."""
    return float(scipy.special.stdtrit(n - 1, 0.5 + confidence / 2.0))


def unseen_share(demands: Floats, confidence: float) -> Floats:
    r"""Upper bound of a share of which none was seen: :math:`1 - (\alpha / 2)^{1/N}`."""
    never = np.full(np.shape(demands), -np.inf)
    level = np.log((1.0 - confidence) / 2.0)
    return np.asarray(-np.expm1(np.divide(level, demands, out=never, where=demands > 0)))


def share_interval(sums: RatioSums, demands: Floats, confidence: float) -> Interval:
    """Interval of a share of demand; ``demands`` is the number of units behind the base."""
    ratio, factor = sums.ratio, student_factor(sums.n, confidence)
    inside = (ratio > 0) & (ratio < 1)
    safe = np.where(inside, ratio, 0.5)
    spread = factor * sums.error / (safe * (1.0 - safe))
    odds = np.log(safe / (1.0 - safe))
    rare = unseen_share(demands, confidence)
    lower = np.where(inside, scipy.special.expit(odds - spread), np.where(ratio >= 1, 1 - rare, 0))
    upper = np.where(inside, scipy.special.expit(odds + spread), np.where(ratio <= 0, rare, 1))
    known = ~np.isnan(ratio)
    return Interval(np.where(known, lower, np.nan), np.where(known, upper, np.nan))


def wait_interval(
    sums: RatioSums, demands: Floats, longest: Floats | float, confidence: float
) -> Interval:
    """Interval of a mean wait.

    Where all demands waited the same time, ``longest`` is how much longer (or shorter) one that
    was not seen may have waited [days].
    """
    ratio, factor = sums.ratio, student_factor(sums.n, confidence)
    varies = (ratio > 0) & (sums.error > _ROUNDING * ratio)
    safe = np.where(varies, ratio, 1.0)
    spread = np.minimum(factor * sums.error / safe, _MOST_SPREAD)
    rare = unseen_share(demands, confidence) * longest
    lower = np.where(varies, safe * np.exp(-spread), np.maximum(ratio - rare, 0.0))
    upper = np.where(varies, safe * np.exp(spread), ratio + rare)
    known = ~np.isnan(ratio)
    return Interval(np.where(known, lower, np.nan), np.where(known, upper, np.nan))


def mean_interval(n: int, total: Floats, squares: Floats, confidence: float) -> Interval:
    """Interval of a mean over replications, from the sums of values and squares."""
    mean = total / n
    scatter = np.maximum(squares - n * mean * mean, 0.0) / max(n - 1, 1)
    half = student_factor(n, confidence) * np.sqrt(scatter / n)
    return Interval(mean - half, mean + half)
