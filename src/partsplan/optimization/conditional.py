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
_MOST_PLACES = 0.8
"""Share of the locations fed by a parent above which all are worked: it saves copies."""


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
        worked at once, so that a step stays in the cache, and none further than its law reaches;
        where no late unit is waited for, nothing is worked.

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
        flat = law.reshape(n, -1, law.shape[-1])
        size = full if stock is None else stock.shape[-1]
        mixed = np.empty((n, flat.shape[1], n_places, size))
        fed = self.share > 0.0
        rows = max(1, _STEP_CELLS // max(int(fed.sum(axis=1).max(initial=0)) * full, 1))
        for start in range(0, n, rows):
            some = slice(start, start + rows)
            places = np.flatnonzero(fed[some].any(axis=0))
            wanted = None if stock is None else stock[some]
            if len(places) > _MOST_PLACES * n_places:
                mixed[some] = self._of(some, np.arange(n_places))._mixed(flat[some], wanted)
                continue
            alone = self.none_late[some]
            if wanted is not None:
                alone = np.take_along_axis(alone, wanted, axis=-1)
            mixed[some] = alone[:, np.newaxis]
            if len(places):
                wanted = None if wanted is None else wanted[:, places]
                mixed[some][:, :, places] = self._of(some, places)._mixed(flat[some], wanted)
        return mixed.reshape(*law.shape[:-1], n_places, size)

    def _of(self, some: slice, places: Integers) -> Given:
        """The same of some parts and locations."""
        return Given(self.none_late[some][:, places], self.share[some][:, places], self.kind)

    def _mixed(self, law: Floats, stock: Integers | None) -> Floats:
        """Figures over the law; axes (part, context, location, stock)."""
        n, n_places, full = self.none_late.shape
        size = full
        picked = None
        if stock is not None:
            size, full = stock.shape[-1], min(full, 1 + int(stock.max(initial=0)))
            picked = (np.arange(n * n_places).reshape(n, n_places, 1) * full + stock).ravel()
        current = self.none_late[..., :full].copy()
        cells = n * n_places * size
        reached = np.flatnonzero(law.max(axis=(0, 1), initial=0.0) > _NEVER)
        counts = 1 + int(reached.max(initial=0))
        steps = np.empty((min(max(1, _KEPT_CELLS // max(cells, 1)), counts), cells))
        share = self.share[..., None]
        stay, moved = 1.0 - share, np.empty_like(current)
        mixed = np.zeros((n, law.shape[1], n_places * size))
        for count in range(counts):
            if count > 0:
                self._step(current, share, stay, moved)
            step = count % len(steps)
            if picked is None:
                steps[step] = current.ravel()
            else:
                np.take(current.ravel(), picked, out=steps[step], mode="clip")
            if step == len(steps) - 1 or count == counts - 1:
                by_part = steps[: step + 1].reshape(step + 1, n, -1).swapaxes(0, 1)
                weight = law[:, :, count - step : count + 1]
                context = np.flatnonzero(weight.max(axis=(0, 2)) > _NEVER)
                if len(context) == law.shape[1]:
                    mixed += weight @ by_part
                else:
                    mixed[:, context] += weight[:, context] @ by_part
        return mixed.reshape(n, law.shape[1], n_places, size)

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
