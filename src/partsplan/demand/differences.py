"""Which segments truly differ: exact tests, and control of false discoveries among many.

Given a part's failures in all, those of one segment are binomial with the segment's share of the
exposure if all segments fail alike (Przyborowski and Wilenski 1940); Benjamini and Hochberg (1995)
bound the share of false findings.
"""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def rate_difference_p_values(
    failures: ArrayLike, exposure: ArrayLike, total_failures: ArrayLike, total_exposure: ArrayLike
) -> Floats:
    r"""Chance of counts at least as uneven, if a segment failed as often as all the rest.

    Parameters
    ----------
    failures, exposure : array_like of float, shape (n,)
        Failures :math:`n` and exposure :math:`e` of the segment.
    total_failures, total_exposure : array_like of float, shape (n,)
        The same of all segments together, :math:`N` and :math:`E`, this one included.

    Returns
    -------
    ndarray of float, shape (n,)
        Two-sided: twice the tail of Binomial(:math:`N`, :math:`e / E`) from :math:`n` outward, on
        the side of its mean where :math:`n` lies, at most 1; NaN where there is no other segment
        to compare with. Weighted failures are allowed: tails are incomplete beta functions.

    References
    ----------
    Przyborowski and Wilenski, Biometrika 31 (1940), 313-323. Benjamini and Hochberg, J. R. Stat.
    Soc. B 57 (1995), 289-300.

    Examples
    --------
    >>> rate_difference_p_values([8], [1000.0], [10], [3000.0]).round(4)
    array([0.0068])
    """
    n, e, total_n, total_e = np.broadcast_arrays(
        *(
            np.asarray(x, dtype=np.float64)
            for x in (failures, exposure, total_failures, total_exposure)
        )
    )
    result = np.full(n.shape, np.nan)
    compared = (e > 0.0) & (total_e > e)
    n, total_n, share = n[compared], total_n[compared], e[compared] / total_e[compared]
    rest = total_n - n
    tail = np.ones(len(n))
    above, below = n > share * total_n, n < share * total_n
    tail[above] = scipy.special.betainc(n[above], rest[above] + 1.0, share[above])
    tail[below] = scipy.special.betaincc(n[below] + 1.0, rest[below], share[below])
    result[compared] = np.minimum(2.0 * tail, 1.0)
    return result


def false_discovery_p_values(p_values: ArrayLike) -> Floats:
    """Adjusted p-values of Benjamini and Hochberg.

    Rejecting all at or below q makes false rejections a share of at most q of all, on average, for
    tests that are independent or positively dependent.

    Parameters
    ----------
    p_values : array_like of float, shape (n,)
        NaN where nothing was tested.

    Returns
    -------
    ndarray of float, shape (n,)
        NaN where nothing was tested.

    Examples
    --------
    >>> false_discovery_p_values([0.01, 0.04, 0.03, np.nan])
    array([0.03, 0.04, 0.04,  nan])
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    stepped = p[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return adjusted
