"""A second reading of one LRU with SRUs at a depot and bases: plain convolutions, no library code.

The depot repairs every LRU; SRUs are held there only.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy.stats import binom, poisson

LENGTH = 70


class PlainFamily:
    """Rates per day, times in days; one row of shares and days per SRU."""

    def __init__(self, base_rates, days, shares, sru_days, transit):
        self.base_rates = base_rates  # customers of the depot where there is no transit
        self.rate = sum(base_rates)
        self.own = poisson.pmf(np.arange(LENGTH), self.rate * days)
        self.sru_means = [
            self.rate * share * time for share, time in zip(shares, sru_days, strict=True)
        ]
        self.transit = transit
        self._laws = {}
        self._late = {}

    def depot_law(self, sru_stock):
        """LRUs in repair or waiting for an SRU."""
        if sru_stock not in self._laws:
            law = self.own
            for mean, held in zip(self.sru_means, sru_stock, strict=True):
                law = np.convolve(law, late_law(poisson.pmf(np.arange(LENGTH), mean), held))
            self._laws[sru_stock] = law[:LENGTH]
        return self._laws[sru_stock]

    def waits(self, sru_stock, depot, bases):
        """Hours that a customer waits on average, and the share served from the shelf."""
        law = self.depot_law(sru_stock)
        if self.transit is None:
            late = float(late_law(law, depot) @ np.arange(LENGTH))
            return 24.0 * late / self.rate, float(law[:depot].sum())
        hours, filled = 0.0, 0.0
        for rate, held in zip(self.base_rates, bases, strict=True):
            here = self._base_law(sru_stock, depot, rate)
            hours += 24.0 * float(late_law(here, held) @ np.arange(LENGTH)) / self.rate
            filled += rate / self.rate * float(here[:held].sum())
        return hours, filled

    def _base_law(self, sru_stock, depot, rate):
        key = sru_stock, depot, rate
        if key not in self._late:
            late = late_law(self.depot_law(sru_stock), depot)
            n = np.arange(LENGTH)
            thinned = binom.pmf(n[:, None], n[None, :], rate / self.rate) @ late
            self._late[key] = np.convolve(thinned, poisson.pmf(n, rate * self.transit))[:LENGTH]
        return self._late[key]


def late_law(law, held):
    """Law of the units beyond a stock."""
    late = np.zeros(LENGTH)
    late[0] = law[: held + 1].sum()
    late[1 : LENGTH - held] = law[held + 1 : LENGTH]
    return late


def vectors_below(prices, budget):
    """All stock vectors that cost less than a budget."""
    ranges = [range(int(budget / price) + 1) for price in prices]
    for vector in itertools.product(*ranges):
        if sum(p * s for p, s in zip(prices, vector, strict=True)) < budget:
            yield vector
