"""Tables of the Poisson law from 0 up.

Tails are summed from the far end: forward subtraction loses them.
"""

from __future__ import annotations

import numpy as np
import scipy

from partsplan.optimization.axes import Floats


def poisson_law(mean: Floats, length: int) -> Floats:
    """P(X = k) for k = 0 .. length - 1 on a new last axis."""
    k = np.arange(length, dtype=np.float64)
    m = mean[..., None]
    return np.exp(scipy.special.xlogy(k, m) - m - scipy.special.gammaln(k + 1.0))


def poisson_tables(mean: Floats, size: int) -> tuple[Floats, Floats]:
    """P(X >= S) and E[(X - S)+] for S = 0 .. size - 1, by direct sums from the far end."""
    largest = float(mean.max(initial=0.0))
    length = size + int(largest + 10.0 * np.sqrt(largest)) + 25
    tail = tails(poisson_law(mean, length))
    loss = np.zeros_like(tail)
    loss[..., :-1] = tails(tail[..., 1:])
    tail = np.minimum(tail[..., :size], 1.0)
    tail[..., 0] = 1.0
    return tail, loss[..., :size]


def tails(law: Floats) -> Floats:
    """P(X >= k) along the last axis."""
    return np.cumsum(law[..., ::-1], axis=-1)[..., ::-1]
