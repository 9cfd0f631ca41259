"""Does a count fit what was expected of it? Exact tests, Poisson and negative binomial."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def count_p_values(
    counted: ArrayLike, expected: ArrayLike, variance: ArrayLike | None = None
) -> Floats:
    r"""Chance of counts at least as far from what was expected.

    Parameters
    ----------
    counted : array_like of float, shape (n,)
        Counts :math:`k`.
    expected : array_like of float, shape (n,)
        Expected counts :math:`m`, 0 or more.
    variance : array_like of float, shape (n,), optional
        Variance of the counts; by default, and up to :math:`m`, they are Poisson, above it
        negative binomial.

    Returns
    -------
    ndarray of float, shape (n,)
        Two-sided: twice the smaller tail, each with :math:`k` itself, at most 1.

    Raises
    ------
    ValueError
        When a figure is negative, NaN or infinite.

    Notes
    -----
    The negative binomial of mean m and variance V has the shape :math:`r = m^2 / (V - m)`; its
    tails are incomplete beta functions, so r need not be whole.

    Examples
    --------
    >>> count_p_values([9, 9], [4.0, 4.0], [4.0, 12.0]).round(4)
    array([0.0427, 0.2081])
    """
    k, m = np.broadcast_arrays(
        np.asarray(counted, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    )
    v = np.broadcast_to(np.asarray(m if variance is None else variance, dtype=np.float64), k.shape)
    for name, values in (("counted", k), ("expected", m), ("variance", v)):
        wrong = ~((values >= 0.0) & np.isfinite(values))
        if wrong.any():
            raise ValueError(f"{name} must be 0 or more and finite, got {values[wrong][0]}")
    at_most, at_least = np.ones(k.shape), np.ones(k.shape)
    some, is_wide = k > 0.0, v > m * (1.0 + 1e-9)
    shape, success = np.ones(k.shape), np.ones(k.shape)
    wide = is_wide & (m > 0.0)
    shape[wide], success[wide] = m[wide] ** 2 / (v[wide] - m[wide]), m[wide] / v[wide]
    at_most[wide] = scipy.special.betainc(shape[wide], k[wide] + 1.0, success[wide])
    poisson = ~is_wide & (m > 0.0)
    at_most[poisson] = scipy.special.gammaincc(k[poisson] + 1.0, m[poisson])
    at_least[some & (m == 0.0)] = 0.0
    wide, poisson = wide & some, poisson & some
    at_least[wide] = scipy.special.betaincc(shape[wide], k[wide], success[wide])
    at_least[poisson] = scipy.special.gammainc(k[poisson], m[poisson])
    p_value: Floats = np.minimum(2.0 * np.minimum(at_most, at_least), 1.0)
    return p_value
