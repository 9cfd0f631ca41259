r"""Lives of parts as laws: many at once, by distribution and parameters.

All are laws of the logarithm, :math:`z = s (\log t - c)`: Weibull (exponential with s = 1) by
the smallest extreme value, lognormal by the normal law; a share of the units may never fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "exponential": ("rate",),
    "weibull": ("shape", "scale"),
    "lognormal": ("mu", "sigma"),
    "weibull_never_fails": ("shape", "scale", "never_fails"),
}
"""Parameters of each distribution, by name."""


@dataclass(frozen=True, eq=False)
class LifeLaws:
    """Laws of life, one per entry; hours of methods have one row per law."""

    is_lognormal: NDArray[np.bool_]
    """Shape (n_laws,): lognormal; Weibull otherwise."""
    slope: Floats
    """Shape (n_laws,): Weibull shape, or 1 / sigma."""
    center: Floats
    """Shape (n_laws,): log of the Weibull scale, or mu [log hours]."""
    fails: Floats
    """Shape (n_laws,): share of the units that ever fail."""

    @classmethod
    def exponential(cls, rate: ArrayLike) -> LifeLaws:
        """Give exponential laws of rates above 0 [1/hour]."""
        rates = np.atleast_1d(np.asarray(rate, dtype=np.float64))
        one = np.ones(len(rates))
        return cls(np.zeros(len(rates), dtype=bool), one, -np.log(rates), one)

    @classmethod
    def of(cls, distribution: str, **parameters: float) -> LifeLaws:
        """Give one law by its distribution and parameters.

        Parameters
        ----------
        distribution : {"exponential", "weibull", "lognormal", "weibull_never_fails"}
            What the life follows.
        **parameters : float
            ``rate`` [1/hour]; ``shape`` and ``scale`` [hours]; ``mu`` and ``sigma`` of the
            logarithm of hours; ``never_fails`` [share].

        Returns
        -------
        LifeLaws
            Of length 1.

        Raises
        ------
        ValueError
            When the distribution is not known, or a parameter is missing or out of range.

        Examples
        --------
        >>> LifeLaws.of("weibull", shape=2.0, scale=100.0).distribution([[100.0]]).round(4)
        array([[0.6321]])
        """
        if distribution not in PARAMETERS:
            known = ", ".join(PARAMETERS)
            raise ValueError(f"distribution must be one of {known}, got {distribution!r}")
        wanted = PARAMETERS[distribution]
        if set(parameters) != set(wanted):
            told = ", ".join(parameters) or "none"
            raise ValueError(
                f"parameters must be {' and '.join(wanted)} for {distribution}, got {told}"
            )
        for name, value in parameters.items():
            rule = parameter_rule(name, value)
            if rule:
                raise ValueError(f"{name} must be {rule}, got {value!r}")
        return cls.from_columns(
            np.array([distribution], dtype=object),
            {name: np.array([float(value)]) for name, value in parameters.items()},
        )

    @classmethod
    def from_columns(cls, distribution: NDArray[Any], columns: Mapping[str, Floats]) -> LifeLaws:
        """Give laws by name and checked parameters, one per row; other cells are NaN."""
        nothing = np.full(len(distribution), np.nan)
        get = {name: columns.get(name, nothing) for name in _ALL_PARAMETERS}
        is_lognormal = np.asarray(distribution == "lognormal", dtype=bool)
        is_exponential = np.asarray(distribution == "exponential", dtype=bool)
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = np.where(is_exponential, 1.0, get["shape"])
            center = np.where(is_exponential, -np.log(get["rate"]), np.log(get["scale"]))
            slope = np.where(is_lognormal, 1.0 / get["sigma"], slope)
        center = np.where(is_lognormal, get["mu"], center)
        never = np.where(distribution == "weibull_never_fails", get["never_fails"], 0.0)
        return cls(is_lognormal, slope, center, 1.0 - never)

    def __len__(self) -> int:
        return len(self.slope)

    def __getitem__(self, which: Any) -> LifeLaws:
        return LifeLaws(
            self.is_lognormal[which], self.slope[which], self.center[which], self.fails[which]
        )

    def joined(self, other: LifeLaws) -> LifeLaws:
        """Give these laws and then the others."""
        return LifeLaws(
            np.concatenate([self.is_lognormal, other.is_lognormal]),
            np.concatenate([self.slope, other.slope]),
            np.concatenate([self.center, other.center]),
            np.concatenate([self.fails, other.fails]),
        )

    @property
    def is_exponential(self) -> NDArray[np.bool_]:
        """Shape (n_laws,): whether the failure rate never changes."""
        return np.asarray(~self.is_lognormal & (self.slope == 1.0) & (self.fails == 1.0))

    @property
    def rate(self) -> Floats:
        """Shape (n_laws,): failures per hour of an exponential law."""
        return np.exp(-self.center)

    @property
    def mean(self) -> Floats:
        """Shape (n_laws,): mean life of the units that fail [hours]."""
        spread = 1.0 / self.slope
        log_mean = np.where(self.is_lognormal, spread**2 / 2.0, scipy.special.gammaln(1.0 + spread))
        return np.exp(self.center + log_mean)

    @property
    def standard_deviation(self) -> Floats:
        """Shape (n_laws,): standard deviation of the lives of units that fail [hours]."""
        spread = 1.0 / self.slope
        log_ratio = np.where(
            self.is_lognormal,
            spread**2,
            scipy.special.gammaln(1.0 + 2.0 * spread) - 2.0 * scipy.special.gammaln(1.0 + spread),
        )
        return self.mean * np.sqrt(np.expm1(log_ratio))

    def log_survival(self, hours: ArrayLike) -> Floats:
        """Log of the probability to live longer than ``hours``, of shape (n_laws, ...)."""
        t = np.asarray(hours, dtype=np.float64)
        wide = (slice(None), *(np.newaxis,) * (t.ndim - 1))
        with np.errstate(divide="ignore"):
            z = self.slope[wide] * (np.log(t) - self.center[wide])
        result = -np.exp(np.minimum(z, 700.0))
        if self.is_lognormal.any():
            rows = self.is_lognormal
            result[rows] = scipy.special.log_ndtr(-z[rows])
        partly = self.fails < 1.0
        if partly.any():
            failed = -np.expm1(result[partly])
            result[partly] = np.log1p(-self.fails[partly][wide] * failed)
        return np.asarray(result)

    def distribution(self, hours: ArrayLike) -> Floats:
        """Probability to fail within ``hours``, of shape (n_laws, ...)."""
        return -np.expm1(self.log_survival(hours))

    def residual(self, age: Floats, hours: Floats) -> Floats:
        """Probability to fail within ``hours`` more at an age, shapes (n_laws,), (n_laws, m)."""
        alive = self.log_survival(age[:, np.newaxis])
        return -np.expm1(self.log_survival(age[:, np.newaxis] + hours) - alive)

    def cumulative_hazard(self, hours: ArrayLike) -> Floats:
        """Failures expected up to ``hours`` under minimal repair, of shape (n_laws, ...)."""
        return -self.log_survival(hours)


_ALL_PARAMETERS = ("rate", "shape", "scale", "mu", "sigma", "never_fails")


def parameter_rule(name: str, value: float) -> str:
    """Say what a parameter must be where it is not; empty where it is right."""
    if not np.isfinite(value):
        return "a finite number"
    if name == "never_fails":
        return "" if 0.0 <= value < 1.0 else "a share from 0 to below 1"
    if name == "mu":
        return "" if abs(value) <= 100.0 else "the log of a life in hours, -100 to 100"
    return "" if 0.0 < value <= 1e15 else "above 0"
