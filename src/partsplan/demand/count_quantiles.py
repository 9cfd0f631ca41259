"""Quantiles of counts of failures by their mean and variance.

Binomial where the variance is below the mean (renewals of wearing parts), Poisson where it is the
mean, negative binomial where it is above (uncertain rates, early failures).
"""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_SAME = 1e-9
"""Relative distance of variance and mean within which the law is Poisson."""
_NOTHING = 1e-100
"""Mean that is as good as 0; the square of a lesser one would be lost."""


def count_quantile(
    mean: ArrayLike,
    share: ArrayLike,
    *,
    variance: ArrayLike | None = None,
    rate_shape: ArrayLike = np.inf,
) -> Integers:
    r"""Smallest count that is not exceeded with at least a given probability.

    Parameters
    ----------
    mean : array_like of float
        Expected count.
    share : array_like of float
        Probability, strictly between 0 and 1.
    variance : array_like of float, optional
        Variance of the count when the rate is known; the mean (Poisson) where not given.
    rate_shape : array_like of float, default inf
        Gamma shape of the uncertain rate, which adds mean^2 / rate_shape to the variance: a
        Poisson count becomes negative binomial, exactly.

    Returns
    -------
    ndarray of int
        :math:`\min \{k : P(N \le k) \ge q\}`.

    Raises
    ------
    ValueError
        When a figure is outside its range.

    Notes
    -----
    A variance v below the mean m takes the binomial law of mean m with
    :math:`n = \lceil m^2 / (m - v) \rceil` trials, whose variance is the least not below v; a
    count of 0 or 1 is met exactly. A variance above takes the negative binomial of both moments.

    Examples
    --------
    >>> count_quantile(0.972, 0.95).item()  # 45 drives, 90 days, 100,000 h between failures
    3
    >>> count_quantile(10.0, 0.95, rate_shape=4.0).item()
    21
    """
    m, q, v, a = np.broadcast_arrays(
        *(
            np.asarray(x, dtype=np.float64)
            for x in (mean, share, mean if variance is None else variance, rate_shape)
        )
    )
    _check("mean", m, (m >= 0.0) & np.isfinite(m), "finite and at least 0")
    _check("variance", v, (v >= 0.0) & np.isfinite(v), "finite and at least 0")
    _check("share", q, (q > 0.0) & (q < 1.0), "strictly between 0 and 1")
    _check("rate_shape", a, a > 0.0, "above 0")
    with np.errstate(invalid="ignore"):
        v = v + np.where(np.isinf(a), 0.0, m**2 / a)
    flat = (m.ravel(), v.ravel())
    found = _search(flat, q.ravel())
    return np.asarray(found.reshape(m.shape))


def count_distribution(count: ArrayLike, mean: ArrayLike, variance: ArrayLike) -> Floats:
    """Probability of at most ``count`` by the law that `count_quantile` uses."""
    k, m, v = np.broadcast_arrays(
        *(np.asarray(x, dtype=np.float64) for x in (count, mean, variance))
    )
    return _distribution(k.ravel(), m.ravel(), v.ravel()).reshape(k.shape)


def _check(name: str, values: Floats, is_right: NDArray[np.bool_], rule: str) -> None:
    if not is_right.all():
        raise ValueError(f"{name} must be {rule}, got {values[~is_right].flat[0]}")


def _distribution(k: Floats, m: Floats, v: Floats) -> Floats:
    """P(N <= k); 0 for k below 0, 1 where the mean is 0, or nothing."""
    result = np.where(k >= 0.0, 1.0, 0.0)
    live = (m > _NOTHING) & (k >= 0.0)
    below, above = live & (v < m * (1.0 - _SAME)), live & (v > m * (1.0 + _SAME))
    poisson = live & ~below & ~above
    result[poisson] = scipy.special.gammaincc(k[poisson] + 1.0, m[poisson])
    if below.any():
        trials = np.ceil(m[below] ** 2 / (m[below] - v[below]) * (1.0 - 1e-12))
        trials = np.maximum(trials, np.ceil(m[below]))
        p = np.minimum(m[below] / trials, 1.0)
        inside = k[below] < trials
        left = np.where(inside, trials - k[below], 1.0)
        result[below] = np.where(inside, scipy.special.betainc(left, k[below] + 1.0, 1.0 - p), 1.0)
    if above.any():
        size = m[above] ** 2 / (v[above] - m[above])
        result[above] = scipy.special.betainc(size, k[above] + 1.0, m[above] / v[above])
    return result


def _search(law: tuple[Floats, Floats], share: Floats) -> Integers:
    """Bracket each quantile about its normal value by doubling steps, then halve."""
    m, v = law
    center = np.maximum(np.floor(m + scipy.special.ndtri(share) * np.sqrt(v)), 0.0)
    low, high = center - 2.0, center + 2.0
    step = np.full(len(m), 2.0)
    while (open_ := np.flatnonzero(_distribution(high, m, v) < share)).size:
        step[open_] *= 2.0
        high[open_] += step[open_]
    low = np.maximum(low, -1.0)
    step[:] = 2.0
    while (open_ := np.flatnonzero((low >= 0.0) & (_distribution(low, m, v) >= share))).size:
        step[open_] *= 2.0
        low[open_] = np.maximum(low[open_] - step[open_], -1.0)
    while (open_ := np.flatnonzero(high - low > 1.0)).size:
        middle = np.floor((low[open_] + high[open_]) / 2.0)
        enough = _distribution(middle, m[open_], v[open_]) >= share[open_]
        high[open_] = np.where(enough, middle, high[open_])
        low[open_] = np.where(enough, low[open_], middle)
    return high.astype(np.int64)
