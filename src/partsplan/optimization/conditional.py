"""Figures of a location given how many units are late at its parent, by positive steps.

Poisson tails are summed from the far end: forward subtraction loses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy

from partsplan.optimization.axes import Floats, Integers


@dataclass(frozen=True, eq=False)
class Given:
    """A figure of some locations with no unit late at their parent, and how it steps to more.

    ``none_late`` has the axes (part, location, stock or count), ``share`` (part, location).
    """

    none_late: Floats
    share: Floats
    kind: Literal["loss", "tail", "law"]
    """E[(X - S)+], P(X >= S) or P(X = k): what the figure is at one unit less than the first."""

    def by_count(self, counts: int, stock: Integers | None = None) -> Floats:
        r"""Figure given n = 0, 1, ... late units; axes (part, n, location, stock).

        ``stock``, of shape (part, location, size), picks stocks; by default all are given.

        With one more late unit, this location is the one that waits for it with probability f:
        :math:`g(n + 1, S) = (1 - f) g(n, S) + f g(n, S - 1)`, all terms positive.
        """
        current = self.none_late
        n, n_places, full = current.shape
        f = self.share[..., None]
        first = self.share if self.kind != "law" else 0.0
        picked = None
        if stock is not None:
            row = np.arange(n * n_places).reshape(n, n_places, 1)
            picked = row * full + stock
        steps = np.empty((n, counts, n_places, full if stock is None else stock.shape[-1]))
        for count in range(counts):
            if count > 0:
                further = current * (1.0 - f)
                further[..., 1:] += f * current[..., :-1]
                further[..., 0] += first
                if self.kind == "loss":
                    further[..., 0] += self.share * current[..., 0]
                current = further
            steps[:, count] = current if picked is None else current.ravel()[picked]
        return steps


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
