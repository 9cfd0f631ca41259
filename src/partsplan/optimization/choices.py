"""What the price search chose at every location in every context, and how to read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from partsplan.optimization.axes import Booleans, Floats, Integers
from partsplan.optimization.grids import Grids
from partsplan.optimization.tables import Branch, Family, Figures, Leaves


@dataclass(frozen=True, eq=False)
class LeavesChoice:
    """Values of the childless locations of a family, and the stock that attains them."""

    leaves: Leaves
    values: Floats
    """Value of every tabulated stock: (part, context..., leaf, stock)."""
    best: Integers
    """Grid position of the least value: (part, context..., leaf)."""
    beyond: Floats
    """Least that any stock beyond the table can cost: (part, context... or 1..., leaf)."""

    @property
    def is_short(self) -> Booleans:
        """Whether a stock beyond the table might be better: (part, context..., leaf)."""
        least = np.take_along_axis(self.values, self.best[..., None], axis=-1)[..., 0]
        return self.beyond < least


@dataclass(frozen=True, eq=False)
class BranchChoice:
    """Values of a location with children and the choices below it."""

    branch: Branch
    values: Floats
    """(part, context..., stock), the endless stock left out."""
    best: Integers
    best_low: Integers
    """Grid position of the least lower bound; the table's length means beyond it."""
    beyond: Floats
    """Least that any stock beyond the table can cost: (part, context...)."""
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
    """Branches, and parents of leaves, whose tables end too early for some parts' bound."""
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


def figures_of_rows(
    tables: Family,
    grids: Grids,
    parts: Integers,
    stock: Integers,
    windows: Sequence[tuple[int, float]],
) -> tuple[Floats, Floats, Floats]:
    """Late units, P(X >= S) and lateness of tabulated stocks, picked from the tables.

    Parameters
    ----------
    tables, grids
        Tables of a block and the stocks tabulated.
    parts
        Shape (n_rows,): place of each row's part in the block.
    stock
        Shape (n_rows, n_locations).
    windows
        (location, days) of the block.

    Returns
    -------
    tuple
        Arrays of shape (n_rows, n_locations), the same, and (n_rows, n_windows).
    """
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
    windows: Sequence[tuple[int, float]],
) -> None:
    for here, location in enumerate(family.leaves.locations):
        figures = family.leaves.figures.of_leaf(here)
        _pick_location(location, figures, (*at, place[:, location]), out, windows)
    for branch in family.branches:
        spot = (*at, place[:, branch.location])
        _pick_location(branch.location, branch.figures, spot, out, windows)
        _pick(branch.family, spot, place, out, windows)


def _pick_location(
    location: int,
    figures: Figures,
    spot: tuple[Integers, ...],
    out: tuple[Floats, Floats, Floats],
    windows: Sequence[tuple[int, float]],
) -> None:
    backorders, stockout, late = out
    backorders[:, location] = figures.backorders[spot]
    stockout[:, location] = figures.stockout[spot]
    for w, (place, _) in enumerate(windows):
        if place == location:
            late[:, w] = figures.late[w][spot]
