"""Good stock vectors where there are too many to list: descent one location at a time.

With the streams of the last evaluation frozen, a shelf is Erlang's, and a part's cost and
penalties are linear in the chance that it is empty; so a location's best stock given the others
is read off a short table. Stocks of suppliers, which shorten the resupply of others, are tried
one by one. The fixed point then gives the true figures, and new streams.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from partsplan.evaluation.erlang import shelf_figures
from partsplan.evaluation.laws import poisson_reach
from partsplan.evaluation.overflow import SourceTree
from partsplan.evaluation.supply import SupplyTree
from partsplan.optimization.axes import Booleans, Floats, Integers

_SWEEPS = 5
_MOST_LEVELS = 40
"""Stocks above the lowest that are looked at for a location."""
_SUPPLIER_STEPS = ((0, 0.0), (-1, 0.0), (1, 0.0), (-2, -0.08), (2, 0.08), (4, 0.3))
"""Units, and shares of the present stock, by which a supplier's stock is moved."""


@dataclass(frozen=True, eq=False)
class FrozenStreams:
    """What every location is asked for, as last evaluated; shape (n_parts, n_locations)."""

    customers: Floats
    """Demand that reaches the location [units/day]."""
    orders: Floats
    """Orders of the locations it supplies [units/day]."""

    def of(self, rows: Integers) -> FrozenStreams:
        """The same for some parts; a part may come twice."""
        return FrozenStreams(self.customers[rows], self.orders[rows])


@dataclass(frozen=True, eq=False)
class _Asked:
    """Nodes at and below those that ask one location, on one level."""

    nodes: Integers
    above: Integers
    """Node before each, -1 for none."""
    location: Integers
    is_asking: Booleans
    """Whether the node itself asks the location."""


@dataclass(frozen=True, eq=False)
class Descent:
    """Descent for parts with common sources and parents."""

    sources: SourceTree
    parents: Integers

    @cached_property
    def suppliers(self) -> list[int]:
        """Locations that supply others."""
        return [int(j) for j in np.unique(self.parents[self.parents >= 0])]

    @cached_property
    def asked(self) -> tuple[tuple[_Asked, ...], ...]:
        """By location and level, the nodes that its being empty matters to."""
        return tuple(tuple(self._levels_below(j)) for j in range(len(self.parents)))

    def _levels_below(self, j: int) -> list[_Asked]:
        sources = self.sources
        inside = sources.location == j
        found = []
        for nodes in sources.levels:
            above = sources.above[nodes]
            here = inside[nodes] | np.where(above >= 0, inside[above], False)
            inside[nodes] = here
            chosen = nodes[here]
            if len(chosen):
                location = sources.location[chosen]
                found.append(_Asked(chosen, sources.above[chosen], location, location == j))
        return found

    def improved(
        self, stock: Integers, limits: tuple[Integers, Floats], figures: DescentFigures
    ) -> Integers:
        """Stock vectors of less cost and penalties at the frozen streams, one per part."""
        best, _ = self.swept(stock, limits, figures)
        for supplier in self.suppliers:
            best = self._with_supplier(supplier, best, limits, figures)
        return best

    def _with_supplier(
        self,
        supplier: int,
        stock: Integers,
        limits: tuple[Integers, Floats],
        figures: DescentFigures,
    ) -> Integers:
        """Try some stocks of a supplier, everything else following."""
        lowest, highest = limits
        n, steps = len(stock), len(_SUPPLIER_STEPS)
        rows = np.repeat(np.arange(n), steps)
        tried = stock[rows]
        units, shares = np.tile(np.array(_SUPPLIER_STEPS), (n, 1)).T
        moved = np.sign(units) * np.maximum(np.abs(units), np.abs(shares) * tried[:, supplier])
        level = tried[:, supplier] + np.round(moved)
        level = np.clip(level, lowest[rows, supplier], highest[rows, supplier])
        tried[:, supplier] = level.astype(np.int64)
        swept, value = self.swept(tried, (lowest[rows], highest[rows]), figures.of(rows))
        best = value.reshape(n, steps).argmin(axis=1) + np.arange(n) * steps
        chosen: Integers = swept[best]
        return chosen

    def swept(
        self, stock: Integers, limits: tuple[Integers, Floats], figures: DescentFigures
    ) -> tuple[Integers, Floats]:
        """Sweeps over all locations but the suppliers; stock and its value."""
        lowest, highest = limits
        stock = stock.copy()
        movable = [
            j
            for j in range(stock.shape[1])
            if j not in self.suppliers and self.asked[j] and (highest[:, j] > lowest[:, j]).any()
        ]
        tables = figures.chances(lowest, stock, movable)
        levels = lowest[:, :, None] + np.arange(tables.shape[2])
        chance = figures.chance(stock)
        missed = self.sources.reached(chance) * chance[:, self.sources.location]
        holding = figures.unit_price[:, :, None] * levels
        holding = np.where(levels <= highest[:, :, None], holding, np.inf)
        every = np.arange(len(stock))
        for _ in range(_SWEEPS):
            before = stock.copy()
            for j in movable:
                without = self._without(j, missed, chance)
                slope = sum(
                    (reach * figures.missed_price[:, level.nodes]).sum(axis=1)
                    for level, reach in zip(self.asked[j], without, strict=True)
                )
                value = holding[:, j] + np.reshape(slope, (-1, 1)) * tables[:, j]
                best = value.argmin(axis=1)
                stock[:, j] = levels[every, j, best]
                chance[:, j] = tables[every, j, best]
                for level, reach in zip(self.asked[j], without, strict=True):
                    missed[:, level.nodes] = reach * chance[:, [j]]
            if (stock == before).all():
                break
        value = (figures.unit_price * stock).sum(axis=1) + (missed * figures.missed_price).sum(
            axis=1
        )
        return stock, np.asarray(value)

    def _without(self, j: int, missed: Floats, chance: Floats) -> list[Floats]:
        """Shares missed at the nodes below a location, were it empty."""
        found: list[Floats] = []
        place = np.full(self.sources.n_nodes + 1, -1)
        last = np.zeros((len(missed), 0))
        for level in self.asked[j]:
            start = np.where(level.above[None, :] >= 0, missed[:, level.above], 1.0)
            if last.shape[1]:
                onward = last[:, place[level.above]] * chance[:, level.location]
                start = np.where(level.is_asking, start, onward)
            found.append(start)
            place[:] = 0
            place[level.nodes] = np.arange(len(level.nodes))
            last = start
        return found


@dataclass(frozen=True, eq=False)
class DescentFigures:
    """Prices and frozen streams of the parts of a descent; a row may be a part or a trial."""

    tree: SupplyTree
    streams: FrozenStreams
    unit_price: Floats
    """Shape (n_rows, n_locations): cost of a unit held."""
    missed_price: Floats
    """Shape (n_rows, n_nodes): cost and penalties per share missed."""

    def of(self, rows: Integers) -> DescentFigures:
        """The same for some rows; a row may come twice."""
        return DescentFigures(
            self.tree.of_parts(rows),
            self.streams.of(rows),
            self.unit_price[rows],
            self.missed_price[rows],
        )

    def resupply_days(self, stock: Integers) -> Floats:
        """Mean resupply time of every location, delays at its suppliers included [days]."""
        tree, streams = self.tree, self.streams
        days, wait = np.zeros(stock.shape), np.zeros(stock.shape)
        for j in tree.order:
            parent = tree.parents[j]
            delay = wait[:, parent] if parent >= 0 else 0.0
            fraction = tree.repair_fraction[:, j]
            days[:, j] = (1.0 - fraction) * (tree.transit_days[:, j] + delay)
            days[:, j] += fraction * tree.repair_days[:, j]
            if tree.children[j]:
                orders = np.maximum(streams.orders[:, j], 1e-9)
                customers = streams.customers[:, j]
                late = shelf_figures(stock[:, j], customers * days[:, j], orders * days[:, j]).late
                wait[:, j] = late / orders
        return days

    def chance(self, stock: Integers) -> Floats:
        """P(empty) of every location at a stock."""
        days = self.resupply_days(stock)
        streams = self.streams
        return shelf_figures(stock, streams.customers * days, streams.orders * days).short

    def chances(self, lowest: Integers, stock: Integers, places: list[int]) -> Floats:
        """P(empty) at some places by units above the lowest, at the suppliers' stocks."""
        days = self.resupply_days(stock)[:, places]
        customers = self.streams.customers[:, places] * days
        orders = self.streams.orders[:, places] * days
        fewest = lowest[:, places]
        reach = poisson_reach(customers + orders, 0.0, 10.0) - fewest
        levels = int(np.clip(reach.max(initial=1), 1, _MOST_LEVELS)) + 1
        held = fewest[:, :, None] + np.arange(levels)
        figures = shelf_figures(
            held,
            np.broadcast_to(customers[:, :, None], held.shape),
            np.broadcast_to(orders[:, :, None], held.shape),
        )
        chances = np.ones((*lowest.shape, levels))
        chances[:, places] = figures.short
        return chances
