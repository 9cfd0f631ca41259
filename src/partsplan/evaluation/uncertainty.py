"""Quadrature over the uncertain failure rate of a part: one gamma factor for all its locations.

For what has no closed form (`gamma_rates`). Given the factor everything is Poisson again, so a
mixture over a few dozen factors is exact to rounding. Gauss-Laguerre where few nodes suffice, else
the trapezoid in a variable in which the laws have equal width everywhere, which converges
geometrically for any shape and pipeline.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, exp, expm1, inf, isinf, lgamma, log, log1p, pi, sqrt

import numpy as np
import scipy

from partsplan.evaluation.supply import Floats

DIGITS = 27.0
"""Log of the relative error aimed at, exp(-27) = 2e-12; in tests it stays below 1e-12."""
GAUSS_SIZES = (4, 6, 8, 10, 12, 16, 20, 24, 28, 32)
"""Node counts of Gauss-Laguerre that are tried before the trapezoid."""

GAUSS_ERROR = 1e-12
"""Relative error allowed to Gauss-Laguerre."""
LARGEST_GAUSS_SHAPE = 100.0
"""Above this shape the weights of Gauss-Laguerre overflow and the trapezoid is as short."""


def rate_nodes(
    shape: float,
    largest_pipeline: float,
    largest_stock: float = 0.0,
    *,
    largest_factor: float = inf,
    least_share: float = 0.0,
    refine: int = 1,
    digits: float = DIGITS,
) -> tuple[Floats, Floats]:
    r"""Factors of a gamma-distributed rate and their weights.

    Parameters
    ----------
    shape : float
        Gamma shape :math:`a` of the factor :math:`\theta` with mean 1; ``inf`` when known.
    largest_pipeline : float
        Largest pipeline mean of the part at :math:`\theta = 1`, of all locations on one path from
        a root to a leaf together [units].
    largest_stock : float
        Largest stock on one path from a root to a leaf [units]; every figure is right relative
        to itself for stocks up to this.
    largest_factor : float
        Factor at which even the best stocked location would be short; saves nodes above it.
    least_share : float
        Least share of demand late that is to be right relative to itself; saves nodes at factors
        that lesser shares come from.
    refine : int
        Multiplies the number of nodes, to test the error of the rule.
    digits : float
        Log of the relative error aimed at where Gauss-Laguerre does not serve.

    Returns
    -------
    nodes, weights : ndarray, shape (n_nodes,)
        :math:`E[g(\theta)] \approx \sum_q w_q g(\theta_q)`; the first node also carries
        what lies below it. For shares of demand use the size-biased weights
        :math:`w_q \theta_q`, gamma with shape a + 1 and mean (a + 1) / a.

    Raises
    ------
    ValueError
        If the shape is not positive.

    Notes
    -----
    A figure of a stock s and a pipeline m sums :math:`\theta^j e^{-m \theta}`. Gauss-Laguerre
    is used with the fewest nodes that integrate these at the largest pipeline for all j up to
    s + 3 to 1e-12, which is checked against their closed form. Otherwise: with
    :math:`m \theta + a \theta = \log(1 + e^v)^2` every such term is, in v, about a Gaussian of
    standard deviation 1/2 (the square root stabilizes a Poisson variance) or wider, which the
    trapezoid of spacing h integrates with the relative error :math:`2 \exp(-\pi^2 / 2 h^2)`.

    Examples
    --------
    >>> nodes, weights = rate_nodes(2.0, 1.5)
    >>> float((weights * nodes).sum().round(9)), float((weights * nodes**2).sum().round(9))
    (1.0, 1.5)
    """
    if not shape > 0:
        raise ValueError(f"shape must be positive, got {shape}")
    if isinf(shape):
        return np.ones(1), np.ones(1)
    stock = _visible_stock(shape, largest_pipeline, largest_stock)
    top = _log_quantile(shape + stock + 3.0, shape, upper=True)
    if largest_factor < inf:
        peak = max(largest_factor, (shape + 2.0) / shape)
        top = min(top, log(peak) + _drop(shape + 2.0, shape * peak))
    if least_share > 0:
        seldom = least_share * exp(-DIGITS)
        top = min(top, log(scipy.special.gammainccinv(shape + 2.0, seldom) / shape))
    size = _gauss_size(shape, largest_pipeline, ceil(stock))
    if size > 0:
        nodes, weights = _gauss_rule(shape, size * refine)
        needed = nodes <= exp(top)
        return nodes[needed], weights[needed]
    bottom = _log_quantile(shape + 1.0, shape + largest_pipeline, upper=False)
    scale = shape + largest_pipeline
    return _trapezoid_rule(shape, scale, (bottom, top), pi / sqrt(2.0 * digits) / refine)


def _trapezoid_rule(
    shape: float, scale: float, log_range: tuple[float, float], step: float
) -> tuple[Floats, Floats]:
    """Equidistant nodes in v, scale * theta = log(1 + e^v)^2; the first carries all below."""
    lowest, highest = (_inverse_softplus(sqrt(scale * exp(end))) for end in log_range)
    v = highest - step * np.arange(ceil((highest - lowest) / step), -1, -1)
    root = np.logaddexp(0.0, v)
    nodes = root * root / scale
    log_nodes = np.log(nodes)
    near = (
        -0.5
        * log_nodes**2
        * (1.0 + log_nodes / 3.0 * (1.0 + log_nodes / 4.0 * (1.0 + log_nodes / 5.0)))
    )
    exponent = np.where(np.abs(log_nodes) < 1e-3, near, log_nodes - np.expm1(log_nodes))
    slope = 2.0 / (root * (1.0 + np.exp(-v)))
    weights = step * slope * np.exp(shape * exponent + _log_scale(shape))
    weights[0] += max(1.0 - float(weights.sum()), 0.0)
    return nodes, weights


def _inverse_softplus(x: float) -> float:
    """The v with log(1 + e^v) = x > 0."""
    return x + log(-expm1(-x))


@lru_cache(maxsize=1024)
def _gauss_rule(shape: float, size: int) -> tuple[Floats, Floats]:
    """Generalized Gauss-Laguerre for the gamma density of mean 1."""
    nodes, weights = scipy.special.roots_genlaguerre(size, shape - 1.0)
    return nodes / shape, weights / weights.sum()


@lru_cache(maxsize=65536)
def _gauss_size(shape: float, pipeline: float, stock: int) -> int:
    """Fewest Gauss nodes that integrate all theta^j exp(-pipeline theta), 0 if none do."""
    if shape > LARGEST_GAUSS_SHAPE or stock > GAUSS_SIZES[-1]:
        return 0
    powers = np.arange(stock + 4.0)[:, np.newaxis]
    exact = (
        scipy.special.gammaln(shape + powers)
        - scipy.special.gammaln(shape)
        - (shape + powers) * log1p(pipeline / shape)
    )
    for size in GAUSS_SIZES:
        nodes, weights = _gauss_rule(shape, size)
        terms = np.exp(powers * np.log(shape * nodes) - pipeline * nodes - exact)
        if np.abs(terms @ weights - 1.0).max() < GAUSS_ERROR:
            return size
    return 0


def _visible_stock(shape: float, pipeline: float, stock: float) -> float:
    """Stock, but not beyond the count whose probability underflows."""
    if pipeline <= 0:
        return 0.0
    return min(stock, 2.0 * pipeline + 720.0 / log1p(shape / pipeline))


def _log_quantile(shape: float, rate: float, *, upper: bool) -> float:
    """Log of a factor beyond which a gamma density (in the log) has become negligible."""
    distance = (2.0 * DIGITS / shape) ** 0.5
    if upper:
        return log(shape / rate) + _drop(shape, shape)
    u = -DIGITS / shape - 1.0 if distance > 1 else -distance * 1.5
    for _ in range(30):
        value = shape * (u - expm1(u)) + DIGITS
        u -= value / (shape * -expm1(u))
    return log(shape / rate) + u


def _drop(power: float, rate: float) -> float:
    """Positive u with power * u - rate * (e^u - 1) = -DIGITS, for rate >= power."""
    u = log1p((DIGITS + (2.0 * DIGITS * rate) ** 0.5) / rate) * 1.5 + 0.1
    for _ in range(30):
        u -= (power * u - rate * expm1(u) + DIGITS) / (power - rate * exp(u))
    return u


def _log_scale(shape: float) -> float:
    r"""Log of :math:`a^a e^{-a} / \Gamma(a)`, without cancellation for large shapes."""
    if shape < 100.0:
        return shape * log(shape) - shape - lgamma(shape)
    inverse = 1.0 / shape
    stirling = inverse / 12 - inverse**3 / 360 + inverse**5 / 1260 - inverse**7 / 1680
    return 0.5 * log(shape / (2.0 * pi)) - stirling
