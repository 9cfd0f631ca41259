"""Failure rates from counts: the gamma-Poisson posterior of a rate, and exact intervals.

A gamma prior (from the catalogue, or Jeffreys' where there is none) and Poisson failures over an
exposure give a gamma posterior (Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

JEFFREYS_SHAPE = 0.5
"""Shape of Jeffreys' prior for a Poisson rate, without any exposure."""


@dataclass(frozen=True)
class GammaPosterior:
    r"""Gamma laws of failure rates, one per entry.

    Parameters
    ----------
    shape
        :math:`a`: failures behind the rate, the prior's included.
    exposure
        :math:`b`: exposure behind the rate, the prior's included [any unit of time].
    """

    shape: Floats
    exposure: Floats

    @property
    def mean(self) -> Floats:
        """Mean rate :math:`a / b` [failures per unit of exposure]."""
        return self.shape / self.exposure

    @property
    def standard_deviation(self) -> Floats:
        r"""Standard deviation :math:`\sqrt{a} / b` [failures per unit of exposure]."""
        return np.sqrt(self.shape) / self.exposure

    def quantile(self, share: ArrayLike) -> Floats:
        """Rate that the true one stays below with probability ``share``."""
        scaled: Floats = scipy.special.gammaincinv(self.shape, np.asarray(share, dtype=np.float64))
        return scaled / self.exposure

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Central credible interval: lower and upper rate."""
        _check_level(level)
        return self.quantile((1.0 - level) / 2.0), self.quantile((1.0 + level) / 2.0)

    def predictive_variance(self, horizon: float) -> Floats:
        r"""Variance of the failures in ``horizon`` to come: :math:`h a / b + h^2 a / b^2`."""
        mean = horizon * self.mean
        return mean + mean**2 / self.shape

    def predictive_pmf(self, failures: ArrayLike, horizon: float) -> Floats:
        """Probability of ``failures`` in ``horizon`` to come (negative binomial)."""
        n = np.asarray(failures, dtype=np.float64)
        odds = horizon / self.exposure
        logarithm = (
            scipy.special.gammaln(self.shape + n)
            - scipy.special.gammaln(self.shape)
            - scipy.special.gammaln(n + 1.0)
            + scipy.special.xlogy(n, odds)
            - scipy.special.xlog1py(self.shape + n, odds)
        )
        probability: Floats = np.exp(logarithm)
        return probability

    def predictive_cdf(self, failures: ArrayLike, horizon: float) -> Floats:
        """Probability of at most ``failures`` in ``horizon`` to come."""
        n = np.asarray(failures, dtype=np.float64)
        share = self.exposure / (self.exposure + horizon)
        return np.asarray(scipy.special.betainc(self.shape, n + 1.0, share))

    def predictive_quantile(self, share: ArrayLike, horizon: float) -> NDArray[np.int64]:
        """Fewest failures in ``horizon`` to come that are enough with probability ``share``."""
        wanted = np.asarray(share, dtype=np.float64)
        if not ((wanted > 0.0) & (wanted < 1.0)).all():
            raise ValueError(f"share must be strictly between 0 and 1, got {share!r}")
        if not 0.0 < horizon < np.inf:
            raise ValueError(f"horizon must be above 0 and finite, got {horizon!r}")
        shape = np.broadcast_shapes(self.shape.shape, wanted.shape)
        short = np.full(shape, -1, dtype=np.int64)
        enough = np.ones(shape, dtype=np.int64)
        while (is_short := self.predictive_cdf(enough, horizon) < wanted).any():
            short = np.where(is_short, enough, short)
            enough = np.where(is_short, 2 * enough, enough)
        while (enough - short > 1).any():
            middle = (short + enough) // 2
            is_short = self.predictive_cdf(middle, horizon) < wanted
            short = np.where(is_short & (enough - short > 1), middle, short)
            enough = np.where(is_short | (enough - short <= 1), enough, middle)
        return enough


def gamma_poisson_posterior(
    failures: ArrayLike,
    exposure: ArrayLike,
    prior_shape: ArrayLike = JEFFREYS_SHAPE,
    prior_exposure: ArrayLike = 0.0,
) -> GammaPosterior:
    r"""Posterior of a failure rate after counted failures.

    Parameters
    ----------
    failures : array_like of float
        Failures counted, :math:`n`.
    exposure : array_like of float, broadcastable to ``failures``
        Time over which they were counted, :math:`H` [any unit of time, such as operating hours].
    prior_shape : array_like of float, default 0.5
        Prior gamma shape :math:`k`: the failures that the prior is worth.
    prior_exposure : array_like of float, default 0
        Prior gamma rate :math:`b` [unit of ``exposure``]. With the default shape this is
        Jeffreys' prior; a prior of mean :math:`r_0` worth ``k`` failures has :math:`b = k / r_0`.

    Returns
    -------
    GammaPosterior
        Shape :math:`k + n`, exposure :math:`b + H`.

    Raises
    ------
    ValueError
        When a count or time is negative or NaN, or a posterior would have no exposure.

    References
    ----------
    Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6.

    Examples
    --------
    >>> posterior = gamma_poisson_posterior(50, 3_555_491 / 365, prior_shape=1.0)
    >>> float(posterior.mean.round(6))  # failures per drive-year
    0.005236
    """
    n, h, k, b = np.broadcast_arrays(
        *(
            np.asarray(x, dtype=np.float64)
            for x in (failures, exposure, prior_shape, prior_exposure)
        )
    )
    named = {"failures": n, "exposure": h, "prior_shape": k, "prior_exposure": b}
    for name, values in named.items():
        if not (values >= 0.0).all():
            raise ValueError(f"{name} must be at least 0, got {values[~(values >= 0.0)][0]}")
    if not ((k + n > 0.0) & (b + h > 0.0)).all():
        raise ValueError("exposure must be above 0 where the prior has none, got 0.0")
    return GammaPosterior(shape=k + n, exposure=b + h)


def garwood_interval(
    failures: ArrayLike, exposure: ArrayLike, level: float = 0.95
) -> tuple[Floats, Floats]:
    r"""Exact confidence interval of a Poisson rate: it covers with at least ``level``, always.

    Parameters
    ----------
    failures : array_like of float
        Failures counted, :math:`n`.
    exposure : array_like of float, broadcastable to ``failures``
        Time over which they were counted, :math:`H`, above 0 [any unit of time].
    level : float, default 0.95
        Least probability of covering.

    Returns
    -------
    lower, upper : ndarray of float
        Rates [1/unit of exposure]; the lower one is 0 without failures.

    Raises
    ------
    ValueError
        When a figure is out of range.

    Notes
    -----
    The lower rate is the :math:`\alpha/2` quantile of Gamma(:math:`n`, :math:`H`), the upper one
    the :math:`1 - \alpha/2` quantile of Gamma(:math:`n + 1`, :math:`H`), :math:`\alpha` = 1 -
    level. The credible interval of Jeffreys' prior, Gamma(:math:`n + 1/2`, :math:`H`), lies between
    and is shorter: it covers with ``level`` on average over rates.

    References
    ----------
    Garwood (1936), Fiducial limits for the Poisson distribution, Biometrika 28, 437-442.

    Examples
    --------
    >>> lower, upper = garwood_interval(3, 1000.0)
    >>> float(lower.round(6)), float(upper.round(6))
    (0.000619, 0.008767)
    """
    _check_level(level)
    n, h = np.broadcast_arrays(
        np.asarray(failures, dtype=np.float64), np.asarray(exposure, dtype=np.float64)
    )
    if not (n >= 0.0).all():
        raise ValueError(f"failures must be at least 0, got {n[~(n >= 0.0)][0]}")
    if not (h > 0.0).all():
        raise ValueError(f"exposure must be above 0, got {h[~(h > 0.0)][0]}")
    tail = (1.0 - level) / 2.0
    lower = np.where(n > 0.0, scipy.special.gammaincinv(np.maximum(n, 1e-300), tail), 0.0)
    upper = scipy.special.gammainccinv(n + 1.0, tail)
    return lower / h, upper / h


def _check_level(level: float) -> None:
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be strictly between 0 and 1, got {level!r}")
