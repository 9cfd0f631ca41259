"""All stock vectors whose cost and penalties come near their part's least.

The excess of a stock vector over the best one is the sum, over locations, of what its choice
there adds given the choices above. So the vectors within a slack are listed by walking down the
tree and keeping every choice that the slack still left allows; none is missed in the tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.choices import FamilyChoice
from partsplan.optimization.grids import Grids


class TooManyStocksError(Exception):
    """More stock vectors lie within the slack than the caller can take."""


class TableTooShortError(Exception):
    """A stock beyond the tables may lie within the slack."""

    def __init__(self, branches: set[int], leaves: set[int]) -> None:
        super().__init__("a stock beyond the tables may lie within the slack")
        self.branches = branches
        """Locations with children whose tables must grow."""
        self.leaves = leaves
        """Parents of childless locations whose tables must grow."""


def stocks_within(
    choice: FamilyChoice, grids: Grids, slack: Floats, limit: int, changes: int | None
) -> tuple[Integers, Integers]:
    """Every tabulated stock vector within a slack of its part's best.

    Parameters
    ----------
    choice
        Values of a block at some prices.
    grids
        The tabulated stocks.
    slack
        Shape (n_parts,): largest excess; a part with negative slack gets no vector.
    limit
        Most vectors to return.
    changes
        Most locations whose choice is not the best given the choices above; ``None`` for all
        stocks, tabulated or not.

    Returns
    -------
    tuple
        Place in the block, shape (n_rows,), and stock, shape (n_rows, n_locations).

    Raises
    ------
    TooManyStocksError
        If there are more than ``limit``.
    TableTooShortError
        If all stocks are asked for and the tables end too early.
    """
    part = np.flatnonzero(slack >= 0.0)
    place = np.zeros((len(part), grids.lowest.shape[1]), dtype=np.int64)
    left = slack[part]
    changes_left = np.full(len(part), grids.lowest.shape[1] if changes is None else changes)
    for spot in _spots(choice, ()):
        at = (part, *(place[:, above] for above in spot.path))
        here = spot.values[at]
        least = here.min(axis=-1)
        if changes is None and (spot.beyond[at] - least <= left).any():
            raise TableTooShortError(*spot.too_short)
        excess = here - least[:, None]
        may = excess <= left[:, None]
        may &= (excess <= 0.0) | (changes_left > 0)[:, None]
        row, chosen = np.nonzero(may)
        if len(row) > limit:
            raise TooManyStocksError
        left = left[row] - excess[row, chosen]
        changes_left = changes_left[row] - (excess[row, chosen] > 0.0)
        part, place = part[row], place[row]
        place[:, spot.location] = chosen
    return part, grids.lowest[part] + place


@dataclass(frozen=True, eq=False)
class _Spot:
    """One location of the walk down the tree."""

    location: int
    path: tuple[int, ...]
    """Locations above, the root first."""
    values: Floats
    """(part, context..., stock)."""
    beyond: Floats
    """Least of the stocks beyond the table: (part, context...)."""
    too_short: tuple[set[int], set[int]]
    """What must grow if the table is too short."""


def _spots(choice: FamilyChoice, path: tuple[int, ...]) -> Iterator[_Spot]:
    """All locations below a parent, each after those above it."""
    values = choice.leaves.values
    for here, location in enumerate(choice.leaves.leaves.locations):
        beyond = np.broadcast_to(choice.leaves.beyond[..., here], values.shape[:-2])
        yield _Spot(location, path, values[..., here, :], beyond, (set(), {choice.parent}))
    for branch in choice.branches:
        location = branch.branch.location
        beyond = np.broadcast_to(branch.beyond, branch.values.shape[:-1])
        yield _Spot(location, path, branch.values, beyond, ({location}, set()))
        yield from _spots(branch.below, (*path, location))
