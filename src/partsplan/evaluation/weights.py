"""Who serves a demand, and what each promise weighs of it, for a block of parts.

A route is one way the customers of a location get a part: from the location itself, or, while it
holds none, from the nearest ancestor that does and has a lane to them. On a route a promise
weighs the days of waiting, the chance of a stock-out, the chance of being late, and fixed hours.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.lazy import lazy

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Terms:
    """Sparse weights with axes (part, slot, promise) on one kind of service figure."""

    n_parts: int
    n_slots: int
    n_promises: int
    row: Integers
    """part * n_slots + slot."""
    promise: Integers
    weight: Floats

    @classmethod
    def summed(
        cls,
        shape: tuple[int, int, int],
        entries: tuple[Integers, Integers, Integers, Floats],
    ) -> Terms:
        """Terms from entries (part, slot, promise, weight); equal places are added up."""
        n_parts, n_slots, n_promises = shape
        part, slot, promise, weight = entries
        places = (part * n_slots + slot) * max(n_promises, 1) + promise
        total: Floats = weight
        if (np.diff(places) <= 0).any():
            places, inverse = np.unique(places, return_inverse=True)
            total = np.bincount(inverse, weight, minlength=len(places)).astype(np.float64)
        kept = total != 0.0
        places, total = places[kept], total[kept]
        return cls(
            n_parts,
            n_slots,
            n_promises,
            places // max(n_promises, 1),
            places % max(n_promises, 1),
            total,
        )

    def of_parts(self, rows: Integers) -> Terms:
        """The same terms for some parts, in the order of ``rows``; a part may come twice."""
        starts = np.searchsorted(self.row, np.arange(self.n_parts + 1) * self.n_slots)
        counts = starts[rows + 1] - starts[rows]
        picked = np.repeat(starts[rows] - np.cumsum(counts) + counts, counts)
        picked += np.arange(len(picked))
        part = np.repeat(np.arange(len(rows)), counts)
        slot = self.row[picked] % max(self.n_slots, 1)
        return Terms(
            len(rows),
            self.n_slots,
            self.n_promises,
            part * self.n_slots + slot,
            self.promise[picked],
            self.weight[picked],
        )

    @property
    def is_empty(self) -> bool:
        """Whether no promise weighs this kind of figure."""
        return len(self.row) == 0

    def prices(self, price: Floats) -> Floats:
        """Price of one unit of each figure, shape (n_parts, n_slots), at one price per promise."""
        return self._added(self.row, self.weight * price[self.promise], self.n_slots)

    def uses(self, figures: Floats) -> Floats:
        """Use of every promise by every part, shape (n_parts, n_promises)."""
        place = self.row // max(self.n_slots, 1) * self.n_promises + self.promise
        return self._added(place, self.weight * figures.ravel()[self.row], self.n_promises)

    def amounts(self, promise: int, figures: Floats) -> Floats:
        """Use of one promise by every (part, slot), shape (n_parts, n_slots)."""
        chosen = self.promise == promise
        row = self.row[chosen]
        return self._added(row, self.weight[chosen] * figures.ravel()[row], self.n_slots)

    def _added(self, place: Integers, amount: Floats, width: int) -> Floats:
        """Amounts added up by place, shape (n_parts, width)."""
        flat = np.bincount(place, amount, minlength=self.n_parts * width)
        return flat.astype(np.float64).reshape(self.n_parts, width)


@dataclass(frozen=True)
class Route:
    """One way the customers of a location are served."""

    location: int
    """Location whose customers these are."""
    shipper: int
    """Location that ships: the same one, or an ancestor."""
    before: tuple[int, ...]
    """Ancestors that ship instead when they hold the part; of an own route: when it holds none."""

    @property
    def is_own(self) -> bool:
        """Whether the location serves its customers itself (down the tree when it holds none)."""
        return self.location == self.shipper


@dataclass(frozen=True, eq=False)
class ServiceWeights:
    """Weights of all promises on the service figures of a block of parts."""

    routes: tuple[Route, ...]
    windows: tuple[tuple[int, float], ...]
    """Distinct (shipping location, days) of the response promises."""
    late_route: Integers
    """Route of each late slot."""
    late_window: Integers
    """Window of each late slot."""
    wait: Terms
    """Slots are routes; per day of waiting at the shipper."""
    stockout: Terms
    """Slots are locations; per unit of P(no unit on the shelf)."""
    late: Terms
    """Slots are late slots; per unit of P(wait > window)."""
    fixed: Terms
    """Slots are routes: fixed use of an own route; what another route adds to it."""
    route_location: Integers = field(init=False)
    route_shipper: Integers = field(init=False)

    def __post_init__(self) -> None:
        locations = np.array([route.location for route in self.routes], dtype=np.int64)
        shippers = np.array([route.shipper for route in self.routes], dtype=np.int64)
        object.__setattr__(self, "route_location", locations)
        object.__setattr__(self, "route_shipper", shippers)

    def of_parts(self, rows: Integers) -> ServiceWeights:
        """The same weights for some parts of the block, in the order of ``rows``."""
        if len(rows) == self.wait.n_parts and (rows == np.arange(len(rows))).all():
            return self
        return replace(
            self,
            wait=self.wait.of_parts(rows),
            stockout=self.stockout.of_parts(rows),
            late=self.late.of_parts(rows),
            fixed=self.fixed.of_parts(rows),
        )

    @lazy
    def has_direct_routes(self) -> bool:
        """Whether any customer may be served by an ancestor of its location."""
        return any(not route.is_own for route in self.routes)

    @lazy
    def _is_own(self) -> Booleans:
        return np.array([route.is_own for route in self.routes], dtype=bool)

    @lazy
    def own_late_slots(self) -> dict[int, list[tuple[int, int]]]:
        """By location, (late slot, window) of the routes on which it serves its own customers."""
        slots: dict[int, list[tuple[int, int]]] = {}
        pairs = zip(self.late_route.tolist(), self.late_window.tolist(), strict=True)
        for slot, (r, window) in enumerate(pairs):
            if self.routes[r].is_own:
                slots.setdefault(self.routes[r].location, []).append((slot, window))
        return slots

    def active_routes(self, stock: Integers) -> Booleans:
        """Which routes carry demand at a stock; shape (n_parts, n_routes)."""
        if not self.has_direct_routes:
            return np.ones((len(stock), len(self.routes)), dtype=bool)
        held = stock > 0
        active = np.ones((len(stock), len(self.routes)), dtype=bool)
        for r, route in enumerate(self.routes):
            nobody_before = ~held[:, list(route.before)].any(axis=1)
            if route.is_own:
                active[:, r] = held[:, route.location] | nobody_before
            else:
                active[:, r] = ~held[:, route.location] & held[:, route.shipper] & nobody_before
        return active

    def fixed_use(self) -> Floats:
        """Fixed use while every location serves its customers, shape (n_parts, n_promises)."""
        own = np.array([route.is_own for route in self.routes], dtype=np.float64)
        return self.fixed.uses(np.broadcast_to(own, (self.fixed.n_parts, len(own))).copy())

    def unavoidable_use(self) -> Floats:
        """At most the use that no stock can avoid, shape (n_parts, n_promises).

        Less than `fixed_use` where an ancestor's lane is the faster one.
        """
        is_own = np.array([route.is_own for route in self.routes], dtype=bool)
        slot = self.fixed.row % max(self.fixed.n_slots, 1)
        weight = np.where(is_own[slot], self.fixed.weight, np.minimum(self.fixed.weight, 0.0))
        least = replace(self.fixed, weight=weight)
        return least.uses(np.ones((self.fixed.n_parts, len(self.routes))))

    def uses(self, stock: Integers, wait_days: Floats, stockout: Floats, late: Floats) -> Floats:
        """Use of every promise by every part, fixed use included; shape (n_parts, n_promises).

        Parameters
        ----------
        stock, wait_days, stockout
            Shape (n_parts, n_locations): base stock [units], mean wait [days], P(X >= S).
        late
            Shape (n_parts, n_windows): P(wait > window) at the window's location.
        """
        return sum(
            (
                terms.uses(figures)
                for terms, figures in self._terms(stock, wait_days, stockout, late)
            ),
            np.zeros((len(stock), self.wait.n_promises)),
        )

    def amounts(
        self, promise: int, stock: Integers, wait_days: Floats, stockout: Floats, late: Floats
    ) -> Floats:
        """Use of one promise by every (part, location) of demand; adds up to ``uses``."""
        amounts = np.zeros(stock.shape)
        places = (
            self.route_location,
            np.arange(stock.shape[1]),
            self.route_location[self.late_route],
            self.route_location,
        )
        terms = self._terms(stock, wait_days, stockout, late)
        for (term, figures), location in zip(terms, places, strict=True):
            by_slot = term.amounts(promise, figures)
            for slot, at in enumerate(location.tolist()):
                amounts[:, at] += by_slot[:, slot]
        return amounts

    def _terms(
        self, stock: Integers, wait_days: Floats, stockout: Floats, late: Floats
    ) -> tuple[tuple[Terms, Floats], ...]:
        active = self.active_routes(stock)
        own = self._is_own
        return (
            (self.wait, np.where(active, wait_days[:, self.route_shipper], 0.0)),
            (self.stockout, stockout),
            (self.late, np.where(active[:, self.late_route], late[:, self.late_window], 0.0)),
            (self.fixed, (active | own).astype(np.float64)),
        )
