"""The price search: the best stock of every part at given prices, exactly and independently.

Given its parent's stock a subtree stands alone, so values climb the tree: a location's value in a
context (the stocks above it) is the least of holding cost, penalties and its children's values.
Beside each value runs a lower bound that also covers the stocks not tabulated: in a gap below
a tabulated stock none has smaller penalties than that one, and beyond the list none smaller than
endless stock; each costs at least the holding of the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from partsplan.evaluation.model import PartBlock
from partsplan.optimization.axes import Booleans, Floats, Integers, leading, trailing
from partsplan.optimization.choices import BranchChoice, FamilyChoice, LeavesChoice, Penalties
from partsplan.optimization.grids import Grids
from partsplan.optimization.holdings import Holdings
from partsplan.optimization.tables import OUTSIDE, Branch, Family, Figures, Leaves


@dataclass(frozen=True, eq=False)
class BlockPrices:
    """Prices of a block's figures, from one price per promise."""

    backorders: Floats
    """Shape (n_parts, n_locations): per late unit of a location that serves its own customers."""
    stockout: Floats
    """Shape (n_parts, n_locations)."""
    late: Floats
    """Shape (n_parts, n_late_slots)."""
    route_backorders: Floats
    """Shape (n_parts, n_routes): per late unit at the shipper."""
    route_fixed: Floats
    """Shape (n_parts, n_routes)."""

    def of_delay(self, block: PartBlock) -> Floats:
        """Most that a unit late costs, there and where it is waited for below.

        Shape (n_parts, n_locations); a unit late makes at most one customer late.
        """
        weights, tree = block.weights, block.tree
        most = self.backorders + self.stockout
        for r, route in enumerate(weights.routes):
            if not route.is_own:
                most[:, route.shipper] += self.route_backorders[:, r]
        for slot, r in enumerate(weights.late_route.tolist()):
            most[:, weights.routes[r].shipper] += self.late[:, slot]
        for j in reversed(tree.order):
            if tree.parents[j] >= 0:
                most[:, tree.parents[j]] += tree.share[:, j] * most[:, j]
        return most


def block_prices(block: PartBlock, price: Floats) -> BlockPrices:
    """Prices of the service figures of a block."""
    weights = block.weights
    per_day = weights.wait.prices(price)
    rate = block.tree.rate[:, weights.route_shipper]
    per_unit = np.divide(per_day, rate, out=np.zeros_like(per_day), where=rate > 0)
    backorders = np.zeros((block.tree.n_parts, block.tree.n_locations))
    for r, route in enumerate(weights.routes):
        if route.is_own:
            backorders[:, route.location] += per_unit[:, r]
    return BlockPrices(
        backorders=backorders,
        stockout=weights.stockout.prices(price),
        late=weights.late.prices(price),
        route_backorders=per_unit,
        route_fixed=weights.fixed.prices(price),
    )


@dataclass(frozen=True, eq=False)
class _Above:
    """A location above the one priced, in whose stock the context has an axis."""

    location: int
    figures: Figures
    is_held: Booleans
    """(part, 1..., stock)."""


class PriceSearch:
    """Values of a block's tables at one set of prices.

    Parameters
    ----------
    block
        Parts, tree and service weights.
    grids, tables
        Tabulated stocks and their figures.
    holdings
        What the tabulated stocks cost to hold.
    """

    def __init__(
        self,
        block: PartBlock,
        grids: Grids,
        tables: Family,
        holdings: Holdings,
    ) -> None:
        self.block = block
        self.grids = grids
        self.tables = tables
        self.holdings = holdings
        routes = block.weights.routes
        self._direct = {route.location for route in routes if not route.is_own}

    def search(self, price: Floats) -> FamilyChoice:
        """Best stock of every part at these prices, with its lower bound."""
        self.prices = block_prices(self.block, price)
        return self._family(OUTSIDE, self.tables, ())

    def _family(self, parent: int, family: Family, above: tuple[_Above, ...]) -> FamilyChoice:
        leaves, value, low = self._leaves(parent, family.leaves, above)
        branches = []
        for branch in family.branches:
            choice, branch_value, branch_low = self._branch(branch, above)
            branches.append(choice)
            value = value + branch_value
            low = low + branch_low
        return FamilyChoice(parent, leaves, tuple(branches), value, low)

    def _leaves(
        self, parent: int, leaves: Leaves, above: tuple[_Above, ...]
    ) -> tuple[LeavesChoice, Floats, Floats]:
        holding = self.holdings.leaves[parent]
        penalties, by_stock = self._penalties(leaves, above)
        choice = LeavesChoice(leaves, penalties, holding)
        ndim = leaves.figures.backorders.ndim - 1
        least = np.full(leaves.figures.backorders.shape[:-1], np.inf)
        lowest = least.copy() if holding.has_gaps else least
        # stock by stock: what is worked at once fits the cache
        for k, penalty in enumerate(by_stock):
            if holding.has_gaps:
                from_gap = np.ascontiguousarray(holding.from_gap[..., k])
                np.minimum(lowest, penalty + leading(from_gap, ndim), out=lowest)
            here = np.ascontiguousarray(holding.here[..., k])
            np.minimum(least, penalty + leading(here, ndim), out=least)
        lowest = np.minimum(leading(holding.beyond, ndim), lowest)
        return choice, least.sum(axis=-1), lowest.sum(axis=-1)

    def _penalties(
        self, leaves: Leaves, above: tuple[_Above, ...]
    ) -> tuple[Penalties, Iterator[Floats]]:
        """Penalties of the stocks of childless locations where asked for, and stock by stock."""
        chosen, figures = list(leaves.locations), leaves.figures
        size, ndim = figures.backorders.shape[-1], figures.backorders.ndim
        late, short = self.prices.backorders[:, chosen], self.prices.stockout[:, chosen]

        def of_contexts(at: tuple[Integers, ...]) -> Floats:
            values = figures.backorders[at] * late[at[0], :, None]
            if figures.stockout is not None:
                values += figures.stockout[at] * short[at[0], :, None]
            return values

        def of_stock(k: int) -> Floats:
            values = figures.backorders[..., k] * leading(late, ndim - 1)
            if figures.stockout is not None:
                values += figures.stockout[..., k] * leading(short, ndim - 1)
            return values

        own_late = self.block.weights.own_late_slots
        if not any(at in own_late or at in self._direct for at in leaves.locations):
            return of_contexts, (of_stock(k) for k in range(size))
        whole = np.moveaxis(np.stack([of_stock(k) for k in range(size)]), 0, -1)
        for here, location in enumerate(leaves.locations):
            self._add_lateness(location, figures, whole[..., here, :])
            if location in self._direct:
                of_leaf = figures.of_leaf(here)
                self._price_empty_shelf(location, of_leaf, whole[..., here, :], above)
        return whole.__getitem__, (whole[..., k] for k in range(size))

    def _add_lateness(self, location: int, figures: Figures, values: Floats) -> None:
        """Add the penalty of lateness on the location's own routes, in place."""
        for slot, window in self.block.weights.own_late_slots.get(location, ()):
            values += figures.late[window] * trailing(self.prices.late[:, slot], values.ndim)

    def _branch(
        self, branch: Branch, above: tuple[_Above, ...]
    ) -> tuple[BranchChoice, Floats, Floats]:
        here, figures = branch.location, branch.figures
        ndim, size = figures.backorders.ndim, figures.backorders.shape[-1] - 1
        holding = self.holdings.branch[here]
        below = self._family(here, branch.family, (*above, self._as_above(branch)))
        own = figures.backorders * trailing(self.prices.backorders[:, here], ndim)
        if figures.stockout is not None:
            own += figures.stockout * trailing(self.prices.stockout[:, here], ndim)
        self._add_lateness(here, figures, own)
        if here in self._direct:
            self._price_empty_shelf(here, figures, own, above)
        own = own[..., :size]
        values = own + leading(holding.here, ndim) + below.value[..., :size]
        lows = np.empty((*values.shape[:-1], size + 1))
        np.add(own, leading(holding.from_gap, ndim), out=lows[..., :size])
        lows[..., :size] += below.low[..., :size]
        lows[..., size] = trailing(holding.beyond, ndim - 1) + below.low[..., size]
        choice = BranchChoice(branch, values, lows, below)
        return choice, values.min(axis=-1), lows.min(axis=-1)

    def _as_above(self, branch: Branch) -> _Above:
        figures = branch.figures
        size = figures.backorders.shape[-1]
        held = np.ones((self.block.tree.n_parts, size), dtype=bool)
        held[:, :-1] = self.grids.branch[branch.location] > 0
        return _Above(branch.location, figures, leading(held, figures.backorders.ndim))

    def _price_empty_shelf(
        self, location: int, figures: Figures, penalty: Floats, above: tuple[_Above, ...]
    ) -> None:
        """Price stock 0 over the routes then in use (an ancestor may ship), in place."""
        ndim = penalty.ndim - 1
        empty = np.zeros((1,) * ndim)
        if figures.stockout is not None:
            empty = figures.stockout[..., 0] * trailing(self.prices.stockout[:, location], ndim)
        for r, route in enumerate(self.block.weights.routes):
            if route.location == location:
                empty = empty + self._route_penalty(r, figures, above, ndim)
        first = self.grids.of(location, int(self.block.tree.parents[location]))[:, 0]
        starts_empty = trailing(first == 0, ndim)
        penalty[..., 0] = np.where(starts_empty, empty, penalty[..., 0])

    def _route_penalty(
        self, r: int, figures: Figures, above: tuple[_Above, ...], ndim: int
    ) -> Floats:
        """Penalty of one route of a location that holds nothing, in every context."""
        weights = self.block.weights
        route = weights.routes[r]
        by_location = {a.location: a for a in above}
        in_use = np.ones((1,) * ndim, dtype=bool)
        for other in route.before:
            in_use = in_use & ~trailing(by_location[other].is_held, ndim)
        if route.is_own:
            source = figures.at_lowest()
        else:
            source = by_location[route.shipper].figures
            in_use = in_use & trailing(by_location[route.shipper].is_held, ndim)
        penalty = trailing(source.backorders, ndim) * trailing(
            self.prices.route_backorders[:, r], ndim
        )
        if not route.is_own:
            penalty = penalty + trailing(self.prices.route_fixed[:, r], ndim)
        for slot in np.flatnonzero(weights.late_route == r).tolist():
            late = trailing(source.late[int(weights.late_window[slot])], ndim)
            penalty = penalty + late * trailing(self.prices.late[:, slot], ndim)
        return np.where(in_use, penalty, 0.0)
