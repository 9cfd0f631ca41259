r"""Laws of parts that sit in each other: a graph of places, each fed by units late elsewhere.

A place is a part at a location, seen some days later. Its pipeline is a Poisson count plus
binomial shares of the units late at its sources: the location that replenishes it, and the inner
parts that its repairs need. All terms are taken for independent (VARI-METRIC: through their means
and variances; Sherbrooke 1986), which `families.Family.is_exact` says the truth of.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from partsplan.evaluation.laws import (
    CELLS,
    UNDERFLOW,
    Law,
    StockMoments,
    backorder_law,
    count_law,
    poisson_reach,
    stock_moments,
    sum_law,
    thinned_law,
)
from partsplan.evaluation.negative_binomial import moments_of_stock
from partsplan.evaluation.supply import Floats, Integers


@dataclass(frozen=True)
class Place:
    """A part at a location, seen some days later."""

    part: int
    location: int
    mean: float
    """Mean of the Poisson part of the pipeline [units]."""
    sources: tuple[tuple[int, float], ...]
    """Positions of places whose late units it waits for, and its share of these."""
    late: float
    """Share of the demand that comes later than the days if nothing is held."""
    late_with: tuple[tuple[int, float], ...]
    """Positions of places whose waits decide for the rest, and the shares."""


@dataclass(frozen=True)
class FamilyGraph:
    """Places of one family, each after its sources."""

    places: list[Place] = field(default_factory=list)

    @cached_property
    def stockless_mean(self) -> Floats:
        """Pipeline means if nothing were held anywhere; they bound every law."""
        mean = np.zeros(len(self.places))
        for k, place in enumerate(self.places):
            mean[k] = place.mean + sum(share * mean[source] for source, share in place.sources)
        return mean

    def levels(self, stock: Integers) -> Integers:
        """Stock of every place; shape (n_vectors, n_places), from (n_vectors, parts, locations)."""
        part = [place.part for place in self.places]
        location = [place.location for place in self.places]
        return stock[:, part, location]

    def moments(self, stock: Integers, factor: float, evaluation: str) -> FamilyMoments:
        """Figures of every place at stock vectors, all demand multiplied by a factor."""
        levels = self.levels(stock)
        found = FamilyMoments.idle(levels)
        top = self._tops(levels.max(axis=0, initial=0), factor)
        size = max(1, CELLS // int(top.max(initial=1)))
        for first in range(0, len(levels), size):
            rows = slice(first, first + size)
            if evaluation == "exact":
                self._enter_laws(found, rows, levels[rows], top, factor)
            else:
                self._enter_moments(found, rows, levels[rows], factor, evaluation)
        return found

    def late(self, stock: Integers, stockout: Floats) -> Floats:
        """Share of the demand at every place that comes later than its days."""
        late = np.empty_like(stockout)
        for k, (place, held) in enumerate(zip(self.places, self.levels(stock).T, strict=True)):
            unstocked = place.late + sum(share * late[:, at] for at, share in place.late_with)
            late[:, k] = np.where(held > 0, stockout[:, k], unstocked)
        return np.minimum(late, 1.0)

    def _tops(self, held: Integers, factor: float) -> Integers:
        """Largest count that matters at every place, for itself and for all that wait for it."""
        mean = self.stockless_mean * factor
        top = poisson_reach(mean, held.astype(np.float64))
        most = poisson_reach(mean, 0.0, UNDERFLOW)
        top = np.minimum(top, most)
        for k in reversed(range(len(self.places))):
            for source, share in self.places[k].sources:
                others = poisson_reach(mean[[source]] * (1.0 - share), 0.0)[0]
                top[source] = max(top[source], held[source] + top[k] + others)
            top = np.minimum(top, most)
        return top

    def _enter_laws(
        self, found: FamilyMoments, rows: slice, levels: Integers, top: Integers, factor: float
    ) -> None:
        late: list[Law] = []
        for k, place in enumerate(self.places):
            reach = np.full(len(levels), top[k])
            law = count_law(np.full(len(levels), place.mean * factor), np.zeros(len(levels)), reach)
            for source, share in place.sources:
                shares = np.full(len(levels), share)
                law = sum_law(law, thinned_law(late[source], shares, reach), reach)
            found.stock.put((rows, k), stock_moments(law, levels[:, k]))
            found.enter(place, rows, k, factor)
            over = np.full(len(levels), max(top[k] - int(levels[:, k].min(initial=0)), 0))
            late.append(backorder_law(law, levels[:, k], over))

    def _enter_moments(
        self, found: FamilyMoments, rows: slice, levels: Integers, factor: float, evaluation: str
    ) -> None:
        for k, place in enumerate(self.places):
            found.enter(place, rows, k, factor)
            excess = np.maximum(found.excess[rows, k], 0.0) * (evaluation == "vari_metric")
            found.excess[rows, k] = excess
            moments = moments_of_stock(levels[:, k], found.mean[rows, k], excess)
            found.stock.put((rows, k), moments)


@dataclass(frozen=True)
class FamilyMoments:
    """Figures of places at stock vectors; arrays of shape (n_vectors, n_places)."""

    stock: StockMoments
    mean: Floats
    """Mean of the pipeline [units]."""
    excess: Floats
    """Its variance minus its mean [units^2]."""

    @classmethod
    def idle(cls, levels: Integers) -> FamilyMoments:
        """Before any demand."""
        return cls(StockMoments.idle(levels), np.zeros(levels.shape), np.zeros(levels.shape))

    def enter(self, place: Place, rows: slice, k: int, factor: float) -> None:
        """Mean and excess variance of a pipeline, from the late units at its sources."""
        self.mean[rows, k] = place.mean * factor
        for source, share in place.sources:
            late = self.stock.expected_backorders[rows, source]
            self.mean[rows, k] += share * late
            spread = self.stock.backorder_variance[rows, source] - late
            self.excess[rows, k] += share * share * spread
