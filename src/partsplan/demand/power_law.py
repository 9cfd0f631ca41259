"""Power-law process of a repairable unit: failures that come ever faster, or ever slower.

The Crow-AMSAA model by maximum likelihood: time- and failure-truncated, one unit or several,
with late starts (Crow 1975; Rigdon and Basu 2000).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from partsplan.demand.repair_history import RepairHistory, as_history
from partsplan.errors import PartsplanError

Floats = NDArray[np.float64]
Mtbf = Literal["instantaneous", "cumulative"]

_SHAPES = (1e-6, 1e4)
"""Shapes between which the likelihood is searched."""


@dataclass(frozen=True, eq=False)
class PowerLawFit:
    r"""Expected failures of one unit up to age t: :math:`\lambda t^\beta`."""

    shape: float
    r""":math:`\beta`: above 1 the unit fails ever more often, below 1 ever less."""
    rate: float
    r""":math:`\lambda` [failures / hours^shape]."""
    shape_interval: tuple[float, float]
    """Confidence limits of the shape."""
    interval_method: Literal["chi-squared", "information"]
    """How `shape_interval` was found: exact, or by the observed information of log(shape)."""
    level: float
    """Confidence level of all intervals."""
    log_likelihood: float
    """Log-likelihood at the optimum."""
    n_failures: int
    """Failures of all units."""
    n_units: int
    """Units."""
    longest_hours: float
    """Greatest age under observation [hours]; figures beyond extrapolate."""
    covariance: Floats
    """Shape (2, 2): of the logarithm of the failures up to `longest_hours` and the shape."""

    @property
    def scale(self) -> float:
        r"""Age with one failure expected, :math:`\eta = \lambda^{-1/\beta}` [hours].

        Shape and scale as a Weibull law under minimal repair give the same process.
        """
        return math.exp(-math.log(self.rate) / self.shape)

    def expected_failures(self, to_hours: ArrayLike, from_hours: ArrayLike = 0.0) -> Floats:
        r"""Expected failures of one unit between two ages, :math:`\lambda (t^\beta - s^\beta)`."""
        to, start = _ages("to_hours", to_hours), _ages("from_hours", from_hours)
        return np.asarray((to / self.scale) ** self.shape - (start / self.scale) ** self.shape)

    def mtbf(self, hours: ArrayLike, kind: Mtbf = "instantaneous") -> Floats:
        r"""Mean hours between failures of one unit at an age.

        Parameters
        ----------
        hours : array_like of float
            Ages above 0 [hours].
        kind : {"instantaneous", "cumulative"}
            :math:`1 / (\lambda \beta t^{\beta - 1})` at the age, or :math:`t / (\lambda t^\beta)`
            over all hours up to it.
        """
        factor = self.shape if _checked_kind(kind) == "instantaneous" else 1.0
        age = _ages("hours", hours)
        return np.asarray(self.scale * (age / self.scale) ** (1.0 - self.shape) / factor)

    def mtbf_interval(
        self, hours: ArrayLike, kind: Mtbf = "instantaneous"
    ) -> tuple[Floats, Floats]:
        """Confidence limits of the MTBF at an age, by the observed information of its logarithm."""
        position = np.log(_ages("hours", hours) / self.longest_hours)
        slope = position
        if _checked_kind(kind) == "instantaneous":
            slope = position + 1.0 / self.shape
        v = self.covariance
        variance = v[0, 0] + 2.0 * slope * v[0, 1] + slope**2 * v[1, 1]
        z = float(scipy.special.ndtri((1.0 + self.level) / 2.0))
        factor = np.exp(z * np.sqrt(variance))
        mtbf = self.mtbf(hours, kind)
        return mtbf / factor, mtbf * factor

    def time_to_mtbf(self, mtbf_hours: float, kind: Mtbf = "cumulative") -> float | None:
        """Age at which the MTBF reaches a value, rising (shape below 1) or falling [hours].

        None where the shape is exactly 1, so that the MTBF never changes.
        """
        if not (mtbf_hours > 0.0 and math.isfinite(mtbf_hours)):
            raise ValueError(f"mtbf_hours must be above 0 and finite, got {mtbf_hours!r}")
        if self.shape == 1.0:
            return None
        factor = self.shape if _checked_kind(kind) == "instantaneous" else 1.0
        power = math.log(mtbf_hours * factor / self.scale) / (1.0 - self.shape)
        return self.scale * math.exp(min(power, 700.0))

    def to_record(self) -> dict[str, Any]:
        """Give the fit as a plain dict."""
        return {
            "distribution": "power_law",
            "shape": self.shape,
            "scale": self.scale,
            "rate": self.rate,
            "shape_lower": self.shape_interval[0],
            "shape_upper": self.shape_interval[1],
            "log_likelihood": self.log_likelihood,
            "failures": self.n_failures,
            "units": self.n_units,
        }

    def summary(self) -> str:
        """Say how the failures develop, with limits."""
        low, high = self.shape_interval
        trend = "is not shown to change"
        if low > 1.0:
            trend = "is getting worse"
        elif high < 1.0:
            trend = "is getting better"
        now = float(self.mtbf(self.longest_hours))
        lower, upper = (float(limit) for limit in self.mtbf_interval(self.longest_hours))
        return (
            f"Power-law process: {self.n_failures:,} failures of {self.n_units:,} "
            f"{'unit' if self.n_units == 1 else 'units'}; reliability {trend}\n"
            f"  shape     {self.shape:.4g} ({low:.4g} to {high:.4g}, {100 * self.level:g} %)\n"
            f"  MTBF now  {_hours(now)} h ({_hours(lower)} to {_hours(upper)}) at "
            f"{self.longest_hours:,.6g} h"
        )


def fit_power_law(history: RepairHistory | Any, *, level: float = 0.95) -> PowerLawFit:
    r"""Fit a power-law process to the failures of repairable units.

    Parameters
    ----------
    history : RepairHistory or table
        Failures and ends of observation; a table as of `RepairHistory.from_table`.
    level : float, default 0.95
        Confidence level of the intervals.

    Returns
    -------
    PowerLawFit

    Raises
    ------
    InputError
        When the table cannot be read.
    PartsplanError
        When there are fewer than two failures, or none before the end of observation.

    Notes
    -----
    :math:`\ell = N \log(\lambda \beta) + (\beta - 1) \sum \log t_{ij}
    - \lambda \sum_i (T_i^\beta - S_i^\beta)`; for units observed from new to one age T,
    :math:`\hat\beta = N / \sum \log(T / t_{ij})`. The limits of the shape are exact for such units
    stopped by the clock, :math:`2 N \beta / \hat\beta \sim \chi^2_{2N}`, and for one unit stopped
    by a failure, :math:`\chi^2_{2(N-1)}`; otherwise, and for every MTBF, they follow from the
    observed information. The estimate is not bias-corrected. Units are taken as alike: of a fleet
    of unlike units, each at its own constant rate, `laplace_trend_test` is the better judge.

    References
    ----------
    Crow, Reliability Analysis for Complex, Repairable Systems, AMSAA TR-138, 1975; Rigdon and
    Basu, Statistical Methods for the Reliability of Repairable Systems, 2000, chapters 4 and 5.

    Examples
    --------
    >>> times = [10400, 26900, 43400, 66400, 89400, 130400, 163400, 232000, 242000, 340700]
    >>> fit = fit_power_law(RepairHistory.from_arrays(times))
    >>> print(fit.summary())
    Power-law process: 10 failures of 1 unit; reliability is not shown to change
      shape     0.7417 (0.3052 to 1.169, 95 %)
      MTBF now  45,938 h (19,121 to 110,367) at 340,700 h
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be strictly between 0 and 1, got {level!r}")
    told = as_history(history)
    n, longest = told.n_failures, float(told.end_hours.max())
    events = np.log(told.hours / longest)
    if n < 2 or (told.n_units == 1 and events[0] == 0.0):
        raise PartsplanError(
            f"A power-law process needs at least two failures at different ages; there are {n}. "
            "Add units or wait for more failures."
        )
    start, end = told.start_hours / longest, told.end_hours / longest
    shape = _likeliest_shape(events, start, end)
    covered = float(_covered(start, end, shape)[0])
    log_mean = math.log(n / covered)
    rate = math.exp(log_mean - shape * math.log(longest))
    covariance = _covariance(n, shape, _covered(start, end, shape))
    interval, method = _shape_interval(told, shape, covariance, level)
    return PowerLawFit(
        shape=shape,
        rate=rate,
        shape_interval=interval,
        interval_method=method,
        level=level,
        log_likelihood=float(
            n * (log_mean + math.log(shape))
            + (shape - 1.0) * events.sum()
            - n * (1.0 + math.log(longest))
        ),
        n_failures=n,
        n_units=told.n_units,
        longest_hours=longest,
        covariance=covariance,
    )


def _hours(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000.0 else f"{value:.4g}"


def _covered(start: Floats, end: Floats, shape: float) -> Floats:
    r""":math:`\sum_i (T_i^\beta - S_i^\beta)` and its first two derivatives by the shape."""
    sums = [0.0, 0.0, 0.0]
    for sign, ages in ((1.0, end), (-1.0, start[start > 0.0])):
        logs = np.log(ages)
        powers = sign * np.exp(shape * logs)
        for order in range(3):
            sums[order] += float((powers * logs**order).sum())
    return np.array(sums)


def _likeliest_shape(events: Floats, start: Floats, end: Floats) -> float:
    n, total = len(events), float(events.sum())

    def score(shape: float) -> float:
        covered = _covered(start, end, shape)
        return n / shape + total - n * float(covered[1] / covered[0])

    if not (score(_SHAPES[0]) > 0.0 > score(_SHAPES[1])):
        raise PartsplanError(
            "The failures have no likeliest power law: all of them lie at the very end, or thin "
            "out faster than any power law does (shape toward 0). Add units, begin the observation "
            "at their start, or wait for more failures."
        )
    return float(scipy.optimize.brentq(score, *_SHAPES, xtol=1e-14, rtol=1e-14))


def _covariance(n: int, shape: float, covered: Floats) -> Floats:
    """Inverse of the observed information of (log mean up to the longest age, shape)."""
    cross = n * covered[1] / covered[0]
    information = np.array([[n, cross], [cross, n / shape**2 + n * covered[2] / covered[0]]])
    return np.asarray(np.linalg.inv(information))


def _shape_interval(
    history: RepairHistory, shape: float, covariance: Floats, level: float
) -> tuple[tuple[float, float], Literal["chi-squared", "information"]]:
    n = history.n_failures
    same_span = not history.start_hours.any() and np.ptp(history.end_hours) == 0.0
    by_clock = not history.ends_with_failure.any()
    if same_span and (by_clock or history.n_units == 1):
        half_degrees = n if by_clock else n - 1
        tail = (1.0 - level) / 2.0
        low, high = (
            shape * float(scipy.special.gammaincinv(half_degrees, share)) / n
            for share in (tail, 1.0 - tail)
        )
        return (low, high), "chi-squared"
    z = float(scipy.special.ndtri((1.0 + level) / 2.0))
    factor = math.exp(z * math.sqrt(covariance[1, 1]) / shape)
    return (shape / factor, shape * factor), "information"


def _checked_kind(kind: str) -> str:
    if kind not in ("instantaneous", "cumulative"):
        raise ValueError(f"kind must be 'instantaneous' or 'cumulative', got {kind!r}")
    return kind


def _ages(name: str, values: ArrayLike) -> Floats:
    ages = np.asarray(values, dtype=np.float64)
    if not (ages >= 0.0).all():
        raise ValueError(f"{name} must be at least 0, got {ages[~(ages >= 0.0)].flat[0]}")
    return ages
