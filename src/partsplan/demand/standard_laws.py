r"""The two standard laws behind lifetimes: a law is its formulas on :math:`z = s \log t - a`.

The smallest extreme value law makes exponential and Weibull lives, the normal law lognormal ones.
Each formula comes with its first two derivatives, as ``(value, first, second)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Curve = tuple[Floats, Floats, Floats]
"""A function with its first and second derivative."""

_FAR = 100.0
"""Value of a standard normal variable beyond which its hazard is that of the series."""


@dataclass(frozen=True)
class Surface:
    """A function of two arguments with its derivatives."""

    value: Floats
    first: tuple[Floats, Floats]
    second: tuple[Floats, Floats, Floats]
    """By the first twice, by both, by the second twice."""


class StandardLaw(Protocol):
    """What a law has to say about a standardized lifetime."""

    def log_density(self, z: Floats) -> Curve:
        """Log of the density at ``z``."""
        ...

    def log_survival(self, z: Floats) -> Curve:
        """Log of the probability to lie above ``z``."""
        ...

    def log_distribution(self, z: Floats) -> Curve:
        """Log of the probability to lie below ``z``."""
        ...

    def log_between(self, low: Floats, high: Floats) -> Surface:
        """Log of the probability to lie between."""
        ...

    def quantile(self, share: ArrayLike) -> Floats:
        """Value that ``share`` of all lie below."""
        ...

    def log_mean(self, s: Floats) -> Curve:
        r"""Log of the mean of :math:`e^{z / s}`, as a function of :math:`s`."""
        ...


class ExtremeValueLaw:
    r"""Smallest extreme values: :math:`P(Z > z) = \exp(-e^z)`."""

    def log_density(self, z: Floats) -> Curve:
        r""":math:`z - e^z`."""
        x = _exp(z)
        return z - x, 1.0 - x, -x

    def log_survival(self, z: Floats) -> Curve:
        r""":math:`-e^z`."""
        x = -_exp(z)
        return x, x, x

    def log_distribution(self, z: Floats) -> Curve:
        r""":math:`\log(1 - \exp(-e^z))`."""
        x = _exp(z)
        k = _bernoulli(x)
        return _log_lost(x), k, k * (1.0 - x - k)

    def log_between(self, low: Floats, high: Floats) -> Surface:
        r""":math:`\log(\exp(-e^{z_1}) - \exp(-e^{z_2}))`."""
        x, y = _exp(low), _exp(high)
        span = y - x
        m = _bernoulli(span) / _positive(span)
        bend = m * (1.0 + m)
        return Surface(
            value=-x + _log_lost(span),
            first=(-x * (1.0 + m), y * m),
            second=(-x * (1.0 + m) - x * x * bend, x * y * bend, y * m - y * y * bend),
        )

    def quantile(self, share: ArrayLike) -> Floats:
        r""":math:`\log(-\log(1 - p))`."""
        return np.log(-np.log1p(-np.asarray(share, dtype=np.float64)))

    def log_mean(self, s: Floats) -> Curve:
        r""":math:`\log \Gamma(1 + 1 / s)`."""
        u = 1.0 + 1.0 / s
        psi, psi1 = scipy.special.digamma(u), scipy.special.polygamma(1, u)
        return scipy.special.gammaln(u), -psi / s**2, 2.0 * psi / s**3 + psi1 / s**4


class NormalLaw:
    """The standard normal law."""

    def log_density(self, z: Floats) -> Curve:
        r""":math:`-z^2 / 2 - \log(2 \pi) / 2`."""
        return _log_phi(z), -z, np.full_like(z, -1.0)

    def log_survival(self, z: Floats) -> Curve:
        r""":math:`\log \Phi(-z)`."""
        h = _hazard(z)
        return scipy.special.log_ndtr(-z), -h, -h * (h - z)

    def log_distribution(self, z: Floats) -> Curve:
        r""":math:`\log \Phi(z)`."""
        value, first, second = self.log_survival(-z)
        return value, -first, second

    def log_between(self, low: Floats, high: Floats) -> Surface:
        r""":math:`\log(\Phi(z_2) - \Phi(z_1))`, from the nearer tail."""
        above = low > 0.0
        near_end, far_end = np.where(above, low, -high), np.where(above, high, -low)
        near, far = scipy.special.log_ndtr(-near_end), scipy.special.log_ndtr(-far_end)
        lost = -np.expm1(-_positive(near - far))
        nearer, farther = _hazard(near_end) / lost, _hazard(far_end) * np.exp(far - near) / lost
        p, q = np.where(above, nearer, farther), np.where(above, farther, nearer)
        return Surface(
            value=near + np.log(lost),
            first=(-p, q),
            second=(p * (low - p), p * q, -q * (high + q)),
        )

    def quantile(self, share: ArrayLike) -> Floats:
        r""":math:`\Phi^{-1}(p)`."""
        found: Floats = scipy.special.ndtri(np.asarray(share, dtype=np.float64))
        return found

    def log_mean(self, s: Floats) -> Curve:
        r""":math:`1 / (2 s^2)`."""
        return 0.5 / s**2, -1.0 / s**3, 3.0 / s**4


def _exp(z: Floats) -> Floats:
    """Exponential that does not overflow: likelihoods beyond are 0 anyway."""
    x: Floats = np.exp(np.minimum(z, 100.0))
    return x


def _hazard(z: Floats) -> Floats:
    """Density over survival of the standard normal law; far out by its asymptotic series."""
    close = np.minimum(z, _FAR)
    far = np.maximum(z, _FAR)
    near = np.exp(_log_phi(close) - scipy.special.log_ndtr(-close))
    return np.where(z > _FAR, far + 1.0 / far - 2.0 / far**3, near)


def _log_phi(z: Floats) -> Floats:
    value: Floats = -0.5 * z * z - 0.5 * np.log(2.0 * np.pi)
    return value


def _bernoulli(x: Floats) -> Floats:
    r"""Value of :math:`x / (e^x - 1)`, 1 at 0."""
    safe = _positive(x)
    k: Floats = safe * np.exp(-safe) / -np.expm1(-safe)
    return k


def _log_lost(x: Floats) -> Floats:
    r"""Value of :math:`\log(1 - e^{-x})`."""
    return np.log(-np.expm1(-_positive(x)))


def _positive(x: Floats) -> Floats:
    """Keep a difference that rounding made 0 above it."""
    return np.maximum(x, 1e-80)
