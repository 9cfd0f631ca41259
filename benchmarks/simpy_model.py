"""The same two models in simpy, as its users write them: one process per demand and order.

A peer for speed, and an independent third opinion on waits and shares. Needs ``pip install simpy``.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import simpy


@dataclass
class SimpyRun:
    """What one run saw, per demand: time, location (its place) and wait, or who shipped."""

    days: list[float] = field(default_factory=list)
    location: list[int] = field(default_factory=list)
    wait_days: list[float] = field(default_factory=list)
    source: list[int] = field(default_factory=list)


class TwoLevels:
    """A centre and locations under it; one-for-one orders, first come, first served.

    Parameters
    ----------
    rates
        Demand of each location [1/day].
    transit_days, resupply_days
        Centre to location, and outside to centre.
    stock
        Base stock of the centre, then of each location.
    """

    def __init__(
        self,
        rates: Sequence[float],
        transit_days: Sequence[float],
        resupply_days: float,
        stock: Sequence[int],
        seed: int,
    ) -> None:
        self.rates, self.transit_days, self.resupply_days = rates, transit_days, resupply_days
        self.random = random.Random(seed)
        self.env = simpy.Environment()
        self.shelves = [simpy.Container(self.env, init=units) for units in stock]
        self.seen = SimpyRun()

    def run(self, days: float) -> SimpyRun:
        """Run from full shelves."""
        for place in range(len(self.rates)):
            self.env.process(self._customers(place))
        self.env.run(until=days)
        return self.seen

    def _customers(self, place: int) -> Any:
        while True:
            yield self.env.timeout(self.random.expovariate(self.rates[place]))
            self.env.process(self._demand(place))
            self.env.process(self._order(place))

    def _demand(self, place: int) -> Any:
        asked = self.env.now
        yield self.shelves[place + 1].get(1)
        self.seen.days.append(asked)
        self.seen.location.append(place)
        self.seen.wait_days.append(self.env.now - asked)

    def _order(self, place: int) -> Any:
        self.env.process(self._resupply())
        yield self.shelves[0].get(1)
        yield self.env.timeout(self.transit_days[place])
        yield self.shelves[place + 1].put(1)

    def _resupply(self) -> Any:
        yield self.env.timeout(self.resupply_days)
        yield self.shelves[0].put(1)


class Laterals:
    """Locations that help each other out: the first with a unit ships, else the outside."""

    def __init__(
        self,
        rates: Sequence[float],
        resupply_days: Sequence[float],
        stock: Sequence[int],
        orders: Sequence[Sequence[int]],
        seed: int,
    ) -> None:
        self.rates, self.resupply_days, self.orders = rates, resupply_days, orders
        self.random = random.Random(seed)
        self.env = simpy.Environment()
        self.shelves = [simpy.Container(self.env, init=units) for units in stock]
        self.seen = SimpyRun()

    def run(self, days: float) -> SimpyRun:
        """Run from full shelves."""
        for place in range(len(self.rates)):
            self.env.process(self._customers(place))
        self.env.run(until=days)
        return self.seen

    def _customers(self, place: int) -> Any:
        while True:
            yield self.env.timeout(self.random.expovariate(self.rates[place]))
            found = next((s for s in self.orders[place] if self.shelves[s].level > 0), -1)
            if found >= 0:
                yield self.shelves[found].get(1)
                self.env.process(self._resupply(found))
            self.seen.days.append(self.env.now)
            self.seen.location.append(place)
            self.seen.source.append(found)

    def _resupply(self, place: int) -> Any:
        yield self.env.timeout(self.resupply_days[place])
        yield self.shelves[place].put(1)


class OnePlace:
    """One shelf, one-for-one orders, first come, first served; times fixed or exponential."""

    def __init__(
        self, rate: float, resupply_days: float, stock: int, *, is_exponential: bool, seed: int
    ) -> None:
        self.rate, self.resupply_days, self.is_exponential = rate, resupply_days, is_exponential
        self.random = random.Random(seed)
        self.env = simpy.Environment()
        self.shelf = simpy.Container(self.env, init=stock)
        self.seen = SimpyRun()

    def run(self, days: float) -> SimpyRun:
        """Run from a full shelf."""
        self.env.process(self._customers())
        self.env.run(until=days)
        return self.seen

    def _customers(self) -> Any:
        while True:
            yield self.env.timeout(self.random.expovariate(self.rate))
            self.env.process(self._demand())
            self.env.process(self._resupply())

    def _demand(self) -> Any:
        asked = self.env.now
        yield self.shelf.get(1)
        self.seen.days.append(asked)
        self.seen.wait_days.append(self.env.now - asked)

    def _resupply(self) -> Any:
        days = self.resupply_days
        yield self.env.timeout(self.random.expovariate(1 / days) if self.is_exponential else days)
        yield self.shelf.put(1)
