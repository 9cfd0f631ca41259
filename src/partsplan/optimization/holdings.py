"""What tabulated stocks cost to hold, and the least that the stocks between them cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.grids import Grids


@dataclass(frozen=True, eq=False)
class Holding:
    """Cost of holding tabulated stocks, ``inf`` where the limits bar them."""

    here: Floats
    """(part, [leaf,] stock)."""
    from_gap: Floats
    """The least of the stock itself and those in the gap before it; same axes."""
    beyond: Floats
    """The first stock beyond the list: (part[, leaf])."""
    has_gaps: bool

    @classmethod
    def of(cls, stock: Integers, unit: Floats, lowest: Integers, highest: Floats) -> Holding:
        """Holding of lists of stocks; the rest has the same axes, the last of length 1."""
        before = np.concatenate([stock[..., :1] - 1, stock[..., :-1]], axis=-1)
        first = np.minimum(np.maximum(before + 1, lowest), stock)
        is_out = (stock < lowest) | (stock == before)  # lists are filled up with their last entry
        here = np.where(is_out | (stock > highest), np.inf, unit * stock)
        from_gap = np.where(is_out | (first > highest), np.inf, unit * first)
        further = np.maximum(stock[..., -1:] + 1, lowest)
        beyond = np.where(further > highest, np.inf, unit * further)[..., 0]
        return cls(here, from_gap, beyond, bool((first < stock).any()))


@dataclass(frozen=True, eq=False)
class Holdings:
    """Holding of all lists of a block."""

    branch: Mapping[int, Holding]
    """By location with children: axes (part, stock)."""
    leaves: Mapping[int, Holding]
    """By parent: axes (part, leaf, stock)."""

    @classmethod
    def of(cls, grids: Grids, unit_price: Floats, limits: tuple[Integers, Floats]) -> Holdings:
        """Holding of lists within limits.

        Parameters
        ----------
        grids
            The lists.
        unit_price
            Shape (n_parts, n_locations): cost of holding one unit in the objective's unit.
        limits
            Fewest and most units a location may hold, each of shape (n_parts, n_locations);
            ``inf`` where unlimited.
        """
        lowest, highest = limits

        def held(lists: Integers, at: int | list[int]) -> Holding:
            return Holding.of(
                lists, unit_price[:, at, None], lowest[:, at, None], highest[:, at, None]
            )

        return cls(
            branch={at: held(lists, at) for at, lists in grids.branch.items()},
            leaves={
                parent: held(lists, list(grids.members[parent]))
                for parent, lists in grids.leaves.items()
            },
        )
