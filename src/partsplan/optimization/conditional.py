"""Figures of a location given how many units are late at its parent, by positive steps.

Poisson tails are summed from the far end: forward subtraction loses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy

from partsplan.optimization.axes import Floats, Integers

_STEP_CELLS = 32_000
"""Figures that a step works at once; they stay in the cache of a core."""
_KEPT_CELLS = 1_000_000
"""Figures of all steps kept until a law weighs them."""
_NEVER = 1e-21
"""Probability of a count of late units below which nothing is lost without it."""


@dataclass(frozen=True, eq=False)
class Given:
    """A figure of some locations with no unit late at their parent, and how it steps to more.

    ``none_late`` has the axes (part, location, stock or count), ``share`` (part, location).
    """

    none_late: Floats
    share: Floats
    kind: Literal["loss", "tail", "law"]
    """E[(X - S)+], P(X >= S) or P(X = k): what the figure is at one unit less than the first."""

    def over(self, law: Floats, stock: Integers | None = None) -> Floats:
        r"""Figure when the units late at the parent have a law.

        With one more late unit, this location is the one that waits for it with probability f:
        :math:`g(n + 1, S) = (1 - f) g(n, S) + f g(n, S - 1)`, all terms positive. Few parts are
        worked at once, so that a step stays in the cache, and none further than its law reaches.

        Parameters
        ----------
        law
            Axes (part, context..., count).
        stock
            Axes (part, location, size): the stocks wanted; by default all given.

        Returns
        -------
        numpy.ndarray
            Axes (part, context..., location, stock).
        """
        n, n_places, full = self.none_late.shape
        size = full if stock is None else stock.shape[-1]
        flat = law.reshape(n, -1, law.shape[-1])
        mixed = np.empty((n, flat.shape[1], n_places * size))
        rows = max(1, _STEP_CELLS // max(n_places * full, 1))
        for start in range(0, n, rows):
            some = slice(start, start + rows)
            wanted = None if stock is None else stock[some]
            self._mix(some, flat[some], wanted, mixed[some])
        return mixed.reshape(*law.shape[:-1], n_places, size)

    def _mix(self, some: slice, law: Floats, stock: Integers | None, out: Floats) -> None:
        """Figures of some parts; contexts in one axis, locations and stocks in another."""
        full = self.none_late.shape[-1]
        if stock is not None:
            full = min(full, 1 + int(stock.max(initial=0)))
        current = self.none_late[some, :, :full].copy()
        picked = None
        if stock is not None:
            n, n_places, _ = stock.shape
            picked = (np.arange(n * n_places).reshape(n, n_places, 1) * full + stock).ravel()
        reached = np.flatnonzero(law.max(axis=(0, 1), initial=0.0) > _NEVER)
        counts = 1 + int(reached.max(initial=0))
        width = max(1, _KEPT_CELLS // max(len(law) * out.shape[-1], 1))
        steps = np.empty((min(width, counts), len(law) * out.shape[-1]))
        share = self.share[some, :, None]
        stay, moved = 1.0 - share, np.empty_like(current)
        out[:] = 0.0
        for count in range(counts):
            if count > 0:
                self._step(current, share, stay, moved)
            step = count % len(steps)
            if picked is None:
                steps[step] = current.ravel()
            else:
                np.take(current.ravel(), picked, out=steps[step], mode="clip")
            if step == len(steps) - 1 or count == counts - 1:
                by_part = steps[: step + 1].reshape(step + 1, len(law), -1).swapaxes(0, 1)
                weight = law[:, :, count - step : count + 1]
                context = np.flatnonzero(weight.max(axis=(0, 2)) > _NEVER)
                if len(context) == law.shape[1]:
                    out += weight @ by_part
                else:
                    out[:, context] += weight[:, context] @ by_part

    def _step(self, current: Floats, share: Floats, stay: Floats, moved: Floats) -> None:
        """One more unit late, in place."""
        np.multiply(current, share, out=moved)
        current *= stay
        current[..., 1:] += moved[..., :-1]
        if self.kind != "law":
            current[..., 0] += share[..., 0]
        if self.kind == "loss":
            current[..., 0] += moved[..., 0]


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
