r"""Rates of a family of parts by full Bayes: the family's law is integrated out, not fitted.

Empirical Bayes takes the fitted gamma law of a family as known, which is too sure where the family
is small. Here both its parameters have priors, and all moments are integrals over the plane of
both (George, Makov and Smith 1993).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from partsplan.demand.counts import GammaPosterior

Floats = NDArray[np.float64]
LawPrior = tuple[float, float, float]
"""Mean of the shape's prior, and gamma shape and rate of the exposure's."""

_COARSE = 81
_FINE = 241
_DEPTH = 32.0
"""Log density below its highest at which the plane is cut off: a share of 1e-14."""
_BLOCK = 20


@dataclass(frozen=True, eq=False)
class HierarchicalRates:
    """Posterior moments of the rates of a family, and of the law that they are drawn from."""

    mean: Floats
    """Shape (n,): mean rate of each member [failures per unit of exposure]."""
    standard_deviation: Floats
    """Shape (n,): standard deviation of each member's rate."""
    law_shape: tuple[float, float]
    """Mean and standard deviation of the family's gamma shape."""
    law_exposure: tuple[float, float]
    """Mean and standard deviation of the family's gamma rate [unit of exposure]."""

    @property
    def gamma(self) -> GammaPosterior:
        """Gamma laws with the same means and deviations, to go on with."""
        shape = (self.mean / self.standard_deviation) ** 2
        return GammaPosterior(shape, shape / self.mean)


def hierarchical_rates(
    failures: ArrayLike,
    exposure: ArrayLike,
    *,
    shape_mean: float = 1.0,
    exposure_prior: tuple[float, float] = (0.1, 1.0),
) -> HierarchicalRates:
    r"""Rates of the members of one family, with the family's gamma law integrated out.

    Parameters
    ----------
    failures : array_like of float, shape (n,)
        Failures of each member, :math:`n_i`.
    exposure : array_like of float, shape (n,)
        Exposure of each member, :math:`H_i`, above 0. The default priors expect a unit in which
        rates are around 1, such as thousands of hours, or failures expected by the catalogue.
    shape_mean : float, default 1
        Mean of the exponential prior of the family's shape :math:`a`.
    exposure_prior : tuple of float, default (0.1, 1.0)
        Gamma shape and rate of the prior of the family's :math:`b` [-, 1/unit of exposure].

    Returns
    -------
    HierarchicalRates

    Raises
    ------
    ValueError
        When shapes differ or a figure is out of range.

    Notes
    -----
    :math:`n_i \sim` Poisson(:math:`\theta_i H_i`), :math:`\theta_i \sim`
    Gamma(:math:`a, b`). Given :math:`a` and :math:`b` the counts are negative binomial and
    :math:`\theta_i` is Gamma(:math:`a + n_i, b + H_i`); the trapezoid rule over
    :math:`\log a` and :math:`\log b`, on the part of the plane that counts, does the rest.

    References
    ----------
    George, Makov and Smith (1993), Conjugate likelihood distributions, Scandinavian Journal of
    Statistics 20, 147-156. Gelman et al., Bayesian Data Analysis, 3rd ed., section 5.3.

    Examples
    --------
    >>> hours = [94.3, 15.7, 62.9, 126, 5.24, 31.4, 1.05, 1.05, 2.1, 10.5]
    >>> rates = hierarchical_rates([5, 1, 5, 14, 3, 19, 1, 1, 4, 22], hours)
    >>> rates.mean[[0, 9]].round(4)
    array([0.0598, 1.9898])
    """
    n = np.asarray(failures, dtype=np.float64)
    h = np.asarray(exposure, dtype=np.float64)
    _check(n, h, shape_mean, exposure_prior)
    prior = (shape_mean, *exposure_prior)
    log_a, log_b, density = _plane(n, h, prior)
    weight = np.exp(density - density.max())
    weight /= weight.sum()
    a, b = np.exp(log_a), np.exp(log_b)
    first, second = np.empty(len(n)), np.empty(len(n))
    for i, (count, hours) in enumerate(zip(n.tolist(), h.tolist(), strict=True)):
        mean = (a + count) / (b + hours)
        first[i] = (weight * mean).sum()
        second[i] = (weight * mean * (a + count + 1.0) / (b + hours)).sum()
    return HierarchicalRates(
        mean=first,
        standard_deviation=np.sqrt(second - first**2),
        law_shape=_moments(weight, a),
        law_exposure=_moments(weight, b),
    )


def _check(n: Floats, h: Floats, shape_mean: float, exposure_prior: tuple[float, float]) -> None:
    if n.ndim != 1 or h.shape != n.shape or not len(n):
        raise ValueError(
            f"failures and exposure must be of one shape (n,), got {n.shape} and {h.shape}"
        )
    if not ((n >= 0.0) & np.isfinite(n)).all():
        raise ValueError("failures must be finite and at least 0")
    if not ((h > 0.0) & np.isfinite(h)).all():
        raise ValueError("exposure must be finite and above 0")
    for name, value in (
        ("shape_mean", shape_mean),
        ("exposure_prior[0]", exposure_prior[0]),
        ("exposure_prior[1]", exposure_prior[1]),
    ):
        if not 0.0 < value < np.inf:
            raise ValueError(f"{name} must be above 0 and finite, got {value!r}")


def _plane(n: Floats, h: Floats, prior: LawPrior) -> tuple[Floats, Floats, Floats]:
    """Grid of log a and log b, and the log density on it, around where the density is."""
    scale = np.log(h.sum() / max(float(n.sum()), 1.0))
    log_a = np.linspace(-12.0, 10.0, _COARSE)[:, np.newaxis]
    log_b = log_a.T + scale
    for size in (_COARSE, _FINE, _FINE):
        density = _log_density(n, h, log_a, log_b, prior)
        near = density > density.max() - _DEPTH
        rows, columns = near.any(axis=1), near.any(axis=0)
        log_a = _span(log_a[:, 0], rows, size)[:, np.newaxis]
        log_b = _span(log_b[0], columns, size)[np.newaxis, :]
    return log_a, log_b, _log_density(n, h, log_a, log_b, prior)


def _span(points: Floats, chosen: NDArray[np.bool_], size: int) -> Floats:
    """Even points from one before the first chosen one to one after the last."""
    places = np.flatnonzero(chosen)
    first, last = max(int(places[0]) - 1, 0), min(int(places[-1]) + 1, len(points) - 1)
    return np.linspace(points[first], points[last], size)


def _log_density(n: Floats, h: Floats, log_a: Floats, log_b: Floats, prior: LawPrior) -> Floats:
    """Log posterior density of log a and log b, up to a constant."""
    a, b = np.exp(log_a), np.exp(log_b)
    shape_mean, k, rate = prior
    density = log_a - a / shape_mean + k * log_b - rate * b
    for start in range(0, len(n), _BLOCK):
        count, hours = n[start : start + _BLOCK, None, None], h[start : start + _BLOCK, None, None]
        members = scipy.special.gammaln(a + count) - scipy.special.gammaln(a)
        density = density + (members + a * log_b - (a + count) * np.log(b + hours)).sum(axis=0)
    return np.asarray(density)


def _moments(weight: Floats, values: Floats) -> tuple[float, float]:
    mean = float((weight * values).sum())
    return mean, float(np.sqrt((weight * (values - mean) ** 2).sum()))
