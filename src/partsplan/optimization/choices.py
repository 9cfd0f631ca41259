"""What the price search chose at every location in every context, and how to read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from partsplan.optimization.axes import Booleans, Floats, Integers
from partsplan.optimization.grids import PIECES, Gap, Grids
from partsplan.optimization.holdings import Holding
from partsplan.optimization.tables import Branch, Family, Figures, Leaves

_MOST_PIECES = 8
"""Pieces that a gap is cut into at most."""
_OWN_SHARE = 0.5
"""Share of a slack that the gaps of a location's own list may take, beside those below it."""

Penalties = Callable[[tuple[Integers, ...]], Floats]
"""Penalties of every listed stock, (row, leaf, stock), given each row's part and contexts."""


@dataclass(frozen=True, eq=False)
class LeavesChoice:
    """The childless locations of a family; values of their stocks are made where asked for."""

    leaves: Leaves
    penalties: Penalties
    holding: Holding

    def values_at(self, at: tuple[Integers, ...]) -> Floats:
        """Value of every tabulated stock: (row, leaf, stock)."""
        return self.penalties(at) + self.holding.here[at[0]]

    def lows_at(self, at: tuple[Integers, ...]) -> Floats:
        """Least that each, or a stock in the gap before it, can cost; beyond the list last."""
        lows = self.penalties(at) + self.holding.from_gap[at[0]]
        return np.concatenate([lows, self.holding.beyond[at[0]][..., None]], axis=-1)


@dataclass(frozen=True, eq=False)
class BranchChoice:
    """Values of a location with children and the choices below it."""

    branch: Branch
    values: Floats
    """(part, context..., stock), the endless stock left out."""
    lows: Floats
    """Least that a stock or one in the gap before it can cost, same axes; then beyond the list."""
    below: FamilyChoice

    def gaps_on_path(self, grids: Grids, at: tuple[Integers, ...], slack: Floats) -> list[Gap]:
        """Gaps here and below; see the function."""
        location, lists = self.branch.location, grids.branch[self.branch.location]
        values, lows = self.values[at], self.lows[at]
        least = values.min(axis=-1)
        row, place = np.nonzero(lows < (least - slack)[:, None])
        if not len(row):
            return []
        inside = (*(above[row] for above in at), place)
        value_below = self.below.value[inside]
        has_least, has_below = np.isfinite(least)[row], np.isfinite(value_below)
        without = np.where(has_least, 0.0, -np.inf)
        some = has_least & has_below
        low_below = self.below.low[inside][some]
        without[some] = lows[row, place][some] + value_below[some] - low_below - least[row[some]]
        is_own = without < -_OWN_SHARE * slack[row]
        wide = np.full(lows.shape, np.inf)
        wide[row, place] = np.where(is_own, -np.inf, np.inf)
        pieces = np.full(lows.shape, PIECES)
        is_listed = some & (place < values.shape[-1])
        here = row[is_listed], place[is_listed]
        low = without[is_listed] + least[here[0]]
        enough = least[here[0]] - _OWN_SHARE * slack[here[0]]
        pieces[here] = _pieces((low, enough), (low, values[here]))
        found = gaps_below(location, lists, at[0], wide, least, pieces=pieces)
        left = np.where(is_own, _OWN_SHARE * slack[row], slack[row] + without)
        is_worth = is_own & has_least & (place < values.shape[-1])
        left[is_worth] += values[row[is_worth], place[is_worth]] - least[row[is_worth]]
        return found + gaps_on_path(self.below, grids, inside, left)


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

    @property
    def n_locations(self) -> int:
        """Locations of the family and below it."""
        below = sum(1 + branch.below.n_locations for branch in self.branches)
        return len(self.leaves.leaves.locations) + below


def chosen_stock(choice: FamilyChoice, grids: Grids) -> Integers:
    """Best stock of every part, shape (n_parts, n_locations)."""
    n_parts = len(choice.value)
    stock = np.zeros((n_parts, grids.n_locations), dtype=np.int64)
    _decode(choice, grids, (np.arange(n_parts),), stock)
    return stock


def _decode(choice: FamilyChoice, grids: Grids, at: tuple[Integers, ...], stock: Integers) -> None:
    leaves = list(choice.leaves.leaves.locations)
    if leaves:
        place = choice.leaves.values_at(at).argmin(axis=-1)[..., None]
        lists = grids.leaves[choice.parent][at[0]]
        stock[:, leaves] = np.take_along_axis(lists, place, axis=-1)[..., 0]
    for branch in choice.branches:
        location, best = branch.branch.location, branch.values[at].argmin(axis=-1)
        stock[:, location] = grids.branch[location][at[0], best]
        _decode(branch.below, grids, (*at, best), stock)


def gaps_on_path(
    choice: FamilyChoice, grids: Grids, at: tuple[Integers, ...], slack: Floats
) -> list[Gap]:
    """Gaps that hold the lower bounds of a family down further than a slack.

    A bound is held down by gaps of a location's own list, then by those below it: where a stock is
    far from the best, what is listed below it may be coarse.

    Parameters
    ----------
    choice, grids
        Values of a block and its lists.
    at
        Part of each row, and the places of its locations above, the root first.
    slack
        How far below the least value the family's bound may be left, by row.
    """
    found: list[Gap] = []
    locations = choice.leaves.leaves.locations
    each = slack / choice.n_locations
    if locations:
        lows = choice.leaves.lows_at(at)
        most = choice.leaves.values_at(at).min(axis=-1) - each[:, None]
        for here in np.flatnonzero((lows < most[..., None]).any(axis=(0, 2))).tolist():
            lists = grids.leaves[choice.parent][:, here]
            low, enough = lows[:, here], most[:, [here]]
            holding = choice.leaves.holding
            pieces = np.full(low.shape, PIECES)
            held, first = holding.here[at[0], here], holding.from_gap[at[0], here]
            pieces[:, :-1] = _pieces((low[:, :-1], enough), (first, held))
            found += gaps_below(locations[here], lists, at[0], low, enough[:, 0], pieces=pieces)
    for branch in choice.branches:
        found += branch.gaps_on_path(grids, at, each * (1 + branch.below.n_locations))
    return found


def lows_on_path(choice: FamilyChoice, at: tuple[Integers, ...]) -> dict[int, Floats]:
    """Lower bounds of every location's stocks, given the best choices above: (part, stock)."""
    locations = choice.leaves.leaves.locations
    found = {}
    if locations:
        lows = choice.leaves.lows_at(at)
        found = {location: lows[:, here, :-1] for here, location in enumerate(locations)}
    for branch in choice.branches:
        found[branch.branch.location] = branch.lows[at][:, :-1]
        found |= lows_on_path(branch.below, (*at, branch.values[at].argmin(axis=-1)))
    return found


def excess_on_path(choice: FamilyChoice, at: tuple[Integers, ...], scale: Floats) -> Floats:
    """Excess over the least of every stock of every location, given the best choices above.

    ``scale`` of each part is what its excess is measured in.
    """
    leaves = choice.leaves.values_at(at)
    unit = scale[at[0], None]
    found = [np.zeros(0)]
    if leaves.size:
        excess = leaves - leaves.min(axis=-1, keepdims=True)
        found.append((excess / unit[..., None]).ravel())
    for branch in choice.branches:
        values = branch.values[at]
        found.append(((values - values.min(axis=-1, keepdims=True)) / unit).ravel())
        found.append(excess_on_path(branch.below, (*at, values.argmin(axis=-1)), scale))
    excess = np.concatenate(found)
    return np.asarray(excess[(excess > 0.0) & np.isfinite(excess)])


def stocks_one_change_away(
    choice: FamilyChoice, grids: Grids, slack: Floats
) -> tuple[Integers, Integers]:
    """Tabulated stocks that differ from a part's best at one location, and cost little more.

    ``slack`` says how much, by part.

    Below a location with another stock the others hold what is best then.

    Returns
    -------
    tuple
        Place in the block, shape (n_rows,), and stock, shape (n_rows, n_locations).
    """
    rows = np.arange(len(choice.value))
    found = _changed_within(choice, grids, (rows,), chosen_stock(choice, grids), slack)
    parts, stocks = zip(*found, strict=True)
    return np.concatenate(parts), np.concatenate(stocks)


def _changed_within(
    choice: FamilyChoice, grids: Grids, at: tuple[Integers, ...], best: Integers, slack: Floats
) -> Iterator[tuple[Integers, Integers]]:
    """Changes at or below the locations of a family, given the best choices above."""
    leaves = np.array(choice.leaves.leaves.locations, dtype=np.int64)
    if len(leaves):
        row, leaf, place = _others(choice.leaves.values_at(at), slack[at[0]])
        stock = best[row]
        stock[np.arange(len(row)), leaves[leaf]] = grids.leaves[choice.parent][row, leaf, place]
        yield row, stock
    for branch in choice.branches:
        location = branch.branch.location
        values = branch.values[at]
        row, _, place = _others(values[:, None], slack[at[0]])
        stock = best[row]
        stock[:, location] = grids.branch[location][row, place]
        _decode(branch.below, grids, (*(above[row] for above in at), place), stock)
        yield row, stock
        yield from _changed_within(branch.below, grids, (*at, values.argmin(axis=-1)), best, slack)


def _others(values: Floats, slack: Floats) -> tuple[Integers, Integers, Integers]:
    """Row, location and place of the stocks that cost more than the least, but little."""
    excess = values - values.min(axis=-1, keepdims=True)
    row, location, place = np.nonzero((excess > 0.0) & (excess <= slack[:, None, None]))
    return row, location, place


def _pieces(bound: tuple[Floats, Floats], ends: tuple[Floats, Floats]) -> Integers:
    """Pieces to cut gaps into, so that each holds its bound down no further than allowed.

    Of ``bound``, what it is and what is allowed; of ``ends``, what the first and the last stock
    of the gap cost.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        bearable = 1.0 - (bound[1] - bound[0]) / (ends[1] - ends[0])
        pieces = np.ceil(1.0 / bearable)
    is_known = np.isfinite(pieces) & (bearable > 0.0)
    return np.where(is_known, np.clip(pieces, 2, _MOST_PIECES), PIECES).astype(np.int64)


def gaps_below(
    location: int,
    lists: Integers,
    parts: Integers,
    lows: Floats,
    most: Floats,
    *,
    pieces: Integers | None = None,
) -> list[Gap]:
    """Gaps of one location whose bounds are below ``most``, by row; a part once in each record.

    ``pieces``, of the shape of ``lows``, are what each gap is to be cut into.
    """
    row, place = np.nonzero(lows < most[:, None])
    part = parts[row]
    is_gap = ends_gap(lists[part], place)
    if not is_gap.any():
        return []
    row, place, part = row[is_gap], place[is_gap], part[is_gap]
    (part, own), same = np.unique(np.stack([part, place]), axis=1, return_inverse=True)
    cut = np.full(len(part), PIECES)
    if pieces is not None:
        cut = np.zeros(len(part), dtype=np.int64)
        np.maximum.at(cut, same.ravel(), pieces[row, place])
    turn = np.arange(len(part)) - np.searchsorted(part, part)
    some = [turn == k for k in range(int(turn.max()) + 1)]
    return [Gap(location, part[own_turn], own[own_turn], cut[own_turn]) for own_turn in some]


def ends_gap(lists: Integers, place: Integers) -> Booleans:
    """Whether a place of each list, or the one behind it, ends a gap of stocks not tabulated."""
    size = lists.shape[-1]
    rows = np.arange(len(place))
    here = lists[rows, np.minimum(place, size - 1)]
    before = np.where(place > 0, lists[rows, np.maximum(place - 1, 0)], here - 1)
    return np.asarray((place == size) | (here > before + 1))


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
        Arrays of shape (n_rows, n_locations), the same (0 where no promise weighs P(X >= S)), and
        (n_rows, n_windows).
    """
    backorders = np.zeros(stock.shape)
    stockout = np.zeros(stock.shape)
    late = np.zeros((len(stock), len(windows)))
    place = np.zeros_like(stock)
    for location, lists in grids.branch.items():
        place[:, location] = (lists[parts] == stock[:, location, None]).argmax(axis=-1)
    for parent, members in grids.members.items():
        chosen = list(members)
        place[:, chosen] = (grids.leaves[parent][parts] == stock[:, chosen, None]).argmax(axis=-1)
    _pick(tables, (parts,), place, (backorders, stockout, late), windows)
    return backorders, stockout, late


def _pick(
    family: Family,
    at: tuple[Integers, ...],
    place: Integers,
    out: tuple[Floats, Floats, Floats],
    windows: Sequence[tuple[int, float]],
) -> None:
    _pick_leaves(family.leaves, at, place, out, windows)
    for branch in family.branches:
        spot = (*at, place[:, branch.location])
        _pick_location(branch.location, branch.figures, spot, out, windows)
        _pick(branch.family, spot, place, out, windows)


def _pick_leaves(
    leaves: Leaves,
    at: tuple[Integers, ...],
    place: Integers,
    out: tuple[Floats, Floats, Floats],
    windows: Sequence[tuple[int, float]],
) -> None:
    chosen, figures = list(leaves.locations), leaves.figures
    above = tuple(one[:, None] for one in at)
    spot = (*above, np.arange(len(chosen)), place[:, chosen])
    out[0][:, chosen] = figures.backorders[spot]
    if figures.stockout is not None:
        out[1][:, chosen] = figures.stockout[spot]
    for w in figures.late:
        out[2][:, w] = figures.late[w][(*at, place[:, windows[w][0]])]


def _pick_location(
    location: int,
    figures: Figures,
    spot: tuple[Integers, ...],
    out: tuple[Floats, Floats, Floats],
    windows: Sequence[tuple[int, float]],
) -> None:
    backorders, stockout, late = out
    backorders[:, location] = figures.backorders[spot]
    if figures.stockout is not None:
        stockout[:, location] = figures.stockout[spot]
    for w, (place, _) in enumerate(windows):
        if place == location:
            late[:, w] = figures.late[w][spot]
