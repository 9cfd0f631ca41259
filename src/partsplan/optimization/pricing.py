"""The price search: the best stock of every part at given prices, exactly and independently.

Given its parent's stock a subtree stands alone, so values climb the tree: a location's value in a
context (the stocks above it) is the least of holding cost, penalties and its children's values.
Beside each value runs a lower bound that also covers the stocks beyond the tables: a further unit
costs its holding, and saves at most all that is left (the children's values at endless stock).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.model import PartBlock
from partsplan.optimization.tables import (
    OUTSIDE,
    Branch,
    Family,
    Figures,
    Floats,
    Grids,
    Integers,
    Leaves,
)

Booleans = NDArray[np.bool_]


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
class LeavesChoice:
    """Values of the childless locations of a family, and the stock that attains them."""

    leaves: Leaves
    values: Floats
    """Value of every tabulated stock: (part, context..., leaf, stock)."""
    best: Integers
    """Grid position of the least value: (part, context..., leaf)."""
    is_short: Booleans
    """Whether a stock beyond the table might be better: (part, context..., leaf)."""


@dataclass(frozen=True, eq=False)
class BranchChoice:
    """Values of a location with children and the choices below it."""

    branch: Branch
    values: Floats
    """(part, context..., stock), the endless stock left out."""
    best: Integers
    best_low: Integers
    """Grid position of the least lower bound; the table's length means beyond it."""
    below: FamilyChoice


@dataclass(frozen=True, eq=False)
class FamilyChoice:
    """Choices of all locations with one parent."""

    parent: int
    leaves: LeavesChoice
    branches: tuple[BranchChoice, ...]
    value: Floats
    """Least cost and penalty of the family in every context."""
    low: Floats
    """Lower bound of the same over all stocks, tabulated or not."""


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
    unit_price
        Shape (n_parts, n_locations): cost of holding one unit in the objective's unit.
    lowest, highest
        Shape (n_parts, n_locations): fewest and most units a location may hold; ``inf`` where
        unlimited.
    """

    def __init__(
        self,
        block: PartBlock,
        grids: Grids,
        tables: Family,
        unit_price: Floats,
        limits: tuple[Integers, Floats],
    ) -> None:
        self.block = block
        self.grids = grids
        self.tables = tables
        self.unit_price = unit_price
        self.lowest, self.highest = limits

    def search(self, price: Floats) -> FamilyChoice:
        """Best stock of every part at these prices, with its lower bound."""
        self.prices = block_prices(self.block, price)
        return self._family(OUTSIDE, self.tables, ())

    def _family(self, parent: int, family: Family, above: tuple[_Above, ...]) -> FamilyChoice:
        leaves, value, low = self._leaves(family.leaves, above)
        branches = []
        for branch in family.branches:
            choice, branch_value, branch_low = self._branch(branch, above)
            branches.append(choice)
            value = value + branch_value
            low = low + branch_low
        return FamilyChoice(parent, leaves, tuple(branches), value, low)

    def _leaves(
        self, leaves: Leaves, above: tuple[_Above, ...]
    ) -> tuple[LeavesChoice, Floats, Floats]:
        figures = leaves.figures
        chosen = list(leaves.locations)
        ndim = figures.backorders.ndim
        size = figures.backorders.shape[-1]
        values = figures.backorders * _per_leaf(self.prices.backorders[:, chosen], ndim)
        if not self.block.weights.stockout.is_empty:
            values = values + figures.stockout * _per_leaf(self.prices.stockout[:, chosen], ndim)
        for slot, window in enumerate(self.block.weights.late_window):
            route = self.block.weights.routes[self.block.weights.late_route[slot]]
            if route.is_own and route.location in leaves.locations:
                here = leaves.locations.index(route.location)
                worth = self.prices.late[:, slot].reshape(-1, *(1,) * (ndim - 2))
                values[..., here, :] += figures.late[int(window)] * worth
        self._price_empty_shelves(leaves, values, above)
        holding, barred = self._holding(chosen, size)
        values = values + _spread(holding, ndim)
        values = np.where(_spread(barred, ndim), np.inf, values)
        best = values.argmin(axis=-1)
        least = np.take_along_axis(values, best[..., None], axis=-1)[..., 0]
        beyond = _per_leaf(self._beyond(chosen, size), ndim)[..., 0]
        is_short = beyond < least
        low = np.where(is_short, beyond, least)
        choice = LeavesChoice(leaves, values, best, is_short)
        return choice, least.sum(axis=-1), low.sum(axis=-1)

    def _holding(self, locations: list[int], size: int) -> tuple[Floats, Booleans]:
        """Holding cost of the tabulated stocks and which are outside the limits: (part, leaf, stock)."""
        stock = self.grids.lowest[:, locations, None] + np.arange(size)
        holding = self.unit_price[:, locations, None] * stock
        barred = (stock > self.highest[:, locations, None]) | (
            stock < self.lowest[:, locations, None]
        )
        return holding, barred

    def _beyond(self, locations: list[int], size: int) -> Floats:
        """Holding cost of the first stock beyond the table; ``inf`` where it is not allowed."""
        stock = np.maximum(self.grids.lowest[:, locations] + size, self.lowest[:, locations])
        holding = self.unit_price[:, locations] * stock
        return np.where(stock > self.highest[:, locations], np.inf, holding)

    def _branch(
        self, branch: Branch, above: tuple[_Above, ...]
    ) -> tuple[BranchChoice, Floats, Floats]:
        l = branch.location
        figures = branch.figures
        ndim = figures.backorders.ndim
        size = figures.backorders.shape[-1] - 1
        below = self._family(l, branch.family, (*above, self._as_above(branch)))
        own = figures.backorders * _trail(self.prices.backorders[:, l], ndim)
        if not self.block.weights.stockout.is_empty:
            own = own + figures.stockout * _trail(self.prices.stockout[:, l], ndim)
        for slot, window in enumerate(self.block.weights.late_window):
            route = self.block.weights.routes[self.block.weights.late_route[slot]]
            if route.is_own and route.location == l:
                own = own + figures.late[int(window)] * _trail(self.prices.late[:, slot], ndim)
        own = self._priced_empty_shelf(l, figures, own, above)
        holding, barred = self._holding([l], size)
        fixed = own[..., :size] + holding.reshape(-1, *(1,) * (ndim - 2), size)
        fixed = np.where(barred.reshape(-1, *(1,) * (ndim - 2), size), np.inf, fixed)
        values = fixed + below.value[..., :size]
        beyond = _trail(self._beyond([l], size)[:, 0], ndim - 1) + below.low[..., size]
        lows = np.concatenate([fixed + below.low[..., :size], beyond[..., None]], axis=-1)
        best, best_low = values.argmin(axis=-1), lows.argmin(axis=-1)
        choice = BranchChoice(branch, values, best, best_low, below)
        return (
            choice,
            np.take_along_axis(values, best[..., None], axis=-1)[..., 0],
            np.take_along_axis(lows, best_low[..., None], axis=-1)[..., 0],
        )

    def _as_above(self, branch: Branch) -> _Above:
        figures = branch.figures
        size = figures.backorders.shape[-1]
        held = self.grids.lowest[:, branch.location, None] + np.arange(size) > 0
        held[:, -1] = True
        return _Above(
            branch.location,
            figures,
            held.reshape(-1, *(1,) * (figures.backorders.ndim - 2), size),
        )

    # -- locations without the part: an ancestor may ship ------------------------------------

    def _price_empty_shelves(
        self, leaves: Leaves, values: Floats, above: tuple[_Above, ...]
    ) -> None:
        """Replace the penalty of stock 0 where an ancestor may serve the customers directly."""
        for here, location in enumerate(leaves.locations):
            if self._has_direct_route(location):
                figures = Figures(
                    leaves.figures.backorders[..., here, :],
                    leaves.figures.stockout[..., here, :],
                    leaves.figures.late,
                )
                values[..., here, :] = self._priced_empty_shelf(
                    location, figures, values[..., here, :], above
                )

    def _has_direct_route(self, location: int) -> bool:
        return any(
            route.location == location and not route.is_own for route in self.block.weights.routes
        )

    def _priced_empty_shelf(
        self, location: int, figures: Figures, penalty: Floats, above: tuple[_Above, ...]
    ) -> Floats:
        """Penalties with stock 0 priced over the routes that are then in use."""
        if not self._has_direct_route(location):
            return penalty
        ndim = penalty.ndim - 1
        empty = figures.stockout[..., 0] * _trail(self.prices.stockout[:, location], ndim)
        for r, route in enumerate(self.block.weights.routes):
            if route.location == location:
                empty = empty + self._route_penalty(r, figures, above, ndim)
        starts_empty = _trail(self.grids.lowest[:, location] == 0, ndim)
        penalty = penalty.copy()
        penalty[..., 0] = np.where(starts_empty, empty, penalty[..., 0])
        return penalty

    def _route_penalty(
        self, r: int, figures: Figures, above: tuple[_Above, ...], ndim: int
    ) -> Floats:
        """Penalty of one route of a location that holds nothing, in every context."""
        weights = self.block.weights
        route = weights.routes[r]
        by_location = {a.location: a for a in above}
        in_use = np.ones((1,) * ndim, dtype=bool)
        for other in route.before:
            in_use = in_use & ~_trail(by_location[other].is_held, ndim)
        if route.is_own:
            pick: Callable[[Floats], Floats] = lambda figure: figure[..., 0]  # noqa: E731
            source = figures
        else:
            shipper = by_location[route.shipper]
            in_use = in_use & _trail(shipper.is_held, ndim)
            pick = lambda figure: _trail(figure, ndim)  # noqa: E731
            source = shipper.figures
        penalty = pick(source.backorders) * _trail(self.prices.route_backorders[:, r], ndim)
        if not route.is_own:
            penalty = penalty + _trail(self.prices.route_fixed[:, r], ndim)
        for slot in np.flatnonzero(weights.late_route == r):
            late = pick(source.late[int(weights.late_window[slot])])
            penalty = penalty + late * _trail(self.prices.late[:, slot], ndim)
        return np.where(in_use, penalty, 0.0)


# -- reading a choice ----------------------------------------------------------------------------


def chosen_stock(choice: FamilyChoice, grids: Grids) -> Integers:
    """Best stock of every part, shape (n_parts, n_locations)."""
    stock = grids.lowest.copy()
    _decode(choice, (np.arange(len(stock)),), stock)
    return stock


def _decode(choice: FamilyChoice, at: tuple[Integers, ...], stock: Integers) -> None:
    leaves = list(choice.leaves.leaves.locations)
    stock[:, leaves] += choice.leaves.best[at]
    for branch in choice.branches:
        best = branch.best[at]
        stock[:, branch.branch.location] += best
        _decode(branch.below, (*at, best), stock)


def short_grids(choice: FamilyChoice, parts: Integers) -> tuple[set[int], set[int]]:
    """Branches and families of leaves whose tables end too early for the lower bound of some parts."""
    branches: set[int] = set()
    leaves: set[int] = set()
    _collect_short(choice, (parts,), branches, leaves)
    return branches, leaves


def _collect_short(
    choice: FamilyChoice, at: tuple[Integers, ...], branches: set[int], leaves: set[int]
) -> None:
    if choice.leaves.is_short[at].any():
        leaves.add(choice.parent)
    for branch in choice.branches:
        best = branch.best_low[at]
        if (best == branch.values.shape[-1]).any():
            branches.add(branch.branch.location)
        _collect_short(branch.below, (*at, best), branches, leaves)


def figures_at(
    tables: Family, grids: Grids, stock: Integers, windows: list[tuple[int, float]]
) -> tuple[Floats, Floats, Floats]:
    """Late units, P(X >= S) and lateness of tabulated stocks, picked from the tables.

    Returns arrays of shape (n_parts, n_locations), the same, and (n_parts, n_windows).
    """
    return figures_of_rows(tables, grids, np.arange(len(stock)), stock, windows)


def figures_of_rows(
    tables: Family,
    grids: Grids,
    parts: Integers,
    stock: Integers,
    windows: list[tuple[int, float]],
) -> tuple[Floats, Floats, Floats]:
    """As ``figures_at`` for rows of any of the block's parts; stock has shape (n_rows, n_locations)."""
    backorders = np.zeros(stock.shape)
    stockout = np.zeros(stock.shape)
    late = np.zeros((len(stock), len(windows)))
    place = stock - grids.lowest[parts]
    _pick(tables, (parts,), place, (backorders, stockout, late), windows)
    return backorders, stockout, late


def _pick(
    family: Family,
    at: tuple[Integers, ...],
    place: Integers,
    out: tuple[Floats, Floats, Floats],
    windows: list[tuple[int, float]],
) -> None:
    backorders, stockout, late = out
    for here, l in enumerate(family.leaves.locations):
        spot = (*at, place[:, l])
        backorders[:, l] = family.leaves.figures.backorders[..., here, :][spot]
        stockout[:, l] = family.leaves.figures.stockout[..., here, :][spot]
        for w, (location, _) in enumerate(windows):
            if location == l:
                late[:, w] = family.leaves.figures.late[w][spot]
    for branch in family.branches:
        l = branch.location
        spot = (*at, place[:, l])
        backorders[:, l] = branch.figures.backorders[spot]
        stockout[:, l] = branch.figures.stockout[spot]
        for w, (location, _) in enumerate(windows):
            if location == l:
                late[:, w] = branch.figures.late[w][spot]
        _pick(branch.family, spot, place, out, windows)


def _trail(x: NDArray[np.generic], ndim: int) -> NDArray[np.generic]:
    return x.reshape(x.shape + (1,) * (ndim - x.ndim))


def _per_leaf(x: Floats, ndim: int) -> Floats:
    """(part, leaf) as (part, 1..., leaf, 1)."""
    return x.reshape(x.shape[0], *(1,) * (ndim - 3), x.shape[1], 1)


def _spread(x: NDArray[np.generic], ndim: int) -> NDArray[np.generic]:
    """(part, leaf, stock) as (part, 1..., leaf, stock)."""
    return x.reshape(x.shape[0], *(1,) * (ndim - 3), *x.shape[1:])

