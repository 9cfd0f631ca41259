r"""Gamma priors of failure rates, fitted to the parts of a family: empirical Bayes.

Parts of a family fail at rates drawn from one gamma law; their counts are then negative binomial,
whose likelihood gives the law (Gelman et al., Bayesian Data Analysis, 3rd ed., section 5.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from partsplan.demand.dispersion_fitting import DispersionProfile, fit_dispersion
from partsplan.demand.overdispersion import GroupedCounts, GroupPriors, group_rates

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

LEAST_MEMBERS = 3
"""Fewest members of a family from which the spread of their rates is estimated."""


@dataclass(frozen=True, eq=False)
class GammaPriors:
    r"""Fitted gamma laws of the rates in families, one entry per family; NaN where not fitted."""

    shape: Floats
    """:math:`a`; inf where the members differ no more than by chance."""
    mean: Floats
    """Mean rate :math:`m` [failures per unit of exposure]."""
    mean_shape: Floats
    """Failures behind the mean: it is known as well as a gamma law of this shape."""
    log_likelihood: Floats
    """Negative binomial log likelihood."""
    members: Integers
    """Members with exposure."""

    @property
    def exposure(self) -> Floats:
        """Gamma rate :math:`b = a / m` [unit of exposure]; inf with the shape."""
        return self.shape / self.mean

    @property
    def is_fitted(self) -> Booleans:
        """Whether the family had members and failures enough."""
        return ~np.isnan(self.shape)

    @property
    def has_no_spread(self) -> Booleans:
        """Whether the likelihood is highest at the edge, where all members share one rate."""
        return np.isinf(self.shape)


def fit_gamma_prior(
    failures: ArrayLike, exposure: ArrayLike, family: ArrayLike | None = None
) -> GammaPriors:
    r"""Fit the gamma law of rates within each family to counts of its members.

    Parameters
    ----------
    failures : array_like of float, shape (n,)
        Failures counted, :math:`n_i`.
    exposure : array_like of float, shape (n,)
        Exposure :math:`H_i` [any unit of time, or failures that a reference rate expects]; members
        with 0 say nothing.
    family : array_like of int, shape (n,), optional
        Family of each member, numbered from 0; one family where not given.

    Returns
    -------
    GammaPriors
        One entry per family, in the order of the numbers. A family with fewer than 3 members that
        have exposure, or without any failure, is not fitted.

    Raises
    ------
    ValueError
        When shapes differ, a figure is negative, or failures have no exposure.

    Notes
    -----
    Maximum likelihood of :math:`n_i \sim` NB(shape :math:`a`, mean :math:`m H_i`), the mean at its
    best for every shape. Where the counts spread no more than Poisson counts do, the likelihood
    rises up to :math:`a \to \infty`: ``has_no_spread``, all members share the rate ``mean``.

    References
    ----------
    Gelman et al., Bayesian Data Analysis, 3rd ed., section 5.1.

    Examples
    --------
    Pumps of a nuclear plant, thousands of hours (George, Makov and Smith 1993):

    >>> hours = [94.3, 15.7, 62.9, 126, 5.24, 31.4, 1.05, 1.05, 2.1, 10.5]
    >>> prior = fit_gamma_prior([5, 1, 5, 14, 3, 19, 1, 1, 4, 22], hours)
    >>> prior.shape.round(3), prior.exposure.round(3)
    (array([0.823]), array([1.262]))
    """
    n = np.asarray(failures, dtype=np.float64)
    h = np.asarray(exposure, dtype=np.float64)
    codes = np.zeros(n.shape, np.int64) if family is None else np.asarray(family, dtype=np.int64)
    _check_counts(n, h, codes)
    n_families = int(codes.max(initial=0 if family is None else -1)) + 1
    seen = h > 0.0
    members = np.bincount(codes[seen], minlength=n_families)
    total = np.bincount(codes[seen], n[seen], n_families)
    fitted = (members >= LEAST_MEMBERS) & (total > 0.0)
    position = np.cumsum(fitted) - 1
    used = seen & fitted[codes]
    counts = GroupedCounts(n[used], h[used], position[codes[used]], int(fitted.sum()))
    figures = np.full((4, n_families), np.nan)
    figures[:, fitted] = _fitted(counts)
    shape, mean, mean_shape, log_likelihood = figures
    return GammaPriors(shape, mean, mean_shape, log_likelihood, members)


def _fitted(counts: GroupedCounts) -> Floats:
    """Shape, mean, shape of the mean and log likelihood of every family, stacked."""
    n_families = counts.n_groups
    no_prior = GroupPriors.none(n_families)
    profile = DispersionProfile(counts, no_prior, np.arange(n_families), n_families, False)
    dispersion = fit_dispersion(profile)
    rates = group_rates(counts, dispersion.value[counts.group], no_prior)
    constant = counts.total(scipy.special.gammaln(counts.failures + 1.0))
    with np.errstate(divide="ignore"):
        shape = 1.0 / dispersion.value
    return np.array([shape, rates.mode, rates.shape, dispersion.log_likelihood - constant])


def _check_counts(n: Floats, h: Floats, codes: Integers) -> None:
    if n.ndim != 1 or h.shape != n.shape or codes.shape != n.shape:
        raise ValueError(
            "failures, exposure and family must be of one shape (n,), "
            f"got {n.shape}, {h.shape} and {codes.shape}"
        )
    for name, values in (("failures", n), ("exposure", h), ("family", codes)):
        wrong = ~((values >= 0) & np.isfinite(values))
        if wrong.any():
            raise ValueError(f"{name} must be finite and at least 0, got {values[wrong][0]}")
    if ((n > 0.0) & (h <= 0.0)).any():
        raise ValueError("exposure must be above 0 where there are failures, got 0.0")
