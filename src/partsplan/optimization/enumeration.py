"""All stock vectors whose cost and penalties come near their part's least.

The excess of a stock vector over the best one is the sum, over locations, of what its choice
there adds given the choices above. So the vectors within a slack are listed by walking down the
tree and keeping every choice that the slack still left allows; none is missed in the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from partsplan.optimization.axes import Floats, Integers
from partsplan.optimization.choices import FamilyChoice, gaps_below, gaps_on_path
from partsplan.optimization.grids import Gap, Grids


class TooManyStocksError(Exception):
    """More stock vectors lie within the slack than the caller can take."""


class TableTooShortError(Exception):
    """Stocks that are not tabulated may lie within the slack."""

    def __init__(self, gaps: list[Gap]) -> None:
        super().__init__("stocks that are not tabulated may lie within the slack")
        self.gaps = gaps
        """Where they lie."""


def stocks_within(
    choice: FamilyChoice, grids: Grids, slack: Floats, limit: int
) -> tuple[Integers, Integers]:
    """Every stock vector within a slack of its part's best.

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

    Returns
    -------
    tuple
        Place in the block, shape (n_rows,), and stock, shape (n_rows, n_locations).

    Raises
    ------
    TooManyStocksError
        If there are more than ``limit``.
    TableTooShortError
        If some within the slack are not tabulated.
    """
    part = np.flatnonzero(slack >= 0.0)
    place = np.zeros((len(part), grids.n_locations), dtype=np.int64)
    left = slack[part]
    for spot in _spots(choice, ()):
        at = (part, *(place[:, above] for above in spot.path))
        here = spot.values_at(at)
        least = here.min(axis=-1)
        # within narrow limits nothing may be tabulated yet: then all is infinite
        excess = np.full_like(here, np.inf)
        np.subtract(here, least[:, None], out=excess, where=np.isfinite(here))
        may = excess <= left[:, None]
        row, chosen = np.nonzero(may)
        if len(row) > limit:
            raise TooManyStocksError
        gaps = spot.gaps_within(at, least + left, grids)
        untabulated = sum(
            gap.n_stocks(grids.of(spot.location, spot.parent))
            for gap in gaps
            if gap.location == spot.location
        )
        if len(row) + untabulated > limit:
            raise TooManyStocksError
        if gaps:
            raise TableTooShortError(gaps)
        left = left[row] - excess[row, chosen]
        part, place = part[row], place[row]
        place[:, spot.location] = chosen
    stock = np.empty_like(place)
    for spot in _spots(choice, ()):
        lists = grids.of(spot.location, spot.parent)[part]
        stock[:, spot.location] = np.take_along_axis(lists, place[:, [spot.location]], 1)[:, 0]
    return part, stock


@dataclass(frozen=True, eq=False)
class _Spot:
    """One location of the walk down the tree."""

    location: int
    parent: int
    path: tuple[int, ...]
    """Locations above, the root first."""
    values_at: Callable[[tuple[Integers, ...]], Floats]
    """Given each row's part and contexts: (row, stock)."""
    lows_at: Callable[[tuple[Integers, ...]], Floats]
    """Least of a stock and the gap before it, same axes, then of the stocks beyond the list."""
    below: FamilyChoice | None
    """Choices below a location with children."""

    def gaps_within(self, at: tuple[Integers, ...], most: Floats, grids: Grids) -> list[Gap]:
        """Gaps, here or below, in which a stock may cost at most ``most``, by row."""
        lists = grids.of(self.location, self.parent)
        lows = self.lows_at(at)
        values = np.concatenate([self.values_at(at), np.full((len(lows), 1), np.inf)], axis=-1)
        is_loose = (lows <= most[:, None]) & (lows < values)
        found = gaps_below(self.location, lists, at[0], np.where(is_loose, -np.inf, np.inf), most)
        if self.below is not None:
            row, place = np.nonzero(is_loose)
            inside = tuple(above[row] for above in at)
            found += gaps_on_path(self.below, grids, (*inside, place), np.zeros(len(row)))
        return found


def _spots(choice: FamilyChoice, path: tuple[int, ...]) -> Iterator[_Spot]:
    """All locations below a parent, each after those above it."""
    leaves = choice.leaves
    for here, location in enumerate(leaves.leaves.locations):
        yield _Spot(
            location,
            choice.parent,
            path,
            partial(_of_leaf, leaves.values_at, here),
            partial(_of_leaf, leaves.lows_at, here),
            None,
        )
    for branch in choice.branches:
        location = branch.branch.location
        values, lows = branch.values.__getitem__, branch.lows.__getitem__
        yield _Spot(location, choice.parent, path, values, lows, branch.below)
        yield from _spots(branch.below, (*path, location))


def _of_leaf(
    figures: Callable[[tuple[Integers, ...]], Floats], here: int, at: tuple[Integers, ...]
) -> Floats:
    return figures(at)[:, here]
