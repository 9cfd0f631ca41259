r"""Counts at gamma-distributed rates: negative binomial laws, and what a count says of the rate.

A Poisson count of mean :math:`m \theta` at a factor :math:`\theta` of gamma shape A and rate b is
negative binomial with :math:`q = m / (b + m)`. Once n units are counted the factor is gamma of
shape A + n and rate b + m, so that other counts are negative binomial again: all there is to know
of the rate is how many units were counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from partsplan.evaluation.laws import UNDERFLOW, count_reach
from partsplan.evaluation.supply import Floats, Integers


@dataclass(frozen=True, eq=False)
class GammaRates:
    """Gamma-distributed factors on the rates of some parts.

    Parameters
    ----------
    shape, rate
        Shape (n_parts,); the mean factor is shape / rate.
    """

    shape: Floats
    rate: Floats

    @classmethod
    def of(cls, rate_shape: Floats, *, per_demand: bool = False) -> GammaRates:
        """Factors of mean 1 at a random moment, or (size-biased) when a demand comes."""
        return cls(rate_shape + (1.0 if per_demand else 0.0), rate_shape)

    def of_parts(self, parts: Integers | slice) -> GammaRates:
        """The same of some parts."""
        return GammaRates(self.shape[parts], self.rate[parts])

    def with_none_of(self, mean: Floats) -> GammaRates:
        """Factors where no unit was counted of mean ``mean``, shape (n_parts,), at factor 1."""
        return GammaRates(self.shape, self.rate + mean)

    def having_seen(self, count: Floats) -> GammaRates:
        """Factors as far up as so many units could speak for; ``count`` adds axes."""
        shape = _leading(self.shape, count) + count
        return GammaRates(shape, np.broadcast_to(_leading(self.rate, count), shape.shape))

    def odds(self, mean: Floats) -> Floats:
        """The q of counts of mean ``mean``, shape (n_parts, ...), at factor 1."""
        return np.asarray(mean / (_leading(self.rate, mean) + mean))

    def reach(
        self, mean: Floats, above: Floats | float = 0.0, rareness: Floats | float = 0.0
    ) -> Integers:
        """Counts beyond which laws, given that they exceed ``above``, are negligible.

        ``rareness`` is as in `count_reach`.
        """
        shape, rate = (_leading(values, mean) for values in (self.shape, self.rate))
        counted = shape * mean / rate
        given = (counted * mean / rate, above, rareness)
        excess, least, rare = (np.broadcast_to(figure, mean.shape).ravel() for figure in given)
        return count_reach(counted.ravel(), excess, least, rare).reshape(mean.shape)

    def rareness(self, count: Floats, mean: Floats) -> Floats:
        """-log P(X = count), of the shape of ``mean``; at most what a double can hold."""
        shape, rate = (_leading(values, mean) for values in (self.shape, self.rate))
        ways = scipy.special.gammaln(shape + count) - scipy.special.gammaln(shape)
        ways -= scipy.special.gammaln(count + 1.0)
        log = ways + scipy.special.xlogy(count, mean / (rate + mean))
        return np.asarray(np.clip(shape * np.log1p(mean / rate) - log, 0.0, UNDERFLOW))

    def growth(self, seen: Floats | Integers, count: Floats | Integers) -> Floats:
        """Log of how many times likelier a count gets with so many units seen, at most.

        ``seen`` and ``count`` have one shape, with parts on the first axis.
        """
        shape = _leading(self.shape, np.asarray(seen))
        with_none = scipy.special.gammaln(shape + count) - scipy.special.gammaln(shape)
        with_all = scipy.special.gammaln(shape + seen + count)
        return np.asarray(with_all - scipy.special.gammaln(shape + seen) - with_none)

    def law(self, mean: Floats, length: int) -> Floats:
        """P(X = k) for k = 0 .. length - 1 on a new last axis.

        Parameters
        ----------
        mean
            Shape (n_parts, ...): mean counts at factor 1.
        length
            Number of counts.
        """
        shape, rate = (_leading(values, mean) for values in (self.shape, self.rate))
        count = np.arange(length - 1.0)
        mass = np.empty((*mean.shape, length))
        mass[..., 0] = np.exp(-shape * np.log1p(mean / rate))
        mass[..., 1:] = (shape[..., None] + count) / (count + 1.0)
        mass[..., 1:] *= self.odds(mean)[..., None]
        return np.multiply.accumulate(mass, axis=-1, out=mass)


def _leading(values: Floats, like: NDArray[Any]) -> Floats:
    """Values of parts with axes of length 1 behind, as many as another array has."""
    return values.reshape(*values.shape, *(1 for _ in like.shape[values.ndim :]))
