"""The planning problem of the parts of one block: all that its price search needs to know.

It stands alone, without the network, so that it can be made when it is needed, let go of, and
sent to another process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from partsplan.evaluation.lazy import lazy
from partsplan.evaluation.measuring import Evaluation
from partsplan.evaluation.model import PartBlock
from partsplan.optimization.axes import Booleans, Floats, Integers
from partsplan.optimization.grids import endless_stock

Number = TypeVar("Number", bound=np.generic)

NO_CHILD = -1

StockBounds = tuple[Integers, Floats]
"""Fewest and most units, each of shape (n_parts, n_locations)."""


@dataclass(frozen=True, eq=False)
class BlockProblem:
    """Parts, their prices and limits, and which promises are kept."""

    evaluation: Evaluation
    block: PartBlock
    unit_price: Floats
    """Cost of a unit held, in the objective's unit; shape (n_parts, n_locations)."""
    owned: Floats
    """Units of each part that cost nothing; shape (n_parts,)."""
    lowest: Integers
    """Fewest units allowed; shape (n_parts, n_locations)."""
    highest: Floats
    """Most units allowed, ``inf`` where unlimited; shape (n_parts, n_locations)."""
    kept: Integers
    """Positions of the promises that are kept, among all."""
    n_promises: int
    """Number of all promises."""
    places: Integers | None = None
    """Of a compacted problem: the location of every place of every part, see `compaction`."""
    n_locations: int = 0
    """Of a compacted problem: locations of the network."""
    only_children: Integers | None = None
    """As `single_chains.only_children` has it; None where there are none."""

    @lazy
    def limits(self) -> StockBounds:
        """Fewest and most units; what costs nothing is held at most until it never runs out."""
        lowest, highest = self.lowest, self.highest
        is_free = self.unit_price <= 0.0
        if is_free.any():
            enough = np.maximum(np.minimum(endless_stock(self.block.tree), highest), lowest)
            highest = np.where(is_free, enough, highest)
        return lowest, highest

    @lazy
    def searched_limits(self) -> StockBounds:
        """Fewest and most units that need be looked at."""
        return self.narrowed(self.limits)

    def narrowed(self, limits: StockBounds) -> StockBounds:
        """Limits that leave out what an only child may hold instead.

        Nothing is lost where they are a part of the problem's: of all stocks that the problem
        allows the best holds nothing there, and it is looked at in the part that it belongs to.
        """
        if self.only_children is None:
            return limits
        lowest, highest = limits
        return lowest, np.where(self.is_left_to_child, lowest, highest)

    @lazy
    def is_left_to_child(self) -> Booleans:
        """Where an only child may hold any number instead; shape (n_parts, n_locations)."""
        if self.only_children is None:
            return np.zeros(self.lowest.shape, dtype=bool)
        child = np.maximum(self.only_children, 0)
        is_free = np.isinf(np.take_along_axis(self.limits[1], child, axis=1))
        return np.asarray((self.only_children != NO_CHILD) & is_free)

    @lazy
    def fixed_use(self) -> Floats:
        """Use of every kept promise that no stock avoids; shape (n_parts, n_kept)."""
        return np.asarray(self.block.weights.unavoidable_use()[:, self.kept])

    @lazy
    def avoidable_use(self) -> Floats:
        """Fixed use that another shipper would not have; shape (n_parts, n_kept)."""
        return np.asarray(self.block.weights.fixed_use()[:, self.kept] - self.fixed_use)

    def price_of_all(self, price: Floats) -> Floats:
        """Prices of all promises, 0 where they are not kept."""
        full = np.zeros(self.n_promises)
        full[self.kept] = price
        return full

    def cost(self, rows: Integers, stock: Integers) -> Floats:
        """Cost of one stock vector per row, in the objective's unit; rows are places here."""
        if not self.owned.any():
            return np.asarray((self.unit_price[rows] * stock).sum(axis=1))
        unit = self.unit_price[rows].max(axis=1)
        return np.asarray(unit * np.maximum(stock.sum(axis=1) - self.owned[rows], 0.0))

    def at_places(self, whole: NDArray[Number]) -> NDArray[Number]:
        """What an array of shape (n_parts, locations of the network) has for the places here."""
        return whole if self.places is None else np.take_along_axis(whole, self.places, axis=1)

    def at_locations(self, rows: Integers, own: NDArray[Number]) -> NDArray[Number]:
        """An array of some parts and their places, by location of the network; 0 elsewhere."""
        if self.places is None:
            return own
        whole = np.zeros((len(rows), self.n_locations), dtype=own.dtype)
        np.put_along_axis(whole, self.places[rows], own, axis=1)
        return whole
